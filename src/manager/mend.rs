//! Which worktrees are not as they should be, and that they are put in order.

use super::{Scope, SessionManager, checkout, findings::broken_state};
use crate::{
    session::{Session, SessionName},
    store::encode_record,
    text,
    worktree::{Mended, WorktreeLock, WorktreeState},
};

/// What was put in order, and what could not be, with the reason.
type Treated = (Vec<(SessionName, Vec<Mended>)>, Vec<(SessionName, String)>);

impl SessionManager {
    /// Puts worktrees in order that need it; one that cannot be is told and left as it is.
    pub(super) fn mend_all(&mut self, sessions: &[Session], scope: Scope) -> Treated {
        let (mut mended, mut failed) = Treated::default();
        for session in sessions.iter().filter(|session| session.pending().is_none()) {
            if self.why_mend(session, scope).is_none() {
                continue;
            }
            let record = encode_record(session, &self.workspace);
            match self.worktrees.mend(&checkout(session), session.name(), &record) {
                Ok(done) if done.is_empty() => (),
                Ok(done) => {
                    mended.push((session.name().clone(), done));
                    self.remember_now(session.id());
                }
                Err(err) => {
                    let because = text::because(&err);
                    tracing::warn!(sessionId = %session.id(), error = %because, "a worktree could not be put in order");
                    failed.push((session.name().clone(), because));
                }
            }
        }
        (mended, failed)
    }

    /// What is wrong with the worktree of a session that a mend would put in order.
    pub(super) fn why_mend(&self, session: &Session, scope: Scope) -> Option<&'static str> {
        let worktree = self.worktrees.inspect(session.id(), session.repository()).ok()?;
        if self.worktrees.is_half_mended(session.id()) && worktree.state != WorktreeState::Foreign {
            return Some("it was being put in order when that was cut short");
        }
        match worktree.state {
            WorktreeState::Present if worktree.head.is_none() && session.base().is_some() => {
                Some("its branch leads to no commit")
            }
            WorktreeState::Present if worktree.lock == WorktreeLock::None => Some("it is not locked"),
            WorktreeState::Present | WorktreeState::Foreign => None,
            WorktreeState::Missing | WorktreeState::Gone if scope != Scope::Thorough => None,
            state @ (WorktreeState::Unregistered
            | WorktreeState::Unlinked
            | WorktreeState::Emptied
            | WorktreeState::Missing
            | WorktreeState::Gone) => broken_state(state).map(|(message, _)| message),
        }
    }
}
