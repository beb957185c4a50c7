//! How a ref is changed through git.

use super::{GitWorktrees, WorktreeError, command::GitCall, lock::RepositoryLock, site::Site};
use crate::session::CommitId;

impl GitWorktrees {
    /// Lets a ref name a commit, whatever it was before; durably.
    pub(super) fn set_ref(
        &self,
        site: &Site,
        reference: &str,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let args = ["update-ref", reference, commit.as_str()];
        self.run(&GitCall::tell(&site.root, &args, lock).durable()).map(drop)
    }

    /// Makes a ref that must not be there; durably.
    pub(super) fn make_ref(
        &self,
        site: &Site,
        reference: &str,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let none = "0".repeat(commit.as_str().len());
        let args = ["update-ref", reference, commit.as_str(), &none];
        self.run(&GitCall::tell(&site.root, &args, lock).durable()).map(drop)
    }

    /// Deletes a ref.
    pub(super) fn delete_ref(
        &self,
        site: &Site,
        reference: &str,
        expected: Option<&CommitId>,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let mut args = vec!["update-ref", "--no-deref", "-d", reference];
        args.extend(expected.map(CommitId::as_str));
        self.run(&GitCall::tell(&site.root, &args, lock)).map(drop)
    }
}
