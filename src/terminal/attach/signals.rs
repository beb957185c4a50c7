//! Signals as something that can be waited for together with sockets and terminals.

use std::{
    io::{self, Read as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rustix::process::Signal;
use signal_hook::{SigId, low_level};

/// What asks a client to leave.
const LEAVING: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];

/// Takes signals until it is dropped; after that they do nothing, for whoever attached only says how it went and ends.
#[derive(Debug)]
pub(super) struct Signals {
    wake: UnixStream,
    resized: Arc<AtomicBool>,
    continued: Arc<AtomicBool>,
    leaving: Arc<AtomicUsize>,
    ids: Vec<SigId>,
}

impl Signals {
    /// Begins to take them.
    pub(super) fn take() -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let mut signals = Self {
            wake,
            resized: Arc::default(),
            continued: Arc::default(),
            leaving: Arc::default(),
            ids: Vec::new(),
        };
        for (signal, flag) in [(Signal::WINCH, &signals.resized), (Signal::CONT, &signals.continued)] {
            signals.ids.push(signal_hook::flag::register(signal.as_raw(), Arc::clone(flag))?);
        }
        for signal in LEAVING {
            let (number, place) = (signal.as_raw(), Arc::clone(&signals.leaving));
            let value = usize::try_from(number).expect("signals have positive numbers");
            signals.ids.push(signal_hook::flag::register_usize(number, place, value)?);
        }
        // The flag is set before the waiting one is woken, for actions run in the order of their registration.
        for signal in LEAVING.into_iter().chain([Signal::WINCH, Signal::CONT]) {
            signals.ids.push(low_level::pipe::register(signal.as_raw(), woken.try_clone()?)?);
        }
        Ok(signals)
    }

    /// Forgets that it was woken; to be called before the questions.
    pub(super) fn clear(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(count) if count == bytes.len()) {}
    }

    /// Whether the terminal has another size.
    pub(super) fn resized(&self) -> bool {
        self.resized.swap(false, Ordering::SeqCst)
    }

    /// Whether the process was stopped and goes on.
    pub(super) fn continued(&self) -> bool {
        self.continued.swap(false, Ordering::SeqCst)
    }

    /// The signal that asked to leave.
    pub(super) fn leaving(&self) -> Option<i32> {
        let signal = self.leaving.load(Ordering::SeqCst);
        i32::try_from(signal).ok().filter(|signal| *signal != 0)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            low_level::unregister(id);
        }
    }
}
