//! What one connection or one token may take of a server: not so much that the others get nothing (SPEC P4, RELIABILITY H2).

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{
    Workspace,
    http::{Server, until},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A server with these settings of its user.
fn set(space: &Workspace, text: &str) {
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), format!("[server]\n{text}")).unwrap();
}

/// Waits until the other side ends a connection, whatever it says before.
fn until_ended(mut stream: &TcpStream) {
    let mut said = [0; 4_096];
    while stream.read(&mut said).is_ok_and(|count| count > 0) {}
}

#[test]
fn who_says_nothing_or_reads_nothing_loses_its_place() {
    let space = Workspace::with_sessions(1);
    set(&space, "connections = 8\nstall_timeout = 1\n");
    let server = Server::of(&space);
    let ask = format!(
        "GET /openapi.json HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\n\r\n",
        server.at,
        server.bearer()
    );
    // One says nothing at all, one half a head, one rests after an answer, the others never read what they asked for.
    let silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    let mut rests = server.connect();
    rests.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let greedy: Vec<TcpStream> = (0..5).map(|_| server.connect()).collect();
    for mut stream in &greedy {
        stream.set_nonblocking(true).unwrap();
        // As much as it takes: its answers go nowhere.
        drop(stream.write_all(ask.repeat(400).as_bytes()));
    }
    for stream in [&silent, &half, &rests] {
        until_ended(stream);
    }
    let all: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    until(|| server.get("/healthz").status == 200);
    drop((all, greedy));
}

#[test]
fn a_terminal_that_nobody_reads_is_given_up() {
    let space = Workspace::with_sessions(1);
    set(&space, "stall_timeout = 1\n");
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["yes", "a long line ".repeat(20)]}));
    let reads = server.terminal("/api/v1/sessions/s1/terminal", "observe");
    let counted = |count: usize| server.get("/metrics").body.contains(&format!("wharf_terminals {count}\n"));
    assert!(counted(1));
    until(|| counted(0));
    drop(reads);
    assert_eq!(server.get("/api/v1/sessions/s1").json()["running"], true);
}

#[test]
fn a_token_of_a_session_leaves_something_to_the_full_one() {
    let space = Workspace::with_sessions(1);
    set(&space, "terminals = 4\nevents = 4\nchanges_per_second = 1\n");
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let own = fs::read_to_string(space.socket("s1").with_extension("token")).unwrap();
    let bearer = format!("Bearer {own}");
    let token = ("authorization", bearer.as_str());
    let path = "/api/v1/sessions/s1/terminal";
    let shown: Vec<_> = (0..3).map(|_| server.try_terminal(path, &[token]).unwrap()).collect();
    assert_eq!(server.try_terminal(path, &[token]).err(), Some(503));
    server.terminal(path, "observe").until(b's');
    let heard: Vec<_> = (0..3).map(|_| server.events(&own, None)).collect();
    let one_more = server.ask("GET", "/api/v1/events", &[token], "");
    assert_eq!((one_more.status, one_more.json()["code"].as_str()), (503, Some("BUSY")));
    drop(server.events(&server.token, None));
    until(|| server.ask("PATCH", "/api/v1/sessions/s1", &[token, JSON], "{}").status == 429);
    server.done("PATCH", "/api/v1/sessions/s1", &json!({"phase": "not held up"}));
    drop((shown, heard));
}

#[test]
fn a_holder_that_takes_nobody_holds_up_only_those_who_want_it() {
    let space = Workspace::with_sessions(2);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let peer = UnixStream::connect(space.socket("s1")).unwrap();
    let holder = rustix::net::sockopt::socket_peercred(&peer).unwrap().pid;
    let continued = Continued(holder);
    kill_process(holder, Signal::STOP).unwrap();
    // Until nobody more can even wait to be let in.
    let mut waiting = Vec::new();
    while let Some(stream) = knock(&space) {
        waiting.push(stream);
    }
    let (path, bearer) = ("/api/v1/sessions/s1/terminal", server.bearer());
    let ask = || server.try_terminal(path, &[("authorization", &bearer)]).err();
    thread::scope(|scope| {
        let refused: Vec<_> = (0..80).map(|_| scope.spawn(ask)).collect();
        let places = || {
            let counted = server.get("/metrics").body;
            let line =
                counted.lines().find_map(|line| line.strip_prefix("wharf_terminals ")).unwrap().to_owned();
            line.parse::<usize>().unwrap()
        };
        // More than there are threads that may wait for something.
        until(|| places() > 64);
        space.run(["phase", "s2", "seen"]).succeeds();
        assert_eq!(server.get("/api/v1/sessions/s2").json()["currentPhase"], "seen");
        for one in refused {
            assert_eq!(one.join().unwrap(), Some(503));
        }
        until(|| places() == 0);
    });
    drop((waiting, continued));
}

/// Goes on at the end, also after a failure.
struct Continued(Pid);

impl Drop for Continued {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).unwrap();
    }
}

/// A connection to a holder that may not accept it; none when there is no room for one that waits.
fn knock(space: &Workspace) -> Option<rustix::fd::OwnedFd> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    let path = space.sockets().pop().unwrap();
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
    connect(&socket, &SocketAddrUnix::new(&path).unwrap()).ok()?;
    Some(socket)
}
