//! How somebody reaches the holder of a session: one connection, bounded in time and in space.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType},
};

use super::{
    Exited, FRAME_BYTES_MAX, FromClient, FromHolder, Hello, Info, PROTOCOL, PROTOCOL_MIN, Question, Stop,
    TerminalError,
    frame::Frames,
    message::{PROTOCOL_OF_REPORTS, TAKEN},
    outgoing::Outgoing,
};

/// How long a holder may take to say who it is, or to go on with an answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a stop may take beyond the grace it gives at each step.
const STOP_WAIT_MAX: Duration = Duration::from_secs(20);
/// How many steps a stop has.
const STOP_STEPS: u32 = 3;
/// How often a holder whose queue of connections is full is asked again.
const CONNECT_AGAIN: Duration = Duration::from_millis(20);
/// The longest answer to a question.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How much may wait for the holder; over it, nothing more should be queued. Much, for keys that are not read cannot be
/// understood either, and whoever pasted too much still wants to leave.
const QUEUE_BYTES_MAX: usize = 8 << 20;

/// A connection to a holder that has said who it is.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    frames: Frames,
    out: Outgoing,
    hello: Hello,
    is_open: bool,
}

impl Connection {
    /// Connects, makes sure that our own user or root answers, and agrees on a protocol.
    pub fn open(socket: &Path) -> Result<Self, TerminalError> {
        Self::open_within(socket, ANSWER_WAIT_MAX)
    }

    /// The same, where it is worth so much time only.
    pub fn open_within(socket: &Path, limit: Duration) -> Result<Self, TerminalError> {
        let stream = connect(socket, limit)?;
        ensure_own(&stream, socket)?;
        let mut connection = Self {
            stream,
            frames: Frames::default(),
            out: Outgoing::default(),
            hello: Hello::default(),
            is_open: true,
        };
        match connection.receive(Some(limit)) {
            Ok(Some(FromHolder::Hello(hello))) => connection.hello = hello,
            Ok(Some(_)) => return Err(silent("it does not say who it is")),
            Ok(None) => return Err(silent("it says nothing")),
            // It went while we knocked.
            Err(_) if !connection.is_open => return Err(TerminalError::NotRunning),
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

    /// Whether the holder may still say something; what it said before it went can be received even then.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Sends a message, and waits until it is on its way.
    pub fn send(&mut self, message: &FromClient) -> Result<(), TerminalError> {
        self.send_until(message, Instant::now() + ANSWER_WAIT_MAX)
    }

    fn send_until(&mut self, message: &FromClient, deadline: Instant) -> Result<(), TerminalError> {
        self.queue(message);
        while self.has_queued() {
            self.flush()?;
            if self.has_queued() && !self.wait(PollFlags::OUT, Some(deadline))? {
                return Err(silent("it does not listen"));
            }
        }
        Ok(())
    }

    /// Waits for the next message; nothing when none comes in time. A holder that is gone is an error.
    pub fn receive(&mut self, timeout: Option<Duration>) -> Result<Option<FromHolder>, TerminalError> {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            if let Some(message) = self.next()? {
                return Ok(Some(message));
            }
            if !self.is_open {
                return Err(silent("it went away"));
            }
            if !self.wait(PollFlags::IN, deadline)? {
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
        if self.protocol() < PROTOCOL_OF_REPORTS || told.len() > FRAME_BYTES_MAX {
            return Ok(false);
        }
        let deadline = Instant::now() + limit;
        self.send_until(&FromClient::Report(told), deadline)?;
        Ok(self.answer_until(deadline)? == TAKEN)
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
        message.push(self.out.tail());
    }

    /// Whether so much waits that nothing should be added.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= QUEUE_BYTES_MAX
    }

    /// Whether something waits.
    pub(super) fn has_queued(&self) -> bool {
        self.is_open && !self.out.is_empty()
    }

    /// Writes what goes without waiting.
    pub(super) fn flush(&mut self) -> Result<(), TerminalError> {
        match self.out.write_to(&self.stream, usize::MAX) {
            Ok(_) => Ok(()),
            // What it said last can still be read.
            Err(err) if is_hung_up(&err) => {
                self.out.clear();
                Ok(())
            }
            Err(_) => Err(silent("it cannot be written to")),
        }
    }

    /// Reads what is there, once, without waiting.
    pub(super) fn fill(&mut self) -> Result<(), TerminalError> {
        match self.frames.read(&self.stream) {
            Ok(0) | Err(Errno::CONNRESET | Errno::PIPE) => self.is_open = false,
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => (),
            Err(_) => return Err(silent("it cannot be read from")),
        }
        Ok(())
    }

    /// The next message that was read whole.
    pub(super) fn next(&mut self) -> Result<Option<FromHolder>, TerminalError> {
        loop {
            let frame = self.frames.next().map_err(|_| silent("what it says is too long"))?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            if let Some(message) =
                FromHolder::of(&frame).map_err(|_| silent("what it says makes no sense"))?
            {
                return Ok(Some(message));
            }
        }
    }

    /// Waits until the socket is ready, or the time has come; answers whether it is ready.
    fn wait(&self, flags: PollFlags, deadline: Option<Instant>) -> Result<bool, TerminalError> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let left = left.map(timespec);
            match rustix::event::poll(&mut [PollFd::new(&self.stream, flags)], left.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => (),
                Err(_) => return Err(silent("it cannot be waited for")),
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The time that a poll may take.
pub(super) fn timespec(time: Duration) -> Timespec {
    // A span that no number holds is as good as none.
    Timespec::try_from(time).unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 })
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
        | FromHolder::Answer { .. } => Ok(()),
    }
}

fn is_hung_up(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

/// Connects without ever waiting for a holder that does not accept.
fn connect(path: &Path, limit: Duration) -> Result<UnixStream, TerminalError> {
    let failed = |source: Errno| TerminalError::Io {
        action: "connect to",
        path: path.to_owned(),
        source: source.into(),
    };
    let address = SocketAddrUnix::new(path).map_err(|_| TerminalError::LongPath { path: path.to_owned() })?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    let deadline = Instant::now() + limit;
    loop {
        match rustix::net::connect(&socket, &address) {
            Ok(()) => return Ok(UnixStream::from(socket)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED) => return Err(TerminalError::NotRunning),
            Err(Errno::INTR) => (),
            Err(Errno::AGAIN) if Instant::now() < deadline => thread::sleep(CONNECT_AGAIN),
            Err(Errno::AGAIN) => return Err(silent("it takes no connections")),
            Err(err) => return Err(failed(err)),
        }
    }
}

/// Whoever answers sees every key that is typed.
fn ensure_own(stream: &UnixStream, path: &Path) -> Result<(), TerminalError> {
    let peer = rustix::net::sockopt::socket_peercred(stream).map_err(|source| TerminalError::Io {
        action: "look at who answers at",
        path: path.to_owned(),
        source: source.into(),
    })?;
    if peer.uid == rustix::process::geteuid() || peer.uid.is_root() {
        return Ok(());
    }
    Err(TerminalError::UnsafeFolder { path: path.to_owned(), because: "is answered by another user" })
}
