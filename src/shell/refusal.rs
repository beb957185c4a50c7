//! How an error of a holder becomes words that travel, and the same error again.

use std::io;

use super::{ShellError, message::Refusal};
use crate::text;

/// The word for a holder that is about to end and takes nothing more; whoever hears it asks the next one.
pub(super) const UNLOADING: &str = "unloading";
/// The word for a message that makes no sense.
pub(super) const BAD_MESSAGE: &str = "bad-message";

/// What can be done to a file, in words; an error of another version says one of these too, or the last.
const ACTIONS: [&str; 19] = [
    "write",
    "create",
    "open",
    "read",
    "sync",
    "cut",
    "lock",
    "look at",
    "list",
    "run",
    "listen at",
    "connect to",
    "make",
    "remove",
    "give away",
    "rename",
    "send to",
    "make a way to a command in",
    "use",
];

impl Refusal {
    /// One that is only a word and a sentence.
    pub(super) fn of(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), ..Self::default() }
    }

    /// The error that it tells.
    pub(super) fn into_error(self) -> ShellError {
        let Self { code, message, first, second, path, limit, os_error } = self;
        let silent = |because| ShellError::Silent { because };
        match (code.as_str(), first, second, path, limit) {
            ("nul", ..) => ShellError::Nul,
            ("too-long", _, _, _, Some(limit)) => ShellError::TooLong { limit },
            ("crowded", _, _, _, Some(limit)) => ShellError::Crowded { limit },
            ("full", _, _, _, Some(limit)) => ShellError::Full { limit },
            ("busy", ..) => ShellError::Busy,
            ("no-interpreter", Some(name), ..) => ShellError::NoInterpreter { name },
            ("other-interpreter", Some(has), Some(wants), ..) => ShellError::OtherInterpreter { has, wants },
            ("interpreter", Some(program), Some(because), ..) => ShellError::Interpreter { program, because },
            ("silent", Some(because), ..) => silent(because),
            ("locked", _, _, Some(path), _) => ShellError::Locked { path: path.into() },
            ("io", Some(action), because, Some(path), _) => {
                let other = || io::Error::other(because.unwrap_or_default());
                let source = os_error.map_or_else(other, io::Error::from_raw_os_error);
                let known = ACTIONS.into_iter().find(|it| *it == action);
                ShellError::Io {
                    action: known.unwrap_or(ACTIONS[ACTIONS.len() - 1]),
                    path: path.into(),
                    source,
                }
            }
            _ => silent(message),
        }
    }
}

impl From<&ShellError> for Refusal {
    fn from(err: &ShellError) -> Self {
        let word = |code: &str| Self::of(code, &text::because(err));
        match err {
            ShellError::Nul => word("nul"),
            ShellError::TooLong { limit } => Self { limit: Some(*limit), ..word("too-long") },
            ShellError::Crowded { limit } => Self { limit: Some(*limit), ..word("crowded") },
            ShellError::Full { limit } => Self { limit: Some(*limit), ..word("full") },
            ShellError::Busy => word("busy"),
            ShellError::NoInterpreter { name } => {
                Self { first: Some(name.clone()), ..word("no-interpreter") }
            }
            ShellError::OtherInterpreter { has, wants } => {
                Self { first: Some(has.clone()), second: Some(wants.clone()), ..word("other-interpreter") }
            }
            ShellError::Interpreter { program, because } => {
                Self { first: Some(program.clone()), second: Some(because.clone()), ..word("interpreter") }
            }
            ShellError::Silent { because } => Self { first: Some(because.clone()), ..word("silent") },
            ShellError::Locked { path } => {
                Self { path: Some(path.to_string_lossy().into_owned()), ..word("locked") }
            }
            ShellError::Io { action, path, source } => Self {
                first: Some((*action).to_owned()),
                second: Some(source.to_string()),
                path: Some(path.to_string_lossy().into_owned()),
                os_error: source.raw_os_error(),
                ..word("io")
            },
        }
    }
}
