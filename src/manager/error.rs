//! What can go wrong with a verb: a stable word, a kind that decides the exit code, and what to do next.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::{
    Code, FailedLine, Kind, METADATA_BYTES_MAX, Obstacle, OpeningError,
    code::{agent_code, shell_code, terminal_code},
    conversation,
};
use crate::{
    agent::AgentError,
    conversation::ConversationError,
    registry::{AdmitError, LookupError},
    session::{AgentName, CommandError, IssueRef, RepositoryPath, SessionId, SessionName},
    shell::ShellError,
    store::StoreError,
    terminal::TerminalError,
    text,
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
    /// A destroyed session could not be brought back.
    #[error("{source}")]
    Undo {
        /// Why not.
        source: Box<Self>,
    },
    /// A program is not there.
    #[error("cannot start `{}`: it is not there, or is no program", text::line(program))]
    NoProgram {
        /// Which.
        program: String,
    },
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
    /// What was begun with the session was cut short, or given up by this process, and is not ended.
    #[error("session `{name}` was being {doing} when that was cut short{}", because.as_ref().map_or_else(String::new, |because| format!(", and it cannot be ended: {because}")))]
    Stuck {
        /// Which.
        name: SessionName,
        /// What was being done.
        doing: &'static str,
        /// What is in the way, if that was seen.
        because: Option<String>,
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
    /// The context of a session cannot do it.
    #[error("session `{name}`: {source}")]
    Shell {
        /// Which.
        name: SessionName,
        /// Why not.
        source: ShellError,
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
    /// An agent cannot be called, or its hooks not be changed.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Nobody described this agent.
    #[error("there is no agent `{agent}`")]
    UnknownAgent {
        /// What was asked for.
        agent: AgentName,
    },
    /// No agent worked in the session yet, and none was named.
    #[error("session `{name}` has no agent")]
    NoAgent {
        /// Which.
        name: SessionName,
    },
    /// The metadata of a session would be too long.
    #[error("metadata of {bytes} bytes is too long, {METADATA_BYTES_MAX} are the most")]
    LongMetadata {
        /// How long it would be.
        bytes: usize,
    },
    /// Git tracks the file that the hooks belong in.
    #[error("{} is tracked by git, so its hooks are left as they are", file.display())]
    HooksTracked {
        /// The file.
        file: PathBuf,
        /// Whether its agent also takes hooks from its command line.
        has_option: bool,
    },
    /// No process has this pid.
    #[error("there is no process {pid}")]
    NoProcess {
        /// The pid.
        pid: u32,
    },
    /// A line of a setup failed.
    #[error("the setup of session `{name}` failed: `{}` {}", failed.line.escape_debug(), failed.how())]
    Setup {
        /// Whose.
        name: SessionName,
        /// Which line, and how.
        failed: FailedLine,
        /// Whether the session went into the trash for it.
        is_undone: bool,
    },
    /// A line of a teardown failed.
    #[error("the teardown of session `{name}` failed: `{}` {}", failed.line.escape_debug(), failed.how())]
    Teardown {
        /// Whose.
        name: SessionName,
        /// Which line, and how.
        failed: FailedLine,
    },
    /// The entry of this session cannot be taken.
    #[error("session `{}` cannot be taken from the state file: {because}", text.escape_debug())]
    Quarantined {
        /// What was asked for.
        text: String,
        /// What is wrong with the entry.
        because: String,
    },
    /// Lines of a setup or teardown cannot be run.
    #[error("cannot run a setup with {}", path.display())]
    SetupFile {
        /// What stands in the way.
        path: PathBuf,
        /// Why.
        source: io::Error,
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
            | Self::Quarantined { .. }
            | Self::NoRepository { .. }
            | Self::NotInTrash { .. }
            | Self::NoWorktree { .. }
            | Self::UnknownAgent { .. }
            | Self::NoProcess { .. } => Code::NotFound,
            Self::Lookup(LookupError::Ambiguous { .. }) | Self::ManyRepositories { .. } => Code::Ambiguous,
            Self::Store(err) => store_code(err),
            Self::Worktree(err) => worktree_code(err),
            Self::Undo { source } => source.code(),
            Self::UnsavedWork { obstacles, .. } => {
                if obstacles.iter().all(Obstacle::is_occupant) {
                    Code::InUse
                } else {
                    Code::UnsavedWork
                }
            }
            Self::Busy { .. } | Self::Stuck { .. } | Self::Vanished { .. } => Code::InUse,
            Self::Chain { source, .. } | Self::Conversation(source) => conversation::code(source),
            Self::Detached { .. } | Self::Command(_) | Self::NoAgent { .. } | Self::LongMetadata { .. } => {
                Code::InvalidValue
            }
            Self::Agent(err) => agent_code(err),
            Self::HooksTracked { .. } => Code::UnsafePath,
            Self::NoProgram { .. } => Code::StartFailed,
            Self::Terminal { source, .. } => terminal_code(source),
            Self::Shell { source, .. } => shell_code(source),
            Self::Elsewhere { .. } => Code::Unreachable,
            Self::MaxRunning { .. } => Code::MaxRunning,
            Self::Opening(err) => err.code(),
            Self::Setup { .. } | Self::Teardown { .. } => Code::SetupFailed,
            Self::Process { .. } | Self::SetupFile { .. } => Code::IoFailed,
        }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.code().kind()
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
        | StoreError::Adrift { .. }
        | StoreError::Mounted { .. }
        | StoreError::LockBroken { .. }
        | StoreError::TooLarge { .. } => Code::StateUnwritable,
    }
}

fn worktree_code(err: &WorktreeError) -> Code {
    match err {
        WorktreeError::NoRepository { .. } | WorktreeError::RepositoryGone { .. } => Code::NotFound,
        WorktreeError::Ambiguous { .. } => Code::Ambiguous,
        WorktreeError::Outside { .. }
        | WorktreeError::UnsafePath { .. }
        | WorktreeError::Occupied { .. }
        | WorktreeError::Moved { .. }
        | WorktreeError::InTheWay { .. } => Code::UnsafePath,
        WorktreeError::Ownership { .. } => Code::UnsafeOwnership,
        WorktreeError::Unborn { .. }
        | WorktreeError::UnknownRevision { .. }
        | WorktreeError::BranchHasBase { .. } => Code::InvalidValue,
        WorktreeError::InProgress { .. } => Code::InUse,
        WorktreeError::BranchExists { .. }
        | WorktreeError::BranchInTheWay { .. }
        | WorktreeError::BranchInUse { .. } => Code::BranchTaken,
        WorktreeError::Unusable { .. }
        | WorktreeError::RepositoryBroken { .. }
        | WorktreeError::HeadBroken { .. }
        | WorktreeError::Damaged { .. }
        | WorktreeError::NoGit { .. }
        | WorktreeError::OldGit { .. }
        | WorktreeError::Git { .. }
        | WorktreeError::GitTimeout { .. }
        | WorktreeError::GitAnswer { .. }
        | WorktreeError::Read { .. } => Code::GitFailed,
        WorktreeError::LeftBehind { source } | WorktreeError::Kept { source } => worktree_code(source),
        WorktreeError::RepositoryLocked { .. } => Code::StateLocked,
        WorktreeError::Io { .. } => Code::IoFailed,
    }
}
