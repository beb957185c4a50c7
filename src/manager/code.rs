//! The stable words for what can go wrong, and what sort of failure each is.

use crate::{agent::AgentError, shell::ShellError, terminal::TerminalError};

/// What went wrong; scripts rely on the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The limit is reached.
    MaxSessions,
    /// As many sessions run as may.
    MaxRunning,
    /// As many contexts are at work as may live.
    MaxContexts,
    /// Another session has the name.
    NameTaken,
    /// The branch exists, or is in use.
    BranchTaken,
    /// Another session has the issue.
    IssueTaken,
    /// There is no such thing.
    NotFound,
    /// Nothing runs in the session.
    NotRunning,
    /// A program could not be started.
    StartFailed,
    /// A line of a setup or teardown failed.
    SetupFailed,
    /// The holder of a session does not answer.
    Unreachable,
    /// A text could mean several things.
    Ambiguous,
    /// Somebody is at work with it.
    InUse,
    /// Work would be lost.
    UnsavedWork,
    /// A path leads where it must not.
    UnsafePath,
    /// A repository belongs to somebody else.
    UnsafeOwnership,
    /// A value makes no sense.
    InvalidValue,
    /// Git could not do it.
    GitFailed,
    /// The disk could not do it.
    IoFailed,
    /// We made a mistake.
    Internal,
    /// Another process holds the lock.
    StateLocked,
    /// A newer wharf wrote the state file.
    StateNewer,
    /// The state file cannot be replaced.
    StateUnwritable,
}

/// What sort of failure it is; the faces turn it into an exit code or an HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The disk, git, or we.
    Failed,
    /// What was asked for makes no sense.
    Invalid,
    /// It is not there.
    NotFound,
    /// Somebody else has it.
    Conflict,
    /// No room.
    Full,
    /// Work would be lost, or a path or owner is not safe.
    Unsafe,
    /// Somebody who is needed for it does not answer.
    Unreachable,
    /// Another process holds the lock.
    Locked,
    /// The state file cannot be written by this wharf.
    State,
}

impl Code {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::MaxSessions => "MAX_SESSIONS",
            Self::MaxRunning => "MAX_RUNNING",
            Self::MaxContexts => "MAX_CONTEXTS",
            Self::NameTaken => "NAME_TAKEN",
            Self::BranchTaken => "BRANCH_TAKEN",
            Self::IssueTaken => "ISSUE_TAKEN",
            Self::NotFound => "NOT_FOUND",
            Self::NotRunning => "NOT_RUNNING",
            Self::StartFailed => "START_FAILED",
            Self::SetupFailed => "SETUP_FAILED",
            Self::Unreachable => "UNREACHABLE",
            Self::Ambiguous => "AMBIGUOUS",
            Self::InUse => "IN_USE",
            Self::UnsavedWork => "UNSAVED_WORK",
            Self::UnsafePath => "UNSAFE_PATH",
            Self::UnsafeOwnership => "UNSAFE_OWNERSHIP",
            Self::InvalidValue => "INVALID_VALUE",
            Self::GitFailed => "GIT_FAILED",
            Self::IoFailed => "IO_FAILED",
            Self::Internal => "INTERNAL",
            Self::StateLocked => "STATE_LOCKED",
            Self::StateNewer => "STATE_NEWER",
            Self::StateUnwritable => "STATE_UNWRITABLE",
        }
    }

    /// What sort of failure it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::MaxSessions | Self::MaxRunning | Self::MaxContexts => Kind::Full,
            Self::NameTaken | Self::BranchTaken | Self::IssueTaken | Self::Ambiguous | Self::InUse => {
                Kind::Conflict
            }
            // What is sought is a program, and there is none.
            Self::NotFound | Self::NotRunning => Kind::NotFound,
            Self::Unreachable => Kind::Unreachable,
            Self::UnsavedWork | Self::UnsafePath | Self::UnsafeOwnership => Kind::Unsafe,
            Self::InvalidValue => Kind::Invalid,
            Self::GitFailed | Self::IoFailed | Self::StartFailed | Self::SetupFailed | Self::Internal => {
                Kind::Failed
            }
            Self::StateLocked => Kind::Locked,
            Self::StateNewer | Self::StateUnwritable => Kind::State,
        }
    }
}

/// What went wrong with an agent.
pub(super) fn agent_code(err: &AgentError) -> Code {
    match err {
        AgentError::Name(_)
        | AgentError::Entry { .. }
        | AgentError::Placeholder { .. }
        | AgentError::NoValue { .. }
        | AgentError::NoConversations { .. }
        | AgentError::Command(_)
        | AgentError::Input { .. }
        | AgentError::NoHooks { .. }
        | AgentError::Elsewhere { .. }
        | AgentError::Settings { .. }
        | AgentError::Shape { .. } => Code::InvalidValue,
        AgentError::NotOurs { .. } | AgentError::UnsafePath { .. } => Code::UnsafePath,
        AgentError::NoHome { .. } => Code::NotFound,
        AgentError::TooMany { .. } | AgentError::Io { .. } => Code::IoFailed,
    }
}

/// What went wrong with a terminal.
pub(super) fn terminal_code(err: &TerminalError) -> Code {
    match err {
        TerminalError::NotRunning => Code::NotRunning,
        TerminalError::Running | TerminalError::Unread => Code::InUse,
        TerminalError::Refused { code, .. } => match code.as_str() {
            "controlled" | "full" | "not-control" | "not-read" => Code::InUse,
            _ => Code::Unreachable,
        },
        TerminalError::Protocol { .. } | TerminalError::Silent { .. } | TerminalError::Hidden { .. } => {
            Code::Unreachable
        }
        TerminalError::Program { .. } => Code::StartFailed,
        TerminalError::UnsafeFolder { .. } => Code::UnsafePath,
        TerminalError::LongPath { .. } | TerminalError::Io { .. } => Code::IoFailed,
    }
}

/// What went wrong with a context.
pub(super) fn shell_code(err: &ShellError) -> Code {
    match err {
        ShellError::Nul | ShellError::TooLong { .. } | ShellError::NoInterpreter { .. } => Code::InvalidValue,
        ShellError::OtherInterpreter { .. } | ShellError::Busy => Code::InUse,
        ShellError::Full { .. } | ShellError::Crowded { .. } => Code::MaxContexts,
        ShellError::Interpreter { .. } => Code::StartFailed,
        ShellError::Silent { .. } => Code::Unreachable,
        ShellError::Locked { .. } => Code::StateLocked,
        ShellError::Io { .. } => Code::IoFailed,
    }
}
