//! The places that all worktrees of a repository have in common, looked up once by a thread that looks at them.

use std::{ffi::OsStr, path::PathBuf};

use super::{
    GitWorktrees, WorktreeError,
    admin::Admin,
    files::{Folder, Place},
};
use crate::session::RepositoryPath;

/// Git's folder for all linked worktrees, in the one of the repository.
const ADMINS: &str = "worktrees";

/// Where the worktrees of a repository are, as it was at one moment. It belongs to one look and is not kept for the next.
pub(super) struct Commons {
    /// Of which repository.
    pub(super) repository: RepositoryPath,
    /// The folder of git that all worktrees share.
    pub(super) common: PathBuf,
    /// The same, open.
    pub(super) git: Folder,
    /// The folder of all sessions' worktrees; none when there is none yet.
    pub(super) worktrees: Option<Folder>,
    /// Git's folder for all linked worktrees, where no link leads there.
    admins: Option<Folder>,
}

impl GitWorktrees {
    /// Looks up where the worktrees of a repository are.
    pub(super) fn commons(&self, repository: &RepositoryPath) -> Result<Commons, WorktreeError> {
        let common = self.common_dir(repository)?;
        let Place::Folder(git) = Folder::open(&common)? else {
            return Err(WorktreeError::RepositoryBroken { path: common });
        };
        let is_reached_straight = common.canonicalize().is_ok_and(|canonical| canonical == common);
        let admins = match git.child(ADMINS.as_ref())? {
            Place::Folder(admins) if is_reached_straight => Some(admins),
            Place::Folder(_) | Place::Missing | Place::Other => None,
        };
        let worktrees = self.worktrees_folder()?;
        Ok(Commons { repository: repository.clone(), common, git, worktrees, admins })
    }
}

impl Commons {
    /// Git's folder for all linked worktrees.
    pub(super) fn admins(&self) -> PathBuf {
        self.common.join(ADMINS)
    }

    /// The administrative folder of this name, if there is one.
    pub(super) fn admin(&self, name: &OsStr) -> Result<Option<Admin>, WorktreeError> {
        match &self.admins {
            Some(all) => Admin::read_in(all, name),
            None => Admin::read(&self.admins().join(name)),
        }
    }
}
