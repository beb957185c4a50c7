//! What was executed in a session, and what a load of its context would bring back.

use super::{ManagerError, SessionManager, exec::shell_error};
use crate::{
    session::Session,
    shell::{
        Caller, Done, Ground, Request, Unload,
        log::{self, History, Loaded},
    },
};

impl SessionManager {
    /// The commands that ran in a session, newest first.
    pub fn history(&mut self, who: &str) -> Result<(Session, History), ManagerError> {
        let session = self.stored_session(who)?;
        let history = log::history(&self.workspace.session_folder(session.id()));
        history.map(|history| (session.clone(), history)).map_err(|source| shell_error(&session, source))
    }

    /// What the next load of its context would begin with. Changes nothing.
    pub fn weigh_replay(&mut self, who: &str) -> Result<(Session, Loaded), ManagerError> {
        let session = self.stored_session(who)?;
        let loaded = log::plan(&self.workspace.session_folder(session.id()), session.id());
        loaded.map(|loaded| (session.clone(), loaded)).map_err(|source| shell_error(&session, source))
    }

    /// Saves and unloads the context of a session and loads it again, by a command that does nothing; refused while
    /// something runs in it. Answers what it was loaded from, and what became of that command.
    pub fn replay(&mut self, who: &str) -> Result<(Session, Loaded, Done), ManagerError> {
        let session = self.executable(who)?;
        let failed = |source| shell_error(&session, source);
        self.shells.unload(session.id(), Unload::WhenIdle).map_err(failed)?;
        let (_, loaded) = self.weigh_replay(&session.id().to_string())?;
        let nothing = Request { text: Vec::new(), ground: Ground::Kept, interpreter: None, time_limit: None };
        let caller = Caller { stdin: None, cancel: None, output: &mut |_, _| Ok(()) };
        let done = self.shells.exec(&self.place(&session), &nothing, caller).map_err(failed)?;
        Ok((session, loaded, done))
    }
}
