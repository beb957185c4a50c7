//! What a command works with: workspace, settings, manager, output; put together from the global arguments.

use std::{env, mem::ManuallyDrop, num::NonZeroUsize, sync::Arc};

use super::{
    args::Global,
    failure::Failure,
    locate,
    logs::{self, Talk},
    output::Output,
};
use crate::{
    clock::{Clock, SystemClock, Timestamp},
    config::{self, ConfigError, Settings},
    manager::{FolderManager, Ports, SessionManager},
    process::Background,
    session::Session,
    shell::{HolderShells, Shells},
    socket,
    socket::Folder,
    store::{FileStore, FolderStore},
    terminal::{Connection, HolderTerminals, Runtime, Terminals},
    text,
    workspace::Workspace,
    worktree::{GitSettings, GitWorktrees, Worktrees},
};

/// With `off` in this variable nothing is left for the background: a script that takes the machine down next, or a test,
/// wants everything done before the answer.
const BACKGROUND: &str = "WHARF_BACKGROUND";

/// How many worktrees are kept ready for each repository, over what the settings say.
const POOL_SIZE: &str = "WHARF_POOL_SIZE";

/// Whether settings that cannot be used stop a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// They do: a person is there to correct them.
    Stop,
    /// The defaults stand in for them: a start must not depend on a typing error.
    GoOn,
}

/// What a command works with.
pub(super) struct Context {
    /// What it has in memory goes with the process: to give back thousands of records one by one would take time that
    /// somebody waits for.
    pub(super) manager: ManuallyDrop<SessionManager>,
    pub(super) output: Output,
}

impl Context {
    /// Finds the workspace, reads the settings and opens the log.
    pub(super) fn open(global: &Global, broken: Broken) -> Result<Self, Failure> {
        let output = Output::new(global.json);
        let workspace = locate::workspace(global.workspace.as_deref())?;
        let loaded = settings(&workspace);
        let days = loaded.as_ref().map_or_else(|_| Settings::default().log_days, |it| it.log_days);
        logs::begin(Some(workspace.logs()), days.get(), talk(global));
        let mut settings = match (loaded, broken) {
            (Ok(settings), _) => settings,
            (Err(err), Broken::Stop) => return Err(err.into()),
            (Err(err), Broken::GoOn) => {
                let because = text::because(&err);
                tracing::warn!(error = %because, "the settings cannot be used, defaults stand in for them");
                Settings::fallback(&err)
            }
        };
        match (pool_size(), broken) {
            (Ok(_), _) => (),
            (Err(err), Broken::Stop) => return Err(err),
            (Err(err), Broken::GoOn) => {
                tracing::warn!(error = %err, "how many worktrees are kept ready stays as the settings say");
            }
        }
        if let Some(limit) = global.max_sessions.as_deref().filter(|text| !text.is_empty()) {
            match (sessions_max(limit), broken) {
                (Ok(limit), _) => settings.sessions_max = limit,
                (Err(err), Broken::Stop) => return Err(err),
                (Err(err), Broken::GoOn) => {
                    tracing::warn!(error = %err, "the limit of sessions stays that of the settings");
                }
            }
        }
        Ok(Self { manager: ManuallyDrop::new(manager(workspace, settings)), output })
    }
}

impl Context {
    /// Reaches the holder of a session.
    pub(super) fn connect(&self, session: &Session) -> Result<Connection, Failure> {
        let runtime = Runtime::of(self.manager.workspace().root());
        runtime.reach(session.id(), session.holder()).map_err(Failure::of_terminal(session))
    }
}

/// The current moment, for ages.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// The registry of folders that belongs to the user.
pub(super) fn folders(global: &Global) -> Result<FolderManager, Failure> {
    let folder = config::user_folder().ok_or(Failure::NoHome)?;
    logs::begin(None, Settings::default().log_days.get(), talk(global));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = Settings::of_user(&folder.join("config.toml"))?;
    let store = FolderStore::in_folder(&folder, Arc::clone(&clock));
    Ok(FolderManager::of(store, settings.editor, clock))
}

fn talk(global: &Global) -> Talk {
    Talk { quiet: global.quiet, verbose: global.verbose, json: global.json }
}

fn sessions_max(text: &str) -> Result<NonZeroUsize, Failure> {
    text.parse()
        .map_err(|_| Failure::Value { given: text.to_owned(), wanted: "a number of sessions, at least 1" })
}

/// The settings of the user and the workspace.
pub(super) fn settings(workspace: &Workspace) -> Result<Settings, ConfigError> {
    let user = config::user_folder().map(|folder| folder.join("config.toml"));
    let mut settings = Settings::load(user.as_deref(), &workspace.settings())?;
    // Also what works in the background hears this. That it is no number is said where a command is begun.
    if let Ok(Some(size)) = pool_size() {
        settings.pool_size = size;
    }
    Ok(settings)
}

/// How many worktrees are kept ready, as far as the environment says so.
fn pool_size() -> Result<Option<usize>, Failure> {
    let Some(text) = env::var_os(POOL_SIZE).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let size = text.to_str().and_then(|text| text.parse().ok());
    size.filter(|size| *size <= config::POOL_SIZE_MAX).map(Some).ok_or_else(|| Failure::Value {
        given: text.to_string_lossy().into_owned(),
        wanted: "a number of worktrees from 0 to 16 (`WHARF_POOL_SIZE`)",
    })
}

/// A manager on what is really there.
pub(super) fn manager(workspace: Workspace, settings: Settings) -> SessionManager {
    managers(workspace, settings)()
}

/// Makes managers that have everything in common but their turn at the table.
pub(super) fn managers(
    workspace: Workspace,
    settings: Settings,
) -> impl Fn() -> SessionManager + Send + Sync + 'static {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let git = GitSettings {
        time_limit: settings.git_time_limit,
        lock_limit: settings.git_time_limit,
        trust_hooks: settings.trust_hooks,
        ..GitSettings::default()
    };
    let worktrees: Arc<dyn Worktrees> =
        Arc::new(GitWorktrees::of(workspace.clone(), git, Arc::clone(&clock)));
    let folder = Folder::of(workspace.root());
    let runtime = Runtime::in_folder(folder.clone());
    // Without a program of our own nothing can be started, and the start says so.
    let wharf = socket::own_program().unwrap_or_else(|_| "wharf".into());
    let background = Arc::new(match env::var_os(BACKGROUND) {
        Some(word) if word == "off" => Background::none(),
        Some(_) | None => Background::of(&wharf, workspace.root()),
    });
    let interpreters = settings.interpreters.clone();
    let terminals: Arc<dyn Terminals> = Arc::new(HolderTerminals::of(wharf.clone(), runtime));
    let interpreter = settings.shell.interpreter.clone();
    let shells: Arc<dyn Shells> = Arc::new(HolderShells::of(wharf, folder, interpreters, interpreter));
    move || {
        let ports = Ports {
            store: Box::new(FileStore::at(workspace.clone(), Arc::clone(&clock))),
            worktrees: Arc::clone(&worktrees),
            terminals: Arc::clone(&terminals),
            shells: Arc::clone(&shells),
            background: Arc::clone(&background),
            clock: Arc::clone(&clock),
        };
        SessionManager::of(workspace.clone(), settings.clone(), ports)
    }
}
