//! The last thing a holder does: whoever came while the end was written down sees what the program printed.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

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
        if self.clients[at].view.is_some() || self.clients[at].is_gone {
            return;
        }
        self.clients[at].flush(now);
        let mut asks = [PollFd::new(&self.clients[at], PollFlags::IN)];
        let limit = Timespec::try_from(limit).ok();
        // A signal wakes it too early; then it is listened to all the same, which does not wait.
        if poll(&mut asks, limit.as_ref()) != Ok(0) {
            for message in self.clients[at].listen() {
                self.serve(at, message, now);
            }
        }
    }
}
