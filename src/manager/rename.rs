//! A session takes another name; its id and folder stay, its branch follows if asked.

use super::{ManagerError, SessionManager, checkout};
use crate::{
    registry::Claim,
    session::{BranchName, Session, SessionName},
};

impl SessionManager {
    /// Renames a session, and its branch too if one is given.
    ///
    /// The name changes first. If git then refuses the branch, the old name comes back.
    pub fn rename(
        &mut self,
        who: &str,
        name: &SessionName,
        branch: Option<&BranchName>,
    ) -> Result<Session, ManagerError> {
        let Some(branch) = branch else {
            return self.rename_session(who, name);
        };
        let before = self.session(who)?;
        let id = before.id().to_string();
        if branch == before.branch() {
            return self.rename_session(&id, name);
        }
        if before.branch().is_detached() {
            return Err(ManagerError::Detached { name: before.name().clone() });
        }
        self.ensure_free(&before, branch)?;
        self.rename_session(&id, name)?;
        if let Err(err) = self.worktrees.rename_branch(&checkout(&before), branch) {
            if let Err(undo) = self.rename_session(&id, before.name()) {
                tracing::warn!(sessionId = %before.id(), error = %undo, "the new name stays without its branch");
            }
            return Err(err.into());
        }
        // Should this commit fail, the next start follows the worktree to its branch.
        self.update(&id, |session| session.switch(branch.clone()))
    }

    fn rename_session(&mut self, id: &str, name: &SessionName) -> Result<Session, ManagerError> {
        self.update(id, |session| session.rename(name.clone()))
    }

    fn update(&mut self, id: &str, change: impl FnOnce(&mut Session)) -> Result<Session, ManagerError> {
        let session = self.change(id, |session, now| {
            change(session);
            session.touch(now);
        })?;
        Ok(session.0)
    }

    fn ensure_free(&mut self, session: &Session, branch: &BranchName) -> Result<(), ManagerError> {
        let mut others = self.registry()?;
        others.remove(session.id());
        let claim = Claim { branch, ..Claim::of(session) };
        drop(others.vacancy(&claim, usize::MAX)?);
        Ok(())
    }
}
