//! How a command that is to end is brought to its end: politely first, and in the end without its interpreter.

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use super::{Context, Finish, running::Running, tree};
use crate::{
    process::{self, Process, Signal},
    session::ProcessId,
};

/// How long an interrupted command may take to end in its own way, before it is told to with TERM, and by force.
const TERM_AFTER: Duration = Duration::from_millis(500);
const KILL_AFTER: Duration = Duration::from_millis(1500);
/// When its interpreter is killed, because it does not stop running it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(4);
/// How often to look again.
const ROUND: Duration = Duration::from_millis(50);
/// How long at most the interpreter may take to read the rest of a long line before it is interrupted all the same: what
/// is left of a line would be run as one of its own.
const READING_MAX: Duration = Duration::from_secs(1);

/// A command on its way to its end.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) finish: Finish,
    since: Instant,
    done: Step,
    pub(super) next: Instant,
}

/// What has been done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Nothing,
    Interrupted,
    Told,
    Forced,
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Nothing,
    /// Whoever cannot have heard of the interruption is interrupted again: between its fork and its start a child of a shell
    /// hears nothing, and would go on as if nobody had said a word.
    Repeat,
    /// The interpreter gets the signal that interrupts it, and the marks again; and then the processes of the command are
    /// looked for and get another one. In this order: an interpreter that heard of it knows why its children end, and
    /// starts no more of them.
    Interrupt(Signal),
    /// The interpreter is killed.
    Kill,
}

impl Ending {
    pub(super) fn begin(finish: Finish) -> Self {
        let now = Instant::now();
        Self { finish, since: now, done: Step::Nothing, next: now }
    }

    /// Does not wait for it to end in its own way any longer.
    pub(super) fn hurry(&mut self) {
        let now = Instant::now();
        self.since = self.since.min(now.checked_sub(KILL_AFTER).unwrap_or(now));
        self.next = now;
    }

    /// What is due now.
    pub(super) fn step(&mut self, is_reading: bool) -> Measure {
        let now = Instant::now();
        let elapsed = now - self.since;
        self.next = now + ROUND;
        if is_reading && elapsed < READING_MAX {
            return Measure::Nothing;
        }
        let due = if elapsed >= KILL_AFTER {
            Step::Forced
        } else if elapsed >= TERM_AFTER {
            Step::Told
        } else {
            Step::Interrupted
        };
        if elapsed >= GIVE_UP_AFTER {
            return Measure::Kill;
        }
        if due == self.done && due != Step::Forced {
            return if due == Step::Interrupted { Measure::Repeat } else { Measure::Nothing };
        }
        self.done = due;
        let signal = match due {
            Step::Nothing | Step::Interrupted => Signal::INT,
            Step::Told => Signal::TERM,
            Step::Forced => Signal::KILL,
        };
        Measure::Interrupt(signal)
    }
}

impl Context {
    /// Does what is due about a command that is to end.
    pub(super) fn step(
        &mut self,
        ending: &mut Ending,
        number: u64,
        earlier: &HashSet<ProcessId>,
        running: &mut Running,
    ) -> io::Result<()> {
        let marks_bytes = 4096;
        let is_reading = self.driver.untaken() > marks_bytes;
        match ending.step(is_reading) {
            Measure::Nothing => (),
            Measure::Repeat => {
                let missed = self.missed(number, earlier)?;
                if !missed.is_empty() {
                    self.driver.signal(self.interpreter.interrupt());
                    tree::signal(&missed, Signal::INT)?;
                    self.send_marks(running);
                    self.driver.send()?;
                }
            }
            Measure::Kill => self.driver.signal(Signal::KILL),
            Measure::Interrupt(signal) => {
                self.driver.signal(self.interpreter.interrupt());
                // One that was stopped hears nothing.
                self.driver.signal(Signal::CONT);
                tree::signal(&self.tree.of_command(number, earlier)?, signal)?;
                self.send_marks(running);
                self.driver.send()?;
            }
        }
        self.tree.reap()
    }

    /// Interrupts those again that have missed it, where the interpreter is done with their command: it waits for them, for
    /// all that, before it does anything else.
    pub(super) fn interrupt_again(
        &self,
        ending: &mut Ending,
        number: u64,
        earlier: &HashSet<ProcessId>,
    ) -> io::Result<()> {
        ending.next = Instant::now() + ROUND;
        tree::signal(&self.missed(number, earlier)?, Signal::INT)
    }

    /// The processes of a command that have missed that it was interrupted: what has made no arrangements is ended by that.
    fn missed(&self, number: u64, earlier: &HashSet<ProcessId>) -> io::Result<Vec<Process>> {
        let mut missed = self.tree.of_command(number, earlier)?;
        missed.retain(|job| job.id().is_ok_and(|job| process::is_default(&job, Signal::INT)));
        Ok(missed)
    }
}
