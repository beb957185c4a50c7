//! Orders and injected failures of the verbs, and the pure judgement of a recovery.

mod order;
mod recovering;

use std::sync::Arc;

use super::SessionManager;
use crate::{
    clock::{Clock, Timestamp},
    config::Settings,
    session::{Base, RepositoryPath, Session, SessionId, SessionParts, SessionStatus},
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
    let parts = SessionParts::of(id(number), name.parse().unwrap(), at(0));
    Session::from_parts(SessionParts { base: Some(base()), ..parts })
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
