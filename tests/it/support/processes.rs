//! Processes of sessions, found by their mark, and processes of other users.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::pty::PATIENCE;

/// The pids of what carries the mark of a session; zombies carry none.
pub fn marked(id: &str) -> Vec<u32> {
    let mark = format!("WHARF_SESSION={id}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|it| it == mark.as_bytes()) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    found
}

/// Kills a process that the test knows to be its own, and waits until it is gone.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    rustix::process::pidfd_send_signal(&handle, rustix::process::Signal::KILL).unwrap();
    let mut fds = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut fds, None).unwrap();
}

/// What a socket says to a user that owns nothing; nothing when it cannot be asked.
pub fn as_nobody(socket: &Path) -> Option<Vec<u8>> {
    let mut command = Command::new("perl");
    command.args([
        "-MSocket",
        "-e",
        "socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ARGV[0])) or die; \
         $SIG{ALRM} = sub { exit 0 }; alarm 5; while (sysread(S, $b, 4096)) { print $b }",
    ]);
    command.arg(socket).uid(65534).gid(65534).stderr(Stdio::null());
    let output = command.output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// Whether the process with this pid is the holder of a session.
pub fn is_holder(pid: u32) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0);
    words.next().is_some_and(|program| program.ends_with(b"/wharf")) && words.next() == Some(b"hold")
}

/// Kills a process of the test that may have ended by itself, and waits until it is gone.
pub fn kill_if_there(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else {
        return;
    };
    match rustix::process::pidfd_send_signal(&handle, rustix::process::Signal::KILL) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => (),
        Err(err) => panic!("{err}"),
    }
    let mut fds = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
    rustix::event::poll(&mut fds, None).unwrap();
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

/// Waits until no process works behind an answer in a workspace.
pub fn until_nothing_is_behind(root: &Path) {
    let root = root.to_str().unwrap().as_bytes();
    let is_behind = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.get(1).is_some_and(|word| *word == b"behind") && words.contains(&root)
    };
    let deadline = Instant::now() + PATIENCE;
    while fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(is_behind) {
        assert!(Instant::now() < deadline, "what is done behind an answer does not end");
        thread::sleep(Duration::from_millis(20));
    }
}
