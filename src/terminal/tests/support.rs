//! A holder that says what the test tells it to say, and a terminal with a person in it.

use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    pty::OpenptFlags,
    termios::{Termios, Winsize},
};
use tempfile::TempDir;

use crate::{
    limits::FRAME_BYTES_MAX,
    socket::Frames,
    terminal::{FromClient, FromHolder, Hello, PROTOCOL, PROTOCOL_MIN},
};

/// How long a test waits before it says that something does not come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A socket somebody can connect to.
pub(super) struct Door {
    dir: TempDir,
    listener: UnixListener,
}

/// One client, seen from the holder.
pub(super) struct Holder {
    stream: UnixStream,
    frames: Frames,
}

impl Door {
    pub(super) fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("it.sock")).unwrap();
        Self { dir, listener }
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.path().join("it.sock")
    }

    /// Takes the next client, and says nothing.
    pub(super) fn accept(&self) -> Holder {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Holder { stream, frames: Frames::default() }
    }

    /// Takes the next client and says hello as a holder that knows nothing of terminals that are lent.
    pub(super) fn greet_as_older(&self) -> Holder {
        let mut holder = self.accept();
        holder.say(&FromHolder::Hello(Hello { protocol: 2, ..hello() }));
        holder
    }

    /// Takes the next client and says hello.
    pub(super) fn greet(&self) -> Holder {
        let mut holder = self.accept();
        holder.say(&FromHolder::Hello(hello()));
        holder
    }
}

pub(super) fn hello() -> Hello {
    Hello { protocol: PROTOCOL, min: PROTOCOL_MIN, pid: 42, rows: 24, cols: 80, ..Hello::default() }
}

impl Holder {
    pub(super) fn say(&mut self, message: &FromHolder) {
        let mut bytes = Vec::new();
        message.push(&mut bytes, FRAME_BYTES_MAX);
        self.write(&bytes);
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(super) fn show(&mut self, text: &str) {
        self.say(&FromHolder::Snapshot { offset: 0, bytes: text.into(), is_last: true });
    }

    pub(super) fn print(&mut self, text: &str) {
        self.say(&FromHolder::Output { offset: 0, bytes: text.into() });
    }

    /// Whether the client has said something that was not heard yet.
    pub(super) fn is_spoken_to(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut [PollFd::new(&self.stream, PollFlags::IN)], Some(&now)).unwrap() > 0
    }

    /// The next thing the client says beside questions; nothing when it left.
    pub(super) fn hear_no_question(&mut self) -> Option<FromClient> {
        loop {
            match self.hear() {
                Some(FromClient::Ask(_)) => (),
                said => return said,
            }
        }
    }

    /// The next thing the client says; nothing when it left.
    pub(super) fn hear(&mut self) -> Option<FromClient> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return Some(FromClient::of(frame).unwrap().unwrap());
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.frames.take(&buffer[..count]),
                Err(err) if err.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(err) => panic!("the client says nothing: {err}"),
            }
        }
    }
}

/// A terminal: the end that programs see, and the end a person looks at.
pub(super) struct Pair {
    pub(super) person: OwnedFd,
    pub(super) program: OwnedFd,
    pub(super) seen: VecDeque<u8>,
}

impl Pair {
    pub(super) fn open(rows: u16, cols: u16) -> Self {
        let person =
            rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        rustix::pty::grantpt(&person).unwrap();
        rustix::pty::unlockpt(&person).unwrap();
        let program = rustix::pty::ioctl_tiocgptpeer(
            &person,
            OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC,
        )
        .unwrap();
        let pair = Self { person, program, seen: VecDeque::new() };
        pair.resize(rows, cols);
        pair
    }

    pub(super) fn resize(&self, rows: u16, cols: u16) {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.person, size).unwrap();
    }

    pub(super) fn modes(&self) -> Termios {
        rustix::termios::tcgetattr(&self.program).unwrap()
    }

    pub(super) fn type_in(&self, bytes: &[u8]) {
        assert_eq!(rustix::io::write(&self.person, bytes), Ok(bytes.len()));
    }

    /// Waits until this text is seen, and answers everything up to its end.
    pub(super) fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen.make_contiguous();
            if let Some(at) = seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                let found = self.seen.drain(..at + text.len()).collect();
                return String::from_utf8(found).unwrap();
            }
            assert!(self.look(deadline), "`{text:?}` is not in {:?}", String::from_utf8_lossy(seen_of(self)));
        }
    }

    /// What is to be seen without waiting.
    pub(super) fn seen_so_far(&mut self) -> String {
        while self.look(Instant::now()) {}
        String::from_utf8_lossy(self.seen.make_contiguous()).into_owned()
    }

    fn look(&mut self, deadline: Instant) -> bool {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).unwrap();
        let mut polled = [PollFd::from_borrowed_fd(self.person.as_fd(), PollFlags::IN)];
        if rustix::event::poll(&mut polled, Some(&left)).unwrap() == 0 {
            return false;
        }
        let mut buffer = vec![0; 64 << 10];
        match rustix::io::read(&self.person, &mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.seen.extend(&buffer[..count]);
                true
            }
        }
    }
}

fn seen_of(pair: &mut Pair) -> &[u8] {
    pair.seen.make_contiguous()
}
