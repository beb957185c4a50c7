//! Orders and injected failures of the verbs, and the pure judgement of a recovery.

mod observing;
mod order;
mod recovering;

use std::sync::Arc;

use super::SessionManager;
use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    json::Members,
    session::{
        Base, BranchName, RepositoryPath, Session, SessionId, SessionName, SessionParts, SessionStatus,
    },
    store::{MockStore, Origin, Reading},
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
    let name: SessionName = name.parse().unwrap();
    Session::from_parts(SessionParts {
        id: id(number),
        repository: RepositoryPath::root(),
        created_at: at(0),
        branch: BranchName::for_session(&name),
        name,
        status: SessionStatus::Active,
        last_activity: at(0),
        base: Some(base()),
        phase: None,
        metadata: Members::new(),
        command: None,
        process: None,
        holder: None,
        ending: None,
        unproven_pid: None,
        binding: None,
        pending: None,
        unknown: Members::new(),
    })
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
    SessionManager::of(
        Workspace::at("/w".as_ref()),
        Settings::default(),
        Box::new(store),
        Arc::new(worktrees),
        Arc::new(FixedClock),
    )
}
