//! One connection to a holder: what it was shown, what waits to be sent, and what it said.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use rustix::{io::Errno, process::Pid};

use super::{
    super::{
        lending::{CANCEL, TAKEN_TITLE},
        message::{FromClient, FromHolder, Refusal, Role},
    },
    lent::Lent,
};
use crate::{
    screen::Traces,
    socket::{self, Frames, Outgoing},
};

/// From how many waiting bytes on the program is held up for a client that still reads, at most.
const SLOW_BYTES_MAX: usize = 256 << 10;
/// That, as a part of what may wait for it: well before it is too much.
const SLOW_PART: usize = 4;
/// How long a client may read nothing before the program goes on without it.
const PATIENCE: Duration = Duration::from_millis(100);

/// From how many waiting bytes on the program is held up, where so many may wait.
pub(super) fn slow_bytes(queue_bytes_max: usize) -> usize {
    (queue_bytes_max / SLOW_PART).clamp(1, SLOW_BYTES_MAX)
}

/// How long a client whose place was taken away may take to read that.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(10);

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    frames: Frames,
    out: Outgoing,
    /// The longest payload of a frame, in bytes.
    frame_bytes_max: usize,
    /// When bytes last went out, or began to wait.
    moved: Instant,
    /// A file that came with a message and that nobody took yet.
    file: Option<OwnedFd>,
    /// Its terminal, where it lent that.
    pub(super) lent: Option<Lent>,
    /// Keys that were kept back when its terminal was given back.
    pub(super) left: Vec<u8>,
    /// What it is attached as.
    pub(super) view: Option<View>,
    /// Whether it typed more than the program has read, and is not listened to until that is less.
    pub(super) has_typed_too_much: bool,
    /// Until when it may read what it was told last; it is shown and heard no more.
    leaves_at: Option<Instant>,
    /// Nothing more comes from it, or goes to it.
    pub(super) is_gone: bool,
}

/// How a client sees the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Whether it types and decides on the size.
    pub(super) controls: bool,
    /// As what it came.
    pub(super) role: Role,
    /// Whether it is a terminal, which answers what programs ask their terminal.
    pub(super) is_terminal: bool,
    /// How many rows of scrollback it wants.
    pub(super) scrollback: usize,
    /// Whether it missed something and gets the screen anew when it has read what waits.
    pub(super) is_behind: bool,
}

impl View {
    pub(super) fn of(role: Role, is_terminal: bool, scrollback: usize) -> Self {
        let controls = matches!(role, Role::Control | Role::Take);
        Self { controls, role, is_terminal, scrollback, is_behind: false }
    }

    /// Whether it answers what the program asks: a terminal that is shown the question and may type.
    fn answers(self) -> bool {
        self.is_terminal && self.controls && !self.is_behind
    }
}

impl Client {
    /// A connection that was just made.
    pub(super) fn of(stream: UnixStream, frame_bytes_max: usize, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            frames: Frames::up_to(frame_bytes_max),
            out: Outgoing::default(),
            frame_bytes_max,
            moved: now,
            file: None,
            lent: None,
            left: Vec::new(),
            view: None,
            has_typed_too_much: false,
            leaves_at: None,
            is_gone: false,
        })
    }

    /// Whether something waits to be sent over its connection.
    pub(super) fn waits(&self) -> bool {
        !self.out.is_empty()
    }

    /// How many bytes wait, for it or for its terminal.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() + self.lent.as_ref().map_or(0, |lent| lent.out.len())
    }

    /// Whether the program is to be held up, so that this client, which reads, misses nothing; and until when.
    pub(super) fn holds_up(&self, queue_bytes_max: usize, now: Instant) -> Option<Instant> {
        let is_shown = self.view.is_some_and(|view| !view.is_behind) && !self.is_gone;
        let until = self.moved + PATIENCE;
        (is_shown && self.waiting() > slow_bytes(queue_bytes_max) && now < until).then_some(until)
    }

    /// Says something, as far as it reads.
    pub(super) fn say(&mut self, message: &FromHolder, now: Instant) {
        if !self.waits() {
            self.moved = now;
        }
        message.push(self.out.tail(), self.frame_bytes_max);
        self.flush(now);
    }

    /// Takes its place away, and says why. It stays until it has read that, for a limited time.
    pub(super) fn dismiss(&mut self, because: &str, now: Instant) {
        self.give_back(false, now);
        self.refuse("full", because, now);
        (self.view, self.leaves_at) = (None, Some(now + LEAVE_WAIT_MAX));
    }

    /// Until when it may read what it was told last, where its place was taken away.
    pub(super) fn leaves_at(&self) -> Option<Instant> {
        self.leaves_at
    }

    /// Lets it go when it has read that, or has had its time.
    pub(super) fn leave(&mut self, now: Instant) {
        self.is_gone |= self.leaves_at.is_some_and(|at| now >= at || !self.waits());
    }

    /// Says that something was not done.
    pub(super) fn refuse(&mut self, code: &str, message: &str, now: Instant) {
        let refusal = Refusal { code: code.to_owned(), message: message.to_owned() };
        self.say(&FromHolder::Refused(refusal), now);
    }

    /// Whether it answers what the program asks its terminal.
    pub(super) fn answers(&self) -> bool {
        self.view.is_some_and(View::answers)
    }

    /// Whether so many bytes more are too much for it.
    pub(super) fn is_overrun(&self, bytes: usize, queue_bytes_max: usize) -> bool {
        self.view.is_some_and(|view| !view.is_behind) && self.waiting() + bytes > queue_bytes_max
    }

    /// What comes now it misses; it gets the screen anew later on.
    pub(super) fn fall_behind(&mut self) {
        if let Some(view) = &mut self.view {
            view.is_behind = true;
        }
    }

    /// Whether it missed something. From now on it does not: whoever asks shows it the screen.
    pub(super) fn stops_missing(&mut self) -> bool {
        self.view.as_mut().is_some_and(|view| std::mem::take(&mut view.is_behind))
    }

    /// Shows it what the program printed, unless it gets the screen anew anyway.
    pub(super) fn show(&mut self, offset: u64, bytes: &[u8], now: Instant) {
        if self.view.is_none_or(|view| view.is_behind) {
            return;
        }
        if self.waiting() == 0 {
            self.moved = now;
        }
        match &mut self.lent {
            Some(lent) => lent.out.push(bytes),
            None => FromHolder::push_output(self.out.tail(), offset, bytes, self.frame_bytes_max),
        }
    }

    /// Shows it the screen in the place of what it sees.
    pub(super) fn show_anew(&mut self, offset: u64, bytes: Vec<u8>, now: Instant) {
        match &mut self.lent {
            Some(lent) => {
                lent.show_anew(&bytes);
                self.flush(now);
            }
            None => self.say(&FromHolder::Snapshot { offset, bytes, is_last: true }, now),
        }
    }

    /// Says in the title of a terminal it lent that it only looks on now, also in the middle of a sequence, which begins
    /// anew behind that.
    pub(super) fn show_taken(&mut self, unfinished: &[u8]) {
        if let Some(lent) = &mut self.lent {
            if !unfinished.is_empty() {
                lent.out.push(CANCEL);
            }
            lent.out.push(TAKEN_TITLE);
            lent.out.push(unfinished);
        }
    }

    /// The process at the other end, if it can be seen.
    pub(super) fn pid(&self) -> Option<Pid> {
        socket::peer(&self.stream).ok()?.pid
    }

    /// The file that came with what it said last.
    pub(super) fn take_file(&mut self) -> Option<OwnedFd> {
        self.file.take()
    }

    /// Takes note of what was changed in the terminal it lent, and tells it what puts that back.
    pub(super) fn mark(&mut self, traces: Traces, now: Instant) {
        if let Some(undo) = self.lent.as_mut().and_then(|lent| lent.mark(traces)) {
            self.say(&FromHolder::Undo(undo), now);
        }
    }

    /// The terminal it lent; its connection when that was given back a moment ago.
    pub(super) fn lent_fd(&self) -> BorrowedFd<'_> {
        self.lent.as_ref().map_or(self.stream.as_fd(), AsFd::as_fd)
    }

    /// Gives its terminal back, with what was not shown there; whoever leaves does not want to see that. Keys that were kept
    /// back are `left` to be typed.
    pub(super) fn give_back(&mut self, leaves: bool, now: Instant) {
        let Some(mut lent) = self.lent.take() else {
            return;
        };
        self.left.extend(lent.release());
        if !leaves {
            FromHolder::push_output(self.out.tail(), 0, lent.out.waiting(), self.frame_bytes_max);
        }
        let unfinished = lent.unfinished();
        drop(lent);
        self.say(&FromHolder::Returned { leaves, unfinished }, now);
    }

    /// It is gone, and will not put its terminal in order itself.
    pub(super) fn abandon(&mut self) {
        if let Some(lent) = self.lent.take() {
            lent.restore();
        }
    }

    /// Gives back the memory that a flood took.
    pub(super) fn rest(&mut self) {
        if !self.waits() {
            self.out = Outgoing::default();
        }
        if let Some(lent) = &mut self.lent
            && lent.out.is_empty()
        {
            lent.out = Outgoing::default();
        }
    }

    /// Whether it missed something and has read all that waited.
    pub(super) fn wants_screen(&self) -> bool {
        self.view.is_some_and(|view| view.is_behind) && self.waiting() == 0 && !self.is_gone
    }

    /// Sends what the other side takes without waiting.
    pub(super) fn flush(&mut self, now: Instant) {
        if self.is_gone {
            return;
        }
        match self.out.write_to(&self.stream, usize::MAX) {
            Ok(went) if went => self.moved = now,
            Ok(_) => (),
            Err(_) => self.is_gone = true,
        }
        self.flush_terminal(now);
    }

    /// Shows what the terminal it lent takes without waiting.
    pub(super) fn flush_terminal(&mut self, now: Instant) {
        match self.lent.as_mut().map(|lent| lent.flush(now)) {
            Some(Ok(true)) => self.moved = now,
            Some(Ok(false)) | None => (),
            Some(Err(_)) => self.give_back(false, now),
        }
    }

    /// Reads what it said, once.
    pub(super) fn listen(&mut self) -> Vec<FromClient> {
        match self.frames.read_with(&self.stream, &mut self.file) {
            Ok(0) => self.is_gone = true,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => (),
            Err(_) => self.is_gone = true,
        }
        let mut said = Vec::new();
        loop {
            match self.frames.next_frame() {
                Ok(None) => return said,
                Ok(Some(frame)) => match FromClient::of(frame) {
                    Ok(message) => said.extend(message),
                    Err(_) => self.break_off("the message makes no sense"),
                },
                Err(err) => {
                    self.break_off(&err.to_string());
                    return said;
                }
            }
        }
    }

    /// A client that makes no sense is told so and let go.
    fn break_off(&mut self, because: &str) {
        self.give_back(false, self.moved);
        self.refuse("bad-message", because, self.moved);
        self.is_gone = true;
    }

    /// Sends what waits, and waits for the other side for a limited time.
    pub(super) fn flush_for(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        if self.is_gone || self.stream.set_nonblocking(false).is_err() {
            return;
        }
        while self.waits() && !self.is_gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stream.set_write_timeout(Some(left)).is_err() {
                return;
            }
            self.flush(Instant::now());
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
