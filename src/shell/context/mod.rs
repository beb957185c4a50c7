//! One interpreter that lives: how it is started and set to a state, runs commands, and is asked for its state.

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use super::{Finish, ShellError, Stream};
use crate::{
    interpreter::{Changes, Interpreter, Paths, Restoring, State},
    process::{self, Signal},
    session::ProcessId,
};

mod controls;
mod defined;
mod driver;
mod ending;
mod forgotten;
mod loading;
mod mark_finder;
mod running;
mod streams;
mod tree;

#[cfg(test)]
mod tests;

pub(in crate::shell) use self::{
    controls::{Control, Controls},
    driver::Setting,
};
use self::{
    defined::Defined,
    driver::Driver,
    ending::Ending,
    forgotten::Watch,
    mark_finder::MarkFinder,
    running::{Running, Turn},
    streams::{LateStreams, READ_BYTES},
    tree::Tree,
};

/// What tells the processes of a context: the number of their command, and what is the context's own.
pub(in crate::shell) const COMMAND_VARIABLE: &str = "WHARF_COMMAND";
/// The exit code of a command whose time was over, and of one that was cancelled and had none of its own.
const TIMED_OUT: i32 = 124;
const CANCELLED: i32 = 130;
/// How long an interpreter may take to say what it holds.
const SAVING_MAX: Duration = Duration::from_secs(30);
/// How long to go on killing what a command left behind at the end of its time.
const SWEEPING_MAX: Duration = Duration::from_secs(1);

/// Where a command's standard input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shell) enum Stdin {
    /// It reads an end of file.
    Nothing,
    /// From [`Controls`].
    FromCaller,
}

/// A command to be run.
#[derive(Clone, Copy, Debug)]
pub(in crate::shell) struct Task<'a> {
    /// Its number; later commands have higher ones.
    pub(in crate::shell) number: u64,
    /// Its text, without NUL.
    pub(in crate::shell) text: &'a [u8],
    pub(in crate::shell) stdin: Stdin,
    pub(in crate::shell) time_limit: Option<Duration>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::shell) struct Ran {
    pub(in crate::shell) code: i32,
    pub(in crate::shell) finish: Finish,
    /// Whether the interpreter ended with it; what it changed is not known then.
    pub(in crate::shell) session_ended: bool,
    pub(in crate::shell) duration: Duration,
    /// What it changed.
    pub(in crate::shell) changes: Changes,
    /// The keys of what cannot be kept.
    pub(in crate::shell) lost: Vec<String>,
}

/// Takes what commands write.
pub(in crate::shell) trait Sink {
    /// More of the command that runs. It may block: a caller that reads slowly holds its command up, as any pipe does.
    fn output(&mut self, stream: Stream, bytes: &[u8]);
    /// What a background job of an earlier command wrote after the end of that.
    fn late(&mut self, number: u64, stream: Stream, bytes: &[u8]);
}

/// Why a rest is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shell) enum Rest {
    Woken,
    TimeIsOver,
    InterpreterGone,
}

/// What becomes of background jobs at the end of a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::shell) enum Jobs {
    Leave,
    End,
}

/// An interpreter that lives, and what it holds.
#[derive(Debug)]
pub(in crate::shell) struct Context {
    interpreter: Interpreter,
    driver: Driver,
    tree: Tree,
    late: LateStreams,
    /// What it held at its start, after its last command, and the bytes from which that was made.
    baseline: State,
    current: State,
    saved: Vec<u8>,
    lost: Vec<String>,
    defined: Defined,
    setting: Setting,
    /// The exit code of its last command.
    code: i32,
    is_gone: bool,
    /// What the marks of the last command begin with, and how many marks were made.
    nonce: String,
    marks: u64,
    /// The number of the last command.
    number: u64,
    buffer: Vec<u8>,
}

impl Context {
    /// Runs a command and returns when it is done, and what it left in the interpreter is known.
    pub(in crate::shell) fn run(
        &mut self,
        task: &Task<'_>,
        controls: &Controls,
        sink: &mut dyn Sink,
    ) -> Result<Ran, ShellError> {
        if task.text.contains(&0) {
            return Err(ShellError::Nul);
        }
        if !self.is_alive() {
            return Err(self.broken("it has ended"));
        }
        let begun = Instant::now();
        self.number = task.number;
        let outcome = self.run_to_its_end(task, controls, sink);
        let (running, finish, duration) = outcome.map_err(|err| self.failed(&err))?;
        let (code, session_ended) = match (running.code, running.is_gone) {
            (Some(code), is_gone) => (code, is_gone),
            (None, _) => (self.driver.exit_code().map_err(|err| self.failed(&err))?.unwrap_or(1), true),
        };
        self.is_gone |= session_ended;
        self.code = code;
        let changes = if session_ended { Changes::default() } else { self.take_state(task)? };
        let code = match finish {
            Finish::TimedOut => TIMED_OUT,
            Finish::Cancelled if running.code.is_none() => CANCELLED,
            Finish::Done | Finish::Cancelled => code,
        };
        let duration = duration.unwrap_or_else(|| begun.elapsed());
        Ok(Ran { code, finish, session_ended, duration, changes, lost: self.lost.clone() })
    }

    fn run_to_its_end(
        &mut self,
        task: &Task<'_>,
        controls: &Controls,
        sink: &mut dyn Sink,
    ) -> io::Result<(Running, Finish, Option<Duration>)> {
        let begun = Instant::now();
        self.tree.reap()?;
        let earlier = self.earlier()?;
        let mut running = if self.driver.outputs.is_some() {
            Running::default()
        } else {
            Running::with_pipes(task.stdin == Stdin::FromCaller)?
        };
        self.send(task.text, task.number, &mut running)?;
        let deadline = task.time_limit.and_then(|limit| begun.checked_add(limit));
        let mut ending: Option<Ending> = None;
        let mut watch = Watch::begin(begun);
        let mut done: Option<Instant> = None;
        while !running.is_over() {
            let due = match (&done, &ending) {
                (Some(done), None) => Some(*done + SAVING_MAX),
                (Some(done), Some(ending)) => Some(ending.next.min(*done + SAVING_MAX)),
                (None, Some(ending)) => Some(ending.next),
                (None, None) => deadline.into_iter().chain([watch.next]).min(),
            };
            let limit = due.map(|due| due.saturating_duration_since(Instant::now()));
            running.turn(&mut self.turn(Some(controls), sink), limit)?;
            if running.code.is_some() {
                done.get_or_insert_with(Instant::now);
            }
            let is_due = due.is_some_and(|due| Instant::now() >= due);
            let cancels = controls.take_cancels();
            if let Some(done) = done {
                if done.elapsed() >= SAVING_MAX && !running.is_over() {
                    self.driver.signal(Signal::KILL);
                }
                if let Some(ending) = ending.as_mut().filter(|_| is_due) {
                    self.interrupt_again(ending, task.number, &earlier)?;
                }
                continue;
            }
            match &mut ending {
                Some(ending) if cancels > 0 => ending.hurry(),
                Some(ending) if is_due => self.step(ending, task.number, &earlier, &mut running)?,
                None if cancels > 0 => ending = Some(Ending::begin(Finish::Cancelled)),
                None if deadline.is_some_and(|deadline| Instant::now() >= deadline) => {
                    ending = Some(Ending::begin(Finish::TimedOut));
                }
                None if is_due && self.has_forgotten(&mut watch) => self.driver.signal(Signal::KILL),
                Some(_) | None => (),
            }
        }
        let duration = done.map(|done| done - begun);
        let finish = ending.map_or(Finish::Done, |ending| ending.finish);
        running.end_stdin();
        running.drain(&mut self.turn(Some(controls), sink))?;
        if finish == Finish::TimedOut && !self.tree.kill(Some(task.number), &earlier, SWEEPING_MAX)? {
            tracing::warn!(
                number = task.number,
                "processes of a command whose time is over cannot be killed"
            );
        }
        running.give_up_pipes(task.number, &mut self.late);
        Ok((running, finish, duration))
    }

    /// Sends a text, and the lines that say when it is done and what it left.
    fn send(&mut self, text: &[u8], number: u64, running: &mut Running) -> io::Result<()> {
        // Nothing that an earlier command may have seen of the lines that it was sent helps it to imitate these.
        self.nonce = loading::unique()?;
        if self.driver.outputs.is_some() {
            running.finder = Some(MarkFinder::new(&self.nonce));
        }
        self.defined.expect(&self.interpreter, text);
        let [stdin, stdout, stderr] = running.paths();
        let script = self.driver.script_path();
        if self.interpreter.reads_script() {
            self.driver.lay_down_script(text)?;
        }
        let paths = Paths { script: &script, stdin: &stdin, stdout: &stdout, stderr: &stderr };
        let command = format!("{number}.{}", self.tree.unique);
        let line = self.interpreter.run_line(text, paths, &command, self.code);
        self.driver.tell(&line);
        self.send_marks(running);
        self.driver.send()
    }

    /// Asks for the marks of a command, each time for new ones: an interpreter that was interrupted may have dropped what
    /// it had read of the last.
    fn send_marks(&mut self, running: &mut Running) {
        let marks = [self.mark(), self.mark()];
        let answer = self.driver.answer_path();
        let mut lines = self.interpreter.mark_line(&marks[0], &answer);
        if let Some(line) = self.interpreter.save_line(&self.driver.state_path(), &self.defined.names()) {
            lines.extend(line);
        }
        lines.extend(self.interpreter.mark_line(&marks[1], &answer));
        self.driver.tell(&lines);
        running.expect(marks);
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        format!("{}{}", self.nonce, self.marks)
    }

    /// What runs before a command does.
    fn earlier(&self) -> io::Result<HashSet<ProcessId>> {
        if !self.tree.may_have_jobs() {
            return Ok(HashSet::new());
        }
        self.tree.jobs()?.iter().map(process::Process::id).collect()
    }

    /// Takes over what commands of an interpreter that has ended still write, and who they are.
    pub(in crate::shell) fn succeed(&mut self, mut before: Self) {
        self.late = std::mem::take(&mut before.late);
        self.tree.take_over(&before.tree);
        self.number = before.number;
    }

    /// Waits between commands, and passes on what background jobs write.
    pub(in crate::shell) fn rest(
        &mut self,
        controls: &Controls,
        until: Option<Instant>,
        sink: &mut dyn Sink,
    ) -> Result<Rest, ShellError> {
        let mut nothing = Running::nothing(self.number);
        loop {
            if controls.take_wake() {
                return Ok(Rest::Woken);
            }
            let limit = until.map(|until| until.saturating_duration_since(Instant::now()));
            let outcome =
                nothing.turn(&mut self.turn(Some(controls), sink), limit).and_then(|()| self.tree.reap());
            outcome.map_err(|err| self.failed(&err))?;
            if nothing.is_gone {
                self.is_gone = true;
                return Ok(Rest::InterpreterGone);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(if controls.take_wake() { Rest::Woken } else { Rest::TimeIsOver });
            }
        }
    }

    /// Whether its interpreter lives.
    pub(in crate::shell) fn is_alive(&self) -> bool {
        !self.is_gone
    }

    /// Whether its interpreter takes a command: one that somebody has just killed is not known to be gone yet.
    pub(in crate::shell) fn can_run(&self) -> bool {
        self.is_alive() && !self.driver.has_ended()
    }

    /// Whether something that its commands left running lives.
    pub(in crate::shell) fn has_jobs(&self) -> bool {
        let jobs = self.tree.reap().and_then(|()| self.tree.jobs());
        // Who cannot look must not end what may be there.
        jobs.map_or(true, |jobs| !jobs.is_empty())
    }

    /// The pid of its interpreter.
    pub(in crate::shell) fn pid(&self) -> u32 {
        self.driver.pid()
    }

    /// What changed since a fresh start.
    #[cfg(test)]
    pub(in crate::shell) fn changes(&self) -> Changes {
        self.current.since(&self.baseline)
    }

    /// Ends its interpreter, which does nothing more, not even what it was to do at its end.
    pub(in crate::shell) fn end(mut self, jobs: Jobs) {
        self.driver.kill();
        let ended = match jobs {
            Jobs::Leave => Ok(true),
            Jobs::End => self.tree.kill(None, &HashSet::new(), SWEEPING_MAX),
        };
        match ended {
            Ok(true) => (),
            Ok(false) => tracing::warn!("background jobs of a context cannot be killed"),
            Err(err) => tracing::warn!(error = %err, "background jobs of a context cannot be looked for"),
        }
    }

    fn turn<'a>(&'a mut self, controls: Option<&'a Controls>, sink: &'a mut dyn Sink) -> Turn<'a> {
        Turn { driver: &mut self.driver, late: &mut self.late, controls, sink, buffer: &mut self.buffer }
    }

    fn failed(&self, err: &io::Error) -> ShellError {
        self.broken(&err.to_string())
    }

    fn broken(&self, because: &str) -> ShellError {
        ShellError::Interpreter {
            program: self.interpreter.program().to_owned(),
            because: because.to_owned(),
        }
    }
}
