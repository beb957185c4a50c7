//! What was executed in a session, from the newest command backwards or from the oldest on, each with what came of it.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use super::{
    Entry,
    files::{self, Files, failed},
    lines::LINE_BYTES_MAX,
    read::{self, Kind},
};
use crate::{lock, shell::ShellError};

/// How much of a log is looked at at once, from its end on.
const CHUNK_BYTES: u64 = 1 << 20;
/// How often a log is opened again that began anew meanwhile.
const OPENINGS_MAX: usize = 100;

/// The commands of a log, newest first. What is in memory at once is the events of a small part of it.
pub struct History {
    parts: Vec<Part>,
    /// Which part is looked at, and how much of it is left.
    part: usize,
    left: u64,
    /// Commands that were found and not given yet, newest first.
    found: VecDeque<Found>,
    /// Events whose commands stand further in front.
    outputs: HashMap<u64, Spot>,
    late: HashMap<u64, Vec<Spot>>,
}

/// One of the two files of a log.
struct Part {
    path: PathBuf,
    file: File,
    length: u64,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
struct Spot {
    part: usize,
    offset: u64,
    length: usize,
}

/// Where the events of a command stand.
#[derive(Clone, Debug)]
struct Found {
    number: u64,
    input: Spot,
    output: Option<Spot>,
    /// Oldest first.
    late: Vec<Spot>,
}

/// The history of the log in the folder of a session. Needs no lock: events that come meanwhile are not in it.
pub fn history(folder: &Path) -> Result<History, ShellError> {
    let parts = open(&Files::in_folder(folder))?;
    let left = parts.first().map_or(0, |part| part.length);
    Ok(History {
        parts,
        part: 0,
        left,
        found: VecDeque::new(),
        outputs: HashMap::new(),
        late: HashMap::new(),
    })
}

impl Iterator for History {
    type Item = Result<Entry, ShellError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Some(found)) => match self.entry(&found) {
                    Ok(None) => (),
                    entry => return entry.transpose(),
                },
                Ok(None) => return None,
                Err(err) => {
                    self.part = self.parts.len();
                    self.found.clear();
                    return Some(Err(err));
                }
            }
        }
    }
}

impl History {
    /// The same, oldest first. Where each command stands is in memory, not what it is.
    pub fn oldest_first(mut self) -> Result<impl Iterator<Item = Result<Entry, ShellError>>, ShellError> {
        let mut all = Vec::new();
        while let Some(found) = self.step()? {
            all.push(found);
        }
        Ok(all.into_iter().rev().filter_map(move |found| self.entry(&found).transpose()))
    }

    /// The next command in front of those that were found.
    fn step(&mut self) -> Result<Option<Found>, ShellError> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(Some(found));
            }
            let Some(part) = self.parts.get(self.part) else {
                return Ok(None);
            };
            if self.left == 0 {
                self.part += 1;
                self.left = self.parts.get(self.part).map_or(0, |part| part.length);
                continue;
            }
            let (offset, bytes) = part.chunk(self.left).map_err(failed("read", &part.path))?;
            self.look_at(offset, &bytes);
            self.left = offset;
        }
    }

    /// Finds the events in a piece of the log that begins with a line.
    fn look_at(&mut self, offset: u64, bytes: &[u8]) {
        let mut end = bytes.len();
        // From the last line to the first, so that an outcome is seen before its command.
        while end > 0 {
            let begin = memchr::memrchr(b'\n', &bytes[..end - 1]).map_or(0, |at| at + 1);
            let line = bytes[begin..end].strip_suffix(b"\n");
            if let Some(line) = line {
                let spot = Spot { part: self.part, offset: offset + begin as u64, length: line.len() };
                self.look_at_line(spot, line);
            }
            end = begin;
        }
    }

    fn look_at_line(&mut self, spot: Spot, line: &[u8]) {
        let Some(head) = read::head(line) else {
            return;
        };
        match (head.kind(), head.of) {
            (Kind::Input, _) => {
                let output = self.outputs.remove(&head.number);
                let mut late = self.late.remove(&head.number).unwrap_or_default();
                late.reverse();
                self.found.push_back(Found { number: head.number, input: spot, output, late });
            }
            (Kind::Output, Some(of)) => drop(self.outputs.insert(of, spot)),
            (Kind::Late, Some(of)) => self.late.entry(of).or_default().push(spot),
            (Kind::Output | Kind::Late, None) | (Kind::Checkpoint | Kind::Unknown, _) => (),
        }
    }

    /// Reads the events of a command; none when its own line is not understood.
    fn entry(&self, found: &Found) -> Result<Option<Entry>, ShellError> {
        let Some(input) = read::input(&self.line(found.input)?) else {
            return Ok(None);
        };
        let Some(at) = input.at else {
            return Ok(None);
        };
        let output = found.output.map(|spot| self.line(spot)).transpose()?;
        let late = found.late.iter().map(|spot| self.line(*spot)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Entry {
            number: found.number,
            at,
            ground: input.ground(),
            interpreter: input.interpreter.clone(),
            command: input.into_command(),
            outcome: output.and_then(|line| read::outcome(&line)),
            late: late.iter().filter_map(|line| read::late(line)).collect(),
        }))
    }

    fn line(&self, spot: Spot) -> Result<Vec<u8>, ShellError> {
        let part = &self.parts[spot.part];
        let mut line = vec![0; spot.length];
        part.file.read_exact_at(&mut line, spot.offset).map_err(failed("read", &part.path))?;
        Ok(line)
    }
}

impl Part {
    /// The last bytes before an offset that begin with a line, and where they begin. A line that is too long is given in
    /// pieces, which nobody takes for events.
    fn chunk(&self, end: u64) -> io::Result<(u64, Vec<u8>)> {
        let mut wanted = CHUNK_BYTES;
        loop {
            let begin = end.saturating_sub(wanted);
            let mut bytes = vec![0; usize::try_from(end - begin).unwrap_or(usize::MAX)];
            self.file.read_exact_at(&mut bytes, begin)?;
            if begin == 0 {
                return Ok((0, bytes));
            }
            // The line feed before the first whole line; the last byte is that of the last one.
            match memchr::memchr(b'\n', &bytes[..bytes.len() - 1]) {
                Some(at) => return Ok((begin + at as u64 + 1, bytes.split_off(at + 1))),
                None if wanted > LINE_BYTES_MAX => return Ok((begin, bytes)),
                None => wanted *= 2,
            }
        }
    }
}

/// The parts of a log, newest first. When it begins anew in between, what was opened may lack a part in the middle.
fn open(files: &Files) -> Result<Vec<Part>, ShellError> {
    let mut parts = Vec::new();
    for _ in 0..OPENINGS_MAX {
        parts.clear();
        for path in [files.log(), files.older()] {
            if let Some(file) = files::open(&path)? {
                let length = file.metadata().map_err(failed("look at", &path))?.len();
                parts.push(Part { path, file, length });
            }
        }
        if parts.iter().all(|part| lock::is_at(&part.file, &part.path)) {
            break;
        }
    }
    Ok(parts)
}
