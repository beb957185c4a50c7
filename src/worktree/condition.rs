//! In which condition a worktree can be found.

use std::path::PathBuf;

use crate::session::{BranchName, CommitId, SessionId};

/// One worktree as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The folder's name.
    pub id: SessionId,
    /// The folder.
    pub path: PathBuf,
    /// In which condition it is.
    pub state: WorktreeState,
    /// The branch it is on; during a rebase or bisect the one it will come back to; none when detached or unreadable.
    pub branch: Option<BranchName>,
    /// The commit it is at.
    pub head: Option<CommitId>,
    /// Who keeps git from pruning it.
    pub lock: WorktreeLock,
    /// What is going on in it.
    pub operation: Option<Operation>,
    /// Files that somebody had changed in it while it was kept ready, before its session took it.
    pub carried: Vec<String>,
}

/// The condition of a worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorktreeState {
    /// The folder and its administrative folder point at each other.
    Present,
    /// The administrative folder is there, the folder is gone.
    Missing,
    /// The folder is there, its administrative folder is gone or unreadable.
    Unregistered,
    /// Both are there, but they do not point at each other: something was moved or damaged.
    Unlinked,
    /// A file that git needs for it is empty, damaged or gone, as a power cut leaves it.
    Emptied,
    /// Something else lies in the folder's place: another repository, a file, a link.
    Foreign,
    /// Neither the folder nor an administrative folder is there.
    Gone,
}

/// Who locked a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorktreeLock {
    /// Nobody; git may prune it.
    None,
    /// A wharf session.
    Ours,
    /// Somebody else, with this reason.
    Foreign(String),
}

/// A git operation that was begun in a worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `git rebase`.
    Rebase,
    /// `git merge`.
    Merge,
    /// `git cherry-pick`.
    CherryPick,
    /// `git revert`.
    Revert,
    /// `git bisect`.
    Bisect,
    /// `git am`.
    ApplyMailbox,
}
