//! The warm worktrees of the workspace: which there are, making them, and removing them.

use super::{ManagerError, SessionManager};
use crate::{
    session::RepositoryPath,
    worktree::{Drained, Filled, Slot},
};

impl SessionManager {
    /// The warm worktrees of one repository, or of all.
    pub fn pool(
        &self,
        only: Option<&RepositoryPath>,
    ) -> Result<Vec<(RepositoryPath, Vec<Slot>)>, ManagerError> {
        self.in_each(only, |repository| Ok(self.worktrees.pool(repository)?))
    }

    /// Makes warm worktrees until each repository has so many.
    pub fn fill_pool(
        &self,
        only: Option<&RepositoryPath>,
        size: usize,
    ) -> Result<Vec<(RepositoryPath, Filled)>, ManagerError> {
        self.in_each(only, |repository| Ok(self.worktrees.fill(repository, size)?))
    }

    /// Removes warm worktrees; those in which something changed stay.
    pub fn drain_pool(
        &self,
        only: Option<&RepositoryPath>,
    ) -> Result<Vec<(RepositoryPath, Drained)>, ManagerError> {
        self.in_each(only, |repository| Ok(self.worktrees.drain(repository)?))
    }

    fn in_each<T>(
        &self,
        only: Option<&RepositoryPath>,
        work: impl Fn(&RepositoryPath) -> Result<T, ManagerError>,
    ) -> Result<Vec<(RepositoryPath, T)>, ManagerError> {
        let repositories = match only {
            Some(only) => vec![only.clone()],
            None => self.worktrees.repositories()?,
        };
        repositories.into_iter().map(|repository| work(&repository).map(|it| (repository, it))).collect()
    }
}
