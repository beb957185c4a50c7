//! How a ref is changed through git.

use super::{GitWorktrees, WorktreeError, command::GitCall, site::Site};
use crate::session::CommitId;

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
        let mut args = vec!["update-ref", "--no-deref", "-d", reference];
        args.extend(expected.map(CommitId::as_str));
        self.run(&GitCall::tell(&site.root, &args)).map(drop)
    }
}
