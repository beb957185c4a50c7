//! How long somebody waits for `true` in a context that lives, beside a new shell for each command and beside typing into
//! tmux: from a shell with `wharf exec`, and from a program that uses the library, as a server does.
//!
//! `WHARF_BENCH_COMMANDS` says how often each runs (500).
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench runs programs and prints a table"
)]

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use wharf::{
    interpreter::Interpreters,
    limits::ShellLimits,
    session::SessionId,
    shell::{Caller, HolderShells, Place, Request, Shells as _, Unload},
    socket::Folder,
};

/// A way to have `true` executed; it gets the number of the turn.
type Way<'a> = (&'static str, Box<dyn FnMut(usize) + 'a>);

/// How often tmux is asked what it shows.
const LOOK_EVERY: Duration = Duration::from_millis(1);

struct Space {
    dir: TempDir,
    id: SessionId,
}

fn main() {
    // `cargo test --benches` only wants to know that it can be started.
    if env::args().any(|arg| arg == "--test") {
        return;
    }
    let count = env::var("WHARF_BENCH_COMMANDS").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let space = Space::new();
    run(space.wharf().args(["exec", "s1", "--", "true"]));
    let shells = space.shells();
    let place = space.place();
    let tmux = Tmux::start(&space);
    let mut ways: Vec<Way<'_>> = vec![
        (
            "`wharf exec`, the whole process",
            Box::new(|_| drop(run(space.wharf().args(["exec", "s1", "--", "true"])))),
        ),
        ("the same from the library", Box::new(|_| exec(&shells, &place))),
        ("`bash -c true`", Box::new(|_| drop(run(Command::new("bash").args(["-c", "true"]))))),
        ("(`wharf --version`)", Box::new(|_| drop(run(space.wharf().arg("--version"))))),
    ];
    if let Some(tmux) = &tmux {
        ways.push((
            "`tmux send-keys`, and `capture-pane` until it is done",
            Box::new(|number| tmux.execute(number)),
        ));
    }
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(count); ways.len()];
    for number in 0..count {
        // In turns, so that whatever else the machine does hits everybody.
        for ((_, way), times) in ways.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            way(number);
            times.push(begun.elapsed());
        }
    }
    println!("`true`, {count} times each; milliseconds.\n\n| by | p50 | p99 |\n|---|--:|--:|");
    for ((name, _), times) in ways.iter().zip(&mut times) {
        times.sort_unstable();
        let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
        println!("| {name} | {:.2} | {:.2} |", at(50), at(99));
    }
    drop(ways);
    if let Some(tmux) = tmux {
        tmux.end();
    }
    shells.unload(space.id, Unload::Now).expect("it lives");
}

fn exec(shells: &HolderShells, place: &Place) {
    let request = Request { text: b"true".to_vec(), ..Request::default() };
    let caller = Caller { stdin: None, cancel: None, output: &mut |_, _| Ok(()) };
    let done = shells.exec(place, &request, caller).expect("it lives");
    assert_eq!(done.code, 0);
}

impl Space {
    /// A repository with one session.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let git = |words: &[&str]| drop(run(Command::new("git").args(words).current_dir(dir.path())));
        git(&["init", "-q", "-b", "main"]);
        git(&[
            "-c",
            "user.name=b",
            "-c",
            "user.email=b@localhost",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "b",
        ]);
        let mut space = Self { dir, id: SessionId::random() };
        run(space.wharf().args(["create", "s1"]));
        let shown = run(space.wharf().args(["path", "s1"]));
        let name = Path::new(shown.trim()).file_name().and_then(|name| name.to_str());
        space.id = name.and_then(|name| name.parse().ok()).expect("a worktree is called as its session's id");
        space
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }

    fn wharf(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.root().join(".home")).env("XDG_RUNTIME_DIR", self.root());
        command.current_dir(self.root());
        command
    }

    fn place(&self) -> Place {
        Place {
            id: self.id,
            name: "s1".parse().expect("a name"),
            workspace: self.root().to_owned(),
            worktree: self.root().join(".worktrees").join(self.id.to_string()),
            limits: ShellLimits::default(),
        }
    }

    fn shells(&self) -> HolderShells {
        let folder = Folder::below(&self.root().join("wharf"), self.root());
        HolderShells::of(
            env!("CARGO_BIN_EXE_wharf").into(),
            folder,
            Interpreters::builtin(),
            "bash".to_owned(),
        )
    }
}

/// A tmux of our own, with a shell in it.
struct Tmux {
    socket: String,
}

impl Tmux {
    /// Nothing where there is none.
    fn start(space: &Space) -> Option<Self> {
        let tmux = Self { socket: space.root().join("tmux").to_str()?.to_owned() };
        let shell = ["new-session", "-d", "-s", "x", "bash", "--norc", "--noprofile"];
        let started = tmux.command(&shell).stderr(Stdio::null()).status();
        started.is_ok_and(|it| it.success()).then_some(tmux)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-f", "/dev/null", "-S", &self.socket]).args(words);
        command
    }

    fn execute(&self, number: usize) {
        let (typed, wanted) = (format!("clear; true; echo do''ne{number}."), format!("done{number}."));
        run(&mut self.command(&["send-keys", "-t", "x", &typed, "Enter"]));
        while !run(&mut self.command(&["capture-pane", "-p", "-t", "x"])).contains(&wanted) {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn end(self) {
        run(&mut self.command(&["kill-server"]));
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
