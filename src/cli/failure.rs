//! How a failure reaches a person or a script: message, hint, exit code.

use std::{io, path::PathBuf, process::ExitCode};

use serde::Serialize;
use thiserror::Error;

use crate::{
    config::ConfigError,
    key::DetachKeyError,
    manager::{Kind, ManagerError},
    server::ServerError,
    session::{
        AgentNameError, BranchNameError, ConversationIdError, IssueRefError, LabelError, Session,
        SessionName, SessionNameError, SessionStatusError,
    },
    terminal::TerminalError,
    text,
    view::{ObstacleView, describe},
};

/// Why a command did not do what it was asked for.
#[derive(Debug, Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Manager(#[from] ManagerError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Name(#[from] SessionNameError),
    #[error(transparent)]
    Branch(#[from] BranchNameError),
    #[error(transparent)]
    Status(#[from] SessionStatusError),
    #[error(transparent)]
    Issue(#[from] IssueRefError),
    #[error(transparent)]
    Label(#[from] LabelError),
    #[error(transparent)]
    Agent(#[from] AgentNameError),
    #[error(transparent)]
    Conversation(#[from] ConversationIdError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{}` is not {wanted}", given.escape_debug())]
    Value { given: String, wanted: &'static str },
    #[error("there is no workspace at {}", path.display())]
    NoWorkspace { path: PathBuf },
    #[error("{} {because}", path.display())]
    UnsafePath { path: PathBuf, because: &'static str },
    #[error("there is no home folder to keep the registry of folders in")]
    NoHome,
    #[error("nothing is bound to {sought}")]
    NotBound { sought: String },
    #[error("there is no interpreter `{}`", name.escape_debug())]
    NoInterpreter { name: String },
    #[error("{what} needs a confirmation, and nobody can give it here")]
    Unconfirmed { what: &'static str },
    #[error("{} a cure", if *findings == 1 { "1 finding needs".to_owned() } else { format!("{findings} findings need") })]
    Unhealthy { findings: usize, can_fix: bool },
    #[error("session `{name}`: its holder went away; what ran in it has no terminal any more")]
    Lost { name: SessionName },
    #[error("session `{name}` shows nothing of what was pasted, so enter was not pressed")]
    NotShown { name: SessionName },
    #[error("session `{name}` {how} before {} came", text::line(goal))]
    Ended { name: SessionName, how: String, goal: String },
    #[error("session `{name}`: {} did not come in time", text::line(goal))]
    TimedOut { name: SessionName, goal: String },
    #[error("another process is still at work on the pool of {}", text::line(repository))]
    PoolBusy { repository: String },
    #[error("{count} of them do not run")]
    NotResumed { count: usize },
    #[error("this terminal is that of session `{name}`")]
    Inside { name: SessionName },
    #[error("this runs in the context of session `{name}`, whose next command begins when it has ended")]
    Itself { name: SessionName },
    #[error("standard input and output are no terminal")]
    NoTerminal,
    #[error("ended by signal {signal}")]
    Signalled { signal: i32 },
    #[error(transparent)]
    DetachKey(#[from] DetachKeyError),
    #[error("there is no command `{}`", name.escape_debug())]
    NoCommand { name: String },
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

#[derive(Serialize)]
struct ErrorView {
    error: ErrorBody,
}

#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    losses: Vec<ObstacleView>,
}

impl Failure {
    /// What could not be done with the terminal of a session.
    pub(super) fn of_terminal(session: &Session) -> impl Fn(TerminalError) -> Self + use<> {
        let name = session.name().clone();
        move |source| Self::Manager(ManagerError::Terminal { name: name.clone(), source })
    }

    /// The stable word.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Manager(err) => err.code().word(),
            Self::Server(err) => err.code(),
            Self::Name(_) => "INVALID_NAME",
            Self::Branch(_) => "INVALID_BRANCH",
            Self::Status(_)
            | Self::Issue(_)
            | Self::Label(_)
            | Self::Agent(_)
            | Self::Conversation(_)
            | Self::Value { .. }
            | Self::Config(_)
            | Self::DetachKey(_)
            | Self::NoTerminal
            | Self::Inside { .. }
            | Self::Unconfirmed { .. } => "INVALID_VALUE",
            Self::Itself { .. } | Self::PoolBusy { .. } => "IN_USE",
            Self::Lost { .. } => "UNREACHABLE",
            Self::NotShown { .. } => "NOT_SHOWN",
            Self::Ended { .. } => "ENDED",
            Self::NotResumed { .. } => "NOT_RESUMED",
            Self::TimedOut { .. } => "TIMED_OUT",
            Self::Signalled { .. } => "SIGNALLED",
            Self::NoWorkspace { .. }
            | Self::NoHome
            | Self::NotBound { .. }
            | Self::NoInterpreter { .. }
            | Self::NoCommand { .. } => "NOT_FOUND",
            Self::UnsafePath { .. } => "UNSAFE_PATH",
            Self::Unhealthy { .. } => "UNHEALTHY",
            Self::Io { .. } | Self::Output(_) => "IO_FAILED",
        }
    }

    /// The exit code; a reader that closed the pipe is no failure.
    pub(super) fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Output(err) if err.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Manager(err) => kind_code(err.kind()),
            Self::Server(err) => kind_code(err.kind()),
            Self::Name(_)
            | Self::Branch(_)
            | Self::Status(_)
            | Self::Issue(_)
            | Self::Label(_)
            | Self::Agent(_)
            | Self::Conversation(_)
            | Self::Value { .. }
            | Self::Config(_)
            | Self::DetachKey(_)
            | Self::NoTerminal
            | Self::Inside { .. }
            | Self::Unconfirmed { .. } => 2,
            Self::Itself { .. } | Self::PoolBusy { .. } => 4,
            Self::UnsafePath { .. } => 6,
            Self::Lost { .. } => 7,
            Self::TimedOut { .. } => 124,
            Self::Signalled { signal } => u8::try_from(128 + signal).unwrap_or(1),
            Self::NoWorkspace { .. }
            | Self::NoHome
            | Self::NotBound { .. }
            | Self::NoInterpreter { .. }
            | Self::NoCommand { .. } => 3,
            Self::NotResumed { .. }
            | Self::NotShown { .. }
            | Self::Ended { .. }
            | Self::Unhealthy { .. }
            | Self::Io { .. }
            | Self::Output(_) => 1,
        };
        ExitCode::from(code)
    }

    /// Whether nobody is left to read about it.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Signalled { .. })
            || matches!(self, Self::Output(err) if err.kind() == io::ErrorKind::BrokenPipe)
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Manager(err) => err.hint(),
            Self::Server(err) => err.hint(),
            Self::NoWorkspace { .. } => Some(
                "name one with `--workspace` or `WHARF_WORKSPACE`, or start wharf inside a repository"
                    .to_owned(),
            ),
            Self::NoInterpreter { .. } => Some("`wharf interpreter list` shows those there are".to_owned()),
            Self::UnsafePath { .. } => Some("rename or remove it, then the same command again".to_owned()),
            Self::NoHome => Some("set `HOME` or `XDG_CONFIG_HOME`".to_owned()),
            Self::Unconfirmed { .. } => Some("give `--yes`".to_owned()),
            Self::Unhealthy { can_fix: true, .. } => {
                Some("`wharf doctor --fix` cures what can be cured".to_owned())
            }
            Self::Unhealthy { can_fix: false, .. } => {
                Some("each finding says what to do; no fix does it for you".to_owned())
            }
            Self::Config(_) => Some("correct the file; `restore` and `doctor` go on without it".to_owned()),
            Self::Lost { name } => Some(format!(
                "`wharf doctor` names what is left of it, `wharf start {name}` ends that and starts it again"
            )),
            Self::PoolBusy { .. } => Some(
                "`wharf pool status` shows what is ready by now; the same again once nothing is `filling` there"
                    .to_owned(),
            ),
            Self::NotShown { name } => Some(format!(
                "it may be asking something: `wharf screen {name}` shows it, `wharf attach {name}` answers"
            )),
            Self::Itself { .. } => Some(
                "run it as it is, without `wharf exec`; another session can be used from here".to_owned(),
            ),
            Self::NoTerminal => {
                Some("`--observe` streams what it prints, `wharf send` types into it".to_owned())
            }
            Self::Name(_)
            | Self::Branch(_)
            | Self::Status(_)
            | Self::Issue(_)
            | Self::Label(_)
            | Self::Agent(_)
            | Self::Conversation(_)
            | Self::Value { .. }
            | Self::Ended { .. }
            | Self::Inside { .. }
            | Self::NotResumed { .. }
            | Self::TimedOut { .. }
            | Self::Signalled { .. }
            | Self::DetachKey(_)
            | Self::NotBound { .. }
            | Self::NoCommand { .. }
            | Self::Io { .. }
            | Self::Output(_) => None,
        }
    }

    /// The whole message with its causes, in one line, safe for a terminal.
    pub(super) fn message(&self) -> String {
        text::lines(&text::because(self))
    }

    /// As a person reads it.
    pub(super) fn to_text(&self) -> String {
        let mut lines = vec![format!("error: {}", self.message())];
        if let Self::Manager(ManagerError::UnsavedWork { obstacles, .. }) = self {
            lines.extend(obstacles.iter().map(|obstacle| format!("  {}", describe(obstacle))));
        }
        if let Some(hint) = self.hint() {
            lines.push(format!("hint: {}", text::lines(&hint)));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// As a script reads it.
    pub(super) fn to_json(&self) -> String {
        let losses = match self {
            Self::Manager(ManagerError::UnsavedWork { obstacles, .. }) => {
                obstacles.iter().map(ObstacleView::from).collect()
            }
            Self::Manager(_)
            | Self::Server(_)
            | Self::Name(_)
            | Self::Branch(_)
            | Self::Status(_)
            | Self::Issue(_)
            | Self::Label(_)
            | Self::Agent(_)
            | Self::Conversation(_)
            | Self::Config(_)
            | Self::Value { .. }
            | Self::NoWorkspace { .. }
            | Self::UnsafePath { .. }
            | Self::NoHome
            | Self::NotBound { .. }
            | Self::Unconfirmed { .. }
            | Self::Unhealthy { .. }
            | Self::NoCommand { .. }
            | Self::Lost { .. }
            | Self::NotShown { .. }
            | Self::Ended { .. }
            | Self::PoolBusy { .. }
            | Self::NotResumed { .. }
            | Self::TimedOut { .. }
            | Self::NoTerminal
            | Self::NoInterpreter { .. }
            | Self::Inside { .. }
            | Self::Itself { .. }
            | Self::Signalled { .. }
            | Self::DetachKey(_)
            | Self::Io { .. }
            | Self::Output(_) => Vec::new(),
        };
        json(self.code(), text::because(self), self.hint(), losses)
    }
}

/// The JSON form of wrong arguments, which never become a [`Failure`].
pub(super) fn usage_json(message: String) -> String {
    json("INVALID_VALUE", message, Some("`wharf --help` shows what can be typed".to_owned()), Vec::new())
}

fn json(code: &'static str, message: String, hint: Option<String>, losses: Vec<ObstacleView>) -> String {
    let view = ErrorView { error: ErrorBody { code, message, hint, losses } };
    let mut out = serde_json::to_string(&view).expect("texts and numbers always have a JSON form");
    out.push('\n');
    out
}

fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::Failed => 1,
        Kind::Invalid => 2,
        Kind::NotFound => 3,
        Kind::Conflict => 4,
        Kind::Full => 5,
        Kind::Unsafe => 6,
        Kind::Unreachable => 7,
        Kind::Locked => 8,
        Kind::State => 9,
    }
}
