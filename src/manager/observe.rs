//! Whether what the table says about a session's process still holds: its holder can be killed at any time, and the
//! table can lose it.

use crate::{
    clock::Timestamp,
    process,
    registry::Registry,
    session::{Cause, ProcessId, Session, SessionId},
    terminal::Terminals,
};

/// Whether something runs in a session: its process or its holder is proven alive.
pub fn runs(session: &Session) -> bool {
    session.process().is_some_and(process::is_alive) || session.holder().is_some_and(process::is_alive)
}

/// Whether the process of a session and, where it has one, its holder are proven alive.
pub(super) fn is_whole(session: &Session) -> bool {
    session.process().is_some_and(process::is_alive) && session.holder().is_none_or(process::is_alive)
}

/// Whether the holder of the last program of a session was killed, so that something of it may be left.
pub(super) fn is_lost(session: &Session) -> bool {
    session.ending().is_some_and(|ending| ending.cause == Cause::Lost)
}

/// Gives the sessions whose holder lives, and whom the table has forgotten, their process back. Says which. One look at a
/// file for each session that does not run and has a holder's note.
pub(super) fn adopt(registry: &mut Registry, terminals: &dyn Terminals) -> Vec<Session> {
    let mut adopted = Vec::new();
    for id in terminals.noted() {
        let is_known = |session: &Session| {
            session.pending().is_some() || session.holder().is_some_and(process::is_alive)
        };
        if registry.session(id).is_none_or(is_known) {
            continue;
        }
        let Some(held) = terminals.held(id) else {
            continue;
        };
        if let Ok(program) = held.program() {
            let started = held.started;
            let run = |session: &mut Session| {
                session.run(program, started.process, started.holder, held.since);
            };
            adopted.extend(registry.update(id, run).cloned());
        }
    }
    adopted
}

/// Marks the sessions whose holder was killed as lost. Says which. One look into `/proc` for each session that runs.
pub(super) fn observe(registry: &mut Registry, now: Timestamp) -> Vec<Session> {
    let is_lost = |session: &&Session| session.holder().is_some_and(is_gone);
    let ids: Vec<SessionId> = registry.iter().filter(is_lost).map(Session::id).collect();
    let mut lost = Vec::new();
    for id in ids {
        lost.extend(registry.update(id, |session| session.lose(now)).cloned());
    }
    lost
}

/// Whether a process is proven gone. One of another boot or container is not: nobody can tell from here.
fn is_gone(holder: &ProcessId) -> bool {
    process::is_of_this_boot(holder)
        && process::identify(holder.pid).is_ok_and(|found| found.as_ref() != Some(holder))
}
