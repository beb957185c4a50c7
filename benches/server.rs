//! What the server costs: a list and one session, one after the other and under load, beside a server that answers the same bytes
//! and does nothing;
//! a terminal through it, beside the socket of its holder and, where it is installed, ttyd; and its memory at rest.
//!
//! `WHARF_BENCH_REQUESTS` says how many requests each gets (100,000), `WHARF_BENCH_CONNECTIONS` over how many connections (32),
//! `WHARF_BENCH_MIB` how much a terminal prints (64).
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench runs programs and prints a table"
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tungstenite::{Message, client::IntoClientRequest as _};

/// How long something may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of ours on a workspace of its own.
struct Server {
    dir: TempDir,
    child: Child,
    at: String,
    token: String,
}

fn main() {
    // `cargo test --benches` only wants to know that it can be started.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let number =
        |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (requests, connections) =
        (number("WHARF_BENCH_REQUESTS", 100_000), number("WHARF_BENCH_CONNECTIONS", 32));
    let server = Server::begin();
    let at_rest = server.resident();
    for session in 1..=4 {
        run(server.wharf().args(["create", &format!("s{session}")]));
    }
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
        "\nMemory: {:.1} MiB at rest, {:.1} MiB after this load.\n",
        mib(at_rest),
        mib(server.resident())
    );
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
    let attach = br#"{"protocol":2,"role":"observe","rows":24,"cols":80,"scrollback":0,"isTerminal":true}"#;
    let frame = [&b"A"[..], &u32::try_from(attach.len()).unwrap_or_default().to_le_bytes(), attach].concat();

    let mut holder = UnixStream::connect(server.socket()).expect("the holder listens");
    holder.write_all(&frame).expect("it takes an attach");
    let begun = Instant::now();
    server.send(&print(mib));
    until_end(&mut holder);
    println!("| the socket of its holder | {:.1} |", speed(begun));
    drop(holder);

    let mut request =
        format!("ws://{}/api/v1/sessions/s1/terminal", server.at).into_client_request().expect("an address");
    let bearer = format!("Bearer {}", server.token).parse().expect("a token is a header");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(&server.at).expect("the server listens");
    let (mut socket, _) = tungstenite::client(request, stream).expect("it shows a terminal");
    socket.send(Message::binary(frame)).expect("it takes an attach");
    // What the time before left on the screen is not the end.
    server.send("clear");
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.send(&print(mib).replace("end-", "fin-"));
    let mut tail = Vec::new();
    while let Ok(message) = socket.read() {
        if let Message::Binary(bytes) = message
            && ends(&mut tail, &bytes, b"fin-42")
        {
            break;
        }
    }
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
    let mut tail = Vec::new();
    while let Ok(message) = socket.read() {
        if let Message::Binary(bytes) = message
            && ends(&mut tail, &bytes, b"end-42")
        {
            break;
        }
    }
    let took = begun.elapsed();
    drop(child.kill());
    drop(child.wait());
    Some(took)
}

fn free_port() -> Option<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").ok()?;
    Some(listener.local_addr().ok()?.port())
}

fn connect(at: &str) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(at) {
            Ok(stream) => return stream,
            Err(err) if Instant::now() > deadline => panic!("{at}: {err}"),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Whether a text stands in what came last.
fn ends(tail: &mut Vec<u8>, bytes: &[u8], text: &[u8]) -> bool {
    tail.extend_from_slice(bytes);
    let found = tail.windows(text.len()).any(|part| part == text);
    let rest = tail.len().saturating_sub(text.len());
    tail.drain(..rest);
    found
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

/// Reads one answer, and answers its body.
fn answer(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).expect("it answers") > 0, "it ended");
        let lower = line.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("content-length:") {
            length = text.trim().parse().expect("a length");
        }
        assert!(!lower.starts_with("http/1.1") || lower.contains(" 200 "), "{line}");
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the whole body");
    body
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

fn mib(kib: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a size in a table")]
    let kib = kib as f64;
    kib / 1024.0
}

fn run(command: &mut Command) {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    fn begin() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let work = dir.path().join("work");
        for name in ["work", "home", "run"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"],
        ] {
            run(Command::new("git").args(args).current_dir(&work).env("GIT_CONFIG_GLOBAL", "/dev/null"));
        }
        let mut command = wharf(&dir);
        let child = command.args(["serve", "--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped());
        let mut child = child.spawn().expect("it can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut text = String::new();
        while !text.ends_with("}\n") {
            assert!(lines.read_line(&mut text).expect("it says where") > 0, "it ended");
        }
        let ready: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let told = |key: &str| ready[key].as_str().expect("a text").to_owned();
        let token = fs::read_to_string(told("tokenFile")).expect("a token").trim().to_owned();
        Self { dir, child, at: told("url").replace("http://", ""), token }
    }

    fn wharf(&self) -> Command {
        wharf(&self.dir)
    }

    fn send(&self, text: &str) {
        run(self.wharf().args(["send", "s1", text, "--enter"]));
    }

    fn body(&self, path: &str) -> Vec<u8> {
        let mut stream = BufReader::new(connect(&self.at));
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            self.at, self.token
        );
        stream.get_mut().write_all(head.as_bytes()).expect("it listens");
        answer(&mut stream)
    }

    fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
    }

    fn socket(&self) -> PathBuf {
        let folders = fs::read_dir(self.dir.path().join("run/wharf")).expect("a folder of sockets");
        let files = folders
            .flat_map(|folder| fs::read_dir(folder.expect("it is there").path()).expect("it is there"));
        let mut paths = files.map(|file| file.expect("it is there").path());
        paths.find(|path| path.extension().is_some_and(|it| it == "sock")).expect("one session runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wharf(dir: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir.path().join("home"));
    command.env("XDG_RUNTIME_DIR", dir.path().join("run")).env("WHARF_WORKSPACE", dir.path().join("work"));
    command.env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
    command
}
