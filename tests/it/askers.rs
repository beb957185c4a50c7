//! Who asks a holder and does not listen to the answers.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::Workspace;

const LIMIT: Duration = Duration::from_secs(30);
/// The question for the screen cell by cell, which has the longest answer.
const ASK: &[u8] = b"Q\x07\0\0\0\"cells\"";
/// Far more than the 1 MiB that may wait for one client, and far less than its answers would be.
const RESIDENT_KIB_MAX: u64 = 32 << 10;

fn resident_kib(pid: u64) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn who_asks_without_end_and_never_reads_is_let_go() {
    is_let_go(ASK);
}

#[test]
fn who_attaches_without_end_and_never_reads_is_let_go() {
    let attach = br#"{"protocol":1,"role":"observe","rows":24,"cols":80,"scrollback":10000}"#;
    let length = u32::try_from(attach.len()).unwrap().to_le_bytes();
    is_let_go(&[b"A", &length[..], attach].concat());
}

#[test]
fn who_is_refused_without_end_and_never_reads_is_let_go() {
    is_let_go(b"K\x01\0\0\x000");
}

fn is_let_go(words: &[u8]) {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "seq 20000; exec cat"]).succeeds();
    space.run(["wait", "s1", "--for", "text:20000", "--timeout", "30s"]).succeeds();
    let holder = space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap();
    let mut asker = UnixStream::connect(space.socket("s1")).unwrap();
    asker.set_write_timeout(Some(LIMIT)).unwrap();
    let begun = Instant::now();
    let refused = loop {
        match asker.write_all(words) {
            Ok(()) => assert!(begun.elapsed() < LIMIT, "it is listened to without end"),
            Err(err) => break err.kind(),
        }
    };
    assert!(matches!(refused, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{refused}");
    let resident = resident_kib(holder);
    assert!(resident < RESIDENT_KIB_MAX, "{resident} KiB");
    // Others are served as before.
    space.run(["send", "s1", "still here", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:still here", "--timeout", "10s"]).succeeds();
}

#[test]
fn a_crowd_larger_than_a_holder_can_open_keeps_nobody_out() {
    let space = Workspace::with_sessions(1);
    let mut shell = Command::new("sh");
    for (key, value) in space.command().get_envs() {
        match value {
            Some(value) => shell.env(key, value),
            None => shell.env_remove(key),
        };
    }
    let wharf = space.command().get_program().to_owned();
    shell.args(["-c", "ulimit -n 40; exec \"$0\" start s1 -- cat"]).arg(wharf).current_dir(space.root());
    assert!(shell.stdout(Stdio::null()).status().unwrap().success());
    let crowd: Vec<UnixStream> =
        (0..60).filter_map(|_| UnixStream::connect(space.socket("s1")).ok()).collect();
    assert_eq!(crowd.len(), 60);
    space.run(["send", "s1", "typed in a crowd", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:typed in a crowd", "--timeout", "10s"]).succeeds();
}
