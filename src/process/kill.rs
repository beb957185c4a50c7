//! How everything that a subreaper started is ended, also what got away from it (RELIABILITY P3).

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    reap::reap,
    signal::{send, wait_for_end},
    tree::{Process, descendants},
};
use crate::session::ProcessId;

/// How long one round waits for those it killed.
const ROUND_MAX: Duration = Duration::from_millis(50);
/// How many looks in succession must find nobody: one alone can miss a process that is born behind it by another that
/// ends before it.
const EMPTY_LOOKS: u32 = 2;

/// What a kill did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// How many processes were killed.
    pub killed: usize,
    /// Those that had not ended when the time was over; they have been killed and may end yet.
    pub left: Vec<Process>,
}

/// Kills every descendant of this process, which must be a subreaper, and reaps those it adopted, until none is left or
/// the time is over. Processes in `keep` and what they started stay. The leader is killed with the others, and its end
/// is left to whoever started it.
pub fn kill_tree(leader: Option<u32>, keep: &[ProcessId], limit: Duration) -> io::Result<Remains> {
    let own = std::process::id();
    let begun = Instant::now();
    let mut killed = HashSet::new();
    let mut empty_looks = 0;
    loop {
        let mut alive = Vec::new();
        let mut any_reaped = false;
        for process in doomed(own, keep)? {
            if !process.is_zombie {
                alive.push(process);
            } else if process.parent == own && Some(process.pid) != leader {
                any_reaped |= reap(process.pid)?;
            }
        }
        empty_looks = if alive.is_empty() && !any_reaped { empty_looks + 1 } else { 0 };
        if empty_looks == EMPTY_LOOKS || begun.elapsed() >= limit {
            return Ok(Remains { killed: killed.len(), left: alive });
        }
        let round = Instant::now();
        let ids = alive.iter().map(Process::id).collect::<io::Result<Vec<_>>>()?;
        for id in &ids {
            // One that may not be killed (it runs as somebody else) must not save the others.
            match send(id, Signal::KILL) {
                Ok(true) => drop(killed.insert(id.clone())),
                Ok(false) => (),
                Err(err) => tracing::debug!(pid = id.pid, error = %err, "a process could not be killed"),
            }
        }
        for id in &ids {
            wait_for_end(id, ROUND_MAX.saturating_sub(round.elapsed()))?;
        }
    }
}

/// The descendants that are to go: not those to keep, nor anything below them.
fn doomed(own: u32, keep: &[ProcessId]) -> io::Result<Vec<Process>> {
    let mut kept: HashSet<u32> = HashSet::new();
    let mut doomed = Vec::new();
    for process in descendants(own)? {
        // Parents come before their children.
        let is_named = !keep.is_empty() && keep.contains(&process.id()?);
        if is_named || kept.contains(&process.parent) {
            kept.insert(process.pid);
        } else {
            doomed.push(process);
        }
    }
    Ok(doomed)
}
