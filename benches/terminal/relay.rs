//! The least that can stand between a program and a terminal: a second terminal, and a loop that copies.
//!
//! It keeps no screen and no log, and nobody can leave or come back. What it costs, everything in its place costs too.

use std::{io, os::fd::AsFd, process::Command};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    stdio::{stdin, stdout},
    termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr},
};

use crate::tty::Tty;

/// What this program is called with to be one.
pub(crate) const RELAY: &str = "relay";

const COPY_BYTES: usize = 64 << 10;

/// Runs a command in a terminal of its own, and copies until it ends.
pub(crate) fn relay(command: &[String]) -> io::Result<()> {
    let (program, args) = command.split_first().ok_or(Errno::INVAL)?;
    let mut modes = tcgetattr(stdin())?;
    modes.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &modes)?;
    let mut command = Command::new(program);
    command.args(args);
    let inner = Tty::open(command, tcgetwinsize(stdin())?);
    let mut bytes = vec![0; COPY_BYTES];
    loop {
        let mut fds = [PollFd::new(&inner, PollFlags::IN), PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        poll(&mut fds, None)?;
        let [printed, typed] = fds.map(|fd| !fd.revents().is_empty());
        if printed {
            match rustix::io::read(&inner, &mut *bytes) {
                Ok(0) | Err(Errno::IO) => return Ok(()),
                Ok(count) => write_all(stdout(), &bytes[..count])?,
                Err(err) => return Err(err.into()),
            }
        }
        if typed {
            match rustix::io::read(stdin(), &mut *bytes)? {
                0 => return Ok(()),
                count => write_all(&inner, &bytes[..count])?,
            }
        }
    }
}

fn write_all(to: impl AsFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::write(&to, bytes)?;
        bytes = &bytes[count..];
    }
    Ok(())
}
