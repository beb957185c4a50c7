//! Which processes belong to a context, and which of them to the command that runs.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    time::{Duration, Instant},
};

use super::COMMAND_VARIABLE;
use crate::{
    process::{self, Process, Signal},
    session::ProcessId,
};

/// How long one round of killing waits for those it killed.
const ROUND_MAX: Duration = Duration::from_millis(50);

/// Whose processes are meant.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// The pid of the interpreter.
    pub(super) interpreter: u32,
    /// This process, where it adopts what commands orphan and has no other children.
    pub(super) subreaper: Option<u32>,
    /// What is behind the number of a command in the environment of its processes.
    pub(super) unique: String,
    /// The same of interpreters that it took over from.
    pub(super) before: Vec<String>,
}

/// How many interpreters before this one are still known: orphans of older ones are known to a subreaper alone.
const BEFORE_MAX: usize = 8;

impl Tree {
    /// Whether anybody but the interpreter may be there: a cheap look, wrong only for orphans that nobody here adopts.
    pub(super) fn may_have_jobs(&self) -> bool {
        let of_interpreter = children(self.interpreter);
        let adopted = self
            .subreaper
            .map_or(Some(false), |own| children(own).map(|it| it.iter().any(|pid| *pid != self.interpreter)));
        of_interpreter.is_none_or(|it| !it.is_empty()) || adopted.unwrap_or(true)
    }

    /// All that live, but for the interpreter.
    pub(super) fn jobs(&self) -> io::Result<Vec<Process>> {
        Ok(self.jobs_among(&process::all()?, &self.numbers()?))
    }

    /// Those that belong to the command with this number: they were not there before it and do not come from one that was.
    pub(super) fn of_command(&self, number: u64, earlier: &HashSet<ProcessId>) -> io::Result<Vec<Process>> {
        let all = process::all()?;
        let numbers = self.numbers()?;
        let mut old: HashSet<u32> = HashSet::new();
        for process in &all {
            if earlier.contains(&process.id()?) {
                old.insert(process.pid);
                old.extend(process::below(&all, process.pid).iter().map(|it| it.pid));
            }
        }
        let mut jobs = self.jobs_among(&all, &numbers);
        jobs.retain(|it| {
            let of_earlier = numbers.get(&it.pid).is_some_and(|of| *of != 0 && *of != number);
            !old.contains(&it.pid) && !of_earlier
        });
        Ok(jobs)
    }

    /// Ends those of a command, or all, by force, also those that are born meanwhile. Says whether none is left.
    pub(super) fn kill(
        &self,
        number: Option<u64>,
        earlier: &HashSet<ProcessId>,
        limit: Duration,
    ) -> io::Result<bool> {
        let begun = Instant::now();
        let mut empty_looks = 0;
        loop {
            let jobs = match number {
                Some(number) => self.of_command(number, earlier)?,
                None => self.jobs()?,
            };
            empty_looks = if jobs.is_empty() { empty_looks + 1 } else { 0 };
            // One look alone can miss a process that is born behind it.
            if empty_looks == 2 || begun.elapsed() >= limit {
                return Ok(jobs.is_empty());
            }
            signal(&jobs, Signal::KILL)?;
            let round = Instant::now();
            for job in &jobs {
                process::wait_for_end(&job.id()?, ROUND_MAX.saturating_sub(round.elapsed()))?;
            }
            self.reap()?;
        }
    }

    /// Takes note of the end of what this process adopted.
    pub(super) fn reap(&self) -> io::Result<()> {
        if self.subreaper == Some(std::process::id()) {
            process::reap_adopted(Some(self.interpreter))?;
        }
        Ok(())
    }

    /// Takes over what another interpreter left running.
    pub(super) fn take_over(&mut self, before: &Self) {
        self.before = [std::slice::from_ref(&before.unique), &before.before].concat();
        self.before.truncate(BEFORE_MAX);
    }

    fn jobs_among(&self, all: &[Process], numbers: &HashMap<u32, u64>) -> Vec<Process> {
        let roots = [Some(self.interpreter), self.subreaper].into_iter().flatten();
        let below = roots.flat_map(|root| process::below_in_session(all, root));
        let below: HashSet<u32> = below.map(|it| it.pid).collect();
        let is_job = |it: &&Process| {
            !it.is_zombie
                && it.pid != self.interpreter
                && (below.contains(&it.pid) || numbers.contains_key(&it.pid))
        };
        all.iter().filter(is_job).cloned().collect()
    }

    /// The processes of this context that say so, and of which command: 0 for those that run the interpreter's own code.
    fn numbers(&self) -> io::Result<HashMap<u32, u64>> {
        let marks = process::marks(COMMAND_VARIABLE)?.into_iter();
        let ours = marks.filter_map(|(mark, process)| {
            let (number, unique) = mark.split_once('.')?;
            let is_ours = unique == self.unique || self.before.iter().any(|it| it == unique);
            is_ours.then_some((process.pid, number.parse().ok()?))
        });
        Ok(ours.collect())
    }
}

/// Signals processes; one that has ended meanwhile needs none.
pub(super) fn signal(processes: &[Process], signal: Signal) -> io::Result<()> {
    for process in processes {
        // One that may not be signalled (it runs as somebody else) must not save the others.
        if let Err(err) = process::send(&process.id()?, signal) {
            tracing::debug!(pid = process.pid, error = %err, "a process could not be signalled");
        }
    }
    Ok(())
}

/// The children of all threads of a process; nothing where the kernel does not tell.
fn children(pid: u32) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let list = fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
        found.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    Some(found)
}
