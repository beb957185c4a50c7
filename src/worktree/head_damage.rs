//! Whether the commit that a worktree is at can be read, and which was the last that can: what a power cut leaves of a
//! commit that git had not synced.

use git2::Oid;

use super::{
    Checkout, GitWorktrees, WorktreeError, WorktreeState, handle::Handle, restore_branch::reflog, site::Site,
};
use crate::session::CommitId;

/// A HEAD whose commit cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadDamage {
    /// That commit.
    pub head: CommitId,
    /// The last commit before it that can be read, as far as anything remembers.
    pub sound: Option<CommitId>,
}

impl GitWorktrees {
    /// What is wrong with the commit of a worktree that is otherwise whole.
    pub(super) fn find_head_damage(&self, of: &Checkout) -> Result<Option<HeadDamage>, WorktreeError> {
        let worktree = self.inspect_one(of.id, &of.repository)?;
        let Some(head) = worktree.head.filter(|_| worktree.state == WorktreeState::Present) else {
            return Ok(None);
        };
        let site = self.site(of.id, &of.repository)?;
        let handle = self.open(&site.root)?;
        if self.has_commit(&handle, &site, &head)? {
            return Ok(None);
        }
        // A git that can work with nothing here can read no commit either.
        self.prove_readable(&site.root)?;
        let mut candidates = reflog(&site.admin.join("logs/HEAD"));
        if let Some(branch) = &worktree.branch {
            candidates.extend(reflog(&site.common.join("logs").join(branch.reference())));
        }
        candidates.extend(of.base.iter().map(|base| base.commit.clone()));
        candidates.retain(|commit| *commit != head);
        for commit in candidates {
            if self.has_commit(&handle, &site, &commit)? {
                return Ok(Some(HeadDamage { head, sound: Some(commit) }));
            }
        }
        Ok(Some(HeadDamage { head, sound: None }))
    }

    /// The same error, or the damage of HEAD where that is why git failed.
    pub(super) fn because_of_head(&self, of: &Checkout, err: WorktreeError) -> WorktreeError {
        if !matches!(err, WorktreeError::Git { .. }) {
            return err;
        }
        match self.find_head_damage(of) {
            Ok(Some(HeadDamage { head, sound })) => {
                WorktreeError::HeadBroken { path: self.workspace.worktree(of.id), head, sound }
            }
            Ok(None) | Err(_) => err,
        }
    }

    /// The same error, or that the worktree is damaged where that is why git failed.
    pub(super) fn because_of_damage(&self, of: &Checkout, err: WorktreeError) -> WorktreeError {
        let is_of_git = matches!(err, WorktreeError::Git { .. } | WorktreeError::RepositoryBroken { .. });
        let worktree = self.inspect_one(of.id, &of.repository);
        if is_of_git && worktree.is_ok_and(|it| it.state != WorktreeState::Present) {
            return WorktreeError::Damaged { id: of.id, source: Box::new(err) };
        }
        self.because_of_head(of, err)
    }

    fn has_commit(&self, handle: &Handle, site: &Site, commit: &CommitId) -> Result<bool, WorktreeError> {
        if let Handle::Library(repository) = handle {
            let found = Oid::from_str(commit.as_str()).and_then(|oid| repository.find_commit(oid)?.tree());
            if found.is_ok() {
                return Ok(true);
            }
        }
        // Git has the last word: it knows more ways to keep an object.
        Ok(self.tip_with_object(site, commit.as_str())?.is_some())
    }
}
