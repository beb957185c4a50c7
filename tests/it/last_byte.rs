//! What a program prints last before it ends arrives, every time.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use wharf::terminal::{Attach, Connection, FromClient, FromHolder, PROTOCOL, Role};

use crate::support::{Workspace, frame, processes};

const LIMIT: Duration = Duration::from_secs(30);
const SCRIPT: &str = "read go; seq -f 'some words in a row %g' 15000; printf the-last-word";
const SESSIONS: usize = 4;
const ROUNDS: usize = 25;

/// What is shown from the attachment to the end of the program.
fn all_output(client: &mut Connection) -> Vec<u8> {
    let role = Role::Control;
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    client.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    until_exit(client)
}

/// What is shown from now on to the end of the program.
fn until_exit(client: &mut Connection) -> Vec<u8> {
    let mut output = Vec::new();
    loop {
        match client.receive(Some(LIMIT)).unwrap().expect("the holder says something") {
            FromHolder::Output { bytes, .. } => output.extend(bytes),
            FromHolder::Snapshot { bytes, .. } => output = bytes,
            FromHolder::Exit(_) => return output,
            _ => (),
        }
    }
}

#[test]
fn the_last_byte_before_an_exit_arrives_a_hundred_times_of_a_hundred() {
    let space = Workspace::with_sessions(SESSIONS);
    thread::scope(|scope| {
        for number in 1..=SESSIONS {
            let space = &space;
            scope.spawn(move || {
                let name = format!("s{number}");
                for round in 0..ROUNDS {
                    space.run(["start", &name, "--", "sh", "-c", SCRIPT]).succeeds();
                    let mut client = Connection::open(&space.socket(&name)).unwrap();
                    let output = all_output(&mut client);
                    // Whoever was behind is shown a picture, in which the place of the cursor follows.
                    let tail = String::from_utf8_lossy(&output[output.len().saturating_sub(400)..]);
                    assert!(tail.contains("the-last-word"), "{name}, round {round}: {tail:?}");
                }
            });
        }
    });
}

#[test]
fn who_missed_something_is_shown_the_last_screen_before_the_end() {
    let space = Workspace::with_sessions(1);
    // More than may wait for one client.
    space.run(["start", "s1", "--", "sh", "-c", "read go; seq 1 400000; printf the-last-word"]).succeeds();
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let role = Role::Control;
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    client.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    // It reads again when the program is no more.
    let deadline = Instant::now() + LIMIT;
    while !processes::marked(&id).is_empty() {
        assert!(Instant::now() < deadline, "the program does not end");
        thread::sleep(Duration::from_millis(2));
    }
    let output = until_exit(&mut client);
    assert!(String::from_utf8_lossy(&output).contains("the-last-word"));
}

#[test]
fn what_was_shown_is_on_the_disk_when_the_holder_has_answered() {
    let space = Workspace::with_sessions(1);
    // Without a pause around it, so that it waits for the disk.
    let more = "n=0; while [ $n -lt 3000 ]; do n=$((n + 1)); echo .; done";
    let script = format!("stty -echo; while read -r line; do seq 9000; echo mark $line; {more}; done");
    space.run(["start", "s1", "--", "sh", "-c", &script]).succeeds();
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let role = Role::Control;
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let log = space.path(&format!(".wharf/sessions/{id}/output.log"));
    for round in 0..10 {
        let mark = format!("mark {round}");
        client.send(&FromClient::Input(format!("{round}\n").into_bytes())).unwrap();
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(&mark) {
            if let FromHolder::Output { bytes, .. } = client.receive(Some(LIMIT)).unwrap().unwrap() {
                seen.extend(bytes);
            }
        }
        client.info().unwrap();
        assert!(fs::read_to_string(&log).unwrap().contains(&mark), "{mark}");
    }
}

#[test]
fn who_knocks_while_the_end_is_written_down_is_shown_it() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "read go; echo the-last-word"]).succeeds();
    let socket = space.socket("s1");
    let mut typist = Connection::open(&socket).unwrap();
    let role = Role::Control;
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    typist.send(&FromClient::Attach(attach)).unwrap();
    let lock = fs::File::open(space.path(".claude-container-sessions.lock")).unwrap();
    lock.lock().unwrap();
    typist.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    // From when its note is gone on, the holder waits for the table and listens to nobody.
    let (note, deadline) = (socket.with_extension("holder"), Instant::now() + LIMIT);
    while note.exists() {
        assert!(Instant::now() < deadline, "the end is not written down");
        thread::sleep(Duration::from_millis(5));
    }
    let mut late = frame::knock(&socket);
    frame::say(&mut late, b'A', br#"{"protocol":2,"role":"observe","rows":24,"cols":80,"scrollback":0}"#);
    drop(lock);
    let (mut kinds, mut shown) = (Vec::new(), Vec::new());
    while let Some((kind, payload)) = frame::hear(&mut late) {
        kinds.push(kind);
        if kind == b's' {
            shown = payload;
        }
    }
    assert_eq!((kinds.first(), kinds.last()), (Some(&b'h'), Some(&b'x')), "{}", kinds.escape_ascii());
    assert!(String::from_utf8_lossy(&shown).contains("the-last-word"));
}
