//! The terminal of a person: a program runs in it, and what it shows is read.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command},
    time::{Duration, Instant},
};

use memchr::memmem::Finder;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// A program in a terminal.
pub(crate) struct Tty {
    master: OwnedFd,
    child: Child,
    tail: Vec<u8>,
}

impl Tty {
    /// A terminal of 40 rows and 120 columns, which is read as it comes.
    pub(crate) fn run(command: Command) -> Self {
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        let tty = Self::open(command, size);
        rustix::io::ioctl_fionbio(&tty, true).unwrap();
        tty
    }

    /// One of another size, whose reader waits.
    pub(crate) fn open(mut command: Command, size: Winsize) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave =
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let begin = || {
            rustix::process::setsid()?;
            Ok(rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?)
        };
        // SAFETY: two system calls between fork and exec.
        #[expect(unsafe_code, reason = "a controlling terminal can only be taken between fork and exec")]
        unsafe {
            command.pre_exec(begin);
        }
        let child = command.spawn().unwrap();
        Self { master, child, tail: Vec::new() }
    }

    pub(crate) fn send(&mut self, mut bytes: &[u8]) {
        self.tail.clear();
        while !bytes.is_empty() {
            match rustix::io::write(&self.master, bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::AGAIN) => drop(self.ready(PollFlags::OUT, Duration::from_secs(1))),
                Err(err) => panic!("{err}"),
            }
        }
    }

    /// Reads until this was shown; nothing when it is not in time.
    pub(crate) fn until(&mut self, wanted: &[u8], limit: Duration) -> Option<()> {
        let deadline = Instant::now() + limit;
        let finder = Finder::new(wanted);
        let mut chunk = vec![0; 1 << 17];
        loop {
            // A search that is slow takes the processor from those that are measured, and most from those that are many.
            if finder.find(&self.tail).is_some() {
                self.tail.clear();
                return Some(());
            }
            let keep = self.tail.len().saturating_sub(wanted.len());
            self.tail.drain(..keep);
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.ready(PollFlags::IN, left) {
                return None;
            }
            let count = rustix::io::read(&self.master, &mut *chunk).ok()?;
            self.tail.extend_from_slice(&chunk[..count]);
        }
    }

    /// Reads until nothing comes for this long.
    pub(crate) fn drain(&mut self, silence: Duration) {
        let mut chunk = vec![0; 1 << 17];
        while self.ready(PollFlags::IN, silence) {
            if rustix::io::read(&self.master, &mut *chunk).is_err() {
                return;
            }
        }
        self.tail.clear();
    }

    fn ready(&self, flags: PollFlags, limit: Duration) -> bool {
        let limit = Timespec::try_from(limit).unwrap();
        poll(&mut [PollFd::new(&self.master, flags)], Some(&limit)).is_ok_and(|ready| ready > 0)
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let ended: io::Result<()> = self.child.kill().and_then(|()| self.child.wait().map(drop));
        drop(ended);
    }
}
