//! Stands in for the reading half until it is merged.

use std::path::Path;

use super::{Changes, Checkout, GitWorktrees, Loss, Scan, Start, Wanted, Worktree, WorktreeError};
use crate::session::{BranchFate, RepositoryPath, SessionId};

fn missing<T>() -> Result<T, WorktreeError> {
    Err(WorktreeError::GitAnswer {
        verb: "read".to_owned(),
    })
}

impl GitWorktrees {
    pub(super) fn find_repositories(&self) -> Result<Vec<RepositoryPath>, WorktreeError> {
        missing()
    }
    pub(super) fn find_repository_at(&self, _: &Path) -> Result<RepositoryPath, WorktreeError> {
        missing()
    }
    pub(super) fn decide_start(&self, _: &RepositoryPath, _: &Wanted) -> Result<Start, WorktreeError> {
        missing()
    }
    pub(super) fn scan_all(&self, _: &[RepositoryPath]) -> Result<Scan, WorktreeError> {
        missing()
    }
    pub(super) fn inspect_one(&self, _: SessionId, _: &RepositoryPath) -> Result<Worktree, WorktreeError> {
        missing()
    }
    pub(super) fn count_changes(&self, _: &Checkout) -> Result<Changes, WorktreeError> {
        missing()
    }
    pub(super) fn find_losses(&self, _: &Checkout, _: BranchFate) -> Result<Vec<Loss>, WorktreeError> {
        missing()
    }
}
