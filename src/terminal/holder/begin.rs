//! How a holder begins: alone, with a socket that only its own user can reach, and with a program that runs only once
//! that is written down.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::{fs::OpenOptionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    pipe::{PipeFlags, pipe_with},
    process::Pid,
    rand::{GetRandomFlags, getrandom},
};

use super::{
    super::{
        Exited, Held, Keeper, Launch, Started, TerminalError,
        pty::{Gate, Pty},
        runtime::Runtime,
    },
    program::Program,
    reporter::{Keys, Reporter},
};
use crate::{
    process::is_runnable,
    session::SessionId,
    socket::{self, SocketError},
    text,
};

/// The exit code that shells have for a program that is there and cannot be run.
const NOT_RUNNABLE: i32 = 126;
/// How many random bytes a token has.
const TOKEN_BYTES: usize = 32;

/// What belongs to one holder on the disk; the files go with it, the lock file stays.
#[derive(Debug)]
pub(super) struct Seat {
    runtime: Runtime,
    id: SessionId,
    socket: PathBuf,
    token: PathBuf,
    claim: File,
}

impl Seat {
    /// Takes the place of a session's holder, if nobody has it.
    pub(super) fn take(runtime: &Runtime, launch: &Launch) -> Result<Self, TerminalError> {
        let claim = runtime.claim(launch.id)?;
        runtime.clear(launch.id)?;
        let (socket, token) = (runtime.socket(launch.id), runtime.token(launch.id));
        let seat = Self { runtime: runtime.clone(), id: launch.id, socket, token, claim };
        write_token(&seat.token).map_err(SocketError::io("write", &seat.token))?;
        Ok(seat)
    }

    /// Listens at the socket, which nobody but its own user can open from its first moment on.
    pub(super) fn listen(&self) -> Result<UnixListener, TerminalError> {
        Ok(socket::listen(&self.socket)?)
    }

    /// Takes the place anew where its files were removed, be it with the folder they are in; answers the new door. The token
    /// is another one then; programs read it from its file.
    pub(super) fn retake(&mut self, held: &Held) -> Result<Option<UnixListener>, TerminalError> {
        if is_there(&self.socket) {
            return Ok(None);
        }
        match self.runtime.claim(self.id) {
            Ok(claim) => self.claim = claim,
            // Its lock file is still there, and ours.
            Err(TerminalError::Running) => (),
            Err(err) => return Err(err),
        }
        if !is_there(&self.token) {
            write_token(&self.token).map_err(SocketError::io("write", &self.token))?;
        }
        self.keep(held);
        self.listen().map(Some)
    }

    /// Leaves a word of what is held, for a table that may lose it.
    pub(super) fn keep(&self, held: &Held) {
        if let Err(err) = self.runtime.keep(self.id, held) {
            tracing::warn!(sessionId = %self.id, error = %err, "a table that loses this program will not find it");
        }
    }

    /// Takes that word back; comes before the end is written down.
    pub(super) fn forget(&self) {
        if let Err(err) = self.runtime.forget(self.id) {
            tracing::warn!(sessionId = %self.id, error = %err, "a file of a holder stays");
        }
    }

    /// Opens a terminal and starts the program in it, once that is written down.
    pub(super) fn start(
        &self,
        launch: &Launch,
        keeper: Box<dyn Keeper>,
    ) -> Result<(Program, Reporter, Started), TerminalError> {
        let program = launch.command.first().cloned().unwrap_or_default();
        let not_started = |because: String| TerminalError::Program { program: program.clone(), because };
        let failed = |err: io::Error| not_started(err.to_string());
        // What cannot run anyway is not to take the place of the command that is recorded.
        ensure_runnable(&program, &launch.worktree).map_err(failed)?;
        let pty = Pty::open(launch.size).map_err(failed)?;
        let (pid, pid_sender) = pipe_with(PipeFlags::CLOEXEC).map_err(|err| failed(err.into()))?;
        let (go, go_sender) = pipe_with(PipeFlags::CLOEXEC).map_err(|err| failed(err.into()))?;
        let mut reporter =
            Reporter::begin(launch.clone(), keeper, Keys { pid, go: go_sender }).map_err(failed)?;
        let spawned = pty.spawn(launch, self.token.as_os_str(), Gate { pid: pid_sender, go });
        match (spawned, reporter.begun()) {
            // It is reaped through its pidfd; the handle has nothing else to do.
            (Ok(child), Some(started)) => {
                let program = Program::of(pty, Pid::from_child(&child)).map_err(failed)?;
                Ok((program, reporter, started))
            }
            (Err(err), Some(_)) => {
                reporter.end(Exited { code: Some(NOT_RUNNABLE), signal: None, asked: false }, false);
                Err(failed(err))
            }
            (spawned, None) => {
                let kept = reporter.give_up().map(|kept| text::because(&*kept));
                let spawned = spawned.err().map(|err| text::because(&err));
                Err(not_started(kept.or(spawned).unwrap_or_default()))
            }
        }
    }
}

/// Refuses a program that is not there, or is not one.
fn ensure_runnable(program: &str, worktree: &Path) -> io::Result<()> {
    let found = if program.contains('/') {
        is_runnable(&worktree.join(program))
    } else {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| is_runnable(&worktree.join(folder).join(program)))
    };
    if found { Ok(()) } else { Err(Errno::NOENT.into()) }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Err(err) = self.runtime.clear(self.id) {
            tracing::warn!(sessionId = %self.id, error = %err, "a file of a holder stays");
        }
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn write_token(path: &Path) -> io::Result<()> {
    let mut token = [0; TOKEN_BYTES];
    getrandom(&mut token, GetRandomFlags::empty())?;
    let mut text = Vec::with_capacity(2 * TOKEN_BYTES);
    token.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&text)
}
