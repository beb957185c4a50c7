//! One connection to the holder of a context: what it said, what its command is told, and what waits to be sent.

use std::{
    collections::VecDeque,
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::{
    super::{
        context::{Control, Controls},
        message::{FromCaller, FromHolder, Refusal, STDIN_WINDOW_BYTES},
        refusal::BAD_MESSAGE,
    },
    desk::{Desk, MAIL_BYTES_MAX},
};
use crate::socket::{Frames, Outgoing};

/// A connection.
pub(super) struct Client {
    /// What it is called among both threads.
    pub(super) number: u64,
    stream: UnixStream,
    frames: Frames,
    out: Outgoing,
    /// The text of a command that is not whole yet.
    pub(super) text: Vec<u8>,
    /// Its command, from the moment on when it waits until what came of it was collected.
    pub(super) command: Option<Arc<Controls>>,
    /// Standard input that its command has not taken.
    stdin: VecDeque<Control>,
    stdin_bytes: usize,
    /// Nothing more comes from it, or goes to it.
    pub(super) is_gone: bool,
}

impl Client {
    /// A connection that was just made.
    pub(super) fn of(stream: UnixStream, number: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            number,
            stream,
            frames: Frames::default(),
            out: Outgoing::default(),
            text: Vec::new(),
            command: None,
            stdin: VecDeque::new(),
            stdin_bytes: 0,
            is_gone: false,
        })
    }

    /// Whether something waits to be sent.
    pub(super) fn waits(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether it talks and does not read, so that answers would fill the memory.
    pub(super) fn is_deaf(&self) -> bool {
        self.out.len() > 2 * MAIL_BYTES_MAX
    }

    /// Says something, as far as it reads.
    pub(super) fn say(&mut self, message: &FromHolder) {
        message.push(self.out.tail());
        self.flush();
    }

    /// Says that something was not done.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.say(&FromHolder::Refused(refusal));
    }

    /// Takes over what its command has for it, as far as there is room.
    pub(super) fn collect(&mut self, desk: &Desk) {
        while !self.is_gone && self.out.len() < MAIL_BYTES_MAX {
            let mut is_any = false;
            let is_commanding = desk.collect(self.number, |mail| {
                self.out.push(mail);
                is_any = true;
            });
            if !is_commanding {
                self.end_command();
            }
            if !is_any {
                return;
            }
            self.flush();
        }
    }

    /// Sends what the other side takes without waiting.
    pub(super) fn flush(&mut self) {
        if !self.is_gone && self.out.write_to(&self.stream, usize::MAX).is_err() {
            self.is_gone = true;
        }
    }

    /// Keeps standard input for the command, and gives it what it takes.
    pub(super) fn feed(&mut self, input: Control) {
        if let Control::Stdin(bytes) = &input {
            self.stdin_bytes += bytes.len();
            if self.stdin_bytes > STDIN_WINDOW_BYTES {
                return self.break_off("more input came than was asked for");
            }
        }
        if self.command.is_some() {
            self.stdin.push_back(input);
            self.pass_stdin();
        }
    }

    /// Gives the command what it takes, and lets the caller send as much more.
    pub(super) fn pass_stdin(&mut self) {
        let Some(controls) = &self.command else {
            return;
        };
        controls.take_room();
        let mut taken = 0;
        while let Some(input) = self.stdin.pop_front() {
            let bytes = if let Control::Stdin(bytes) = &input { bytes.len() } else { 0 };
            if let Err(refused) = controls.give(input) {
                self.stdin.push_front(refused);
                break;
            }
            taken += bytes;
        }
        if taken > 0 {
            self.stdin_bytes -= taken;
            self.say(&FromHolder::Taken(taken));
        }
    }

    /// Becomes ready when the command takes input again that it did not take before.
    pub(super) fn room(&self) -> Option<BorrowedFd<'_>> {
        self.command.as_ref().filter(|_| !self.stdin.is_empty()).map(|controls| controls.room())
    }

    /// Its command has ended; what it did not read nobody will.
    pub(super) fn end_command(&mut self) {
        self.command = None;
        self.stdin.clear();
        self.stdin_bytes = 0;
    }

    /// Reads what it said, once.
    pub(super) fn listen(&mut self) -> Vec<FromCaller> {
        match self.frames.read(&self.stream) {
            Ok(0) => self.is_gone = true,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => (),
            Err(_) => self.is_gone = true,
        }
        let mut said = Vec::new();
        loop {
            let frame = match self.frames.next_frame() {
                Ok(None) => return said,
                Ok(Some(frame)) => frame,
                Err(_) => {
                    self.break_off("the message is too long");
                    return said;
                }
            };
            let Ok(message) = FromCaller::of(frame) else {
                self.break_off("the message makes no sense");
                return said;
            };
            said.extend(message);
        }
    }

    /// A client that makes no sense is told so and let go.
    pub(super) fn break_off(&mut self, message: &str) {
        self.refuse(Refusal::of(BAD_MESSAGE, message));
        self.is_gone = true;
    }

    /// Sends what waits, and waits for the other side for a limited time.
    pub(super) fn flush_until(&mut self, deadline: Instant) {
        if self.is_gone || self.stream.set_nonblocking(false).is_err() {
            return;
        }
        while self.waits() && !self.is_gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(1) || self.stream.set_write_timeout(Some(left)).is_err() {
                return;
            }
            self.flush();
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
