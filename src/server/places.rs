//! How much of something there may be at once; a part of it is kept for whoever may do everything.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::auth::Grant;

/// Which part is kept for the full token: a quarter, where there are as many as that.
const KEPT_PART: usize = 4;

/// Places of one kind.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    others: Arc<Semaphore>,
    max: usize,
}

/// One that is taken, until it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    _all: OwnedSemaphorePermit,
    _others: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// So many.
    pub(super) fn of(max: usize) -> Self {
        let others = max - max / KEPT_PART;
        Self { all: Arc::new(Semaphore::new(max)), others: Arc::new(Semaphore::new(others)), max }
    }

    /// Takes one, if there is one for this token.
    pub(super) fn try_take(&self, grant: Grant) -> Option<Taken> {
        let others = match grant {
            Grant::Full => None,
            Grant::ReadOnly | Grant::Session(_) => Some(Arc::clone(&self.others).try_acquire_owned().ok()?),
        };
        Some(Taken { _all: Arc::clone(&self.all).try_acquire_owned().ok()?, _others: others })
    }

    /// Waits for one.
    pub(super) async fn take(&self, grant: Grant) -> Taken {
        let open = "nobody closes it";
        let others = match grant {
            Grant::Full => None,
            Grant::ReadOnly | Grant::Session(_) => {
                Some(Arc::clone(&self.others).acquire_owned().await.expect(open))
            }
        };
        Taken { _all: Arc::clone(&self.all).acquire_owned().await.expect(open), _others: others }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.max - self.all.available_permits()
    }

    /// Waits until nobody has one.
    pub(super) async fn until_empty(&self) {
        let all = u32::try_from(self.max).unwrap_or(u32::MAX);
        drop(self.all.acquire_many(all).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionId;

    #[test]
    fn a_part_is_kept_for_the_full_token() {
        let places = Places::of(8);
        let scoped = Grant::Session(SessionId::random());
        let taken: Vec<Taken> = (0..6).filter_map(|_| places.try_take(scoped)).collect();
        assert_eq!((taken.len(), places.taken()), (6, 6));
        assert!(places.try_take(scoped).is_none() && places.try_take(Grant::ReadOnly).is_none());
        let own: Vec<Taken> = (0..3).filter_map(|_| places.try_take(Grant::Full)).collect();
        assert_eq!(own.len(), 2, "and no more than there are");
        drop((taken, own));
        assert_eq!(places.taken(), 0);
        assert!(Places::of(1).try_take(scoped).is_some());
    }
}
