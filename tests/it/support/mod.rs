//! Workspaces for tests: a fresh repository in a temporary folder, the binary to run on it, and words to judge what it said.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

pub mod agents;
pub mod contexts;
pub mod dice;
pub mod document;
pub mod frame;
pub mod http;
pub mod invariants;
pub mod live;
pub mod means;
pub mod pool;
pub mod processes;
pub mod pty;
pub mod shown;
pub mod strace;

use serde_json::Value;
use tempfile::TempDir;
use wharf::terminal::{Connection, Stop};

pub mod executing;
pub mod faults;

/// The state file of a workspace.
pub const STATE: &str = ".claude-container-sessions.json";

/// A workspace of its own, gone when dropped.
pub struct Workspace {
    dir: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub output: Output,
}

impl Workspace {
    /// A repository with one commit on `main`: `README.md` and `src/lib.txt`.
    pub fn new() -> Self {
        let space = Self::empty();
        space.init(".");
        space
    }

    /// A folder without a repository.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A repository with sessions `s1`, `s2`, ….
    pub fn with_sessions(count: usize) -> Self {
        let space = Self::new();
        for number in 1..=count {
            space.run(["create", &format!("s{number}")]).succeeds();
        }
        space
    }

    /// Makes a repository with one commit at a path below the workspace.
    pub fn init(&self, path: &str) {
        let at = self.path(path);
        fs::create_dir_all(at.join("src")).unwrap();
        fs::write(at.join("README.md"), "hello\n").unwrap();
        fs::write(at.join("src/lib.txt"), "one\ntwo\nthree\n").unwrap();
        fs::write(at.join(".gitignore"), "build/\n*.log\n").unwrap();
        self.git_at(&at, ["init", "-q", "-b", "main"]);
        self.git_at(&at, ["add", "-A"]);
        self.git_at(&at, ["commit", "-q", "-m", "begin"]);
    }

    /// The root.
    pub fn root(&self) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap()
    }

    /// A path below the root.
    pub fn path(&self, below: &str) -> PathBuf {
        if below == "." { self.root() } else { self.root().join(below) }
    }

    /// The binary, in a clean environment, told to work here.
    pub fn command(&self) -> Command {
        let mut command = binary();
        command.current_dir(self.root()).env("WHARF_WORKSPACE", self.root());
        command.env("HOME", self.home()).env("XDG_CONFIG_HOME", self.home().join(".config"));
        command.env("XDG_RUNTIME_DIR", self.runtime());
        // Most tests look at what is left as soon as a command has answered.
        command.env("WHARF_BACKGROUND", "off");
        command
    }

    /// A folder for sockets that is this workspace's alone.
    pub fn runtime(&self) -> PathBuf {
        let folder = self.home().join("run");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The socket of a session in which something runs.
    pub fn socket(&self, name: &str) -> PathBuf {
        let id = self.json(["show", name])["id"].as_str().unwrap().to_owned();
        let mut sockets = self.sockets();
        sockets.retain(|path| path.file_stem().unwrap().to_str() == Some(&id));
        sockets.pop().unwrap_or_else(|| panic!("{name} has no socket"))
    }

    /// The sockets of all sessions in which something runs.
    pub fn sockets(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(self.runtime().join("wharf")).into_iter().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
        let paths = files.map(|file| file.unwrap().path());
        let is_of_terminal = |path: &PathBuf| {
            let is_of_context = path.file_name().unwrap().to_str().unwrap().ends_with(contexts::SOCKET);
            path.extension().is_some_and(|it| it == "sock") && !is_of_context
        };
        paths.filter(is_of_terminal).collect()
    }

    /// A home folder that is not the machine's.
    pub fn home(&self) -> PathBuf {
        let home = self.dir.path().join(".home-of-test");
        fs::create_dir_all(&home).unwrap();
        home
    }

    /// Runs the binary and waits for it.
    pub fn run<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ran {
        Ran { output: self.command().args(args).output().unwrap() }
    }

    /// Runs it with `--json` and reads what it printed.
    pub fn json<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Value {
        let output = self.command().args(args).arg("--json").output().unwrap();
        Ran { output }.succeeds().json()
    }

    /// Waits until so many clients are attached to what runs in a session.
    pub fn until_attached(&self, name: &str, count: u64) {
        let deadline = Instant::now() + pty::PATIENCE;
        while self.json(["ps", name])[0]["terminal"]["clients"] != count {
            assert!(Instant::now() < deadline, "{count} clients never are attached");
        }
    }

    /// Starts the binary without waiting.
    pub fn spawn<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> std::process::Child {
        let mut command = self.command();
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Git in the root of the workspace; it must succeed. Answers what it printed, trimmed.
    pub fn git<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> String {
        self.git_at(&self.root(), args)
    }

    /// Git in a folder; it must succeed. Answers what it printed, trimmed.
    pub fn git_at<I: AsRef<OsStr>>(&self, at: &Path, args: impl IntoIterator<Item = I>) -> String {
        let output = git_command(at).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The state file, read.
    pub fn state(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path(STATE)).unwrap()).unwrap()
    }

    /// The records of all sessions.
    pub fn sessions(&self) -> Vec<Value> {
        self.json(["list", "--quick"]).as_array().unwrap().clone()
    }

    /// The names of all sessions, oldest first.
    pub fn names(&self) -> Vec<String> {
        self.sessions().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The worktree of a session.
    pub fn worktree(&self, name: &str) -> PathBuf {
        let ran = self.run(["path", name]).succeeds();
        PathBuf::from(ran.stdout().trim_end())
    }

    /// How many worktree folders there are, whoever they belong to.
    pub fn worktrees(&self) -> usize {
        let Ok(entries) = fs::read_dir(self.path(".worktrees")) else {
            return 0;
        };
        entries.filter(|it| !it.as_ref().unwrap().file_name().to_string_lossy().starts_with('.')).count()
    }

    /// The branches of the root's repository.
    pub fn branches(&self) -> Vec<String> {
        let list = self.git(["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        list.lines().map(ToOwned::to_owned).collect()
    }

    /// Everything that could be left behind: worktree folders, administrative folders, branches besides `main`,
    /// hidden refs. Sorted texts, for comparing before and after.
    pub fn litter(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in [".worktrees", ".worktrees/.trash", ".git/worktrees"] {
            let Ok(entries) = fs::read_dir(self.path(folder)) else {
                continue;
            };
            for entry in entries {
                let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                if name != ".trash" {
                    found.push(format!("{folder}/{name}"));
                }
            }
        }
        let refs = self.git(["for-each-ref", "--format=%(refname)"]);
        found.extend(refs.lines().filter(|it| *it != "refs/heads/main").map(ToOwned::to_owned));
        found.sort();
        found
    }
}

impl Drop for Workspace {
    /// What runs in its sessions goes with it.
    fn drop(&mut self) {
        for socket in self.sockets() {
            let stop = Stop { signal: None, grace_ms: 0, shutdown: false };
            if let Ok(mut holder) = Connection::open(&socket) {
                drop(holder.stop(stop));
            }
        }
        contexts::end_all(&self.runtime());
    }
}

impl Ran {
    /// It exited with 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert!(
            self.output.status.success(),
            "exit {:?}\n{}\n{}",
            self.output.status,
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// It exited with this code.
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(code), "{}\n{}", self.stdout(), self.stderr());
        self
    }

    /// Standard output or standard error has this text.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = format!("{}\n{}", self.stdout(), self.stderr());
        assert!(said.contains(text), "`{text}` is not in:\n{said}");
        self
    }

    /// What it printed.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it talked.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.output.stdout).unwrap_or_else(|err| panic!("{err}: {}", self.stdout()))
    }

    /// The error it gave in JSON.
    #[track_caller]
    pub fn error(&self) -> Value {
        let last = self.stderr().lines().last().unwrap_or_default().to_owned();
        let view: Value =
            serde_json::from_str(&last).unwrap_or_else(|err| panic!("{err}: {}", self.stderr()));
        view["error"].clone()
    }
}

/// The binary in an environment with nothing but a path.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wharf"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    command.env("GIT_CONFIG_NOSYSTEM", "1");
    // Tests count worktrees and processes; those of the pool ask for one.
    command.env("WHARF_POOL_SIZE", "0");
    command
}

/// Git in a folder, free of the machine's configuration.
pub fn git_command(at: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).current_dir(at);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent");
    // Git tidies up behind a commit in a process of its own, which would be one that lives in the worktree.
    command.env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", "maintenance.auto").env("GIT_CONFIG_VALUE_0", "false");
    for (key, value) in [("NAME", "Test"), ("EMAIL", "test@localhost")] {
        command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
    }
    command
}
