//! Which processes there are, who started whom, and which carry a mark in their environment.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io, thread,
    time::{Duration, Instant},
};

use super::{boot, pids, proc_file, stat};
use crate::session::{HOLDER_VARIABLE, ProcessId};

/// How long processes that just become another program are waited for, all together, and how often to look.
const BECOMING_MAX: Duration = Duration::from_millis(200);
const BECOMING_EVERY: Duration = Duration::from_micros(200);

/// A process as it was when the table of processes was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// The pid of its parent, or of who adopted it.
    pub parent: u32,
    /// When it started, in clock ticks since the boot.
    pub started: u64,
    /// Whether it has ended and waits for its parent to notice.
    pub is_zombie: bool,
    /// What the kernel calls it, at most 15 bytes.
    pub name: String,
    /// The time it has had on a processor, in clock ticks.
    pub cpu_ticks: u64,
    /// The memory it holds, in bytes.
    pub resident_bytes: u64,
}

impl Process {
    /// Its identity.
    pub fn id(&self) -> io::Result<ProcessId> {
        Ok(ProcessId { pid: self.pid, started: self.started, boot: boot()?.to_owned() })
    }
}

/// Every process that can be seen, by pid, from one pass over `/proc`.
pub fn all() -> io::Result<Vec<Process>> {
    let page_bytes = rustix::param::page_size() as u64;
    let mut found = BTreeMap::new();
    pids::each(|pid| {
        // One that cannot be read belongs to somebody else, or is gone.
        if let Ok(Some(stat)) = stat::load(pid) {
            let process = Process {
                pid,
                parent: stat.parent,
                started: stat.started,
                is_zombie: stat.is_zombie,
                name: stat.name,
                cpu_ticks: stat.cpu_ticks,
                resident_bytes: stat.resident_pages.saturating_mul(page_bytes),
            };
            found.insert(pid, process);
        }
        Ok(())
    })?;
    Ok(found.into_values().collect())
}

/// Of these processes, the descendants of the one with this pid: parents before their children, and not itself.
pub fn below(processes: &[Process], root: u32) -> Vec<Process> {
    let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
    for process in processes.iter().filter(|process| process.pid != root) {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        // Taken out, so that a pid that was given anew while we looked can make no circle.
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

/// The same of a process that keeps a session, but for those who keep another one that was started from it, and what they
/// started: a holder goes its own way, whoever adopts it.
pub fn below_in_session(processes: &[Process], root: u32) -> Vec<Process> {
    let deadline = Instant::now() + BECOMING_MAX;
    let mut found = below(processes, root);
    let is_holder = |process: &&Process| variable(process.pid, HOLDER_VARIABLE, deadline).is_some();
    let holders: Vec<u32> = found.iter().filter(is_holder).map(|process| process.pid).collect();
    for holder in holders {
        let others: HashSet<u32> = below(processes, holder).iter().map(|process| process.pid).collect();
        found.retain(|process| process.pid != holder && !others.contains(&process.pid));
    }
    found
}

/// The same from one pass over `/proc`.
pub fn descendants_in_session(root: u32) -> io::Result<Vec<Process>> {
    Ok(below_in_session(&all()?, root))
}

/// The descendants of a process, from one pass over `/proc`: those whose chain of parents leads to it. One that was
/// orphaned is among them only when the process is a subreaper.
pub fn descendants(root: u32) -> io::Result<Vec<Process>> {
    Ok(below(&all()?, root))
}

/// The processes with `key=value` in the environment they were started with, except this one. Those that we may not
/// look into are passed over.
pub fn marked(key: &str, value: &str) -> io::Result<Vec<ProcessId>> {
    let found = marks(key)?.into_iter().filter(|(mark, _)| mark == value);
    Ok(found.map(|(_, process)| process).collect())
}

/// Every process that has the key in the environment it was started with, and the value there, except this one.
pub fn marks(key: &str) -> io::Result<Vec<(String, ProcessId)>> {
    let own = std::process::id();
    let deadline = Instant::now() + BECOMING_MAX;
    let mut found = BTreeMap::new();
    pids::each(|pid| {
        // The identity goes first: whoever has the pid afterwards is then told apart from who had it before.
        if pid != own
            && let Ok(Some(process)) = super::identify(pid)
            && let Some(value) = variable(pid, key, deadline)
        {
            found.insert(pid, (value, process));
        }
        Ok(())
    })?;
    Ok(found.into_values().collect())
}

/// The same, but for those that have another key besides.
pub fn marks_without(key: &str, other: &str) -> io::Result<Vec<(String, ProcessId)>> {
    let mut found = marks(key)?;
    let deadline = Instant::now() + BECOMING_MAX;
    found.retain(|(_, process)| variable(process.pid, other, deadline).is_none());
    Ok(found)
}

/// What a process was started with in its environment under a key; nothing also for one that we may not look into.
pub fn variable_of(process: &ProcessId, key: &str) -> Option<String> {
    variable(process.pid, key, Instant::now() + BECOMING_MAX)
}

/// What a process has in its environment under a key; one that just becomes another program is looked at again, until
/// then.
pub(super) fn variable(pid: u32, key: &str, deadline: Instant) -> Option<String> {
    let path = format!("{pid}/environ");
    let mut environment = proc_file::read(&path).ok()?;
    while environment.is_empty() {
        // The question goes first: one that is done with it by now shows what it has, if only nothing.
        let goes_on = is_becoming(pid) && Instant::now() < deadline;
        environment = proc_file::read(&path).ok()?;
        if !goes_on {
            break;
        }
        thread::sleep(BECOMING_EVERY);
    }
    let mut entries = environment.split(|byte| *byte == 0);
    let value = entries.find_map(|entry| entry.strip_prefix(key.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn is_becoming(pid: u32) -> bool {
    stat::load(pid).is_ok_and(|stat| stat.is_some_and(|stat| !stat.is_zombie && stat.is_becoming))
}
