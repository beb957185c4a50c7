//! What was executed in a session and what that left behind: its context, the log of its commands, and the process that
//! keeps both.

use std::{io, os::fd::BorrowedFd, path::PathBuf, time::Duration};

use crate::{
    clock::Timestamp,
    limits::ShellLimits,
    session::{SessionId, SessionName},
};

#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the shell holder stands on it"))]
mod context;
mod error;
pub mod log;

pub use self::error::ShellError;

/// Where the context of a session lives, and what it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The session.
    pub id: SessionId,
    /// What people call it.
    pub name: SessionName,
    /// The workspace it belongs to.
    pub workspace: PathBuf,
    /// Its worktree, where a fresh context begins.
    pub worktree: PathBuf,
    /// What contexts may cost.
    pub limits: ShellLimits,
}

/// Which context a command runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// That of the session, as the last command left it.
    #[default]
    Kept,
    /// A new one, which is the session's from then on.
    Fresh,
}

/// A command that somebody wants to have run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its text, in the language of the interpreter; without NUL.
    pub text: Vec<u8>,
    /// In which context.
    pub ground: Ground,
    /// By which interpreter; none: the one that the context has, else the one of the settings.
    pub interpreter: Option<String>,
    /// How long it may take; none: as long as the settings say.
    pub time_limit: Option<Duration>,
}

/// One of the two outputs of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// By itself.
    Done,
    /// Its time was over.
    TimedOut,
    /// Whoever wanted it wanted it no longer.
    Cancelled,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The number of its input event in the log of the session.
    pub number: u64,
    /// Its exit code: 128 and the signal where one ended it; 124 where its time was over.
    pub code: i32,
    /// How it ended.
    pub finish: Finish,
    /// Whether the interpreter ended with it (`exit`); the next command starts from the state before.
    pub session_ended: bool,
    /// How long it ran.
    pub duration: Duration,
    /// How much it wrote, each stream.
    pub stdout_bytes: u64,
    /// The same of standard error.
    pub stderr_bytes: u64,
    /// What could not be brought back when the context was loaded for this command, and what cannot be kept of it: the
    /// keys of a [`State`](crate::interpreter::State).
    pub lost: Vec<String>,
}

/// What whoever wants a command run gives and takes meanwhile.
pub struct Caller<'a> {
    /// Where its standard input comes from; none: it reads an end of file.
    pub stdin: Option<BorrowedFd<'a>>,
    /// Is readable from the moment on when the command is to be interrupted.
    pub cancel: Option<BorrowedFd<'a>>,
    /// Takes what it writes, in order; an error interrupts the command.
    pub output: &'a mut dyn FnMut(Stream, &[u8]) -> io::Result<()>,
}

/// What is known of a context, whether it lives or lies on the disk (SPEC CM-4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The session.
    pub id: SessionId,
    /// What it was called when this was written.
    pub name: String,
    /// When its first command came.
    pub created: Timestamp,
    /// When it was last used.
    pub last_accessed: Timestamp,
    /// How many events its log has had.
    pub event_count: u64,
    /// How many of them were checkpoints.
    pub checkpoint_count: u64,
    /// How many bytes the log has on the disk.
    pub size: u64,
    /// What runs its commands.
    pub interpreter: String,
    /// Whether an interpreter lives for it just now.
    pub is_live: bool,
}

/// Whether a context is unloaded while something of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unload {
    /// Only when no command runs and none of its background jobs is left.
    WhenIdle,
    /// In any case: what runs is ended.
    Now,
}

/// The contexts of a workspace.
pub trait Shells: Send + Sync {
    /// Runs a command in the context of a session, which is loaded or made first where it does not live. Commands of one
    /// session run one after the other, in the order of their coming.
    fn exec(&self, place: &Place, request: &Request, caller: Caller<'_>) -> Result<Done, ShellError>;

    /// What is known of a context that lives.
    fn live(&self, id: SessionId) -> Option<Summary>;

    /// The processes of a context that lives, for whoever wants to know what is at work in a folder: its keeper, its
    /// interpreter, and their descendants; and whether a command or a background job is among them.
    fn processes(&self, id: SessionId) -> Option<Processes>;

    /// Saves a context and ends its interpreter. Answers whether one lived.
    fn unload(&self, id: SessionId, how: Unload) -> Result<bool, ShellError>;
}

/// The processes of a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processes {
    /// All of them, by pid.
    pub pids: Vec<u32>,
    /// Whether a command runs, or something that one left running.
    pub is_busy: bool,
}
