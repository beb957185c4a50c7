use std::{io, time::Duration};

use crate::{
    clock::Timestamp,
    interpreter::Interpreters,
    limits::ShellLimits,
    shell::{
        Done, Finish, Order, Place, ShellError, Stream, Summary, answer,
        launch::told,
        message::{Exec, FromCaller, FromHolder, Hello, How, Info, Outcome, Refusal},
        read_order,
    },
    socket::Frames,
    text,
};

const ID: &str = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";

fn order() -> Order {
    let mut interpreters = Interpreters::builtin();
    let bash = interpreters.find("bash").unwrap().entry().clone();
    interpreters.define("own", bash).unwrap();
    let limits = ShellLimits {
        live_max: 1,
        save_interval: Duration::from_millis(2),
        time_limit: None,
        idle_max: Some(Duration::from_millis(3)),
        output_kept_max: 4,
        log_bytes_max: 5,
        state_bytes_max: 6,
        callers_max: 7,
    };
    let place = Place {
        id: ID.parse().unwrap(),
        name: "auth".parse().unwrap(),
        workspace: "/workspace".into(),
        worktree: "/workspace/.worktrees/ü".into(),
        limits,
    };
    Order { place, interpreters, interpreter: "own".to_owned() }
}

#[test]
fn an_order_arrives_as_it_was_given() {
    assert_eq!(read_order(&*told(&order())), Some(order()));
}

#[test]
fn what_is_no_order_is_not_taken() {
    for text in ["", "{}", "null", "{\"id\":\"../..\"}"] {
        assert_eq!(read_order(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn every_error_arrives_as_what_it_was() {
    let words = || "ü\n".to_owned();
    let denied = || io::Error::from_raw_os_error(13);
    let errors = [
        ShellError::Nul,
        ShellError::TooLong { limit: 3 },
        ShellError::Crowded { limit: 4 },
        ShellError::Full { limit: 5 },
        ShellError::Busy,
        ShellError::NoInterpreter { name: words() },
        ShellError::OtherInterpreter { has: words(), wants: "b".to_owned() },
        ShellError::Interpreter { program: words(), because: "b".to_owned() },
        ShellError::Silent { because: words() },
        ShellError::Locked { path: "/x".into() },
        ShellError::Io { action: "write", path: "/x".into(), source: denied() },
        ShellError::Io { action: "write", path: "/x".into(), source: io::Error::other("no space") },
    ];
    for err in errors {
        let back = Refusal::from(&err).into_error();
        assert_eq!(text::because(&back), text::because(&err));
        assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(&err));
    }
    let newer = Refusal::of("of-a-later-version", "no").into_error();
    assert!(matches!(newer, ShellError::Silent { because } if because == "no"));
}

#[test]
fn the_answer_of_a_holder_is_one_line() {
    assert_eq!(answer(Ok(())), "\"listens\"\n");
    assert_eq!(answer(Err(&ShellError::Busy)).lines().count(), 1);
}

fn summary() -> Summary {
    Summary {
        id: ID.parse().unwrap(),
        name: "auth".to_owned(),
        created: Timestamp::from_unix_millis(1).unwrap(),
        last_accessed: Timestamp::from_unix_millis(2).unwrap(),
        event_count: 3,
        checkpoint_count: 4,
        size: 5,
        interpreter: "bash".to_owned(),
        is_live: true,
    }
}

#[test]
fn every_message_of_a_holder_arrives() {
    let done = Done {
        number: 1,
        code: 2,
        finish: Finish::TimedOut,
        session_ended: true,
        duration: Duration::from_micros(3),
        stdout_bytes: 4,
        stderr_bytes: 5,
        lost: vec!["variable:x".to_owned()],
    };
    let info = Info { pid: 1, is_busy: true, summary: Some((&summary()).into()), ..Info::default() };
    let messages = [
        FromHolder::Hello(Hello { id: ID.to_owned(), ..Hello::default() }),
        FromHolder::Queued,
        FromHolder::Accepted(7),
        FromHolder::Output(Stream::Stdout, vec![0, 255]),
        FromHolder::Output(Stream::Stderr, vec![1]),
        FromHolder::Taken(9),
        FromHolder::Done((&done).into()),
        FromHolder::Info(info.clone()),
        FromHolder::Unloaded,
        FromHolder::Refused(Refusal::of("busy", "no")),
    ];
    let (mut bytes, mut frames) = (Vec::new(), Frames::default());
    for message in &messages {
        message.push(&mut bytes);
    }
    frames.take(&bytes);
    for message in messages {
        assert_eq!(FromHolder::of(frames.next_frame().unwrap().unwrap()), Ok(Some(message)));
    }
    assert_eq!(Done::from(Outcome::from(&done)), done);
    assert_eq!(info.summary.unwrap().summary(), Some(summary()));
}

#[test]
fn every_message_of_a_caller_arrives_and_a_long_one_in_parts() {
    let exec = Exec { protocol: 1, fresh: true, time_limit_ms: Some(2), stdin: true, ..Exec::default() };
    let messages = [
        FromCaller::Text(b"text".to_vec()),
        FromCaller::Exec(exec),
        FromCaller::Stdin(b"in".to_vec()),
        FromCaller::StdinEnd,
        FromCaller::Cancel,
        FromCaller::Info,
        FromCaller::Unload(How::WhenIdle),
    ];
    let (mut bytes, mut frames) = (Vec::new(), Frames::default());
    for message in &messages {
        message.push(&mut bytes);
    }
    frames.take(&bytes);
    for message in messages {
        assert_eq!(FromCaller::of(frames.next_frame().unwrap().unwrap()), Ok(Some(message)));
    }
    let mut bytes = Vec::new();
    FromCaller::Text(vec![b'x'; 3 << 20]).push(&mut bytes);
    frames.take(&bytes);
    let mut length = 0;
    while let Some(frame) = frames.next_frame().unwrap() {
        length += frame.payload.len();
    }
    assert_eq!(length, 3 << 20);
}
