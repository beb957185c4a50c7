//! Who may write a file: one process at a time, by a lock on another file beside it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use thiserror::Error;
use tracing::debug;

use crate::atomic;

/// The longest wait between two attempts.
const PAUSE_MAX: Duration = Duration::from_millis(20);
/// How long who only looks at a lock waits until it looks again.
const LOOK_PAUSE: Duration = Duration::from_millis(5);

/// Why a lock could not be taken.
#[derive(Debug, Error)]
pub enum LockError {
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
    /// Somebody else holds it.
    #[error("{} is locked by {}", path.display(), holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Held {
        /// The lock.
        path: PathBuf,
        /// Who holds it, as far as it said so.
        holder: Option<u32>,
    },
    /// The path is a folder, a pipe or the like.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
}

/// The lock, held as long as this lives. The file itself stays: to unlink it would let two processes hold two locks.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, waiting at most so long for whoever holds it.
    pub fn take(path: &Path, wait_max: Duration) -> Result<Self, LockError> {
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let mut file = open(path)?;
            if try_take(&mut file, path)? {
                return Ok(Self { file });
            }
            if start.elapsed() >= wait_max {
                return Err(LockError::Held { path: path.to_owned(), holder: read_pid(&mut file) });
            }
            thread::sleep(pause.min(wait_max.saturating_sub(start.elapsed())));
            pause = (pause * 2).min(PAUSE_MAX) + jitter();
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A pid that stays would name a process that holds nothing any more.
        if let Err(err) = self.file.set_len(0) {
            debug!(%err, "pid in the lock file was not cleared");
        }
    }
}

/// Takes the lock on an open file, unless somebody else holds it. Somebody may also have removed the file since it was
/// opened; then it is a lock that nobody sees, and not taken.
pub fn try_take(file: &mut File, path: &Path) -> Result<bool, LockError> {
    match file.try_lock() {
        Ok(()) if is_at(file, path) => {
            write_pid(file, path);
            Ok(true)
        }
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(err)) => Err(failed("lock", path)(err)),
    }
}

/// An error where somebody holds a lock for so long; none where there is no such lock. Takes nothing and makes no file, so
/// it says nothing about the next moment.
pub fn ensure_free(path: &Path, wait_max: Duration) -> Result<(), LockError> {
    let deadline = Instant::now() + wait_max;
    loop {
        match look(path) {
            Err(LockError::Held { .. }) if Instant::now() < deadline => thread::sleep(LOOK_PAUSE),
            seen => return seen,
        }
    }
}

fn look(path: &Path) -> Result<(), LockError> {
    let place = atomic::open(path).map_err(failed("open", path))?;
    let mut file = match place {
        atomic::Place::File(file) => file,
        atomic::Place::Empty => return Ok(()),
        atomic::Place::Other => return Err(LockError::NotAFile { path: path.to_owned() }),
    };
    // Shared, so that two who look are not in each other's way.
    match file.try_lock_shared() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(LockError::Held { path: path.to_owned(), holder: read_pid(&mut file) })
        }
        Err(TryLockError::Error(err)) => Err(failed("look at", path)(err)),
    }
}

/// Opens the lock file, making it when it is not there.
pub fn open(path: &Path) -> Result<File, LockError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(failed("open", path))?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if !metadata.is_file() {
        return Err(LockError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        atomic::give_to_owner_of(&file, path.parent().unwrap_or(path)).map_err(failed("give away", path))?;
    }
    Ok(file)
}

/// Whether an open file is the one that lies at a path.
pub fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// The pid only serves a message, so a disk that is full does not cost the lock.
fn write_pid(file: &mut File, path: &Path) {
    let outcome = file.set_len(0).and_then(|()| file.write_all(format!("{}\n", process::id()).as_bytes()));
    if let Err(err) = outcome {
        debug!(%err, path = %path.display(), "pid was not written into the lock file");
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    let read: io::Result<usize> = file.take(20).read_to_string(&mut text);
    read.ok().and_then(|_| text.trim().parse().ok())
}

/// A few microseconds that differ between processes, so that waiting ones do not march in step.
fn jitter() -> Duration {
    let random = RandomState::new().build_hasher().finish();
    Duration::from_micros(random % 2_000)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LockError {
    let path = path.to_owned();
    move |source| LockError::Io { action, path, source }
}
