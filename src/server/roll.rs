//! Which sessions there are, kept in memory: read again when somebody changed the state file, and told to those who listen.

use std::{
    collections::HashMap,
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use tokio::{
    io::unix::AsyncFd,
    sync::{mpsc, oneshot, watch},
};

use super::{desk::Make, events::Events, problem::Problem};
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
        let mut manager = make();
        let workspace = manager.workspace().clone();
        let news = Arc::new(News::of(&workspace));
        let first = Arc::new(look(&mut manager)?);
        let (tell, newest) = watch::channel(first);
        let (asking, asked) = mpsc::channel(ASKING_MAX);
        let keeper = Keeper { manager: Some(manager), tell, events, news: Arc::clone(&news), asked };
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

/// Reads the table whenever that is needed; the one place that does.
struct Keeper {
    /// Away while it reads.
    manager: Option<SessionManager>,
    tell: watch::Sender<Arc<Snapshot>>,
    events: Arc<Events>,
    news: Arc<News>,
    asked: mpsc::Receiver<oneshot::Sender<Result<Arc<Snapshot>, Problem>>>,
}

impl Keeper {
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
                    if !is_to_be_read(last, news).await { continue }
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
        let Some(mut manager) = self.manager.take() else {
            return Err(Problem::internal("the table cannot be read any more"));
        };
        // What comes from here on makes the next look.
        let before = self.news.before();
        let news = Arc::clone(&self.news);
        let looked = tokio::task::spawn_blocking(move || {
            news.remember();
            let snapshot = look(&mut manager);
            (manager, snapshot)
        });
        let (manager, snapshot) =
            looked.await.map_err(|_| Problem::internal("the table cannot be read any more"))?;
        self.manager = Some(manager);
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

/// How a change of the state file is noticed: the kernel tells it before the change is seen, and where it tells nothing, a
/// look at the file does.
struct News {
    state_file: PathBuf,
    told: Option<AsyncFd<OwnedFd>>,
    /// How often something was heard, and how much of that is in the newest snapshot.
    heard: AtomicU64,
    listening: std::sync::Mutex<()>,
    shown: AtomicU64,
    stamp: std::sync::Mutex<Option<(u64, u64, i64, i64)>>,
}

impl News {
    fn of(workspace: &Workspace) -> Self {
        let state_file = workspace.state_file();
        let told = listen(&state_file).map_err(|err| {
            tracing::info!(error = %err, "changes of the state file are looked for, because the kernel does not tell them");
        });
        Self {
            state_file,
            told: told.ok(),
            heard: AtomicU64::new(0),
            listening: std::sync::Mutex::default(),
            shown: AtomicU64::new(0),
            stamp: std::sync::Mutex::default(),
        }
    }

    /// Whether something was written that the newest snapshot may not have. Never waits.
    fn is_stale(&self) -> bool {
        self.listen();
        self.heard.load(Ordering::SeqCst) > self.shown.load(Ordering::SeqCst)
    }

    /// Takes what there is to hear, and counts it before anybody else can find that there is nothing more.
    fn listen(&self) {
        let alone = self.listening.lock().expect("nobody panics while holding this");
        let is_news = match &self.told {
            Some(told) => hear(told.get_ref()),
            None => self.has_moved(),
        };
        if is_news {
            self.note();
        }
        drop(alone);
    }

    /// Something happened.
    fn note(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until the kernel tells something.
    async fn come(&self) {
        match &self.told {
            Some(told) => match told.readable().await {
                Ok(mut ready) => {
                    self.listen();
                    ready.clear_ready();
                }
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// How much was heard before a look that begins now.
    fn before(&self) -> u64 {
        self.listen();
        self.heard.load(Ordering::SeqCst)
    }

    /// So much of it is shown from now on, and not a moment sooner: whoever asks while somebody looks has to wait.
    fn show(&self, before: u64) {
        self.shown.fetch_max(before, Ordering::SeqCst);
    }

    /// Whether the file is another one than the one that was remembered.
    fn has_moved(&self) -> bool {
        let stamp = self.stamp.lock().expect("nobody panics while holding this");
        *stamp != self.look()
    }

    fn remember(&self) {
        let now = self.look();
        *self.stamp.lock().expect("nobody panics while holding this") = now;
    }

    fn look(&self) -> Option<(u64, u64, i64, i64)> {
        let found = fs::metadata(&self.state_file).ok()?;
        Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
    }
}

/// Asks the kernel to tell what happens in the folder of the state file; in that of the file itself where there is a link.
fn listen(state_file: &std::path::Path) -> io::Result<AsyncFd<OwnedFd>> {
    let told = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let flags = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE | WatchFlags::MOVED_FROM;
    let folder = |path: &std::path::Path| path.parent().map(std::path::Path::to_owned);
    let real = fs::canonicalize(state_file).ok();
    for folder in [folder(state_file), real.as_deref().and_then(folder)].into_iter().flatten() {
        inotify::add_watch(&told, &folder, flags)?;
    }
    #[expect(deprecated, reason = "what is wrapped owns the descriptor, so nobody else can close it")]
    AsyncFd::new(told)
}

/// Takes what the kernel has told; whether it may be about the state file.
fn hear(told: &OwnedFd) -> bool {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4_096];
    let mut reader = Reader::new(told, &mut buffer);
    let mut heard = false;
    // It ends when nothing more is there, for the descriptor never waits.
    while let Ok(event) = reader.next() {
        let is_whole = event.events().intersects(ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED);
        let names_it = event.file_name().is_some_and(|name| {
            // Locks, temporary files and backups have longer names.
            name.to_bytes().ends_with(b".json")
        });
        heard |= is_whole || names_it;
    }
    heard
}
