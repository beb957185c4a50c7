//! What runs in a session: the holder of its terminal, and how others reach it.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    limits::Limits,
    screen::Size,
    session::{Agent, ProcessId, SessionId, SessionName},
};

mod attach;
mod client;
mod error;
mod held;
mod history;
mod holder;
mod info;
mod keys;
mod launch;
mod lending;
mod message;
mod output_log;
mod pty;
mod reach;
mod runtime;
mod terminals;
mod typing;
mod watch;

#[cfg(test)]
mod tests;

pub use self::{
    attach::{Departure, Parting, Place, View, attach},
    client::Connection,
    error::TerminalError,
    held::Held,
    history::{Follower, History},
    holder::hold,
    info::Info,
    launch::{HOLD, answer, read_order},
    lending::{Lend, Modes},
    message::{
        Attach, BadMessage, Exited, FromClient, FromHolder, Hello, PROTOCOL, PROTOCOL_MIN, Question, Refusal,
        Role, Status, Stop,
    },
    runtime::Runtime,
    terminals::HolderTerminals,
    typing::{Typing, is_key, paste, press_enter, shown, type_into},
    watch::Unfinished,
};

/// What is needed to run a program in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The session.
    pub id: SessionId,
    /// What people call it.
    pub name: SessionName,
    /// The workspace it belongs to.
    pub workspace: PathBuf,
    /// Its worktree, where the program begins.
    pub worktree: PathBuf,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// The agent that the program is, for the record.
    pub agent: Option<Agent>,
    /// How large its terminal is before anybody attaches.
    pub size: Size,
    /// What its terminal may cost.
    pub limits: Limits,
    /// The names of processes that outlive it (`keep`, none).
    pub keep: Vec<String>,
}

/// A program that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The process in the terminal.
    pub process: ProcessId,
    /// Its holder.
    pub holder: ProcessId,
}

/// How a session moved by what its program does.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mood {
    /// The program prints, or somebody types.
    Active,
    /// The program waits for somebody.
    Waiting,
    /// Something happened, and nobody wants to know what it means.
    Unknown,
}

/// Where a holder writes down what happens to its session. Called from a thread of its own, so it may wait.
pub trait Keeper: Send {
    /// The program is about to run; it runs only when this succeeds.
    fn started(&mut self, launch: &Launch, started: &Started) -> Result<(), KeepError>;

    /// A hook of the agent that runs in the session told something.
    fn told(&mut self, id: SessionId, told: &[u8]) -> Result<(), KeepError>;

    /// Something happened in the terminal.
    fn moved(&mut self, mood: Mood) -> Result<(), KeepError>;

    /// The program ended.
    fn ended(&mut self, exited: Exited, shutdown: bool) -> Result<(), KeepError>;
}

/// Why something could not be written down, in words.
pub type KeepError = Box<dyn std::error::Error + Send + Sync>;

/// The terminals of a workspace.
pub trait Terminals: Send + Sync {
    /// The program that holders are started from, as it is called on a command line.
    fn program(&self) -> String;

    /// Starts a program in a session and returns when it runs and is written down.
    fn start(&self, launch: &Launch) -> Result<Started, TerminalError>;

    /// What the holder of a session says about it.
    fn info(&self, id: SessionId) -> Result<Info, TerminalError>;

    /// The sessions of which a holder, living or not, has left a note of what it holds. One look at a folder.
    fn noted(&self) -> BTreeSet<SessionId>;

    /// The program of a session whose holder is proven alive, whatever the table says.
    fn held(&self, id: SessionId) -> Option<Held>;

    /// Ends a session's program and everything it started, and returns when nothing of it is left. The holder is the one that
    /// the table names.
    fn stop(&self, id: SessionId, holder: Option<&ProcessId>, stop: Stop) -> Result<Exited, TerminalError>;

    /// Ends what a holder that was killed left behind, but for processes with these names and what they started. Answers
    /// how many processes that were.
    fn sweep(&self, id: SessionId, keep: &[String]) -> Result<usize, TerminalError>;
}
