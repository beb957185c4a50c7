//! Why a process of a session cannot be reached.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::text;

/// Why a socket of a session is of no use.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Nobody listens there.
    #[error("nobody listens")]
    Vacant,
    /// Another process has the place.
    #[error("another process has its place")]
    Taken,
    /// Whoever listens does not answer, or makes no sense.
    #[error("there is no answer: {because}")]
    Silent {
        /// In which way.
        because: &'static str,
    },
    /// The folder of the sockets belongs to somebody else, or others may look into it.
    #[error("{} {because}", text::path(path))]
    UnsafeFolder {
        /// The folder, or the socket.
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

impl SocketError {
    /// The system could not do this to that.
    pub fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
