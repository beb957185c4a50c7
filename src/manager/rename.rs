//! A session takes another name; its id and folder stay, its branch follows if asked.

use super::{
    ManagerError, SessionManager, at_work::AtWork, checkout, journal::ensure_quiet, settle::Settled,
};
use crate::{
    registry::AdmitError,
    session::{BranchName, PendingAction, Session, SessionName},
    worktree::{Checkout, Renaming, WorktreeError},
};

impl SessionManager {
    /// Renames a session, and its branch too if one is given: both of them or none.
    pub fn rename(
        &mut self,
        who: &str,
        name: &SessionName,
        branch: Option<&BranchName>,
    ) -> Result<Session, ManagerError> {
        self.settle_abandoned()?;
        let before = self.session(who)?;
        let Some(branch) = branch.filter(|branch| *branch != before.branch()) else {
            let renamed = self.change(who, |session, now| {
                session.rename(name.clone());
                session.touch(now);
            })?;
            return Ok(renamed.0);
        };
        if before.branch().is_detached() {
            return Err(ManagerError::Detached { name: before.name().clone() });
        }
        ensure_quiet(&before)?;
        self.registry()?.replace(renamed(&before, name, branch))?;
        let renaming = self.worktrees.weigh_rename(&checkout(&before), branch)?;
        let _work = AtWork::with(before.id());
        let begun = self.begin_rename(who, name, &renaming)?;
        let tried = self.worktrees.rename_branch(&renaming);
        if let Err(err @ (WorktreeError::BranchExists { .. } | WorktreeError::BranchInTheWay { .. })) = tried
        {
            // Nothing was made, and the branch of that name is somebody else's.
            self.settle(&begun)?;
            return Err(err.into());
        }
        match (tried, self.settle_rename(&begun, name, &renaming)) {
            (Ok(()) | Err(_), Ok(Settled::Finished(renamed))) => {
                self.remember_now(renamed.id());
                Ok(renamed)
            }
            (Err(err), Ok(Settled::Undone(_)) | Err(_)) => Err(err.into()),
            (Ok(()), Ok(Settled::Undone(_))) => Err(AdmitError::NameTaken(name.clone()).into()),
            (Ok(()), Err(err)) => Err(err),
        }
    }

    /// Writes into the journal that a session is being renamed, so that a crash half-way is finished or undone.
    fn begin_rename(
        &mut self,
        who: &str,
        name: &SessionName,
        renaming: &Renaming,
    ) -> Result<Session, ManagerError> {
        let Renaming { of, to, at } = renaming.clone();
        let pending = self.pending(PendingAction::Renaming { name: name.clone(), branch: to.clone(), at })?;
        let mut transaction = self.begin()?;
        let mut begun = transaction.registry.find(who)?.clone();
        // Somebody may have given its name to another one, or followed it to another branch, since it was weighed.
        if checkout(&begun) != of {
            return Err(ManagerError::Vanished { id: of.id });
        }
        ensure_quiet(&begun)?;
        transaction.registry.replace(renamed(&begun, name, &to))?;
        begun.begin(pending);
        transaction.registry.replace(begun.clone())?;
        transaction.commit()?;
        Ok(begun)
    }

    /// Ends a renaming on the side that HEAD of the worktree is on.
    pub(super) fn settle_rename(
        &mut self,
        begun: &Session,
        name: &SessionName,
        renaming: &Renaming,
    ) -> Result<Settled, ManagerError> {
        if !self.worktrees.settle_rename(renaming)? {
            return self.settle(begun).map(Settled::Undone);
        }
        let now = self.clock.now();
        let ended = self.settle_as(begun, |session| {
            let before = session.clone();
            *session = renamed(&before, name, &renaming.to);
            // A journal that came back from a backup can be about what ended long ago.
            if *session != before {
                session.touch(now);
            }
        });
        match ended {
            Ok(renamed) => Ok(Settled::Finished(renamed)),
            Err(ManagerError::Admit(err)) => {
                // Somebody else took the name meanwhile, so the branch gets back its own.
                tracing::warn!(sessionId = %begun.id(), error = %err, "a renaming is undone");
                let there = Checkout { branch: renaming.to.clone(), ..renaming.of.clone() };
                let back = self.worktrees.weigh_rename(&there, begun.branch())?;
                self.worktrees.rename_branch(&back)?;
                self.worktrees.settle_rename(&back)?;
                self.settle(begun).map(Settled::Undone)
            }
            Err(err) => Err(err),
        }
    }
}

fn renamed(session: &Session, name: &SessionName, branch: &BranchName) -> Session {
    let mut renamed = session.clone();
    renamed.rename(name.clone());
    renamed.switch(branch.clone());
    renamed
}
