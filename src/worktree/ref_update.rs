//! How a ref is changed through git, past the lock that a killed git left on it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    GitWorktrees, WorktreeError,
    command::GitCall,
    site::{Site, io_error},
};
use crate::session::CommitId;

/// How long a lock on one ref must stay the same to be taken for a leftover: git holds it for a millisecond.
const REF_LOCK_STALE: Duration = Duration::from_secs(1);
/// The same for the lock on all packed refs, which a housekeeping git may hold for long.
const PACKED_LOCK_STALE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// What a ref must be for a change to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Whatever it is.
    Anything,
    /// It is not there.
    Nothing,
}

impl GitWorktrees {
    /// Lets a ref name a commit, durably. The caller has the repository lock.
    pub(super) fn set_ref(
        &self,
        site: &Site,
        reference: &str,
        commit: &CommitId,
        expected: Expected,
    ) -> Result<(), WorktreeError> {
        clear_stale_lock(&site.common, reference)?;
        let none = "0".repeat(commit.as_str().len());
        let mut args = vec!["update-ref", reference, commit.as_str()];
        if expected == Expected::Nothing {
            args.push(&none);
        }
        self.run(&GitCall::tell(&site.root, &args).durable()).map(drop)
    }

    /// Deletes a ref. The caller has the repository lock.
    pub(super) fn delete_ref(
        &self,
        site: &Site,
        reference: &str,
        expected: Option<&CommitId>,
    ) -> Result<(), WorktreeError> {
        clear_stale_lock(&site.common, reference)?;
        let packed = site.common.join("packed-refs.lock");
        remove_if(&packed, |lock| {
            lock.modified()
                .is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= PACKED_LOCK_STALE))
        })?;
        let mut args = vec!["update-ref", "--no-deref", "-d", reference];
        args.extend(expected.map(CommitId::as_str));
        self.run(&GitCall::tell(&site.root, &args)).map(drop)
    }
}

/// Removes a lock on a ref that nobody holds any more. No git of ours runs, for the repository lock is held; a git of
/// somebody else's would have let go long before.
fn clear_stale_lock(common: &Path, reference: &str) -> Result<(), WorktreeError> {
    let path = common.join(reference).with_added_extension("lock");
    let Some(first) = seen(&path) else {
        return Ok(());
    };
    let start = Instant::now();
    while start.elapsed() < REF_LOCK_STALE {
        if seen(&path) != Some(first) {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    tracing::warn!(reference, "a lock that a killed git left on a ref was removed");
    remove_if(&path, |lock| identity(lock) == first)
}

fn seen(path: &Path) -> Option<(u64, i64, i64)> {
    fs::symlink_metadata(path).ok().as_ref().map(identity)
}

fn identity(lock: &fs::Metadata) -> (u64, i64, i64) {
    (lock.ino(), lock.mtime(), lock.mtime_nsec())
}

fn remove_if(path: &Path, is_stale: impl FnOnce(&fs::Metadata) -> bool) -> Result<(), WorktreeError> {
    if !fs::symlink_metadata(path).is_ok_and(|lock| is_stale(&lock)) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(err)),
        Ok(()) | Err(_) => Ok(()),
    }
}
