//! What can go wrong with chains, with the files they are carried in, and with transcripts.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::{METADATA_BYTES_MAX, conversations::FILE_BYTES_MAX};
use crate::{json::BoundsError, lock::LockError};

/// Why something about conversations could not be done. What was kept before is unchanged, but for `Uncertain`.
#[derive(Debug, Error)]
pub enum ConversationError {
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
    /// Somebody else changes the chain.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The path is a folder, a pipe or the like.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The chain belongs to a newer wharf.
    #[error("{} has version {version}, this wharf knows 1", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// The chain would be too large to be read again.
    #[error("{} would be larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The chain holds something that could not be read again.
    #[error("the chain in {} cannot be kept", path.display())]
    OutOfBounds {
        /// The file.
        path: PathBuf,
        /// The bound it breaks.
        source: BoundsError,
    },
    /// The new chain is in place, but it may not outlive a power cut.
    #[error("the change to {} is written but may not be on the disk yet", path.display())]
    Uncertain {
        /// The file.
        path: PathBuf,
        /// What failed after the rename.
        source: io::Error,
    },
    /// An interaction names no conversation, and none is current.
    #[error("it has no conversation yet")]
    NoConversation,
    /// What is to be kept with an interaction is too much.
    #[error("more than {METADATA_BYTES_MAX} bytes of metadata with one interaction")]
    MetadataTooLong,
    /// A file to be imported is not what can be.
    #[error("cannot import {}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: FormatError,
    },
}

/// Why a text is no chain.
#[derive(Debug, Error)]
pub enum FormatError {
    /// Its bytes are no text.
    #[error("it is not UTF-8")]
    Encoding,
    /// It is deeper or longer than anything that is kept.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// It is no JSON, or none of the right shape.
    #[error("it is not JSON of the right shape")]
    Shape(#[from] serde_json::Error),
    /// It is larger than anything that is kept.
    #[error("it is too large")]
    Size,
    /// A newer wharf wrote it.
    #[error("it has version {version}, this wharf knows 1")]
    Newer {
        /// Its version.
        version: String,
    },
    /// Something is not there.
    #[error("`{field}` is missing")]
    Missing {
        /// What.
        field: &'static str,
    },
    /// Something cannot be read.
    #[error("`{field}` cannot be {}", text.escape_debug())]
    Field {
        /// What.
        field: &'static str,
        /// The value.
        text: String,
    },
    /// It is JSON, and neither an export nor a chain.
    #[error("it is neither an export of wharf nor a chain with an `agent_id`")]
    Unknown,
}
