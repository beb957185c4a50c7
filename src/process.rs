//! Whether a process is still the one we mean: identity by pid, start time and boot, never by pid alone.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::session::ProcessId;

/// Where `/proc/<pid>/stat` has the start time, counted behind the closing bracket of the name.
const START_TIME_FIELD: usize = 19;

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
    let Some(started) = start_time(pid)? else {
        return Ok(None);
    };
    Ok(Some(ProcessId { pid, started, boot: boot()?.to_owned() }))
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

fn start_time(pid: u32) -> io::Result<Option<u64>> {
    let stat = match fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        // The process ended between opening and reading.
        Err(err) if err.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => return Ok(None),
        Err(err) => return Err(err),
    };
    // The name may hold spaces and brackets, so only what follows its last bracket can be counted.
    let Some((_, fields)) = stat.rsplit_once(") ") else {
        return Ok(None);
    };
    let mut fields = fields.split(' ');
    if matches!(fields.next(), None | Some("Z" | "X" | "x")) {
        return Ok(None);
    }
    Ok(fields.nth(START_TIME_FIELD - 1).and_then(|ticks| ticks.parse().ok()))
}

/// The boot id and the pid namespace: in another container the same pid is another process.
fn boot() -> io::Result<&'static str> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(boot);
    }
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::metadata("/proc/self/ns/pid")?.ino();
    Ok(BOOT.get_or_init(|| format!("{}/{namespace}", id.trim())))
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "real processes are the subject")]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_is_alive_and_known_by_name() {
        let me = own().unwrap();
        assert!(is_alive(&me));
        let name = names(me.pid).remove(0);
        assert!(is_alive_as(&me, &name));
        assert!(!is_alive_as(&me, "code"));
    }

    #[test]
    fn another_start_time_or_boot_is_another_process() {
        let me = own().unwrap();
        assert!(!is_alive(&ProcessId { started: me.started + 1, ..me.clone() }));
        assert!(!is_alive(&ProcessId { boot: "another/1".to_owned(), ..me }));
    }

    #[test]
    fn nobody_has_pid_zero_or_a_huge_one() {
        for pid in [0, u32::MAX] {
            assert_eq!(identify(pid).unwrap(), None);
        }
    }

    #[test]
    fn a_zombie_is_dead_and_so_is_who_was_reaped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let id = identify(child.id()).unwrap().unwrap();
        assert!(is_alive(&id));
        child.kill().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
        assert!(!is_alive(&id), "a zombie");
        child.wait().unwrap();
        assert!(!is_alive(&id), "gone");
    }

    #[test]
    fn a_process_in_a_folder_is_found_there() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("below");
        fs::create_dir(&below).unwrap();
        let mut child = Command::new("cat").stdin(Stdio::piped()).current_dir(&below).spawn().unwrap();
        // The child has its directory before `spawn` returns, for `exec` has happened by then.
        let found = living_in(dir.path()).unwrap();
        assert_eq!(found.iter().map(|it| it.pid).collect::<Vec<_>>(), [child.id()]);
        assert_eq!(found[0].name, "cat");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(living_in(dir.path()).unwrap(), []);
    }
}
