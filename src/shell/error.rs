//! What can go wrong with a context.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{socket::SocketError, text};

/// Why something could not be done with a context.
#[derive(Debug, Error)]
pub enum ShellError {
    /// A command cannot hold a NUL.
    #[error("a command cannot hold a NUL byte")]
    Nul,
    /// A command has more bytes than are taken.
    #[error("a command cannot have more than {limit} bytes")]
    TooLong {
        /// How many it may have.
        limit: usize,
    },
    /// As many callers wait for the context as may.
    #[error("{limit} commands wait for its context already")]
    Crowded {
        /// How many may wait.
        limit: usize,
    },
    /// Nobody has described such an interpreter.
    #[error("there is no interpreter `{}`", text::line(name))]
    NoInterpreter {
        /// What was asked for.
        name: String,
    },
    /// The context of the session has another interpreter.
    #[error("its context is one of {}, not of {}", text::line(has), text::line(wants))]
    OtherInterpreter {
        /// What it has.
        has: String,
        /// What was asked for.
        wants: String,
    },
    /// As many contexts live as may, and all of them are at work.
    #[error("all {limit} contexts that may live at once are at work")]
    Full {
        /// How many may live.
        limit: usize,
    },
    /// Something runs in it.
    #[error("a command, or something that one left running, is at work in it")]
    Busy,
    /// The interpreter could not be started, or does not do what its description says.
    #[error("cannot run `{}`: {}", text::line(program), text::line(because))]
    Interpreter {
        /// What was started.
        program: String,
        /// Why not.
        because: String,
    },
    /// Whoever keeps the context does not answer, or makes no sense.
    #[error("the keeper of its context does not answer: {}", text::line(because))]
    Silent {
        /// In which way.
        because: String,
    },
    /// The log is written by somebody else.
    #[error("{} is being written by another process", text::path(path))]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// The system could not do it.
    #[error("cannot {action} {}", text::path(path))]
    Io {
        /// What.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl From<SocketError> for ShellError {
    fn from(err: SocketError) -> Self {
        let silent = |because: &str| Self::Silent { because: because.to_owned() };
        match err {
            SocketError::Vacant => silent("it is gone"),
            SocketError::Taken => silent("another one is about to begin or to end"),
            SocketError::Silent { because } => silent(because),
            SocketError::UnsafeFolder { path, because } => Self::Io {
                action: "use",
                path,
                source: io::Error::new(io::ErrorKind::PermissionDenied, because),
            },
            SocketError::LongPath { path } => {
                let source =
                    io::Error::new(io::ErrorKind::InvalidFilename, "the path is too long for a socket");
                Self::Io { action: "listen at", path, source }
            }
            SocketError::Io { action, path, source } => Self::Io { action, path, source },
        }
    }
}
