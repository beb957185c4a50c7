//! Which sessions there are, and how far each has come.

use super::{ManagerError, SessionManager, checkout};
use crate::{
    registry::LookupError,
    session::{IssueRef, Session, SessionStatus},
    store::Quarantined,
    worktree::{Changes, Seen, Worktree},
};

/// Which sessions to show.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those with this status.
    pub status: Option<SessionStatus>,
    /// The one on this issue.
    pub issue: Option<IssueRef>,
}

/// A session and what its worktree looks like.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The session.
    pub session: Session,
    /// Its worktree; none when git could not be asked.
    pub worktree: Option<Worktree>,
    /// How it differs from what was committed; none when that was not asked for or cannot be told.
    pub changes: Option<Changes>,
}

impl Filter {
    pub(super) fn admits(&self, session: &Session) -> bool {
        self.status.is_none_or(|status| session.status() == status)
            && self
                .issue
                .as_ref()
                .is_none_or(|issue| session.issue().is_some_and(|bound| bound.reference == *issue))
    }
}

impl SessionManager {
    /// The sessions, oldest first. Reads the table and nothing else.
    pub fn list(&mut self, filter: &Filter) -> Result<Vec<Session>, ManagerError> {
        let mut sessions = self.registry()?.all();
        sessions.retain(|session| filter.admits(session));
        Ok(sessions)
    }

    /// How many sessions no list shows, because their entries in the state file cannot be taken. One that was taken in
    /// from git again is not missed.
    pub fn missed(&mut self) -> Result<usize, ManagerError> {
        let registry = self.registry()?;
        let is_there = |it: &Quarantined| it.id().is_some_and(|id| registry.session(id).is_some());
        Ok(self.quarantined.iter().filter(|it| !is_there(it)).count())
    }

    /// Whether any entry of the state file could not be taken when it was read last.
    pub fn has_quarantined(&self) -> bool {
        !self.quarantined.is_empty()
    }

    /// Why no session goes by this: none does, or the one that did cannot be taken.
    pub(super) fn not_found(&self, who: &str, err: LookupError) -> ManagerError {
        let LookupError::NotFound { .. } = &err else {
            return err.into();
        };
        match self.quarantined.iter().find(|it| it.goes_by(who)) {
            Some(it) => ManagerError::Quarantined { text: who.to_owned(), because: it.because.clone() },
            None => err.into(),
        }
    }

    /// Looks at the worktrees of these sessions, several at once, in the same order.
    pub fn look(&self, sessions: &[Session]) -> Vec<Overview> {
        let checkouts: Vec<_> = sessions.iter().map(checkout).collect();
        let seen = self.worktrees.look(&checkouts);
        let overview = |(session, Seen { worktree, changes }): (&Session, Seen)| Overview {
            session: session.clone(),
            worktree,
            changes,
        };
        sessions.iter().zip(seen).map(overview).collect()
    }
}
