//! What callers may ask of the holder of a context.

use std::{
    io::{self, ErrorKind},
    os::unix::net::UnixStream,
    sync::Arc,
    time::Duration,
};

use super::{
    super::{
        Done, Finish, ShellError, Unload,
        context::{Control, Controls},
        message::{
            Exec, FromCaller, FromHolder, Hello, Info, PROTOCOL, PROTOCOL_MIN, Refusal, TEXT_BYTES_MAX,
        },
        refusal::UNLOADING,
    },
    Holder,
    client::Client,
    desk::{Added, Interrupted, Order},
    jobs,
};
use crate::socket::is_of_own_user;

/// How many connections may be open beside those with a command; the oldest goes when there is one more.
const TALKERS_MAX: usize = 64;
/// The exit code of a command that was interrupted before it began, as that of one that an INT ended.
const INTERRUPTED: i32 = 128 + 2;

impl Holder {
    /// Takes everybody who knocks. Where this process can open nothing more, the oldest who only talks makes room.
    pub(super) fn accept(&mut self) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.welcome(stream),
                Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    return Ok(());
                }
                Err(err) => return if self.let_oldest_go() { Ok(()) } else { Err(err) },
            }
        }
    }

    /// Says hello to who belongs to the same user.
    fn welcome(&mut self, stream: UnixStream) {
        if !is_of_own_user(&stream).unwrap_or(false) {
            return;
        }
        let talkers = self.clients.iter().filter(|client| client.command.is_none() && !client.is_gone);
        if talkers.count() >= TALKERS_MAX {
            self.let_oldest_go();
        }
        self.number += 1;
        match Client::of(stream, self.number) {
            Ok(mut client) => {
                client.say(&FromHolder::Hello(self.hello()));
                self.clients.push(client);
            }
            Err(err) => tracing::debug!(error = %err, "a connection was lost at once"),
        }
    }

    /// Lets the oldest connection go that has no command; says whether there was one.
    fn let_oldest_go(&mut self) -> bool {
        let oldest = self.clients.iter_mut().find(|it| it.command.is_none() && !it.is_gone);
        oldest.is_some_and(|oldest| !std::mem::replace(&mut oldest.is_gone, true))
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            min: PROTOCOL_MIN,
            id: self.order.place.id.to_string(),
            pid: std::process::id(),
            interpreter: self.desk.facts().interpreter,
        }
    }

    /// Does what a caller asks.
    pub(super) fn serve(&mut self, at: usize, message: FromCaller) {
        let client = &mut self.clients[at];
        if client.is_gone {
            return;
        }
        if client.is_deaf() {
            client.is_gone = true;
            return;
        }
        match message {
            FromCaller::Text(_) if client.command.is_some() => {
                client.break_off("a command of this connection has not ended");
            }
            FromCaller::Text(part) => {
                client.text.extend_from_slice(&part);
                if client.text.len() > TEXT_BYTES_MAX {
                    client.refuse((&ShellError::TooLong { limit: TEXT_BYTES_MAX }).into());
                    client.is_gone = true;
                }
            }
            FromCaller::Exec(exec) => self.take_command(at, exec),
            FromCaller::Stdin(bytes) => client.feed(Control::Stdin(bytes)),
            FromCaller::StdinEnd => client.feed(Control::StdinEnd),
            FromCaller::Cancel => match self.desk.interrupt(client.number) {
                Interrupted::Unbegun => {
                    client.end_command();
                    client.say(&FromHolder::Done((&unbegun()).into()));
                }
                Interrupted::Told => (),
            },
            FromCaller::Info => {
                let info = self.info();
                self.clients[at].say(&FromHolder::Info(info));
            }
            FromCaller::Unload(how) => match how.into() {
                Unload::Now => self.unload_now(Some(at)),
                Unload::WhenIdle => match self.desk.unload_when_idle(client.number) {
                    Ok(()) => self.unloading.push(client.number),
                    Err(err) => client.refuse((&err).into()),
                },
            },
        }
    }

    fn take_command(&mut self, at: usize, exec: Exec) {
        let client = &mut self.clients[at];
        let text = std::mem::take(&mut client.text);
        if client.command.is_some() {
            return client.break_off("a command of this connection has not ended");
        }
        if exec.protocol < PROTOCOL_MIN {
            let message = format!("protocol {} is too old, this holder speaks {PROTOCOL}", exec.protocol);
            return client.refuse(Refusal::of("protocol", &message));
        }
        if text.contains(&0) {
            return client.refuse((&ShellError::Nul).into());
        }
        let controls = match Controls::new() {
            Ok(controls) => Arc::new(controls),
            Err(source) => {
                let path = self.order.place.worktree.clone();
                let err = ShellError::Io { action: "make a way to a command in", path, source };
                return client.refuse((&err).into());
            }
        };
        let caller = client.number;
        // It goes first: whoever has not heard of it may ask another holder.
        client.say(&FromHolder::Queued);
        if client.waits() {
            client.is_gone = true;
            return;
        }
        match self.desk.add(Order { caller, exec, text, controls: Arc::clone(&controls) }) {
            Ok(Added::Waits) => {
                client.command = Some(controls);
                self.teller.tell();
            }
            Ok(Added::Closing) => client.refuse(Refusal::of(UNLOADING, "the context is just being unloaded")),
            Err(err) => client.refuse((&err).into()),
        }
    }

    /// Has the context saved and unloaded at once.
    pub(super) fn unload_now(&mut self, at: Option<usize>) {
        self.ends_jobs = true;
        let caller = at.map(|at| self.clients[at].number);
        let dropped = self.desk.unload_now(caller);
        self.unloading.extend(caller);
        let because = "it was told to end before this command began".to_owned();
        let err = ShellError::Silent { because };
        for client in self.clients.iter_mut().filter(|client| dropped.contains(&client.number)) {
            client.end_command();
            client.refuse((&err).into());
        }
    }

    fn info(&self) -> Info {
        let facts = self.desk.facts();
        let is_busy = self.desk.is_busy() || jobs::any(self.order.place.id, facts.interpreter_pid);
        let idle = if self.desk.is_busy() { Duration::ZERO } else { facts.used.elapsed() };
        Info {
            pid: std::process::id(),
            interpreter_pid: facts.interpreter_pid,
            is_busy,
            idle_us: u64::try_from(idle.as_micros()).unwrap_or(u64::MAX),
            summary: facts.summary.as_ref().map(Into::into),
        }
    }
}

/// What became of a command that was interrupted before it began: it has no event, and so no number.
fn unbegun() -> Done {
    Done {
        number: 0,
        code: INTERRUPTED,
        finish: Finish::Cancelled,
        session_ended: false,
        duration: Duration::ZERO,
        stdout_bytes: 0,
        stderr_bytes: 0,
        lost: Vec::new(),
    }
}
