//! A session is made with all that belongs to it: place, branch, worktree, and what its setup brings.

use std::{env, path::Path};

use super::{CreateSession, Hear, ManagerError, Permit, Permits, SessionManager, StartSession, TakeDown};
use crate::{
    process::is_runnable,
    session::{BranchFate, Session},
};

/// What may go with a session that was made a moment ago: all that a setup can have left, and nothing that somebody runs in it.
const BROUGHT: [Permit; 4] = [Permit::Modified, Permit::Untracked, Permit::Ignored, Permit::Unmerged];

impl CreateSession {
    /// What becomes of the branch when the session has to go again. It was made for this session when nobody named it, and
    /// when it was to begin somewhere; one that was only named may have been there before.
    pub fn branch_fate(&self) -> BranchFate {
        if self.branch.is_some() && self.from.is_none() { BranchFate::Keep } else { BranchFate::Delete }
    }
}

impl SessionManager {
    /// Creates a session and sets it up; what a failure of the setup leaves is as the settings say.
    pub fn bring_up(&mut self, request: &CreateSession, hear: Hear<'_>) -> Result<Session, ManagerError> {
        let session = self.create(request)?;
        self.set_up_new(&session, request.branch_fate(), hear)
    }

    /// The same, with a program that is started in it at once. What is nowhere to be found is refused before anything is made;
    /// what cannot be started takes the session along into the trash. One in which somebody works already stays.
    pub fn bring_up_running(
        &mut self,
        request: &CreateSession,
        start: &StartSession,
        hear: Hear<'_>,
    ) -> Result<Session, ManagerError> {
        self.ensure_startable(start)?;
        let session = self.create(request)?;
        let fate = request.branch_fate();
        let had_setup = session.setup().is_some();
        let session = self.set_up_new(&session, fate, hear)?;
        let id = session.id().to_string();
        self.start(&id, start).inspect_err(|_| self.take_back_new(&id, fate, had_setup))
    }

    /// Refuses an agent that nobody described, and a program that is not there wherever the session will be.
    pub(super) fn ensure_startable(&self, start: &StartSession) -> Result<(), ManagerError> {
        if let Some(agent) = &start.agent {
            return self.description(&agent.name).map(drop);
        }
        let Some(program) = start.command.as_ref().and_then(|command| command.words().first()) else {
            return Ok(());
        };
        // Below the worktree, nothing is known yet.
        let folders = env::var_os("PATH").unwrap_or_default();
        let is_known = |path: &Path| path.is_absolute();
        let is_anywhere = if program.contains('/') {
            !is_known(Path::new(program)) || is_runnable(Path::new(program))
        } else {
            env::split_paths(&folders).any(|folder| !is_known(&folder) || is_runnable(&folder.join(program)))
        };
        if is_anywhere { Ok(()) } else { Err(ManagerError::NoProgram { program: program.clone() }) }
    }

    /// Takes back a session that was made a moment ago and cannot begin; what does hold something of somebody stays.
    pub fn take_back_new(&mut self, id: &str, branch: BranchFate, had_setup: bool) {
        let permits = if had_setup { BROUGHT.into_iter().collect() } else { Permits::default() };
        let how = TakeDown { permits, branch, skip_teardown: !had_setup, force: true };
        // Into the trash also where nothing was to be lost a moment ago: somebody may have begun to work in it.
        if let Err(err) = self.take_down(id, &how, &mut |_| ()) {
            tracing::warn!(sessionId = %id, error = %err, "a session whose program cannot be started stays");
        }
    }
}
