//! Stands in for the writing half until it is there.

use super::{Addition, Checkout, GitWorktrees, Mended, Trashed, WorktreeError};
use crate::session::{BranchFate, BranchName, SessionId, SessionName};

fn missing<T>() -> Result<T, WorktreeError> {
    Err(WorktreeError::GitAnswer {
        verb: "write".to_owned(),
    })
}

impl GitWorktrees {
    pub(super) fn add_one(&self, _: &Addition) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn is_added(&self, _: &Addition) -> bool {
        false
    }
    pub(super) fn withdraw_one(&self, _: &Addition) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn remember_one(&self, _: &Checkout, _: &SessionName, _: &str) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn discard_one(&self, _: &Checkout, _: BranchFate, _: &str) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn is_in_trash(&self, _: SessionId) -> bool {
        false
    }
    pub(super) fn list_trash(&self) -> Result<Vec<Trashed>, WorktreeError> {
        missing()
    }
    pub(super) fn bring_back_one(&self, _: &Trashed) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn purge_one(&self, _: &Trashed) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn rename_branch_of(&self, _: &Checkout, _: &BranchName) -> Result<(), WorktreeError> {
        missing()
    }
    pub(super) fn mend_one(
        &self,
        _: &Checkout,
        _: &SessionName,
        _: &str,
    ) -> Result<Vec<Mended>, WorktreeError> {
        missing()
    }
}
