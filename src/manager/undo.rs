//! A destroyed session comes back, with its uncommitted work.

use std::sync::Arc;

use super::{ManagerError, SessionManager, at_work::AtWork, trash::Discarded};
use crate::{
    registry::Claim,
    session::{PendingAction, Session, SessionName},
};

impl SessionManager {
    /// Brings back what was destroyed last, or the session a name, an id or its beginning stands for; under another
    /// name if one is given.
    pub fn undo(&mut self, which: Option<&str>, name: Option<&SessionName>) -> Result<Session, ManagerError> {
        self.settle_abandoned()?;
        let Discarded { mut session, trashed } = self.find_discarded(which)?;
        session.rest();
        session.settle();
        if let Some(name) = name {
            session.rename(name.clone());
        }
        let _work = AtWork::with(session.id());
        let mut reserved = session.clone();
        reserved.begin(self.pending(PendingAction::BringingBack)?);
        let limit = self.settings.sessions_max.get();
        let worktrees = Arc::clone(&self.worktrees);
        let mut transaction = self.begin()?;
        // Somebody may have brought it back since we looked, and even have destroyed it again.
        if !worktrees.trash()?.contains(&trashed) || transaction.registry.session(trashed.id).is_some() {
            return Err(ManagerError::NotInTrash { text: which.map(ToOwned::to_owned) });
        }
        transaction.registry.vacancy(&Claim::of(&session), limit)?.fill(reserved.clone());
        transaction.commit()?;
        drop(transaction);

        if let Err(err) = self.worktrees.bring_back(trashed.id, &trashed.repository) {
            // With the folder back in place it is half done, and the journal stays for the next start.
            if self.worktrees.is_discarded(session.id()) || self.is_gone(&session) {
                self.release(&reserved);
            }
            return Err(err.into());
        }
        let session = self.settle(&reserved)?;
        self.remember_now(session.id());
        tracing::info!(sessionId = %session.id(), name = %session.name(), "session brought back");
        Ok(session)
    }
}
