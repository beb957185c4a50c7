//! Where the table of sessions is kept between runs.

mod backup;
mod base;
mod check;
mod claims;
mod file_store;
mod files;
mod folders;
mod hand;
mod own;
mod parts;
mod record;
mod scan;
mod schema;
mod written;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf};

use thiserror::Error;

pub use self::{
    check::STATE_FILE_MODE,
    file_store::{FileStore, LOCK_WAIT_MAX},
    folders::{BoundFolder, FOLDERS_FILE, FolderStore, encode_folder},
    record::{Record, RecordError, decode_record, encode_record, record},
    schema::FILE_BYTES_MAX,
};
use crate::{
    atomic::SyncError,
    json::BoundsError,
    lock::LockError,
    session::{Session, SessionId},
};

/// How the reason begins for an entry that is in the way of another one.
const EARLIER: &str = "an earlier session has the";

/// Keeps the table. One writer at a time: `begin` takes the lock, `end` gives it back.
///
/// `begin` under a lock that is held already reads again; a commit that changes nothing writes nothing.
#[cfg_attr(test, mockall::automock)]
pub trait Store: Send {
    /// Reads the table without a lock and without writing anything.
    fn read(&mut self) -> Result<Reading, StoreError>;
    /// Takes the lock and reads the table; a broken file is kept aside (`.corrupt.<time>`) before anything else.
    fn begin(&mut self) -> Result<Reading, StoreError>;
    /// Replaces the table; only between `begin` and `end`. May be called more than once.
    fn commit(&mut self, sessions: &[Session]) -> Result<(), StoreError>;
    /// As `commit`, but the table takes its place only when these files and folders are durable; those that are gone are
    /// left out.
    fn commit_after(&mut self, sessions: &[Session], first: &[PathBuf]) -> Result<(), StoreError>;
    /// As `commit`, but a power cut can take the new table back, which everybody sees, until the folders that this
    /// answers are made durable. That needs no lock.
    fn place(&mut self, sessions: &[Session]) -> Result<Vec<PathBuf>, StoreError>;
    /// Takes everything out of the quarantine, from the next commit on, and keeps the file as it was beside it; only
    /// between `begin` and `end`. Answers how many entries those were and where the file is kept, if there was one.
    fn drop_quarantine(&mut self) -> Result<Option<(usize, PathBuf)>, StoreError>;
    /// Gives the lock back; nothing happens when it is not held.
    fn end(&mut self);
    /// What keeps the table from being safe where it lies, beyond what a reading tells.
    fn examine(&self) -> Vec<Ailment>;
}

/// What a look at the disk gave.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The sessions, in the order of the file.
    pub sessions: Vec<Session>,
    /// Where they come from.
    pub origin: Origin,
    /// How many commits there have been.
    pub generation: u64,
    /// Entries that could not be taken, kept to the letter.
    pub quarantined: Vec<Quarantined>,
    /// What a person should know about the file.
    pub notes: Vec<Note>,
    /// The sessions of the newest valid backup, when the file is suspect.
    pub witness: Vec<Session>,
}

/// Where a table comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There is no state file and no backup.
    Absent,
    /// The state file, whole.
    File,
    /// The state file, written by hand or by another tool: it has no checksum.
    Unsigned,
    /// The state file reads, but its checksum is another one: it was edited or damaged.
    Suspect,
    /// The state file is missing or broken; backup number 1 to 5 was read.
    Backup {
        /// Which one.
        number: u8,
        /// What was wrong with the file.
        because: String,
    },
    /// The state file is broken (or missing with broken backups) and no backup helps.
    Lost {
        /// What was wrong with the file.
        because: String,
    },
}

/// An entry that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The entry, to the letter.
    pub entry: String,
    /// What is wrong with it.
    pub because: String,
}

impl Quarantined {
    /// The entry in a few words, without a line end.
    pub fn summary(&self) -> String {
        const CHARS_MAX: usize = 60;
        let line: String = self.entry.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= CHARS_MAX {
            return line;
        }
        let head: String = line.chars().take(CHARS_MAX).collect();
        format!("{head}…")
    }

    /// Whether it says that it is the session of this name or id.
    pub fn goes_by(&self, text: &str) -> bool {
        self.says("name").is_some_and(|name| name.eq_ignore_ascii_case(text))
            || self.says("id").is_some_and(|id| id == text)
    }

    /// Whether it was refused only because another session has its id, name, branch or issue.
    pub fn is_in_the_way(&self) -> bool {
        self.because.starts_with(EARLIER)
    }

    /// Whose entry it says that it is.
    pub fn id(&self) -> Option<SessionId> {
        self.says("id")?.parse().ok()
    }

    fn says(&self, key: &str) -> Option<String> {
        let entry: serde_json::Value = serde_json::from_str(&self.entry).ok()?;
        entry.get(key)?.as_str().map(ToOwned::to_owned)
    }
}

/// Something worth saying about the state file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A stored path is not that of the session's id; the derived one is used.
    PathIgnored {
        /// Whose.
        id: SessionId,
        /// What is written there.
        stored: String,
    },
    /// A broken state file was kept here.
    Kept {
        /// The copy.
        path: PathBuf,
    },
}

/// Something about the place of the state file that a person should mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// Two processes can hold the lock at once.
    LockDoesNotExclude,
    /// The file alone is mounted, so that it cannot be replaced.
    MountedAlone {
        /// The file.
        path: PathBuf,
    },
    /// Others may read or write the file.
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A broken file was kept.
    Kept {
        /// The copy.
        path: PathBuf,
    },
    /// The disk has no room for another file, or none for another byte.
    DiskFull {
        /// The folder of the state file.
        path: PathBuf,
    },
    /// The file is a link into a folder that is not there.
    Adrift {
        /// Where it leads.
        path: PathBuf,
    },
    /// A check could not be made.
    Failed {
        /// Why not.
        message: String,
    },
}

/// Why the table could not be read or kept.
#[derive(Debug, Error)]
pub enum StoreError {
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
    /// Somebody else holds the lock.
    #[error("{} is locked by {}", path.display(), holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Who holds it, as far as it said so.
        holder: Option<u32>,
    },
    /// The file belongs to a newer wharf.
    #[error("{} has version {version}, this wharf knows 1", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// The path is a folder, a pipe or the like, or a link to one.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The state file is a link into a folder that is not there.
    #[error("the state file is a link to {}, whose folder is not there", path.display())]
    Adrift {
        /// Where it leads.
        path: PathBuf,
    },
    /// The file alone is mounted, so that it cannot be replaced.
    #[error("{} is a mount of its own and cannot be replaced", path.display())]
    Mounted {
        /// The path.
        path: PathBuf,
    },
    /// The table on the disk changed although we hold the lock.
    #[error("{} changed while it was locked (generation {expected} became {found})", path.display())]
    LockBroken {
        /// The file.
        path: PathBuf,
        /// What we read.
        expected: u64,
        /// What is there now.
        found: u64,
    },
    /// The new table is in place, but it may not outlive a power cut.
    #[error("the change to {} is written but may not be on the disk yet", path.display())]
    CommitUncertain {
        /// The file.
        path: PathBuf,
        /// What failed after the rename.
        source: io::Error,
    },
    /// The table is too large to be kept.
    #[error("{} would be larger than {bytes_max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        bytes_max: u64,
    },
    /// A session holds something that could not be read again.
    #[error("the table for {} cannot be kept", path.display())]
    OutOfBounds {
        /// The file.
        path: PathBuf,
        /// The bound it breaks.
        source: BoundsError,
    },
    /// A change was to be kept by somebody who did not take the lock first.
    #[error("{} is only changed under its lock", path.display())]
    NotBegun {
        /// The file.
        path: PathBuf,
    },
}

impl From<SyncError> for StoreError {
    fn from(SyncError { path, source }: SyncError) -> Self {
        Self::Io { action: "sync", path, source }
    }
}

impl From<LockError> for StoreError {
    fn from(err: LockError) -> Self {
        match err {
            LockError::Io { action, path, source } => Self::Io { action, path, source },
            LockError::Held { path, holder } => Self::Locked { path, holder },
            LockError::NotAFile { path } => Self::NotAFile { path },
        }
    }
}
