//! Coming and going a hundred times costs nothing that stays, and what a newer wharf says is understood or named.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Ran, Workspace, processes, pty::Terminal};

const ROUNDS: usize = 100;
/// More than this is a leak, or a holder that gets slower.
const ROUNDS_MAX: Duration = Duration::from_secs(90);
/// What the memory of a holder may differ by, in KiB.
const MEMORY_SLACK_KIB: u64 = 1_024;

fn holder(space: &Workspace) -> u64 {
    space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap()
}

fn descriptors(pid: u64) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn memory_kib(pid: u64) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

#[test]
fn a_hundred_visits_leave_nothing_in_the_holder() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "--norc", "--noprofile"]).succeeds();
    space.run(["send", "s1", "PS1='$ '; seq 500; clear", "--enter"]).succeeds();
    let (pid, begun) = (holder(&space), Instant::now());
    let (mut before, mut memory) = (0, 0);
    for round in 0..ROUNDS {
        let mut terminal = Terminal::run(&space, &["attach", "s1"]);
        terminal.until("$");
        terminal.type_in(&format!("echo round-{round}\r"));
        terminal.until(&format!("\nround-{round}"));
        terminal.type_in("\x1c");
        assert_eq!(terminal.ends().code(), Some(0), "round {round}: {}", terminal.raw());
        if round == ROUNDS / 5 {
            space.until_attached("s1", 0);
            (before, memory) = (descriptors(pid), memory_kib(pid));
        }
    }
    space.until_attached("s1", 0);
    let deadline = Instant::now() + Duration::from_secs(5);
    while descriptors(pid) > before {
        assert!(Instant::now() < deadline, "{} descriptors, {before} before", descriptors(pid));
    }
    let now = memory_kib(pid);
    assert!(now <= memory + MEMORY_SLACK_KIB, "{now} KiB, {memory} before");
    assert_eq!(holder(&space), pid);
    assert!(begun.elapsed() < ROUNDS_MAX, "{:?}", begun.elapsed());
    eprintln!("{ROUNDS} visits: {:?}, {before} descriptors, {memory} then {now} KiB", begun.elapsed());
}

#[test]
fn a_hundred_starts_and_ends_leave_nothing_anywhere() {
    let space = Workspace::with_sessions(1);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    for round in 0..ROUNDS {
        // The next one begins as soon as the last one is told to have ended.
        let verb = if round % 2 == 0 { "start" } else { "restart" };
        space.run([verb, "s1", "--", "sh", "-c", "setsid sleep 3000 & cat"]).succeeds();
        if round % 2 == 1 {
            space.run(["stop", "s1"]).succeeds();
            assert_eq!(processes::marked(&id), Vec::<u32>::new(), "round {round}");
            assert!(space.sockets().is_empty(), "round {round}");
        }
    }
    assert!(begun.elapsed() < ROUNDS_MAX, "{:?}", begun.elapsed());
}

/// A frame as it travels: one byte kind, four bytes length, payload.
fn frame(kind: u8, payload: &str) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.extend(payload.as_bytes());
    bytes
}

fn read_frame(stream: &mut UnixStream) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    let mut payload = vec![0; u32::from_le_bytes(head[1..].try_into().unwrap()) as usize];
    stream.read_exact(&mut payload).unwrap();
    (head[0], payload)
}

#[test]
fn what_a_newer_client_says_beside_is_passed_over() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "cat"]).succeeds();
    let mut stream = UnixStream::connect(space.socket("s1")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(read_frame(&mut stream).0, b'h');
    let attach =
        r#"{"protocol":9,"role":"control","rows":24,"cols":80,"scrollback":0,"mood":{"bright":[1]}}"#;
    for (kind, payload) in [
        (b'~', "\u{1}\u{2} of a kind that nobody knows yet"),
        (b'!', ""),
        (b'A', attach),
        (b'z', "{}"),
        (b'R', r#"{"rows":30,"cols":90,"pixels":[1,2]}"#),
        (b'I', "typed behind all that\n"),
    ] {
        stream.write_all(&frame(kind, payload)).unwrap();
    }
    space.run(["wait", "s1", "--for", "text:typed behind all that", "--timeout", "20s"]).succeeds();
    let screen = space.json(["screen", "s1"]);
    assert_eq!((&screen["rows"], &screen["cols"]), (&30.into(), &90.into()));
    while read_frame(&mut stream).0 != b's' {}
}

#[test]
fn a_holder_that_is_too_new_is_named_and_left_alone() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "cat"]).succeeds();
    let socket = space.socket("s1");
    let kept = socket.with_extension("kept");
    fs::rename(&socket, &kept).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let words = [&["screen", "s1"][..], &["send", "s1", "text"], &["attach", "s1", "--observe"]];
    let (words, newer) = (words.map(<[&str]>::to_vec), listener.try_clone().unwrap());
    let speaker = thread::Builder::new().name("newer holder".to_owned());
    let speaker = speaker.spawn(move || {
        // The last one only ends this.
        while let Ok((mut stream, _)) = newer.accept() {
            let hello = r#"{"protocol":9,"min":8,"id":"","holder":1,"pid":1,"rows":24,"cols":80,"new":true}"#;
            // Who only ends this does not listen.
            drop(stream.write_all(&frame(b'h', hello)));
            if matches!(stream.read(&mut [0; 1]), Ok(1)) {
                break;
            }
        }
    });
    let outputs = words.map(|args| space.command().args(args).arg("--json").output().unwrap());
    UnixStream::connect(&socket).unwrap().write_all(b"!").unwrap();
    speaker.unwrap().join().unwrap();
    for output in outputs {
        let error: Value = Ran { output }.error();
        assert_eq!(error["code"], "UNREACHABLE", "{error}");
        let told = error["message"].as_str().unwrap().contains("its holder speaks protocol 8 to 9");
        assert!(told && error["hint"].as_str().unwrap().contains("wharf restart"), "{error}");
    }
    drop(listener);
    fs::rename(&kept, &socket).unwrap();
    space.run(["send", "s1", "still there", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:still there", "--timeout", "20s"]).succeeds();
}
