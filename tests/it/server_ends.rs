//! How a server refuses what it cannot take: while it ends, while its sessions cannot be read, what is too long, too slow, or
//! somebody else's.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    process::Command,
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::json;
use wharf::limits::FRAME_BYTES_MAX;

use crate::support::{
    STATE, Workspace,
    http::{Server, until},
    means,
};

const SOMEBODY: u32 = 12_345;

#[test]
fn it_is_not_ready_while_the_sessions_cannot_be_read() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let ready = || server.ask("GET", "/readyz", &[], "");
    assert_eq!(ready().status, 200);
    let state = fs::read(space.path(STATE)).unwrap();
    let replace = |text: &[u8]| {
        fs::write(space.path("new"), text).unwrap();
        fs::rename(space.path("new"), space.path(STATE)).unwrap();
    };
    replace(br#"{"version":"2.0","sessions":[]}"#);
    let answer = ready();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("BUSY")));
    assert!(!answer.body.contains("2.0"), "anybody may ask this");
    assert_eq!(server.get("/api/v1/sessions").json()["code"], "STATE_NEWER");
    assert_eq!(server.ask("GET", "/healthz", &[], "").status, 200, "it is there all the same");
    replace(&state);
    assert_eq!(ready().status, 200);
    assert_eq!(server.get("/api/v1/sessions/s1").status, 200);
}

#[test]
fn it_is_not_ready_when_it_ends() {
    let space = Workspace::new();
    let mut server = Server::of(&space);
    let mut asks = server.connect();
    asks.write_all(b"GET /readyz HTTP/1.1\r\nconnection: close\r\n").unwrap();
    // Connections are taken in their order, so the one before is taken too; and this one hears of the end.
    let mut events = server.events(&server.token, None);
    let ends = thread::spawn(move || server.end(Signal::TERM));
    events.until_ended();
    asks.write_all(b"host: localhost\r\n\r\n").unwrap();
    let said = io::read_to_string(asks).unwrap();
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("the server ends"), "{said}");
    assert_eq!(ends.join().unwrap(), Some(0));
}

#[test]
fn a_message_that_is_too_long_ends_a_terminal_and_reaches_no_program() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let open = || server.terminal("/api/v1/sessions/s1/terminal", "observe");
    // The longest that there may be is heard, and refused by its own rule.
    let mut longest = open();
    longest.until(b's');
    longest.say(b'I', &vec![b'x'; FRAME_BYTES_MAX]);
    longest.until(b'e');
    longest.attach("take");
    longest.until(b's');
    let mut longer = open();
    longer.until(b's');
    longer.attach("take");
    longer.until(b's');
    longer.say(b'I', &vec![b'x'; FRAME_BYTES_MAX + 1]);
    longer.until_closed();
    until(|| server.get("/metrics").body.contains("wharf_terminals 1\n"));
    longest.attach("take");
    longest.until(b's');
    longest.say(b'I', b"typed\r");
    longest.until_shown("typed\r\ntyped");
    assert!(!server.get("/api/v1/sessions/s1/screen").body.contains("xx"));
}

#[test]
fn a_body_that_comes_too_slowly_is_not_waited_for() {
    let space = Workspace::with_sessions(1);
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "[server]\nstall_timeout = 1\n").unwrap();
    let server = Server::of(&space);
    let mut asks = server.connect();
    let head = format!(
        "PATCH /api/v1/sessions/s1 HTTP/1.1\r\nhost: {}\r\nauthorization: {}\r\ncontent-type: application/json\r\n\
         content-length: 1000000\r\nconnection: close\r\n\r\n{{\"phase\": \"",
        server.at,
        server.bearer()
    );
    asks.write_all(head.as_bytes()).unwrap();
    let mut drips = asks.try_clone().unwrap();
    // It never rests, and never comes to an end.
    let dripping = thread::spawn(move || {
        while drips.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let said = io::read_to_string(&asks).unwrap_or_default();
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("TOO_SLOW"), "{said}");
    drop(asks.shutdown(std::net::Shutdown::Both));
    dripping.join().unwrap();
    assert!(space.json(["show", "s1"])["currentPhase"].is_null());
}

/// Asks at a socket, and prints what it hears.
const ASKS: &str = r#"
    $SIG{ALRM} = sub { exit 1 }; alarm 60; $SIG{PIPE} = "IGNORE";
    socket(S, PF_UNIX, SOCK_STREAM, 0) or die; connect(S, sockaddr_un($ARGV[0])) or die "cannot connect: $!";
    print "connected\n";
    syswrite(S, "GET /api/v1/sessions/s1 HTTP/1.1\r\nhost: localhost\r\nauthorization: $ENV{BEARER}\r\nconnection: close\r\n\r\n");
    while (sysread(S, $b, 4096)) { print $b }
"#;

/// The file mode keeps others out; where somebody opened that, the kernel still says who it is.
#[test]
fn another_user_is_not_talked_to_at_the_socket() {
    if !means::root() {
        return;
    }
    let space = Workspace::with_sessions(1);
    fs::set_permissions(space.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = space.path("server.sock");
    let server = Server::with(&space, &["--unix", path.to_str().unwrap()]);
    let ask = |uid: u32| {
        let mut perl = Command::new("perl");
        perl.args(["-MSocket", "-e", ASKS]).arg(&path).env("BEARER", server.bearer()).uid(uid).gid(uid);
        let output = perl.current_dir("/").output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let Some(own) = ask(0) else {
        means::left_out("there is no perl");
        return;
    };
    assert!(own.starts_with("connected\nHTTP/1.1 200"), "{own}");
    assert_eq!(ask(SOMEBODY).unwrap(), "", "the mode keeps it out");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(ask(SOMEBODY).unwrap(), "connected\n", "also with the token");
    assert_eq!(server.get("/api/v1/sessions/s1").status, 200);
}
