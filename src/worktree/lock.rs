//! Who works on a repository: one lock of ours per repository, held as long as git works for us (RELIABILITY G2); and one
//! for each worktree whose files are being written.

use std::{
    fs::{File, Metadata, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;

use super::{GitWorktrees, WorktreeError, site::io_error};
use crate::atomic;

/// How long to sleep between two tries; a create takes some ten milliseconds.
const PAUSE: Duration = Duration::from_millis(3);

/// The lock on a repository, until it is dropped and every git command that was given it has ended.
///
/// The lock belongs to the open file, not to this process. The git command gets the file (which is empty) as its
/// standard input, and whatever git starts inherits it. So when this process is killed with -9, the lock stays with
/// the orphans, and a recovery that takes the lock knows that none of them still writes. For the same reason it is
/// never unlocked by hand: that would take it from the children too.
#[derive(Debug)]
pub(super) struct RepositoryLock {
    file: File,
}

impl RepositoryLock {
    /// What a git command is to hold.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether its file is still the one at this path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let place = |about: Metadata| (about.dev(), about.ino());
        let held = self.file.metadata().map(place).ok();
        held.is_some() && held == path.symlink_metadata().map(place).ok()
    }

    /// Takes a lock of this kind on another file, if nobody has it.
    pub(super) fn try_at(path: &Path, common: &Path) -> Result<Option<Self>, WorktreeError> {
        let file = open(path, common)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(io_error("lock", path)(source)),
        }
    }

    fn wait_for(file: File, path: &Path, wait_max: Duration) -> Result<Self, WorktreeError> {
        let deadline = Instant::now() + wait_max;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(WorktreeError::RepositoryLocked { path: path.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
            }
        }
    }
}

fn open(path: &Path, common: &Path) -> Result<File, WorktreeError> {
    let file = options().create(true).mode(0o600).open(path).map_err(io_error("open", path))?;
    atomic::give_to_owner_of(&file, common).map_err(io_error("give away", path))?;
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

impl GitWorktrees {
    /// Waits for the lock of the repository with this common folder.
    pub(super) fn lock_repository(&self, common: &Path) -> Result<RepositoryLock, WorktreeError> {
        let path = common.join("wharf.lock");
        RepositoryLock::wait_for(open(&path, common)?, &path, self.settings.lock_limit)
    }

    /// Waits for a lock of this kind whose file somebody else makes; nothing when there is no such file.
    pub(super) fn lock_if_there(&self, path: &Path) -> Result<Option<RepositoryLock>, WorktreeError> {
        match options().open(path) {
            Ok(file) => RepositoryLock::wait_for(file, path, self.settings.lock_limit).map(Some),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error("open", path)(source)),
        }
    }
}
