//! What the thread that talks to callers tells the one that runs their commands.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::Errno,
};

/// The most standard input that waits for a command, in bytes.
pub(in crate::shell) const STDIN_BYTES_MAX: usize = 1 << 20;

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shell) enum Control {
    /// The command is to be interrupted; once more: without waiting for it to end in its own way.
    Cancel,
    /// More of its standard input.
    Stdin(Vec<u8>),
    /// There is no more of it.
    StdinEnd,
    /// There is something else to do than to rest.
    Wake,
}

/// The way from the one thread to the other. Readable (`AsFd`) for the one that runs commands when there is something;
/// [`Self::room`] is readable for the other one when standard input that was refused may be given again.
#[derive(Debug)]
pub(in crate::shell) struct Controls {
    ready: OwnedFd,
    room: OwnedFd,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    cancels: u32,
    is_woken: bool,
    stdin: VecDeque<Vec<u8>>,
    stdin_bytes: usize,
    is_stdin_ended: bool,
    was_refused: bool,
}

impl Controls {
    /// Nothing is told yet.
    pub(in crate::shell) fn new() -> io::Result<Self> {
        let event = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        Ok(Self { ready: event()?, room: event()?, queue: Mutex::default() })
    }

    /// Tells it. Only standard input can be refused, when as much of it waits as may: then it comes back.
    pub(in crate::shell) fn give(&self, control: Control) -> Result<(), Control> {
        let mut queue = self.queue();
        match control {
            Control::Cancel => queue.cancels = queue.cancels.saturating_add(1),
            Control::Wake => queue.is_woken = true,
            Control::StdinEnd => queue.is_stdin_ended = true,
            Control::Stdin(_) if queue.stdin_bytes >= STDIN_BYTES_MAX => {
                queue.was_refused = true;
                return Err(control);
            }
            Control::Stdin(bytes) => {
                queue.stdin_bytes += bytes.len();
                queue.stdin.push_back(bytes);
            }
        }
        raise(&self.ready);
        Ok(())
    }

    /// Is readable when standard input that was refused may be given again; until [`Self::take_room`].
    pub(in crate::shell) fn room(&self) -> BorrowedFd<'_> {
        self.room.as_fd()
    }

    /// Takes note that there is room.
    pub(in crate::shell) fn take_room(&self) {
        lower(&self.room);
    }

    /// Forgets what was told and not heard, so that it does not hit the next command.
    pub(in crate::shell) fn clear(&self) {
        let mut queue = self.queue();
        let was_refused = queue.was_refused;
        *queue = Queue::default();
        if was_refused {
            raise(&self.room);
        }
        lower(&self.ready);
    }

    pub(super) fn hear(&self) {
        lower(&self.ready);
    }

    /// How often it was to be cancelled since this was last asked.
    pub(super) fn take_cancels(&self) -> u32 {
        std::mem::take(&mut self.queue().cancels)
    }

    pub(super) fn take_wake(&self) -> bool {
        std::mem::take(&mut self.queue().is_woken)
    }

    /// The next of the standard input, and whether it is the end.
    pub(super) fn take_stdin(&self) -> (Option<Vec<u8>>, bool) {
        let mut queue = self.queue();
        let bytes = queue.stdin.pop_front();
        queue.stdin_bytes -= bytes.as_ref().map_or(0, Vec::len);
        if queue.was_refused && queue.stdin_bytes < STDIN_BYTES_MAX / 2 {
            queue.was_refused = false;
            raise(&self.room);
        }
        let is_end = bytes.is_none() && queue.is_stdin_ended;
        (bytes, is_end)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Controls {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

fn raise(event: &OwnedFd) {
    // A counter that is full is raised already.
    if let Err(err) = rustix::io::write(event, &1_u64.to_ne_bytes())
        && err != Errno::AGAIN
    {
        tracing::error!(error = %err, "an event could not be raised");
    }
}

fn lower(event: &OwnedFd) {
    let mut count = [0; 8];
    if let Err(err) = rustix::io::read(event, &mut count)
        && err != Errno::AGAIN
    {
        tracing::error!(error = %err, "an event could not be taken note of");
    }
}
