//! How work that nobody waits for is done: by a process of its own, detached, behind everything else on the machine.

use std::{
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// What this program is called with when it is such a process: `wharf behind CHORE WORKSPACE`.
pub const BEHIND: &str = "behind";
/// The lowest priority that there is.
const NICE_MAX: i32 = 19;

/// Who starts such processes for one workspace.
pub struct Background {
    /// The program and the workspace; none where nothing is to be started.
    place: Option<(PathBuf, PathBuf)>,
    /// Those that were started from here and may not have ended. A command ends before them; a server reaps them.
    begun: Mutex<Vec<Child>>,
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Background {
    /// One that starts this program for a workspace.
    pub fn of(wharf: &Path, workspace: &Path) -> Self {
        Self { place: Some((wharf.to_owned(), workspace.to_owned())), begun: Mutex::default() }
    }

    /// One that starts nothing: what would be done behind is done in front.
    pub fn none() -> Self {
        Self { place: None, begun: Mutex::default() }
    }

    /// Starts a process for a chore and does not wait for it; says whether one was started. It does not end when whoever
    /// started it does. Whether another one is at work already is for it to find out.
    pub fn begin(&self, chore: &str) -> io::Result<bool> {
        let Some((wharf, workspace)) = &self.place else {
            return Ok(false);
        };
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        begun.push(start(wharf, chore.into(), workspace.into())?);
        Ok(true)
    }
}

/// No code of ours runs between fork and exec, so that the C library can start it without a copy of our page tables.
#[expect(clippy::disallowed_methods, reason = "this is the door to work in the background")]
fn start(wharf: &Path, chore: OsString, workspace: OsString) -> io::Result<Child> {
    let mut command = Command::new(wharf);
    command.arg(BEHIND).arg(chore).arg(workspace).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()
}

/// Leaves the terminal of whoever started this process, and steps back behind all others: on the processor and on the
/// disk. What of that the system does not know is left out.
pub fn step_back() {
    // Besides the terminal this gives it a group of its own, beside which niceness alone would say little. Where it has none
    // of its own (it leads a group of processes), that of whoever started it is not to suffer for it.
    let is_alone = rustix::process::setsid();
    let group = is_alone.and_then(|_| own_group_last());
    for err in [group, rustix::process::setpriority_process(None, NICE_MAX), idle_disk()]
        .into_iter()
        .filter_map(Result::err)
    {
        tracing::debug!(error = %err, "work in the background is not as far behind as it could be");
    }
}

/// Puts the group that the kernel made for this session behind those of others.
fn own_group_last() -> rustix::io::Result<()> {
    let number = NICE_MAX.to_string();
    let flags = rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC;
    let group = rustix::fs::open("/proc/self/autogroup", flags, rustix::fs::Mode::empty())?;
    rustix::io::write(&group, number.as_bytes()).map(drop)
}

/// Has the disk serve this process when nobody else wants it.
fn idle_disk() -> rustix::io::Result<()> {
    const WHO_PROCESS: libc::c_long = 1;
    const CLASS_IDLE: libc::c_long = 3 << 13;
    // SAFETY: the call takes three numbers and touches no memory of ours.
    #[expect(unsafe_code, reason = "the C library has no function for this")]
    let answer = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE) };
    if answer == 0 {
        Ok(())
    } else {
        Err(rustix::io::Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(rustix::io::Errno::NOSYS))
    }
}
