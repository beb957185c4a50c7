//! What happened in a context, as it is told to whoever asks: a command, its outcome, and what came of it later.

use std::{collections::BTreeSet, time::Duration};

use super::Kept;
use crate::{
    clock::Timestamp,
    interpreter::Changes,
    shell::{Finish, Ground, Stream},
};

/// What a command left when it ended, on its way into the log.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// Its exit code.
    pub code: i32,
    /// How it ended.
    pub finish: Finish,
    /// Whether the interpreter ended with it.
    pub session_ended: bool,
    /// How long it ran.
    pub duration: Duration,
    /// What is kept of its standard output.
    pub stdout: &'a Kept,
    /// The same of its standard error.
    pub stderr: &'a Kept,
    /// What it changed in the context.
    pub changes: &'a Changes,
    /// The keys of what could not be kept.
    pub lost: &'a [String],
}

/// A command in the log, with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of its event.
    pub number: u64,
    /// When it came.
    pub at: Timestamp,
    /// What ran it.
    pub interpreter: String,
    /// In which context.
    pub ground: Ground,
    /// Its text.
    pub command: Vec<u8>,
    /// How it ended; none: it runs, or whoever kept the context was killed meanwhile.
    pub outcome: Option<Outcome>,
    /// What its background jobs wrote after its end.
    pub late: Vec<Late>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When.
    pub at: Timestamp,
    /// Its exit code.
    pub code: i32,
    /// In which way.
    pub finish: Finish,
    /// Whether the interpreter ended with it.
    pub session_ended: bool,
    /// How long it ran.
    pub duration: Duration,
    /// What is kept of its standard output.
    pub stdout: Kept,
    /// The same of its standard error.
    pub stderr: Kept,
    /// What it changed in the context.
    pub changes: Changes,
    /// The keys of what could not be kept.
    pub lost: Vec<String>,
}

/// What a background job wrote after the end of its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// When it came.
    pub at: Timestamp,
    /// Where to.
    pub stream: Stream,
    /// What.
    pub text: Vec<u8>,
    /// Whether it is the last that is kept of this stream, because it became too much.
    pub is_cut: bool,
}

/// What a log says about the context, without running anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What ran its last command.
    pub interpreter: Option<String>,
    /// What it holds, since a fresh start.
    pub changes: Changes,
    /// The number of the checkpoint that this begins with.
    pub checkpoint: Option<u64>,
    /// How many outputs behind the checkpoint were added to it.
    pub applied: u64,
    /// The keys of what those outputs changed.
    pub later: BTreeSet<String>,
    /// How many bytes of the end are no whole event.
    pub cut_bytes: u64,
    /// How many lines of what was read are damaged.
    pub damaged_lines: u64,
    /// How many events of what was read are of a kind that only a newer wharf knows.
    pub unknown_events: u64,
    /// The number of the last command, where its outcome is not known.
    pub unfinished: Option<u64>,
    /// Whether the index was missing or wrong.
    pub is_index_rebuilt: bool,
}
