//! The thread that has the context and its log: it runs one command after the other, saves what they left, and ends.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{
        Ground, Order as Orders, ShellError, Stream, Unload,
        context::{Context, Jobs, Rest, Setting, Sink},
        log::CommandLog,
        message::FromHolder,
    },
    desk::{Desk, Job},
    environment, jobs,
};
use crate::{clock::Clock, interpreter::Changes, session::SessionId, text, workspace::Workspace};

/// How often an idle context is looked at again whose jobs still live.
const IDLE_AGAIN: Duration = Duration::from_mins(1);

/// What the thread with the context has.
pub(super) struct Worker {
    pub(super) order: Orders,
    pub(super) desk: Arc<Desk>,
    clock: Arc<dyn Clock>,
    pub(super) record: Option<Record>,
    pub(super) context: Option<Context>,
    /// The keys that could not be set again when the context was loaded, until a caller is told.
    pub(super) lost: Vec<String>,
    idle_at: Option<Instant>,
}

/// What is known of the context, and the log that remembers it.
pub(super) struct Record {
    pub(super) log: CommandLog,
    /// What it is one of; none before the first command.
    pub(super) interpreter: Option<String>,
    /// What it holds, since a fresh start.
    pub(super) changes: Changes,
    /// Since when something is not in a checkpoint.
    pub(super) dirty: Option<Instant>,
    /// Whether some of that is nowhere in the log.
    pub(super) is_unlogged: bool,
}

/// Takes what background jobs write between commands.
struct Aside<'a> {
    id: SessionId,
    log: &'a mut CommandLog,
}

/// Says that nothing more comes, however the thread ends.
struct LastWord(Arc<Desk>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Sink for Aside<'_> {
    fn output(&mut self, _: Stream, _: &[u8]) {
        // No command runs.
    }

    fn late(&mut self, number: u64, stream: Stream, bytes: &[u8]) {
        keep_late(self.log, self.id, number, (stream, bytes));
    }
}

/// Keeps what a background job wrote; where that cannot be done, the job goes on.
pub(super) fn keep_late(log: &mut CommandLog, id: SessionId, number: u64, (stream, bytes): (Stream, &[u8])) {
    if let Err(err) = log.late(number, stream, bytes) {
        tracing::debug!(sessionId = %id, error = %text::because(&err), "what a background job wrote was lost");
    }
}

impl Worker {
    pub(super) fn new(order: Orders, desk: Arc<Desk>, clock: Arc<dyn Clock>) -> Self {
        Self { order, desk, clock, record: None, context: None, lost: Vec::new(), idle_at: None }
    }

    /// Runs commands until the context is unloaded.
    pub(super) fn run(mut self) {
        let last_word = LastWord(Arc::clone(&self.desk));
        self.used();
        loop {
            match self.desk.take() {
                Some(Job::Exec(order)) => {
                    self.serve(&order);
                    self.used();
                    self.save_if_due(Instant::now());
                }
                Some(Job::Unload(caller, how)) => match self.unload(how) {
                    Ok(()) => break,
                    Err(err) => caller
                        .into_iter()
                        .for_each(|caller| self.desk.tell(caller, &FromHolder::Refused((&err).into()))),
                },
                None => {
                    self.rest();
                    let now = Instant::now();
                    self.save_if_due(now);
                    if self.idle_at.is_some_and(|at| now >= at) {
                        match self.unload(Unload::WhenIdle) {
                            Ok(()) => break,
                            Err(_) => self.idle_at = Some(now + IDLE_AGAIN),
                        }
                    }
                }
            }
        }
        drop(last_word);
    }

    /// Lets background jobs speak until there is something to do.
    fn rest(&mut self) {
        let until = self.due();
        let id = self.order.place.id;
        let alive = self.context.as_mut().filter(|context| context.is_alive());
        let (Some(context), Some(record)) = (alive, &mut self.record) else {
            return self.desk.wait(until);
        };
        match context.rest(&self.desk.rest, until, &mut Aside { id, log: &mut record.log }) {
            Ok(Rest::Woken | Rest::TimeIsOver) => (),
            Ok(Rest::InterpreterGone) => {
                tracing::info!(sessionId = %id, "the interpreter ended between two commands");
                self.retire_context();
            }
            Err(err) => {
                tracing::warn!(sessionId = %id, error = %text::because(&err), "a context cannot be waited for");
                self.drop_context(Jobs::Leave);
            }
        }
    }

    /// When the next thing is to be done by itself.
    fn due(&self) -> Option<Instant> {
        let interval = self.order.place.limits.save_interval;
        let save = self.record.as_ref().and_then(|record| record.dirty).map(|since| since + interval);
        save.into_iter().chain(self.idle_at).min()
    }

    fn used(&mut self) {
        self.idle_at = self.order.place.limits.idle_max.map(|idle| Instant::now() + idle);
    }

    fn save_if_due(&mut self, now: Instant) {
        let interval = self.order.place.limits.save_interval;
        let Some(record) = &mut self.record else {
            return;
        };
        let is_due = record.dirty.is_some_and(|since| now >= since + interval) || record.log.is_over();
        if is_due && record.save().is_err() {
            // What stopped it may have gone by then.
            record.dirty = Some(now);
        }
        self.note();
    }

    /// Saves the context and ends the interpreter; nothing is changed where that is refused.
    fn unload(&mut self, how: Unload) -> Result<(), ShellError> {
        let id = self.order.place.id;
        let interpreter = self.interpreter();
        let has_jobs = || self.context.as_ref().is_some_and(Context::has_jobs) || jobs::any(id, interpreter);
        if how == Unload::WhenIdle && has_jobs() {
            return Err(ShellError::Busy);
        }
        if let Some(record) = &mut self.record
            && let Err(err) = record.save()
        {
            if how == Unload::WhenIdle && record.is_unlogged {
                return Err(err);
            }
            tracing::warn!(sessionId = %id, error = %text::because(&err), "a context was not saved as a whole");
        }
        if how == Unload::WhenIdle && !self.desk.close_if_idle() {
            return Err(ShellError::Busy);
        }
        self.drop_context(match how {
            Unload::WhenIdle => Jobs::Leave,
            Unload::Now => Jobs::End,
        });
        Ok(())
    }

    /// Takes note that the interpreter has ended. What its commands left running still writes to it, until the next one
    /// takes that over.
    pub(super) fn retire_context(&self) {
        *self.desk.leader.change() = None;
        self.desk.leader_changed();
        self.note();
    }

    /// The pid of the interpreter that lives.
    fn interpreter(&self) -> Option<u32> {
        self.context.as_ref().filter(|context| context.is_alive()).map(Context::pid)
    }

    /// Ends the interpreter; the next command starts another one from the last state.
    pub(super) fn drop_context(&mut self, jobs: Jobs) {
        if let Some(context) = self.context.take() {
            let mut leader = self.desk.leader.change();
            context.end(jobs);
            *leader = None;
            drop(leader);
            self.desk.leader_changed();
        }
        self.note();
    }

    /// The log, opened when the first command comes.
    pub(super) fn open_log(&mut self) -> Result<&mut Record, ShellError> {
        let record = if let Some(record) = self.record.take() {
            record
        } else {
            let place = &self.order.place;
            let folder = Workspace::at(&place.workspace).session_folder(place.id);
            let clock = Arc::clone(&self.clock);
            let (log, loaded) = CommandLog::open(&folder, place.id, &place.name, &place.limits, clock)?;
            let (interpreter, changes) = (loaded.interpreter, loaded.changes);
            // A holder that was killed left more than its last checkpoint has.
            let dirty = (!loaded.later.is_empty()).then(Instant::now);
            Record { log, interpreter, changes, dirty, is_unlogged: false }
        };
        Ok(self.record.insert(record))
    }

    /// Starts an interpreter with what the context holds, or with nothing.
    pub(super) fn start(
        &self,
        interpreter: &str,
        ground: Ground,
    ) -> Result<(Context, Vec<String>), ShellError> {
        let place = &self.order.place;
        let setting = Setting {
            directory: place.worktree.clone(),
            variables: environment::of(place),
            state_bytes_max: place.limits.state_bytes_max,
            subreaper: Some(std::process::id()),
        };
        let none = Changes::default();
        let changes = match (ground, &self.record) {
            (Ground::Kept, Some(record)) => &record.changes,
            (Ground::Kept, None) | (Ground::Fresh, _) => &none,
        };
        let found = self.order.interpreters.find(interpreter);
        let found = found.ok_or_else(|| ShellError::NoInterpreter { name: interpreter.to_owned() })?;
        Context::start(found, &setting, changes)
    }

    /// Tells whoever asks what is known now.
    pub(super) fn note(&self) {
        let summary = self.record.as_ref().and_then(|record| record.log.summary());
        let interpreter = self.record.as_ref().and_then(|record| record.interpreter.clone());
        let interpreter_pid = self.interpreter();
        self.desk.note(|facts| {
            (facts.interpreter, facts.interpreter_pid, facts.summary) =
                (interpreter, interpreter_pid, summary);
        });
    }
}

impl Record {
    /// Keeps all that the context holds, if something is new.
    fn save(&mut self) -> Result<(), ShellError> {
        if let (Some(interpreter), Some(_)) = (&self.interpreter, self.dirty) {
            self.log.checkpoint(interpreter, &self.changes)?;
            (self.dirty, self.is_unlogged) = (None, false);
        }
        Ok(())
    }
}
