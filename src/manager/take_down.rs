//! A session gives back what it got, and ends.

use super::{Destroyed, Hear, ManagerError, Permits, SessionManager};
use crate::session::BranchFate;

/// How a session is to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeDown {
    /// What may go.
    pub permits: Permits,
    /// What becomes of its branch.
    pub branch: BranchFate,
    /// Whether what is set to run first is left out.
    pub skip_teardown: bool,
    /// Whether it goes also when that fails.
    pub force: bool,
}

impl SessionManager {
    /// Runs what is set to run before a destroy, and destroys a session. A failure of the first keeps the session, unless it
    /// is to go by force.
    pub fn take_down(
        &mut self,
        who: &str,
        how: &TakeDown,
        hear: Hear<'_>,
    ) -> Result<Destroyed, ManagerError> {
        if !how.skip_teardown {
            match self.tear_down(who, &how.permits, how.branch, hear) {
                Err(err @ ManagerError::Teardown { .. }) if how.force => {
                    tracing::warn!(error = %err, "a teardown failed, and the session goes all the same");
                }
                outcome => drop(outcome?),
            }
        }
        self.destroy(who, &how.permits, how.branch)
    }
}
