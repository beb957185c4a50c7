//! Whether what the table says about a session's process still holds: its holder can be killed at any time, and the
//! table can lose it.

use crate::{
    clock::Timestamp,
    process,
    registry::Registry,
    session::{Cause, ProcessId, Session},
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
/// file for each session that does not run.
pub(super) fn adopt(registry: &mut Registry, terminals: &dyn Terminals) -> Vec<Session> {
    let mut adopted = Vec::new();
    for session in registry.all() {
        if session.pending().is_some() || session.holder().is_some_and(process::is_alive) {
            continue;
        }
        let Some(held) = terminals.held(session.id()) else {
            continue;
        };
        if let Ok(program) = held.program() {
            let started = held.started;
            let run = |session: &mut Session| {
                session.run(program, started.process, started.holder, held.since);
            };
            adopted.extend(registry.update(session.id(), run).cloned());
        }
    }
    adopted
}

/// Marks the sessions whose holder was killed as lost. Says which. One look into `/proc` for each session that runs.
pub(super) fn observe(registry: &mut Registry, now: Timestamp) -> Vec<Session> {
    let mut lost = Vec::new();
    for session in registry.all() {
        if session.holder().is_some_and(is_gone) {
            lost.extend(registry.update(session.id(), |session| session.lose(now)).cloned());
        }
    }
    lost
}

/// Whether a process is proven gone. One of another boot or container is not: nobody can tell from here.
fn is_gone(holder: &ProcessId) -> bool {
    process::is_of_this_boot(holder)
        && process::identify(holder.pid).is_ok_and(|found| found.as_ref() != Some(holder))
}
