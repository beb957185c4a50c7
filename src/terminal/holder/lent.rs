//! The terminal that a client lent: keys are read from it and output is written to it here, without the client.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::{io::Errno, process::Pid};

use super::super::{
    lending::{self, BELOW_SCREEN, CLEAR, Lend, Modes, STRING_END, TITLE_BACK},
    watch::{Typed, Unfinished, Watch},
};
use crate::{
    process::Job,
    screen::{self, Size, Traces},
    socket::Outgoing,
};

/// How long output goes on without another look at its owner, so that a flood does not ask at every step: less than any other
/// program takes to begin, so that nothing is drawn over what a shell prints that took its terminal back.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How many keys are read at once.
const KEYS_BYTES: usize = 4 << 10;

/// A terminal, as long as it is as it was lent.
#[derive(Debug)]
pub(super) struct Lent {
    terminal: OwnedFd,
    before: Modes,
    /// The client, which sits at it.
    owner: Job,
    /// When it was last seen to have it.
    seen_at: Option<Instant>,
    watch: Watch,
    /// What waits to be shown.
    pub(super) out: Outgoing,
    /// Whether its client has shown all it was sent.
    is_ready: bool,
    /// What was changed in it so far.
    traces: Traces,
}

impl Lent {
    /// Takes a terminal that came with a message of the process with this pid, if it is one of our own user that can be
    /// used without ever waiting.
    pub(super) fn of(lend: &Lend, terminal: &OwnedFd, client: Option<Pid>) -> Option<Self> {
        let key = lend.key.parse().ok()?;
        let terminal = lending::reopened(terminal)
            .inspect_err(|err| tracing::debug!(error = %err, "a terminal that was lent is not taken"))
            .ok()?;
        Some(Self {
            owner: Job::of(client, &terminal),
            seen_at: None,
            terminal,
            before: lend.modes,
            watch: Watch::of(key),
            out: Outgoing::default(),
            is_ready: false,
            traces: Traces::default(),
        })
    }

    /// Its client has shown all it was sent.
    pub(super) fn go_ahead(&mut self) {
        self.is_ready = true;
    }

    /// Whether keys are read from it.
    pub(super) fn listens(&self) -> bool {
        self.is_ready
    }

    /// Whether something waits that it could take.
    pub(super) fn waits(&self) -> bool {
        self.is_ready && !self.out.is_empty()
    }

    /// How large it is.
    pub(super) fn size(&self) -> Option<Size> {
        lending::size_of(&self.terminal)
    }

    /// Shows a screen in the place of what is there.
    pub(super) fn show_anew(&mut self, screen: &[u8]) {
        for part in [STRING_END, screen::RESET, &self.traces.undo(), CLEAR, screen] {
            self.out.push(part);
        }
    }

    /// Takes note of what was changed in it; answers what puts all of that back, if that is news.
    pub(super) fn mark(&mut self, traces: Traces) -> Option<Vec<u8>> {
        let all = self.traces.and(traces);
        let is_news = all != self.traces;
        self.traces = all;
        is_news.then(|| all.undo())
    }

    /// Shows what goes without waiting; answers whether something went. An error says that it is not ours any longer.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<bool> {
        if !self.waits() {
            return Ok(false);
        }
        self.ensure_ours()?;
        if self.seen_at.is_none_or(|at| now.saturating_duration_since(at) >= LOOK_EVERY) {
            self.ensure_owned(now)?;
        }
        self.out.write_to(&self.terminal, usize::MAX)
    }

    /// Reads what is typed. An error says that it is not ours any longer.
    pub(super) fn read(&mut self, now: Instant) -> io::Result<Typed> {
        self.ensure_ours()?;
        self.ensure_owned(now)?;
        let mut keys = [0; KEYS_BYTES];
        let count = match rustix::io::read(&self.terminal, &mut keys) {
            Ok(0) => return Err(Errno::IO.into()),
            Ok(count) => count,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Typed::default()),
            Err(err) => return Err(err.into()),
        };
        Ok(self.watch.take(&keys[..count], now))
    }

    /// When keys that are kept back are let go.
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.watch.release_at()
    }

    /// Lets keys go that were kept back.
    pub(super) fn release(&mut self) -> Vec<u8> {
        self.watch.release()
    }

    /// What is half typed at it.
    pub(super) fn unfinished(&self) -> Unfinished {
        self.watch.unfinished()
    }

    /// Puts everything back as well as that goes without waiting: the client is dead. A terminal that somebody else has
    /// taken meanwhile keeps its modes and its cursor.
    pub(super) fn restore(mut self) {
        // At once, before a shell sets its own.
        let is_ours = self.before.replace_raw(&self.terminal);
        self.out.clear();
        let reset = if is_ours.is_ok() { screen::RESET.to_vec() } else { screen::reset_below_a_shell() };
        for part in [STRING_END, &reset, &self.traces.undo(), TITLE_BACK] {
            self.out.push(part);
        }
        if is_ours.is_ok() {
            self.out.push(BELOW_SCREEN);
        }
        if let Err(err) = self.out.write_to(&self.terminal, usize::MAX) {
            tracing::debug!(error = %err, "the terminal of a client that was killed is gone too");
        }
    }

    fn ensure_ours(&self) -> io::Result<()> {
        if lending::is_raw(&self.terminal) { Ok(()) } else { Err(Errno::ACCESS.into()) }
    }

    /// Not every shell sets modes of its own when its job was stopped.
    fn ensure_owned(&mut self, now: Instant) -> io::Result<()> {
        if self.owner.is_away() {
            return Err(Errno::ACCESS.into());
        }
        self.seen_at = Some(now);
        Ok(())
    }
}

impl AsFd for Lent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }
}
