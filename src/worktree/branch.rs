//! How the branch of a worktree gets another name: a copy, HEAD on the copy, and the old one goes.
//!
//! Git's own `branch --move` deletes first and makes then; killed in between, it leaves no branch. Here there is one at
//! every moment, and which of both is the session's says HEAD alone.

use super::{
    Checkout, GitWorktrees, WorktreeError, command::GitCall, durable::sync_names, lock::RepositoryLock,
    near::Sought, register::remove_if_there, site::Site,
};
use crate::session::{BranchName, CommitId};

/// A branch that is to get another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    /// The worktree, on the branch as it was called.
    pub of: Checkout,
    /// The other name.
    pub to: BranchName,
    /// The commit the branch was at when that began; none before its first one.
    pub at: Option<CommitId>,
}

impl GitWorktrees {
    pub(super) fn weigh_rename_of(&self, of: &Checkout, to: &BranchName) -> Result<Renaming, WorktreeError> {
        let site = self.site(of.id, &of.repository)?;
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
        let sought = Sought { branch: to.clone(), exactly: Vec::new() };
        self.names_near(&self.open(&site.root)?, sought)?.refuse_collision()?;
        // A worktree that shares the branch would be left on one that is gone.
        for branch in [&of.branch, to] {
            if let Some(path) = self.other_user_of(&site, branch)? {
                return Err(WorktreeError::BranchInUse { branch: branch.clone(), path });
            }
        }
        let at = self.tip(&site, &of.branch.reference())?;
        Ok(Renaming { of: of.clone(), to: to.clone(), at })
    }

    pub(super) fn rename_branch_of(&self, renaming: &Renaming) -> Result<(), WorktreeError> {
        let Renaming { of, to, at } = renaming;
        let site = self.site(of.id, &of.repository)?;
        self.at_work(&site, |lock| {
            if self.weigh_rename_of(of, to)?.at != *at {
                return Err(WorktreeError::Unusable { id: of.id, because: "its branch moved on meanwhile" });
            }
            if at.is_some() {
                let args = ["branch", "--copy", "--", of.branch.as_str(), to.as_str()];
                let call = GitCall::tell(&site.root, &args, lock).durable();
                self.run(&call).map_err(|err| self.named(err, to, &site))?;
                sync_names(&site, to)?;
            }
            let message = format!("Branch: renamed {} to {}", of.branch.reference(), to.reference());
            let args = ["symbolic-ref", "-m", &message, "HEAD", &to.reference()];
            self.run(&GitCall::tell(&site.folder, &args, lock))?;
            sync_names(&site, to)
        })
    }

    pub(super) fn settle_rename_of(&self, renaming: &Renaming) -> Result<bool, WorktreeError> {
        let Renaming { of, to, at } = renaming;
        if of.branch == *to {
            return Ok(true);
        }
        let site = self.site(of.id, &of.repository)?;
        self.at_work(&site, |lock| {
            let (old, new) = (self.tip(&site, &of.branch.reference())?, self.tip(&site, &to.reference())?);
            let is_done = match self.head_branch(&site, &of.repository)? {
                Some(head) if head == of.branch => false,
                Some(head) if head == *to => true,
                Some(_) | None => old.is_none() && new.is_some(),
            };
            let Some(at) = at else {
                return Ok(is_done);
            };
            match (old, new) {
                // Somebody committed while the copy was made.
                (Some(old), Some(new)) if is_done && new == *at && old != *at => {
                    self.set_ref(&site, &to.reference(), &old, lock)?;
                    self.drop_name(&site, &of.branch, &old, lock)?;
                }
                (Some(_), Some(_)) if is_done => self.drop_name(&site, &of.branch, at, lock)?,
                (Some(_), Some(_)) => self.drop_name(&site, to, at, lock)?,
                // A log alone is what is left of a copy that was cut short.
                (Some(_), None) => remove_if_there(&site.common.join("logs").join(to.reference()))?,
                (None, _) => (),
            }
            Ok(is_done)
        })
    }

    /// Deletes a branch that is at this commit and that nobody is on, and the settings of that name.
    fn drop_name(
        &self,
        site: &Site,
        branch: &BranchName,
        at: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let is_at = self.tip(site, &branch.reference())?.as_ref() == Some(at);
        if !is_at || self.other_user_of(site, branch)?.is_some() {
            return Ok(());
        }
        let section = format!("branch.{branch}");
        let args = ["config", "--remove-section", &section];
        self.run(&GitCall::tell(&site.root, &args, lock).allow(&[128]))?;
        self.delete_branch_at(site, branch, at, lock)
    }
}
