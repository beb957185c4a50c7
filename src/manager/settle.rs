//! What becomes of work that was begun by a process that is gone: it is finished where that loses nothing, else undone.

use super::{ManagerError, SessionManager, checkout, create::settled};
use crate::{
    process,
    session::{Pending, PendingAction, Session, SessionId},
    store,
    worktree::{Addition, Start},
};

/// How a piece of abandoned work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is done now.
    Finished(Session),
    /// It is as if it had never begun.
    Undone(Session),
}

impl SessionManager {
    /// Finishes or undoes everything that a dead process left in the journal. Work of a live one is left to it.
    pub(super) fn settle_abandoned(&mut self) -> Result<Vec<Settled>, ManagerError> {
        let abandoned: Vec<Session> = self.registry()?.all().into_iter().filter(is_abandoned).collect();
        let mut settled = Vec::new();
        for session in abandoned {
            match self.take_over(&session) {
                Ok(true) => (),
                Ok(false) => continue,
                Err(err) => {
                    tracing::warn!(sessionId = %session.id(), error = %err, "abandoned work cannot be taken over");
                    continue;
                }
            }
            match self.settle_one(&session) {
                Ok(outcome) => settled.push(outcome),
                Err(err) => {
                    // One repository that cannot be written must not keep the others from starting.
                    tracing::warn!(sessionId = %session.id(), error = %err, "abandoned work stays in the journal");
                    self.give_back(&session);
                }
            }
        }
        Ok(settled)
    }

    /// Makes abandoned work this process's own, so that nobody else settles it too; says no when somebody else has.
    ///
    /// The table was read a moment ago: by now the work may have ended, and the session be at something else.
    fn take_over(&mut self, session: &Session) -> Result<bool, ManagerError> {
        let Some(found) = session.pending() else {
            return Ok(false);
        };
        let ours = Pending {
            since: found.since,
            ..self.pending(found.action.clone())?
        };
        self.replace_pending(session.id(), found, ours)
    }

    /// Leaves work to the next start, as it was found.
    fn give_back(&mut self, session: &Session) {
        let given = session.pending().map_or(Ok(false), |found| {
            let ours = Pending {
                since: found.since,
                ..self.pending(found.action.clone())?
            };
            self.replace_pending(session.id(), &ours, found.clone())
        });
        if let Err(err) = given {
            tracing::warn!(sessionId = %session.id(), error = %err, "the journal names this process until it ends");
        }
    }

    fn replace_pending(&mut self, id: SessionId, from: &Pending, to: Pending) -> Result<bool, ManagerError> {
        let mut transaction = self.begin()?;
        let pending = transaction.registry.session(id).and_then(Session::pending);
        if pending != Some(from) {
            return Ok(false);
        }
        transaction.registry.update(id, |session| session.begin(to));
        transaction.commit()?;
        Ok(true)
    }

    fn settle_one(&mut self, session: &Session) -> Result<Settled, ManagerError> {
        let pending = session.pending().expect("only pending sessions are settled");
        match &pending.action {
            PendingAction::Creating { branch_is_new } => self.settle_create(session, *branch_is_new),
            PendingAction::Destroying { branch } if self.worktrees.is_discarded(session.id()) => {
                let record = store::encode_record(&settled(session), &self.workspace);
                self.worktrees.discard(&checkout(session), *branch, &record)?;
                self.forget(session)?;
                Ok(Settled::Finished(session.clone()))
            }
            PendingAction::Destroying { .. } => {
                self.worktrees.retract(&checkout(session))?;
                self.clear(session).map(Settled::Undone)
            }
            PendingAction::BringingBack => {
                self.worktrees.bring_back(session.id(), session.repository())?;
                self.clear(session).map(Settled::Finished)
            }
        }
    }

    fn settle_create(&mut self, session: &Session, branch_is_new: bool) -> Result<Settled, ManagerError> {
        let base = session
            .base()
            .cloned()
            .ok_or(ManagerError::Vanished { id: session.id() })?;
        let addition = Addition {
            id: session.id(),
            name: session.name().clone(),
            repository: session.repository().clone(),
            branch: session.branch().clone(),
            start: Start { base, branch_is_new },
            record: store::encode_record(&settled(session), &self.workspace),
        };
        if self.worktrees.is_complete(&addition) {
            return self.clear(session).map(Settled::Finished);
        }
        self.worktrees.withdraw(&addition)?;
        self.forget(session)?;
        Ok(Settled::Undone(session.clone()))
    }

    fn clear(&mut self, session: &Session) -> Result<Session, ManagerError> {
        let settled = self.begin()?.settle(session.id())?;
        Ok(settled.unwrap_or_else(|| session.clone()))
    }

    fn forget(&mut self, session: &Session) -> Result<(), ManagerError> {
        let mut transaction = self.begin()?;
        if transaction.registry.remove(session.id()).is_some() {
            transaction.commit()?;
        }
        Ok(())
    }
}

/// Whether something was begun with a session by a process that is gone.
pub(super) fn is_abandoned(session: &Session) -> bool {
    session
        .pending()
        .is_some_and(|pending| !process::is_alive(&pending.worker))
}

/// An error if a live process is at work with a session.
pub(super) fn ensure_quiet(session: &Session) -> Result<(), ManagerError> {
    let Some(Pending { action, worker, .. }) = session.pending() else {
        return Ok(());
    };
    let doing = match action {
        PendingAction::Creating { .. } => "created",
        PendingAction::Destroying { .. } => "destroyed",
        PendingAction::BringingBack => "brought back",
    };
    Err(ManagerError::Busy {
        name: session.name().clone(),
        doing,
        pid: worker.pid,
    })
}
