//! How a process that adopts orphans takes note of their end, without taking that of its own children from others.

use std::{
    fs, io,
    os::fd::{AsFd as _, OwnedFd},
    process::Child,
    sync::{Mutex, PoisonError},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, set_child_subreaper, waitid},
};

use super::{stat, tree};

/// Makes this process adopt every descendant whose parent ends.
pub fn become_subreaper() -> io::Result<()> {
    // The value is not looked at, only whether there is one.
    Ok(set_child_subreaper(Some(Pid::INIT))?)
}

/// Reaps the children of this process that have ended, each by its pid, except the leader: whoever started that one
/// asks for its exit code. Answers the pids.
///
/// For processes that start no other children than the leader; the exit code of any other one is gone afterwards.
pub fn reap_adopted(leader: Option<u32>) -> io::Result<Vec<u32>> {
    let mut reaped = Vec::new();
    for pid in children()?.into_iter().filter(|pid| Some(*pid) != leader) {
        if stat::load(pid)?.is_some_and(|stat| stat.is_zombie) && reap(pid)? {
            reaped.push(pid);
        }
    }
    Ok(reaped)
}

/// Children that go their own way, and whose exit codes nobody asks for. Each is reaped through a handle of its own, so
/// that the end of no other child is taken from whoever waits for it.
#[derive(Debug, Default)]
pub struct Offspring {
    handles: Mutex<Vec<OwnedFd>>,
}

impl Offspring {
    /// Takes a child on that nobody has waited for.
    pub fn adopt(&self, child: &Child) -> io::Result<()> {
        let handle = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        Ok(())
    }

    /// Reaps those that have ended; the others are not waited for.
    pub fn reap(&self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|handle| match waitid(WaitId::PidFd(handle.as_fd()), options) {
            Ok(ended) => ended.is_none(),
            Err(Errno::INTR) => true,
            // Somebody else in this process was faster.
            Err(_) => false,
        });
    }
}

/// Reaps one child if it has ended. Says whether it had.
pub(super) fn reap(pid: u32) -> io::Result<bool> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Ok(false);
    };
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(ended) => return Ok(ended.is_some()),
            Err(Errno::INTR) => (),
            // Somebody else in this process was faster.
            Err(Errno::CHILD) => return Ok(false),
            Err(err) => return Err(err.into()),
        }
    }
}

/// The children of all threads of this process; kernels that do not list them are asked for every process.
fn children() -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        match fs::read_to_string(thread?.path().join("children")) {
            Ok(list) => found.extend(list.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok())),
            Err(err) if err.kind() == io::ErrorKind::NotFound || stat::is_gone(&err) => {
                let own = std::process::id();
                let children = tree::all()?.into_iter().filter(|process| process.parent == own);
                return Ok(children.map(|process| process.pid).collect());
            }
            Err(err) => return Err(err),
        }
    }
    Ok(found)
}
