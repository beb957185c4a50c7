//! How a log is read: from its last checkpoint on, or as a whole where the index does not help. Nothing is run.

use std::{fs::File, io, path::PathBuf};

use super::{
    Loaded,
    files::{self, Files, failed},
    index,
    lines::Lines,
    read::{self, Fact, Kind},
    record,
    tally::{Span, Tally},
};
use crate::{interpreter::Changes, lock, session::SessionId, shell::ShellError};

/// What the disk has of a log.
pub(super) struct Survey {
    pub(super) tally: Tally,
    pub(super) loaded: Loaded,
    pub(super) origin: Origin,
}

/// Where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// There is none yet.
    Absent,
    /// In its file.
    Log,
    /// In the older one: whoever wrote it was killed between two renames.
    Older,
}

/// Reads a log, and changes nothing.
pub(super) fn survey(files: &Files, id: SessionId) -> Result<Survey, ShellError> {
    let Some(mut log) = Part::open(files.log())? else {
        let Some(older) = Part::open(files.older())? else {
            let (tally, loaded, origin) = (Tally::new(), Loaded::default(), Origin::Absent);
            return Ok(Survey { tally, loaded, origin });
        };
        let (tally, mut loaded) = older.read(Tally::new(), Loaded::default())?;
        loaded.is_index_rebuilt = true;
        // The older part is never cut.
        loaded.damaged_lines += u64::from(std::mem::take(&mut loaded.cut_bytes) > 0);
        return Ok(Survey { tally, loaded, origin: Origin::Older });
    };
    let known = index::find(files, id, &log.file);
    log.grow()?;
    let is_index_rebuilt = known.is_none() && log.length > 0;
    let (mut tally, mut loaded) = log.read(known.unwrap_or_else(Tally::new), Loaded::default())?;
    let mut origin = Origin::Log;
    // A log that does not know what was before it, although something was, is one whose first line is damaged.
    if loaded.checkpoint.is_none()
        // A log that became the older part meanwhile is not read twice.
        && !lock::is_at(&log.file, &files.older())
        && let Some(older) = Part::open(files.older())?
    {
        let is_empty = tally.last_line.is_none();
        let (before, held) = older.read(Tally::new(), Loaded::default())?;
        (tally, loaded) = log.read(before.in_next_file(), held)?;
        origin = if is_empty { Origin::Older } else { Origin::Log };
    }
    loaded.is_index_rebuilt = is_index_rebuilt;
    Ok(Survey { tally, loaded, origin })
}

/// One of the two files of a log, as long as it was when it was opened.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Part {
    fn open(path: PathBuf) -> Result<Option<Self>, ShellError> {
        let Some(file) = files::open(&path)? else {
            return Ok(None);
        };
        let length = file.metadata().map_err(failed("look at", &path))?.len();
        Ok(Some(Self { path, file, length }))
    }

    /// Takes in what came since it was opened.
    fn grow(&mut self) -> Result<(), ShellError> {
        self.length = self.file.metadata().map_err(failed("look at", &self.path))?.len();
        Ok(())
    }

    fn read(&self, tally: Tally, loaded: Loaded) -> Result<(Tally, Loaded), ShellError> {
        read(&self.file, self.length, tally, loaded).map_err(failed("read", &self.path))
    }
}

/// Reads a log of which a part may be counted already: then only what stands behind its last checkpoint is read.
fn read(file: &File, length: u64, mut tally: Tally, mut loaded: Loaded) -> io::Result<(Tally, Loaded)> {
    let begin = tally.checkpoints.back().map_or(0, |mark| mark.offset);
    let mut lines = Lines::between(file, begin, length)?;
    // Damaged lines at the end are torn; those before a whole one are lost.
    let mut damaged = 0;
    while let Some(line) = lines.next()? {
        let checksum = record::checksum(line.text).filter(|_| line.has_end);
        let Some(checksum) = checksum else {
            damaged += 1;
            continue;
        };
        let fact = read::fact(line.text);
        if line.offset >= tally.bytes {
            tally.pass_over(damaged);
            let span = Span { offset: line.offset, next: line.next, checksum };
            tally.note(span, fact.as_ref());
        }
        loaded.damaged_lines += std::mem::take(&mut damaged);
        match fact {
            Some(fact) => replay(&mut loaded, fact),
            // What a newer wharf writes may look different in every part.
            None if read::head(line.text).is_some_and(|head| head.kind() == Kind::Unknown) => {
                loaded.unknown_events += 1;
            }
            None => loaded.damaged_lines += 1,
        }
    }
    loaded.cut_bytes = length.saturating_sub(tally.bytes);
    loaded.unfinished = tally.running;
    if loaded.interpreter.is_none() {
        loaded.interpreter.clone_from(&tally.interpreter);
    }
    Ok((tally, loaded))
}

/// Adds what an event did to a context.
fn replay(loaded: &mut Loaded, fact: Fact<'_>) {
    match fact.kind() {
        Kind::Input => {
            loaded.interpreter = fact.interpreter.as_deref().map(ToOwned::to_owned);
            if fact.fresh {
                loaded.changes = Changes::default();
                loaded.later.clear();
            }
        }
        Kind::Output => {
            let changes = fact.into_changes();
            loaded.later.extend(changes.set.keys().chain(&changes.unset).cloned());
            loaded.changes.then(changes);
            loaded.applied += 1;
        }
        Kind::Checkpoint => {
            loaded.interpreter = fact.interpreter.as_deref().map(ToOwned::to_owned);
            loaded.checkpoint = Some(fact.number);
            loaded.applied = 0;
            loaded.later.clear();
            loaded.changes = fact.into_changes();
        }
        Kind::Late => (),
        Kind::Unknown => loaded.unknown_events += 1,
    }
}
