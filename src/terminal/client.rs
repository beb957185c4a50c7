//! How somebody reaches the holder of a session: one connection, bounded in time and in space.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    time::{Duration, Instant},
};

use rustix::event::PollFlags;

use super::{
    Exited, FromClient, FromHolder, Hello, Info, PROTOCOL, PROTOCOL_MIN, Question, Stop, TerminalError,
    lending::Lend,
    message::{PROTOCOL_OF_LENDING, PROTOCOL_OF_REPORTS, TAKEN},
};
use crate::{limits::FRAME_BYTES_MAX, socket::Link};

/// How long a holder may take to say who it is, or to go on with an answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a stop may take beyond the grace it gives at each step.
const STOP_WAIT_MAX: Duration = Duration::from_secs(20);
/// How many steps a stop has.
const STOP_STEPS: u32 = 3;
/// The longest answer to a question.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// What a holder takes at least, whatever it says: no part is empty.
const FRAME_BYTES_MIN: usize = 4 << 10;
/// How much may wait for the holder; over it, nothing more should be queued. Much, for keys that are not read cannot be
/// understood either, and whoever pasted too much still wants to leave.
const QUEUE_BYTES_MAX: usize = 8 << 20;

/// A connection to a holder that has said who it is.
#[derive(Debug)]
pub struct Connection {
    link: Link,
    hello: Hello,
}

impl Connection {
    /// Connects, makes sure that our own user or root answers, and agrees on a protocol.
    pub fn open(socket: &Path) -> Result<Self, TerminalError> {
        Self::open_within(socket, ANSWER_WAIT_MAX)
    }

    /// The same, where it is worth so much time only.
    pub fn open_within(socket: &Path, limit: Duration) -> Result<Self, TerminalError> {
        let mut connection = Self { link: Link::open(socket, limit)?, hello: Hello::default() };
        match connection.receive(Some(limit)) {
            Ok(Some(FromHolder::Hello(hello))) => connection.hello = hello,
            Ok(Some(_)) => return Err(silent("it does not say who it is")),
            Ok(None) => return Err(silent("it says nothing")),
            // It went while we knocked.
            Err(_) if !connection.is_open() => return Err(TerminalError::NotRunning),
            Err(err) => return Err(err),
        }
        let Hello { protocol, min, .. } = connection.hello;
        if min > PROTOCOL || protocol < PROTOCOL_MIN {
            return Err(TerminalError::Protocol { protocol, min });
        }
        Ok(connection)
    }

    /// Who answered.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// The protocol that both sides speak.
    pub fn protocol(&self) -> u32 {
        self.hello.protocol.min(PROTOCOL)
    }

    /// The longest payload of a frame that the holder takes, in bytes.
    fn frame_bytes_max(&self) -> usize {
        match self.hello.frame {
            0 => FRAME_BYTES_MAX,
            bytes => bytes.clamp(FRAME_BYTES_MIN, FRAME_BYTES_MAX),
        }
    }

    /// Whether the holder may still say something; what it said before it went can be received even then.
    pub fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Sends a message, and waits until it is on its way.
    pub fn send(&mut self, message: &FromClient) -> Result<(), TerminalError> {
        self.send_until(message, Instant::now() + ANSWER_WAIT_MAX)
    }

    fn send_until(&mut self, message: &FromClient, deadline: Instant) -> Result<(), TerminalError> {
        self.queue(message);
        Ok(self.link.send(deadline)?)
    }

    /// Waits for the next message; nothing when none comes in time. A holder that is gone is an error.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<FromHolder>, TerminalError> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(message) = self.next()? {
                return Ok(Some(message));
            }
            if !self.is_open() {
                return Err(silent("it went away"));
            }
            if !self.link.wait(PollFlags::IN, deadline)? {
                return Ok(None);
            }
            self.fill()?;
        }
    }

    /// Asks something, and collects the parts of the answer.
    pub fn ask(&mut self, question: Question) -> Result<Vec<u8>, TerminalError> {
        self.ask_until(question, Instant::now() + ANSWER_WAIT_MAX)
    }

    /// The same, where the answer is worth a certain time only.
    pub(super) fn ask_until(
        &mut self,
        question: Question,
        deadline: Instant,
    ) -> Result<Vec<u8>, TerminalError> {
        self.send_until(&FromClient::Ask(question), deadline)?;
        self.answer_until(deadline)
    }

    /// Hands over what an agent's hook tells; says whether the holder will write it down.
    pub fn report(&mut self, told: Vec<u8>, limit: Duration) -> Result<bool, TerminalError> {
        if self.protocol() < PROTOCOL_OF_REPORTS || told.len() > self.frame_bytes_max() {
            return Ok(false);
        }
        let deadline = Instant::now() + limit;
        self.send_until(&FromClient::Report(told), deadline)?;
        Ok(self.answer_until(deadline)? == TAKEN)
    }

    /// Whether the holder knows what to do with a terminal.
    pub(super) fn takes_terminals(&self) -> bool {
        self.protocol() >= PROTOCOL_OF_LENDING
    }

    /// Offers a terminal, if nothing waits and that goes at once; answers whether it went.
    pub(super) fn lend(&mut self, lend: Lend, terminal: BorrowedFd<'_>) -> bool {
        let mut bytes = Vec::new();
        FromClient::Lend(lend).push(&mut bytes, self.frame_bytes_max());
        self.link.send_file(&bytes, terminal)
    }

    fn answer_until(&mut self, deadline: Instant) -> Result<Vec<u8>, TerminalError> {
        let mut answer = Vec::new();
        loop {
            match self.receive(Some(deadline.saturating_duration_since(Instant::now())))? {
                Some(FromHolder::Answer { bytes, is_last }) => {
                    answer.extend_from_slice(&bytes);
                    if is_last {
                        return Ok(answer);
                    }
                    if answer.len() > ANSWER_BYTES_MAX {
                        return Err(silent("its answer has no end"));
                    }
                }
                Some(message) => pass(message)?,
                None => return Err(silent("it says nothing")),
            }
        }
    }

    /// Asks what the holder knows about its session.
    pub fn info(&mut self) -> Result<Info, TerminalError> {
        let answer = self.ask(Question::Info)?;
        serde_json::from_slice(&answer).map_err(|_| silent("what it says makes no sense"))
    }

    /// Ends the session's program and everything it started; answers how it ended.
    pub fn stop(&mut self, stop: Stop) -> Result<Exited, TerminalError> {
        self.send(&FromClient::Stop(stop))?;
        let grace = Duration::from_millis(stop.grace_ms).saturating_mul(STOP_STEPS);
        let begun = Instant::now();
        let allowed = STOP_WAIT_MAX.saturating_add(grace);
        loop {
            match self.receive(Some(allowed.saturating_sub(begun.elapsed())))? {
                Some(FromHolder::Exit(exited)) => return Ok(exited),
                Some(message) => pass(message)?,
                None => return Err(silent("what runs in it does not end")),
            }
        }
    }

    /// Puts a message behind those that wait; whoever does this in a loop looks at [`Self::is_full`].
    pub(super) fn queue(&mut self, message: &FromClient) {
        let frame_bytes_max = self.frame_bytes_max();
        message.push(self.link.tail(), frame_bytes_max);
    }

    /// Whether so much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.link.waiting() >= QUEUE_BYTES_MAX
    }

    /// Whether something waits.
    pub(super) fn has_queued(&self) -> bool {
        self.link.has_queued()
    }

    /// Writes what goes without waiting.
    pub(super) fn flush(&mut self) -> Result<(), TerminalError> {
        Ok(self.link.flush()?)
    }

    /// Reads what is there, once, without waiting.
    pub(super) fn fill(&mut self) -> Result<(), TerminalError> {
        Ok(self.link.fill()?)
    }

    /// The next message that was read whole.
    pub(super) fn next(&mut self) -> Result<Option<FromHolder>, TerminalError> {
        loop {
            let Some(frame) = self.link.next_frame()? else {
                return Ok(None);
            };
            if let Some(message) =
                FromHolder::of(&frame).map_err(|_| silent("what it says makes no sense"))?
            {
                return Ok(Some(message));
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

fn silent(because: &'static str) -> TerminalError {
    TerminalError::Silent { because }
}

/// What was not waited for is passed over, unless it says that there will be no answer.
fn pass(message: FromHolder) -> Result<(), TerminalError> {
    match message {
        FromHolder::Refused(refusal) => {
            Err(TerminalError::Refused { code: refusal.code, message: refusal.message })
        }
        FromHolder::Exit(_) => Err(TerminalError::NotRunning),
        FromHolder::Hello(_)
        | FromHolder::Output { .. }
        | FromHolder::Snapshot { .. }
        | FromHolder::Status(_)
        | FromHolder::Borrowed(_)
        | FromHolder::Returned { .. }
        | FromHolder::Undo(_)
        | FromHolder::Answer { .. } => Ok(()),
    }
}
