//! What a restart, a shutdown or a killed holder ended comes back, with its recorded command.

use std::{fs, time::Duration};

use super::{ManagerError, Restored, Scope, SessionManager, StartSession, observe::runs};
use crate::{
    lock::{Lock, LockError},
    process,
    screen::Size,
    session::{Ending, Session},
};

/// The file in wharf's folder whose lock the first process of a container has.
const CHARGE: &str = "init.lock";

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

    /// The place of the first process of a container in this workspace, which it has as long as the lock that is answered
    /// lives; nothing while another one has it, whose sessions run where they cannot be seen from here.
    pub fn take_charge(&self) -> Result<Option<Lock>, LockError> {
        let folder = self.workspace.own_folder();
        // A workspace that nobody has used yet has none; where it cannot be made, the lock says why.
        if fs::create_dir(&folder).is_ok()
            && let Err(err) = self.worktrees.hide_own_files()
        {
            tracing::debug!(error = %err, "git will show wharf's own files as untracked");
        }
        match Lock::take(&folder.join(CHARGE), Duration::ZERO) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held { .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Brings every session back, if some still say that they run where nothing of this container does: it was not ended in
    /// order, and nobody has looked since. To be asked by whoever begins it.
    pub fn restore_after_crash(&mut self) -> Result<Option<Restored>, ManagerError> {
        if self.registry()?.iter().any(is_elsewhere) {
            self.restore(Scope::Start).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Starts the recorded command of every session whose program nobody wanted to end, oldest first. One that cannot be
    /// started does not keep the others from it, nor does one that may run in another container; before each one, `goes_on`
    /// says whether there still is time.
    pub fn resume_all(
        &mut self,
        size: Size,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Vec<Resumed>, ManagerError> {
        self.settle_abandoned()?;
        let mut interrupted = self.registry()?.all();
        interrupted.retain(|session| {
            let was_interrupted = session.ending().is_some_and(Ending::is_interruption) && !runs(session);
            session.command().is_some()
                && session.pending().is_none()
                && (was_interrupted || is_elsewhere(session))
        });
        let request = StartSession { size, ..StartSession::default() };
        let mut resumed = Vec::new();
        for before in interrupted {
            if !goes_on() {
                tracing::warn!("not every session was resumed, for they are all to end");
                break;
            }
            let outcome = if is_elsewhere(&before) {
                Err(ManagerError::Elsewhere { name: before.name().clone() })
            } else {
                self.start(&before.id().to_string(), &request)
            };
            if let Err(err) = &outcome {
                tracing::warn!(sessionId = %before.id(), error = %err, "a session was not resumed");
            }
            resumed.push(Resumed { before, outcome });
        }
        Ok(resumed)
    }
}

/// Whether what runs in a session was started at another boot or in another container, as far as the table says.
fn is_elsewhere(session: &Session) -> bool {
    session.holder().or(session.process()).is_some_and(|process| !process::is_of_this_boot(process))
}
