//! Whether a process is still the one we mean: identity by pid, start time and boot, never by pid alone.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use rustix::process::Signal;

use crate::session::ProcessId;

mod background;
mod job;
mod keyboard;
mod kill;
mod line;
mod memory;
mod pids;
mod proc_file;
mod reap;
mod runnable;
mod signal;
mod signals;
mod stat;
mod supervise;
mod tree;

#[cfg(test)]
mod tests;

pub use self::{
    background::{BEHIND, Background, step_back},
    job::Job,
    kill::{Remains, doomed, kill_tree, spared},
    line::{Line, LineEnd, run_line},
    memory::{give_back_memory, share_memory},
    reap::{Offspring, become_subreaper, reap_adopted},
    runnable::is_runnable,
    signal::{is_default, send, signal_named, wait_for_end},
    signals::Signals,
    supervise::{Charge, Supervisor},
    tree::{
        Process, all, below, below_in_session, descendants, descendants_in_session, marked, marks,
        marks_without, variable_of,
    },
};

pub(crate) use self::proc_file::read as read_proc;

/// A process that lives in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// Its pid.
    pub pid: u32,
    /// What the kernel calls it, at most 15 bytes.
    pub name: String,
}

/// The identity of this process.
pub fn own() -> io::Result<ProcessId> {
    identify(std::process::id())?.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// The identity of whatever process has this pid now; `None` when there is none, or only a zombie.
pub fn identify(pid: u32) -> io::Result<Option<ProcessId>> {
    let Some(stat) = stat::load(pid)?.filter(|stat| !stat.is_zombie) else {
        return Ok(None);
    };
    Ok(Some(ProcessId { pid, started: stat.started, boot: boot()?.to_owned() }))
}

/// The time that a process has had on a processor, in clock ticks, if it sleeps just now.
pub fn asleep(pid: u32) -> io::Result<Option<u64>> {
    Ok(stat::load(pid)?.filter(|stat| stat.is_asleep).map(|stat| stat.cpu_ticks))
}

/// Whether exactly this process still runs: same boot, same pid, same start time, and no zombie.
pub fn is_alive(process: &ProcessId) -> bool {
    matches!(identify(process.pid), Ok(Some(now)) if now == *process)
}

/// Whether exactly this process still runs under a name: that of the kernel or of its program file.
pub fn is_alive_as(process: &ProcessId, name: &str) -> bool {
    is_alive(process) && names(process.pid).iter().any(|it| it == name)
}

/// The processes that have a folder, or something below it, as their working directory or root, except this one.
/// Processes of other users that we may not look into are passed over.
pub fn living_in(folder: &Path) -> io::Result<Vec<Occupant>> {
    let folder = fs::canonicalize(folder)?;
    let mut occupants = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let inside = |link: &str| {
            fs::read_link(format!("/proc/{pid}/{link}")).is_ok_and(|target| target.starts_with(&folder))
        };
        if pid != std::process::id() && (inside("cwd") || inside("root")) {
            let name = names(pid).into_iter().next().unwrap_or_default();
            occupants.push(Occupant { pid, name });
        }
    }
    occupants.sort_by_key(|occupant| occupant.pid);
    Ok(occupants)
}

/// Whether a process was started where this one was: at any other boot, or in another container, nobody can tell from
/// here whether it lives.
pub fn is_of_this_boot(process: &ProcessId) -> bool {
    boot().is_ok_and(|boot| boot == process.boot)
}

/// The boot id, the pid namespace, and when its first process started: in another container the same pid is another
/// process, and a container that is started again may get the number of the namespace it had before.
fn boot() -> io::Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(boot);
    }
    let id = proc_file::read("sys/kernel/random/boot_id")?;
    let namespace = fs::metadata("/proc/self/ns/pid")?.ino();
    let first = stat::load(1)?.map_or(0, |first| first.started);
    Ok(BOOT.get_or_init(|| format!("{}/{namespace}/{first}", String::from_utf8_lossy(&id).trim())))
}

fn names(pid: u32) -> Vec<String> {
    let kernel = fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned());
    let program = fs::read(format!("/proc/{pid}/cmdline")).ok().and_then(|line| {
        let first = line.split(|byte| *byte == 0).next()?;
        let program = PathBuf::from(String::from_utf8_lossy(first).into_owned());
        program.file_name().map(|name| name.to_string_lossy().into_owned())
    });
    kernel.into_iter().chain(program).collect()
}
