//! One command: the right interpreter for it, its event before it runs, its output on the way, and its event when it ended.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    super::{
        Done, Ground, ShellError, Stream,
        context::{Context, Jobs, Ran, Sink, Stdin, Task},
        log::{CommandLog, Keeper as Kept, Written},
        message::FromHolder,
    },
    desk::{Desk, Order},
    worker::{Worker, keep_late},
};
use crate::{interpreter::Changes, session::SessionId, text};

/// Takes what a command writes: for its caller, and for the log.
struct Show<'a> {
    id: SessionId,
    desk: &'a Desk,
    caller: u64,
    log: &'a mut CommandLog,
    stdout: Kept,
    stderr: Kept,
}

impl Sink for Show<'_> {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.take(bytes),
            Stream::Stderr => self.stderr.take(bytes),
        }
        self.desk.show(self.caller, stream, bytes);
    }

    fn late(&mut self, number: u64, stream: Stream, bytes: &[u8]) {
        keep_late(self.log, self.id, number, (stream, bytes));
    }
}

impl Worker {
    /// Runs a command and tells its caller what became of it.
    pub(super) fn serve(&mut self, order: &Order) {
        let told = match self.execute(order) {
            Ok(done) => FromHolder::Done((&done).into()),
            Err(err) => FromHolder::Refused((&err).into()),
        };
        self.note();
        self.desk.finish(order.caller, &told);
    }

    fn execute(&mut self, order: &Order) -> Result<Done, ShellError> {
        let limits = self.order.place.limits;
        self.open_log()?;
        let interpreter = self.choose(order)?;
        let number = self.begin(order, interpreter)?;
        self.note();
        self.desk.tell(order.caller, &FromHolder::Accepted(number));
        let (Some(context), Some(record)) = (&mut self.context, &mut self.record) else {
            unreachable!("a command that began has both")
        };
        let mut show = Show {
            id: self.order.place.id,
            desk: &self.desk,
            caller: order.caller,
            log: &mut record.log,
            stdout: Kept::of(limits.output_kept_max),
            stderr: Kept::of(limits.output_kept_max),
        };
        let time_limit = match order.exec.time_limit_ms {
            // As in the settings, nothing is no limit.
            Some(0) => None,
            Some(millis) => Some(Duration::from_millis(millis)),
            None => limits.time_limit,
        };
        let stdin = if order.exec.stdin { Stdin::FromCaller } else { Stdin::Nothing };
        let task = Task { number, text: &order.text, stdin, time_limit };
        let ran = context.run(&task, &order.controls, &mut show);
        let (stdout, stderr) = (show.stdout.finish(), show.stderr.finish());
        let ran = match ran {
            Ok(ran) => ran,
            Err(err) => {
                self.drop_context(Jobs::Leave);
                return Err(err);
            }
        };
        if ran.session_ended || !context.is_alive() {
            self.retire_context();
        }
        let written = Written {
            code: ran.code,
            finish: ran.finish,
            session_ended: ran.session_ended,
            duration: ran.duration,
            stdout: &stdout,
            stderr: &stderr,
            changes: &ran.changes,
            lost: &ran.lost,
        };
        self.remember(number, &written);
        Ok(self.done(number, ran, [stdout.bytes, stderr.bytes]))
    }

    fn done(&mut self, number: u64, ran: Ran, [stdout_bytes, stderr_bytes]: [u64; 2]) -> Done {
        let mut lost = std::mem::take(&mut self.lost);
        lost.extend(ran.lost);
        lost.sort();
        lost.dedup();
        let Ran { code, finish, session_ended, duration, .. } = ran;
        Done { number, code, finish, session_ended, duration, stdout_bytes, stderr_bytes, lost }
    }

    /// The name of the interpreter for a command: the one that the context has, unless it is to be a new one.
    fn choose(&self, order: &Order) -> Result<String, ShellError> {
        let has = self.record.as_ref().and_then(|record| record.interpreter.clone());
        let wants = order.exec.interpreter.clone();
        let name = match (order.exec.ground(), has, wants) {
            (Ground::Kept, Some(has), Some(wants)) if has != wants => {
                return Err(ShellError::OtherInterpreter { has, wants });
            }
            (Ground::Kept, Some(has), _) | (Ground::Fresh, Some(has), None) => has,
            (Ground::Kept | Ground::Fresh, _, Some(wants)) => wants,
            (Ground::Kept | Ground::Fresh, None, None) => self.order.interpreter.clone(),
        };
        if self.order.interpreters.find(&name).is_none() {
            return Err(ShellError::NoInterpreter { name });
        }
        Ok(name)
    }

    /// Makes sure that there is an interpreter, and writes the command down; it runs only when both could be done.
    fn begin(&mut self, order: &Order, interpreter: String) -> Result<u64, ShellError> {
        let ground = order.exec.ground();
        let desk = Arc::clone(&self.desk);
        let mut started = None;
        if ground == Ground::Fresh || !self.context.as_ref().is_some_and(Context::can_run) {
            // Nobody else reaps the new one before it is known.
            let leader = desk.leader.change();
            started = Some((self.start(&interpreter, ground)?, leader));
        }
        let record = self.open_log()?;
        let number = match record.log.input(&interpreter, ground, &order.text) {
            Ok(number) => number,
            Err(err) => {
                if let Some(((context, _), leader)) = started {
                    context.end(Jobs::End);
                    drop(leader);
                    desk.leader_changed();
                }
                return Err(err);
            }
        };
        record.interpreter = Some(interpreter);
        if ground == Ground::Fresh {
            // The log has an empty checkpoint by now.
            (record.changes, record.dirty, record.is_unlogged) = (Changes::default(), None, false);
        }
        if let Some(((mut context, lost), mut leader)) = started {
            self.lost = lost;
            *leader = Some(context.pid());
            if let Some(before) = self.context.take() {
                context.succeed(before);
            }
            self.context = Some(context);
            drop(leader);
            desk.leader_changed();
        }
        Ok(number)
    }

    /// Writes down what a command left. Where the disk does not take it, the next checkpoint brings it.
    fn remember(&mut self, number: u64, written: &Written<'_>) {
        let Some(record) = &mut self.record else {
            return;
        };
        if let Err(err) = record.log.output(number, written) {
            record.is_unlogged = true;
            let id = self.order.place.id;
            tracing::warn!(sessionId = %id, number, error = %text::because(&err), "the end of a command was not written down");
        }
        record.changes.then(written.changes.clone());
        if record.is_unlogged || !written.changes.is_empty() {
            record.dirty.get_or_insert_with(Instant::now);
        }
    }
}
