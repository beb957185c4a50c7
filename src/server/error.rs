//! Why a server does not begin, or cannot be reached.

use std::{io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use crate::{
    manager::{Kind, ManagerError},
    socket::SocketError,
};

/// Why there is no server, or none that answers.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Another one serves this workspace.
    #[error("a server of this workspace runs already{}", at.as_deref().map(|at| format!(" at {at}")).unwrap_or_default())]
    Taken {
        /// Where it listens, as far as it said so.
        at: Option<String>,
    },
    /// The address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The token is none that nobody can guess.
    #[error("{} holds no token", path.display())]
    WeakToken {
        /// The file.
        path: PathBuf,
    },
    /// Others can read the token, or have put it there.
    #[error("{} {because}, so it is no secret", path.display())]
    UnsafeToken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        because: &'static str,
    },
    /// The system could not do it.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Threads or signals cannot be had.
    #[error("cannot begin to serve")]
    Begin {
        /// Why not.
        source: io::Error,
    },
    /// The folder of sockets is of no use.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The sessions did not come back.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// Nobody serves this workspace.
    #[error("no server of this workspace runs")]
    Absent,
    /// The one that should does not answer.
    #[error("the server at {at} does not answer: {because}")]
    Silent {
        /// Where.
        at: String,
        /// In which way.
        because: String,
    },
}

impl ServerError {
    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "IN_USE",
            Self::WeakToken { .. } => "INVALID_VALUE",
            Self::UnsafeToken { .. } | Self::Socket(SocketError::UnsafeFolder { .. }) => "UNSAFE_PATH",
            Self::Listen { .. } | Self::Io { .. } | Self::Begin { .. } | Self::Socket(_) => "IO_FAILED",
            Self::Manager(err) => err.code().word(),
            Self::Absent | Self::Silent { .. } => "UNREACHABLE",
        }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Taken { .. } => Kind::Conflict,
            Self::WeakToken { .. } => Kind::Invalid,
            Self::UnsafeToken { .. } | Self::Socket(SocketError::UnsafeFolder { .. }) => Kind::Unsafe,
            Self::Listen { .. } | Self::Io { .. } | Self::Begin { .. } | Self::Socket(_) => Kind::Failed,
            Self::Manager(err) => err.kind(),
            Self::Absent | Self::Silent { .. } => Kind::Unreachable,
        }
    }

    /// What to do next, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Taken { .. } => "`wharf open` prints a link to it; one server is enough for a workspace",
            Self::Listen { .. } => "choose another one with `--listen`; port 0 takes one that is free",
            Self::WeakToken { .. } => {
                "it has to be a line of at least 32 letters and digits, such as `openssl rand -hex 32` prints; without a file wharf makes one"
            }
            Self::UnsafeToken { .. } => {
                "make it yours alone with `chown` and `chmod 600`, and put another token into it; without a file wharf makes one"
            }
            Self::Absent => "`wharf serve` starts one",
            Self::Silent { .. } => "give where it is reached from here with `--url`",
            Self::Manager(err) => return err.hint(),
            Self::Io { .. } | Self::Begin { .. } | Self::Socket(_) => return None,
        };
        Some(text.to_owned())
    }
}
