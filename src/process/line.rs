//! How a line that a person set is run to its end: by a shell, in a folder, in limited time, with its output passed on.

use std::{
    ffi::OsStr,
    io::{self, PipeReader, Read as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use super::{descendants, marked, own, send};
use crate::session::ProcessId;

/// Names a line to whatever it starts.
const LINE_VARIABLE: &str = "WHARF_LINE";

const CHUNK_BYTES: usize = 16 << 10;
/// How much of what lies in the pipe is passed on after the shell has ended: all of what it can hold.
const PIECES_AFTER_MAX: usize = 64;
/// How often what a line started is looked for again after the time is over; who forks while it is killed is met again.
const KILL_ROUNDS_MAX: u32 = 20;

/// A line for a shell, and where it runs.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// What `sh -c` gets.
    pub text: &'a str,
    /// Where it runs.
    pub folder: &'a Path,
    /// The whole environment.
    pub environment: &'a [(&'a OsStr, &'a OsStr)],
    /// How long it may take; none: as long as it wants.
    pub limit: Option<Duration>,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It took too long, and was killed with all that it had started, but for what cleared its environment and was left
    /// by its parent.
    Late,
}

/// Runs a line. It reads nothing; what it prints, on either stream, goes to `hear` as it comes. Who stays behind when the
/// shell ends is left alone, and not heard any more. An error when it cannot be run to its end; nothing of it runs then.
pub fn run_line(line: &Line<'_>, hear: &mut dyn FnMut(&[u8])) -> io::Result<LineEnd> {
    let mark = mark()?;
    let (mut pipe, mut child) = start(line, &mark)?;
    match attend(&child, &mut pipe, line.limit, hear) {
        Ok(true) => {
            let status = child.wait()?;
            Ok(match (status.code(), status.signal()) {
                (Some(code), _) => LineEnd::Code(code),
                (None, signal) => LineEnd::Signal(signal.unwrap_or_default()),
            })
        }
        Ok(false) => kill_all(&mut child, &mark).map(|()| LineEnd::Late),
        Err(err) => {
            if let Err(err) = kill_all(&mut child, &mark) {
                tracing::warn!(pid = child.id(), error = %err, "a line that cannot be heard goes on");
            }
            Err(err)
        }
    }
}

/// What no other line has, of no process and at no time.
fn mark() -> io::Result<String> {
    static LINES: AtomicU64 = AtomicU64::new(0);
    let ProcessId { pid, started, boot } = own()?;
    Ok(format!("{boot}/{pid}/{started}/{}", LINES.fetch_add(1, Ordering::Relaxed)))
}

/// Passes on what the line prints until its shell has ended; says whether that came in time.
fn attend(
    child: &Child,
    pipe: &mut PipeReader,
    limit: Option<Duration>,
    hear: &mut dyn FnMut(&[u8]),
) -> io::Result<bool> {
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let deadline = limit.map(|limit| Instant::now() + limit);
    let (mut is_open, mut pieces_after) = (true, 0);
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut fds = vec![PollFd::new(&ended, PollFlags::IN)];
        if is_open {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => (),
            Err(Errno::INTR) => continue,
            Err(err) => return Err(err.into()),
        }
        let [is_ended, has_output] = [0, 1].map(|at| fds.get(at).is_some_and(|fd| !fd.revents().is_empty()));
        if is_ended && (!has_output || pieces_after == PIECES_AFTER_MAX) {
            return Ok(true);
        }
        pieces_after += usize::from(is_ended);
        if has_output {
            is_open = pass_on(pipe, hear)?;
        }
    }
}

/// It stays in the group of whoever waits for it, so that an interruption at the keyboard ends both.
#[expect(clippy::disallowed_methods, reason = "this is the door to lines that people set")]
fn start(line: &Line<'_>, mark: &str) -> io::Result<(PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line.text).current_dir(line.folder);
    command.env_clear().envs(line.environment.iter().copied()).env(LINE_VARIABLE, mark);
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    Ok((reader, command.spawn()?))
}

/// Passes one piece on; says whether more can come.
fn pass_on(pipe: &mut PipeReader, hear: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
    let mut chunk = [0; CHUNK_BYTES];
    match pipe.read(&mut chunk) {
        Ok(0) => Ok(false),
        Ok(count) => {
            hear(&chunk[..count]);
            Ok(true)
        }
        Err(err) if err.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(err) => Err(err),
    }
}

/// Kills the shell and everything that it started; the shell last, because without it nobody would know what was below.
fn kill_all(child: &mut Child, mark: &str) -> io::Result<()> {
    for _ in 0..KILL_ROUNDS_MAX {
        let found = started_by(child, mark).unwrap_or_else(|err| {
            tracing::warn!(pid = child.id(), error = %err, "what a line had started cannot be found");
            Vec::new()
        });
        if found.is_empty() {
            break;
        }
        for process in found {
            if let Err(err) = send(&process, Signal::KILL) {
                tracing::debug!(pid = process.pid, error = %err, "a process of a line could not be killed");
            }
        }
    }
    child.kill()?;
    child.wait().map(drop)
}

/// What is below the shell, and what went out from under it: that has the mark, unless it cleared its environment.
fn started_by(child: &Child, mark: &str) -> io::Result<Vec<ProcessId>> {
    let mut found: Vec<ProcessId> =
        descendants(child.id())?.iter().filter(|it| !it.is_zombie).filter_map(|it| it.id().ok()).collect();
    let marked = marked(LINE_VARIABLE, mark)?;
    found.extend(marked.into_iter().filter(|it| it.pid != child.id()));
    Ok(found)
}
