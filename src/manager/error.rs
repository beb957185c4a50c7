//! What can go wrong with a verb: a stable word, a kind that decides the exit code, and what to do next.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::{Code, Kind, Obstacle, OpeningError, conversation};
use crate::{
    conversation::ConversationError,
    registry::{AdmitError, LookupError},
    session::{CommandError, IssueRef, RepositoryPath, SessionId, SessionName},
    store::StoreError,
    terminal::TerminalError,
    worktree::WorktreeError,
};

/// Why a verb did not do what it was asked for. What it had begun is undone.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// The limit is reached, or name, branch or issue have an owner.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// No session, or several, go by a text.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The registry cannot be read or kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Git cannot be asked or told.
    #[error(transparent)]
    Worktree(#[from] WorktreeError),
    /// The workspace has no repository.
    #[error("there is no git repository in {}", workspace.display())]
    NoRepository {
        /// The workspace.
        workspace: PathBuf,
    },
    /// The workspace has several repositories and none was named.
    #[error("the workspace has {} repositories", candidates.len())]
    ManyRepositories {
        /// Those there are.
        candidates: Vec<RepositoryPath>,
    },
    /// A destroy would lose something, or something stands in its way.
    #[error("session `{name}` has work that a destroy would take away")]
    UnsavedWork {
        /// Whose.
        name: SessionName,
        /// What it is, with a flag for each.
        obstacles: Vec<Obstacle>,
    },
    /// Somebody is at work with the session right now.
    #[error("session `{name}` is being {doing} by process {pid}")]
    Busy {
        /// Which.
        name: SessionName,
        /// What is being done.
        doing: &'static str,
        /// By whom.
        pid: u32,
    },
    /// The session went away while work on it went on.
    #[error("session {id} was removed or renamed meanwhile")]
    Vanished {
        /// Which.
        id: SessionId,
    },
    /// Nothing in the trash goes by this text, or the trash is empty.
    #[error("nothing in the trash {}", text.as_ref().map_or_else(|| "yet".to_owned(), |text| format!("is called `{}`", text.escape_debug())))]
    NotInTrash {
        /// What was asked for.
        text: Option<String>,
    },
    /// Another folder has the issue.
    #[error("issue {issue} belongs to {}", folder.display())]
    IssueElsewhere {
        /// The issue.
        issue: IssueRef,
        /// Whose it is.
        folder: PathBuf,
    },
    /// The session is on no branch.
    #[error("session `{name}` is on no branch")]
    Detached {
        /// Which.
        name: SessionName,
    },
    /// The terminal of a session cannot do it.
    #[error("session `{name}`: {source}")]
    Terminal {
        /// Which.
        name: SessionName,
        /// Why not.
        source: TerminalError,
    },
    /// What runs in a session was started where nobody can see from here whether it still does.
    #[error("the program of session `{name}` was started at another boot or in another container")]
    Elsewhere {
        /// Which.
        name: SessionName,
    },
    /// The files of a session are not where a program could begin.
    #[error("session `{name}` has no worktree that a program could run in")]
    NoWorktree {
        /// Which.
        name: SessionName,
    },
    /// As many sessions run as may.
    #[error("Maximum {limit} sessions run at once. Stop one to start another.")]
    MaxRunning {
        /// How many may.
        limit: usize,
    },
    /// The chain of a session cannot be read or kept, or is asked for what it has not.
    #[error("session `{name}`: {source}")]
    Chain {
        /// Which.
        name: SessionName,
        /// Why not.
        source: ConversationError,
    },
    /// What is about no single chain cannot be done.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    /// Words are no command.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// An agent is not started.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// No process has this pid.
    #[error("there is no process {pid}")]
    NoProcess {
        /// The pid.
        pid: u32,
    },
    /// The processes of this machine cannot be looked at.
    #[error("cannot look at processes")]
    Process {
        /// Why not.
        source: io::Error,
    },
}

impl ManagerError {
    /// What went wrong, as a stable word.
    pub fn code(&self) -> Code {
        match self {
            Self::Admit(AdmitError::MaxSessions { .. }) => Code::MaxSessions,
            Self::Admit(AdmitError::NameTaken(_)) => Code::NameTaken,
            Self::Admit(AdmitError::BranchTaken { .. }) => Code::BranchTaken,
            Self::Admit(AdmitError::IssueTaken { .. }) | Self::IssueElsewhere { .. } => Code::IssueTaken,
            Self::Lookup(LookupError::NotFound { .. })
            | Self::NoRepository { .. }
            | Self::NotInTrash { .. }
            | Self::NoWorktree { .. }
            | Self::NoProcess { .. } => Code::NotFound,
            Self::Lookup(LookupError::Ambiguous { .. }) | Self::ManyRepositories { .. } => Code::Ambiguous,
            Self::Store(err) => store_code(err),
            Self::Worktree(err) => worktree_code(err),
            Self::UnsavedWork { obstacles, .. } => {
                if obstacles.iter().all(Obstacle::is_occupant) {
                    Code::InUse
                } else {
                    Code::UnsavedWork
                }
            }
            Self::Busy { .. } | Self::Vanished { .. } => Code::InUse,
            Self::Chain { source, .. } | Self::Conversation(source) => conversation::code(source),
            Self::Detached { .. } | Self::Command(_) => Code::InvalidValue,
            Self::Terminal { source, .. } => terminal_code(source),
            Self::Elsewhere { .. } => Code::Unreachable,
            Self::MaxRunning { .. } => Code::MaxRunning,
            Self::Opening(err) => err.code(),
            Self::Process { .. } => Code::IoFailed,
        }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.code().kind()
    }

    /// What to do next, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Admit(err) => admit_hint(err),
            Self::Lookup(LookupError::NotFound { .. }) => {
                "`wharf list` shows the sessions there are".to_owned()
            }
            Self::Lookup(LookupError::Ambiguous { candidates, .. }) => {
                let ids: Vec<String> = candidates.iter().map(ToString::to_string).collect();
                format!("give more of one of these ids: {}", ids.join(", "))
            }
            Self::Store(err) => return store_hint(err),
            Self::Worktree(err) => return worktree_hint(err),
            Self::NoRepository { .. } => {
                "run `git init` there and commit once, or name another workspace with `--workspace`"
                    .to_owned()
            }
            Self::ManyRepositories { candidates } => {
                let paths: Vec<String> = candidates.iter().map(ToString::to_string).collect();
                format!("name one with `--repo`: {}", paths.join(", "))
            }
            Self::UnsavedWork { obstacles, .. } => super::destroy::hint(obstacles),
            Self::Busy { .. } => {
                "wait for it to end; when that process is gone, `wharf restore` finishes or undoes it"
                    .to_owned()
            }
            Self::NotInTrash { .. } => "`wharf trash list` shows what can be brought back".to_owned(),
            Self::IssueElsewhere { .. } => "`wharf remove --folder` frees that one".to_owned(),
            Self::Detached { .. } => "switch its worktree to a branch first (`git switch`)".to_owned(),
            Self::Chain { source, .. } | Self::Conversation(source) => return conversation::hint(source),
            Self::Terminal { source, .. } => return terminal_hint(source),
            Self::Elsewhere { .. } => {
                "if that has ended, `wharf restore` brings the session to rest; else stop it there".to_owned()
            }
            Self::NoWorktree { .. } => {
                "`wharf restore` mends what git keeps about it, `wharf doctor --fix` also checks it out again"
                    .to_owned()
            }
            Self::MaxRunning { .. } => {
                "`wharf ps` shows which run; or raise `terminal.running_max` in the settings".to_owned()
            }
            Self::Opening(err) => return err.hint(),
            Self::Vanished { .. } | Self::NoProcess { .. } | Self::Process { .. } | Self::Command(_) => {
                return None;
            }
        };
        Some(text)
    }
}

fn store_code(err: &StoreError) -> Code {
    match err {
        StoreError::Io { .. } | StoreError::CommitUncertain { .. } => Code::IoFailed,
        StoreError::OutOfBounds { .. } => Code::InvalidValue,
        StoreError::NotBegun { .. } => Code::Internal,
        StoreError::Locked { .. } => Code::StateLocked,
        StoreError::Newer { .. } => Code::StateNewer,
        StoreError::NotAFile { .. }
        | StoreError::Mounted { .. }
        | StoreError::LockBroken { .. }
        | StoreError::TooLarge { .. } => Code::StateUnwritable,
    }
}

fn worktree_code(err: &WorktreeError) -> Code {
    match err {
        WorktreeError::NoRepository { .. } => Code::NotFound,
        WorktreeError::Ambiguous { .. } => Code::Ambiguous,
        WorktreeError::Outside { .. } | WorktreeError::UnsafePath { .. } | WorktreeError::InTheWay { .. } => {
            Code::UnsafePath
        }
        WorktreeError::Ownership { .. } => Code::UnsafeOwnership,
        WorktreeError::Unborn { .. }
        | WorktreeError::UnknownRevision { .. }
        | WorktreeError::BranchHasBase { .. } => Code::InvalidValue,
        WorktreeError::InProgress { .. } => Code::InUse,
        WorktreeError::BranchExists { .. } | WorktreeError::BranchInUse { .. } => Code::BranchTaken,
        WorktreeError::Unusable { .. }
        | WorktreeError::NoGit { .. }
        | WorktreeError::OldGit { .. }
        | WorktreeError::Git { .. }
        | WorktreeError::GitTimeout { .. }
        | WorktreeError::GitAnswer { .. }
        | WorktreeError::Read { .. } => Code::GitFailed,
        WorktreeError::LeftBehind { source } => worktree_code(source),
        WorktreeError::RepositoryLocked { .. } => Code::StateLocked,
        WorktreeError::Io { .. } => Code::IoFailed,
    }
}

fn admit_hint(err: &AdmitError) -> String {
    match err {
        AdmitError::MaxSessions { .. } => {
            "or raise the limit: `--max-sessions`, `WHARF_MAX_SESSIONS` or `max_sessions` in `.wharf/config.toml`".to_owned()
        }
        AdmitError::NameTaken(name) => format!("choose another name, or see `wharf show {name}`"),
        AdmitError::BranchTaken { owner, .. } => format!("choose another branch with `--branch`, or work in `{owner}`"),
        AdmitError::IssueTaken { owner, .. } => format!("work in `{owner}`, or `wharf unbind {owner}` first"),
    }
}

fn store_hint(err: &StoreError) -> Option<String> {
    let text = match err {
        StoreError::Io { .. } | StoreError::NotBegun { .. } => return None,
        StoreError::OutOfBounds { .. } => "give shorter values; nothing was changed",
        StoreError::CommitUncertain { .. } => "look with `wharf list`; the disk may be failing",
        StoreError::Locked { .. } => "try again; a lock goes with the process that holds it",
        StoreError::Newer { .. } => "use the newer wharf that wrote it; nothing was changed",
        StoreError::NotAFile { .. } => "move it away; wharf keeps a regular file there",
        StoreError::Mounted { .. } => "mount the directory, not the file alone",
        StoreError::LockBroken { .. } => {
            "two processes hold one lock, as some shared folders let them; nothing was written, `wharf doctor` tests the lock"
        }
        StoreError::TooLarge { .. } => "`wharf doctor` shows what fills it",
    };
    Some(text.to_owned())
}

fn worktree_hint(err: &WorktreeError) -> Option<String> {
    let text = match err {
        WorktreeError::NoRepository { .. } => "name a repository in the workspace with `--repo`".to_owned(),
        WorktreeError::Outside { .. } => {
            "sessions live on repositories inside the workspace; name another one with `--workspace`"
                .to_owned()
        }
        WorktreeError::Ownership { path } => {
            format!("if you trust it: git config --global --add safe.directory {}", path.display())
        }
        WorktreeError::Unborn { .. } => {
            "commit once, for example `git commit --allow-empty -m begin`".to_owned()
        }
        WorktreeError::UnknownRevision { candidates, .. } | WorktreeError::Ambiguous { candidates, .. }
            if !candidates.is_empty() =>
        {
            format!("say which one: {}", candidates.join(", "))
        }
        WorktreeError::UnknownRevision { .. } | WorktreeError::Ambiguous { .. } => {
            "`git log --oneline --all` shows the commits there are".to_owned()
        }
        WorktreeError::BranchExists { branch } => {
            format!("use it with `--branch {branch}`, or choose another name")
        }
        WorktreeError::BranchHasBase { .. } => {
            "leave `--from` away to work on the branch as it is".to_owned()
        }
        WorktreeError::BranchInUse { .. } => "choose another branch, or end the work there first".to_owned(),
        WorktreeError::Unusable { .. } => "`wharf doctor` says what is wrong and how to mend it".to_owned(),
        WorktreeError::NoGit { .. } | WorktreeError::OldGit { .. } => {
            "install git 2.36 or newer and have it on PATH".to_owned()
        }
        WorktreeError::GitTimeout { .. } => {
            "raise `git.time_limit` in the settings if the repository needs longer".to_owned()
        }
        WorktreeError::LeftBehind { source } => return worktree_hint(source),
        WorktreeError::RepositoryLocked { .. } => {
            "try again when the other create or destroy has ended".to_owned()
        }
        WorktreeError::InProgress { .. } => "end it first, or abort it".to_owned(),
        WorktreeError::UnsafePath { .. }
        | WorktreeError::InTheWay { .. }
        | WorktreeError::Git { .. }
        | WorktreeError::GitAnswer { .. }
        | WorktreeError::Read { .. }
        | WorktreeError::Io { .. } => return None,
    };
    Some(text)
}

fn terminal_code(err: &TerminalError) -> Code {
    match err {
        TerminalError::NotRunning => Code::NotRunning,
        TerminalError::Running => Code::InUse,
        TerminalError::Refused { code, .. } => match code.as_str() {
            "controlled" | "full" | "not-control" => Code::InUse,
            _ => Code::Unreachable,
        },
        TerminalError::Protocol { .. } | TerminalError::Silent { .. } => Code::Unreachable,
        TerminalError::Program { .. } => Code::StartFailed,
        TerminalError::UnsafeFolder { .. } => Code::UnsafePath,
        TerminalError::LongPath { .. } | TerminalError::Io { .. } => Code::IoFailed,
    }
}

fn terminal_hint(err: &TerminalError) -> Option<String> {
    let text = match err {
        TerminalError::NotRunning => "`wharf start` runs a program in it",
        TerminalError::Running => "`wharf attach` shows it, `wharf restart` ends it and begins anew",
        TerminalError::Protocol { .. } => {
            "use the wharf that started it, or `wharf restart` it with this one"
        }
        TerminalError::Silent { .. } => "`wharf kill` ends it without its help",
        TerminalError::UnsafeFolder { .. } => "it must be yours and closed to others (mode 0700)",
        TerminalError::LongPath { .. } => "choose a shorter `XDG_RUNTIME_DIR`",
        TerminalError::Refused { code, .. } if code == "controlled" => {
            "`--take` takes control, `--observe` looks on"
        }
        TerminalError::Refused { .. } | TerminalError::Program { .. } | TerminalError::Io { .. } => {
            return None;
        }
    };
    Some(text.to_owned())
}
