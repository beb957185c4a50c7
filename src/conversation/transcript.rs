//! Whether what an agent wrote down itself is whole: every line of its `.jsonl` parses.
//!
//! The file is read block by block, by as many threads as the machine has; a line belongs to the block it begins in. So
//! memory does not grow with the file, and not beyond [`LINE_BYTES_MAX`] for each thread with a line.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
    str,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rustix::fs::OFlags;

use super::{
    ConversationError,
    conversations::failed,
    json_line::{self, Line},
};
use crate::clock::Timestamp;

/// The longest line that is read.
pub const LINE_BYTES_MAX: usize = 64 << 20;

const BLOCK_BYTES: u64 = 512 << 10;
/// How much more is read at once when a line goes on behind its block.
const MORE_BYTES: usize = 64 << 10;
const THREADS_MAX: usize = 8;

/// What a look at a transcript gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Whether it is whole.
    pub state: TranscriptState,
    /// Its bytes.
    pub size: u64,
    /// Its lines, without blank ones.
    pub lines: u64,
    /// The lines in which somebody spoke: those of type `user` or `assistant`.
    pub messages: u64,
    /// The earliest time in it.
    pub first: Option<Timestamp>,
    /// The latest time in it.
    pub last: Option<Timestamp>,
}

/// Whether a transcript is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptState {
    /// There is no such file.
    Missing,
    /// There is nothing in it.
    Empty,
    /// Every line parses.
    Intact,
    /// Only its last line does not parse and has no end: it was cut short.
    Torn {
        /// Which line, from 1.
        line: u64,
    },
    /// A line does not parse.
    Corrupt {
        /// The first such line, from 1.
        line: u64,
        /// The byte of it at which it stops being JSON, from 1.
        column: u64,
        /// What is wrong there.
        flaw: Flaw,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no JSON, or nests too deep.
    Syntax,
    /// It is no UTF-8.
    Encoding,
    /// It is longer than [`LINE_BYTES_MAX`].
    TooLong,
}

/// What is known of some lines in a row.
#[derive(Debug, Default)]
struct Part {
    /// All lines, also blank ones.
    ends: u64,
    lines: u64,
    messages: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    bad: Option<Bad>,
}

#[derive(Clone, Copy, Debug)]
struct Bad {
    line: u64,
    column: u64,
    flaw: Flaw,
    /// Whether the file ends with this line, and without a line feed.
    is_open: bool,
}

/// The parts in their order; those that came too early wait.
#[derive(Debug, Default)]
struct Parts {
    whole: Part,
    next: u64,
    waiting: BTreeMap<u64, Part>,
}

/// Looks through a transcript. What is appended meanwhile is not looked at.
pub fn check(path: &Path) -> Result<Transcript, ConversationError> {
    // Agents' folders may be links; a pipe is not waited for.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Transcript::absent());
        }
        Err(err) => return Err(failed("open", path)(err)),
    };
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if !metadata.is_file() {
        return Err(ConversationError::NotAFile { path: path.to_owned() });
    }
    let size = metadata.len();
    let whole = read_all(&file, size).map_err(failed("read", path))?;
    let state = match whole.bad {
        Some(Bad { line, flaw: Flaw::Syntax | Flaw::Encoding, is_open: true, .. }) => {
            TranscriptState::Torn { line }
        }
        Some(Bad { line, column, flaw, .. }) => TranscriptState::Corrupt { line, column, flaw },
        None if whole.lines == 0 => TranscriptState::Empty,
        None => TranscriptState::Intact,
    };
    Ok(Transcript::of(state, size, &whole))
}

impl Transcript {
    /// One that is not there.
    pub fn absent() -> Self {
        Self::of(TranscriptState::Missing, 0, &Part::default())
    }

    fn of(state: TranscriptState, size: u64, part: &Part) -> Self {
        let Part { lines, messages, first, last, .. } = *part;
        Self { state, size, lines, messages, first, last }
    }
}

/// Gives the blocks of a file to the threads.
fn read_all(file: &File, size: u64) -> io::Result<Part> {
    let blocks = size.div_ceil(BLOCK_BYTES);
    let (next, parts) = (AtomicU64::new(0), Mutex::new(Parts::default()));
    let work = || -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                return Ok(());
            }
            let part = Block { file, size, start: block * BLOCK_BYTES, buffer: &mut buffer }.read()?;
            parts.lock().unwrap_or_else(PoisonError::into_inner).add(block, part);
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(THREADS_MAX).min(usize::try_from(blocks).unwrap_or(THREADS_MAX));
    thread::scope(|scope| {
        let named = |_| thread::Builder::new().name("transcript".to_owned()).spawn_scoped(scope, work);
        // Where no thread can be had, this one does it all.
        let helpers: Vec<_> = (1..threads).map(named).filter_map(Result::ok).collect();
        let own = work();
        let joined = helpers.into_iter().map(|it| it.join().expect("a thread that reads does not panic"));
        joined.fold(own, io::Result::and)
    })?;
    Ok(parts.into_inner().unwrap_or_else(PoisonError::into_inner).whole)
}

impl Parts {
    fn add(&mut self, block: u64, part: Part) {
        self.waiting.insert(block, part);
        while let Some(part) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.whole.go_on(&part);
        }
    }
}

impl Part {
    /// Adds the lines behind these.
    fn go_on(&mut self, next: &Self) {
        let bad = next.bad.map(|bad| Bad { line: bad.line + self.ends, ..bad });
        self.bad = self.bad.or(bad);
        self.ends += next.ends;
        self.lines += next.lines;
        self.messages += next.messages;
        self.first = earliest(self.first, next.first);
        self.last = self.last.max(next.last);
    }

    /// Adds one line.
    fn add(&mut self, judged: Judged, is_open: bool) {
        self.ends += 1;
        match judged {
            Ok(None) => (),
            Ok(Some(Line { is_message, at })) => {
                self.lines += 1;
                self.messages += u64::from(is_message);
                self.first = earliest(self.first, at);
                self.last = self.last.max(at);
            }
            Err((at, flaw)) => {
                self.lines += 1;
                let bad = Bad { line: self.ends, column: at as u64 + 1, flaw, is_open };
                self.bad = self.bad.or(Some(bad));
            }
        }
    }

    /// Adds lines that all have their end.
    fn add_all(&mut self, bytes: &[u8]) {
        let is_utf8 = str::from_utf8(bytes).is_ok();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = &line[..line.len() - 1];
            self.add(if is_utf8 { judge(line) } else { judge_encoding(line) }, false);
        }
    }
}

/// What a line says, or from where on it is wrong.
type Judged = Result<Option<Line>, (usize, Flaw)>;

/// Judges a line that is UTF-8.
fn judge(line: &[u8]) -> Judged {
    json_line::read(line).map_err(|at| (at, Flaw::Syntax))
}

/// Judges a line that may not even be UTF-8.
fn judge_encoding(line: &[u8]) -> Judged {
    let judged = judge(line)?;
    match str::from_utf8(line) {
        Ok(_) => Ok(judged),
        Err(err) => Err((err.valid_up_to(), Flaw::Encoding)),
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The lines that begin in one block.
struct Block<'a> {
    file: &'a File,
    size: u64,
    start: u64,
    buffer: &'a mut Vec<u8>,
}

impl Block<'_> {
    fn read(&mut self) -> io::Result<Part> {
        // The byte before the block says whether a line begins with it.
        let from = self.start.saturating_sub(1);
        let end = (self.start + BLOCK_BYTES).min(self.size);
        self.buffer.clear();
        self.buffer.shrink_to(2 * usize::try_from(BLOCK_BYTES).unwrap_or(usize::MAX));
        self.fill(from, usize::try_from(end - from).unwrap_or(usize::MAX))?;
        let begin = match self.start {
            0 => Some(0),
            _ => self.buffer[..self.buffer.len() - 1].iter().position(|byte| *byte == b'\n').map(|at| at + 1),
        };
        let mut part = Part::default();
        let Some(begin) = begin else {
            return Ok(part);
        };
        // Lines that end in the block; then the one that may go on behind it.
        let ended =
            self.buffer[begin..].iter().rposition(|byte| *byte == b'\n').map_or(begin, |at| begin + at + 1);
        part.add_all(&self.buffer[begin..ended]);
        if ended < self.buffer.len() {
            self.last_line(&mut part, from, ended)?;
        }
        Ok(part)
    }

    /// The line that begins in the block and does not end in it.
    fn last_line(&mut self, part: &mut Part, from: u64, begin: usize) -> io::Result<()> {
        let mut looked_at = begin;
        loop {
            if let Some(at) = self.buffer[looked_at..].iter().position(|byte| *byte == b'\n') {
                part.add(judge_encoding(&self.buffer[begin..looked_at + at]), false);
                return Ok(());
            }
            looked_at = self.buffer.len();
            let position = from + looked_at as u64;
            if looked_at - begin > LINE_BYTES_MAX {
                part.add(Err((LINE_BYTES_MAX, Flaw::TooLong)), false);
                return Ok(());
            }
            if position >= self.size {
                part.add(judge_encoding(&self.buffer[begin..]), true);
                return Ok(());
            }
            let more = (self.size - position).min((looked_at - begin).max(MORE_BYTES) as u64);
            self.fill(position, usize::try_from(more).unwrap_or(usize::MAX))?;
        }
    }

    /// Reads bytes of the file behind those that are there.
    fn fill(&mut self, position: u64, count: usize) -> io::Result<()> {
        let held = self.buffer.len();
        self.buffer.resize(held + count, 0);
        self.file.read_exact_at(&mut self.buffer[held..], position)
    }
}
