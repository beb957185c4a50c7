//! The program of a session and its terminal: what it prints, what is typed, and how it ends.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    buffer::spare_capacity,
    io::Errno,
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid},
};

use super::super::{Exited, pty::Pty};
use crate::screen::Size;

/// For how much there is room when its terminal is read, which gives less.
const READ_BYTES: usize = 8 << 10;
/// From how many bytes on whoever typed some of them is not listened to until the program has read some.
const INPUT_BYTES_MAX: usize = 1 << 20;
/// From how many bytes on nothing more is taken from a terminal that was lent, nor from anybody who is not attached: much,
/// for keys that are not read cannot be understood either, and whoever typed too much still wants to leave.
const KEYS_BYTES_MAX: usize = 8 << 20;
/// The same for whoever controls. Each is read from once behind the first bound, so only many who take control one after
/// the other come to this one.
const LAST_KEYS_BYTES_MAX: usize = 2 * KEYS_BYTES_MAX;

/// A program that runs, or ran.
#[derive(Debug)]
pub(super) struct Program {
    pty: Pty,
    pid: Pid,
    pidfd: OwnedFd,
    input: VecDeque<u8>,
    exited: Option<Exited>,
    is_closed: bool,
}

impl Program {
    /// The program with this pid, a child of this process, in this terminal.
    pub(super) fn of(pty: Pty, pid: Pid) -> io::Result<Self> {
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Self { pty, pid, pidfd, input: VecDeque::new(), exited: None, is_closed: false })
    }

    /// Its pid.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Its pid while it lives: the number is its own until it is reaped.
    pub(super) fn living(&self) -> Option<Pid> {
        self.exited.is_none().then_some(self.pid)
    }

    /// The same as a number.
    pub(super) fn living_pid(&self) -> Option<u32> {
        self.living().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Readable when it has ended.
    pub(super) fn exit_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Its terminal.
    pub(super) fn terminal_fd(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }

    /// The process group that has the keyboard.
    pub(super) fn foreground(&self) -> Option<Pid> {
        self.pty.foreground()
    }

    /// How it ended, when it has.
    pub(super) fn exited(&self) -> Option<Exited> {
        self.exited
    }

    /// Whether nobody can print any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether something that was typed waits for it.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty() && !self.is_closed
    }

    /// Whether more may be typed now.
    pub(super) fn takes_input(&self) -> bool {
        self.input.len() < INPUT_BYTES_MAX
    }

    /// Whether keys of a terminal that was lent may be read now.
    pub(super) fn takes_keys(&self) -> bool {
        self.input.len() < KEYS_BYTES_MAX
    }

    /// Whether what was read already of somebody who controls may be typed.
    pub(super) fn takes_last_keys(&self) -> bool {
        self.input.len() < LAST_KEYS_BYTES_MAX
    }

    /// Types something; what does not fit into the terminal waits. Without a terminal nobody can read it.
    pub(super) fn type_in(&mut self, bytes: &[u8]) {
        if self.is_closed {
            return;
        }
        self.input.extend(bytes);
        self.pass_input();
    }

    /// Passes on what was typed, as far as the terminal takes it.
    pub(super) fn pass_input(&mut self) {
        while !self.input.is_empty() && !self.is_closed {
            let (first, _) = self.input.as_slices();
            match rustix::io::write(&self.pty, first) {
                Ok(count) => drop(self.input.drain(..count)),
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => return,
                Err(_) => self.input.clear(),
            }
        }
        // A large paste does not keep its memory.
        if self.input.is_empty() {
            self.input.shrink_to(READ_BYTES);
        }
    }

    /// Reads what it printed, behind what is there; answers whether there was something.
    pub(super) fn read(&mut self, printed: &mut Vec<u8>) -> bool {
        printed.reserve(READ_BYTES);
        loop {
            match rustix::io::read(&self.pty, spare_capacity(printed)) {
                Ok(0) => break,
                Ok(_) => return true,
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => return false,
                // EIO: every process that had the terminal is gone, and all was read.
                Err(_) => break,
            }
        }
        self.is_closed = true;
        self.input = VecDeque::new();
        false
    }

    /// Gives the terminal another size.
    pub(super) fn resize(&self, size: Size) {
        if let Err(err) = self.pty.resize(size) {
            tracing::debug!(error = %err, "the terminal kept its size");
        }
    }

    /// Reaps it if it has ended; says whether it just has.
    pub(super) fn reap(&mut self, asked: bool) -> io::Result<bool> {
        if self.exited.is_some() {
            return Ok(false);
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let Some(status) = waitid(WaitId::PidFd(self.pidfd.as_fd()), options)? else {
            return Ok(false);
        };
        self.exited = Some(Exited { code: status.exit_status(), signal: status.terminating_signal(), asked });
        Ok(true)
    }
}
