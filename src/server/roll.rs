//! Which sessions there are, kept in memory: read again when somebody changed the state file, and told to those who listen.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot, watch};

use super::{desk::Make, events::Events, news::News, problem::Problem};
use crate::{
    manager::{ManagerError, SessionManager, runs},
    registry::Registry,
    session::{Session, SessionId},
    store::encode_record,
    workspace::Workspace,
};

/// How often the state file is looked at and the holders are asked after, whatever is heard of them.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many may wait for a new look; more share the next one.
const ASKING_MAX: usize = 1_024;

/// All sessions at one moment.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// How many commits there had been.
    pub(super) generation: u64,
    /// The sessions, to be looked up.
    pub(super) registry: Registry,
    /// The sessions as they are shown, oldest first.
    pub(super) seen: Vec<Seen>,
}

/// One session as it is shown.
#[derive(Debug)]
pub(super) struct Seen {
    /// The session.
    pub(super) session: Session,
    /// Whether something runs in it.
    pub(super) running: bool,
    /// Its JSON.
    pub(super) json: String,
}

/// The newest snapshot, and a way to a newer one.
pub(super) struct Roll {
    newest: watch::Receiver<Arc<Snapshot>>,
    asking: mpsc::Sender<oneshot::Sender<Result<Arc<Snapshot>, Problem>>>,
    news: Arc<News>,
}

impl Roll {
    /// Reads the table and goes on to keep it, until everybody who asks is gone.
    pub(super) fn begin(make: &Make, events: Arc<Events>) -> Result<Self, ManagerError> {
        let state_file = make().workspace().state_file();
        Self::of(state_file, events, Arc::clone(make), Arc::new(look))
    }

    /// The same for whoever looks, and with whatever it looks by.
    fn of<M: Send + 'static>(
        state_file: PathBuf,
        events: Arc<Events>,
        make: Arc<dyn Fn() -> M + Send + Sync>,
        look: Look<M>,
    ) -> Result<Self, ManagerError> {
        let news = Arc::new(News::of(state_file));
        let mut kept = make();
        let first = Arc::new(look(&mut kept)?);
        let (tell, newest) = watch::channel(first);
        let (asking, asked) = mpsc::channel(ASKING_MAX);
        let keeper = Keeper { make, look, kept: Some(kept), tell, events, news: Arc::clone(&news), asked };
        tokio::spawn(keeper.run());
        Ok(Self { newest, asking, news })
    }

    /// The last snapshot, however old.
    pub(super) fn last(&self) -> Arc<Snapshot> {
        self.newest.borrow().clone()
    }

    /// A snapshot with everything that anybody wrote before this was asked.
    pub(super) async fn fresh(&self) -> Result<Arc<Snapshot>, Problem> {
        if self.news.is_stale() { self.renewed().await } else { Ok(self.last()) }
    }

    /// A snapshot that is made from now on.
    pub(super) async fn renewed(&self) -> Result<Arc<Snapshot>, Problem> {
        let (answer, answered) = oneshot::channel();
        let ended = |_| Problem::busy("the server ends");
        self.asking.send(answer).await.map_err(|_| Problem::busy("the server ends"))?;
        answered.await.map_err(ended)?
    }
}

/// How a snapshot is made.
type Look<M> = Arc<dyn Fn(&mut M) -> Result<Snapshot, ManagerError> + Send + Sync>;

/// Reads the table whenever that is needed; the one place that does.
struct Keeper<M> {
    make: Arc<dyn Fn() -> M + Send + Sync>,
    look: Look<M>,
    /// What it looks by; away while it reads.
    kept: Option<M>,
    tell: watch::Sender<Arc<Snapshot>>,
    events: Arc<Events>,
    news: Arc<News>,
    asked: mpsc::Receiver<oneshot::Sender<Result<Arc<Snapshot>, Problem>>>,
}

impl<M: Send + 'static> Keeper<M> {
    async fn run(mut self) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut waiting = Vec::new();
            tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(first) => waiting.push(first),
                    None => return,
                },
                () = self.news.come() => if !self.news.is_stale() { continue },
                _ = tick.tick() => {
                    let (last, news) = (self.tell.borrow().clone(), Arc::clone(&self.news));
                    // After a look that failed there may be nothing to hear, and there is something to see all the same.
                    if !self.news.is_stale() && !is_to_be_read(last, news).await { continue }
                }
            }
            while let Ok(another) = self.asked.try_recv() {
                waiting.push(another);
            }
            let outcome = self.read().await;
            for one in waiting {
                // Who does not wait any more needs no answer.
                drop(one.send(match &outcome {
                    Ok(snapshot) => Ok(Arc::clone(snapshot)),
                    Err(problem) => Err(problem.clone()),
                }));
            }
        }
    }

    async fn read(&mut self) -> Result<Arc<Snapshot>, Problem> {
        // What comes from here on makes the next look.
        let before = self.news.before();
        let (news, make, look) = (Arc::clone(&self.news), Arc::clone(&self.make), Arc::clone(&self.look));
        let kept = self.kept.take();
        let looked = tokio::task::spawn_blocking(move || {
            news.remember();
            let mut kept = kept.unwrap_or_else(|| make());
            let snapshot = look(&mut kept);
            (kept, snapshot)
        });
        // What failed in a way nobody foresaw is not used again; the next look makes another one.
        let unforeseen = |_| Problem::internal("the table cannot be read just now");
        let (kept, snapshot) = looked.await.map_err(unforeseen)?;
        self.kept = Some(kept);
        let snapshot = Arc::new(snapshot.inspect_err(|err| {
            tracing::debug!(error = %err, "the table cannot be read");
        })?);
        let changed = differences(&self.tell.borrow(), &snapshot);
        self.tell.send_replace(Arc::clone(&snapshot));
        self.news.show(before);
        if !changed.is_empty() {
            self.events.tell(snapshot.generation, changed);
        }
        Ok(snapshot)
    }
}

/// Whether the file was changed unheard, or something that ran does not run any more.
async fn is_to_be_read(last: Arc<Snapshot>, news: Arc<News>) -> bool {
    let look = move || {
        let is_news = news.has_moved() || last.seen.iter().any(|it| it.running != runs(&it.session));
        if is_news {
            news.note();
        }
        is_news
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(true)
}

fn look(manager: &mut SessionManager) -> Result<Snapshot, ManagerError> {
    let table = manager.table()?;
    let mut sessions = table.registry.all();
    sessions.sort_by_key(|session| (session.created_at(), session.id()));
    let workspace = manager.workspace();
    let seen = sessions.into_iter().map(|session| seen(session, workspace)).collect();
    Ok(Snapshot { generation: table.generation, registry: table.registry, seen })
}

fn seen(session: Session, workspace: &Workspace) -> Seen {
    let running = runs(&session);
    let mut json = encode_record(&session, workspace);
    // The record is an object with members, and this is one more.
    json.truncate(json.len() - 1);
    json.push_str(if running { ",\"running\":true}" } else { ",\"running\":false}" });
    Seen { session, running, json }
}

/// The sessions that are not in both in the same form.
fn differences(before: &Snapshot, after: &Snapshot) -> Vec<SessionId> {
    let mut known: HashMap<SessionId, &str> =
        before.seen.iter().map(|it| (it.session.id(), it.json.as_str())).collect();
    let mut changed: Vec<SessionId> = after
        .seen
        .iter()
        .filter(|it| known.remove(&it.session.id()) != Some(it.json.as_str()))
        .map(|it| it.session.id())
        .collect();
    changed.extend(known.into_keys());
    changed
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
            mpsc as gate,
        },
    };

    use tokio::time::timeout;

    use super::*;
    use crate::atomic::{Durability, replace};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn events() -> Arc<Events> {
        Arc::new(Events::beginning_at(0))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_while_somebody_looks_gets_what_was_written_before_the_question() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let write = |generation: &str| replace(&path, generation.as_bytes(), Durability::Crash).unwrap();
        write("1");
        let (began, begins) = gate::channel();
        let (open, opened) = gate::channel();
        let opened = Mutex::new(opened);
        let file = path.clone();
        // Reads at once, and answers only when it may: what is written meanwhile is not in it.
        let look = move |(): &mut ()| {
            let generation = fs::read_to_string(&file).unwrap().parse().unwrap();
            began.send(()).unwrap();
            opened.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            Ok(Snapshot { generation, ..Snapshot::default() })
        };
        open.send(()).unwrap();
        let roll = Roll::of(path.clone(), events(), Arc::new(|| ()), Arc::new(look)).unwrap();
        let roll = Arc::new(roll);
        begins.recv_timeout(PATIENCE).unwrap();
        assert_eq!(roll.fresh().await.unwrap().generation, 1);
        let ask = || {
            let roll = Arc::clone(&roll);
            tokio::spawn(async move { roll.fresh().await.unwrap().generation })
        };
        // The change is heard, and read, and not shown yet.
        write("2");
        begins.recv_timeout(PATIENCE).unwrap();
        let first = ask();
        // And one more that this look does not see.
        write("3");
        let second = ask();
        for _ in 0..20 {
            open.send(()).unwrap();
        }
        assert!(timeout(PATIENCE, first).await.unwrap().unwrap() >= 2);
        assert_eq!(timeout(PATIENCE, second).await.unwrap().unwrap(), 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_look_that_panics_costs_one_answer_and_no_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (count, looked) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let make = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        let look = move |(): &mut ()| {
            assert_ne!(looked.fetch_add(1, Ordering::SeqCst), 1, "it panics the second time");
            Ok(Snapshot::default())
        };
        let path = dir.path().join("state.json");
        let roll = Roll::of(path, events(), Arc::new(make), Arc::new(look)).unwrap();
        assert!(timeout(PATIENCE, roll.renewed()).await.unwrap().is_err());
        assert!(timeout(PATIENCE, roll.renewed()).await.unwrap().is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_is_told_also_when_the_first_look_at_it_failed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        replace(&path, b"1", Durability::Crash).unwrap();
        let (file, failed) = (path.clone(), AtomicUsize::new(0));
        let look = move |(): &mut ()| {
            let generation = fs::read_to_string(&file).unwrap().parse().unwrap();
            let is_first = generation == 2 && failed.fetch_add(1, Ordering::SeqCst) == 0;
            assert!(!is_first, "it fails when it sees the change first");
            Ok(Snapshot { generation, ..Snapshot::default() })
        };
        let roll = Roll::of(path.clone(), events(), Arc::new(|| ()), Arc::new(look)).unwrap();
        let mut newest = roll.newest.clone();
        replace(&path, b"2", Durability::Crash).unwrap();
        // Nobody asks: whoever only listens hears of it too.
        let shown = timeout(PATIENCE, newest.wait_for(|snapshot| snapshot.generation == 2)).await;
        assert!(shown.unwrap().is_ok());
    }
}
