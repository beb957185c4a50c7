//! How the branch of a worktree gets another name.

use super::{Checkout, GitWorktrees, WorktreeError, command::GitCall, lock::RepositoryLock, site::Site};
use crate::session::BranchName;

impl GitWorktrees {
    pub(super) fn rename_branch_of(&self, of: &Checkout, to: &BranchName) -> Result<(), WorktreeError> {
        let site = self.site(of.id, &of.repository)?;
        self.at_work(&site, |lock| self.rename_branch_locked(&site, of, to, lock))
    }

    fn rename_branch_locked(
        &self,
        site: &Site,
        of: &Checkout,
        to: &BranchName,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if of.branch.is_detached() || to.is_detached() {
            return Err(WorktreeError::Unusable { id: of.id, because: "it is on no branch" });
        }
        // During an operation HEAD is detached and the old name is written down where git would not change it.
        let found = self.inspect_one(of.id, &of.repository)?;
        if let Some(operation) = found.operation {
            return Err(WorktreeError::InProgress { id: of.id, operation });
        }
        // The branch that somebody switched away from is not what is seen in the folder.
        if found.branch.as_ref() != Some(&of.branch) {
            return Err(WorktreeError::Unusable {
                id: of.id,
                because: "it is on another branch than its record says",
            });
        }
        let args = ["branch", "--move", "--", of.branch.as_str(), to.as_str()];
        self.run(&GitCall::tell(&site.root, &args).holding(lock.file()))
            .map(drop)
            .map_err(|err| self.named(err, to, site))
    }
}
