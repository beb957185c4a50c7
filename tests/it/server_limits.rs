//! What one connection or one token may take of a server: not so much that the others get nothing (SPEC P4, RELIABILITY H2).

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
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
    loop {
        match stream.read(&mut said) {
            Ok(0) => return,
            Ok(_) => (),
            Err(err) => {
                assert_eq!(err.kind(), io::ErrorKind::ConnectionReset, "it is never ended");
                return;
            }
        }
    }
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
    // One says nothing at all, one half a head, one rests after an answer; others never read what they asked for.
    let silent = server.connect();
    let mut half = server.connect();
    half.write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    let mut rests = server.connect();
    rests.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    for stream in [&silent, &half, &rests] {
        until_ended(stream);
    }
    // All places are theirs, and come back although they keep their ends open.
    let greedy: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    for mut stream in &greedy {
        stream.set_nonblocking(true).unwrap();
        // As much as it takes: its answers go nowhere.
        drop(stream.write_all(ask.repeat(400).as_bytes()));
    }
    until(|| server.get("/healthz").status == 200);
    drop(greedy);
}

#[test]
fn a_terminal_that_nobody_reads_is_given_up() {
    let space = Workspace::with_sessions(1);
    set(&space, "stall_timeout = 3\n");
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
    let space = Workspace::with_sessions(2);
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
    // Nor does it take the share of another session.
    server.done("POST", "/api/v1/sessions/s2/start", &json!({"command": ["cat"]}));
    let other = fs::read_to_string(space.socket("s2").with_extension("token")).unwrap();
    let bearer = format!("Bearer {other}");
    let token = ("authorization", bearer.as_str());
    assert_eq!(server.ask("PATCH", "/api/v1/sessions/s2", &[token, JSON], "{}").status, 200);
    drop((shown, heard));
}

#[test]
fn commands_that_wait_hold_up_neither_the_list_nor_a_stop() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let body = json!({"command": "sleep 1000", "timeoutMs": 20_000}).to_string();
    let token = server.bearer();
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let head = server.request("POST", "/api/v1/sessions/s1/exec", &headers, &body);
    let ask = || {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    // One runs, the others wait for it, and what is more than a server has room for hears so.
    let waiting: Vec<TcpStream> = (0..40).map(|_| ask()).collect();
    until(|| {
        waiting.iter().any(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            let mut said = [0; 512];
            let count = stream.read(&mut said).unwrap_or_default();
            String::from_utf8_lossy(&said[..count]).starts_with("HTTP/1.1 503")
        })
    });
    assert_eq!(server.get("/api/v1/sessions?changes=true").status, 200);
    assert_eq!(server.get("/api/v1/sessions/s1/history").status, 503);
    server.done("POST", "/api/v1/sessions/s1/stop", &json!({"timeoutMs": 0}));
    drop(waiting);
}

#[test]
fn wrong_words_keep_nobody_out_who_has_a_right_one() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let own = fs::read_to_string(space.socket("s1").with_extension("token")).unwrap();
    let bearer = format!("Bearer {own}");
    let guessed = server.pipelined("GET /api/v1/open/x", "", 200);
    assert!(
        guessed.contains("http/1.1 410") && guessed.contains("http/1.1 429"),
        "a code is not found by trying"
    );
    let status =
        |bearer: &str| server.ask("GET", "/api/v1/sessions", &[("authorization", bearer)], "").status;
    assert_eq!(status("Bearer x"), 401, "codes count apart");
    let wrong = format!("authorization: Bearer {}", "0".repeat(64));
    thread::scope(|scope| {
        let guessing = scope.spawn(|| server.pipelined("GET /api/v1/sessions", &wrong, 2_000));
        until(|| status("Bearer x") == 429);
        for _ in 0..20 {
            assert_eq!(status(&bearer), 200);
        }
        assert!(guessing.join().unwrap().contains("http/1.1 429"));
    });
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
    let enough = AtomicBool::new(false);
    // Each knocks again and again, so that all of them do at some moment, on however slow a machine.
    let ask = || {
        loop {
            let refused = server.try_terminal(path, &[("authorization", &bearer)]).err();
            if refused != Some(503) || enough.load(Ordering::SeqCst) {
                return refused;
            }
        }
    };
    thread::scope(|scope| {
        let refused: Vec<_> = (0..80).map(|_| scope.spawn(ask)).collect();
        let _enough = Enough(&enough);
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
        enough.store(true, Ordering::SeqCst);
        for one in refused {
            assert_eq!(one.join().unwrap(), Some(503));
        }
        until(|| places() == 0);
    });
    drop((waiting, continued));
}

/// Tells those who go on that it is enough, also after a failure.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
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

#[test]
fn what_a_server_starts_is_allowed_no_more_open_files_than_elsewhere() {
    let space = Workspace::with_sessions(1);
    let serve = space.command();
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 512; exec \"$0\" serve --listen 127.0.0.1:0 --json"])
        .arg(serve.get_program());
    command.env_clear().current_dir(space.root());
    command.envs(serve.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let server = Server::begin(command);
    let own = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let is_raised = |line: &str| line.split_whitespace().nth(3).is_some_and(|soft| soft != "512");
    assert!(own.lines().any(|line| line.starts_with("Max open files") && is_raised(line)), "{own}");
    let told = server.done("POST", "/api/v1/sessions/s1/exec", &json!({"command": "ulimit -Sn"}));
    assert_eq!(told["stdout"], "512\n");
}
