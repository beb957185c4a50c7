//! Whether conversations can be kept: the sessions can be read, a file can be written, every chain is whole.

use super::{ManagerError, SessionManager};
use crate::session::Session;

/// How the keeping of conversations is doing.
#[derive(Debug)]
pub struct Health {
    /// Why the sessions cannot be read.
    pub manager: Option<ManagerError>,
    /// Why nothing can be kept.
    pub persistence: Option<ManagerError>,
    /// Every session there is.
    pub sessions: Vec<SessionHealth>,
}

/// How the chain of one session is doing.
#[derive(Debug)]
pub struct SessionHealth {
    /// The session.
    pub session: Session,
    /// What is wrong with its chain.
    pub flaw: Option<String>,
}

impl Health {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.manager.is_none()
            && self.persistence.is_none()
            && self.sessions.iter().all(|it| it.flaw.is_none())
    }
}

impl SessionManager {
    /// Looks at everything that conversations need; writes a probe and removes it.
    pub fn conversation_health(&mut self) -> Health {
        let conversations = self.conversations();
        let persistence = conversations.probe().err().map(ManagerError::from);
        let (sessions, manager) = match self.registry() {
            Ok(registry) => (registry.all(), None),
            Err(err) => (Vec::new(), Some(err)),
        };
        let sessions = sessions.into_iter().map(|session| {
            let flaw = match conversations.examine(session.id()) {
                Ok(flaw) => flaw.map(|flaw| flaw.to_string()),
                Err(err) => Some(err.to_string()),
            };
            SessionHealth { session, flaw }
        });
        Health { manager, persistence, sessions: sessions.collect() }
    }
}
