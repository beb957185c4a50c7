//! What a destroy of a worktree can lose.

use std::path::PathBuf;

use super::Operation;

/// One thing that a destroy would lose, or that stands in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Tracked files with changes.
    Modified(Sample),
    /// Untracked files.
    Untracked(Sample),
    /// Ignored files; a snapshot does not hold them, the trash does.
    Ignored(Sample),
    /// Commits that are on no other branch and no remote, and whose branch is to go (or that are on no branch at all).
    Commits {
        /// How many.
        count: usize,
    },
    /// Commits that are only in the repository of a submodule of this worktree, and on none of its remotes.
    Submodule {
        /// The submodule, by git's name for it: its path when it was added.
        path: String,
        /// How many; none when that repository cannot be read.
        count: Option<usize>,
    },
    /// A rebase, merge or the like that was begun.
    InProgress(Operation),
    /// Somebody else's lock, with its reason. No flag lifts this.
    Locked(String),
    /// Mounts at or below the folder. No flag lifts this.
    Mounted(Vec<PathBuf>),
}

/// Some paths out of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many there are.
    pub count: usize,
    /// The first few, relative to the worktree, lossy where they are no UTF-8.
    pub first: Vec<String>,
}
