//! One connection seen from whoever made it: frames in both directions, and an end that is noticed.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
};

use super::{Frame, Frames, Outgoing, SocketError, connect, send_with};

/// A connection.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    frames: Frames,
    out: Outgoing,
    is_open: bool,
}

impl Link {
    /// Connects to whoever listens there.
    pub fn open(socket: &Path, limit: Duration) -> Result<Self, SocketError> {
        let stream = connect(socket, limit)?;
        Ok(Self { stream, frames: Frames::default(), out: Outgoing::default(), is_open: true })
    }

    /// Whether the other side may still say something; what it said before it went can be taken even then.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Where what is to be sent goes.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        self.out.tail()
    }

    /// How many bytes wait to be sent.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Whether something waits, and there is somebody to take it.
    pub fn has_queued(&self) -> bool {
        self.is_open && !self.out.is_empty()
    }

    /// Sends all that waits.
    pub fn send(&mut self, deadline: Instant) -> Result<(), SocketError> {
        while self.has_queued() {
            self.flush()?;
            if self.has_queued() && !self.wait(PollFlags::OUT, Some(deadline))? {
                return Err(SocketError::Silent { because: "it does not listen" });
            }
        }
        Ok(())
    }

    /// Writes what goes without waiting.
    pub fn flush(&mut self) -> Result<(), SocketError> {
        match self.out.write_to(&self.stream, usize::MAX) {
            Ok(_) => Ok(()),
            // What it said last can still be read.
            Err(err) if is_hung_up(&err) => {
                self.out.clear();
                Ok(())
            }
            Err(_) => Err(SocketError::Silent { because: "it cannot be written to" }),
        }
    }

    /// Sends what is behind everything else and small, and a file with it, if nothing waits and there is room for it at
    /// once; answers whether it went.
    pub fn send_file(&mut self, bytes: &[u8], file: BorrowedFd<'_>) -> bool {
        if !self.is_open || !self.out.is_empty() {
            return false;
        }
        let Ok(count) = send_with(&self.stream, bytes, file) else {
            return false;
        };
        self.out.push(&bytes[count..]);
        true
    }

    /// Reads what is there, once, without waiting.
    pub fn fill(&mut self) -> Result<(), SocketError> {
        match self.frames.read(&self.stream) {
            Ok(0) | Err(Errno::CONNRESET | Errno::PIPE) => self.is_open = false,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => (),
            Err(_) => return Err(SocketError::Silent { because: "it cannot be read from" }),
        }
        Ok(())
    }

    /// The next frame that was read whole.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SocketError> {
        self.frames.next_frame().map_err(|_| SocketError::Silent { because: "what it says is too long" })
    }

    /// Waits until the socket is ready, or the time has come; answers whether it is ready.
    pub fn wait(&self, flags: PollFlags, deadline: Option<Instant>) -> Result<bool, SocketError> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.map(timespec);
            match rustix::event::poll(&mut [PollFd::new(&self.stream, flags)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => (),
                Err(_) => return Err(SocketError::Silent { because: "it cannot be waited for" }),
            }
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The time that a poll may take.
pub fn timespec(time: Duration) -> Timespec {
    // A span that no number holds is as good as none.
    Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 })
}

fn is_hung_up(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
