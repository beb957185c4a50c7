//! A destroyed session comes back, with its uncommitted work.

use std::sync::Arc;

use super::{
    ManagerError, SessionManager,
    at_work::AtWork,
    create::settled,
    journal::{ensure_quiet, is_abandoned},
    trash::Discarded,
};
use crate::{
    registry::Claim,
    session::{BranchName, PendingAction, Session, SessionName},
    store,
    worktree::Rebranching,
};

/// What a session that comes back is to have instead of what it had.
#[derive(Clone, Debug, Default)]
pub struct Comeback {
    /// Another name.
    pub name: Option<SessionName>,
    /// A new branch, at the commit of its own.
    pub branch: Option<BranchName>,
}

impl SessionManager {
    /// Brings back what was destroyed last, or the session a name, an id or its beginning stands for.
    pub fn undo(&mut self, which: Option<&str>, wanted: &Comeback) -> Result<Session, ManagerError> {
        self.settle_abandoned()?;
        loop {
            let found = match self.find_discarded(which) {
                Err(err @ ManagerError::NotInTrash { .. }) => return Err(self.instead_of(err, which)),
                found => found?,
            };
            match self.return_from_trash(which, found, wanted) {
                Ok(session) => return Ok(session),
                // Somebody was faster with that one; the next in turn is meant where none was named.
                Err(ManagerError::NotInTrash { .. }) if which.is_none() => (),
                Err(err @ ManagerError::NotInTrash { .. }) => return Err(self.instead_of(err, which)),
                Err(err) => return Err(ManagerError::Undo { source: Box::new(err) }),
            }
        }
    }

    /// What to say where nothing in the trash is meant: one that is on its way back is in the table already.
    fn instead_of(&mut self, err: ManagerError, which: Option<&str>) -> ManagerError {
        let Ok(registry) = self.registry() else {
            return err;
        };
        let mut meant: Vec<&Session> = match which {
            Some(text) => registry.find(text).into_iter().collect(),
            None => registry.iter().filter(|session| is_abandoned(session)).collect(),
        };
        meant.retain(|session| session.pending().is_some_and(|it| it.action == PendingAction::BringingBack));
        match meant.first().map(|session| ensure_quiet(session)) {
            Some(Err(busy)) => self.explained(busy),
            Some(Ok(())) | None => err,
        }
    }

    fn return_from_trash(
        &mut self,
        which: Option<&str>,
        found: Discarded,
        wanted: &Comeback,
    ) -> Result<Session, ManagerError> {
        let Discarded { mut session, trashed } = found;
        session.rest();
        session.settle();
        if let Some(name) = &wanted.name {
            session.rename(name.clone());
        }
        if let Some(branch) = &wanted.branch {
            session.switch(branch.clone());
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

        if let Err(err) = self.come_back(&session) {
            // With the folder back in place it is half done, and the journal stays for the next start.
            if self.worktrees.is_discarded(session.id()) || self.is_gone(&session) {
                self.release(&reserved);
            }
            // Somebody emptied the trash meanwhile.
            if self.is_gone(&session) && !self.worktrees.is_discarded(session.id()) {
                return Err(ManagerError::NotInTrash { text: which.map(ToOwned::to_owned) });
            }
            return Err(err);
        }
        let session = self.settle(&reserved)?;
        self.remember_now(session.id());
        tracing::info!(sessionId = %session.id(), name = %session.name(), "session brought back");
        Ok(session)
    }

    /// Has git bring the worktree back, on the branch that the session has in the table.
    pub(super) fn come_back(&self, session: &Session) -> Result<(), ManagerError> {
        let discarded = self.discarded()?.into_iter().find(|it| it.trashed.id == session.id());
        let from = discarded.map(|it| it.session.branch().clone());
        if let Some(from) = from.filter(|from| from != session.branch()) {
            self.worktrees.rebranch(&Rebranching {
                id: session.id(),
                repository: session.repository().clone(),
                from,
                to: session.branch().clone(),
                record: store::encode_record(&settled(session), &self.workspace),
            })?;
        }
        Ok(self.worktrees.bring_back(session.id(), session.repository())?)
    }
}
