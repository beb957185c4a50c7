//! Everything that runs ends because the container is about to: all at once, politely, and so that it can be resumed.

use std::thread;

use super::{ManagerError, SessionManager, observe::runs};
use crate::{session::Session, shell::Unload, terminal::Stop};

impl SessionManager {
    /// Ends whatever runs in any session, and saves and unloads all contexts. Answers how many programs ended; one that
    /// cannot be reached keeps no other from its end, and is told.
    pub fn stop_all(&mut self, stop: Stop) -> Result<usize, ManagerError> {
        let sessions = self.registry()?.all();
        // Saving takes milliseconds and what is saved is safe, so it goes before all that may cling to life.
        self.unload_all(&sessions);
        let running: Vec<Session> = sessions.into_iter().filter(runs).collect();
        let terminals = &*self.terminals;
        let outcomes: Vec<_> = thread::scope(|scope| {
            let stops: Vec<_> =
                running.iter().map(|it| scope.spawn(|| terminals.stop(it.id(), it.holder(), stop))).collect();
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

    /// Saves and unloads the contexts of these sessions.
    fn unload_all(&self, sessions: &[Session]) {
        let shells = &*self.shells;
        thread::scope(|scope| {
            for session in sessions.iter().filter(|it| shells.live(it.id()).is_some()) {
                scope.spawn(|| {
                    if let Err(err) = shells.unload(session.id(), Unload::Now) {
                        tracing::warn!(sessionId = %session.id(), error = %err, "a context was not saved in order");
                    }
                });
            }
        });
    }
}
