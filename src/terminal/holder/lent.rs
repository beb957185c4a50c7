//! The terminal that a client lent: keys are read from it and output is written to it here, without the client.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::super::{
    lending::{self, BELOW_SCREEN, CLEAR, Lend, Modes, STRING_END, TITLE_BACK},
    watch::{Typed, Watch},
};
use crate::{
    screen::{self, Size, Traces},
    socket::Outgoing,
};

/// How long the beginning of what may be the key that leaves is kept back.
const KEY_WAIT: Duration = Duration::from_millis(50);
/// How many keys are read at once.
const KEYS_BYTES: usize = 4 << 10;

/// A terminal, as long as it is as it was lent.
#[derive(Debug)]
pub(super) struct Lent {
    terminal: OwnedFd,
    before: Modes,
    watch: Watch,
    /// When the keys that are kept back are let go.
    release_at: Option<Instant>,
    /// What waits to be shown.
    pub(super) out: Outgoing,
    /// Whether its client has shown all it was sent.
    is_ready: bool,
    /// What was changed in it so far.
    traces: Traces,
}

impl Lent {
    /// Takes a terminal that came with a message, if it is one of our own user that can be used without ever waiting.
    pub(super) fn of(lend: &Lend, terminal: &OwnedFd) -> Option<Self> {
        let key = lend.key.parse().ok()?;
        let terminal = lending::reopened(terminal)
            .inspect_err(|err| tracing::debug!(error = %err, "a terminal that was lent is not taken"))
            .ok()?;
        Some(Self {
            terminal,
            before: lend.modes,
            watch: Watch::of(key),
            release_at: None,
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
        let size = rustix::termios::tcgetwinsize(&self.terminal).ok()?;
        Size::new(size.ws_row.min(1_000), size.ws_col.clamp(2, 1_000))
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
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        if !self.waits() {
            return Ok(false);
        }
        self.ensure_ours()?;
        self.out.write_to(&self.terminal, usize::MAX)
    }

    /// Reads what is typed. An error says that it is not ours any longer.
    pub(super) fn read(&mut self, now: Instant) -> io::Result<Typed> {
        self.ensure_ours()?;
        let mut keys = [0; KEYS_BYTES];
        let count = match rustix::io::read(&self.terminal, &mut keys) {
            Ok(0) => return Err(Errno::IO.into()),
            Ok(count) => count,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Typed::default()),
            Err(err) => return Err(err.into()),
        };
        let typed = self.watch.take(&keys[..count], now);
        self.release_at = self.watch.holds().then(|| now + KEY_WAIT);
        Ok(typed)
    }

    /// When keys that are kept back are let go.
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.release_at
    }

    /// Lets keys go that were kept back.
    pub(super) fn release(&mut self) -> Vec<u8> {
        self.release_at = None;
        self.watch.release()
    }

    /// Puts everything back as well as that goes without waiting: the client is dead. A terminal that somebody else has
    /// taken meanwhile keeps its modes and its cursor.
    pub(super) fn restore(mut self) {
        let is_ours = lending::is_raw(&self.terminal);
        self.out.clear();
        for part in [STRING_END, screen::RESET, &self.traces.undo(), TITLE_BACK] {
            self.out.push(part);
        }
        if is_ours {
            self.out.push(BELOW_SCREEN);
        }
        let written = self.out.write_to(&self.terminal, usize::MAX);
        let set = if is_ours { self.before.set(&self.terminal) } else { Ok(()) };
        if let Err(err) = written.map(drop).and_then(|()| Ok(set?)) {
            tracing::debug!(error = %err, "the terminal of a client that was killed is gone too");
        }
    }

    fn ensure_ours(&self) -> io::Result<()> {
        if lending::is_raw(&self.terminal) { Ok(()) } else { Err(Errno::ACCESS.into()) }
    }
}

impl AsFd for Lent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }
}
