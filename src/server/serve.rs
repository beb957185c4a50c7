//! How a server begins and ends.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, UnixListener},
    runtime,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};

use super::{
    ServerError,
    accept::{Door, accept},
    app::{App, Closing, Shared},
    auth::{Grant, Tokens, cookie_of},
    browsers::{Admits, Browsers},
    bucket::{Bucket, Buckets},
    codes::Codes,
    desk::{Desk, Make, WORKERS_MAX},
    events::Events,
    files::{Files, Note},
    guard::Hosts,
    health::Metrics,
    places::Places,
    roll::Roll,
    routes,
    scoped::Scoped,
    sweeping,
    tickets::{self, Book, Policy},
};
use crate::{
    clock::{Clock as _, SystemClock},
    config::ServerSettings,
    manager::{Scope, SessionManager},
    process::share_memory,
    socket,
    terminal::Runtime,
};

/// How many threads answer; what waits for disks has threads of its own.
const THREADS_MAX: usize = 4;
/// How many verbs may run that take as long as they want.
const LONG_WORKERS_MAX: usize = 32;
/// How many sessions may be made or go at once; their setup and teardown take what they take.
const SETUPS_MAX: usize = 16;
/// How many commands may run at once, together with answers about them that are on their way.
const COMMANDS_MAX: usize = 32;
/// How many threads may wait for disks and processes: all verbs, and what is looked up beside them.
const WAITING_THREADS_MAX: usize = WORKERS_MAX + LONG_WORKERS_MAX + SETUPS_MAX + COMMANDS_MAX + 40;
/// How many connections may wait to be taken.
const BACKLOG: i32 = 1_024;
/// How long terminals and verbs may take to end.
const END_WAIT_MAX: Duration = Duration::from_secs(6);
/// How many changes may come at once after a rest, as seconds of their rate.
const REST_SECONDS: u32 = 5;
/// How many open files a server wants; many terminals need many.
const FILES: u64 = 16_384;

/// How a server is to be reached.
#[derive(Clone, Debug)]
pub struct Serving {
    /// What was set; the address and the names with what was typed.
    pub settings: ServerSettings,
    /// A socket in the file system beside the address.
    pub unix: Option<PathBuf>,
}

/// A server that listens.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Where the page is.
    pub url: String,
    /// The socket in the file system.
    pub unix: Option<PathBuf>,
    /// The file with the full token.
    pub token_file: PathBuf,
    /// A link that lets one browser in, once.
    pub link: String,
    /// How many sessions came back.
    pub restored: usize,
}

/// Serves a workspace until TERM or INT comes.
pub fn serve(
    make: Arc<dyn Fn() -> SessionManager + Send + Sync>,
    serving: &Serving,
    tell: impl FnOnce(&Ready),
) -> Result<(), ServerError> {
    // Most of a server's threads do little, and what one frees is then there for all.
    share_memory();
    let mut manager = make();
    let workspace = manager.workspace().clone();
    let files = Files::of(&workspace, serving.settings.token_file.clone());
    let claim = files.claim()?;
    let (listener, bound) = listen(serving.settings.listen)?;
    // There always is a token, so every address may be listened at.
    let (full, read) = files.tokens()?;
    socket::raise_open_files(FILES);
    // As long as there is one thread only.
    let unix = serving.unix.as_deref().map(listen_unix).transpose()?;
    let restored = manager.restore(Scope::Start)?.sessions.len();
    let policy: Arc<dyn Policy> = tickets::of(&serving.settings, Book::of(&workspace)).into();
    // A client that registers tries it again, and hears why it fails.
    if let Err(err) = policy.begin(&mut manager, SystemClock.now()) {
        tracing::warn!(error = %err, "the session that clients get is not there yet");
    }
    let agents = manager.settings().agents.names().into_iter().map(ToString::to_string).collect();
    drop(manager);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let mut builder = runtime::Builder::new_multi_thread();
    builder
        .worker_threads(threads)
        .max_blocking_threads(WAITING_THREADS_MAX)
        .thread_name("serve")
        .enable_all();
    let runtime = builder.build().map_err(|source| ServerError::Begin { source })?;
    let outcome = runtime.block_on(async {
        let failed = |source| ServerError::Begin { source };
        let listener = TcpListener::from_std(listener).map_err(failed)?;
        let browsers = Browsers::of(files.browsers_path(), full.clone());
        let tokens = Tokens::of(full, read);
        let app = app(make, serving, bound, policy, (tokens, browsers, agents))?;
        let code = app.codes.issue(Admits::All).map_err(failed)?;
        let url = url_of(bound);
        let ready = Ready {
            link: format!("{url}/api/v1/open/{}", code.reveal()),
            url,
            unix: serving.unix.clone(),
            token_file: files.token_path(),
            restored,
        };
        run(&app, listener, unix, &files, (&ready.url, || tell(&ready))).await
    });
    // Verbs that still run are as safe to be cut off as at any other time.
    runtime.shutdown_timeout(END_WAIT_MAX);
    if let Some(path) = &serving.unix {
        drop(std::fs::remove_file(path));
    }
    files.leave();
    drop(claim);
    outcome
}

/// Listens, before anything is made or mended for a server that cannot; whoever comes meanwhile waits for its turn.
fn listen(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), ServerError> {
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    listen().map_err(|source| ServerError::Listen { address, source })
}

/// Everything that requests share.
fn app(
    make: Make,
    serving: &Serving,
    bound: SocketAddr,
    policy: Arc<dyn Policy>,
    (tokens, browsers, agents): (Tokens, Browsers, Vec<String>),
) -> Result<App, ServerError> {
    let settings = serving.settings.clone();
    let workspace = make().workspace().clone();
    // No name leads to an address that stands in the request itself.
    let mut hosts = settings.hosts.clone();
    if !bound.ip().is_unspecified() {
        hosts.push(SocketAddr::new(bound.ip(), 0).to_string().trim_end_matches(":0").to_owned());
    }
    let events = Arc::new(Events::beginning_at(SystemClock.now().unix_millis()));
    let rate = settings.changes_per_second;
    Ok(App::of(Shared {
        roll: Roll::begin(&make, Arc::clone(&events))?,
        desk: Desk::of(Arc::clone(&make), WORKERS_MAX),
        long_desk: Desk::of(Arc::clone(&make), LONG_WORKERS_MAX),
        setups: Desk::of(Arc::clone(&make), SETUPS_MAX),
        commands: Desk::of(make, COMMANDS_MAX),
        events,
        tokens,
        browsers: Arc::new(browsers),
        cookie: cookie_of(workspace.root()),
        hosts: Hosts::of(&hosts),
        codes: Codes::default(),
        changes: Bucket::of(rate, rate.saturating_mul(REST_SECONDS)),
        other_changes: Buckets::of(rate, rate.saturating_mul(REST_SECONDS)),
        metrics: Metrics::default(),
        closing: Closing::not_yet(),
        scoped: Arc::new(Scoped::of(Runtime::of(workspace.root()))),
        runtime: Runtime::of(workspace.root()),
        agents,
        policy,
        book: Arc::new(Book::of(&workspace)),
        workspace,
        live: Arc::default(),
        listeners: Places::of(settings.events_max),
        terminals: Places::of(settings.terminals_max),
        began: Instant::now(),
        settings,
    }))
}

async fn run(
    app: &App,
    listener: TcpListener,
    unix: Option<std::os::unix::net::UnixListener>,
    files: &Files,
    (url, tell): (&str, impl FnOnce()),
) -> Result<(), ServerError> {
    let failed = |source| ServerError::Begin { source };
    // Before anybody is told that it listens: who is told may want it to end at once.
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let router = routes::router(app);
    let places = Arc::new(Semaphore::new(app.settings.connections_max));
    let mut doors = vec![Door::Tcp(listener)];
    if let Some(unix) = unix {
        doors.push(Door::Unix(UnixListener::from_std(unix).map_err(failed)?));
    }
    let doors =
        doors.into_iter().map(|door| tokio::spawn(accept(door, app.clone(), router.clone(), places.clone())));
    let doors: Vec<_> = doors.collect();
    files.announce(&Note { url: url.to_owned(), pid: std::process::id() })?;
    let sweeper = tokio::spawn(sweeping::sweep(app.clone()));
    tokio::spawn(set_up(app.clone()));
    tracing::info!(address = url, "server began");
    tell();
    tokio::select! {
        _ = term.recv() => (),
        _ = int.recv() => (),
    }
    tracing::info!("server ends");
    app.closing.close();
    let end = async {
        let connections = async {
            for door in doors {
                drop(door.await);
            }
            app.terminals.until_empty().await;
            drop(sweeper.await);
            // What was typed last.
            sweeping::note(app).await;
        };
        tokio::join!(sweeping::end(app), connections);
    };
    if tokio::time::timeout(END_WAIT_MAX, end).await.is_err() {
        tracing::warn!("not every connection ended in time");
    }
    Ok(())
}

/// Does what was left for now; a client that registers tries it again, and hears why it fails.
async fn set_up(app: App) {
    let policy = Arc::clone(&app.policy);
    if let Ok(Err(err)) = app.setups.run(Grant::Full, move |manager| policy.set_up(manager)).await {
        tracing::warn!(error = %err, "the session that clients get is not set up yet");
    }
}

/// Where a browser on this machine finds what listens there.
fn url_of(bound: SocketAddr) -> String {
    let port = bound.port();
    if bound.ip().is_unspecified() { format!("http://127.0.0.1:{port}") } else { format!("http://{bound}") }
}

/// Listens at a socket; one that a killed server left is taken away.
fn listen_unix(path: &Path) -> Result<std::os::unix::net::UnixListener, ServerError> {
    use std::os::unix::{fs::FileTypeExt as _, net::UnixStream};
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err_and(|err| err.kind() == io::ErrorKind::ConnectionRefused)
    {
        socket::remove(path)?;
    }
    Ok(socket::listen(path)?)
}
