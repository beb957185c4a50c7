//! Where verbs run: managers that wait for disks and processes, on threads of their own, and never more than so many.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{
    auth::Grant,
    places::{Places, Taken},
    problem::Problem,
};
use crate::manager::{ManagerError, SessionManager};

/// How many verbs may run at once.
pub(super) const WORKERS_MAX: usize = 8;
/// How many may wait for one of them to end; whoever comes then is told to come back, and all but the full token at half of
/// it.
const WAITING_MAX: usize = 1_024;

/// Makes a manager of the workspace; all of them together know which processes they started.
pub(super) type Make = Arc<dyn Fn() -> SessionManager + Send + Sync>;

/// Runs verbs.
pub(super) struct Desk {
    make: Make,
    idle: Arc<Mutex<Vec<SessionManager>>>,
    workers: Places,
    waiting: AtomicUsize,
}

/// One who waits, also when it goes away before its turn comes.
struct Waiting<'a> {
    all: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn among(all: &'a AtomicUsize) -> Self {
        Self { all, before: all.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Desk {
    /// With so many workers.
    pub(super) fn of(make: Make, workers: usize) -> Self {
        Self { make, idle: Arc::default(), workers: Places::of(workers), waiting: AtomicUsize::new(0) }
    }

    /// Runs a verb to its end, also where nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        grant: Grant,
        verb: impl FnOnce(&mut SessionManager) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let waiting = Waiting::among(&self.waiting);
        let limit = if grant == Grant::Full { WAITING_MAX } else { WAITING_MAX / 2 };
        if waiting.before >= limit {
            return Err(Problem::busy("too many requests wait for their turn"));
        }
        let worker = self.workers.take(grant).await;
        drop(waiting);
        let (answer, worker) = self.work(worker, verb).await?;
        drop(worker);
        Ok(answer)
    }

    /// Runs a verb now or not at all. Its place is the caller's as long as that keeps it: what a verb answers may be large.
    pub(super) async fn run_at_once<T: Send + 'static>(
        &self,
        grant: Grant,
        verb: impl FnOnce(&mut SessionManager) -> T + Send + 'static,
    ) -> Result<(T, Taken), Problem> {
        let worker = self.workers.try_take(grant);
        let worker = worker.ok_or_else(|| Problem::busy("too many run just now"))?;
        self.work(worker, verb).await
    }

    async fn work<T: Send + 'static>(
        &self,
        worker: Taken,
        verb: impl FnOnce(&mut SessionManager) -> T + Send + 'static,
    ) -> Result<(T, Taken), Problem> {
        let (make, idle) = (Arc::clone(&self.make), Arc::clone(&self.idle));
        let work = move || {
            let kept = idle.lock().expect("nobody panics while holding this").pop();
            let mut manager = kept.unwrap_or_else(|| make());
            let answer = verb(&mut manager);
            idle.lock().expect("nobody panics while holding this").push(manager);
            (answer, worker)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Problem::internal("a verb failed in a way nobody foresaw"))
    }

    /// The same for verbs that can fail.
    pub(super) async fn verb<T: Send + 'static>(
        &self,
        grant: Grant,
        verb: impl FnOnce(&mut SessionManager) -> Result<T, ManagerError> + Send + 'static,
    ) -> Result<T, Problem> {
        Ok(self.run(grant, verb).await??)
    }
}
