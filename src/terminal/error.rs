//! What can go wrong with a terminal.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::{socket::SocketError, text};

/// Why something could not be done with a terminal.
#[derive(Debug, Error)]
pub enum TerminalError {
    /// Nothing runs in the session.
    #[error("nothing runs in it")]
    NotRunning,
    /// Something runs in it already.
    #[error("a program runs in it already")]
    Running,
    /// The holder speaks a protocol that is too new or too old.
    #[error("its holder speaks protocol {min} to {protocol}, this wharf another one")]
    Protocol {
        /// The newest it speaks.
        protocol: u32,
        /// The oldest it speaks.
        min: u32,
    },
    /// The holder did not do it.
    #[error("{}", text::line(message))]
    Refused {
        /// The stable word.
        code: String,
        /// What it says.
        message: String,
    },
    /// The holder does not answer, or makes no sense.
    #[error("its holder does not answer: {because}")]
    Silent {
        /// In which way.
        because: &'static str,
    },
    /// So much waits for the program that not everything could be handed over.
    #[error("the program does not read, and not everything could be handed over")]
    Unread,
    /// The holder lives, and nobody finds its socket.
    #[error("it runs (its holder is process {pid}), but there is no socket at {}", text::path(socket))]
    Hidden {
        /// The holder.
        pid: u32,
        /// Where its socket should be.
        socket: PathBuf,
    },
    /// The program could not be started.
    #[error("cannot start `{}`: {}", text::line(program), text::line(because))]
    Program {
        /// Which.
        program: String,
        /// Why not.
        because: String,
    },
    /// The folder of the sockets belongs to somebody else, or others may look into it.
    #[error("{} {because}", text::path(path))]
    UnsafeFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        because: &'static str,
    },
    /// The path of a socket is too long for the system.
    #[error("the path of a socket would be too long: {}", text::path(path))]
    LongPath {
        /// The socket.
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

impl From<SocketError> for TerminalError {
    fn from(err: SocketError) -> Self {
        match err {
            SocketError::Vacant => Self::NotRunning,
            SocketError::Taken => Self::Running,
            SocketError::Silent { because } => Self::Silent { because },
            SocketError::UnsafeFolder { path, because } => Self::UnsafeFolder { path, because },
            SocketError::LongPath { path } => Self::LongPath { path },
            SocketError::Io { action, path, source } => Self::Io { action, path, source },
        }
    }
}
