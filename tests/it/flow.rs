//! What holds up where: output that a person stopped, a paste that nobody reads, and control that goes to another in its
//! middle.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs,
    time::{Duration, Instant},
};

use wharf::{
    screen::{Screen, Size},
    terminal::{Attach, Connection, FromClient, FromHolder, Info, PROTOCOL, Question, Role},
};

use crate::support::{
    Workspace,
    pty::{PATIENCE, Terminal},
};

const STOP_OUTPUT: &str = "\x13";
const GO_ON: &str = "\x11";

fn open(space: &Workspace) -> Connection {
    Connection::open(&space.socket("s1")).unwrap()
}

fn attached(space: &Workspace, role: Role) -> Connection {
    let mut client = open(space);
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    until(&mut client, |message| matches!(message, FromHolder::Snapshot { is_last: true, .. }));
    client
}

#[track_caller]
fn until(client: &mut Connection, mut is_it: impl FnMut(FromHolder) -> bool) {
    while !is_it(client.receive(Some(PATIENCE)).unwrap().expect("it comes in time")) {}
}

fn info(space: &Workspace) -> Info {
    serde_json::from_slice(&open(space).ask(Question::Info).unwrap()).unwrap()
}

/// Waits until something is told of the session.
#[track_caller]
fn until_told(space: &Workspace, what: &str, is_so: impl Fn(&Info) -> bool) -> Info {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let info = info(space);
        if is_so(&info) {
            return info;
        }
        assert!(Instant::now() < deadline, "{what}: {info:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn output_that_a_person_stops_stands_still_and_holds_up_nothing_else() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "while :; do echo tick; done"]).succeeds();
    let mut terminal = Terminal::run(&space, &["attach", "s1"]);
    terminal.until("tick");
    for _ in 0..2 {
        terminal.type_in(STOP_OUTPUT);
        let deadline = Instant::now() + PATIENCE;
        let stopped = loop {
            terminal.look_on(Duration::from_millis(20));
            let told = info(&space);
            if told.silent_ms > 300 {
                break told;
            }
            assert!(Instant::now() < deadline, "it goes on: {told:?}");
        };
        let mut other = Terminal::run(&space, &["attach", "s1", "--observe"]);
        other.until("tick");
        other.type_in("\x1c");
        assert_eq!(other.ends().code(), Some(0));
        space.run(["screen", "s1"]).succeeds().says("tick");
        assert_eq!(info(&space).output, stopped.output);
        terminal.type_in(GO_ON);
        let deadline = Instant::now() + PATIENCE;
        while info(&space).output < stopped.output + 100_000 {
            terminal.look_on(Duration::from_millis(20));
            assert!(Instant::now() < deadline, "it does not go on");
        }
    }
    terminal.type_in(STOP_OUTPUT);
    let mut stop = space.spawn(["stop", "s1", "--timeout", "2s"]);
    assert!(terminal.ends().code().is_some());
    assert!(stop.wait().unwrap().success());
    assert_ne!(space.json(["show", "s1"])["status"], "active");
}

/// A session whose program reads nothing until there is a file, and then all of it into another.
fn reader(space: &Workspace) {
    let program = "stty raw -echo; echo begun; until [ -e go ]; do sleep 0.02; done; exec cat >typed";
    space.run(["start", "s1", "--", "sh", "-c", program]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
}

/// Waits until all that is to be typed has arrived.
#[track_caller]
fn until_typed(space: &Workspace, is_all: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let typed = fs::read(space.worktree("s1").join("typed")).unwrap_or_default();
        if is_all(&typed) {
            return typed;
        }
        assert!(Instant::now() < deadline, "not all that was typed arrives");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_paste_that_control_is_taken_from_ends_there_and_every_byte_is_in_its_place() {
    let space = Workspace::with_sessions(1);
    reader(&space);
    let mut first = attached(&space, Role::Control);
    let piece = |number: usize| format!("{number:07} ").repeat(2_000).into_bytes();
    for number in 0..40 {
        first.send(&FromClient::Input(piece(number))).unwrap();
    }
    // Some of it fills the terminal, the rest waits in the holder: nobody reads yet.
    let mut second = attached(&space, Role::Take);
    for number in 40..80 {
        first.send(&FromClient::Input(piece(number))).unwrap();
    }
    // Its pieces were refused before it was told of this.
    first.send(&FromClient::Ask(Question::Info)).unwrap();
    let (mut was_told, mut refused) = (false, 0);
    loop {
        match first.receive(Some(PATIENCE)).unwrap().expect("it is told") {
            FromHolder::Status(status) => was_told |= !status.controls,
            FromHolder::Refused(refusal) => {
                assert_eq!(refusal.code, "not-control");
                refused += 1;
            }
            FromHolder::Answer { is_last: true, .. } => break,
            _ => (),
        }
    }
    assert!(was_told);
    assert!((40..80).contains(&refused), "{refused} pieces were refused");
    second.send(&FromClient::Input(b"from the second".to_vec())).unwrap();
    let mut wanted: Vec<u8> = (0..80 - refused).flat_map(piece).collect();
    wanted.extend(b"from the second");

    fs::write(space.worktree("s1").join("go"), "").unwrap();
    let typed = until_typed(&space, |typed| typed.len() >= wanted.len());
    assert!(typed == wanted, "what arrives is not what was typed");
}

#[test]
fn a_person_from_whom_control_is_taken_in_a_paste_is_told_and_its_beginning_is_whole() {
    let space = Workspace::with_sessions(1);
    reader(&space);
    let mut first = Terminal::run(&space, &["attach", "s1"]);
    first.until("begun");
    let paste = (0..40_000).map(|number| format!("{number:07} ")).collect::<Vec<_>>().concat();
    let (half, rest) = paste.split_at(paste.len() / 2);
    first.type_in(half);
    let mut second = Terminal::run(&space, &["attach", "s1", "--take"]);
    second.until("begun");
    first.until_raw("somebody else has taken control");
    first.type_in(rest);
    second.type_in("from-the-second");
    fs::write(space.worktree("s1").join("go"), "").unwrap();
    let typed = until_typed(&space, |typed| typed.ends_with(b"from-the-second"));
    let typed = String::from_utf8(typed).unwrap();
    let pasted = typed.strip_suffix("from-the-second").unwrap();
    assert!(paste.starts_with(pasted), "a part is missing, double or elsewhere");
    // What nobody had read of it when control went is not typed for somebody who has none.
    assert!(pasted.len() > half.len() - (64 << 10), "{} of {} bytes", pasted.len(), half.len());
    for person in [&mut first, &mut second] {
        person.type_in("\x1c");
        assert_eq!(person.ends().code(), Some(0));
    }
}

/// Many who are not attached type, until one is refused.
fn until_refused(space: &Workspace) -> Vec<Connection> {
    let mut others = Vec::new();
    loop {
        let mut other = open(space);
        other.send(&FromClient::Input(vec![b'y'; 1 << 19])).unwrap();
        if let Some(FromHolder::Refused(refusal)) = other.receive(Some(Duration::from_millis(50))).unwrap() {
            assert_eq!(refusal.code, "not-read");
            return others;
        }
        others.push(other);
        assert!(others.len() < 60, "everybody may type without end");
    }
}

#[test]
fn nothing_that_whoever_controls_types_is_lost_where_others_are_refused() {
    let space = Workspace::with_sessions(1);
    reader(&space);
    let others = until_refused(&space);
    let mut wanted = Vec::new();
    let mut clients = Vec::new();
    for byte in [b'a', b'b'] {
        let mut client = attached(&space, Role::Take);
        client.send(&FromClient::Input(vec![byte; 1 << 19])).unwrap();
        wanted.extend(vec![byte; 1 << 19]);
        clients.push(client);
    }
    fs::write(space.worktree("s1").join("go"), "").unwrap();
    let typed = until_typed(&space, |typed| typed.ends_with(&wanted));
    let before = typed.strip_suffix(&*wanted).unwrap();
    assert!(before.len() >= 8 << 20 && before.iter().all(|byte| *byte == b'y'), "{}", before.len());
    drop((others, clients));
}

/// What a program prints until its last line; nothing where a part of it was left out.
fn read_to_the_end(reader: &mut Connection) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n300000\r\n") {
        match reader.receive(Some(PATIENCE)).unwrap().expect("all of it comes") {
            FromHolder::Output { bytes, .. } => read.extend(bytes),
            FromHolder::Snapshot { .. } => return None,
            _ => (),
        }
    }
    Some(read)
}

#[test]
fn a_small_queue_costs_nobody_anything_who_reads_and_others_get_the_screen_of_now() {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[terminal]\nqueue = 65536\n").unwrap();
    let program = "stty -echo; echo begun; while read -r it && [ $it = go ]; do seq 1 300000; done; exec cat";
    space.run(["start", "s1", "--", "sh", "-c", program]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
    let mut frozen = attached(&space, Role::Observe);
    let wanted = (1..=300_000).map(|number| format!("{number}\r\n")).collect::<Vec<_>>().concat();
    // Two megabytes go past the frozen one. A reader that did not come to read for a moment is left behind by right, but
    // not each time.
    let mut reader = attached(&space, Role::Control);
    let read = (0..5).find_map(|_| {
        reader = attached(&space, Role::Take);
        reader.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
        let read = read_to_the_end(&mut reader);
        until_told(&space, "the program is done", |info| info.silent_ms > 300);
        read
    });
    assert!(
        read.expect("a part is left out for who reads") == wanted.as_bytes(),
        "a part is missing, double or elsewhere"
    );

    let mut kept = 0;
    let shown = loop {
        match frozen.receive(Some(PATIENCE)).unwrap().expect("the screen comes anew") {
            FromHolder::Output { bytes, .. } => kept += bytes.len(),
            FromHolder::Snapshot { bytes, is_last, .. } => {
                assert!(is_last);
                break bytes;
            }
            _ => (),
        }
    };
    // The queue, and what the socket has room for.
    assert!((65_536 / 2..1 << 20).contains(&kept), "{kept} bytes waited");
    let mut screen = Screen::new(Size::default(), 0);
    screen.feed(&shown);
    assert!(screen.text().trim_end().ends_with("\n300000"), "{}", screen.text());
    // From there on it is like everybody.
    reader.send(&FromClient::Input(b"cat\nwhat is new\n".to_vec())).unwrap();
    until(&mut frozen, |message| match message {
        FromHolder::Output { bytes, .. } => {
            screen.feed(&bytes);
            screen.text().contains("what is new")
        }
        _ => false,
    });
}

#[test]
fn a_paste_of_nine_megabytes_at_a_terminal_is_whole_and_whoever_pasted_it_can_leave() {
    let space = Workspace::with_sessions(1);
    reader(&space);
    let mut terminal = Terminal::run(&space, &["attach", "s1"]);
    terminal.until("begun");
    let paste = (0..9 << 17).map(|number| format!("{number:07} ")).collect::<Vec<_>>().concat();
    let go = || fs::write(space.worktree("s1").join("go"), "").unwrap();
    std::thread::scope(|scope| {
        let person = scope.spawn(|| terminal.type_in(&paste));
        // What the holder does not take for a program that reads nothing, the client does.
        let deadline = Instant::now() + PATIENCE;
        while !person.is_finished() {
            if Instant::now() >= deadline {
                go();
                panic!("nobody takes what is pasted");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    go();
    let typed = until_typed(&space, |typed| typed.len() >= paste.len());
    assert!(typed == paste.as_bytes(), "a part is missing, double or elsewhere");
    // While it may be a part of the paste the key goes to the program.
    let deadline = Instant::now() + PATIENCE;
    while !terminal.has_ended() {
        assert!(Instant::now() < deadline, "whoever pasted is locked in");
        terminal.type_in("\x1c");
        terminal.look_on(Duration::from_millis(50));
    }
    assert_eq!(terminal.ends().code(), Some(0));
}

#[test]
fn a_program_that_reads_nothing_is_seen_taken_and_stopped_however_much_was_typed() {
    let space = Workspace::with_sessions(1);
    reader(&space);
    let mut typist = attached(&space, Role::Control);
    // More than is taken in for a program that reads nothing.
    for _ in 0..3 {
        typist.send(&FromClient::Input(vec![b'x'; 512 << 10])).unwrap();
    }
    space.run(["screen", "s1"]).succeeds().says("begun");
    until_told(&space, "it is controlled", |info| info.is_controlled);
    drop(attached(&space, Role::Take));
    let others = until_refused(&space);
    assert!(others.len() > 5, "each may type once more: {}", others.len());
    space.run(["stop", "s1", "--timeout", "1s"]).succeeds();
    assert_ne!(space.json(["show", "s1"])["status"], "active");
}
