//! How somebody reaches the holder of a context: one connection, bounded in time and in space.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::event::PollFlags;

use super::{
    ShellError, Unload,
    message::{FromCaller, FromHolder, Hello, Info, PROTOCOL, PROTOCOL_MIN},
    refusal::UNLOADING,
};
use crate::{
    session::SessionId,
    socket::{Link, SocketError},
};

/// How long a holder may take to save its context and to end what it runs.
const UNLOAD_WAIT_MAX: Duration = Duration::from_secs(30);

/// A connection to a holder that has said who it is.
#[derive(Debug)]
pub(super) struct Connection {
    link: Link,
}

impl Connection {
    /// Connects, makes sure that our own user or root answers, and agrees on a protocol. Nothing when nobody listens.
    pub(super) fn find(socket: &Path, id: SessionId, limit: Duration) -> Result<Option<Self>, ShellError> {
        let deadline = Instant::now() + limit;
        let link = match Link::open(socket, limit) {
            Ok(link) => link,
            Err(SocketError::Vacant) => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let mut connection = Self { link };
        match connection.receive(Some(deadline))? {
            Heard::Message(FromHolder::Hello(hello)) => agree(&hello, id).map(|()| Some(connection)),
            Heard::Message(_) => Err(silent("it does not say who it is")),
            Heard::Silence => Err(silent("it says nothing")),
            // It went while we knocked.
            Heard::End => Ok(None),
        }
    }

    /// The same, where somebody has to be there.
    pub(super) fn open(socket: &Path, id: SessionId, limit: Duration) -> Result<Self, ShellError> {
        Self::find(socket, id, limit)?.ok_or_else(|| SocketError::Vacant.into())
    }

    /// Whether the holder may still say something.
    pub(super) fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Puts a message behind those that wait.
    pub(super) fn queue(&mut self, message: &FromCaller) {
        message.push(self.link.tail());
    }

    /// Whether something waits to be sent.
    pub(super) fn has_queued(&self) -> bool {
        self.link.has_queued()
    }

    /// Writes what goes without waiting.
    pub(super) fn flush(&mut self) -> Result<(), ShellError> {
        Ok(self.link.flush()?)
    }

    /// Reads what is there, once, without waiting.
    pub(super) fn fill(&mut self) -> Result<(), ShellError> {
        Ok(self.link.fill()?)
    }

    /// The next message that was read whole.
    pub(super) fn next(&mut self) -> Result<Option<FromHolder>, ShellError> {
        while let Some(frame) = self.link.next_frame()? {
            if let Some(message) = FromHolder::of(frame).map_err(|_| silent("what it says makes no sense"))? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn receive(&mut self, deadline: Option<Instant>) -> Result<Heard, ShellError> {
        loop {
            if let Some(message) = self.next()? {
                return Ok(Heard::Message(message));
            }
            if !self.is_open() {
                return Ok(Heard::End);
            }
            if !self.link.wait(PollFlags::IN, deadline)? {
                return Ok(Heard::Silence);
            }
            self.fill()?;
        }
    }

    fn ask(&mut self, message: &FromCaller, limit: Duration) -> Result<Option<FromHolder>, ShellError> {
        let deadline = Instant::now() + limit;
        self.queue(message);
        self.link.send(deadline)?;
        match self.receive(Some(deadline))? {
            Heard::Message(FromHolder::Refused(refusal)) => Err(refusal.into_error()),
            Heard::Message(message) => Ok(Some(message)),
            Heard::Silence => Err(silent("it says nothing")),
            Heard::End => Ok(None),
        }
    }

    /// Asks what the holder knows about its context.
    pub(super) fn info(&mut self, limit: Duration) -> Result<Info, ShellError> {
        match self.ask(&FromCaller::Info, limit)? {
            Some(FromHolder::Info(info)) => Ok(info),
            Some(_) => Err(silent("it answers something else")),
            None => Err(SocketError::Vacant.into()),
        }
    }

    /// Has the context saved and unloaded, and returns when that is so.
    pub(super) fn unload(&mut self, how: Unload) -> Result<(), ShellError> {
        match self.ask(&FromCaller::Unload(how.into()), UNLOAD_WAIT_MAX) {
            // One that is about to end anyway may not have read the question.
            Ok(Some(FromHolder::Unloaded) | None) => Ok(()),
            Ok(Some(_)) => Err(silent("it answers something else")),
            Err(err) => Err(err),
        }
    }
}

/// What came from the other side.
enum Heard {
    Message(FromHolder),
    /// Nothing, in the time that there was.
    Silence,
    /// Nothing, and nothing more will.
    End,
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

/// Refuses a holder of another protocol or of another session.
fn agree(hello: &Hello, id: SessionId) -> Result<(), ShellError> {
    let Hello { protocol, min, id: named, .. } = hello;
    if *min > PROTOCOL || *protocol < PROTOCOL_MIN {
        let because = format!("it speaks protocol {min} to {protocol}, this wharf another one");
        return Err(ShellError::Silent { because });
    }
    if *named != id.to_string() {
        return Err(silent("it keeps the context of another session"));
    }
    Ok(())
}

/// It does not answer, in this way.
pub(super) fn silent(because: &str) -> ShellError {
    ShellError::Silent { because: because.to_owned() }
}

/// Whether a refusal only says that the next holder has to be asked.
pub(super) fn is_unloading(code: &str) -> bool {
    code == UNLOADING
}
