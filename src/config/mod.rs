//! What people set: the user's file, then the workspace's file over it, parsed once.

use std::{
    collections::BTreeMap,
    env, fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use thiserror::Error;

use crate::{
    agent::{self, AgentError, Descriptions},
    interpreter::{self, InterpreterError, Interpreters},
    session::Label,
    text,
};

mod server;
mod setup;
mod shell;
mod terminal;
#[cfg(test)]
mod tests;

pub use self::{
    server::{ClientPolicy, ServerSettings, is_host},
    setup::{OnFailure, SetupSettings},
    shell::ShellSettings,
    terminal::TerminalSettings,
};

/// The largest settings file, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// The most worktrees that are kept ready for a repository.
pub const POOL_SIZE_MAX: usize = 16;

/// All settings, with their defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many sessions may exist (`max_sessions`, 4).
    pub sessions_max: NonZeroUsize,
    /// How many days a destroyed session can be brought back (`trash.days`, 7).
    pub trash_days: u32,
    /// How many days of logs are kept (`log.days`, 14).
    pub log_days: NonZeroUsize,
    /// How long one git command may take (`git.time_limit`, 600 seconds).
    pub git_time_limit: Duration,
    /// How many worktrees are kept ready for each repository (`pool.size`, 1), as far as the disk has room.
    pub pool_size: usize,
    /// Whether hooks of repositories run (`git.trust_hooks`, false); only the user's own file can say so.
    pub trust_hooks: bool,
    /// What the editor's process is called (`editor.name`, `code`).
    pub editor: Label,
    /// Of which transcripts of agents copies are kept in the workspace (`transcripts.keep`, `elsewhere`).
    pub keep_transcripts: KeepTranscripts,
    /// What a terminal may cost and how it behaves.
    pub terminal: TerminalSettings,
    /// What is run in new sessions, and in those that go.
    pub setup: SetupSettings,
    /// What the contexts in which commands run may cost, and what runs them.
    pub shell: ShellSettings,
    /// How the server is reached and what it may cost.
    pub server: ServerSettings,
    /// The kinds of agents there are (`agents.NAME`); only the user's own file can describe one.
    pub agents: Descriptions,
    /// The interpreters there are (`interpreters.NAME`); only the user's own file can describe one.
    pub interpreters: Interpreters,
    /// Why what people set cannot be used, where these stand in for it.
    pub unusable: Option<String>,
}

/// Of which transcripts of agents copies are kept in the workspace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepTranscripts {
    /// Of all.
    Always,
    /// Of those on another file system than the workspace: in a container they are likely to go with it.
    #[default]
    Elsewhere,
    /// Of none.
    Never,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sessions_max: NonZeroUsize::new(4).expect("four is not zero"),
            trash_days: 7,
            log_days: NonZeroUsize::new(14).expect("fourteen is not zero"),
            git_time_limit: Duration::from_mins(10),
            pool_size: 1,
            trust_hooks: false,
            editor: "code".parse().expect("a short word is a label"),
            keep_transcripts: KeepTranscripts::default(),
            terminal: TerminalSettings::default(),
            setup: SetupSettings::default(),
            shell: ShellSettings::default(),
            server: ServerSettings::default(),
            agents: Descriptions::builtin(),
            interpreters: Interpreters::builtin(),
            unusable: None,
        }
    }
}

/// Why settings could not be taken.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no settings file.
    #[error("{} cannot be used", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why not.
        source: Box<toml::de::Error>,
    },
    /// A value is out of range.
    #[error("{}: `{key}` {rule}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: &'static str,
        /// What it has to be.
        rule: &'static str,
    },
    /// An agent is not described well.
    #[error("{}: {source}", path.display())]
    Agent {
        /// The file.
        path: PathBuf,
        /// Which, and why not.
        source: AgentError,
    },
    /// An interpreter is not described well.
    #[error("{}: {source}", path.display())]
    Interpreter {
        /// The file.
        path: PathBuf,
        /// Which, and why not.
        source: InterpreterError,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    max_sessions: Option<usize>,
    trash: Trash,
    log: Log,
    git: Git,
    pool: Pool,
    editor: Editor,
    transcripts: Transcripts,
    terminal: terminal::File,
    setup: setup::File,
    shell: shell::File,
    server: server::File,
    agents: BTreeMap<String, agent::Entry>,
    interpreters: BTreeMap<String, interpreter::Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Trash {
    days: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Log {
    days: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Git {
    time_limit: Option<u64>,
    trust_hooks: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Pool {
    size: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Editor {
    name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Transcripts {
    keep: Option<KeepTranscripts>,
}

/// Whose file it is: a repository can bring a workspace's file along, so that one may not lift a guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    User,
    Workspace,
}

impl Settings {
    /// What stands in for settings that cannot be used: the defaults, but nobody knows how long the trash is to be kept,
    /// so nothing in it grows too old.
    pub fn fallback(err: &ConfigError) -> Self {
        Self { trash_days: u32::MAX, unusable: Some(text::because(err)), ..Self::default() }
    }

    /// The settings of a user (if there is a file) and a workspace; a missing file changes nothing.
    pub fn load(user: Option<&Path>, workspace: &Path) -> Result<Self, ConfigError> {
        let mut settings = user.map_or_else(|| Ok(Self::default()), Self::of_user)?;
        settings.apply(workspace, Origin::Workspace)?;
        Ok(settings)
    }

    /// The settings of a user alone, outside a workspace.
    pub fn of_user(path: &Path) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        settings.apply(path, Origin::User)?;
        Ok(settings)
    }

    fn apply(&mut self, path: &Path, origin: Origin) -> Result<(), ConfigError> {
        let Some(file) = read(path)? else {
            return Ok(());
        };
        let wrong = |key, rule| ConfigError::Value { path: path.to_owned(), key, rule };
        if let Some(count) = file.max_sessions {
            self.sessions_max =
                NonZeroUsize::new(count).ok_or_else(|| wrong("max_sessions", "is at least 1"))?;
        }
        if let Some(days) = file.trash.days {
            self.trash_days = days;
        }
        if let Some(days) = file.log.days {
            self.log_days = NonZeroUsize::new(days).ok_or_else(|| wrong("log.days", "is at least 1"))?;
        }
        match file.pool.size {
            Some(size) if size > POOL_SIZE_MAX => return Err(wrong("pool.size", "is at most 16")),
            Some(size) => self.pool_size = size,
            None => (),
        }
        match file.git.time_limit {
            Some(0) => return Err(wrong("git.time_limit", "is at least 1 second")),
            Some(seconds) => self.git_time_limit = Duration::from_secs(seconds),
            None => (),
        }
        match (file.git.trust_hooks, origin) {
            (Some(true), Origin::Workspace) => {
                return Err(wrong("git.trust_hooks", "can only be set in the user's own file"));
            }
            (Some(trust), Origin::User | Origin::Workspace) => self.trust_hooks = trust,
            (None, Origin::User | Origin::Workspace) => (),
        }
        if let Some(name) = file.editor.name {
            self.editor = name.parse().map_err(|_| wrong("editor.name", "is a text of 1 to 1000 bytes"))?;
        }
        // A repository can bring the workspace's file along, and an agent names programs that are run.
        if origin == Origin::Workspace && !file.agents.is_empty() {
            return Err(wrong("agents", "can only be set in the user's own file"));
        }
        for (name, entry) in file.agents {
            let described = self.agents.define(&name, entry);
            described.map_err(|source| ConfigError::Agent { path: path.to_owned(), source })?;
        }
        if origin == Origin::Workspace && !file.interpreters.is_empty() {
            return Err(wrong("interpreters", "can only be set in the user's own file"));
        }
        for (name, entry) in file.interpreters {
            let described = self.interpreters.define(&name, entry);
            described.map_err(|source| ConfigError::Interpreter { path: path.to_owned(), source })?;
        }
        if let Some(keep) = file.transcripts.keep {
            self.keep_transcripts = keep;
        }
        self.setup.apply(file.setup, origin).map_err(|(key, rule)| wrong(key, rule))?;
        self.server.apply(&file.server, origin).map_err(|(key, rule)| wrong(key, rule))?;
        self.shell.apply(file.shell, origin).map_err(|(key, rule)| wrong(key, rule))?;
        if self.interpreters.find(&self.shell.interpreter).is_none() {
            return Err(wrong("shell.interpreter", "is one of those that `wharf interpreter list` shows"));
        }
        self.terminal.apply(file.terminal, origin).map_err(|(key, rule)| wrong(key, rule))
    }
}

fn read(path: &Path) -> Result<Option<File>, ConfigError> {
    let failed = |source| ConfigError::Io { path: path.to_owned(), source };
    let length = match fs::metadata(path) {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(_) => return Err(failed(io::ErrorKind::InvalidInput.into())),
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(err) => return Err(failed(err)),
    };
    if length > CONFIG_BYTES_MAX {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    toml::from_str(&text)
        .map(Some)
        .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
}

/// The user's own folder: `$XDG_CONFIG_HOME/wharf`, else `~/.config/wharf`; `%USERPROFILE%\.wharf` on Windows.
pub fn user_folder() -> Option<PathBuf> {
    user_folder_from(|key| env::var_os(key).map(PathBuf::from), cfg!(windows))
}

fn user_folder_from(variable: impl Fn(&str) -> Option<PathBuf>, windows: bool) -> Option<PathBuf> {
    if windows {
        return variable("USERPROFILE").map(|home| home.join(".wharf"));
    }
    // The XDG rule: a relative path in the variable is to be ignored.
    let given = variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let folder = given
        .or_else(|| variable("HOME").filter(|home| home.is_absolute()).map(|home| home.join(".config")))?;
    Some(folder.join("wharf"))
}
