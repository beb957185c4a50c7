//! How everything that a subreaper started is ended, also what got away from it (RELIABILITY P3).

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    names,
    reap::reap,
    signal::{send, wait_for_end},
    tree::{Process, below, descendants, descendants_in_session},
};

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
/// the time is over, but for those that are called as `keep` says and what those started. The leader is killed with the others, and its end is left to whoever
/// started it.
pub fn kill_tree(leader: Option<u32>, keep: &[String], limit: Duration) -> io::Result<Remains> {
    let own = std::process::id();
    let begun = Instant::now();
    let mut killed = HashSet::new();
    let mut empty_looks = 0;
    loop {
        let mut alive = Vec::new();
        let mut any_reaped = false;
        for process in not_kept(descendants(own)?, leader, keep) {
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

/// The descendants of this process, which keeps a session, that are to end, parents before their children: not those that
/// are called as `keep` says, nor what those started, nor what belongs to another session. The leader is never spared,
/// whatever it is called.
pub fn doomed(leader: Option<u32>, keep: &[String]) -> io::Result<Vec<Process>> {
    Ok(not_kept(descendants_in_session(std::process::id())?, leader, keep))
}

fn not_kept(mut found: Vec<Process>, leader: Option<u32>, keep: &[String]) -> Vec<Process> {
    let spared = spared(&found, leader, keep);
    found.retain(|process| !spared.contains(&process.pid));
    found
}

/// Of these processes, those that are called as `keep` says, and what they started; never the leader.
pub fn spared(processes: &[Process], leader: Option<u32>, keep: &[String]) -> HashSet<u32> {
    let mut spared = HashSet::new();
    if keep.is_empty() {
        return spared;
    }
    for process in processes.iter().filter(|process| !process.is_zombie && Some(process.pid) != leader) {
        if names(process.pid).iter().any(|name| keep.contains(name)) {
            spared.insert(process.pid);
            spared.extend(below(processes, process.pid).iter().map(|child| child.pid));
        }
    }
    spared
}
