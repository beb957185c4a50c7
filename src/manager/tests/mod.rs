//! Orders and injected failures of the verbs, and the pure judgement of a recovery.

mod executing;
mod house;
mod keeping;
mod observing;
mod order;
mod recovering;
mod running;
mod stopping;

use std::{collections::BTreeSet, sync::Arc};

use super::{Ports, SessionManager};
use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    process,
    session::{Base, ProcessId, RepositoryPath, Session, SessionId, SessionParts, SessionStatus},
    shell::{Caller, Done, Place, Processes, Request, ShellError, Shells, Summary, Unload},
    store::{MockStore, Origin, Reading},
    terminal::{Exited, Held, Info, Launch, Started, Stop, TerminalError, Terminals},
    workspace::Workspace,
    worktree::MockWorktrees,
};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        at(0)
    }
}

/// A moment, some days after the first.
fn at(days: u32) -> Timestamp {
    Timestamp::from_unix_millis(1_763_980_200_000).unwrap().plus_days(days)
}

fn id(number: u8) -> SessionId {
    format!("00000000-0000-4000-8000-0000000000{number:02x}").parse().unwrap()
}

fn session(number: u8, name: &str) -> Session {
    let parts = SessionParts::of(id(number), name.parse().unwrap(), at(0));
    Session::from_parts(SessionParts { base: Some(Arc::new(base())), ..parts })
}

fn base() -> Base {
    Base { commit: "a".repeat(40).parse().unwrap(), reference: None }
}

fn reading(sessions: Vec<Session>) -> Reading {
    Reading {
        sessions,
        origin: Origin::File,
        generation: 1,
        quarantined: Vec::new(),
        notes: Vec::new(),
        witness: Vec::new(),
    }
}

fn manager(store: MockStore, worktrees: MockWorktrees) -> SessionManager {
    let ports = Ports {
        store: Box::new(store),
        worktrees: Arc::new(worktrees),
        terminals: Arc::new(NoTerminals),
        shells: Arc::new(NoShells),
        background: process::Background::none().into(),
        clock: Arc::new(FixedClock),
    };
    SessionManager::of(Workspace::at("/w".as_ref()), Settings::default(), ports)
}

/// Terminals in which nothing runs and nothing can.
struct NoTerminals;

impl Terminals for NoTerminals {
    fn program(&self) -> String {
        "wharf".to_owned()
    }

    fn start(&self, _: &Launch) -> Result<Started, TerminalError> {
        Err(TerminalError::NotRunning)
    }

    fn info(&self, _: SessionId) -> Result<Info, TerminalError> {
        Err(TerminalError::NotRunning)
    }

    fn noted(&self) -> BTreeSet<SessionId> {
        BTreeSet::new()
    }

    fn held(&self, _: SessionId) -> Option<Held> {
        None
    }

    fn stop(&self, _: SessionId, _: Option<&ProcessId>, _: Stop) -> Result<Exited, TerminalError> {
        Err(TerminalError::NotRunning)
    }

    fn sweep(&self, _: SessionId, _: &[String]) -> Result<usize, TerminalError> {
        Ok(0)
    }
}

/// Contexts of which none lives and none can.
struct NoShells;

impl Shells for NoShells {
    fn exec(&self, _: &Place, _: &Request, _: Caller<'_>) -> Result<Done, ShellError> {
        Err(ShellError::Full { limit: 0 })
    }

    fn live(&self, _: SessionId) -> Option<Summary> {
        None
    }

    fn processes(&self, _: SessionId) -> Option<Processes> {
        None
    }

    fn unload(&self, _: SessionId, _: Unload) -> Result<bool, ShellError> {
        Ok(false)
    }
}

/// A process that ends when this is dropped.
struct Alive(std::process::Child);

impl Alive {
    fn new() -> Self {
        Self::with(&[])
    }

    /// One with these variables in its environment.
    #[expect(clippy::disallowed_methods, reason = "real processes are the subject")]
    fn with(environment: &[(&str, &str)]) -> Self {
        let mut command = std::process::Command::new("cat");
        command.stdin(std::process::Stdio::piped()).envs(environment.iter().copied());
        Self(command.spawn().unwrap())
    }

    fn id(&self) -> ProcessId {
        process::identify(self.0.id()).unwrap().unwrap()
    }

    fn kill(mut self) -> ProcessId {
        let id = self.id();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        id
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
