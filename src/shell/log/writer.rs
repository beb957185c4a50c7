//! The one writer of a log: opens it, adds events, and keeps its index.

use std::{io, path::Path, sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    Loaded, Written,
    append::Tape,
    bytes::Writing,
    files::{self, Files, failed},
    index,
    late::{Lateness, Piece},
    lines::LINE_BYTES_MAX,
    load::{self, Origin, Survey},
    read,
    record::{self, ChangesRecord, Record, stream_word},
    rotate, summary,
    tally::{Span, Tally},
    torn,
};
use crate::{
    atomic,
    clock::{Clock, Timestamp},
    interpreter::Changes,
    limits::ShellLimits,
    lock::{Lock, LockError},
    session::{SessionId, SessionName},
    shell::{Ground, ShellError, Stream, Summary},
    text,
};

/// How long a new writer waits for one that is about to end.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

/// Up to how many bytes a checkpoint is always written.
const CHECKPOINT_BYTES_FREE: u64 = 64 << 10;

/// The log of the commands of one session, for the process that writes it.
pub struct CommandLog {
    files: Files,
    id: SessionId,
    part_bytes_max: u64,
    clock: Arc<dyn Clock>,
    tape: Tape,
    tally: Tally,
    late: Lateness,
    /// Where the last checkpoint of this writer ends, while all that came after it is in the log.
    checkpoint_end: Option<u64>,
    /// Whether the name of the log is known to be on the disk.
    is_name_synced: bool,
    _lock: Lock,
}

impl CommandLog {
    /// Opens the log in the folder of a session for writing, and says what it holds. A torn end is kept aside and cut off; a
    /// wrong index is made anew.
    pub fn open(
        folder: &Path,
        id: SessionId,
        name: &SessionName,
        limits: &ShellLimits,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Loaded), ShellError> {
        let files = Files::in_folder(folder);
        files.make_folder()?;
        let lock = Lock::take(&files.lock(), LOCK_WAIT_MAX).map_err(|err| locked(&files, err))?;
        rotate::tidy(&files)?;
        let Survey { mut tally, loaded, origin } = load::survey(&files, id)?;
        name.as_str().clone_into(&mut tally.name);
        if loaded.cut_bytes > 0 {
            let kept = torn::keep(&files, tally.bytes, clock.now())?.unwrap_or_default();
            let bytes = loaded.cut_bytes;
            warn!(sessionId = %id, bytes, kept = %kept.display(), "the log of commands had a torn end, which was cut");
        }
        if loaded.damaged_lines > 0 {
            warn!(sessionId = %id, lines = loaded.damaged_lines, "damaged lines of the log of commands were passed over");
        }
        if origin == Origin::Older {
            info!(sessionId = %id, "the log of commands goes on behind its older part");
            let interpreter = loaded.interpreter.as_deref().unwrap_or_default();
            let line = checkpoint(&tally, interpreter, &loaded.changes, clock.now());
            rotate::complete(&files, &line)?;
            tally = tally.in_next_file();
            note(&mut tally, &line);
        }
        let path = files.log();
        let file = files.append()?;
        let tape = Tape::of(file, tally.bytes).map_err(failed("cut", &path))?;
        let log = Self {
            part_bytes_max: limits.log_bytes_max / 2,
            late: Lateness::of(limits.output_kept_max),
            checkpoint_end: None,
            is_name_synced: tally.bytes > 0,
            files,
            id,
            clock,
            tape,
            tally,
            _lock: lock,
        };
        if loaded.is_index_rebuilt {
            warn!(sessionId = %id, "the index of the log of commands was missing or wrong and is made anew");
            log.write_index();
        }
        Ok((log, loaded))
    }

    /// Keeps a command before it is run, and answers its number. One for a fresh context brings an empty checkpoint with it.
    pub fn input(&mut self, interpreter: &str, ground: Ground, text: &[u8]) -> Result<u64, ShellError> {
        let number = self.tally.next_number();
        let now = self.clock.now();
        let fresh = ground == Ground::Fresh;
        let command = Writing(text);
        let input = Record::Input { number, at: now.to_string(), interpreter, fresh, command }.line();
        if !fresh {
            self.append(&[input])?;
            return Ok(number);
        }
        let created = self.tally.created.unwrap_or(now);
        let anew = Tally { number, running: Some(number), created: Some(created), ..self.tally.clone() };
        let checkpoint = checkpoint(&anew, interpreter, &Changes::default(), now);
        self.append(&[input, checkpoint])?;
        self.checkpoint_end = Some(self.tape.length());
        Ok(number)
    }

    /// Keeps what a command left, before that is answered.
    pub fn output(&mut self, number: u64, ran: &Written<'_>) -> Result<(), ShellError> {
        self.append(&[Record::output(self.tally.next_number(), number, self.clock.now(), ran).line()])
    }

    /// Keeps what a background job of a command wrote after its end; of each stream as much as of the command itself.
    pub fn late(&mut self, number: u64, stream: Stream, bytes: &[u8]) -> Result<(), ShellError> {
        let piece = self.late.part(number, stream, bytes);
        let (text, cut) = match piece {
            Piece::Whole(text) => (text, false),
            Piece::Last(text) => (text, true),
            Piece::Nothing => return Ok(()),
        };
        let at = self.clock.now().to_string();
        let (stream_word, text) = (stream_word(stream), Writing(text));
        let record =
            Record::Late { number: self.tally.next_number(), of: number, at, stream: stream_word, text, cut };
        self.append(&[record.line()])?;
        self.late.count(number, stream, &piece);
        Ok(())
    }

    /// Keeps all that a context holds since a fresh start, and waits for the disk; where that is large and little came since
    /// the last time, the disk is waited for and that is all. Then the index is replaced, and a log that is over its limit
    /// begins anew; what of that fails is told in our own log and tried again with the next checkpoint.
    pub fn checkpoint(&mut self, interpreter: &str, changes: &Changes) -> Result<(), ShellError> {
        let has_more = self.tape.length() > 0;
        let line = checkpoint(&self.tally, interpreter, changes, self.clock.now());
        let is_written = self.is_worth(line.len() as u64);
        if is_written {
            self.append(std::slice::from_ref(&line))?;
            self.checkpoint_end = Some(self.tape.length());
        }
        self.tape.sync().map_err(failed("sync", &self.files.log()))?;
        if !self.is_name_synced {
            atomic::sync_folder(&self.files.folder).map_err(failed("sync", &self.files.folder))?;
            self.is_name_synced = true;
        }
        let is_gone = !self.tape.is_at(&self.files.log());
        if is_written && (is_gone || (has_more && self.is_over())) {
            self.turn(&line, is_gone);
        }
        self.write_index();
        Ok(())
    }

    /// Whether a checkpoint is worth its bytes. A large one comes only when as much as it has came behind the last one, so
    /// that a context that holds much does not fill its log with nothing but that.
    fn is_worth(&self, bytes: u64) -> bool {
        let is_gone = !self.tape.is_at(&self.files.log());
        let is_much = self.checkpoint_end.is_none_or(|end| self.tape.length() - end >= bytes);
        bytes <= CHECKPOINT_BYTES_FREE || is_much || is_gone || self.is_over()
    }

    /// Whether the log has more bytes than it may have, so that a checkpoint is due whatever its interval says.
    pub fn is_over(&self) -> bool {
        self.tape.length() > self.part_bytes_max
    }

    /// What is known of the context, as of the last event; none before the first.
    pub fn summary(&self) -> Option<Summary> {
        summary::of(&self.tally, &self.files, self.id)
    }

    fn append(&mut self, lines: &[Vec<u8>]) -> Result<(), ShellError> {
        let path = self.files.log();
        let is_too_long = lines.iter().any(|line| line.len() as u64 >= LINE_BYTES_MAX);
        let appended = if is_too_long {
            Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the event is longer than any that is read again",
            ))
        } else {
            self.tape.append(&lines.concat())
        };
        if let Err(err) = appended {
            // What an event that is not in the log did, only a checkpoint can tell.
            self.checkpoint_end = None;
            return Err(failed("write", &path)(err));
        }
        for line in lines {
            note(&mut self.tally, line);
        }
        Ok(())
    }

    /// Begins the log anew with its last checkpoint; also where somebody removed it.
    fn turn(&mut self, line: &[u8], is_gone: bool) {
        let begin = if is_gone { rotate::complete } else { rotate::turn };
        let turned = begin(&self.files, line).and_then(|()| {
            let mut tally = self.tally.clone().in_next_file();
            note(&mut tally, line);
            let tape = Tape::of(self.files.append()?, tally.bytes);
            Ok((tape.map_err(failed("open", &self.files.log()))?, tally))
        });
        match turned {
            Ok((tape, tally)) => {
                self.checkpoint_end = Some(tape.length());
                (self.tape, self.tally) = (tape, tally);
            }
            Err(err) => {
                warn!(sessionId = %self.id, error = %text::because(&err), "the log of commands could not begin anew");
            }
        }
    }

    fn write_index(&self) {
        if let Err(err) = index::replace(&self.files, self.id, &self.tally) {
            warn!(sessionId = %self.id, error = %text::because(&err), "the index of commands could not be replaced");
        }
    }
}

/// The line of a checkpoint behind what is counted.
fn checkpoint(tally: &Tally, interpreter: &str, changes: &Changes, now: Timestamp) -> Vec<u8> {
    let created = tally.created.unwrap_or(now);
    let record = Record::Checkpoint {
        number: tally.next_number(),
        at: now.to_string(),
        interpreter,
        count: tally.checkpoint_count.saturating_add(1),
        name: &tally.name,
        created: created.to_string(),
        last_accessed: tally.last_accessed.unwrap_or(created).to_string(),
        running: tally.running,
        changes: ChangesRecord::of(changes),
    };
    record.line()
}

/// Counts a line that was just written.
fn note(tally: &mut Tally, line: &[u8]) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let checksum = record::checksum(text).expect("a line that was just made has its checksum");
    let span = Span { offset: tally.bytes, next: tally.bytes + line.len() as u64, checksum };
    tally.note(span, read::plain_fact(text).as_ref());
}

fn locked(files: &Files, err: LockError) -> ShellError {
    match err {
        LockError::Held { .. } => ShellError::Locked { path: files.log() },
        LockError::Io { action, path, source } => ShellError::Io { action, path, source },
        LockError::NotAFile { path } => files::no_file(&path),
    }
}
