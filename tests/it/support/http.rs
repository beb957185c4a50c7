//! A real server on a port that the kernel chose, and those who talk to it.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest as _;

use super::{Workspace, live::Terminal, pty::PATIENCE};

/// How long one answer may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_mins(1);

/// A server that is ended when dropped.
pub struct Server {
    child: Child,
    /// `127.0.0.1:<port>`.
    pub at: String,
    /// The full token.
    pub token: String,
    /// Where that lies.
    pub token_file: PathBuf,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Server {
    /// Serves a workspace.
    pub fn of(space: &Workspace) -> Self {
        Self::with(space, &[])
    }

    /// The same with more arguments.
    pub fn with(space: &Workspace, args: &[&str]) -> Self {
        let mut command = space.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--json"]).args(args);
        Self::begin(command)
    }

    /// A command that serves.
    pub fn begin(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.ends_with("}\n") {
            if lines.read_line(&mut text).unwrap() == 0 {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("the server ended: {text}{said}");
            }
        }
        let ready: Value = serde_json::from_str(&text).unwrap();
        let token_file = PathBuf::from(ready["tokenFile"].as_str().unwrap());
        let token = fs::read_to_string(&token_file).unwrap().trim().to_owned();
        let at = ready["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { child, at, token, token_file }
    }

    /// A server that talks to a person: what it says goes into a file.
    pub fn talking(space: &Workspace, args: &[&str], told: fs::File) -> Self {
        let mut command = space.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(told).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = line.trim_end().rsplit("http://").next().unwrap().to_owned();
        let folder = fs::read_dir(space.runtime().join("wharf")).unwrap().next().unwrap().unwrap().path();
        let token_file = folder.join("server.token");
        let token = fs::read_to_string(&token_file).unwrap().trim().to_owned();
        Self { child, at, token, token_file }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal and waits for its end.
    pub fn end(&mut self, signal: Signal) -> Option<i32> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Ends it in order, and answers what it said meanwhile to whoever started it.
    pub fn last_words(mut self) -> String {
        self.end(Signal::TERM);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    /// Asks something with the full token.
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[("authorization", &self.bearer())], "")
    }

    /// Changes something with the full token.
    pub fn change(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("authorization", self.bearer()), ("content-type", "application/json".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.ask(method, path, &headers, &body.to_string())
    }

    /// The same, which has to succeed.
    #[track_caller]
    pub fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.change(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.json()
    }

    /// The cookie of a browser that is let in just now.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let link = self.done("POST", "/api/v1/open-codes", &json!({}));
        let opened = self.ask("GET", link["path"].as_str().unwrap(), &[], "");
        opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }

    /// What the header with the full token holds.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    /// Sends exactly these headers beside `host`, which one of them may replace.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.exchange(&self.request(method, path, headers, body))
    }

    /// What `ask` sends.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            write!(head, "host: {}\r\n", self.at).unwrap();
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    }

    /// Sends bytes, and reads to the end.
    pub fn exchange(&self, request: &str) -> Answer {
        let mut stream = self.connect();
        // A server that has heard enough goes before all is written.
        drop(stream.write_all(request.as_bytes()));
        let mut text = Vec::new();
        drop(stream.read_to_end(&mut text));
        Answer::of(&text)
    }

    /// Sends the same request so often over one connection, and answers all that comes back, in small letters.
    pub fn pipelined(&self, request: &str, header: &str, count: usize) -> String {
        let head = format!("{request} HTTP/1.1\r\nhost: {}\r\n{header}\r\n", self.at);
        let all = format!("{}{head}connection: close\r\n\r\n", format!("{head}\r\n").repeat(count - 1));
        let mut stream = self.connect();
        let mut writer = stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || writer.write_all(all.as_bytes()));
        let mut said = String::new();
        drop(stream.read_to_string(&mut said));
        drop(sending.join());
        said.to_ascii_lowercase()
    }

    /// A connection that says nothing yet.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.at).unwrap();
        stream.set_read_timeout(Some(ANSWER_WAIT_MAX)).unwrap();
        stream
    }

    /// Events from now on, behind a number where one is given.
    pub fn events(&self, token: &str, last: Option<&str>) -> Events {
        let mut stream = self.connect();
        let last = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n{last}\r\n",
            self.at
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut events = Events { lines: BufReader::new(stream) };
        assert_eq!(events.next().0, "hello");
        events
    }

    /// A terminal that has been attached to.
    pub fn terminal(&self, path: &str, role: &str) -> Terminal {
        let mut terminal = self.try_terminal(path, &[("authorization", &self.bearer())]).unwrap();
        terminal.attach(role);
        terminal
    }

    /// A terminal, or the status of the refusal.
    pub fn try_terminal(&self, path: &str, headers: &[(&str, &str)]) -> Result<Terminal, u16> {
        let mut request = format!("ws://{}{path}", self.at).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "wharf.terminal.v1".parse().unwrap());
        for (name, value) in headers {
            let name: tungstenite::http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tungstenite::client(request, self.connect()) {
            Ok((socket, _)) => Ok(Terminal::of(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                Err(answer.status().as_u16())
            }
            Err(err) => panic!("{err}"),
        }
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Waits until it has no more than so many open.
    #[track_caller]
    pub fn until_descriptors(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.descriptors() > count {
            if Instant::now() > deadline {
                let open = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
                let open: Vec<_> = open.filter_map(|it| fs::read_link(it.ok()?.path()).ok()).collect();
                panic!("{} and not {count} are open: {open:?}", open.len());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How much memory it has, in KiB.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Answer {
    fn of(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A stream of events.
pub struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// The name, the number and the data of the next one.
    pub fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the stream ended");
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).unwrap();
            } else if line.is_empty() && !name.is_empty() {
                return (name, id, data);
            }
        }
    }

    /// Reads until the stream ends.
    pub fn until_ended(&mut self) {
        self.lines.read_to_end(&mut Vec::new()).unwrap();
    }

    /// The number of the first change of a session.
    pub fn until_changed(&mut self, id: &str) -> String {
        loop {
            let (name, number, data) = self.next();
            if name == "changed" && data["sessions"].as_array().unwrap().iter().any(|it| it == id) {
                return number;
            }
        }
    }
}

/// Waits until something is so; looks again and again, for nobody tells.
#[track_caller]
pub fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never is so");
        std::thread::sleep(Duration::from_millis(10));
    }
}
