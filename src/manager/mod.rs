//! The verbs on sessions, one file each, and the transaction that all of them go through.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    process::Background,
    registry::Registry,
    session::{RepositoryPath, Session, SessionName},
    shell::Shells,
    store::{self, Origin, Quarantined, Reading, Store},
    terminal::Terminals,
    workspace::Workspace,
    worktree::{Checkout, PoolSize, Worktrees},
};

mod agent_findings;
mod agents;
mod amend;
mod annotate;
mod at_work;
mod bind;
mod bring_up;
mod chains;
mod chores;
mod code;
mod context_findings;
mod contexts;
mod conversation;
mod conversation_health;
mod create;
mod destroy;
mod doctor;
mod error;
mod exchange;
mod exec;
mod findings;
mod folders;
mod foresee;
mod hint;
mod history;
mod install_hooks;
mod journal;
mod keep;
mod leftovers;
mod list;
mod mend;
mod observe;
mod pool;
mod ps;
mod recovery;
mod rename;
mod report;
mod restore;
mod resume;
mod settle;
mod setup;
mod shutdown;
mod start;
mod stop;
mod table;
mod take_down;
mod transcripts;
mod trash;
mod undo;
mod uninstall_hooks;
mod verify;

#[cfg(test)]
mod tests;

use self::{
    annotate::ensure_metadata_fits,
    create::settled,
    journal::ensure_quiet,
    observe::{adopt, observe},
};

pub(crate) use self::journal::is_abandoned;

pub use self::{
    agents::{AgentRequest, Opening, OpeningError},
    amend::Amend,
    annotate::{METADATA_BYTES_MAX, MetadataChange},
    bind::{BindIssue, EditorChange, is_running},
    chores::Chore,
    code::{Code, Kind},
    conversation::Talk,
    conversation_health::{Health, SessionHealth},
    create::CreateSession,
    destroy::{Destroyed, Obstacle, Permit, Permits},
    doctor::{Finding, Severity},
    error::ManagerError,
    exchange::{Imported, Tally},
    exec::{CommandText, ExecCommand},
    findings::STATE_UNREADABLE,
    folders::FolderManager,
    foresee::Foreseen,
    install_hooks::{HookChange, HookOutcome},
    keep::SessionKeeper,
    list::{Filter, Overview},
    observe::runs,
    ps::Running,
    recovery::{Adopted, Change, Plan},
    report::ReportError,
    restore::{Restored, Scope},
    resume::Resumed,
    setup::{FailedLine, Hear, Heard, SetUp},
    start::StartSession,
    table::Table,
    take_down::TakeDown,
    trash::Discarded,
    undo::Comeback,
};

/// The one way to change sessions: takes texts that are already types, and answers with sessions.
pub struct SessionManager {
    workspace: Workspace,
    settings: Settings,
    store: Box<dyn Store>,
    worktrees: Arc<dyn Worktrees>,
    terminals: Arc<dyn Terminals>,
    shells: Arc<dyn Shells>,
    background: Arc<Background>,
    clock: Arc<dyn Clock>,
    /// The table as it was when it was looked at last, for who reads the same again.
    last: Registry,
    /// How many warm worktrees there are to be, now.
    pool_size: PoolSize,
    /// What could not be taken when the table was read last.
    quarantined: Vec<Quarantined>,
    /// What dead processes began and could not be ended when that was tried last, and why.
    stuck: Vec<(SessionName, String)>,
}

/// Everything outside that a manager works with.
pub struct Ports {
    /// Where the table is kept.
    pub store: Box<dyn Store>,
    /// Where the code is checked out.
    pub worktrees: Arc<dyn Worktrees>,
    /// What runs in the sessions.
    pub terminals: Arc<dyn Terminals>,
    /// The contexts in which commands run.
    pub shells: Arc<dyn Shells>,
    /// Who starts what is done behind.
    pub background: Arc<Background>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// The table under its lock; what is not committed is gone when this is dropped.
struct Transaction<'a> {
    store: &'a mut dyn Store,
    registry: Registry,
    last: &'a mut Registry,
}

impl Transaction<'_> {
    fn commit(&mut self) -> Result<(), ManagerError> {
        self.commit_after(&[])
    }

    /// Commits when what these paths lead to is durable too.
    fn commit_after(&mut self, first: &[PathBuf]) -> Result<(), ManagerError> {
        Ok(self.store.commit_after(&self.registry.all(), first)?)
    }

    /// As `commit`, but a power cut can take it back until what this answers is made durable.
    fn place(&mut self) -> Result<Vec<PathBuf>, ManagerError> {
        Ok(self.store.place(&self.registry.all())?)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.store.end();
        *self.last = mem::take(&mut self.registry);
    }
}

impl SessionManager {
    /// A manager of one workspace.
    pub fn of(workspace: Workspace, settings: Settings, ports: Ports) -> Self {
        let Ports { store, worktrees, terminals, shells, background, clock } = ports;
        let (quarantined, stuck) = (Vec::new(), Vec::new());
        let pool_size = PoolSize::fixed(settings.pool_size);
        Self {
            workspace,
            settings,
            store,
            worktrees,
            terminals,
            shells,
            background,
            clock,
            last: Registry::default(),
            pool_size,
            quarantined,
            stuck,
        }
    }

    /// The workspace it manages.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The settings it goes by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The table as it is now. A damaged state file is rebuilt first, on the disk if that can be written, else
    /// only in memory.
    pub fn registry(&mut self) -> Result<Registry, ManagerError> {
        let now = self.clock.now();
        let mut registry = self.stored_registry()?;
        adopt(&mut registry, &*self.terminals);
        if !observe(&mut registry, now).is_empty() {
            // A holder that ended in order has written that down before it went; only now its word is sure to be there.
            registry = self.stored_registry()?;
            adopt(&mut registry, &*self.terminals);
            observe(&mut registry, now);
        }
        Ok(registry)
    }

    fn stored_registry(&mut self) -> Result<Registry, ManagerError> {
        let reading = self.store.read()?;
        self.quarantined.clone_from(&reading.quarantined);
        if !self.is_damaged(&reading) {
            return Ok(self.registry_of(reading.sessions));
        }
        let rebuilt = self.begin().map(|transaction| transaction.registry.clone());
        rebuilt.or_else(|err| {
            tracing::warn!(error = %err, "the rebuilt registry cannot be written");
            Ok(Registry::of(self.plan(reading).sessions).0)
        })
    }

    /// The table of what was read; where that is what was looked at last, nothing has to be put in order again.
    fn registry_of(&mut self, sessions: Vec<Session>) -> Registry {
        let last = mem::take(&mut self.last);
        if last.is_of(&sessions) { last } else { Registry::of(sessions).0 }
    }

    /// The session a person means, as the state file has it.
    fn stored_session(&mut self, who: &str) -> Result<Session, ManagerError> {
        let found = self.stored_registry()?.find(who).cloned();
        found.map_err(|err| self.not_found(who, err))
    }

    /// The session a person means by a name, an id, or the beginning of an id.
    pub fn session(&mut self, who: &str) -> Result<Session, ManagerError> {
        let registry = self.registry()?;
        let found = registry.find(who).cloned();
        self.last = registry;
        found.map_err(|err| self.not_found(who, err))
    }

    /// Takes the lock and reads the table; a damaged one is rebuilt from backups and git first.
    fn begin(&mut self) -> Result<Transaction<'_>, ManagerError> {
        let mut reading = self.store.begin()?;
        self.quarantined.clone_from(&reading.quarantined);
        if self.is_damaged(&reading) {
            // Git works while nobody holds the lock; who comes first rebuilds, the next one finds it done.
            self.store.end();
            let scan = self.scan(&reading.sessions);
            reading = self.store.begin()?;
            if self.is_damaged(&reading) {
                return self.rebuild(reading, scan);
            }
        }
        if reading.origin == Origin::Absent
            && let Err(err) = self.worktrees.hide_own_files()
        {
            tracing::warn!(error = %err, "git will show wharf's own files as untracked");
        }
        let mut registry = self.registry_of(reading.sessions);
        for found in adopt(&mut registry, &*self.terminals) {
            tracing::warn!(sessionId = %found.id(), name = %found.name(), "a program that runs was missing in the table");
        }
        // Under the lock no holder can be between its last word and its end.
        for lost in observe(&mut registry, self.clock.now()) {
            tracing::warn!(sessionId = %lost.id(), name = %lost.name(), "the holder of a session was killed");
        }
        Ok(Transaction { store: &mut *self.store, registry, last: &mut self.last })
    }

    /// Whether sessions may be missing from what was read.
    fn is_damaged(&self, reading: &Reading) -> bool {
        match reading.origin {
            Origin::File | Origin::Unsigned => false,
            Origin::Absent => self.worktrees.has_any(),
            Origin::Suspect | Origin::Backup { .. } | Origin::Lost { .. } => true,
        }
    }

    /// Changes one session under the lock and keeps a copy of its record with git.
    fn change<T>(
        &mut self,
        who: &str,
        change: impl FnOnce(&mut Session, Timestamp) -> T,
    ) -> Result<(Session, T), ManagerError> {
        let changed = self.change_quiet(who, change);
        changed.map_err(|err| self.explained(err))
    }

    fn change_quiet<T>(
        &mut self,
        who: &str,
        change: impl FnOnce(&mut Session, Timestamp) -> T,
    ) -> Result<(Session, T), ManagerError> {
        let now = self.clock.now();
        let workspace = self.workspace.clone();
        let worktrees = Arc::clone(&self.worktrees);
        let mut transaction = self.begin()?;
        if transaction.registry.find(who).is_ok_and(is_abandoned) {
            drop(transaction);
            self.settle_abandoned()?;
            transaction = self.begin()?;
        }
        let mut session = match transaction.registry.find(who).cloned() {
            Ok(session) => session,
            Err(err) => {
                drop(transaction);
                return Err(self.not_found(who, err));
            }
        };
        // Who makes, ends or brings back a session wrote its record down before; a change now would be lost.
        ensure_quiet(&session)?;
        let before = session.metadata().bytes();
        let answer = change(&mut session, now);
        // What another tool wrote stays, and can be made less of.
        if session.metadata().bytes() > before {
            ensure_metadata_fits(session.metadata())?;
        }
        transaction.registry.replace(session.clone())?;
        transaction.commit()?;
        remember(&*worktrees, &workspace, &session);
        Ok((session, answer))
    }

    /// The repository a folder in the workspace belongs to.
    pub fn repository_at(&self, folder: &Path) -> Result<RepositoryPath, ManagerError> {
        Ok(self.worktrees.repository_at(folder)?)
    }

    /// The repository of the workspace, if there is only one; of several the one in which somebody stands.
    fn one_repository(&self, standing: Option<&Path>) -> Result<RepositoryPath, ManagerError> {
        let mut candidates = self.worktrees.repositories()?;
        match candidates.len() {
            1 => Ok(candidates.remove(0)),
            0 => Err(ManagerError::NoRepository { workspace: self.workspace.root().to_owned() }),
            _ => {
                let around = standing.and_then(|folder| self.worktrees.repository_at(folder).ok());
                around.ok_or(ManagerError::ManyRepositories { candidates })
            }
        }
    }
}

/// Keeps a copy of a session's record with git. The state file is the truth and has it already, so a failure is told
/// and not fatal; the next start tries again.
fn remember(worktrees: &dyn Worktrees, workspace: &Workspace, session: &Session) {
    let record = store::encode_record(&settled(session), workspace);
    if let Err(err) = worktrees.remember(&checkout(session), session.name(), &record) {
        tracing::warn!(sessionId = %session.id(), error = %err, "the record beside git's files was not updated");
    }
}

/// The worktree a session's record speaks of.
fn checkout(session: &Session) -> Checkout {
    Checkout {
        id: session.id(),
        repository: session.repository().clone(),
        branch: session.branch().clone(),
        base: session.base().cloned(),
    }
}
