//! The warm worktrees of the workspace: which there are, making them, and removing them.

use std::time::Duration;

use super::{ManagerError, SessionManager, chores::Chore};
use crate::{
    session::RepositoryPath,
    worktree::{Drained, Filled, PoolSize, Slot, WhileFilled},
};

/// How long a person who fills a pool waits for a process that fills it already: most checkouts are made by then.
const FILL_WAIT_MAX: Duration = Duration::from_mins(1);

impl SessionManager {
    /// The warm worktrees of one repository, or of all.
    pub fn pool(
        &self,
        only: Option<&RepositoryPath>,
    ) -> Result<Vec<(RepositoryPath, Vec<Slot>)>, ManagerError> {
        self.in_each(only, |repository| Ok(self.worktrees.pool(repository)?))
    }

    /// Asks this for how many warm worktrees there are to be, as often as that matters.
    #[must_use]
    pub fn with_pool_size(mut self, size: PoolSize) -> Self {
        self.pool_size = size;
        self
    }

    /// Makes warm worktrees until each repository has so many. Waits for who makes some already, but not for ever.
    pub fn fill_pool(
        &self,
        only: Option<&RepositoryPath>,
        size: usize,
    ) -> Result<Vec<(RepositoryPath, Filled)>, ManagerError> {
        let (size, wait) = (PoolSize::fixed(size), WhileFilled::Wait(FILL_WAIT_MAX));
        self.in_each(only, |repository| Ok(self.worktrees.fill(repository, &size, wait)?))
    }

    /// Removes warm worktrees; those in which something changed stay.
    pub fn drain_pool(
        &self,
        only: Option<&RepositoryPath>,
    ) -> Result<Vec<(RepositoryPath, Drained)>, ManagerError> {
        self.in_each(only, |repository| Ok(self.worktrees.drain(repository)?))
    }

    /// Has the worktree that a session took replaced, behind the answer. Nothing is made before the answer, and that there
    /// is none yet is no failure of a create.
    pub(super) fn refill(&self, repository: &RepositoryPath) {
        if self.settings.pool_size == 0 {
            return;
        }
        if let Err(err) = self.worktrees.want_warm(repository) {
            tracing::debug!(error = %err, "no worktree is made ready for the next session");
            return;
        }
        if let Err(err) = self.background.begin(Chore::FillPool.word()) {
            tracing::debug!(error = %err, "no process can be started that makes a worktree ready");
        }
    }

    /// Whether a repository that has sessions lacks warm worktrees.
    pub(super) fn is_pool_due(&self) -> bool {
        let size = self.pool_size.now();
        let repositories = self.worktrees.repositories().unwrap_or_default();
        size > 0 && repositories.iter().any(|repository| self.worktrees.lacks_warm(repository, size))
    }

    /// Makes the warm worktrees that are lacking; says whether there is nothing in the way of more.
    pub(super) fn fill_wanted(&self) -> bool {
        let mut is_through = true;
        for repository in self.worktrees.repositories().unwrap_or_default() {
            if !self.worktrees.lacks_warm(&repository, self.pool_size.now()) {
                continue;
            }
            match self.worktrees.fill(&repository, &self.pool_size, WhileFilled::Leave) {
                Ok(filled) => is_through &= filled.stopped.is_none(),
                Err(err) => {
                    tracing::warn!(%repository, error = %err, "no worktree is made ready for the next session");
                    is_through = false;
                }
            }
        }
        is_through
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
