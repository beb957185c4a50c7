//! What the two policies have in common: one way to register, to come back and to be cleaned up.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::{Book, Client, Ticket, isolated::Isolated, shared::Shared};
use crate::{
    clock::{Clock, Timestamp},
    config::{ClientPolicy, ServerSettings},
    lock::LockError,
    manager::{ManagerError, Obstacle, SessionManager},
    session::SessionId,
};

/// Why a client does not get what it asks for.
#[derive(Debug, Error)]
pub(in crate::server) enum TicketError {
    /// Nobody has this ticket, or not any more.
    #[error("no such session")]
    NoSession,
    /// Its session is being ended just now.
    #[error("this client is being cleaned up")]
    Leaving,
    /// As many clients as may have a ticket.
    #[error("{limit} clients have a ticket already")]
    Full {
        /// How many may.
        limit: usize,
    },
    /// The list of clients is one of a newer wharf.
    #[error("{} has version {version}, this wharf knows 1", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The list of clients cannot be kept.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process holds the list.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Its session cannot be had.
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

/// What became of the session of a client that was cleaned up.
#[derive(Debug)]
pub(in crate::server) enum Cleaned {
    /// It is in the trash.
    Destroyed(Option<SessionId>),
    /// It holds work, so its program was ended and it stays.
    Kept(SessionId, Vec<Obstacle>),
    /// Others use it, or the client has just come back.
    Untouched(SessionId),
}

/// Which session a client gets, and what becomes of it. The callers are the same under both.
pub(in crate::server) trait Policy: Send + Sync {
    /// Puts in order what an earlier server left, and starts what is started with the server.
    fn begin(&self, manager: &mut SessionManager, now: Timestamp) -> Result<(), TicketError>;

    /// Does what a beginning leaves for later, because lines of people are run for it. Runs while the server serves.
    fn set_up(&self, manager: &mut SessionManager) -> Result<(), TicketError>;

    /// Whether no lines of people are run for whoever comes back.
    fn is_set_up(&self, _: &mut SessionManager) -> Result<bool, TicketError> {
        Ok(true)
    }

    /// Gives a client a ticket and a session that is set up and in which something runs. It is heard of when all that is done.
    fn register(&self, manager: &mut SessionManager, clock: &dyn Clock) -> Result<Client, TicketError>;

    /// Brings a client back to its session; what was ended meanwhile is started again.
    fn resume(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Client, TicketError>;

    /// Ends the session of a client and forgets its ticket; only if the client was not heard of since then, where that is
    /// given. Uncommitted work stays. Whoever comes back meanwhile is refused.
    fn clean_up(
        &self,
        manager: &mut SessionManager,
        ticket: &Ticket,
        silent_since: Option<Timestamp>,
    ) -> Result<Cleaned, TicketError>;

    /// Whether the terminal of a ticket belongs to one connection at a time.
    fn is_exclusive(&self) -> bool;
}

/// The policy that was set.
pub(in crate::server) fn of(settings: &ServerSettings, book: Book) -> Box<dyn Policy> {
    match settings.policy {
        ClientPolicy::Shared => Box::new(Shared::of(book)),
        ClientPolicy::Isolated => Box::new(Isolated::of(book, settings.clients_max)),
    }
}
