//! Signals as something that can be waited for together with sockets, terminals and pipes.

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
use signal_hook::{SigId, low_level};

/// Hears some signals until it is dropped; after that they do nothing, for whoever heard them is about to end.
#[derive(Debug)]
pub struct Signals {
    wake: UnixStream,
    flags: Vec<(Signal, Arc<AtomicBool>)>,
    ids: Vec<SigId>,
}

impl Signals {
    /// Begins to hear these; what they did until now, they no longer do.
    pub fn hear(signals: &[Signal]) -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let mut heard = Self { wake, flags: Vec::new(), ids: Vec::new() };
        for &signal in signals {
            let flag = Arc::default();
            // The flag is set before the waiting one is woken, for actions run in the order of their registration.
            heard.ids.push(signal_hook::flag::register(signal.as_raw(), Arc::clone(&flag))?);
            heard.ids.push(low_level::pipe::register(signal.as_raw(), woken.try_clone()?)?);
            heard.flags.push((signal, flag));
        }
        Ok(heard)
    }

    /// Forgets that somebody was woken; to be called before the questions.
    pub fn clear(&self) {
        let mut chunk = [0; 64];
        while (&self.wake).read(&mut chunk).is_ok_and(|count| count == chunk.len()) {}
    }

    /// Whether one of these came since it was taken last.
    pub fn has(&self, signals: &[Signal]) -> bool {
        self.flags_of(signals).any(|(_, came)| came.load(Ordering::SeqCst))
    }

    /// Takes all of these that came; answers the first of them.
    pub fn take(&self, signals: &[Signal]) -> Option<Signal> {
        let came = self.flags_of(signals).filter(|(_, came)| came.swap(false, Ordering::SeqCst));
        // To the end: each of them is taken.
        came.map(|(signal, _)| *signal).reduce(|first, _| first)
    }

    fn flags_of<'a>(&'a self, signals: &'a [Signal]) -> impl Iterator<Item = &'a (Signal, Arc<AtomicBool>)> {
        self.flags.iter().filter(|(signal, _)| signals.contains(signal))
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

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn is_woken(signals: &Signals) -> bool {
        let wait = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(signals, PollFlags::IN)], Some(&wait)).unwrap() > 0
    }

    #[test]
    fn what_came_is_heard_once_and_by_name() {
        // Two that nothing else in this process uses.
        let signals = Signals::hear(&[Signal::USR1, Signal::USR2]).unwrap();
        assert!(!is_woken(&signals) && signals.take(&[Signal::USR1, Signal::USR2]).is_none());
        for signal in [Signal::USR2, Signal::USR1] {
            low_level::raise(signal.as_raw()).unwrap();
        }
        assert!(is_woken(&signals));
        signals.clear();
        assert!(!is_woken(&signals));
        assert!(signals.has(&[Signal::USR2]) && signals.has(&[Signal::USR2, Signal::TERM]));
        assert_eq!(signals.take(&[Signal::USR1, Signal::USR2]), Some(Signal::USR1));
        assert!(!signals.has(&[Signal::USR1, Signal::USR2]), "both were taken");
        drop(signals);
        low_level::raise(Signal::USR1.as_raw()).unwrap();
    }
}
