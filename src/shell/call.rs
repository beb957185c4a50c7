//! One command from the side of whoever wants it run: its text and its input on the way there, its output on the way back.

use std::{
    os::fd::{AsFd as _, BorrowedFd},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::{
    Caller, Done, Ground, Request, ShellError,
    client::{Connection, is_unloading, silent},
    message::{Exec, FromCaller, FromHolder, PROTOCOL, STDIN_WINDOW_BYTES},
};
use crate::socket::timespec;

/// How long a command that was interrupted may take to end: its interpreter is killed before.
const CANCEL_WAIT_MAX: Duration = Duration::from_secs(30);
/// How much standard input is read at once.
const STDIN_PART_BYTES: usize = 64 << 10;
/// Why nobody knows what became of a command.
const GONE: &str = "it ended in the middle; the command may have run, `wharf history` tells";

/// How a call ended.
pub(super) enum Called {
    /// The command ran.
    Done(Done),
    /// The holder was about to end and never took it; another one will.
    NotTaken,
}

/// A call as it goes on.
struct Call<'a, 'b> {
    connection: &'a mut Connection,
    caller: &'a mut Caller<'b>,
    /// How far the command has come.
    stage: Stage,
    /// How much standard input may be sent now.
    window: usize,
    is_stdin_open: bool,
    /// Since when the command is to end.
    cancelled: Option<Instant>,
    /// Whoever takes the output still does.
    is_heard: bool,
}

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has said that it will be run.
    Asked,
    /// It waits for its turn, or is refused yet.
    Taken,
    /// It runs: from now on its input is nobody else's.
    Runs,
}

/// What can become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Holder,
    Stdin,
    Cancel,
}

/// Runs a command through a connection.
pub(super) fn call(
    connection: &mut Connection,
    request: &Request,
    caller: &mut Caller<'_>,
) -> Result<Called, ShellError> {
    let exec = Exec {
        protocol: PROTOCOL,
        fresh: request.ground == Ground::Fresh,
        interpreter: request.interpreter.clone(),
        time_limit_ms: request.time_limit.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        stdin: caller.stdin.is_some(),
    };
    connection.queue(&FromCaller::Text(request.text.clone()));
    connection.queue(&FromCaller::Exec(exec));
    let is_stdin_open = caller.stdin.is_some();
    let mut call = Call {
        connection,
        caller,
        stage: Stage::Asked,
        window: STDIN_WINDOW_BYTES,
        is_stdin_open,
        cancelled: None,
        is_heard: true,
    };
    loop {
        call.connection.flush()?;
        if let Some(called) = call.hear()? {
            return Ok(called);
        }
        if !call.connection.is_open() {
            return match call.stage {
                Stage::Asked => Ok(Called::NotTaken),
                Stage::Taken | Stage::Runs => Err(silent(GONE)),
            };
        }
        call.turn()?;
    }
}

impl<'b> Call<'_, 'b> {
    /// Takes what the holder said; answers how the call ended when it has.
    fn hear(&mut self) -> Result<Option<Called>, ShellError> {
        while let Some(message) = self.connection.next()? {
            match message {
                FromHolder::Queued => self.stage = Stage::Taken,
                FromHolder::Accepted(_) => self.stage = Stage::Runs,
                FromHolder::Output(stream, bytes) => {
                    if self.is_heard && (self.caller.output)(stream, &bytes).is_err() {
                        self.is_heard = false;
                        self.cancel();
                    }
                }
                FromHolder::Taken(bytes) => self.window = (self.window + bytes).min(STDIN_WINDOW_BYTES),
                FromHolder::Done(outcome) => return Ok(Some(Called::Done(outcome.into()))),
                FromHolder::Refused(refusal) if is_unloading(&refusal.code) => {
                    return Ok(Some(Called::NotTaken));
                }
                FromHolder::Refused(refusal) => return Err(refusal.into_error()),
                FromHolder::Hello(_) | FromHolder::Info(_) | FromHolder::Unloaded => (),
            }
        }
        Ok(None)
    }

    fn cancel(&mut self) {
        if self.cancelled.is_none() {
            self.cancelled = Some(Instant::now());
            self.connection.queue(&FromCaller::Cancel);
        }
    }

    /// Waits until something is ready, and deals with it.
    fn turn(&mut self) -> Result<(), ShellError> {
        let left = self.cancelled.map(|at| (at + CANCEL_WAIT_MAX).saturating_duration_since(Instant::now()));
        let out = if self.connection.has_queued() { PollFlags::OUT } else { PollFlags::empty() };
        let mut sources = vec![Source::Holder];
        let mut fds = vec![PollFd::from_borrowed_fd(self.connection.as_fd(), PollFlags::IN | out)];
        if let Some(stdin) = self.stdin() {
            sources.push(Source::Stdin);
            fds.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
        }
        if let Some(cancel) = self.caller.cancel.filter(|_| self.cancelled.is_none()) {
            sources.push(Source::Cancel);
            fds.push(PollFd::from_borrowed_fd(cancel, PollFlags::IN));
        }
        match poll(&mut fds, left.map(timespec).as_ref()) {
            Ok(0) if left.is_some() => {
                return Err(silent("the command does not end, nor does its interpreter"));
            }
            Ok(_) => (),
            Err(Errno::INTR) => return Ok(()),
            Err(_) => return Err(silent("it cannot be waited for")),
        }
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        for (source, flags) in sources.into_iter().zip(ready) {
            match source {
                _ if flags.is_empty() => (),
                Source::Holder if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) => {
                    self.connection.fill()?;
                }
                Source::Holder => (),
                Source::Stdin => self.pass_stdin(),
                Source::Cancel => self.cancel(),
            }
        }
        Ok(())
    }

    /// Where standard input comes from, while the command may be sent some.
    fn stdin(&self) -> Option<BorrowedFd<'b>> {
        let is_wanted =
            self.stage == Stage::Runs && self.is_stdin_open && self.window > 0 && self.cancelled.is_none();
        self.caller.stdin.filter(|_| is_wanted && !self.connection.has_queued())
    }

    fn pass_stdin(&mut self) {
        let Some(stdin) = self.stdin() else {
            return;
        };
        let mut part = vec![0; STDIN_PART_BYTES.min(self.window)];
        match rustix::io::read(stdin, &mut part) {
            Ok(count) if count > 0 => {
                part.truncate(count);
                self.window -= count;
                self.connection.queue(&FromCaller::Stdin(part));
            }
            Err(Errno::INTR | Errno::AGAIN) => (),
            // What cannot be read is as good as at its end.
            Ok(_) | Err(_) => {
                self.is_stdin_open = false;
                self.connection.queue(&FromCaller::StdinEnd);
            }
        }
    }
}
