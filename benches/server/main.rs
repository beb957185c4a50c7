//! What the server costs: a list and one session, one after the other and under load, beside a server that answers the same bytes
//! and does nothing;
//! a crowd of clients and of terminals; a terminal through it, beside the socket of its holder and, where it is installed, ttyd;
//! and its memory at rest, with a page open, and after each of these.
//!
//! `WHARF_BENCH_REQUESTS` says how many requests each gets (100,000), `WHARF_BENCH_CONNECTIONS` over how many connections (32),
//! `WHARF_BENCH_CLIENTS` how many clients come (1,000), `WHARF_BENCH_TERMINALS` how many terminals are shown (200),
//! `WHARF_BENCH_MIB` how much a terminal prints (64).
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench runs programs and prints a table"
)]

mod crowd;
mod ours;

use std::{
    env,
    io::{BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ours::{Server, answer, attach, connect, ends, run, until};
use tungstenite::{Message, client::IntoClientRequest as _};

fn main() {
    // `cargo test --benches` only wants to know that it can be started.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let number =
        |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (requests, connections) =
        (number("WHARF_BENCH_REQUESTS", 100_000), number("WHARF_BENCH_CONNECTIONS", 32));
    let server = Server::begin("");
    let at_rest = server.resident();
    for session in 1..=4 {
        run(server.wharf().args(["create", &format!("s{session}")]));
    }
    let with_page = crowd::page(&server);
    let list = server.body("/api/v1/sessions");
    let show = server.body("/api/v1/sessions/s1");
    let (bare_list, bare_show) = (bare(list.clone()), bare(show.clone()));
    println!(
        "{requests} requests over {connections} connections, and a tenth of them over one; milliseconds.\n"
    );
    println!(
        "| request | answered by | bytes | connections | req/s | p50 | p99 |\n|---|---|--:|--:|--:|--:|--:|"
    );
    for (what, who, at, path, bytes) in [
        ("list of 4", "axum alone, the same bytes", bare_list.as_str(), "/", list.len()),
        ("list of 4", "`wharf serve`", &server.at, "/api/v1/sessions", list.len()),
        ("show", "axum alone, the same bytes", bare_show.as_str(), "/", show.len()),
        ("show", "`wharf serve`", &server.at, "/api/v1/sessions/s1", show.len()),
    ] {
        for (requests, connections) in [(requests / 10, 1), (requests, connections)] {
            let (took, mut all) = load(at, path, &server.token, requests, connections);
            all.sort_unstable();
            let part = |part: usize| all[(all.len() - 1) * part / 100].as_secs_f64() * 1000.0;
            #[expect(clippy::cast_precision_loss, reason = "a rate in a table")]
            let rate = all.len() as f64 / took.as_secs_f64();
            let (half, most) = (part(50), part(99));
            println!("| {what} | {who} | {bytes} | {connections} | {rate:.0} | {half:.3} | {most:.3} |");
        }
    }
    println!(
        "\nMemory: {at_rest:.1} MiB at rest, {with_page:.1} MiB with a page open, {:.1} MiB after this load.\n",
        server.resident()
    );
    crowd::clients(number("WHARF_BENCH_CLIENTS", 1_000));
    crowd::terminals(number("WHARF_BENCH_TERMINALS", 200));
    terminals(&server, number("WHARF_BENCH_MIB", 64));
}

fn terminals(server: &Server, mib: usize) {
    println!(
        "A terminal prints {mib} MiB of lines; MiB each second until the last one is there.\n\n| through | MiB/s |\n|---|--:|"
    );
    let print = |mib: usize| {
        format!("yes 'a line of a log, as they are' | head -c {}; echo end-$((40 + 2))", mib << 20)
    };
    run(server.wharf().args(["start", "s1", "--", "sh", "-i"]));
    let speed = |begun: Instant| {
        #[expect(clippy::cast_precision_loss, reason = "a rate in a table")]
        let rate = mib as f64 / begun.elapsed().as_secs_f64();
        rate
    };

    let mut holder = UnixStream::connect(server.socket()).expect("the holder listens");
    holder.write_all(&attach()).expect("it takes an attach");
    let begun = Instant::now();
    server.send("s1", &print(mib));
    until_end(&mut holder);
    println!("| the socket of its holder | {:.1} |", speed(begun));
    drop(holder);

    let mut socket = server.terminal("s1");
    // What the time before left on the screen is not the end.
    server.send("s1", "clear");
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.send("s1", &print(mib).replace("end-", "fin-"));
    until(&mut socket, b"fin-42");
    println!("| `wharf serve`, WebSocket | {:.1} |", speed(begun));
    drop(socket.close(None));
    match ttyd(&print(mib)) {
        Some(took) => {
            #[expect(clippy::cast_precision_loss, reason = "a rate in a table")]
            let rate = mib as f64 / took.as_secs_f64();
            println!("| ttyd, WebSocket | {rate:.1} |");
        }
        None => println!("| ttyd, WebSocket | not installed |"),
    }
    run(server.wharf().args(["kill", "s1"]));
}

/// The same through ttyd, where there is one.
fn ttyd(command: &str) -> Option<Duration> {
    let port = free_port()?;
    let mut child = Command::new("ttyd")
        .args(["--port", &port.to_string(), "--interface", "lo", "--writable", "sh", "-i"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let at = format!("127.0.0.1:{port}");
    let stream = connect(&at);
    let mut request = format!("ws://{at}/ws").into_client_request().ok()?;
    request.headers_mut().insert("sec-websocket-protocol", "tty".parse().ok()?);
    let (mut socket, _) = tungstenite::client(request, stream).ok()?;
    socket.send(Message::binary(&b"{\"AuthToken\":\"\",\"columns\":80,\"rows\":24}"[..])).ok()?;
    let begun = Instant::now();
    socket.send(Message::binary(format!("0{command}\r").into_bytes())).ok()?;
    until(&mut socket, b"end-42");
    let took = begun.elapsed();
    drop(child.kill());
    drop(child.wait());
    Some(took)
}

fn free_port() -> Option<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
    Some(listener.local_addr().ok()?.port())
}

fn until_end(stream: &mut UnixStream) {
    let (mut tail, mut chunk) = (Vec::new(), vec![0; 256 << 10]);
    loop {
        let count = stream.read(&mut chunk).expect("the holder goes on");
        if count == 0 || ends(&mut tail, &chunk[..count], b"end-42") {
            return;
        }
    }
}

/// Asks over so many connections at once; answers how long all took, and each.
fn load(at: &str, path: &str, token: &str, requests: usize, connections: usize) -> (Duration, Vec<Duration>) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\n\r\n");
    let begun = Instant::now();
    let times = thread::scope(|scope| {
        let ask = || {
            let mut stream = BufReader::new(connect(at));
            let mut times = Vec::with_capacity(requests / connections);
            for _ in 0..requests / connections {
                let begun = Instant::now();
                stream.get_mut().write_all(request.as_bytes()).expect("it listens");
                answer(&mut stream);
                times.push(begun.elapsed());
            }
            times
        };
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(ask)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker ends")).collect()
    });
    (begun.elapsed(), times)
}

/// A server that answers these bytes and does nothing else; answers where.
fn bare(body: Vec<u8>) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("an address").to_string()).expect("somebody waits");
            let text = String::from_utf8(body).expect("JSON is text");
            let answer = move || {
                let text = text.clone();
                async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], text) }
            };
            let router = axum::Router::new().route("/", axum::routing::get(answer));
            axum::serve(listener, router).await.expect("it serves");
        });
    });
    told.recv().expect("it says where")
}
