//! Which processes run in the sessions.

use super::{ManagerError, SessionManager, observe::runs, start::terminal_error};
use crate::{
    process::{self, Process},
    session::Session,
    shell::{Processes, Summary},
    terminal::TerminalError,
};

/// A session in which something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The session; it names its process and the holder of that.
    pub session: Session,
    /// Its context, if one lives.
    pub context: Option<Summary>,
    /// Everything below its holder (below its process, where that has no holder), parents before their children; behind
    /// them the processes of its context.
    pub processes: Vec<Process>,
}

impl SessionManager {
    /// What runs in one session, or in all of them, oldest first; from one look at the processes of the machine.
    pub fn ps(&mut self, who: Option<&str>) -> Result<Vec<Running>, ManagerError> {
        let sessions = match who {
            None => self.registry()?.all(),
            Some(who) => vec![self.session(who)?],
        };
        let live = sessions.into_iter().map(|session| (self.shells.live(session.id()), session));
        let live: Vec<_> = live.filter(|(context, session)| context.is_some() || runs(session)).collect();
        if let (Some(who), []) = (who, &*live) {
            return Err(terminal_error(&self.session(who)?, TerminalError::NotRunning));
        }
        let table = process::all().map_err(|source| ManagerError::Process { source })?;
        let running = live.into_iter().map(|(context, session)| {
            let mut processes = Vec::new();
            if runs(&session) {
                let root = session.holder().or(session.process()).map_or(0, |root| root.pid);
                processes = process::below_in_session(&table, root);
            }
            if context.is_some() {
                let Processes { pids, .. } = self.shells.processes(session.id()).unwrap_or_default();
                processes.extend(table.iter().filter(|it| pids.contains(&it.pid)).cloned());
            }
            Running { session, context, processes }
        });
        Ok(running.collect())
    }
}
