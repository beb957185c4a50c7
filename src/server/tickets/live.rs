//! Which clients are there just now, and when each was heard of last; written into the book from time to time.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex},
};

use tokio::sync::watch;

use super::{Book, Client, Ticket, TicketError};
use crate::clock::Timestamp;

/// What is known of clients beyond the book.
#[derive(Debug, Default)]
pub(in crate::server) struct Live(Mutex<HashMap<Ticket, Sign>>);

/// What is known of one.
#[derive(Debug)]
struct Sign {
    heard: Timestamp,
    is_noted: bool,
    shown: Option<watch::Sender<bool>>,
}

impl Live {
    /// Notes that a client did something.
    pub(in crate::server) fn heard(&self, ticket: &Ticket, now: Timestamp) {
        let mut signs = self.0.lock().expect("nobody panics while holding this");
        let sign = signs.entry(ticket.clone()).or_insert(Sign { heard: now, is_noted: false, shown: None });
        if now > sign.heard {
            sign.heard = now;
            sign.is_noted = false;
        }
    }

    /// Takes the place of whoever shows the terminal of this client; the answer says when somebody takes this one.
    pub(in crate::server) fn take_place(&self, ticket: &Ticket, now: Timestamp) -> watch::Receiver<bool> {
        let (sender, receiver) = watch::channel(false);
        let mut signs = self.0.lock().expect("nobody panics while holding this");
        let sign = signs.entry(ticket.clone()).or_insert(Sign { heard: now, is_noted: false, shown: None });
        if let Some(before) = sign.shown.replace(sender) {
            before.send_replace(true);
        }
        receiver
    }

    /// Whether somebody shows the terminal of this client.
    pub(in crate::server) fn is_shown(&self, ticket: &Ticket) -> bool {
        let signs = self.0.lock().expect("nobody panics while holding this");
        signs.get(ticket).and_then(|sign| sign.shown.as_ref()).is_some_and(|shown| shown.receiver_count() > 0)
    }

    /// Forgets a client; whoever shows its terminal is told.
    pub(in crate::server) fn forget(&self, ticket: &Ticket) {
        let forgotten = self.0.lock().expect("nobody panics while holding this").remove(ticket);
        if let Some(shown) = forgotten.and_then(|sign| sign.shown) {
            shown.send_replace(true);
        }
    }

    /// Clients with the newest that is known of them.
    pub(in crate::server) fn over(&self, mut clients: Vec<Client>) -> Vec<Client> {
        let signs = self.0.lock().expect("nobody panics while holding this");
        for client in &mut clients {
            if let Some(sign) = signs.get(&client.ticket) {
                client.last_activity = client.last_activity.max(sign.heard);
            }
        }
        clients
    }

    /// Writes into the book what is not there yet, and forgets whoever is not in it any more.
    pub(in crate::server) fn note(self: &Arc<Self>, book: &Book) -> Result<(), TicketError> {
        let known: HashMap<Ticket, Option<Timestamp>> = {
            let mut signs = self.0.lock().expect("nobody panics while holding this");
            let news = |sign: &mut Sign| (!mem::replace(&mut sign.is_noted, true)).then_some(sign.heard);
            signs.iter_mut().map(|(ticket, sign)| (ticket.clone(), news(sign))).collect()
        };
        if known.values().all(Option::is_none) {
            return Ok(());
        }
        let gone = book.change(move |clients| {
            let mut gone = known;
            for client in clients {
                if let Some(heard) = gone.remove(&client.ticket).flatten() {
                    client.last_activity = client.last_activity.max(heard);
                }
            }
            Ok(gone)
        })?;
        // The end of a connection is a sign of life also of those who were forgotten, or lost their place, meanwhile.
        for ticket in gone.keys() {
            self.forget(ticket);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn nothing_is_kept_of_a_client_that_was_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(&Workspace::at(dir.path()));
        let live = Arc::new(Live::default());
        let now = Timestamp::from_unix_millis(1_000).unwrap();
        let ticket = Ticket::random(now).unwrap();
        drop(live.take_place(&ticket, now));
        live.forget(&ticket);
        live.heard(&ticket, now);
        live.note(&book).unwrap();
        assert!(live.0.lock().unwrap().is_empty());

        // Somebody else has the place of one that was noted; the next sign of anybody tells.
        live.heard(&ticket, now);
        live.0.lock().unwrap().get_mut(&ticket).unwrap().is_noted = true;
        live.note(&book).unwrap();
        assert!(live.0.lock().unwrap().contains_key(&ticket), "without news the book is not read");
        live.heard(&Ticket::random(now).unwrap(), now);
        live.note(&book).unwrap();
        assert!(live.0.lock().unwrap().is_empty());
    }
}
