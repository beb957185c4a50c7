//! How a holder begins: alone, with a socket that only its own user can reach, and with a program that runs only once
//! that is written down.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        net::UnixListener,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::Mode,
    pipe::{PipeFlags, pipe_with},
    process::Pid,
    rand::{GetRandomFlags, getrandom},
};

use super::{
    super::{
        Keeper, Launch, Started, TerminalError,
        pty::{Gate, Pty},
        runtime::Runtime,
    },
    program::Program,
    reporter::{Keys, Reporter},
};
use crate::session::SessionId;

/// How many random bytes a token has.
const TOKEN_BYTES: usize = 32;

/// What belongs to one holder on the disk; the files go with it, the lock file stays.
#[derive(Debug)]
pub(super) struct Seat {
    runtime: Runtime,
    id: SessionId,
    socket: PathBuf,
    token: PathBuf,
    _claim: File,
}

impl Seat {
    /// Takes the place of a session's holder, if nobody has it.
    pub(super) fn take(runtime: &Runtime, launch: &Launch) -> Result<Self, TerminalError> {
        let claim = runtime.claim(launch.id)?;
        runtime.clear(launch.id)?;
        let (socket, token) = (runtime.socket(launch.id), runtime.token(launch.id));
        let seat = Self { runtime: runtime.clone(), id: launch.id, socket, token, _claim: claim };
        write_token(&seat.token).map_err(failed("write", &seat.token))?;
        Ok(seat)
    }

    /// Listens at the socket, which nobody but its own user can open from its first moment on.
    pub(super) fn listen(&self) -> Result<UnixListener, TerminalError> {
        // The holder has one thread yet, so nobody else makes a file with this mask.
        let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let listener = UnixListener::bind(&self.socket);
        rustix::process::umask(before);
        let listener = listener.map_err(failed("listen at", &self.socket))?;
        fs::set_permissions(&self.socket, fs::Permissions::from_mode(0o600))
            .and_then(|()| listener.set_nonblocking(true))
            .map_err(failed("listen at", &self.socket))?;
        Ok(listener)
    }

    /// Opens a terminal and starts the program in it, once that is written down.
    pub(super) fn start(
        &self,
        launch: &Launch,
        keeper: Box<dyn Keeper>,
        told: impl FnOnce(&Started) + Send + 'static,
    ) -> Result<(Program, Reporter), TerminalError> {
        let program = launch.command.first().cloned().unwrap_or_default();
        let not_started = |because: String| TerminalError::Program { program: program.clone(), because };
        let failed = |err: io::Error| not_started(err.to_string());
        let pty = Pty::open(launch.size).map_err(failed)?;
        let (pid, pid_sender) = pipe_with(PipeFlags::CLOEXEC).map_err(|err| failed(err.into()))?;
        let (go, go_sender) = pipe_with(PipeFlags::CLOEXEC).map_err(|err| failed(err.into()))?;
        let reporter = Reporter::begin(launch.clone(), keeper, Keys { pid, go: go_sender }, told);
        let reporter = reporter.map_err(failed)?;
        let gate = Gate { pid: pid_sender, go };
        match pty.spawn(launch, self.token.as_os_str(), gate) {
            Ok(child) => {
                // It is reaped through its pidfd; the handle has nothing else to do.
                let program = Program::of(pty, Pid::from_child(&child)).map_err(failed)?;
                Ok((program, reporter))
            }
            Err(err) => {
                let because = reporter.give_up().map_or_else(|| err.to_string(), |kept| kept.to_string());
                Err(not_started(because))
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Err(err) = self.runtime.clear(self.id) {
            tracing::warn!(sessionId = %self.id, error = %err, "a file of a holder stays");
        }
    }
}

fn write_token(path: &Path) -> io::Result<()> {
    let mut token = [0; TOKEN_BYTES];
    getrandom(&mut token, GetRandomFlags::empty())?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let text: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
    file.write_all(text.as_bytes())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TerminalError {
    let path = path.to_owned();
    move |source| TerminalError::Io { action, path, source }
}
