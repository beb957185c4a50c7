//! What becomes of work that was begun by a process that is gone: it is finished where that loses nothing, else undone.

use super::{ManagerError, SessionManager, checkout, create::settled, journal::is_abandoned};
use crate::{
    registry::Registry,
    session::{BranchFate, PendingAction, Session},
    store, text,
    worktree::{AddEnd, Addition, Renaming, Start, WorktreeError, WorktreeState},
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
    /// The table when everything that a dead process left in the journal is finished or undone.
    pub(super) fn settled_registry(&mut self) -> Result<Registry, ManagerError> {
        let registry = self.registry()?;
        if !registry.iter().any(is_abandoned) {
            return Ok(registry);
        }
        self.settle_abandoned()?;
        self.registry()
    }

    /// Finishes or undoes what was begun with sessions and given up. Answers how many those were.
    pub fn end_abandoned(&mut self) -> Result<usize, ManagerError> {
        self.settle_abandoned().map(|settled| settled.len())
    }

    /// Finishes or undoes everything that a dead process left in the journal. Work of a live one is left to it.
    pub(super) fn settle_abandoned(&mut self) -> Result<Vec<Settled>, ManagerError> {
        let abandoned: Vec<Session> = self.registry()?.all().into_iter().filter(is_abandoned).collect();
        let mut settled = Vec::new();
        self.stuck.clear();
        for session in abandoned {
            let Some((claimed, _work)) = self.claim(&session)? else {
                continue;
            };
            match self.settle_one(&claimed) {
                Ok(outcome) => {
                    // What was written down beside git's files before the crash can be older than the table.
                    self.remember_now(session.id());
                    settled.push(outcome);
                }
                Err(err) => {
                    // One repository that cannot be written must not keep the others from starting.
                    tracing::warn!(sessionId = %session.id(), error = %err, "abandoned work stays in the journal");
                    self.stuck.push((session.name().clone(), text::because(&err)));
                    self.give_back(&claimed, &session);
                }
            }
        }
        Ok(settled)
    }

    fn settle_one(&mut self, session: &Session) -> Result<Settled, ManagerError> {
        let pending = session.pending().expect("only pending sessions are settled");
        match &pending.action {
            PendingAction::Creating { branch_is_new } => self.settle_create(session, *branch_is_new),
            PendingAction::Destroying { branch } => self.settle_destroy(session, *branch),
            PendingAction::BringingBack => self.settle_undo(session),
            PendingAction::Renaming { name, branch, at } => {
                let (of, to, at) = (checkout(session), branch.clone(), at.clone());
                self.settle_rename(session, name, &Renaming { of, to, at })
            }
        }
    }

    fn settle_create(&mut self, session: &Session, branch_is_new: bool) -> Result<Settled, ManagerError> {
        let base = session.base().cloned().ok_or(ManagerError::Vanished { id: session.id() })?;
        let addition = Addition {
            id: session.id(),
            name: session.name().clone(),
            repository: session.repository().clone(),
            branch: session.branch().clone(),
            start: Start { base, branch_is_new },
            record: store::encode_record(&settled(session), &self.workspace),
            durable_first: Vec::new(),
        };
        match self.worktrees.settle_add(&addition)? {
            AddEnd::Complete => self.settle(session).map(Settled::Finished),
            AddEnd::TakenBack => self.undone(session),
        }
    }

    /// Finishes a destroy once the folder has moved; before that, the session stays.
    fn settle_destroy(&mut self, session: &Session, branch: BranchFate) -> Result<Settled, ManagerError> {
        if !self.worktrees.is_discarded(session.id()) && !self.is_gone(session) {
            self.worktrees.retract(&checkout(session))?;
            // A process that cannot be seen from here may have moved it while we waited for the repository.
            if !self.worktrees.is_discarded(session.id()) {
                return self.settle(session).map(Settled::Undone);
            }
        }
        if self.worktrees.is_discarded(session.id()) {
            let record = store::encode_record(&settled(session), &self.workspace);
            self.worktrees.discard(&checkout(session), branch, &record)?;
        }
        self.forget(session)?;
        Ok(Settled::Finished(session.clone()))
    }

    /// Finishes an undo; one that cannot be, and has moved nothing yet, leaves the session in the trash.
    fn settle_undo(&mut self, session: &Session) -> Result<Settled, ManagerError> {
        match self.come_back(session) {
            Ok(()) => self.settle(session).map(Settled::Finished),
            Err(err) if self.worktrees.is_discarded(session.id()) || self.is_gone(session) => {
                tracing::warn!(sessionId = %session.id(), error = %err, "an undo was given up");
                self.undone(session)
            }
            Err(err) => Err(err),
        }
    }

    fn undone(&mut self, session: &Session) -> Result<Settled, ManagerError> {
        self.forget(session)?;
        Ok(Settled::Undone(session.clone()))
    }

    /// Whether neither its folder nor git's files for it are there.
    pub(super) fn is_gone(&self, session: &Session) -> bool {
        let worktree = self.worktrees.inspect(session.id(), session.repository());
        match worktree {
            Ok(worktree) => worktree.state == WorktreeState::Gone,
            Err(WorktreeError::RepositoryGone { .. }) => {
                let folder = self.workspace.worktree(session.id());
                folder.symlink_metadata().is_err() && !self.worktrees.is_discarded(session.id())
            }
            Err(_) => false,
        }
    }
}
