//! Who writes the files of a new worktree, after its repository is free for others again.
//!
//! A new worktree is registered under the lock of the repository, because git trips over a half made administrative folder,
//! and so do two who want one branch. To write its files takes a hundred times as long and concerns nobody else. So from
//! then on its writer holds a lock of the worktree's own, and so does every git that writes for him. Whoever else works on
//! that worktree waits for this one first and then for the repository's, in this order.

use std::path::PathBuf;

use super::{
    GitWorktrees, WorktreeError,
    lock::RepositoryLock,
    register::remove_if_there,
    site::{Site, is_there},
};

/// The lock, in the administrative folder, so that it goes with that.
pub(super) fn writing_file(site: &Site) -> PathBuf {
    site.admin.join("wharf.writing")
}

/// Takes the lock of a worktree that was just registered; the caller has the repository's, so nobody else can want it.
pub(super) fn begin_writing(site: &Site) -> Result<RepositoryLock, WorktreeError> {
    let lock = RepositoryLock::try_at(&writing_file(site), &site.common)?;
    lock.ok_or(WorktreeError::Unusable { id: site.id, because: "somebody else writes its files" })
}

/// Takes the file of the lock away; who waits for it finds out that the writer has ended.
pub(super) fn end_writing(site: &Site) -> Result<(), WorktreeError> {
    remove_if_there(&writing_file(site))
}

impl GitWorktrees {
    /// Takes the lock of a repository at a moment when nobody writes the files of a worktree of it; and the lock of that one
    /// too, where there is one.
    pub(super) fn lock_at_rest(
        &self,
        site: &Site,
    ) -> Result<(RepositoryLock, Option<RepositoryLock>), WorktreeError> {
        let path = writing_file(site);
        loop {
            let writing = self.lock_if_there(&path)?;
            let lock = self.lock_repository(&site.common)?;
            // It can have been registered while we waited, also once more after it was taken back.
            if !is_there(&path) || writing.as_ref().is_some_and(|writing| writing.is_at(&path)) {
                return Ok((lock, writing));
            }
        }
    }
}
