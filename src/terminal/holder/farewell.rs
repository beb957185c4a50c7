//! The last thing a holder does: whoever came while the end was written down sees what the program printed.

use std::time::{Duration, Instant};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::Holder;

/// How long those who came last may take to say what they want. They come right behind the start of a program that ended at
/// once, which is when its words matter most.
const LAST_CALL: Duration = Duration::from_millis(100);

impl Holder {
    /// Does what those ask who knocked or spoke while nobody listened.
    pub(super) fn hear_out(&mut self) {
        let known = self.clients.len();
        loop {
            let before = self.clients.len();
            self.accept(Instant::now());
            if self.clients.len() == before {
                break;
            }
        }
        for at in 0..known {
            self.hear_last(at, Duration::ZERO);
        }
        let deadline = Instant::now() + LAST_CALL;
        for at in known..self.clients.len() {
            self.hear_last(at, deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// Serves one of them who has not attached, if there is a word within this time.
    fn hear_last(&mut self, at: usize, limit: Duration) {
        let now = Instant::now();
        let client = &self.clients[at];
        if client.view.is_some() || client.leaves_at().is_some() || client.is_gone {
            return;
        }
        self.clients[at].flush(now);
        let deadline = now + limit;
        let asks = loop {
            let mut asks = [PollFd::new(&self.clients[at], PollFlags::IN)];
            let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
            match poll(&mut asks, left.as_ref()) {
                // What its program left may end in this moment.
                Err(Errno::INTR) => (),
                ready => break ready.is_ok_and(|ready| ready > 0),
            }
        };
        if asks {
            for message in self.clients[at].listen() {
                self.serve(at, message, now);
            }
        }
    }
}
