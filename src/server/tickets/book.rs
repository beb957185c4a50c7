//! Where tickets are kept: one file, replaced as a whole under a lock, so that two servers or a crash lose none.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Ticket, TicketError};
use crate::{
    atomic::{self, Durability, Place},
    clock::{Clock as _, SystemClock, Timestamp},
    lock::Lock,
    session::SessionId,
    workspace::Workspace,
};

/// The longest file.
const BOOK_BYTES_MAX: u64 = 16 << 20;
/// How long to wait for another server.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const VERSION: u32 = 1;

/// One client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::server) struct Client {
    /// What it comes back with.
    pub(in crate::server) ticket: Ticket,
    /// Its session; none while that is made.
    pub(in crate::server) session: Option<SessionId>,
    /// Since when it is known.
    pub(in crate::server) created_at: Timestamp,
    /// When it was heard of last.
    pub(in crate::server) last_activity: Timestamp,
}

#[derive(Deserialize, Serialize)]
struct File {
    version: u32,
    clients: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    ticket: String,
    session: Option<String>,
    created_at: String,
    last_activity: String,
}

/// The clients that are known.
#[derive(Debug)]
pub(in crate::server) struct Book {
    folder: PathBuf,
}

impl Book {
    /// That of a workspace: it belongs to the sessions, so it lies with them.
    pub(in crate::server) fn of(workspace: &Workspace) -> Self {
        Self { folder: workspace.server_folder() }
    }

    /// All clients, oldest first.
    pub(in crate::server) fn clients(&self) -> Result<Vec<Client>, TicketError> {
        Ok(self.read()?.unwrap_or_default())
    }

    /// Changes the list of clients; what cannot be read is kept aside and begun anew.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Client>) -> Result<T, TicketError>,
    ) -> Result<T, TicketError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|source| self.failed("make", source))?;
        let lock = Lock::take(&self.folder.join("clients.lock"), LOCK_WAIT_MAX)?;
        let before = if let Some(clients) = self.read()? {
            clients
        } else {
            self.set_aside()?;
            Vec::new()
        };
        let mut clients = before.clone();
        let answer = change(&mut clients)?;
        if clients != before {
            let entries = clients.iter().map(Entry::of).collect();
            let bytes = serde_json::to_vec_pretty(&File { version: VERSION, clients: entries });
            let bytes = bytes.map_err(|err| self.failed("write", err.into()))?;
            atomic::replace(&self.path(), &bytes, Durability::PowerCut)
                .map_err(|source| self.failed("write", source))?;
        }
        drop(lock);
        Ok(answer)
    }

    /// What the file says; nothing when it makes no sense.
    fn read(&self) -> Result<Option<Vec<Client>>, TicketError> {
        let path = self.path();
        let file = match atomic::open(&path) {
            Ok(Place::File(file)) => file,
            Ok(Place::Empty) => return Ok(Some(Vec::new())),
            Ok(Place::Other) => return Err(self.failed("read", io::ErrorKind::InvalidInput.into())),
            Err(source) => return Err(self.failed("read", source)),
        };
        let mut text = Vec::new();
        file.take(BOOK_BYTES_MAX).read_to_end(&mut text).map_err(|source| self.failed("read", source))?;
        let read: Option<File> = serde_json::from_slice(&text).ok();
        if let Some(File { version, .. }) = &read
            && *version > VERSION
        {
            return Err(TicketError::Newer { path, version: *version });
        }
        Ok(read.and_then(|file| file.clients.iter().map(Entry::client).collect()))
    }

    fn set_aside(&self) -> Result<(), TicketError> {
        let aside = self.folder.join(format!("clients.json.corrupt.{}", SystemClock.now().compact()));
        tracing::warn!(kept = %aside.display(), "the list of clients makes no sense and is begun anew");
        atomic::rename(&self.path(), &aside).map_err(|source| self.failed("set aside", source))
    }

    fn path(&self) -> PathBuf {
        self.folder.join("clients.json")
    }

    fn failed(&self, action: &'static str, source: io::Error) -> TicketError {
        TicketError::Io { action, path: self.path(), source }
    }

    /// Whether the list is not there, or makes no sense.
    pub(super) fn is_lost(&self) -> Result<bool, TicketError> {
        Ok(!self.is_begun() || self.read()?.is_none())
    }

    /// Whether there is a file, or ever was a client.
    pub(super) fn is_begun(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
    }
}

impl Entry {
    fn of(client: &Client) -> Self {
        Self {
            ticket: client.ticket.to_string(),
            session: client.session.map(|id| id.to_string()),
            created_at: client.created_at.to_string(),
            last_activity: client.last_activity.to_string(),
        }
    }

    fn client(&self) -> Option<Client> {
        Some(Client {
            ticket: self.ticket.parse().ok()?,
            session: self.session.as_ref().map(|id| id.parse()).transpose().ok()?,
            created_at: self.created_at.parse().ok()?,
            last_activity: self.last_activity.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(letters: &str) -> Client {
        let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
        let ticket = format!("session_1763980200000_{letters}").parse().unwrap();
        Client { ticket, session: Some(SessionId::random()), created_at: now, last_activity: now }
    }

    #[test]
    fn clients_come_back_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(&Workspace::at(dir.path()));
        assert!(!book.is_begun());
        assert_eq!(book.clients().unwrap(), []);
        let both = [client("abcdefghi"), client("123456789")];
        book.change(|clients| {
            clients.extend(both.clone());
            Ok(())
        })
        .unwrap();
        assert_eq!(Book::of(&Workspace::at(dir.path())).clients().unwrap(), both);
    }

    #[test]
    fn a_change_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(&Workspace::at(dir.path()));
        let failed: Result<(), _> = book.change(|clients| {
            clients.push(client("abcdefghi"));
            Err(TicketError::NoSession)
        });
        assert!(failed.is_err());
        assert_eq!(book.clients().unwrap(), []);
    }

    #[test]
    fn a_broken_file_is_kept_and_a_newer_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(&Workspace::at(dir.path()));
        book.change(|clients| {
            clients.push(client("abcdefghi"));
            Ok(())
        })
        .unwrap();
        atomic::replace(&book.path(), b"{\"version\":1,\"clie", Durability::Crash).unwrap();
        assert_eq!(book.clients().unwrap(), []);
        book.change(|_| Ok(())).unwrap();
        let kept = fs::read_dir(&book.folder).unwrap().filter(|it| {
            it.as_ref().unwrap().file_name().to_string_lossy().starts_with("clients.json.corrupt.")
        });
        assert_eq!(kept.count(), 1);
        atomic::replace(&book.path(), b"{\"version\":2,\"clients\":[]}", Durability::Crash).unwrap();
        assert!(matches!(book.change(|_| Ok(())), Err(TicketError::Newer { version: 2, .. })));
    }
}
