//! A session is made with all that belongs to it: place, branch, worktree, and what its setup brings.

use super::{CreateSession, Hear, ManagerError, Permit, Permits, SessionManager, StartSession, TakeDown};
use crate::session::{BranchFate, Session};

/// What may go with a session that was made a moment ago: all that a setup can have left, and nothing that somebody runs in it.
const BROUGHT: [Permit; 4] = [Permit::Modified, Permit::Untracked, Permit::Ignored, Permit::Unmerged];

impl CreateSession {
    /// What becomes of the branch when the session has to go again: only one that nobody named was certainly made for it.
    pub fn branch_fate(&self) -> BranchFate {
        if self.branch.is_some() { BranchFate::Keep } else { BranchFate::Delete }
    }
}

impl SessionManager {
    /// Creates a session and sets it up; what a failure of the setup leaves is as the settings say.
    pub fn bring_up(&mut self, request: &CreateSession, hear: Hear<'_>) -> Result<Session, ManagerError> {
        let session = self.create(request)?;
        self.set_up_new(&session, request.branch_fate(), hear)
    }

    /// The same, with a program that is started in it at once; one that cannot be started takes the session along, into the
    /// trash if a setup brought anything. One in which somebody works already stays.
    pub fn bring_up_running(
        &mut self,
        request: &CreateSession,
        start: &StartSession,
        hear: Hear<'_>,
    ) -> Result<Session, ManagerError> {
        let session = self.create(request)?;
        let fate = request.branch_fate();
        let had_setup = session.setup().is_some();
        let session = self.set_up_new(&session, fate, hear)?;
        let id = session.id().to_string();
        self.start(&id, start).inspect_err(|_| self.take_back_new(&id, fate, had_setup))
    }

    /// Takes back a session that was made a moment ago and cannot begin; what does hold something of somebody stays.
    pub fn take_back_new(&mut self, id: &str, branch: BranchFate, had_setup: bool) {
        let permits = if had_setup { BROUGHT.into_iter().collect() } else { Permits::default() };
        let how = TakeDown { permits, branch, skip_teardown: !had_setup, force: true };
        let taken = self.take_down(id, &how, &mut |_| ());
        // Nothing was brought and nothing could be lost: there is nothing to bring back, and what somebody destroyed before
        // stays the newest.
        let gone = taken.and_then(|_| if had_setup { Ok(Vec::new()) } else { self.empty_trash(Some(id)) });
        if let Err(err) = gone {
            tracing::warn!(sessionId = %id, error = %err, "something stays of a session whose program cannot be started");
        }
    }
}
