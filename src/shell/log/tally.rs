//! What is known of a log as a whole: how many events it had, from when to when, and where some of them stand.

use std::collections::VecDeque;

use super::read::{Fact, Kind};
use crate::clock::Timestamp;

/// How many checkpoints are known by their place; the older ones are not needed.
const CHECKPOINTS_MAX: usize = 16;
/// How many other events are; with more, every second one is forgotten.
const MARKS_MAX: usize = 1_024;

/// Where an event begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) number: u64,
    pub(super) offset: u64,
}

/// The last line that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastLine {
    pub(super) offset: u64,
    pub(super) checksum: u32,
}

/// What is known of a log. A prefix of it, that ends with a whole event, is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// What the session was called.
    pub(super) name: String,
    pub(super) interpreter: Option<String>,
    pub(super) created: Option<Timestamp>,
    pub(super) last_accessed: Option<Timestamp>,
    /// The number of the last event, and thus how many there were.
    pub(super) number: u64,
    /// How many of them were checkpoints.
    pub(super) checkpoint_count: u64,
    /// The last command, while its outcome is not known.
    pub(super) running: Option<u64>,
    /// How many bytes are counted.
    pub(super) bytes: u64,
    pub(super) last_line: Option<LastLine>,
    /// The last ones, oldest first.
    pub(super) checkpoints: VecDeque<Mark>,
    /// Every so many events, oldest first.
    pub(super) marks: Vec<Mark>,
    pub(super) mark_every: u64,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) next: u64,
    pub(super) checksum: u32,
}

impl Tally {
    /// That of an empty log.
    pub(super) fn new() -> Self {
        Self {
            name: String::new(),
            interpreter: None,
            created: None,
            last_accessed: None,
            number: 0,
            checkpoint_count: 0,
            running: None,
            bytes: 0,
            last_line: None,
            checkpoints: VecDeque::new(),
            marks: Vec::new(),
            mark_every: 64,
        }
    }

    /// The number of the event that comes next.
    pub(super) fn next_number(&self) -> u64 {
        self.number.saturating_add(1)
    }

    /// Counts a line that is damaged: something happened, and nobody knows what.
    pub(super) fn pass_over(&mut self, lines: u64) {
        self.number = self.number.saturating_add(lines);
    }

    /// Counts an event; one whose line cannot be understood has no fact.
    pub(super) fn note<C>(&mut self, span: Span, fact: Option<&Fact<'_, C>>) {
        let number = fact.map_or(self.number.saturating_add(1), |fact| fact.number.max(self.number));
        self.place(Mark { number, offset: span.offset });
        self.number = number;
        self.bytes = span.next;
        self.last_line = Some(LastLine { offset: span.offset, checksum: span.checksum });
        let Some(fact) = fact else {
            return;
        };
        match fact.kind() {
            Kind::Input => {
                self.running = Some(fact.number);
                self.interpreter = fact.interpreter.as_deref().map(ToOwned::to_owned);
                self.created = self.created.or(fact.at);
                self.last_accessed = fact.at.or(self.last_accessed);
            }
            Kind::Output => {
                self.running = self.running.filter(|running| fact.of != Some(*running));
                self.last_accessed = fact.at.or(self.last_accessed);
            }
            Kind::Checkpoint => self.note_checkpoint(span.offset, fact),
            Kind::Late | Kind::Unknown => (),
        }
    }

    /// The same count, of which nothing stands in the next file yet.
    pub(super) fn in_next_file(self) -> Self {
        let Self { bytes, last_line, checkpoints, marks, mark_every, .. } = Self::new();
        Self { bytes, last_line, checkpoints, marks, mark_every, ..self }
    }

    fn note_checkpoint<C>(&mut self, offset: u64, fact: &Fact<'_, C>) {
        // It says itself how many there were: some may be damaged, and the first of a log stands in the older part too.
        let count = fact.count.unwrap_or_else(|| self.checkpoint_count.saturating_add(1));
        self.checkpoint_count = count.max(self.checkpoint_count);
        self.interpreter = fact.interpreter.as_deref().map(ToOwned::to_owned);
        self.created = fact.created.or(self.created);
        self.last_accessed = fact.last_accessed.or(self.last_accessed);
        self.running = fact.running;
        if let Some(name) = &fact.name {
            self.name.clone_from(name);
        }
        self.checkpoints.push_back(Mark { number: fact.number, offset });
        if self.checkpoints.len() > CHECKPOINTS_MAX {
            self.checkpoints.pop_front();
        }
    }

    fn place(&mut self, mark: Mark) {
        let is_due =
            self.marks.last().is_none_or(|last| mark.number.saturating_sub(last.number) >= self.mark_every);
        if !is_due {
            return;
        }
        if self.marks.len() >= MARKS_MAX {
            let mut index = 0;
            self.marks.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.mark_every = self.mark_every.saturating_mul(2);
        }
        self.marks.push(mark);
    }
}
