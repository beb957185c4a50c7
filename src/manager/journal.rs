//! Who is at work with a session: written down before git acts, cleared after, and taken over from those who are gone.

use std::path::PathBuf;

use super::{
    ManagerError, SessionManager, Transaction,
    at_work::{AtWork, is_at_work},
};
use crate::{
    process,
    session::{Pending, PendingAction, Session},
};

impl SessionManager {
    /// The same error; where what a dead process began could not be ended, with what was in the way.
    pub(super) fn explained(&self, err: ManagerError) -> ManagerError {
        let ManagerError::Stuck { name, doing, because: None } = err else {
            return err;
        };
        let because = self.stuck.iter().find(|(stuck, _)| *stuck == name).map(|(_, because)| because.clone());
        ManagerError::Stuck { name, doing, because }
    }

    /// An entry that says that this process does something, from now on.
    pub(super) fn pending(&self, action: PendingAction) -> Result<Pending, ManagerError> {
        let worker = process::own().map_err(|source| ManagerError::Process { source })?;
        Ok(Pending { action, worker, since: self.clock.now() })
    }

    /// Takes over what a dead process began with a session. Nothing when somebody else was faster, or when it was not
    /// dead: a process of another container cannot be seen from here, and ends its work itself.
    pub(super) fn claim(&mut self, session: &Session) -> Result<Option<(Session, AtWork)>, ManagerError> {
        let Some(abandoned) = session.pending() else {
            return Ok(None);
        };
        let ours = self.pending(abandoned.action.clone())?;
        let work = AtWork::with(session.id());
        let mut transaction = self.begin()?;
        if !transaction.has_entry_of(session) {
            return Ok(None);
        }
        let claimed = transaction.registry.update(session.id(), |it| it.begin(ours)).cloned();
        transaction.commit()?;
        Ok(claimed.map(|claimed| (claimed, work)))
    }

    /// Leaves work that could not be ended to the next start, under the name it was found.
    pub(super) fn give_back(&mut self, claimed: &Session, abandoned: &Session) {
        let Some(entry) = abandoned.pending().cloned() else {
            return;
        };
        let given = self.begin().and_then(|mut transaction| {
            if !transaction.has_entry_of(claimed) {
                return Ok(());
            }
            transaction.registry.update(claimed.id(), |it| it.begin(entry));
            transaction.commit()
        });
        if let Err(err) = given {
            tracing::warn!(sessionId = %claimed.id(), error = %err, "the journal names this process until it ends");
        }
    }

    /// Clears the entry of a session that stays, whoever took the work over meanwhile: it is done. An error when
    /// something else is going on with the session by now.
    pub(super) fn settle(&mut self, session: &Session) -> Result<Session, ManagerError> {
        self.settle_after(session, &[])
    }

    /// As `settle`, when what these paths lead to is durable too.
    pub(super) fn settle_after(
        &mut self,
        session: &Session,
        first: &[PathBuf],
    ) -> Result<Session, ManagerError> {
        self.settle_with(session, first, Session::settle)
    }

    /// As `settle`, with what the work made of the session. An error too when that is not free in the table.
    pub(super) fn settle_as(
        &mut self,
        session: &Session,
        change: impl FnOnce(&mut Session),
    ) -> Result<Session, ManagerError> {
        self.settle_with(session, &[], change)
    }

    fn settle_with(
        &mut self,
        session: &Session,
        first: &[PathBuf],
        change: impl FnOnce(&mut Session),
    ) -> Result<Session, ManagerError> {
        let id = session.id();
        let action = |it: &Session| it.pending().map(|pending| pending.action.clone());
        let mut transaction = self.begin()?;
        let found = transaction.registry.session(id).ok_or(ManagerError::Vanished { id })?;
        if action(found) != action(session) {
            ensure_quiet(found)?;
        }
        let mut settled = found.clone();
        change(&mut settled);
        settled.settle();
        transaction.registry.replace(settled.clone())?;
        transaction.commit_after(first)?;
        Ok(settled)
    }

    /// Takes a session out of the table, unless another process took the work with it over.
    pub(super) fn forget(&mut self, session: &Session) -> Result<(), ManagerError> {
        let mut transaction = self.begin()?;
        if transaction.has_entry_of(session) && transaction.registry.remove(session.id()).is_some() {
            transaction.commit()?;
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// Whether the table has the same entry in its journal as this session.
    fn has_entry_of(&self, session: &Session) -> bool {
        let found = self.registry.session(session.id());
        session.pending().is_some() && found.is_some_and(|found| found.pending() == session.pending())
    }
}

/// Whether something was begun with a session by a process that is gone, or by this one, which gave it up.
pub(crate) fn is_abandoned(session: &Session) -> bool {
    session.pending().is_some_and(|Pending { worker, .. }| {
        let is_own = process::own().is_ok_and(|own| own == *worker);
        if is_own { !is_at_work(session.id()) } else { !process::is_alive(worker) }
    })
}

/// An error if somebody is at work with a session.
pub(super) fn ensure_quiet(session: &Session) -> Result<(), ManagerError> {
    let Some(Pending { action, worker, .. }) = session.pending() else {
        return Ok(());
    };
    let doing = match action {
        PendingAction::Creating { .. } => "created",
        PendingAction::Destroying { .. } => "destroyed",
        PendingAction::BringingBack => "brought back",
        PendingAction::Renaming { .. } => "renamed",
    };
    let name = session.name().clone();
    if is_abandoned(session) {
        return Err(ManagerError::Stuck { name, doing, because: None });
    }
    Err(ManagerError::Busy { name, doing, pid: worker.pid })
}
