//! Which sessions there are, and how far each has come.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{ManagerError, SessionManager, checkout};
use crate::{
    registry::LookupError,
    session::{IssueRef, Session, SessionStatus},
    store::Quarantined,
    worktree::{Changes, Worktree, WorktreeError, WorktreeState, Worktrees},
};

/// The most threads that look at worktrees at once.
const THREADS_MAX: usize = 16;

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
        let available = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = available.min(THREADS_MAX).min(sessions.len());
        let next = AtomicUsize::new(0);
        let seen: Vec<Mutex<Option<Overview>>> = sessions.iter().map(|_| Mutex::new(None)).collect();
        let worktrees = &*self.worktrees;
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(session) = sessions.get(at) else {
                    return;
                };
                let overview = look_at(worktrees, session);
                *seen[at].lock().expect("no thread panics while it holds this") = Some(overview);
            }
        };
        thread::scope(|scope| {
            for number in 1..threads {
                let builder = thread::Builder::new().name(format!("look-{number}"));
                if let Err(err) = builder.spawn_scoped(scope, work) {
                    tracing::debug!(error = %err, "one thread less looks at worktrees");
                }
            }
            work();
        });
        seen.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
    }
}

fn look_at(worktrees: &dyn Worktrees, session: &Session) -> Overview {
    let told = |err: WorktreeError| {
        tracing::debug!(sessionId = %session.id(), error = %err, "a worktree cannot be looked at");
    };
    let worktree = worktrees.inspect(session.id(), session.repository()).map_err(told).ok();
    let present = worktree.as_ref().is_some_and(|worktree| worktree.state == WorktreeState::Present);
    let changes = present.then(|| worktrees.changes(&checkout(session)).map_err(told).ok()).flatten();
    Overview { session: session.clone(), worktree, changes }
}
