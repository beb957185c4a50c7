//! Many clients at once: nobody waits for those who do not read, and nothing is left when they are gone.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

use crate::support::{
    Workspace,
    http::{Server, until},
    live::Terminal,
};

/// The most memory that it may have with all of them, in KiB; a program that is built for tests needs more.
const RESIDENT_KIB_MAX: u64 = 160 << 10;

/// How many sessions there are in the largest test, and how many look at each without and with reading.
const SESSIONS: usize = 4;
const SLOW: usize = 25;
const FAST: usize = 25;

/// This process holds the other end of every connection.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

fn roomy(settings: &str) -> Workspace {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), settings).unwrap();
    space
}

#[test]
fn a_thousand_clients_connect_and_leave_nothing() {
    raise_open_files();
    let space = roomy("[server]\nclients = \"shared\"\nchanges_per_second = 10000\n");
    let server = Server::of(&space);
    let before = server.descriptors();
    let mut clients: Vec<TcpStream> = (0..1_000).map(|_| server.connect()).collect();
    let head = format!("host: {}\r\nauthorization: {}\r\n", server.at, server.bearer());
    let register = format!(
        "POST /api/v1/clients HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    for client in &mut clients {
        client.write_all(register.as_bytes()).unwrap();
    }
    for client in &mut clients {
        client
            .write_all(format!("GET /api/v1/sessions HTTP/1.1\r\n{head}connection: close\r\n\r\n").as_bytes())
            .unwrap();
    }
    assert!(server.get("/api/v1/sessions").status == 200, "one more is answered while they wait");
    for (number, client) in clients.iter_mut().enumerate() {
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert!(said.contains("\"name\":\"global\""), "client {number}: {said}");
        assert!(said.contains("global-session"), "client {number}: {said}");
    }
    let resident = server.resident();
    assert!(resident < RESIDENT_KIB_MAX, "{resident} KiB");
    drop(clients);
    server.until_descriptors(before + 2);
    assert_eq!(space.names(), ["global"]);
}

#[test]
fn more_connections_than_there_may_be_are_turned_away_and_the_others_go_on() {
    raise_open_files();
    let space = roomy("");
    let user = space.home().join(".config/wharf");
    fs::create_dir_all(&user).unwrap();
    fs::write(user.join("config.toml"), "[server]\nconnections = 20\n").unwrap();
    let server = Server::of(&space);
    let silent: Vec<TcpStream> = (0..40).map(|_| server.connect()).collect();
    let mut turned_away = 0;
    for mut stream in silent.iter().rev().take(20) {
        let mut said = [0; 12];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 503");
        turned_away += 1;
    }
    assert_eq!(turned_away, 20);
    drop(silent);
    until(|| server.get("/api/v1/sessions").status == 200);
}

#[test]
fn two_hundred_terminals_and_nobody_waits_for_those_who_do_not_read() {
    raise_open_files();
    let space = roomy("[terminal]\nclients = 100\n[server]\nstall_timeout = 600\n");
    let server = Server::of(&space);
    for number in 0..SESSIONS {
        let start = json!({"name": format!("t{number}"), "start": {"command": ["sh", "-i"]}});
        server.done("POST", "/api/v1/sessions", &start);
    }
    // The log and the repository are open from here on.
    let before = server.descriptors();
    let path = |number: usize| format!("/api/v1/sessions/t{number}/terminal");
    let mut slow: Vec<Terminal> = Vec::new();
    let mut fast: Vec<Terminal> = Vec::new();
    for number in 0..SESSIONS {
        slow.extend((0..SLOW).map(|_| server.terminal(&path(number), "observe")));
        fast.extend((0..FAST).map(|_| server.terminal(&path(number), "observe")));
        for terminal in &mut fast[number * FAST..] {
            terminal.until(b's');
        }
    }
    assert!(server.get("/metrics").body.contains("wharf_terminals 200\n"));
    let text = "seq 400000; echo end-$((40 + 2))";
    for number in 0..SESSIONS {
        let typed = json!({"text": text, "enter": true});
        assert_eq!(server.change("POST", &format!("/api/v1/sessions/t{number}/send"), &typed).status, 204);
    }
    let readers: Vec<_> = fast
        .into_iter()
        .map(|mut terminal| {
            std::thread::spawn(move || {
                // What is not the end is not kept.
                while !terminal.shown.contains("end-42") {
                    terminal.shown = terminal.shown.split_off(terminal.shown.len().saturating_sub(20));
                    for (kind, payload) in terminal.hear().expect("it is open") {
                        if matches!(kind, b'o' | b's') {
                            terminal.shown.push_str(&String::from_utf8_lossy(&payload[8..]));
                        }
                    }
                }
                terminal
            })
        })
        .collect();
    let fast: Vec<Terminal> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert_eq!(server.get("/api/v1/sessions").status, 200);
    let resident = server.resident();
    assert!(resident < RESIDENT_KIB_MAX, "{resident} KiB");
    // More than any buffer on the way takes. Who reads at last gets the screen as it is, not all that it missed.
    let last = SESSIONS - 1;
    let typed = json!({"text": "seq 4000000; echo flood-$((40 + 2))", "enter": true});
    assert_eq!(server.change("POST", &format!("/api/v1/sessions/t{last}/send"), &typed).status, 204);
    let screen = format!("/api/v1/sessions/t{last}/screen");
    until(|| server.get(&screen).body.contains("flood-42"));
    let mut late = slow.pop().unwrap();
    let (mut output, mut snapshots) = (0, 0);
    while !late.shown.contains("flood-42") {
        for (kind, payload) in late.hear().expect("it is open") {
            match kind {
                b'o' => output += payload.len(),
                b's' => snapshots += 1,
                _ => continue,
            }
            late.shown = late.shown.split_off(late.shown.len().saturating_sub(20));
            late.shown.push_str(&String::from_utf8_lossy(&payload));
        }
    }
    // It prints 33 MB in all, 3 of them before.
    assert!(snapshots >= 2 && output < 20_000_000, "{snapshots} snapshots and {output} bytes");
    drop((slow, fast, late));
    server.until_descriptors(before + 2);
    until(|| server.get("/metrics").body.contains("wharf_terminals 0\n"));
}
