//! What many clients at once cost the server: time until all of them have what they asked for, and memory.

use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::ours::{Server, answer, connect, run, until};

/// How often an open page has all worktrees looked at before its memory is measured: ten minutes' worth.
const LOOKS: usize = 60;
/// How many sessions print for the terminals.
const SESSIONS: usize = 4;
/// When what was closed is gone.
const REST: Duration = Duration::from_secs(2);

/// How much memory the server has while it does what an open page has it do: events are waited for, and all is looked at.
pub(super) fn page(server: &Server) -> f64 {
    let events = server.web_socket("/api/v1/events/socket");
    for _ in 0..LOOKS {
        server.body("/api/v1/sessions?limit=200");
        server.body("/api/v1/sessions?changes=true&limit=200");
    }
    thread::sleep(REST);
    let resident = server.resident();
    drop(events);
    resident
}

/// Prints what so many clients cost that register, list, and stay.
pub(super) fn clients(count: usize) {
    raise_open_files();
    let server = Server::begin("[server]\nclients = \"shared\"\nchanges_per_second = 100000\n");
    let before = server.resident();
    let head = format!("host: {}\r\nauthorization: Bearer {}\r\n", server.at, server.token);
    let register = format!(
        "POST /api/v1/clients HTTP/1.1\r\n{head}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    let list = format!("GET /api/v1/sessions HTTP/1.1\r\n{head}\r\n");
    let begun = Instant::now();
    let mut all: Vec<BufReader<TcpStream>> =
        (0..count).map(|_| BufReader::new(connect(&server.at))).collect();
    for request in [register, list] {
        for client in &mut all {
            client.get_mut().write_all(request.as_bytes()).expect("it listens");
        }
        for client in &mut all {
            answer(client);
        }
    }
    let took = begun.elapsed();
    let with = server.resident();
    drop(all);
    thread::sleep(REST);
    println!("| crowd | ms for all | MiB before | MiB with it | MiB after |\n|---|--:|--:|--:|--:|");
    row(&format!("{count} clients register and list"), took, [before, with, server.resident()]);
    run(server.wharf().args(["kill", "global"]));
}

/// Prints what so many terminals cost that are looked on at while their programs print; half of them are not read.
pub(super) fn terminals(count: usize) {
    let server = Server::begin("[terminal]\nclients = 1000\n[server]\nstall_timeout = 600\n");
    let names: Vec<String> = (1..=SESSIONS).map(|number| format!("s{number}")).collect();
    for name in &names {
        run(server.wharf().args(["create", name]));
        run(server.wharf().args(["start", name, "--", "sh", "-i"]));
    }
    let before = server.resident();
    let all = |part: usize| {
        (0..count / 2).map(|at| server.terminal(&names[(at + part) % SESSIONS])).collect::<Vec<_>>()
    };
    let (unread, read) = (all(0), all(1));
    let begun = Instant::now();
    for name in &names {
        server.send(name, "seq 1000000; echo end-$((40 + 2))");
    }
    thread::scope(|scope| {
        for mut terminal in read {
            scope.spawn(move || until(&mut terminal, b"end-42"));
        }
    });
    let took = begun.elapsed();
    let with = server.resident();
    drop(unread);
    thread::sleep(REST);
    let what =
        format!("{count} terminals of {SESSIONS} sessions that print 7 MB each, half of them never read");
    row(&what, took, [before, with, server.resident()]);
    println!();
    for name in &names {
        run(server.wharf().args(["kill", name]));
    }
}

fn row(what: &str, took: Duration, [before, with, after]: [f64; 3]) {
    println!("| {what} | {} | {before:.1} | {with:.1} | {after:.1} |", took.as_millis());
}

/// This process holds the other end of every connection.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("one may have as many as one may have");
}
