//! Who answers what a program asks its terminal: the terminal that was shown the question, if it can; else the holder.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs,
    time::{Duration, Instant},
};

use wharf::terminal::{Attach, Connection, FromClient, FromHolder, PROTOCOL, Role};

use crate::support::Workspace;

const LIMIT: Duration = Duration::from_mins(1);
/// Asks where the cursor is, in the first column so that the answer is known, and keeps what it is told.
const ASKS: &str = "printf 'asked\\r\\033[6n'; dd bs=32 count=1 of=answer 2>/dev/null; mv answer answered";

/// A session `s1` with a program in it that asks when somebody says so.
fn asking(before: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    let script =
        format!("stty raw -echo min 1 time 0; dd bs=1 count=1 2>/dev/null; {before} {ASKS}; sleep 3000");
    space.run(["start", "s1", "--", "sh", "-c", &script]).succeeds();
    space
}

/// A terminal in a role, after its first screen.
fn terminal(space: &Workspace, role: Role) -> Connection {
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: true };
    client.send(&FromClient::Attach(attach)).unwrap();
    until(&mut client, |message| matches!(message, FromHolder::Snapshot { is_last: true, .. }));
    client
}

fn until(client: &mut Connection, is_it: impl Fn(&FromHolder) -> bool) {
    while !is_it(&client.receive(Some(LIMIT)).unwrap().expect("the holder says something")) {}
}

fn say_go(space: &Workspace) {
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    client.send(&FromClient::Input(b"g".to_vec())).unwrap();
}

/// What the program was told, once.
fn answer(space: &Workspace) -> String {
    let answered = space.worktree("s1").join("answered");
    let deadline = Instant::now() + LIMIT;
    while !answered.exists() {
        assert!(Instant::now() < deadline, "nobody answers");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::read_to_string(answered).unwrap()
}

fn is_question(message: &FromHolder) -> bool {
    match message {
        FromHolder::Output { bytes, .. } => bytes.windows(4).any(|it| it == b"\x1b[6n"),
        _ => false,
    }
}

#[test]
fn the_terminal_of_who_controls_answers_and_nobody_else() {
    let space = asking("");
    let mut client = terminal(&space, Role::Control);
    say_go(&space);
    until(&mut client, is_question);
    client.send(&FromClient::Input(b"the terminal".to_vec())).unwrap();
    assert_eq!(answer(&space), "the terminal");
}

#[test]
fn where_terminals_only_look_on_the_holder_answers() {
    let space = asking("");
    let mut observer = terminal(&space, Role::Observe);
    say_go(&space);
    until(&mut observer, is_question);
    assert_eq!(answer(&space), "\x1b[1;1R");
}

#[test]
fn where_control_was_taken_from_a_terminal_by_no_terminal_the_holder_answers() {
    let space = asking("");
    let taken = terminal(&space, Role::Control);
    let mut other = Connection::open(&space.socket("s1")).unwrap();
    let attach = Attach {
        protocol: PROTOCOL,
        role: Role::Take,
        rows: 24,
        cols: 80,
        scrollback: 0,
        is_terminal: false,
    };
    other.send(&FromClient::Attach(attach)).unwrap();
    say_go(&space);
    assert_eq!(answer(&space), "\x1b[1;1R");
    drop(taken);
}

#[test]
fn what_a_terminal_is_not_shown_the_holder_answers() {
    // More than may wait for one client.
    let space = asking("seq 1 400000;");
    let frozen = terminal(&space, Role::Control);
    say_go(&space);
    assert!(answer(&space).ends_with(";1R"));
    drop(frozen);
}
