//! Ctrl-c while a command runs: the first one interrupts the command, the second one leaves at once.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, atomic::AtomicBool},
};

use rustix::process::Signal;
use signal_hook::{SigId, flag, low_level};

/// The exit code of who left at the second.
const LEFT: i32 = 130;

/// Hears ctrl-c until it is dropped; after that it does nothing.
pub(super) struct Interrupts {
    came: UnixStream,
    ids: Vec<SigId>,
}

impl Interrupts {
    /// Begins to hear it.
    pub(super) fn hear() -> io::Result<Self> {
        let (came, coming) = UnixStream::pair()?;
        coming.set_nonblocking(true)?;
        let again = Arc::new(AtomicBool::new(false));
        let signal = Signal::INT.as_raw();
        // In the order of their registration: the first one finds the flag down.
        let ids = vec![
            flag::register_conditional_shutdown(signal, LEFT, Arc::clone(&again))?,
            flag::register(signal, again)?,
            low_level::pipe::register(signal, coming)?,
        ];
        Ok(Self { came, ids })
    }
}

impl AsFd for Interrupts {
    /// Is readable from the first one on.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.came.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
    }
}
