//! Which processes run in the sessions.

use super::{ManagerError, SessionManager, observe::runs, start::terminal_error};
use crate::{
    process::{self, Process},
    session::Session,
    terminal::TerminalError,
};

/// A session in which something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The session; it names its process and the holder of that.
    pub session: Session,
    /// Everything below its holder (below its process, where that has no holder), parents before their children.
    pub processes: Vec<Process>,
}

impl SessionManager {
    /// What runs in one session, or in all of them, oldest first; from one look at the processes of the machine.
    pub fn ps(&mut self, who: Option<&str>) -> Result<Vec<Running>, ManagerError> {
        let sessions = match who {
            None => self.registry()?.all(),
            Some(who) => {
                let session = self.session(who)?;
                if !runs(&session) {
                    return Err(terminal_error(&session, TerminalError::NotRunning));
                }
                vec![session]
            }
        };
        let table = process::all().map_err(|source| ManagerError::Process { source })?;
        let running = sessions.into_iter().filter(runs).map(|session| {
            let root = session.holder().or(session.process()).map_or(0, |root| root.pid);
            Running { processes: process::below(&table, root), session }
        });
        Ok(running.collect())
    }
}
