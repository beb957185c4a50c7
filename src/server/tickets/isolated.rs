//! Each client has a session and a process of its own, and nobody else gets to it.

use std::{collections::HashSet, sync::Mutex};

use super::{Book, Cleaned, Client, Policy, Ticket, TicketError, shared::started};
use crate::{
    clock::{Clock, Timestamp},
    json::Members,
    manager::{CreateSession, ManagerError, MetadataChange, Permit, Permits, SessionManager, TakeDown},
    session::{BranchFate, BranchName, Session, SessionId, SessionName},
    view::raw,
    worktree::WorktreeError,
};

/// Where the record of a session says whose it is; nothing but this may write it.
pub(in crate::server) const CLIENT: &str = "client";
/// How often a new ticket is made because another one has its letters.
const TRIES_MAX: usize = 10;

/// A session for each.
pub(super) struct Isolated {
    book: Book,
    clients_max: usize,
    leaving: Leaving,
}

/// The clients whose sessions are being ended just now.
#[derive(Default)]
struct Leaving(Mutex<HashSet<Ticket>>);

/// One of them, as long as that takes.
struct Leaves<'a>(&'a Leaving, Ticket);

impl Isolated {
    /// With the clients of a book, and no more than so many.
    pub(super) fn of(book: Book, clients_max: usize) -> Self {
        Self { book, clients_max, leaving: Leaving::default() }
    }

    /// Takes a place for a client whose session is about to be made; where there is none, that of one whose session somebody
    /// destroyed.
    fn reserve(&self, manager: &mut SessionManager, now: Timestamp) -> Result<Client, TicketError> {
        let is_full = |clients: &[Client]| {
            clients.iter().filter(|client| !client.ticket.is_global()).count() >= self.clients_max
        };
        let mut gone = self.book.clients()?;
        if is_full(&gone) {
            let registry = manager.registry()?;
            gone.retain(|client| {
                !client.ticket.is_global() && client.session.is_some_and(|id| registry.session(id).is_none())
            });
        } else {
            gone.clear();
        }
        self.book.change(|clients| {
            let is_gone = |client: &Client| {
                gone.iter().any(|it| (&it.ticket, it.session) == (&client.ticket, client.session))
            };
            clients.retain(|client| !is_gone(client));
            if is_full(clients) {
                return Err(TicketError::Full { limit: self.clients_max });
            }
            let failed =
                |source| TicketError::Io { action: "make a ticket from", path: "/dev/random".into(), source };
            for _ in 0..TRIES_MAX {
                let ticket = Ticket::random(now).map_err(failed)?;
                if clients.iter().all(|client| client.ticket.letters() != ticket.letters()) {
                    let client = Client { ticket, session: None, created_at: now, last_activity: now };
                    clients.push(client.clone());
                    return Ok(client);
                }
            }
            Err(TicketError::Full { limit: self.clients_max })
        })
    }

    fn forget(&self, ticket: &Ticket) -> Result<(), TicketError> {
        self.book.change(|clients| {
            clients.retain(|client| client.ticket != *ticket);
            Ok(())
        })
    }

    /// Gives a client its session, or another moment.
    fn note(&self, ticket: &Ticket, session: SessionId, now: Timestamp) -> Result<Client, TicketError> {
        self.book.change(|clients| {
            let known = clients.iter_mut().find(|client| client.ticket == *ticket);
            let client = known.ok_or(TicketError::NoSession)?;
            client.session = Some(session);
            client.last_activity = now;
            Ok(client.clone())
        })
    }

    fn find(&self, ticket: &Ticket) -> Result<Client, TicketError> {
        let known = self.book.clients()?.into_iter().find(|client| client.ticket == *ticket);
        known.filter(|client| !client.ticket.is_global()).ok_or(TicketError::NoSession)
    }

    /// The session of a client as it is now; one that somebody destroyed takes the ticket along.
    fn session(&self, manager: &mut SessionManager, client: &Client) -> Result<Session, TicketError> {
        let found = match client.session {
            Some(id) => manager.registry()?.session(id).cloned(),
            None => None,
        };
        // One that is just being made has no session yet, and keeps its place.
        if found.is_none() && client.session.is_some() {
            self.forget(&client.ticket)?;
        }
        found.ok_or(TicketError::NoSession)
    }

    fn make(manager: &mut SessionManager, ticket: &Ticket) -> Result<Session, TicketError> {
        let name: SessionName =
            format!("client-{}", ticket.letters()).parse().expect("letters and digits are a name");
        let mut metadata = Members::new();
        metadata.set(CLIENT, raw(&ticket.to_string()));
        let beside: BranchName = name.as_str().parse().expect("letters and digits are a branch");
        let request = CreateSession { name: Some(name), metadata, ..CreateSession::default() };
        let session = match manager.create(&request) {
            // Somebody's branch is called as the folder of ours.
            Err(ManagerError::Worktree(WorktreeError::BranchInTheWay { .. })) => {
                manager.create(&CreateSession { branch: Some(beside), ..request })?
            }
            created => created?,
        };
        let (id, had_setup) = (session.id(), session.setup().is_some());
        let ready = match manager.set_up_new(&session, BranchFate::Delete, &mut |_| ()) {
            Ok(session) => started(manager, session),
            Err(err) => Err(err.into()),
        };
        // A setup that failed may have taken it along already.
        if ready.is_err() && manager.registry()?.session(id).is_some() {
            manager.take_back_new(&id.to_string(), BranchFate::Delete, had_setup);
        }
        ready
    }
}

impl Policy for Isolated {
    fn begin(&self, manager: &mut SessionManager, now: Timestamp) -> Result<(), TicketError> {
        let sessions = manager.registry()?.all();
        let mut owned: Vec<(Ticket, &Session)> =
            sessions.iter().filter_map(|session| Some((owner(session)?, session))).collect();
        // A ticket that two claim is nobody's.
        let claimed: Vec<Ticket> = owned.iter().map(|(ticket, _)| ticket.clone()).collect();
        owned.retain(|(ticket, _)| claimed.iter().filter(|it| *it == ticket).count() == 1);
        if owned.is_empty() && !self.book.is_begun() {
            return Ok(());
        }
        // Only where the list is gone the records are asked: a ticket that was given up stays so.
        let is_lost = self.book.is_lost()?;
        self.book.change(|clients| {
            for (ticket, session) in &owned {
                match clients.iter_mut().find(|client| client.ticket == *ticket) {
                    // It was made, and the server was killed before it could say so.
                    Some(client) if client.session.is_none() => client.session = Some(session.id()),
                    Some(_) => (),
                    // The list was lost; the record still says whose it is.
                    None if !is_lost => (),
                    None => clients.push(Client {
                        ticket: ticket.clone(),
                        session: Some(session.id()),
                        created_at: session.created_at(),
                        last_activity: now,
                    }),
                }
            }
            // The server was killed before anything was made for these.
            clients.retain(|client| client.session.is_some());
            Ok(())
        })
    }

    fn set_up(&self, _: &mut SessionManager) -> Result<(), TicketError> {
        Ok(())
    }

    fn register(&self, manager: &mut SessionManager, clock: &dyn Clock) -> Result<Client, TicketError> {
        let Client { ticket, .. } = self.reserve(manager, clock.now())?;
        let session = match Self::make(manager, &ticket) {
            Ok(session) => session,
            Err(err) => {
                if let Err(left) = self.forget(&ticket) {
                    tracing::warn!(error = %left, "a ticket without a session stays until the next start");
                }
                return Err(err);
            }
        };
        // From now on it can be silent, however long its session took.
        self.note(&ticket, session.id(), clock.now())
    }

    fn resume(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Client, TicketError> {
        let client = self.find(ticket)?;
        // First this is noted and then looked whether it leaves; a clean-up does both the other way round, so one of the
        // two sees the other.
        let client = client.session.map_or(Ok(client), |id| self.note(ticket, id, now))?;
        if self.leaving.has(ticket) {
            return Err(TicketError::Leaving);
        }
        let session = self.session(manager, &client)?;
        started(manager, session)?;
        Ok(client)
    }

    fn clean_up(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        silent_since: Option<Timestamp>,
    ) -> Result<Cleaned, TicketError> {
        let _leaves = self.leaving.begin(ticket)?;
        let client = self.find(ticket)?;
        if let (Some(since), Some(id)) = (silent_since, client.session)
            && client.last_activity > since
        {
            return Ok(Cleaned::Untouched(id));
        }
        let session = match self.session(manager, &client) {
            Ok(session) => session,
            // Its session is being made, and whoever does that gives it the ticket or takes both back.
            Err(TicketError::NoSession) if client.session.is_none() => return Err(TicketError::NoSession),
            Err(TicketError::NoSession) => {
                self.forget(ticket)?;
                return Ok(Cleaned::Destroyed(client.session));
            }
            Err(err) => return Err(err),
        };
        let id = session.id();
        // What comes back from the trash belongs to no client any more.
        manager.change_metadata(&id.to_string(), vec![MetadataChange::Unset(CLIENT.to_owned())])?;
        // What a setup brought is ignored by git, and no work; the trash has it all the same.
        let brought = manager.needs_setup(session.repository()).then_some(Permit::Ignored);
        let permits: Permits = [Permit::Running].into_iter().chain(brought).collect();
        let how = TakeDown { permits, branch: BranchFate::Delete, skip_teardown: false, force: false };
        let cleaned = match manager.take_down(&id.to_string(), &how, &mut |_| ()) {
            Ok(_) => Cleaned::Destroyed(Some(id)),
            Err(ManagerError::UnsavedWork { obstacles, .. }) => {
                keep(manager, id)?;
                Cleaned::Kept(id, obstacles)
            }
            // What it got is still out there, and a person has to see to that.
            Err(err @ ManagerError::Teardown { .. }) => {
                tracing::warn!(sessionId = %id, error = %err, "the session of a client could not give back what it got");
                keep(manager, id)?;
                Cleaned::Kept(id, Vec::new())
            }
            Err(err) => return Err(err.into()),
        };
        self.forget(ticket)?;
        Ok(cleaned)
    }

    fn is_exclusive(&self) -> bool {
        true
    }
}

impl Leaving {
    /// Begins to end the session of a client; nobody else does that meanwhile.
    fn begin(&self, ticket: &Ticket) -> Result<Leaves<'_>, TicketError> {
        let is_first = self.0.lock().expect("nobody panics while holding this").insert(ticket.clone());
        if is_first { Ok(Leaves(self, ticket.clone())) } else { Err(TicketError::Leaving) }
    }

    fn has(&self, ticket: &Ticket) -> bool {
        self.0.lock().expect("nobody panics while holding this").contains(ticket)
    }
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.0.lock().expect("nobody panics while holding this").remove(&self.1);
    }
}

/// Whose session this is.
pub(in crate::server) fn owner(session: &Session) -> Option<Ticket> {
    let text: String = serde_json::from_str(session.metadata().get(CLIENT)?.get()).ok()?;
    text.parse().ok().filter(|ticket: &Ticket| !ticket.is_global())
}

/// Ends what runs in a session that stays, and leaves it to people.
fn keep(manager: &mut SessionManager, id: SessionId) -> Result<(), TicketError> {
    let who = id.to_string();
    if manager.session(&who)?.process().is_some() {
        let stop = manager.default_stop();
        manager.stop(&who, stop)?;
    }
    tracing::info!(sessionId = %id, "the session of a client is kept");
    Ok(())
}
