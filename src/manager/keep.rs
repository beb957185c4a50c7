//! How a holder writes into the table what happens to the program of its session.

use std::{sync::Arc, thread};

use super::{
    ManagerError, SessionManager,
    journal::ensure_quiet,
    observe::runs,
    remember,
    start::{ensure_room, running},
};
use crate::{
    clock::Timestamp,
    session::{Cause, Command, Ending, How, ProcessId, Program, Session, SessionId, SessionStatus},
    shell,
    terminal::{Exited, Held, KeepError, Keeper, Launch, Mood, Started},
};

/// How often activity is written at most.
const ACTIVITY_SECONDS_MIN: u64 = 5;

/// The keeper of one session, in the process that holds its terminal.
pub struct SessionKeeper {
    manager: SessionManager,
    kept: Option<Kept>,
}

/// What is kept of a program that was started.
struct Kept {
    id: SessionId,
    held: Held,
    /// The session before the start was written; nothing once its end was to be written.
    before: Option<Session>,
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
        let before = Some(self.manager.note_start(launch, started)?);
        let written = self.manager.clock.now();
        let held = Held::of(launch, started.clone(), written);
        self.kept = Some(Kept { id: launch.id, held, before, mood: Mood::Active, written });
        Ok(())
    }

    /// Takes in what a hook of the agent tells, as `wharf hook` does where there is no holder.
    fn told(&mut self, id: SessionId, told: &[u8]) -> Result<(), KeepError> {
        Ok(self.manager.hear(id, told)?)
    }

    /// Writes a mood that is new at once, so that it is not lost (how often moods change is for the holder to bound), and
    /// that one goes on at most once in five seconds. What is not due costs nothing.
    fn moved(&mut self, mood: Mood) -> Result<(), KeepError> {
        let now = self.manager.clock.now();
        let mood = if self.manager.settings.terminal.limits.activity { mood } else { Mood::Unknown };
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        // A clock that was set back makes nobody wait.
        let is_time = now < kept.written || now.seconds_since(kept.written) >= ACTIVITY_SECONDS_MIN;
        let goes_on = match mood {
            Mood::Active | Mood::Unknown => is_time,
            Mood::Waiting => false,
        };
        if goes_on || kept.mood != mood {
            self.manager.note_mood(kept.id, &kept.held.started.process, mood, now)?;
            kept.mood = mood;
            kept.written = now;
        }
        Ok(())
    }

    /// Writes the end down; nothing when that was done before, or when the session was destroyed meanwhile. After an
    /// error it may be called again.
    fn ended(&mut self, exited: Exited, shutdown: bool) -> Result<(), KeepError> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        kept.before = None;
        let ending =
            Ending { at: self.manager.clock.now(), how: how(exited), cause: cause(exited, shutdown) };
        Ok(self.manager.note_end(kept.id, &kept.held, &ending)?)
    }
}

impl shell::Keeper for SessionKeeper {
    /// Notes that somebody works in the session.
    fn used(&mut self, id: SessionId) -> Result<(), KeepError> {
        self.manager.touch(&id.to_string())?;
        Ok(())
    }
}

impl Drop for SessionKeeper {
    /// A program that was written down and never ran (there is no such program, say) has no end to tell; what was
    /// written is taken back.
    fn drop(&mut self) {
        let Some(Kept { id, held, before: Some(before), .. }) = self.kept.take() else {
            return;
        };
        if thread::panicking() {
            return;
        }
        if let Err(err) = self.manager.take_back_start(&held.started.process, &before) {
            tracing::warn!(sessionId = %id, error = %err, "a program that never ran is taken for a lost one");
        }
    }
}

impl SessionManager {
    /// Answers the session as it was.
    fn note_start(&mut self, launch: &Launch, started: &Started) -> Result<Session, ManagerError> {
        let id = launch.id;
        let program = Program { command: Command::of(launch.command.clone())?, agent: launch.agent.clone() };
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
        let before = session.clone();
        session.run(program, started.process.clone(), started.holder.clone(), now);
        transaction.registry.replace(session.clone())?;
        transaction.commit()?;
        remember(&*worktrees, &workspace, &session);
        Ok(before)
    }

    fn take_back_start(&mut self, process: &ProcessId, before: &Session) -> Result<(), ManagerError> {
        let (workspace, worktrees) = (self.workspace.clone(), Arc::clone(&self.worktrees));
        let mut transaction = self.begin()?;
        let found = transaction.registry.session(before.id());
        let Some(mut session) = found.filter(|it| it.process() == Some(process)).cloned() else {
            return Ok(());
        };
        session.take_back_run(before);
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
            // To wait is nobody's work. Where the agent itself says how it is doing, its screen is not asked.
            let (status, at) = match mood {
                Mood::Active if !session.is_reported() => (SessionStatus::Active, now),
                Mood::Waiting if !session.is_reported() => (SessionStatus::Waiting, session.last_activity()),
                Mood::Waiting => return,
                Mood::Active | Mood::Unknown => (session.status(), now),
            };
            match session.status() {
                SessionStatus::Active | SessionStatus::Waiting => session.set_status(status, at),
                SessionStatus::Idle | SessionStatus::Error | SessionStatus::Stopped => session.touch(at),
            }
        });
        transaction.commit()
    }

    /// A table that forgot the program learns of it together with its end.
    fn note_end(&mut self, id: SessionId, held: &Held, ending: &Ending) -> Result<(), ManagerError> {
        let (workspace, worktrees) = (self.workspace.clone(), Arc::clone(&self.worktrees));
        let mut transaction = self.begin()?;
        let Some(mut session) = transaction.registry.session(id).cloned() else {
            return Ok(());
        };
        let Started { process, holder } = &held.started;
        if is_forgotten(&session, held) {
            session.run(held.program()?, process.clone(), holder.clone(), held.since);
        }
        if session.process() != Some(process) {
            return Ok(());
        }
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

/// Whether a session says nothing of a program, nor of an end that came after it began.
fn is_forgotten(session: &Session, held: &Held) -> bool {
    session.process().is_none()
        && session.pending().is_none()
        && session.ending().is_none_or(|ending| ending.at < held.since)
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
