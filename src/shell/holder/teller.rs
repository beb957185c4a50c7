//! How the session is told that it was used, without a caller waiting for the disk: a thread of its own.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::super::Keeper;
use crate::session::SessionId;

/// How often that is told at most.
const EVERY: Duration = Duration::from_secs(5);

/// The thread that tells it.
#[derive(Debug)]
pub(super) struct Teller {
    /// Has one place: one use that is not told yet is as good as many.
    used: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Teller {
    pub(super) fn begin(id: SessionId, mut keeper: Box<dyn Keeper>) -> io::Result<Self> {
        let (used, told) = mpsc::sync_channel(1);
        let tell = move || {
            let mut is_used = told.recv().is_ok();
            while is_used {
                if let Err(err) = keeper.used(id) {
                    tracing::warn!(sessionId = %id, error = %err, "the use of a context was not written down");
                }
                is_used = pause(&told) || told.recv().is_ok();
            }
        };
        let thread = thread::Builder::new().name("teller".to_owned()).spawn(tell)?;
        Ok(Self { used, thread })
    }

    /// The context was used.
    pub(super) fn tell(&self) {
        match self.used.try_send(()) {
            // Where one waits already, it stands for this one too.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => (),
        }
    }

    /// Returns when all is told.
    pub(super) fn end(self) {
        drop(self.used);
        if self.thread.join().is_err() {
            tracing::error!("the thread that tells of uses ended by itself");
        }
    }
}

/// Lets the time pass until the next use may be told, unless the holder ends meanwhile. Says whether there is one.
fn pause(told: &Receiver<()>) -> bool {
    let until = Instant::now() + EVERY;
    let mut is_used = false;
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(()) => is_used = true,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return is_used,
        }
    }
}
