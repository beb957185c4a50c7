//! The signals a holder hears: that a child ended, and that it should end its session.

use std::{
    io::{self, Read as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::process::Signal;

/// A pipe that becomes readable when a signal came.
#[derive(Debug)]
pub(super) struct Signals {
    pipe: UnixStream,
    is_asked: Arc<AtomicBool>,
}

impl Signals {
    /// Hears CHLD, TERM and INT from now on; HUP and PIPE mean nothing to a holder.
    pub(super) fn listen() -> io::Result<Self> {
        let (pipe, writer) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        let is_asked = Arc::new(AtomicBool::new(false));
        for signal in [Signal::TERM, Signal::INT] {
            signal_hook::flag::register(signal.as_raw(), Arc::clone(&is_asked))?;
        }
        for signal in [Signal::CHILD, Signal::TERM, Signal::INT] {
            signal_hook::low_level::pipe::register(signal.as_raw(), writer.try_clone()?)?;
        }
        signal_hook::flag::register(Signal::HUP.as_raw(), Arc::new(AtomicBool::new(false)))?;
        Ok(Self { pipe, is_asked })
    }

    /// Takes what came; says whether the session is to end.
    pub(super) fn take(&mut self) -> bool {
        let mut chunk = [0; 64];
        while self.pipe.read(&mut chunk).is_ok_and(|count| count == chunk.len()) {}
        self.is_asked.swap(false, Ordering::Relaxed)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
