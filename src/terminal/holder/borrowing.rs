//! What a holder does with the terminals that clients lend: it takes them, reads keys, and gives them back.

use std::time::Instant;

use super::{Holder, lent::Lent};
use crate::terminal::{FromHolder, Role, lending::Lend, watch::Typed};

/// Ctrl-c, with which whoever only looks on can leave too.
const INTERRUPT: u8 = 3;

impl Holder {
    /// Takes a client's terminal, which came with the message; it is used once the client says so.
    pub(super) fn borrow(&mut self, at: usize, lend: &Lend, now: Instant) {
        // What it was sent so far it shows itself.
        self.take_in();
        let traces = self.screen.traces();
        let client = &mut self.clients[at];
        let terminal = client.take_file().filter(|_| client.view.is_some_and(|view| view.is_terminal));
        let taken = terminal.and_then(|terminal| Lent::of(lend, &terminal)).filter(|_| client.lent.is_none());
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
        let Ok(Typed { bytes, leaves }) = lent.read(now) else {
            return self.clients[at].give_back(false, now);
        };
        let view = self.clients[at].view;
        let controls = view.is_some_and(|view| view.controls);
        let looks_on = view.is_some_and(|view| view.role == Role::Observe);
        if controls && !bytes.is_empty() {
            // Whoever changes the size and types sees what was typed at the new size.
            if let Some(size) = size {
                self.resize(size, now);
            }
            self.activity.happened(now);
            self.program.type_in(&bytes);
        }
        if leaves || (looks_on && bytes.contains(&INTERRUPT)) {
            self.clients[at].give_back(true, now);
        }
    }

    /// Lets keys go that were kept back, and passes on those of terminals that were given back meanwhile.
    pub(super) fn release_keys(&mut self, now: Instant) {
        for client in &mut self.clients {
            if let Some(lent) = &mut client.lent
                && lent.release_at().is_some_and(|at| now >= at)
            {
                client.left.extend(lent.release());
            }
            let left = std::mem::take(&mut client.left);
            if !left.is_empty() && client.view.is_some_and(|view| view.controls) {
                self.program.type_in(&left);
            }
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
        let traces = self.screen.traces();
        for client in &mut self.clients {
            client.mark(traces, now);
        }
    }
}
