//! Whether the worktree of a session is what git itself would have checked out.

use super::{ManagerError, SessionManager, checkout};
use crate::session::Session;

impl SessionManager {
    /// How a session's worktree differs from what git would write now; nothing when it does not.
    pub fn verify_checkout(&mut self, who: &str) -> Result<(Session, Vec<String>), ManagerError> {
        let session = self.session(who)?;
        let differences = self.worktrees.verify(&checkout(&session))?;
        Ok((session, differences))
    }
}
