//! How a holder writes into the table what happens to the program of its session.

use std::sync::Arc;

use super::{
    ManagerError, SessionManager,
    journal::ensure_quiet,
    observe::runs,
    remember,
    start::{ensure_room, running},
};
use crate::{
    clock::Timestamp,
    session::{Cause, Command, Ending, How, ProcessId, Session, SessionId, SessionStatus},
    store::StoreError,
    terminal::{Exited, KeepError, Keeper, Launch, Mood, Started},
};

/// How often activity is written at most.
const ACTIVITY_SECONDS_MIN: u64 = 5;
/// How often an end is tried to be written while another process holds the lock; each try waits for it.
const END_TRIES: u32 = 12;

/// The keeper of one session, in the process that holds its terminal.
pub struct SessionKeeper {
    manager: SessionManager,
    kept: Option<Kept>,
}

/// What is kept of a program that was started.
struct Kept {
    id: SessionId,
    process: ProcessId,
    /// What was written last, and when.
    mood: Mood,
    written: Timestamp,
}

impl SessionKeeper {
    /// A keeper that writes through this manager.
    pub fn of(manager: SessionManager) -> Self {
        Self { manager, kept: None }
    }
}

impl Keeper for SessionKeeper {
    /// Writes command, process and holder down; an error when the session is gone, somebody is at work with it, as many
    /// sessions run as may, or something else runs in it.
    fn started(&mut self, launch: &Launch, started: &Started) -> Result<(), KeepError> {
        self.manager.note_start(launch, started)?;
        let written = self.manager.clock.now();
        let process = started.process.clone();
        self.kept = Some(Kept { id: launch.id, process, mood: Mood::Active, written });
        Ok(())
    }

    /// Writes activity at most once in five seconds, and a wait at once, so that it is not lost. May be called for every
    /// piece of output; what is not due costs nothing.
    fn moved(&mut self, mood: Mood) -> Result<(), KeepError> {
        let now = self.manager.clock.now();
        let Some(kept) = self.kept.as_mut().filter(|_| self.manager.settings.terminal.activity) else {
            return Ok(());
        };
        let is_due = match mood {
            // A clock that was set back makes nobody wait.
            Mood::Active | Mood::Unknown => {
                now < kept.written || now.seconds_since(kept.written) >= ACTIVITY_SECONDS_MIN
            }
            Mood::Waiting => kept.mood != Mood::Waiting,
        };
        if is_due {
            self.manager.note_mood(kept.id, &kept.process, mood, now)?;
            kept.mood = mood;
            kept.written = now;
        }
        Ok(())
    }

    /// Writes the end down; nothing when that was done before, or when the session was destroyed meanwhile.
    fn ended(&mut self, exited: Exited, shutdown: bool) -> Result<(), KeepError> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let ending =
            Ending { at: self.manager.clock.now(), how: how(exited), cause: cause(exited, shutdown) };
        let mut tries = 1;
        loop {
            match self.manager.note_end(kept.id, &kept.process, &ending) {
                Err(ManagerError::Store(StoreError::Locked { .. })) if tries < END_TRIES => tries += 1,
                noted => return Ok(noted?),
            }
        }
    }
}

impl SessionManager {
    fn note_start(&mut self, launch: &Launch, started: &Started) -> Result<(), ManagerError> {
        let id = launch.id;
        let command = Command::of(launch.command.clone())?;
        let now = self.clock.now();
        let (workspace, worktrees) = (self.workspace.clone(), Arc::clone(&self.worktrees));
        let settings = self.settings.terminal.clone();
        let mut transaction = self.begin()?;
        let mut session = transaction.registry.session(id).cloned().ok_or(ManagerError::Vanished { id })?;
        ensure_quiet(&session)?;
        if runs(&session) && session.process() != Some(&started.process) {
            return Err(running(&session));
        }
        ensure_room(&transaction.registry, id, &settings)?;
        session.run(command, started.process.clone(), started.holder.clone(), now);
        transaction.registry.replace(session.clone())?;
        transaction.commit()?;
        remember(&*worktrees, &workspace, &session);
        Ok(())
    }

    /// Only a session that is active or waiting moves: any other status was set by somebody who knows more.
    fn note_mood(
        &mut self,
        id: SessionId,
        process: &ProcessId,
        mood: Mood,
        now: Timestamp,
    ) -> Result<(), ManagerError> {
        let mut transaction = self.begin()?;
        let found = transaction.registry.session(id);
        if !found.is_some_and(|found| found.process() == Some(process) && found.pending().is_none()) {
            return Ok(());
        }
        transaction.registry.update(id, |session| {
            // To wait is nobody's work.
            let (status, at) = match mood {
                Mood::Active => (SessionStatus::Active, now),
                Mood::Unknown => (session.status(), now),
                Mood::Waiting => (SessionStatus::Waiting, session.last_activity()),
            };
            match session.status() {
                SessionStatus::Active | SessionStatus::Waiting => session.set_status(status, at),
                SessionStatus::Idle | SessionStatus::Error | SessionStatus::Stopped => session.touch(at),
            }
        });
        transaction.commit()
    }

    fn note_end(&mut self, id: SessionId, process: &ProcessId, ending: &Ending) -> Result<(), ManagerError> {
        let (workspace, worktrees) = (self.workspace.clone(), Arc::clone(&self.worktrees));
        let mut transaction = self.begin()?;
        let Some(mut session) =
            transaction.registry.session(id).filter(|it| it.process() == Some(process)).cloned()
        else {
            return Ok(());
        };
        session.end(ending.clone());
        transaction.registry.replace(session.clone())?;
        transaction.commit()?;
        if session.pending().is_none() {
            remember(&*worktrees, &workspace, &session);
        }
        tell_end(&session, ending);
        Ok(())
    }
}

/// Says in the log how the program of a session ended.
pub(super) fn tell_end(session: &Session, ending: &Ending) {
    tracing::info!(sessionId = %session.id(), name = %session.name(), how = %ending, "program ended");
}

/// In which way a program ended.
pub(super) fn how(exited: Exited) -> How {
    match (exited.code, exited.signal) {
        (Some(code), _) => How::Exited(code),
        (None, Some(signal)) => How::Signalled(signal),
        (None, None) => How::Unseen,
    }
}

fn cause(exited: Exited, shutdown: bool) -> Cause {
    match (exited.asked, shutdown) {
        (_, true) => Cause::Shutdown,
        (true, false) => Cause::Asked,
        (false, false) => Cause::Itself,
    }
}
