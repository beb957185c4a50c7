//! Why git could not be asked or told.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;

use super::Operation;
use crate::session::{BranchName, CommitId, SessionId};

/// How many lines of what git said are shown, and how many of those are its last.
const LINES_MAX: usize = 6;
const LINES_LAST: usize = 2;
/// What systems and git call a full disk.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Why git could not be asked or told.
#[derive(Debug, Error)]
pub enum WorktreeError {
    /// There is no repository.
    #[error("{} is not in a git repository", path.display())]
    NoRepository {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// The repository of a session is not there any more.
    #[error("repository {} is gone", path.display())]
    RepositoryGone {
        /// Where it was.
        path: PathBuf,
    },
    /// What should be a repository is damaged, so that git takes it for none.
    #[error("{} is not a repository that git can work with", path.display())]
    RepositoryBroken {
        /// Where it is.
        path: PathBuf,
    },
    /// The commit that a worktree is at cannot be read.
    #[error("{} is at commit {head}, which cannot be read", path.display())]
    HeadBroken {
        /// The worktree.
        path: PathBuf,
        /// The commit.
        head: CommitId,
        /// The last one that can be read.
        sound: Option<CommitId>,
    },
    /// Git failed because files that it needs for a worktree are damaged.
    #[error("the worktree of session {id} is damaged: {source}")]
    Damaged {
        /// Whose.
        id: SessionId,
        /// What git said.
        source: Box<Self>,
    },
    /// The path leads out of the workspace.
    #[error("{} is outside the workspace", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// Something that must be a folder of ours is a link, a file, or another repository.
    #[error("{} {because}", path.display())]
    UnsafePath {
        /// What it is about.
        path: PathBuf,
        /// What is wrong with it.
        because: &'static str,
    },
    /// The repository belongs to another user.
    #[error("repository {} belongs to another user", path.display())]
    Ownership {
        /// The repository.
        path: PathBuf,
    },
    /// The repository has no commit to begin from.
    #[error("repository {} has no commit yet", path.display())]
    Unborn {
        /// The repository.
        path: PathBuf,
    },
    /// Nothing goes by this revision.
    #[error("`{}` names no commit in this repository", revision.escape_debug())]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// What it might have meant.
        candidates: Vec<String>,
    },
    /// A text that could mean more than one thing.
    #[error("`{}` could mean several things", text.escape_debug())]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// What it might have meant, each as the arguments to give.
        candidates: Vec<String>,
    },
    /// The branch is there already and was not named on purpose.
    #[error("branch `{branch}` already exists")]
    BranchExists {
        /// The branch that is there.
        branch: BranchName,
    },
    /// Branches are paths to git: one cannot be the folder of another.
    #[error("`{wanted}` cannot be a branch beside `{other}`")]
    BranchInTheWay {
        /// The branch that was to be made.
        wanted: BranchName,
        /// The branch that is there.
        other: String,
    },
    /// `--from` was given for a branch that already is somewhere.
    #[error("branch `{branch}` already exists, so it cannot begin at `{}`", from.escape_debug())]
    BranchHasBase {
        /// The branch.
        branch: BranchName,
        /// The revision.
        from: String,
    },
    /// The branch is checked out, rebased or bisected elsewhere.
    #[error("branch `{branch}` is in use at {}", path.display())]
    BranchInUse {
        /// The branch.
        branch: BranchName,
        /// Where.
        path: PathBuf,
    },
    /// The folder of a session is not what its record says.
    #[error("session {id} has no worktree that could be used: {because}")]
    Unusable {
        /// Whose.
        id: SessionId,
        /// What was found.
        because: &'static str,
    },
    /// Something lies where a worktree has to come back to.
    #[error("{} is in the way of what lies in the trash", path.display())]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// The worktree of a session lives somewhere else, where git moved it.
    #[error("the worktree of session {id} was moved to {} and has to be moved back first", path.display())]
    Moved {
        /// Whose.
        id: SessionId,
        /// Where it is.
        path: PathBuf,
        /// Where it belongs.
        home: PathBuf,
    },
    /// A destroy must not go over this.
    #[error("session {id} cannot be moved to the trash: {because}")]
    InTheWay {
        /// Whose.
        id: SessionId,
        /// What is in the way.
        because: String,
    },
    /// A rebase, merge or the like has to end first.
    #[error("session {id} is in the middle of an operation ({operation:?})")]
    InProgress {
        /// Whose.
        id: SessionId,
        /// What was begun.
        operation: Operation,
    },
    /// The git command could not be started.
    #[error("cannot start git")]
    NoGit {
        /// Why not.
        source: io::Error,
    },
    /// The git command is too old.
    #[error("git {found} is too old, 2.36 or newer is needed")]
    OldGit {
        /// What `git --version` said.
        found: String,
    },
    /// The git command failed.
    #[error("git {verb} failed ({status}){}", few(stderr))]
    Git {
        /// What it was told to do.
        verb: String,
        /// How it ended.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// The git command did not end in time and was killed, with everything it had started.
    #[error("git {verb} did not end within {} s", limit.as_secs())]
    GitTimeout {
        /// What it was told to do.
        verb: String,
        /// The limit.
        limit: Duration,
    },
    /// An add failed, and something of it is still there; the journal remembers it.
    #[error("{source}; the next start takes back what it left")]
    LeftBehind {
        /// Why it failed.
        source: Box<Self>,
    },
    /// An add failed when its worktree was complete, and something had been changed in it: nothing is taken back.
    #[error("{source}; something was changed in the new worktree meanwhile, so the session stays")]
    Kept {
        /// Why it failed.
        source: Box<Self>,
    },
    /// The git command answered something that cannot be read.
    #[error("git {verb} answered something unexpected")]
    GitAnswer {
        /// What it was asked.
        verb: String,
    },
    /// Another process works on this repository.
    #[error("repository lock {} is held by another process", path.display())]
    RepositoryLocked {
        /// The lock.
        path: PathBuf,
    },
    /// libgit2 could not answer.
    #[error("cannot read repository {}", path.display())]
    Read {
        /// The repository.
        path: PathBuf,
        /// Why not.
        source: git2::Error,
    },
    /// The disk refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl WorktreeError {
    /// Whether the disk had no room for what was tried.
    pub fn lacks_room(&self) -> bool {
        if let Self::Damaged { source, .. } | Self::LeftBehind { source } = self {
            return source.lacks_room();
        }
        let is_said =
            matches!(self, Self::Git { stderr, .. } if NO_ROOM.iter().any(|it| stderr.contains(it)));
        let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        is_said || matches!(self, Self::Io { source, .. } if kinds.contains(&source.kind()))
    }
}

/// Some lines of what git said, behind a colon: the first, and the last, which often says what came of it.
fn few(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    if lines.len() <= LINES_MAX {
        return if said.is_empty() { String::new() } else { format!(": {said}") };
    }
    let (first, last) = (&lines[..LINES_MAX - LINES_LAST], &lines[lines.len() - LINES_LAST..]);
    let more = lines.len() - LINES_MAX;
    format!(": {}\n({more} more lines)\n{}", first.join("\n"), last.join("\n"))
}
