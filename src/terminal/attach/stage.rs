//! The user's own terminal while it shows a session: its modes, what waits to be shown, and how it is left.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd},
        unix::fs::OpenOptionsExt as _,
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags},
    fs::{FileType, OFlags},
    termios::{OptionalActions, Termios},
};

use super::traces::Tracker;
use crate::{
    screen::{self, Size},
    socket::{Outgoing, timespec},
    terminal::lending::{BELOW_SCREEN, CLEAR, Modes, STRING_END, TITLE_BACK, size_of},
};

/// How much may wait to be shown; over it the holder is not read from, which sends the screen anew later.
const QUEUE_BYTES_MAX: usize = 256 << 10;
/// How much is written at once where the writing itself may wait: what is free in a terminal that is ready, at least.
const TERMINAL_STEP_BYTES: usize = 256;
/// The same for pipes and sockets.
const PIPE_STEP_BYTES: usize = 4 << 10;
/// How long a terminal that takes nothing is waited for when it is left.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(1);
/// The same for the last output of a program that ended.
const LAST_WAIT_MAX: Duration = Duration::from_secs(10);

const KEEP_TITLE: &[u8] = b"\x1b[22;2t";

/// Where the cursor goes when the terminal is left: below what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Below {
    /// A row that is the last with something in it.
    Row(u16),
    /// The program left the cursor behind what it printed.
    Cursor,
    /// Nobody knows where that is.
    Screen,
}

/// Where the session is shown. When this is dropped, everything is as it was, however that came about.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    input: BorrowedFd<'a>,
    output: BorrowedFd<'a>,
    /// The same output, opened again so that writing never waits; other owners of the terminal see no difference.
    quick: Option<File>,
    /// How much is written at once.
    step: usize,
    out: Outgoing,
    original: Option<Termios>,
    traces: Tracker,
    /// What puts back what changed while the terminal was lent, as its borrower told.
    undo: Vec<u8>,
    /// Whether anything of the session was shown.
    is_begun: bool,
    is_left: bool,
}

impl<'a> Stage<'a> {
    /// Shows the session in a terminal, that of the user.
    pub(super) fn terminal(input: BorrowedFd<'a>, output: BorrowedFd<'a>) -> io::Result<Self> {
        let original = rustix::termios::tcgetattr(input)?;
        let mut stage = Self::stream(input, output);
        stage.original = Some(original);
        stage.raw()?;
        Ok(stage)
    }

    /// Writes what the session prints to wherever the output goes.
    pub(super) fn stream(input: BorrowedFd<'a>, output: BorrowedFd<'a>) -> Self {
        let quick = reopened(output);
        Self {
            input,
            output,
            step: if quick.is_some() { usize::MAX } else { step(output) },
            quick,
            out: Outgoing::default(),
            original: None,
            traces: Tracker::default(),
            undo: Vec::new(),
            is_begun: false,
            is_left: false,
        }
    }

    /// Whether it is a terminal that somebody types at.
    pub(super) fn is_terminal(&self) -> bool {
        self.original.is_some()
    }

    /// Lets every key through; also after the process was stopped, when the shell has set the terminal up anew.
    pub(super) fn raw(&self) -> io::Result<()> {
        if let Some(original) = &self.original {
            let mut raw = original.clone();
            raw.make_raw();
            rustix::termios::tcsetattr(self.input, OptionalActions::Now, &raw)?;
        }
        Ok(())
    }

    /// The size of the terminal, or what stands for it.
    pub(super) fn size(&self) -> Size {
        size_of(self.output).unwrap_or_default()
    }

    /// What is typed.
    pub(super) fn input(&self) -> BorrowedFd<'a> {
        self.input
    }

    /// What can be waited for.
    pub(super) fn output(&self) -> BorrowedFd<'_> {
        self.quick.as_ref().map_or(self.output, AsFd::as_fd)
    }

    /// Whether something waits to be shown.
    pub(super) fn has_queued(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether so much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= QUEUE_BYTES_MAX
    }

    /// Shows this behind what waits.
    pub(super) fn show(&mut self, bytes: &[u8]) {
        self.traces.see(bytes);
        self.out.push(bytes);
    }

    /// A screen comes: what is shown makes room.
    pub(super) fn begin(&mut self) {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        if !self.is_terminal() {
            return;
        }
        if is_first {
            self.out.push(KEEP_TITLE);
            // What the screen shows moves up into the scrollback, as far as the cursor.
            self.out.push("\n".repeat(self.size().rows().into()).as_bytes());
        } else {
            self.out.push(STRING_END);
            self.out.push(screen::RESET);
            // What is still so comes with the screen.
            self.out.push(&self.traces.undo());
            self.out.push(&std::mem::take(&mut self.undo));
        }
        self.out.push(CLEAR);
    }

    /// The terminal and how it was, if input and output are one that can be lent.
    pub(super) fn loan(&self) -> Option<(BorrowedFd<'a>, Modes)> {
        let device = |end| {
            let meta = rustix::fs::fstat(end).ok()?;
            // Two file systems of terminals number theirs alike.
            let it = (meta.st_dev, meta.st_ino, meta.st_rdev);
            (FileType::from_raw_mode(meta.st_mode) == FileType::CharacterDevice).then_some(it)
        };
        let original = self.original.as_ref()?;
        let is_one = device(self.input).is_some_and(|input| device(self.output) == Some(input));
        is_one.then(|| (self.input, Modes::of(original)))
    }

    /// Takes note of what puts back what changed while the terminal was lent.
    pub(super) fn keep_undo(&mut self, undo: Vec<u8>) {
        self.undo = undo;
    }

    /// Writes what goes; to be called when the output is ready.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let to = self.quick.as_ref().map_or(self.output, AsFd::as_fd);
        self.out.write_to(to, self.step)
    }

    /// Sets the modes as they were, by which a holder that still has the terminal sees that it has it no longer.
    pub(super) fn revoke(&self) {
        if let Some(original) = &self.original
            && let Err(err) = rustix::termios::tcsetattr(self.input, OptionalActions::Now, original)
        {
            tracing::debug!(error = %err, "the terminal is gone");
        }
    }

    /// Shows everything that waits; gives up when nothing moves for some time.
    pub(super) fn finish(&mut self) {
        self.drain(LAST_WAIT_MAX);
    }

    /// Puts the terminal back as it was. What still waits is not shown.
    pub(super) fn leave(&mut self, below: Below) {
        if std::mem::replace(&mut self.is_left, true) {
            return;
        }
        self.out.clear();
        if self.is_begun && rustix::termios::isatty(self.output) {
            for part in [STRING_END, screen::RESET, &self.traces.undo(), &self.undo] {
                self.out.push(part);
            }
            if self.is_terminal() {
                self.out.push(TITLE_BACK);
                match below {
                    Below::Row(row) => self.out.push(format!("\x1b[{row};1H\r\n").as_bytes()),
                    Below::Cursor => self.out.push(b"\r\n"),
                    Below::Screen => self.out.push(BELOW_SCREEN),
                }
            }
            self.drain(LEAVE_WAIT_MAX);
        }
        self.revoke();
    }

    fn drain(&mut self, patience: Duration) {
        let mut moved = Instant::now();
        while self.has_queued() && moved.elapsed() < patience {
            let left = timespec(patience.saturating_sub(moved.elapsed()));
            let mut ready = [PollFd::from_borrowed_fd(self.output(), PollFlags::OUT)];
            match rustix::event::poll(&mut ready, Some(&left)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => (),
                Err(_) => return,
            }
            match self.flush() {
                Ok(true) => moved = Instant::now(),
                Ok(false) => (),
                Err(_) => return,
            }
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.leave(Below::Screen);
    }
}

/// How much can be written to what is ready without waiting; a file never makes anybody wait.
fn step(output: BorrowedFd<'_>) -> usize {
    match kind(output) {
        Some(FileType::RegularFile) => usize::MAX,
        Some(FileType::CharacterDevice) | None => TERMINAL_STEP_BYTES,
        Some(_) => PIPE_STEP_BYTES,
    }
}

fn kind(output: BorrowedFd<'_>) -> Option<FileType> {
    rustix::fs::fstat(output).ok().map(|meta| FileType::from_raw_mode(meta.st_mode))
}

/// Opens what a descriptor stands for once more. To set the flag on the descriptor itself would also set it for the
/// shell that gave it to us.
fn reopened(output: BorrowedFd<'_>) -> Option<File> {
    // A file would be written from its beginning.
    if !matches!(kind(output), Some(FileType::CharacterDevice | FileType::Fifo)) {
        return None;
    }
    OpenOptions::new()
        .write(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(format!("/proc/self/fd/{}", output.as_raw_fd()))
        .ok()
}
