//! What a holder does with the terminals that clients lend: it takes them, reads keys, and gives them back.

use std::time::Instant;

use super::{Holder, lent::Lent};
use crate::terminal::{FromHolder, lending::Lend};

impl Holder {
    /// Takes a client's terminal, which came with the message; it is used once the client says so.
    pub(super) fn borrow(&mut self, at: usize, lend: &Lend, now: Instant) {
        // What it was sent so far it shows itself.
        self.take_in();
        let traces = self.intake.screen().traces();
        let client = &mut self.clients[at];
        let terminal = client.take_file().filter(|_| client.view.is_some_and(|view| view.is_terminal));
        let taken = terminal
            .filter(|_| client.lent.is_none())
            .and_then(|terminal| Lent::of(lend, &terminal, client.pid()));
        client.say(&FromHolder::Borrowed(taken.is_some()), now);
        if taken.is_some() {
            client.lent = taken;
            client.mark(traces, now);
        }
    }

    /// Reads what is typed at a terminal that was lent.
    pub(super) fn hear_keys(&mut self, at: usize, now: Instant) {
        let Some(lent) = &mut self.clients[at].lent else {
            return;
        };
        let size = lent.size();
        let Ok(typed) = lent.read(now) else {
            return self.clients[at].give_back(false, now);
        };
        let Some(view) = self.clients[at].view else {
            return;
        };
        let leaves = typed.is_farewell(view.role);
        if view.controls && !typed.bytes.is_empty() {
            // Whoever changes the size and types sees what was typed at the new size.
            if let Some(size) = size {
                self.resize(size, now);
            }
            self.activity.happened(now);
            self.program.type_in(&typed.bytes);
        }
        if leaves {
            self.clients[at].give_back(true, now);
        }
    }

    /// Types keys of a terminal that was given back a moment ago, before anything that is typed behind them.
    pub(super) fn type_left(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let left = std::mem::take(&mut client.left);
        if !left.is_empty() && client.view.is_some_and(|view| view.controls) {
            self.program.type_in(&left);
        }
    }

    /// Lets keys go that were kept back, and passes on those of terminals that were given back meanwhile.
    pub(super) fn release_keys(&mut self, now: Instant) {
        for at in 0..self.clients.len() {
            let client = &mut self.clients[at];
            if let Some(lent) = &mut client.lent
                && lent.release_at().is_some_and(|at| now >= at)
            {
                client.left.extend(lent.release());
            }
            self.type_left(at);
        }
    }

    /// When keys are let go next.
    pub(super) fn keys_due(&self) -> Option<Instant> {
        self.clients.iter().filter_map(|client| client.lent.as_ref()?.release_at()).min()
    }

    /// Tells clients what was changed in the terminals they lent, so that they can put it back also when this process is
    /// killed.
    pub(super) fn tell_traces(&mut self, now: Instant) {
        if !self.clients.iter().any(|client| client.lent.is_some()) {
            return;
        }
        let traces = self.intake.screen().traces();
        for client in &mut self.clients {
            client.mark(traces, now);
        }
    }
}
