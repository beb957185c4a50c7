//! What all requests share.

use std::{ops::Deref, sync::Arc, time::Instant};

use tokio::sync::watch;

use super::{
    auth::{Grant, Tokens, elsewhere},
    browsers::Browsers,
    bucket::{Bucket, Buckets},
    codes::Codes,
    desk::Desk,
    events::Events,
    guard::Hosts,
    health::Metrics,
    places::{Places, Taken},
    problem::Problem,
    roll::{Roll, Seen, Snapshot},
    scoped::Scoped,
    tickets::{Book, Live, Policy, owner},
};
use crate::{
    clock::{Clock as _, SystemClock},
    config::ServerSettings,
    manager::ManagerError,
    session::{Session, SessionId},
    terminal::Runtime,
    workspace::Workspace,
};

/// Everything that requests share; cheap to hand around.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

/// That itself.
pub(super) struct Shared {
    /// Where verbs run.
    pub(super) desk: Desk,
    /// Where verbs run that may take as long as they want.
    pub(super) long_desk: Desk,
    /// Where sessions are made and go, with the lines of people that are run then.
    pub(super) setups: Desk,
    /// Where commands run, and what they printed is handed out.
    pub(super) commands: Desk,
    /// Which sessions there are.
    pub(super) roll: Roll,
    /// What changed.
    pub(super) events: Arc<Events>,
    /// Who may come in.
    pub(super) tokens: Tokens,
    /// Which tokens of sessions are good.
    pub(super) scoped: Arc<Scoped>,
    /// Which browsers were let in.
    pub(super) browsers: Arc<Browsers>,
    /// The name of the cookie that holds the word of one.
    pub(super) cookie: String,
    /// Under which names.
    pub(super) hosts: Hosts,
    /// What lets a browser in once.
    pub(super) codes: Codes,
    /// How often something may be changed: with the full token, and with each of the others.
    pub(super) changes: Bucket,
    pub(super) other_changes: Buckets<Option<SessionId>>,
    /// What is counted.
    pub(super) metrics: Metrics,
    /// Whether the server is to end.
    pub(super) closing: Closing,
    /// The workspace.
    pub(super) workspace: Workspace,
    /// Where the sockets of sessions are.
    pub(super) runtime: Runtime,
    /// What was set about the server.
    pub(super) settings: ServerSettings,
    /// The names of the agents that can be started.
    pub(super) agents: Vec<String>,
    /// Which session a client gets.
    pub(super) policy: Arc<dyn Policy>,
    /// The clients that are known.
    pub(super) book: Arc<Book>,
    /// Which of them are there.
    pub(super) live: Arc<Live>,
    /// Places for those who wait for events.
    pub(super) listeners: Places,
    /// Places for terminals that are shown.
    pub(super) terminals: Places,
    /// Since when it serves.
    pub(super) began: Instant,
}

impl App {
    /// All of it.
    pub(super) fn of(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The session a path names, if this grant may know of it.
    pub(super) async fn find(&self, grant: Grant, who: &str) -> Result<SessionId, Problem> {
        let snapshot = self.roll.fresh().await?;
        match (snapshot.registry.find(who), grant) {
            (Ok(session), _) if grant.may_see(session.id()) => Ok(session.id()),
            (Err(err), Grant::Full | Grant::ReadOnly) => Err(ManagerError::from(err).into()),
            (Ok(_) | Err(_), _) => Err(elsewhere()),
        }
    }

    /// Lets one change more through.
    pub(super) fn admit_change(&self, grant: Grant) -> Result<(), Problem> {
        let taken = match grant {
            Grant::Full => self.changes.take(),
            Grant::ReadOnly => self.other_changes.take(None),
            Grant::Session(id) => self.other_changes.take(Some(id)),
        };
        taken.map_err(Problem::too_often)
    }

    /// Notes that somebody works in a session, in whichever way: a sign of life of the client whose session it is.
    pub(super) fn heard(&self, id: SessionId) {
        let snapshot = self.roll.last();
        let whose = seen(&snapshot, id).and_then(|it| owner(&it.session));
        if let Some(ticket) = whose {
            self.live.heard(&ticket, SystemClock.now());
        }
    }

    /// A place among the terminals.
    pub(super) fn terminal_place(&self, grant: Grant) -> Result<Taken, Problem> {
        self.terminals.try_take(grant).ok_or_else(|| Problem::busy("too many terminals are shown"))
    }

    /// The JSON of a session after a verb changed it.
    pub(super) async fn shown(&self, session: &Session) -> Result<String, Problem> {
        let snapshot = self.roll.fresh().await?;
        let seen = seen(&snapshot, session.id());
        seen.map(|seen| seen.json.clone()).ok_or_else(|| Problem::not_found("the session is gone again"))
    }
}

/// A session in a snapshot.
pub(super) fn seen(snapshot: &Snapshot, id: SessionId) -> Option<&Seen> {
    snapshot.seen.iter().find(|it| it.session.id() == id)
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The one way in which everything of the server is told to end.
#[derive(Debug)]
pub(super) struct Closing(watch::Sender<bool>);

impl Closing {
    /// Not yet.
    pub(super) fn not_yet() -> Self {
        Self(watch::channel(false).0)
    }

    /// Tells everybody.
    pub(super) fn close(&self) {
        self.0.send_replace(true);
    }

    /// Whether that was told.
    pub(super) fn is_closed(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it.
    pub(super) async fn wait(&self) {
        let mut told = self.0.subscribe();
        // Whoever tells outlives all who wait.
        drop(told.wait_for(|is_told| *is_told).await);
    }
}
