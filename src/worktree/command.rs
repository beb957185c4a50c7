//! How the git command is run: hardened, bounded in time and output, and killed with everything it started (RELIABILITY G6).

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::statvfs,
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use super::{GitWorktrees, WorktreeError, lock::RepositoryLock};
use crate::text;

/// The longest answer that is read.
const STDOUT_BYTES_MAX: usize = 256 << 20;
/// How much of what git complains about is kept; the rest is read and dropped.
const STDERR_BYTES_MAX: usize = 64 << 10;
/// With less than this a disk is full: a file that git gave up it deletes, which leaves a little.
const ROOM_BYTES_MIN: u64 = 1 << 20;
const CHUNK_BYTES: usize = 16 << 10;
/// Variables of git's own family that say nothing about which repository is meant.
const KEPT_VARIABLES: [&[u8]; 2] = [b"GIT_SSL_", b"GIT_LFS_"];
/// `worktree list -z` and everything else that is asked came with this version.
const VERSION_MIN: (u32, u32) = (2, 36);

/// One git command, before it is run.
#[derive(Debug)]
pub(super) struct GitCall<'a> {
    dir: &'a Path,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    stdin: Input<'a>,
    allowed: &'a [i32],
    changes: bool,
}

/// What git finds on its standard input.
#[derive(Debug)]
enum Input<'a> {
    Nothing,
    Held(&'a File),
}

/// What a git command answered.
#[derive(Debug)]
pub(super) struct GitAnswer {
    /// Its standard output.
    pub(super) stdout: Vec<u8>,
    /// Its exit code, 0 or one of those that were allowed.
    pub(super) code: i32,
}

impl<'a> GitCall<'a> {
    /// A question: takes no optional locks.
    pub(super) fn ask<A: AsRef<OsStr>>(dir: &'a Path, args: &[A]) -> Self {
        Self {
            dir,
            args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env: Vec::new(),
            stdin: Input::Nothing,
            allowed: &[],
            changes: false,
        }
    }

    /// An order: may change the repository. It holds the lock on that as long as it and what it started live.
    pub(super) fn tell<A: AsRef<OsStr>>(dir: &'a Path, args: &[A], lock: &'a RepositoryLock) -> Self {
        Self { changes: true, ..Self::ask(dir, args) }.holding(lock.file())
    }

    /// One more argument.
    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// A variable of the environment, also one of git's own.
    pub(super) fn env(mut self, key: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key, value.as_ref().to_owned()));
        self
    }

    /// Has it make durable what it writes (objects, refs and index), whatever the line ends in it.
    pub(super) fn durable(self) -> Self {
        self.env("GIT_CONFIG_COUNT", "2")
            .env("GIT_CONFIG_KEY_1", "core.safecrlf")
            .env("GIT_CONFIG_VALUE_1", "false")
            .env("GIT_CONFIG_KEY_0", "core.fsync")
            .env("GIT_CONFIG_VALUE_0", "committed,reference,index")
    }

    /// One setting, for this call.
    pub(super) fn configured(self, key: &str, value: &str) -> Self {
        self.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", key).env("GIT_CONFIG_VALUE_0", value)
    }

    /// An open file for its standard input, which keeps the lock on that file alive as long as git and what it
    /// started.
    pub(super) fn holding(mut self, file: &'a File) -> Self {
        self.stdin = Input::Held(file);
        self
    }

    /// Exit codes besides 0 that are an answer and no failure.
    pub(super) fn allow(mut self, codes: &'a [i32]) -> Self {
        self.allowed = codes;
        self
    }

    /// What it does, in one or two words.
    fn verb(&self) -> String {
        let mut words = self.args.iter().map(|arg| arg.to_string_lossy());
        let first = words.next().unwrap_or_default();
        match words.next() {
            Some(second) if first == "worktree" => format!("{first} {second}"),
            Some(_) if first == "hook" => format!("{first} {}", words.nth(1).unwrap_or_default()),
            _ => text::line(&first),
        }
    }
}

impl GitWorktrees {
    /// Asks git something in a folder (absolute) and answers its standard output.
    pub(super) fn git<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> Result<Vec<u8>, WorktreeError> {
        self.run(&GitCall::ask(dir, args)).map(|answer| answer.stdout)
    }

    /// Runs a git command to its end or its limit.
    pub(super) fn run(&self, call: &GitCall<'_>) -> Result<GitAnswer, WorktreeError> {
        self.run_beside(call, || ()).map(|(answer, ())| answer)
    }

    /// Runs a git command to its end or its limit, and does something short as soon as it was started.
    pub(super) fn run_beside<T>(
        &self,
        call: &GitCall<'_>,
        work: impl FnOnce() -> T,
    ) -> Result<(GitAnswer, T), WorktreeError> {
        debug_assert!(call.dir.is_absolute(), "every git command is told where to run");
        let deadline = Instant::now() + self.settings.time_limit;
        let mut running = self.start_git(call)?;
        let done = work();
        let output = running.output(deadline).map_err(|source| unreadable(call, source))?;
        let Some((status, stdout, stderr)) = output else {
            return Err(WorktreeError::GitTimeout { verb: call.verb(), limit: self.settings.time_limit });
        };
        match status.code() {
            Some(code) if code == 0 || call.allowed.contains(&code) => Ok((GitAnswer { stdout, code }, done)),
            _ => Err(failure(call, status, &stderr)),
        }
    }

    /// The version of the git command.
    pub(super) fn ask_version(&self) -> Result<String, WorktreeError> {
        let answer = self.git(Path::new("/"), &["--version"])?;
        let text = text::line(String::from_utf8_lossy(&answer).trim());
        let found = text.strip_prefix("git version ").unwrap_or(&text).to_owned();
        let mut numbers = found.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            return Err(WorktreeError::GitAnswer { verb: "--version".to_owned() });
        };
        if (major, minor) < VERSION_MIN {
            return Err(WorktreeError::OldGit { found });
        }
        Ok(found)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door to the git command")]
    fn start_git(&self, call: &GitCall<'_>) -> Result<Running, WorktreeError> {
        let mut command = Command::new(&self.settings.program);
        for (key, _) in std::env::vars_os() {
            let name = key.as_encoded_bytes();
            if name.starts_with(b"GIT_") && !KEPT_VARIABLES.iter().any(|kept| name.starts_with(kept)) {
                command.env_remove(key);
            }
        }
        command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0");
        if !call.changes {
            command.env("GIT_OPTIONAL_LOCKS", "0");
        }
        // What runs in the folder of a session works on that folder, whatever its own configuration says.
        if call.dir.parent() == Some(&*self.workspace.worktrees()) {
            command.env("GIT_WORK_TREE", call.dir);
        }
        command.envs(call.env.iter().map(|(key, value)| (key, value)));
        // Not the folder itself: a folder that is gone must be git's complaint, not "no such program".
        command.current_dir("/").arg("-C").arg(call.dir);
        for setting in ["core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false"] {
            command.args(["-c", setting]);
        }
        if !self.settings.trust_hooks {
            command.args(["-c", "core.hooksPath=/dev/null"]);
        }
        command.args(&call.args);
        command.stdin(call.stdin.stdio().map_err(|source| unreadable(call, source))?);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(|source| WorktreeError::NoGit { source })?;
        Ok(Running { child, ended: false })
    }
}

impl Input<'_> {
    fn stdio(&self) -> io::Result<Stdio> {
        match self {
            Self::Nothing => Ok(Stdio::null()),
            Self::Held(file) => Ok(file.try_clone()?.into()),
        }
    }
}

/// A git command that was started; dropped before its end, it is killed with its process group and reaped.
struct Running {
    child: Child,
    ended: bool,
}

type Output = (ExitStatus, Vec<u8>, Vec<u8>);

impl Running {
    /// Reads both outputs until the process ends; nothing when the deadline came first.
    fn output(&mut self, deadline: Instant) -> io::Result<Option<Output>> {
        let pid = Pid::from_child(&self.child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let mut stdout = Reader::of(self.child.stdout.take(), STDOUT_BYTES_MAX);
        let mut stderr = Reader::of(self.child.stderr.take(), STDERR_BYTES_MAX);
        loop {
            // What git started may keep the pipes open for longer than git lives; so its own end is the end.
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let Some(ready) = wait_for(&pidfd, [stdout.fd(), stderr.fd()], left)? else {
                return Ok(None);
            };
            if ready.stdout && stdout.read_some()? > STDOUT_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            if ready.stderr {
                stderr.read_some()?;
            }
            if ready.ended && !ready.stdout && !ready.stderr {
                break;
            }
        }
        let status = self.child.wait()?;
        self.ended = true;
        Ok(Some((status, stdout.kept, stderr.kept)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Not reaped yet, so the number still is this group's.
        if let Err(err) = kill_process_group(Pid::from_child(&self.child), Signal::KILL) {
            tracing::warn!(error = %err, "a git command could not be killed");
        }
        if let Err(err) = self.child.wait() {
            tracing::warn!(error = %err, "a git command could not be reaped");
        }
    }
}

/// What can be done without waiting.
struct Ready {
    stdout: bool,
    stderr: bool,
    ended: bool,
}

/// Waits until there is something to read or the process ended; nothing when the time is over.
fn wait_for(pidfd: &OwnedFd, pipes: [Option<&OwnedFd>; 2], left: Duration) -> io::Result<Option<Ready>> {
    let mut fds = vec![PollFd::new(pidfd, PollFlags::IN)];
    fds.extend(pipes.into_iter().flatten().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
    match poll(&mut fds, Some(&timeout)) {
        Ok(0) => return Ok(None),
        Ok(_) | Err(rustix::io::Errno::INTR) => (),
        Err(err) => return Err(err.into()),
    }
    let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
    let mut next = || ready.next().unwrap_or(false);
    Ok(Some(Ready {
        ended: next(),
        stdout: pipes[0].is_some() && next(),
        stderr: pipes[1].is_some() && next(),
    }))
}

/// One output of git: everything is read, a bounded part is kept.
struct Reader {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    max: usize,
    seen: usize,
}

impl Reader {
    fn of(pipe: Option<impl Into<OwnedFd>>, max: usize) -> Self {
        Self { pipe: pipe.map(Into::into), kept: Vec::new(), max, seen: 0 }
    }

    fn fd(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// Reads what is there and answers how much came in all.
    fn read_some(&mut self) -> io::Result<usize> {
        let mut chunk = [0; CHUNK_BYTES];
        if let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe.as_fd(), &mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    self.seen += count;
                    let room = self.max.saturating_sub(self.kept.len());
                    self.kept.extend_from_slice(&chunk[..count.min(room)]);
                }
                Err(rustix::io::Errno::INTR) => (),
                Err(err) => return Err(err.into()),
            }
        }
        Ok(self.seen)
    }
}

fn unreadable(call: &GitCall<'_>, source: io::Error) -> WorktreeError {
    if source.kind() == io::ErrorKind::FileTooLarge {
        return WorktreeError::GitAnswer { verb: call.verb() };
    }
    WorktreeError::Io { action: "run git in", path: call.dir.to_owned(), source }
}

fn failure(call: &GitCall<'_>, status: ExitStatus, stderr: &[u8]) -> WorktreeError {
    let stderr = text::lines(String::from_utf8_lossy(stderr).trim());
    let path = call.dir.to_owned();
    if stderr.contains("dubious ownership") {
        return WorktreeError::Ownership { path };
    }
    if stderr.starts_with("fatal: not a git repository") {
        return WorktreeError::RepositoryBroken { path };
    }
    let status = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no exit code".to_owned(),
    };
    // Git does not say why it could not write a file; where the disk is full, that is why.
    let room = stderr.contains("unable to write file").then(|| lacking(call.dir)).flatten();
    let stderr = room.map_or(stderr.clone(), |lacking| format!("{lacking}\n{stderr}"));
    WorktreeError::Git { verb: call.verb(), status, stderr }
}

/// What the disk of a folder has too little of, in the words of the system.
fn lacking(folder: &Path) -> Option<&'static str> {
    let disk = statvfs(folder).ok()?;
    if disk.f_files > 0 && disk.f_favail == 0 {
        return Some("No space left on device (it has no inode for another file)");
    }
    (disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_BYTES_MIN).then_some("No space left on device")
}
