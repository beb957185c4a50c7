use std::{thread, time::Duration};

use super::support::{Door, PATIENCE, hello};
use crate::{
    limits::FRAME_BYTES_MAX,
    socket,
    terminal::{
        Connection, Exited, FromClient, FromHolder, Hello, Info, PROTOCOL, Question, Refusal, Stop,
        TerminalError,
    },
};

const EXITED: Exited = Exited { code: Some(3), signal: None, asked: true };

/// Plays a holder in a thread of its own while the test is a client.
fn with<T: Send>(
    holder: impl FnOnce(&Door) + Send,
    client: impl FnOnce(Result<Connection, TerminalError>) -> T,
) -> T {
    let door = Door::open();
    thread::scope(|scope| {
        scope.spawn(|| holder(&door));
        client(Connection::open(&door.socket()))
    })
}

#[test]
fn whoever_connects_is_told_who_answers() {
    let connection = with(|door| drop(door.greet()), Result::unwrap);
    assert_eq!((connection.hello(), connection.protocol()), (&hello(), PROTOCOL));
}

#[test]
fn where_nobody_listens_nothing_runs() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("it.sock");
    assert!(matches!(Connection::open(&socket), Err(TerminalError::NotRunning)));
    let door = Door::open();
    let kept = dir.path().join("kept.sock");
    std::fs::hard_link(door.socket(), &kept).unwrap();
    drop(door);
    assert!(matches!(Connection::open(&kept), Err(TerminalError::NotRunning)), "a socket without a listener");
    let long = dir.path().join("x".repeat(120));
    assert!(matches!(Connection::open(&long), Err(TerminalError::LongPath { .. })));
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(Connection::open(file.path()), Err(TerminalError::NotRunning)));
}

#[test]
fn a_holder_that_goes_while_one_knocks_is_no_holder() {
    let refused = with(|door| drop(door.accept()), Result::unwrap_err);
    assert!(matches!(refused, TerminalError::NotRunning));
}

#[test]
fn an_older_and_a_newer_holder_are_understood_or_named() {
    let versions = |protocol, min| {
        let greet = move |door: &Door| {
            door.accept().say(&FromHolder::Hello(Hello { protocol, min, ..hello() }));
        };
        with(greet, |connection| connection.map(|it| it.protocol()))
    };
    assert_eq!(versions(PROTOCOL + 7, PROTOCOL).unwrap(), PROTOCOL);
    let too_new = versions(PROTOCOL + 7, PROTOCOL + 1).unwrap_err();
    let named = (PROTOCOL + 7, PROTOCOL + 1);
    assert!(matches!(too_new, TerminalError::Protocol { protocol, min } if (protocol, min) == named));
    assert!(matches!(versions(0, 0), Err(TerminalError::Protocol { protocol: 0, min: 0 })));
}

#[test]
fn who_does_not_say_hello_first_is_no_holder() {
    let refused = with(|door| door.accept().print("text"), Result::unwrap_err);
    assert!(matches!(refused, TerminalError::Silent { .. }));
}

#[test]
fn a_huge_frame_and_a_message_that_makes_no_sense_end_the_connection() {
    for bytes in [&[b'o', 255, 255, 255, 255][..], &[b'x', 1, 0, 0, 0, b'!']] {
        let end = with(
            |door| {
                let mut holder = door.greet();
                holder.write(bytes);
                holder.hear();
            },
            |connection| connection.unwrap().receive(Some(PATIENCE)).unwrap_err(),
        );
        assert!(matches!(end, TerminalError::Silent { .. }), "{end}");
    }
}

#[test]
fn nothing_comes_in_time_is_an_answer_too() {
    with(
        |door| assert_eq!(door.greet().hear(), None),
        |connection| {
            assert_eq!(connection.unwrap().receive(Some(Duration::from_millis(1))).unwrap(), None);
        },
    );
}

#[test]
fn what_was_said_before_the_holder_went_is_heard() {
    with(
        |door| {
            let mut holder = door.greet();
            holder.print("last words");
            holder.say(&FromHolder::Exit(EXITED));
        },
        |connection| {
            let mut connection = connection.unwrap();
            let mut next = || connection.receive(Some(PATIENCE));
            assert!(matches!(next().unwrap(), Some(FromHolder::Output { .. })));
            assert_eq!(next().unwrap(), Some(FromHolder::Exit(EXITED)));
            assert!(next().is_err());
        },
    );
}

#[test]
fn an_answer_in_parts_is_one_answer() {
    let long = "wide ".repeat(300_000);
    let answer = with(
        |door| {
            let mut holder = door.greet();
            assert_eq!(holder.hear(), Some(FromClient::Ask(Question::Text)));
            holder.print("which is passed over");
            // A kind from a later version.
            let mut unknown = Vec::new();
            socket::push(&mut unknown, b'~', &[b"new"]);
            holder.write(&unknown);
            holder.say(&FromHolder::Answer { bytes: long.clone().into(), is_last: true });
        },
        |connection| connection.unwrap().ask(Question::Text).unwrap(),
    );
    assert!(long.len() > FRAME_BYTES_MAX);
    assert_eq!(answer, long.as_bytes());
}

#[test]
fn a_field_from_a_later_version_is_passed_over() {
    let json = r#"{"pid": 7, "mood": "bright", "weather": 1}"#;
    let answer = with(
        |door| {
            let mut holder = door.greet();
            holder.hear();
            holder.say(&FromHolder::Answer { bytes: json.into(), is_last: true });
        },
        |connection| connection.unwrap().info().unwrap(),
    );
    assert_eq!(answer, Info { pid: 7, mood: Some(crate::terminal::Mood::Unknown), ..Info::default() });
}

#[test]
fn a_refusal_is_told_with_its_word() {
    let refusal = Refusal { code: "full".to_owned(), message: "16 are attached".to_owned() };
    let refused = with(
        |door| {
            let mut holder = door.greet();
            holder.hear();
            holder.say(&FromHolder::Refused(refusal));
        },
        |connection| connection.unwrap().ask(Question::Info).unwrap_err(),
    );
    assert_eq!(refused.to_string(), "16 are attached");
}

#[test]
fn a_stop_answers_how_it_ended() {
    let stop = Stop { signal: Some(15), grace_ms: 10, shutdown: false };
    let exited = with(
        |door| {
            let mut holder = door.greet();
            assert_eq!(holder.hear(), Some(FromClient::Stop(stop)));
            holder.print("bye");
            holder.say(&FromHolder::Exit(EXITED));
        },
        |connection| connection.unwrap().stop(stop).unwrap(),
    );
    assert_eq!(exited, EXITED);
}

#[test]
fn much_is_sent_to_a_holder_that_reads_slowly() {
    let text = vec![b'x'; 8 << 20];
    let heard = with(
        |door| {
            let mut holder = door.greet();
            let mut heard = 0;
            while let Some(FromClient::Input(bytes)) = holder.hear() {
                heard += bytes.len();
            }
            assert_eq!(heard, 8 << 20);
        },
        |connection| connection.unwrap().send(&FromClient::Input(text)),
    );
    assert!(heard.is_ok());
}
