//! All clients share one session, which is started with the server; a client that goes changes nothing.

use serde_json::value::RawValue;

use super::{Book, CLIENT, Cleaned, Client, Policy, Ticket, TicketError};
use crate::{
    clock::{Clock, Timestamp},
    json::Members,
    manager::{CreateSession, ManagerError, MetadataChange, SessionManager, StartSession, runs},
    registry::AdmitError,
    session::{BranchName, Session, SessionName},
    view::raw,
    worktree::WorktreeError,
};

/// What the session is called that all share.
const NAME: &str = "global";
/// Its branch where the usual one cannot be.
const BESIDE: &str = "global-session";

/// Whether a session with this name is the one that all share; names are the same in any case.
pub(in crate::server) fn is_shared_name(other: &SessionName) -> bool {
    *other == name()
}

fn name() -> SessionName {
    NAME.parse().expect("a short word is a name")
}

/// One session for all.
pub(super) struct Shared {
    book: Book,
}

impl Shared {
    /// With the clients of a book.
    pub(super) fn of(book: Book) -> Self {
        Self { book }
    }

    /// The session that all share, if it is there: the one that clients came to before, whatever it is called by now, else
    /// the one with the name; where it is not known who came, the one whose record says so.
    fn known(&self, manager: &mut SessionManager) -> Result<Option<Session>, TicketError> {
        let clients = self.book.clients()?;
        let noted = clients.iter().find(|client| client.ticket.is_global());
        let registry = manager.registry()?;
        let known = noted.and_then(|client| client.session).and_then(|id| registry.session(id));
        if let Some(session) = known.or_else(|| registry.named(&name())) {
            return Ok(Some(session.clone()));
        }
        if noted.is_some() {
            return Ok(None);
        }
        let mut marked: Vec<Session> = registry.all().into_iter().filter(is_marked).collect();
        // Of two, one was brought back after the other had taken its place; nobody says which.
        Ok(if marked.len() == 1 { marked.pop() } else { None })
    }

    /// The same; made where there is none, on the branch of an earlier one if that was kept.
    fn session(&self, manager: &mut SessionManager) -> Result<Session, TicketError> {
        if let Some(session) = self.known(manager)? {
            return Ok(marked(manager, session));
        }
        let mut metadata = Members::new();
        metadata.set(CLIENT, mark());
        let create = |manager: &mut SessionManager, branch: BranchName| {
            let anew = CreateSession {
                name: Some(name()),
                branch: Some(branch),
                // What others call so in a remote is theirs.
                from: Some("HEAD".to_owned()),
                metadata: metadata.clone(),
                ..CreateSession::default()
            };
            match manager.create(&anew) {
                Err(ManagerError::Worktree(WorktreeError::BranchHasBase { .. })) => {
                    manager.create(&CreateSession { from: None, ..anew })
                }
                created => created,
            }
        };
        let created = match create(manager, BranchName::for_session(&name())) {
            // Somebody's branch is called as the folder of ours.
            Err(ManagerError::Worktree(WorktreeError::BranchInTheWay { .. })) => {
                create(manager, BESIDE.parse().expect("two short words are a branch"))
            }
            created => created,
        };
        match created {
            // Another client was faster.
            Err(ManagerError::Admit(AdmitError::NameTaken(_))) => Ok(manager.session(NAME)?),
            created => Ok(created?),
        }
    }

    /// The same with what its setup brings, and something that runs in it. Two cannot set it up at once: the second is refused.
    fn ready(&self, manager: &mut SessionManager) -> Result<Session, TicketError> {
        let mut session = self.session(manager)?;
        if session.setup().is_some() && !runs(&session) {
            session = manager.set_up(&session.id().to_string(), &mut |_| ())?.session;
        }
        started(manager, session)
    }

    fn client(&self, session: &Session, now: Timestamp) -> Result<Client, TicketError> {
        self.book.change(|clients| {
            let ticket = Ticket::global();
            let id = Some(session.id());
            if let Some(client) = clients.iter_mut().find(|client| client.ticket == ticket) {
                if client.session != id {
                    client.created_at = now;
                }
                client.session = id;
                client.last_activity = now;
                return Ok(client.clone());
            }
            let client = Client { ticket, session: id, created_at: now, last_activity: now };
            clients.push(client.clone());
            Ok(client)
        })
    }
}

impl Policy for Shared {
    fn begin(&self, manager: &mut SessionManager, now: Timestamp) -> Result<(), TicketError> {
        let mut session = self.session(manager)?;
        if session.setup().is_none() {
            session = started(manager, session)?;
        }
        self.client(&session, now).map(drop)
    }

    fn set_up(&self, manager: &mut SessionManager) -> Result<(), TicketError> {
        self.ready(manager).map(drop)
    }

    fn is_set_up(&self, manager: &mut SessionManager) -> Result<bool, TicketError> {
        Ok(self.known(manager)?.is_some_and(|session| session.setup().is_none()))
    }

    fn register(&self, manager: &mut SessionManager, clock: &dyn Clock) -> Result<Client, TicketError> {
        let session = self.ready(manager)?;
        self.client(&session, clock.now())
    }

    fn resume(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Client, TicketError> {
        if !ticket.is_global() {
            return Err(TicketError::NoSession);
        }
        let session = self.ready(manager)?;
        self.client(&session, now)
    }

    fn clean_up(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        _: Option<Timestamp>,
    ) -> Result<Cleaned, TicketError> {
        if !ticket.is_global() {
            return Err(TicketError::NoSession);
        }
        let session = self.known(manager)?.ok_or(TicketError::NoSession)?;
        Ok(Cleaned::Untouched(session.id()))
    }

    fn is_exclusive(&self) -> bool {
        false
    }
}

/// What the record of the session says that all share, for whoever lost the list of clients.
fn mark() -> Box<RawValue> {
    raw(&Ticket::global().to_string())
}

fn is_marked(session: &Session) -> bool {
    session.metadata().get(CLIENT).is_some_and(|value| value.get() == mark().get())
}

/// The session with its record saying what it is, unless that says whose it was under the other policy. Where it cannot be
/// written, the session serves all the same.
fn marked(manager: &mut SessionManager, session: Session) -> Session {
    if session.metadata().get(CLIENT).is_some() {
        return session;
    }
    let change = MetadataChange::Set(CLIENT.to_owned(), mark());
    match manager.change_metadata(&session.id().to_string(), vec![change]) {
        Ok(marked) => marked,
        Err(err) => {
            tracing::warn!(sessionId = %session.id(), error = %err, "the record does not say that all clients share it");
            session
        }
    }
}

/// The session with something that runs in it; started where nothing does.
pub(super) fn started(manager: &mut SessionManager, session: Session) -> Result<Session, TicketError> {
    if runs(&session) {
        return Ok(session);
    }
    let shell = std::env::var("SHELL").ok().and_then(|shell| crate::session::Command::of(vec![shell]).ok());
    let request = StartSession { shell, ..StartSession::default() };
    match manager.start(&session.id().to_string(), &request) {
        Ok(session) => Ok(session),
        Err(err) => {
            // Another client may have been faster.
            let now = manager.session(&session.id().to_string())?;
            if runs(&now) { Ok(now) } else { Err(err.into()) }
        }
    }
}
