//! What runs in a session ends because somebody wants it to; nothing of it survives, and its work stays.

use std::{sync::Arc, time::Duration};

use super::{
    ManagerError, SessionManager, StartSession,
    exec::shell_error,
    journal::ensure_quiet,
    keep::{how, tell_end},
    observe::is_lost,
    remember,
    start::terminal_error,
};
use crate::{
    process::{self, Signal},
    session::{Cause, Ending, How, Session},
    shell::Unload,
    terminal::{Stop, TerminalError},
};

/// How long a holder that does not answer may take to die of a kill.
const KILL_WAIT_MAX: Duration = Duration::from_secs(10);

impl SessionManager {
    /// How a program is ended unless somebody says otherwise.
    pub fn default_stop(&self) -> Stop {
        let grace_ms = u64::try_from(self.settings.terminal.stop_timeout.as_millis()).unwrap_or(u64::MAX);
        Stop { signal: None, grace_ms, shutdown: false }
    }

    /// Ends the program of a session and everything that it started; also what a killed holder left behind. Its context is
    /// saved and ends too.
    pub fn stop(&mut self, who: &str, stop: Stop) -> Result<Session, ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        // The context goes first: it is saved, and not taken for what a killed holder left.
        let unloaded = self.shells.unload(session.id(), Unload::Now);
        match (self.end_program(&session, stop), unloaded) {
            (Err(ManagerError::Terminal { source: TerminalError::NotRunning, .. }), Ok(true)) => Ok(session),
            (Err(err), Ok(_)) => Err(err),
            (_, Err(source)) => Err(shell_error(&session, source)),
            (Ok(session), Ok(_)) => Ok(session),
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self, who: &str) -> Result<Session, ManagerError> {
        self.stop(who, Stop { signal: Some(Signal::KILL.as_raw()), grace_ms: 0, shutdown: false })
    }

    /// Ends what runs in a session, if anything does, and starts it or another command anew.
    pub fn restart(
        &mut self,
        who: &str,
        request: &StartSession,
        stop: Stop,
    ) -> Result<Session, ManagerError> {
        // What could not be started again is not stopped either.
        let session = self.startable(who)?;
        let mut wanted = request.clone();
        if session.agent().is_none() {
            wanted.command = wanted.command.or_else(|| self.usual_command(&session, request));
        }
        self.ensure_startable(&wanted)?;
        match self.end_program(&session, stop) {
            Ok(_)
            | Err(
                ManagerError::Terminal { source: TerminalError::NotRunning, .. }
                | ManagerError::Elsewhere { .. },
            ) => (),
            Err(err) => return Err(err),
        }
        self.start(&session.id().to_string(), request)
    }

    /// Ends the program of a session, through its holder or without it, and writes that down.
    pub(super) fn end_program(&mut self, session: &Session, stop: Stop) -> Result<Session, ManagerError> {
        let how = match self.terminals.stop(session.id(), session.holder(), stop) {
            Ok(exited) => how(exited),
            Err(
                TerminalError::NotRunning
                | TerminalError::Silent { .. }
                | TerminalError::Hidden { .. }
                | TerminalError::Protocol { .. },
            ) => {
                self.end_without_holder(session, stop)?;
                How::Unseen
            }
            Err(source) => return Err(terminal_error(session, source)),
        };
        self.note_stop(session, how, stop)
    }

    /// Ends what is left of a session whose holder is gone or does not answer. The program is asked first, so that a
    /// holder that still listens to it can write its end down.
    fn end_without_holder(&self, session: &Session, stop: Stop) -> Result<(), ManagerError> {
        let failed = |source| ManagerError::Process { source };
        if let (Some(process), Some(holder)) = (session.process(), session.holder()) {
            if !process::is_of_this_boot(holder) {
                return Err(ManagerError::Elsewhere { name: session.name().clone() });
            }
            if stop.grace_ms > 0 {
                let signal = stop.signal.and_then(Signal::from_named_raw).unwrap_or(Signal::TERM);
                process::send(process, signal).map_err(failed)?;
                process::wait_for_end(holder, Duration::from_millis(stop.grace_ms)).map_err(failed)?;
            }
            process::send(holder, Signal::KILL).map_err(failed)?;
            process::wait_for_end(holder, KILL_WAIT_MAX).map_err(failed)?;
        }
        let swept = self.terminals.sweep(session.id(), &self.settings.terminal.keep);
        let swept = swept.map_err(|source| terminal_error(session, source))?;
        if swept == 0 && session.holder().is_none() && !is_lost(session) {
            return Err(terminal_error(session, TerminalError::NotRunning));
        }
        Ok(())
    }

    /// Writes down that somebody ended it, unless its holder has, or something else runs in it by now.
    fn note_stop(&mut self, before: &Session, how: How, stop: Stop) -> Result<Session, ManagerError> {
        let id = before.id();
        let cause = if stop.shutdown { Cause::Shutdown } else { Cause::Asked };
        let ending = Ending { at: self.clock.now(), how, cause };
        let (workspace, worktrees) = (self.workspace.clone(), Arc::clone(&self.worktrees));
        let mut transaction = self.begin()?;
        let mut session = transaction.registry.session(id).cloned().ok_or(ManagerError::Vanished { id })?;
        let is_unnoted =
            session.process() == before.process() || (session.process().is_none() && is_lost(&session));
        if is_unnoted {
            session.end(ending.clone());
            transaction.registry.replace(session.clone())?;
            transaction.commit()?;
            remember(&*worktrees, &workspace, &session);
            tell_end(&session, &ending);
        }
        Ok(session)
    }
}
