//! How a holder is reached, also one whose socket was removed under it, or that was started with another runtime folder.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Connection, Runtime, TerminalError};
use crate::{
    process::{self, Signal},
    session::{ProcessId, SessionId},
};

/// What a holder is told when its socket cannot be found; to holders that know nothing of it, it means nothing.
pub(super) const LOOK_AGAIN: Signal = Signal::HUP;
/// How long a holder may take to make its socket anew.
const ANEW_WAIT_MAX: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(5);

impl Runtime {
    /// Connects to the holder of a session. Where nobody listens and yet the holder lives that the table names, it is asked
    /// to listen again, and looked for in its own runtime folder.
    pub fn reach(&self, id: SessionId, holder: Option<&ProcessId>) -> Result<Connection, TerminalError> {
        let lives = |holder: &&ProcessId| process::is_alive(holder);
        let holder = match Connection::open(&self.socket(id)) {
            Err(TerminalError::NotRunning) => holder.filter(lives).ok_or(TerminalError::NotRunning)?,
            outcome => return outcome,
        };
        process::send(holder, LOOK_AGAIN).map_err(|source| TerminalError::Io {
            action: "send a signal to",
            path: format!("/proc/{}", holder.pid).into(),
            source,
        })?;
        let places = [self.socket(id), self.as_seen_by(holder).socket(id)];
        let deadline = Instant::now() + ANEW_WAIT_MAX;
        loop {
            for socket in &places {
                match Connection::open(socket) {
                    Err(TerminalError::NotRunning) => (),
                    outcome => return outcome,
                }
            }
            // One that was about to end has no socket any more either.
            if !lives(&holder) {
                return Err(TerminalError::NotRunning);
            }
            if Instant::now() >= deadline {
                let [_, socket] = places;
                return Err(TerminalError::Hidden { pid: holder.pid, socket });
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}
