//! With which sessions this process is at work: a server outlives what it began and could not end, and while the journal
//! names a process that lives, nobody else would ever end it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::session::SessionId;

/// How many verbs are at work with each session.
static SESSIONS: Mutex<BTreeMap<SessionId, usize>> = Mutex::new(BTreeMap::new());

/// Stands for a verb at work with a session, until it is dropped; also when the verb panics.
#[derive(Debug)]
#[must_use = "nobody is at work any more once this is dropped"]
pub(super) struct AtWork(SessionId);

impl AtWork {
    /// Begins before the journal says so.
    pub(super) fn with(id: SessionId) -> Self {
        *sessions().entry(id).or_default() += 1;
        Self(id)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut sessions = sessions();
        if let Some(count) = sessions.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                sessions.remove(&self.0);
            }
        }
    }
}

/// Whether a verb of this process is at work with a session.
pub(super) fn is_at_work(id: SessionId) -> bool {
    sessions().contains_key(&id)
}

fn sessions() -> MutexGuard<'static, BTreeMap<SessionId, usize>> {
    // Nobody can panic between two steps of a change here.
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_at_work_until_the_last_one_is_done() {
        let (id, other) = (SessionId::random(), SessionId::random());
        let first = AtWork::with(id);
        let second = AtWork::with(id);
        assert!(is_at_work(id) && !is_at_work(other));
        drop(first);
        assert!(is_at_work(id));
        drop(second);
        assert!(!is_at_work(id));
    }

    #[test]
    fn a_verb_that_panics_is_not_at_work_any_more() {
        let id = SessionId::random();
        let outcome = std::panic::catch_unwind(|| {
            let _work = AtWork::with(id);
            panic!("on purpose");
        });
        assert!(outcome.is_err() && !is_at_work(id));
    }
}
