//! Why an agent is not described well, cannot be called, or cannot be asked.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::session::{AgentName, AgentNameError, CommandError};

/// Why an agent is not described well, cannot be called, or cannot be asked.
#[derive(Debug, Error)]
pub enum AgentError {
    /// It cannot be called like this.
    #[error("`agents`: {0}")]
    Name(#[from] AgentNameError),
    /// A part of its description cannot be taken.
    #[error("`agents.{agent}.{key}` {rule}")]
    Entry {
        /// Whose.
        agent: AgentName,
        /// Which part.
        key: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
    /// A word or a path of its description has a placeholder in it that means nothing there.
    #[error("`agents.{agent}.{key}`: `{}` has a placeholder that is not known here", text.escape_debug())]
    Placeholder {
        /// Whose.
        agent: AgentName,
        /// Which part.
        key: &'static str,
        /// The word or path.
        text: String,
    },
    /// Its command line needs something that is not there.
    #[error("agent `{agent}` cannot be called without its {what}")]
    NoValue {
        /// Which.
        agent: AgentName,
        /// What is missing.
        what: &'static str,
    },
    /// It has no conversations that could be gone back to.
    #[error("agent `{agent}` has no conversations to come back to")]
    NoConversations {
        /// Which.
        agent: AgentName,
    },
    /// What it would be called with is no command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// What its hook was given is not one JSON object.
    #[error("the input of a hook is not a JSON object")]
    Input {
        /// Where and why not.
        source: serde_json::Error,
    },
    /// It has no hooks that could tell anything.
    #[error("agent `{agent}` has no hooks")]
    NoHooks {
        /// Which.
        agent: AgentName,
    },
    /// Its settings are no JSON object.
    #[error("{} is left as it is, because it is not a JSON object", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Where and why not.
        source: serde_json::Error,
    },
    /// Its settings have something else where hooks belong.
    #[error("{} is left as it is, because `{key}` in it {rule}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The member.
        key: String,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A file of somebody else has the name of the one that would be ours as a whole.
    #[error("{} is there already, and not ours", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Something that must be a folder or a file of the worktree is a link or something else.
    #[error("{} {because}", path.display())]
    UnsafePath {
        /// What it is about.
        path: PathBuf,
        /// What is wrong with it.
        because: &'static str,
    },
    /// Where it keeps its transcripts is not known, because a variable such as `HOME` is not set.
    #[error("it is not known where agent `{agent}` keeps its transcripts")]
    NoHome {
        /// Which.
        agent: AgentName,
    },
    /// A folder on the way to a transcript has more entries than are looked at.
    #[error("{} has too many entries to look at", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// The disk refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
