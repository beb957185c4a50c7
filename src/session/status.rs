//! How a session is doing.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// One of five words; which of them holds is set by people, agents and the session's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionStatus {
    /// Work is going on.
    Active,
    /// Somebody has to answer before work goes on.
    Waiting,
    /// Nothing runs; every session is idle after a restart.
    Idle,
    /// The last process failed, or something is broken.
    Error,
    /// Work was ended on purpose.
    Stopped,
}

/// Why a text is not a status.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a status; use active, waiting, idle, error or stopped", text.escape_default())]
pub struct SessionStatusError {
    /// What was read.
    pub text: String,
}

impl SessionStatus {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Active, Self::Waiting, Self::Idle, Self::Error, Self::Stopped];

    /// The word, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Error => "error",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for SessionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SessionStatus {
    type Err = SessionStatusError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| SessionStatusError { text: text.to_owned() })
    }
}
