//! Who works on a repository: one lock of ours per repository, held as long as git works for us (RELIABILITY G2).

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
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
}

impl RepositoryLock {
    /// Takes a lock of this kind on another file, if nobody has it.
    pub(super) fn try_at(path: &Path, common: &Path) -> Result<Option<Self>, WorktreeError> {
        let file = open(path, common)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(io_error("lock", path)(source)),
        }
    }
}

fn open(path: &Path, common: &Path) -> Result<File, WorktreeError> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(io_error("open", path))?;
    atomic::give_to_owner_of(&file, common).map_err(io_error("give away", path))?;
    Ok(file)
}

impl GitWorktrees {
    /// Waits for the lock of the repository with this common folder.
    pub(super) fn lock_repository(&self, common: &Path) -> Result<RepositoryLock, WorktreeError> {
        self.wait_for_lock(&common.join("wharf.lock"), common)
    }

    /// Waits for a lock of this kind on a file.
    pub(super) fn wait_for_lock(&self, path: &Path, common: &Path) -> Result<RepositoryLock, WorktreeError> {
        self.wait_for_lock_within(path, common, self.settings.lock_limit)
    }

    /// Waits at most so long for it.
    #[expect(clippy::unused_self, reason = "it stands beside waits that go by the settings")]
    pub(super) fn wait_for_lock_within(
        &self,
        path: &Path,
        common: &Path,
        limit: Duration,
    ) -> Result<RepositoryLock, WorktreeError> {
        let file = open(path, common)?;
        let deadline = Instant::now() + limit;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(RepositoryLock { file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(WorktreeError::RepositoryLocked { path: path.to_owned() });
                }
                Err(TryLockError::Error(source)) => return Err(io_error("lock", path)(source)),
            }
        }
    }
}
