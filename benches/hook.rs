//! How long an agent waits for one of its hooks: the whole process, with a record and a chain behind it.
//!
//! `WHARF_BENCH_HOOKS` says how often each hook runs (300), `WHARF_BENCH_TURNS` how long the chain is (100).
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench runs programs and prints a table"
)]

use std::{
    env, fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// An agent that does nothing but stay.
const AGENT: &str = r#"
[agents.stays]
start = ["sleep", "10000"]
resume = ["sleep", "10000", "{id}"]
[agents.stays.hooks]
file = ".stays/settings.json"
events = { UserPromptSubmit = "prompt", PreToolUse = "active", Notification = "waiting", Stop = "answer" }
fields = { id = "session_id", prompt = "prompt", response = "last_assistant_message" }
"#;

/// What is told, and what has to be written then.
const EVENTS: [(&str, &str); 4] = [
    ("PreToolUse", "nothing new"),
    ("Notification", "record"),
    ("UserPromptSubmit", "record and chain"),
    ("Stop", "record and chain"),
];

struct Space {
    dir: TempDir,
    id: String,
}

fn main() {
    let count = number("WHARF_BENCH_HOOKS", 300);
    let turns = number("WHARF_BENCH_TURNS", 100);
    let space = Space::new();
    for turn in 0..turns {
        space.tell("UserPromptSubmit", turn);
        space.tell("Stop", turn);
    }
    println!("A chain of {turns} turns; {count} runs of each; milliseconds.\n");
    println!("| hook | writes | p50 | p99 |\n|---|---|--:|--:|");
    let mut nothing: Vec<Duration> = (0..count).map(|_| took(space.wharf().arg("--version"))).collect();
    row("(`wharf --version`)", "", &mut nothing);
    for (event, writes) in EVENTS {
        let mut times: Vec<Duration> = (0..count)
            .map(|turn| {
                // Every other time something else was told before, so that there is something to write.
                space.tell(if event == "UserPromptSubmit" { "Stop" } else { "UserPromptSubmit" }, turn);
                space.tell_timed(event, turn)
            })
            .collect();
        row(&format!("`{event}`"), writes, &mut times);
    }
    space.end();
}

impl Space {
    /// A repository with one session, in which an agent runs.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut space = Self { dir, id: String::new() };
        for words in [
            &["init", "-q", "-b", "main"][..],
            &[
                "-c",
                "user.name=b",
                "-c",
                "user.email=b@localhost",
                "commit",
                "-q",
                "--allow-empty",
                "-m",
                "b",
            ],
        ] {
            run(Command::new("git").args(words).current_dir(space.root()));
        }
        let config = space.root().join(".home/.config/wharf");
        fs::create_dir_all(&config).expect("a folder of our own");
        fs::write(config.join("config.toml"), AGENT).expect("a file of our own");
        run(space.wharf().args(["create", "s1"]));
        let started = run(space.wharf().args(["start", "s1", "--agent", "stays", "--json"]));
        let (_, rest) = started.split_once("\"id\": \"").expect("the record has an id");
        rest.split('"').next().unwrap_or_default().clone_into(&mut space.id);
        space
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }

    fn wharf(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.root().join(".home")).env("XDG_RUNTIME_DIR", self.root().join(".home"));
        command.current_dir(self.root());
        command
    }

    fn tell(&self, event: &str, turn: usize) {
        self.tell_timed(event, turn);
    }

    fn tell_timed(&self, event: &str, turn: usize) -> Duration {
        let mut command = self.wharf();
        command.args(["hook", "stays", event]).env("WHARF_SESSION", &self.id).stdin(Stdio::piped());
        let input = format!(
            "{{\"session_id\":\"bench\",\"prompt\":\"prompt {turn}\",\"last_assistant_message\":\"answer {turn}\"}}"
        );
        let begun = Instant::now();
        let mut child = command.spawn().expect("it was built");
        child.stdin.take().expect("it was asked for").write_all(input.as_bytes()).expect("it reads");
        assert!(child.wait().expect("it was started").success());
        begun.elapsed()
    }

    fn end(&self) {
        run(self.wharf().args(["kill", "s1"]));
    }
}

fn took(command: &mut Command) -> Duration {
    let begun = Instant::now();
    run(command);
    begun.elapsed()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn row(what: &str, writes: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!("| {what} | {writes} | {:.1} | {:.1} |", at(50), at(99));
}

fn number(variable: &str, default: usize) -> usize {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
