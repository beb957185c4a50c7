//! What a restart, a shutdown or a killed holder ended comes back, with its recorded command.

use super::{ManagerError, SessionManager, StartSession, observe::runs};
use crate::{
    screen::Size,
    session::{Ending, Session},
};

/// What became of a session that was to be resumed.
#[derive(Debug)]
pub struct Resumed {
    /// The session as it was.
    pub before: Session,
    /// The session as it is now, or why it does not run.
    pub outcome: Result<Session, ManagerError>,
}

impl SessionManager {
    /// Starts the recorded command of one session again, whatever ended it.
    pub fn resume(&mut self, who: &str, request: &StartSession) -> Result<Session, ManagerError> {
        self.start(who, request)
    }

    /// Starts the recorded command of every session whose program nobody wanted to end, oldest first. One that cannot be
    /// started does not keep the others from it; before each one, `goes_on` says whether there still is time.
    pub fn resume_all(
        &mut self,
        size: Size,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Resumed>, ManagerError> {
        self.settle_abandoned()?;
        let mut interrupted = self.registry()?.all();
        interrupted.retain(|session| {
            session.command().is_some()
                && session.pending().is_none()
                && session.ending().is_some_and(Ending::is_interruption)
                && !runs(session)
        });
        let request = StartSession { size, ..StartSession::default() };
        let mut resumed = Vec::new();
        for before in interrupted {
            if !goes_on() {
                tracing::warn!("not every session was resumed, for they are all to end");
                break;
            }
            let outcome = self.start(&before.id().to_string(), &request);
            if let Err(err) = &outcome {
                tracing::warn!(sessionId = %before.id(), error = %err, "a session was not resumed");
            }
            resumed.push(Resumed { before, outcome });
        }
        Ok(resumed)
    }
}
