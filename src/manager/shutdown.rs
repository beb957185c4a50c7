//! All programs end because the container is about to: all at once, politely, and so that they can be resumed.

use std::thread;

use super::{ManagerError, SessionManager, observe::runs};
use crate::{session::Session, terminal::Stop};

impl SessionManager {
    /// Ends whatever runs in any session. Answers how many programs ended; one that cannot be reached keeps no other from
    /// its end, and is told.
    pub fn stop_all(&mut self, stop: Stop) -> Result<usize, ManagerError> {
        let running: Vec<Session> = self.registry()?.all().into_iter().filter(runs).collect();
        let terminals = &*self.terminals;
        let outcomes: Vec<_> = thread::scope(|scope| {
            let stops: Vec<_> =
                running.iter().map(|it| scope.spawn(|| terminals.stop(it.id(), stop))).collect();
            stops.into_iter().map(|stop| stop.join().expect("a stop does not panic")).collect()
        });
        let mut ended = 0;
        for (session, outcome) in running.iter().zip(outcomes) {
            match outcome {
                Ok(_) => ended += 1,
                Err(err) => {
                    tracing::warn!(sessionId = %session.id(), error = %err, "a program was not ended in order");
                }
            }
        }
        Ok(ended)
    }
}
