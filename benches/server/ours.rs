//! A `wharf serve` on a workspace of its own, and how it is talked to.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _};

/// How long something may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of ours on a workspace of its own.
pub(super) struct Server {
    pub(super) dir: TempDir,
    child: Child,
    pub(super) at: String,
    pub(super) token: String,
}

impl Server {
    /// With these settings.
    pub(super) fn begin(settings: &str) -> Self {
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
        fs::create_dir(work.join(".wharf")).expect("a folder");
        fs::write(work.join(".wharf/config.toml"), settings).expect("a file");
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

    pub(super) fn wharf(&self) -> Command {
        wharf(&self.dir)
    }

    /// Types a line.
    pub(super) fn send(&self, session: &str, text: &str) {
        run(self.wharf().args(["send", session, text, "--enter"]));
    }

    pub(super) fn body(&self, path: &str) -> Vec<u8> {
        let mut stream = BufReader::new(connect(&self.at));
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            self.at, self.token
        );
        stream.get_mut().write_all(head.as_bytes()).expect("it listens");
        answer(&mut stream)
    }

    /// A WebSocket to a path.
    pub(super) fn web_socket(&self, path: &str) -> WebSocket<TcpStream> {
        let mut request = format!("ws://{}{path}", self.at).into_client_request().expect("an address");
        let bearer = format!("Bearer {}", self.token).parse().expect("a token is a header");
        request.headers_mut().insert("authorization", bearer);
        tungstenite::client(request, connect(&self.at)).expect("it is a WebSocket").0
    }

    /// The terminal of a session, looked on at.
    pub(super) fn terminal(&self, session: &str) -> WebSocket<TcpStream> {
        let mut socket = self.web_socket(&format!("/api/v1/sessions/{session}/terminal"));
        socket.send(Message::binary(attach())).expect("it takes an attach");
        socket
    }

    /// How much memory it has now, in MiB.
    pub(super) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
        let kib: f64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
        kib / 1024.0
    }

    pub(super) fn socket(&self) -> PathBuf {
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

pub(super) fn connect(at: &str) -> TcpStream {
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
pub(super) fn ends(tail: &mut Vec<u8>, bytes: &[u8], text: &[u8]) -> bool {
    tail.extend_from_slice(bytes);
    let found = tail.windows(text.len()).any(|part| part == text);
    let rest = tail.len().saturating_sub(text.len());
    tail.drain(..rest);
    found
}

/// Reads one answer, and answers its body.
pub(super) fn answer(stream: &mut BufReader<TcpStream>) -> Vec<u8> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).expect("it answers") > 0, "it ended");
        let lower = line.to_ascii_lowercase();
        if let Some(text) = lower.strip_prefix("content-length:") {
            length = text.trim().parse().expect("a length");
        }
        assert!(!lower.starts_with("http/1.1") || lower.contains(" 20"), "{line}");
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("the whole body");
    body
}

pub(super) fn run(command: &mut Command) {
    let output = command.output().expect("it can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The frame that looks on at a terminal.
pub(super) fn attach() -> Vec<u8> {
    let attach = br#"{"protocol":2,"role":"observe","rows":24,"cols":80,"scrollback":0,"isTerminal":true}"#;
    [&b"A"[..], &u32::try_from(attach.len()).unwrap_or_default().to_le_bytes(), attach].concat()
}

/// Reads a terminal until a text stands in it.
pub(super) fn until(socket: &mut WebSocket<TcpStream>, text: &[u8]) {
    let mut tail = Vec::new();
    while let Ok(message) = socket.read() {
        if let Message::Binary(bytes) = message
            && ends(&mut tail, &bytes, text)
        {
            return;
        }
    }
    panic!("it ended");
}
