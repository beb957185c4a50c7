//! The process of an interpreter, and the private ways on which it is told and answers.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd},
        unix::{fs::FileExt as _, process::CommandExt as _},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::MemfdFlags,
    io::Errno,
    pipe::PipeFlags,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, set_parent_process_death_signal},
};

use super::COMMAND_VARIABLE;
use crate::interpreter::Interpreter;

/// The longest answer, in bytes: a mark and a number.
const ANSWER_BYTES_MAX: usize = 4096;

/// Where an interpreter starts, and what it may cost.
#[derive(Clone, Debug)]
pub(in crate::shell) struct Setting {
    /// Its first working directory.
    pub(in crate::shell) directory: PathBuf,
    /// Its whole environment.
    pub(in crate::shell) variables: Vec<(OsString, OsString)>,
    /// How much of what it holds is kept, in bytes.
    pub(in crate::shell) state_bytes_max: usize,
    /// The process that adopts what commands orphan, when that is this one and it has no other children.
    pub(in crate::shell) subreaper: Option<u32>,
}

/// A pipe of which an interpreter opens one end by its path.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) read: OwnedFd,
    pub(super) write: OwnedFd,
}

/// The process and its ways.
#[derive(Debug)]
pub(super) struct Driver {
    child: Child,
    handle: OwnedFd,
    control: OwnedFd,
    unsent: Vec<u8>,
    sent: usize,
    answer: Way,
    answers: Vec<u8>,
    state: File,
    script: File,
    /// Its own outputs, where commands have no others.
    pub(super) outputs: Option<[OwnedFd; 2]>,
}

impl Way {
    pub(super) fn open() -> io::Result<Self> {
        let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { read, write })
    }
}

/// The path by which a child of ours opens a descriptor of ours anew.
pub(super) fn path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd())
}

impl Driver {
    /// Starts an interpreter in a session of its own. It is killed when the thread that calls this ends.
    #[expect(clippy::disallowed_methods, reason = "this is the door to interpreters")]
    pub(super) fn start(interpreter: &Interpreter, setting: &Setting, unique: &str) -> io::Result<Self> {
        let (theirs, control) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&control, true)?;
        let words = interpreter.start();
        let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(args).current_dir(&setting.directory);
        command.env_clear().envs(setting.variables.iter().map(|(key, value)| (key, value)));
        command.envs(&interpreter.entry().variables).env(COMMAND_VARIABLE, format!("0.{unique}"));
        command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        let outputs = if interpreter.answers_by_output() {
            let pipes =
                [rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?, rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?];
            let [(stdout, to_stdout), (stderr, to_stderr)] = pipes;
            rustix::io::ioctl_fionbio(&stdout, true)?;
            rustix::io::ioctl_fionbio(&stderr, true)?;
            command.stdout(to_stdout).stderr(to_stderr);
            Some([stdout, stderr])
        } else {
            None
        };
        let parent = rustix::process::getpid();
        let begin = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            rustix::process::setsid()?;
            Ok(())
        };
        // SAFETY: only system calls are made between fork and exec; nothing is allocated, no lock is taken.
        #[expect(unsafe_code, reason = "what a process does at its parent's end is set before exec")]
        unsafe {
            command.pre_exec(begin);
        }
        let state = File::from(rustix::fs::memfd_create("state", MemfdFlags::CLOEXEC)?);
        let script = File::from(rustix::fs::memfd_create("script", MemfdFlags::CLOEXEC)?);
        let answer = Way::open()?;
        let child = command.spawn()?;
        let handle = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        let (unsent, answers) = (Vec::new(), Vec::new());
        Ok(Self { child, handle, control, unsent, sent: 0, answer, answers, state, script, outputs })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the interpreter has ended, as far as the system knows by now.
    pub(super) fn has_ended(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
    }

    /// Is readable when the process has ended.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    pub(super) fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    pub(super) fn answer(&self) -> BorrowedFd<'_> {
        self.answer.read.as_fd()
    }

    pub(super) fn answer_path(&self) -> String {
        path(self.answer.write.as_fd())
    }

    pub(super) fn state_path(&self) -> String {
        path(self.state.as_fd())
    }

    pub(super) fn script_path(&self) -> String {
        path(self.script.as_fd())
    }

    /// Queues lines for it.
    pub(super) fn tell(&mut self, lines: &[u8]) {
        self.unsent.drain(..self.sent);
        self.sent = 0;
        self.unsent.extend_from_slice(lines);
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.sent < self.unsent.len()
    }

    /// How many bytes it has not taken yet.
    pub(super) fn untaken(&self) -> usize {
        let in_pipe = rustix::io::ioctl_fionread(&self.control).unwrap_or(0);
        (self.unsent.len() - self.sent) + usize::try_from(in_pipe).unwrap_or(usize::MAX)
    }

    /// Sends what goes without waiting.
    pub(super) fn send(&mut self) -> io::Result<()> {
        while self.has_unsent() {
            match rustix::io::write(&self.control, &self.unsent[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => return Ok(()),
                // It has ended, or reads no more; its handle says which.
                Err(Errno::PIPE) => self.sent = self.unsent.len(),
                Err(err) => return Err(err.into()),
            }
        }
        Ok(())
    }

    /// Takes the answers that have come: marks, each with what stands behind it.
    pub(super) fn take_answers(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut bytes = [0; ANSWER_BYTES_MAX];
        loop {
            match rustix::io::read(&self.answer.read, &mut bytes) {
                Ok(0) | Err(Errno::AGAIN) => break,
                Ok(count) => self.answers.extend_from_slice(&bytes[..count]),
                Err(Errno::INTR) => (),
                Err(err) => return Err(err.into()),
            }
        }
        let Some(end) = self.answers.iter().rposition(|byte| *byte == b'\n') else {
            if self.answers.len() > ANSWER_BYTES_MAX {
                self.answers.clear();
            }
            return Ok(Vec::new());
        };
        let lines: Vec<u8> = self.answers.drain(..=end).collect();
        let lines = String::from_utf8_lossy(&lines);
        let answers = lines.lines().map(|line| {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            (mark.to_owned(), rest.to_owned())
        });
        Ok(answers.collect())
    }

    /// What it has written to the path for its state; nothing when that is more than the limit.
    pub(super) fn saved(&self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let length = self.state.metadata()?.len();
        if length > limit {
            self.state.set_len(0)?;
            return Ok(None);
        }
        let mut saved = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.state.read_exact_at(&mut saved, 0)?;
        Ok(Some(saved))
    }

    /// Lays down what it is to read from there.
    pub(super) fn lay_down(&self, bytes: &[u8]) -> io::Result<()> {
        self.state.set_len(0)?;
        self.state.write_all_at(bytes, 0)
    }

    /// Lays down the text of a command. Not where its state lies: that of the last command may be written once more.
    pub(super) fn lay_down_script(&self, text: &[u8]) -> io::Result<()> {
        self.script.set_len(0)?;
        self.script.write_all_at(text, 0)
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Err(err) = pidfd_send_signal(&self.handle, signal) {
            tracing::debug!(error = %err, "an interpreter could not be signalled");
        }
    }

    /// The exit code, once it has ended: 128 and the signal where one ended it.
    pub(super) fn exit_code(&mut self) -> io::Result<Option<i32>> {
        use std::os::unix::process::ExitStatusExt as _;
        let status = self.child.try_wait()?;
        Ok(status.map(|it| it.code().or(it.signal().map(|signal| 128 + signal)).unwrap_or(1)))
    }

    /// Kills it and waits for its end.
    pub(super) fn kill(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(err) = ended {
            tracing::warn!(error = %err, "an interpreter could not be ended");
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.kill();
    }
}
