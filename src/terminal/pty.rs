//! How a program is started in a terminal of its own, and how its side of the terminal is read, written and resized.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt as _,
    },
    process::{Child, Command},
};

use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, set_parent_process_death_signal},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcgetpgrp, tcsetwinsize},
};

use super::Launch;
use crate::{screen::Size, session::SESSION_VARIABLE, socket};

/// What a program is told about its terminal.
const TERM: &str = "xterm-256color";

/// What a program is told at the gate: to run, or to end.
pub(super) const GO: u8 = b'g';
pub(super) const STAY: u8 = b's';

/// The side of a terminal that is not the program's.
#[derive(Debug)]
pub(super) struct Pty {
    master: OwnedFd,
}

/// What a program waits for between its fork and its start.
#[derive(Debug)]
pub(super) struct Gate {
    /// Where the process says its pid.
    pub(super) pid: OwnedFd,
    /// Where it is told to go on, or to end. A closed pipe is no word: the program has its other end as well.
    pub(super) go: OwnedFd,
}

impl Pty {
    /// Opens a terminal, whose program side nobody has yet.
    pub(super) fn open(size: Size) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let pty = Self { master };
        pty.resize(size)?;
        Ok(pty)
    }

    /// Says how large the terminal is; the program gets WINCH when that is new.
    pub(super) fn resize(&self, size: Size) -> io::Result<()> {
        let size = Winsize { ws_row: size.rows(), ws_col: size.cols(), ws_xpixel: 0, ws_ypixel: 0 };
        Ok(tcsetwinsize(&self.master, size)?)
    }

    /// The process group that has the keyboard.
    pub(super) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok()
    }

    /// Starts a program with this terminal. Returns when it runs; until then, the other end of the gate gets its pid,
    /// and the program waits for a byte from there.
    #[expect(clippy::disallowed_methods, reason = "this is the door to the programs of sessions")]
    pub(super) fn spawn(&self, launch: &Launch, token: &OsStr, gate: Gate) -> io::Result<Child> {
        let name = ptsname(&self.master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let side = rustix::fs::open(&name, flags, Mode::empty())?;
        let (program, args) = launch.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(args).current_dir(&launch.worktree);
        command.env_clear().envs(std::env::vars_os().filter(|(key, _)| socket::is_passed_on(key)));
        command.envs(own_variables(launch, token));
        command.stdin(side.try_clone()?).stdout(side.try_clone()?).stderr(side);
        let holder = rustix::process::getpid();
        let begin = move || {
            // The gate's other ends are open here too, so only this ends the wait when the holder is killed.
            set_parent_process_death_signal(Some(Signal::KILL))?;
            if rustix::process::getppid() != Some(holder) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            let pid = rustix::process::getpid().as_raw_pid();
            rustix::io::write(&gate.pid, &pid.to_ne_bytes())?;
            let mut word = [0; 1];
            match rustix::io::read(&gate.go, &mut word)? {
                1 if word == [GO] => Ok(set_parent_process_death_signal(None)?),
                _ => Err(io::ErrorKind::Interrupted.into()),
            }
        };
        // SAFETY: only system calls are made between fork and exec; nothing is allocated, no lock is taken.
        #[expect(unsafe_code, reason = "a controlling terminal can only be taken between fork and exec")]
        unsafe {
            command.pre_exec(begin);
        }
        command.spawn()
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

fn own_variables(launch: &Launch, token: &OsStr) -> [(&'static str, OsString); 7] {
    [
        ("TERM", TERM.into()),
        ("COLORTERM", "truecolor".into()),
        ("PWD", launch.worktree.clone().into()),
        (SESSION_VARIABLE, launch.id.to_string().into()),
        ("WHARF_SESSION_NAME", launch.name.as_str().into()),
        ("WHARF_WORKTREE", launch.worktree.clone().into()),
        ("WHARF_TOKEN_FILE", token.to_owned()),
    ]
}
