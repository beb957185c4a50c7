//! What a holder that was killed leaves behind: processes that carry the mark of a session in which nothing runs.

use std::collections::HashMap;

use super::{
    Finding, ManagerError, SessionManager, Severity,
    findings::finding,
    observe::{adopt, is_lost, observe, runs},
};
use crate::{
    process,
    registry::Registry,
    session::{CONTEXT_VARIABLE, SESSION_VARIABLE, Session},
    terminal::TerminalError,
};

/// What is left of the last program of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leftovers {
    pub(super) session: Session,
    /// Processes with its mark; none when only its socket is left.
    pub(super) pids: Vec<u32>,
}

impl Leftovers {
    pub(super) fn finding(self) -> Finding {
        const CURE: &str = "`wharf doctor --fix`, or `wharf stop`, ends it";
        let name = self.session.name().as_str();
        if self.pids.is_empty() {
            let message = "its holder was killed and left a socket that nobody answers";
            return finding("holder-gone", Severity::Warning, name, message, CURE);
        }
        let message = format!("its holder is gone, and what it started still runs: {}", listed(&self.pids));
        finding("left-running", Severity::Warning, name, message, CURE)
    }
}

fn listed(pids: &[u32]) -> String {
    pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl SessionManager {
    /// These sessions as they are: those whose holder was killed are lost, those whose holder lives run.
    pub(super) fn observed(&self, sessions: Vec<Session>) -> Vec<Session> {
        let (mut registry, _) = Registry::of(sessions);
        adopt(&mut registry, &*self.terminals);
        observe(&mut registry, self.clock.now());
        registry.all()
    }

    /// What is left of the program of a session whose holder was killed, in words; one look at the processes of the machine
    /// for a session that is lost, and none for others.
    pub fn left_running(&self, session: &Session) -> Option<String> {
        let left = if is_lost(session) { self.leftovers(std::slice::from_ref(session)) } else { Vec::new() };
        let pids = left.into_iter().next().filter(|it| !it.pids.is_empty())?.pids;
        Some(format!(
            "what its program started still runs: {}; `wharf stop {}` ends it",
            listed(&pids),
            session.name()
        ))
    }

    /// What is left of programs in sessions where nothing runs, from one look at the processes of the machine.
    pub(super) fn leftovers(&self, sessions: &[Session]) -> Vec<Leftovers> {
        let marks = process::marks_without(SESSION_VARIABLE, CONTEXT_VARIABLE).unwrap_or_else(|err| {
            tracing::warn!(error = %err, "the processes of the machine cannot be looked at");
            Vec::new()
        });
        let mut marked: HashMap<String, Vec<u32>> = HashMap::new();
        // Without a list of all processes, nobody is known to be spared.
        let spared = process::spared(&process::all().unwrap_or_default(), None, &self.settings.terminal.keep);
        for (id, process) in marks.into_iter().filter(|(_, process)| !spared.contains(&process.pid)) {
            marked.entry(id).or_default().push(process.pid);
        }
        let mut found = Vec::new();
        for session in sessions.iter().filter(|session| session.pending().is_none() && !runs(session)) {
            let pids = marked.remove(&session.id().to_string()).unwrap_or_default();
            match self.terminals.info(session.id()) {
                Err(TerminalError::Silent { .. }) => found.push(Leftovers { session: session.clone(), pids }),
                Err(TerminalError::NotRunning) if !pids.is_empty() => {
                    found.push(Leftovers { session: session.clone(), pids });
                }
                // A holder that answers is at work, whatever the table says, and so are its processes.
                Ok(_) | Err(_) => (),
            }
        }
        found
    }

    /// Ends what is left. What cannot be ended is told and stays.
    pub(super) fn sweep_leftovers(&mut self) -> Result<(), ManagerError> {
        let sessions = self.registry()?.all();
        for Leftovers { session, .. } in self.leftovers(&sessions) {
            match self.terminals.sweep(session.id(), &self.settings.terminal.keep) {
                Ok(count) => {
                    tracing::info!(sessionId = %session.id(), count, "what a killed holder left was ended");
                }
                Err(err) => {
                    tracing::warn!(sessionId = %session.id(), error = %err, "what a killed holder left cannot be ended");
                }
            }
        }
        Ok(())
    }
}
