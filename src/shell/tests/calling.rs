use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    session::SessionId,
    shell::{
        Caller, Done, Request, ShellError,
        call::{Called, call},
        client::Connection,
        message::{FromCaller, FromHolder, Hello, Outcome, PROTOCOL, PROTOCOL_MIN, Refusal},
        refusal::UNLOADING,
    },
    socket::Frames,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn id() -> SessionId {
    "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap()
}

/// A holder that the test plays.
struct Played {
    stream: UnixStream,
    frames: Frames,
}

impl Played {
    fn say(&mut self, message: &FromHolder) {
        let mut bytes = Vec::new();
        message.push(&mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    fn hear(&mut self) -> FromCaller {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return FromCaller::of(frame).unwrap().unwrap();
            }
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the caller is gone");
            self.frames.take(&buffer[..count]);
        }
    }
}

fn hello() -> Hello {
    Hello { protocol: PROTOCOL, min: PROTOCOL_MIN, id: id().to_string(), ..Hello::default() }
}

/// Plays a holder in a thread of its own while the test calls.
fn with<T>(holder: impl FnOnce(Played) + Send, caller: impl FnOnce(PathBuf) -> T) -> T {
    let dir: TempDir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("it.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            holder(Played { stream, frames: Frames::default() });
        });
        caller(socket)
    })
}

fn called(holder: impl FnOnce(Played) + Send) -> Result<Called, ShellError> {
    called_with(None, holder)
}

fn called_with(
    stdin: Option<BorrowedFd<'_>>,
    holder: impl FnOnce(Played) + Send,
) -> Result<Called, ShellError> {
    let greet = |mut played: Played| {
        played.say(&FromHolder::Hello(hello()));
        assert_eq!(played.hear(), FromCaller::Text(b"true".to_vec()));
        assert!(matches!(played.hear(), FromCaller::Exec(_)));
        holder(played);
    };
    with(greet, |socket| {
        let mut connection = Connection::open(&socket, id(), PATIENCE).unwrap();
        let request = Request { text: b"true".to_vec(), ..Request::default() };
        let mut output = |_, _: &[u8]| -> io::Result<()> { Ok(()) };
        call(&mut connection, &request, &mut Caller { stdin, cancel: None, output: &mut output })
    })
}

#[test]
fn who_speaks_another_protocol_or_keeps_another_context_is_not_talked_to() {
    let newer = Hello { protocol: PROTOCOL + 2, min: PROTOCOL + 1, ..hello() };
    let other = Hello { id: "x".to_owned(), ..hello() };
    for wrong in [newer, other] {
        let err = with(
            |mut played| played.say(&FromHolder::Hello(wrong)),
            |socket| Connection::open(&socket, id(), PATIENCE).unwrap_err(),
        );
        assert!(matches!(err, ShellError::Silent { .. }), "{err}");
    }
}

#[test]
fn who_goes_before_it_takes_a_command_is_not_asked_again_and_the_next_one_is() {
    assert!(matches!(called(drop), Ok(Called::NotTaken)));
    let refused = called(|mut played| {
        played.say(&FromHolder::Queued);
        played.say(&FromHolder::Refused(Refusal::of(UNLOADING, "just now")));
    });
    assert!(matches!(refused, Ok(Called::NotTaken)));
}

#[test]
fn input_is_there_for_the_holder_that_runs_the_command() {
    let (mut stdin, mut typed) = UnixStream::pair().unwrap();
    typed.write_all(b"input").unwrap();
    let called = called_with(Some(stdin.as_fd()), |mut played| {
        played.say(&FromHolder::Queued);
        // Input that came too early would come at once.
        played.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(played.stream.read(&mut [0; 1]).is_err());
        played.say(&FromHolder::Refused(Refusal::of(UNLOADING, "just now")));
    });
    assert!(matches!(called, Ok(Called::NotTaken)));
    drop(typed);
    let mut left = String::new();
    stdin.read_to_string(&mut left).unwrap();
    assert_eq!(left, "input");
}

#[test]
fn who_goes_with_a_command_leaves_nobody_in_the_belief_that_it_did_not_run() {
    let err = called(|mut played| played.say(&FromHolder::Queued)).err().unwrap();
    assert!(matches!(&err, ShellError::Silent { because } if because.contains("may have run")), "{err}");
}

#[test]
fn what_is_said_besides_is_passed_over() {
    let done = Done {
        number: 1,
        code: 0,
        finish: crate::shell::Finish::Done,
        session_ended: false,
        duration: Duration::ZERO,
        stdout_bytes: 0,
        stderr_bytes: 0,
        lost: Vec::new(),
    };
    let outcome = Outcome::from(&done);
    let called = called(|mut played| {
        played.stream.write_all(b"~\x03\0\0\0new").unwrap();
        played.say(&FromHolder::Unloaded);
        played.say(&FromHolder::Done(outcome));
    });
    assert!(matches!(called, Ok(Called::Done(found)) if found == done));
}

#[test]
fn nobody_is_found_where_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("it.sock");
    assert!(Connection::find(&socket, id(), PATIENCE).unwrap().is_none());
    drop(UnixListener::bind(&socket).unwrap());
    assert!(Connection::find(&socket, id(), PATIENCE).unwrap().is_none());
    let err = Connection::open(&socket, id(), PATIENCE).unwrap_err();
    assert_eq!(err.to_string(), "the keeper of its context does not answer: it is gone");
}
