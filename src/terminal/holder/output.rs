//! What becomes of what the program prints: the clients get it at once, screen and log as soon as there is time.
//!
//! A program that prints without end is not held up by the screen: its output waits in a backlog, which is taken in when
//! the program pauses, when it is long, and before anybody asks the screen something. As long as it does not pause, a
//! second thread takes it in. So at most two backlogs are in memory, of less than `LATE_BYTES_MAX` and `BATCH_BYTES_MAX`
//! together each: one that grows and one that is away, which has to be back before the next one goes.

use std::time::{Duration, Instant};

use super::{
    Holder,
    client::{self, Client},
    intake::Outcome,
};
use crate::screen::Notice;

/// How much of what the program prints is dealt with before anything else gets a turn, at most.
const BATCH_BYTES_MAX: usize = 256 << 10;
/// From how many bytes on output is no answer to a key but a flood, which is sent in larger pieces.
const ECHO_BYTES_MAX: usize = 1 << 10;
/// How much may wait for the screen.
const BACKLOG_BYTES_MAX: usize = 256 << 10;
/// The same while the second thread has not found a processor for what it got before.
const LATE_BYTES_MAX: usize = 2 * BACKLOG_BYTES_MAX;
/// From how many bytes on output is a stream: a program that goes on printing rather than one that waits for an answer.
const STREAM_BYTES: usize = 32 << 10;
/// For how long nothing has to come before the screen takes in what a program printed.
const PAUSE: Duration = Duration::from_millis(1);
/// The same in a stream, which also stops when others have the processor.
const STREAM_PAUSE: Duration = Duration::from_millis(10);
/// How long output waits for the screen at most, whatever else comes.
const AGE_MAX: Duration = Duration::from_millis(50);
/// How much of a stream is gathered for the clients, and for how long: each piece wakes them up, and their terminals.
const GATHER_BYTES: usize = 32 << 10;
const GATHER: Duration = Duration::from_micros(300);
/// How long nothing is printed before memory that a flood took is given back.
const REST: Duration = Duration::from_millis(200);

/// What was printed and has not reached screen and log.
#[derive(Debug)]
pub(super) struct Backlog {
    bytes: Vec<u8>,
    /// When the first of it came, and the last.
    began: Instant,
    came: Instant,
    is_stream: bool,
    /// How many bytes the clients were not sent yet, and when they are.
    gathered: usize,
    send_at: Option<Instant>,
    /// When the last byte came of what was handed over to the second thread.
    handed_over: Instant,
    /// Whether memory may be given back.
    is_loose: bool,
}

impl Backlog {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            bytes: Vec::new(),
            began: now,
            came: now,
            is_stream: false,
            gathered: 0,
            send_at: None,
            handed_over: now,
            is_loose: false,
        }
    }

    /// When there is something to do with it although nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = match (self.is_stream, self.bytes.is_empty()) {
            (true, true) => Some(self.came + STREAM_PAUSE),
            (true, false) => Some((self.came + STREAM_PAUSE).min(self.began + AGE_MAX)),
            (false, false) => Some((self.came + PAUSE).min(self.began + AGE_MAX)),
            (false, true) => self.is_loose.then_some(self.came + REST),
        };
        due.into_iter().chain(self.send_at).min()
    }

    /// So many bytes were put behind the others.
    fn grew(&mut self, taken: usize, now: Instant) {
        if self.bytes.len() == taken {
            self.began = now;
        }
        self.came = now;
        self.is_stream |= self.bytes.len() >= STREAM_BYTES;
        self.gathered += taken;
    }

    /// Decides whether the clients get what was gathered now, or a moment later.
    fn sends(&mut self, now: Instant) -> bool {
        let sends = !self.is_stream || self.gathered >= GATHER_BYTES;
        if !sends && self.gathered > 0 {
            self.send_at.get_or_insert(now + GATHER);
        }
        sends
    }

    /// Whether bytes for the clients are kept back for a moment.
    pub(super) fn gathers(&self) -> bool {
        self.send_at.is_some()
    }

    /// Whether it is so full that nothing more may come before the rest was taken in.
    fn is_late(&self) -> bool {
        self.bytes.len() >= LATE_BYTES_MAX
    }

    /// Whether it is full, or so short that it may be a question.
    fn is_ripe(&self) -> bool {
        self.bytes.len() >= BACKLOG_BYTES_MAX || (!self.is_stream && self.bytes.len() < ECHO_BYTES_MAX)
    }
}

impl Holder {
    /// Takes what the program printed, a batch at most, so that everybody gets a turn.
    pub(super) fn take_output(&mut self, now: Instant) {
        // Whoever is to be held up for is seen between two batches, before too much waits for them.
        let batch = BATCH_BYTES_MAX.min(client::slow_bytes(self.launch.limits.queue_bytes_max));
        let mut taken = 0;
        while taken < batch {
            let from = self.backlog.bytes.len();
            if !self.program.read(&mut self.backlog.bytes) {
                break;
            }
            let count = self.backlog.bytes.len() - from;
            self.leave_behind(count);
            let bytes = &self.backlog.bytes[self.backlog.bytes.len() - count..];
            taken += count;
            for client in &mut self.clients {
                client.show(self.offset, bytes, now);
                // The echo of a key does not wait for anything.
                if bytes.len() < ECHO_BYTES_MAX && !self.backlog.is_stream {
                    client.flush(now);
                }
            }
            self.offset += count as u64;
        }
        if taken > 0 {
            self.activity.happened(now);
            self.backlog.grew(taken, now);
        }
        if self.backlog.sends(now) || self.program.is_closed() {
            self.send(now);
        }
        if self.backlog.is_ripe() && (self.backlog.is_late() || self.intake.is_here()) {
            self.pass_on();
        }
    }

    /// Goes on without the clients for whom the newest bytes are too much. What was printed before them was shown to them,
    /// so questions in it are theirs to answer; those that come now are not.
    fn leave_behind(&mut self, count: usize) {
        let room = self.launch.limits.queue_bytes_max;
        if !self.clients.iter().any(|client| client.is_overrun(count, room)) {
            return;
        }
        let newest = self.backlog.bytes.split_off(self.backlog.bytes.len() - count);
        self.take_in();
        self.backlog.bytes.extend_from_slice(&newest);
        for client in self.clients.iter_mut().filter(|client| client.is_overrun(count, room)) {
            client.fall_behind();
        }
    }

    fn send(&mut self, now: Instant) {
        (self.backlog.gathered, self.backlog.send_at) = (0, None);
        for client in &mut self.clients {
            client.flush(now);
        }
    }

    /// Gives screen and log everything that was printed, in a stream by way of the second thread.
    fn pass_on(&mut self) {
        if !self.backlog.is_stream {
            return self.take_in();
        }
        self.collect();
        let bytes = std::mem::take(&mut self.backlog.bytes);
        self.backlog.bytes = self.intake.hand_over(bytes, self.clock.now());
        self.backlog.handed_over = self.backlog.came;
        self.backlog.is_loose = true;
    }

    /// Gives screen and log everything that was printed, and waits until they have it.
    pub(super) fn take_in(&mut self) {
        self.collect();
        if self.backlog.bytes.is_empty() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.backlog.bytes);
        let outcome = self.intake.feed(&bytes, self.clock.now());
        self.heed(&outcome, self.backlog.came);
        bytes.clear();
        self.backlog.is_loose |= bytes.capacity() > STREAM_BYTES || !self.intake.screen().is_compressed();
        self.backlog.bytes = bytes;
    }

    /// Takes note of what came of the output that was handed over.
    fn collect(&mut self) {
        if let Some(outcome) = self.intake.collect() {
            self.heed(&outcome, self.backlog.handed_over);
        }
    }

    /// Does what comes of output that was printed up to then.
    fn heed(&mut self, outcome: &Outcome, printed: Instant) {
        let Outcome { fed, unkept } = outcome;
        // Two answers to one question would arrive as keys that nobody pressed.
        if !fed.replies.is_empty() && !self.clients.iter().any(Client::answers) {
            self.program.type_in(&fed.replies);
        }
        for notice in &fed.notices {
            self.activity.noticed(notice, printed);
            if *notice == Notice::Rebuilt {
                self.redraw();
            }
        }
        self.tell_traces(self.backlog.came);
        if let Some(err) = unkept {
            tracing::warn!(sessionId = %self.launch.id, error = %err, "what is printed is not kept for now");
        }
    }

    /// What time brings: the program pauses, or rests.
    pub(super) fn catch_breath(&mut self, now: Instant) {
        if self.backlog.due().is_none_or(|due| now < due) {
            return;
        }
        if self.backlog.send_at.is_some_and(|at| now >= at) {
            return self.send(now);
        }
        if self.backlog.is_stream || !self.backlog.bytes.is_empty() {
            // Only a pause ends it: others may have had the processor.
            let goes_on = self.backlog.bytes.len() >= STREAM_BYTES && now < self.backlog.came + STREAM_PAUSE;
            self.backlog.is_stream = goes_on;
            return self.pass_on();
        }
        // Block by block: somebody may type meanwhile.
        if self.intake.screen().compress() {
            return;
        }
        self.backlog.is_loose = false;
        self.backlog.bytes = Vec::new();
        self.intake.rest();
        for client in &mut self.clients {
            client.rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn backlog(bytes: usize, now: Instant) -> Backlog {
        let mut backlog = Backlog::new(now);
        grow(&mut backlog, bytes, now);
        backlog
    }

    fn grow(backlog: &mut Backlog, bytes: usize, now: Instant) {
        backlog.bytes.resize(backlog.bytes.len() + bytes, b'x');
        backlog.grew(bytes, now);
    }

    #[test]
    fn an_answer_to_a_key_goes_to_clients_and_screen_at_once() {
        let now = Instant::now();
        let mut backlog = backlog(1, now);
        assert!(backlog.sends(now) && backlog.is_ripe());
        assert_eq!(Backlog::new(now).due(), None);
    }

    #[test]
    fn a_screenful_goes_to_clients_at_once_and_to_the_screen_when_the_program_pauses() {
        let now = Instant::now();
        let mut backlog = backlog(5_000, now);
        assert!(backlog.sends(now) && !backlog.is_ripe() && !backlog.gathers());
        assert_eq!(backlog.due(), Some(now + MS));
    }

    #[test]
    fn a_stream_is_gathered_for_a_moment() {
        let now = Instant::now();
        let mut backlog = backlog(STREAM_BYTES, now);
        assert!(backlog.sends(now));
        backlog.gathered = 0;
        grow(&mut backlog, 4_000, now + MS);
        assert!(!backlog.sends(now + MS) && backlog.gathers() && !backlog.is_ripe());
        assert_eq!(backlog.due(), Some(now + MS + GATHER));
        grow(&mut backlog, 4_000, now + MS + GATHER / 2);
        assert!(!backlog.sends(now + MS + GATHER / 2));
        assert_eq!(backlog.due(), Some(now + MS + GATHER));
        grow(&mut backlog, GATHER_BYTES, now + MS + GATHER / 2);
        assert!(backlog.sends(now + MS + GATHER / 2));
        grow(&mut backlog, BACKLOG_BYTES_MAX, now + MS * 2);
        assert!(backlog.is_ripe());
    }

    #[test]
    fn a_program_that_never_pauses_is_not_kept_from_the_screen() {
        let now = Instant::now();
        for first in [2_000, STREAM_BYTES] {
            let mut backlog = backlog(first, now);
            for step in 1..200 {
                grow(&mut backlog, 10, now + step * MS / 2);
            }
            backlog.send_at = None;
            assert_eq!(backlog.due(), Some(now + AGE_MAX), "{first} bytes first");
        }
    }
}
