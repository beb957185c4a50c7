//! Which contexts there are: those that live, and those that lie on the disk.

use super::{Filter, ManagerError, SessionManager};
use crate::{
    session::Session,
    shell::{Summary, log},
    text,
};

impl SessionManager {
    /// The contexts of these sessions, one for each in which a command ever ran, in the order of the sessions (SPEC CM-4).
    /// One that lives speaks for itself; of any other, its log does.
    pub fn contexts(&mut self, filter: &Filter) -> Result<Vec<Summary>, ManagerError> {
        let mut sessions = self.stored_registry()?.all();
        sessions.retain(|session| filter.admits(session));
        Ok(sessions.iter().filter_map(|session| self.context(session)).collect())
    }

    /// What is known of the context of a session. A log that cannot be read is told.
    pub(super) fn context(&self, session: &Session) -> Option<Summary> {
        let id = session.id();
        let stored = || {
            log::summary(&self.workspace.session_folder(id), id).unwrap_or_else(|err| {
                tracing::warn!(sessionId = %id, error = %text::because(&err), "the log of its commands cannot be read");
                None
            })
        };
        // What lives has no more than the name it began with.
        let name = session.name().to_string();
        self.shells.live(id).or_else(stored).map(|summary| Summary { name, ..summary })
    }
}
