//! The programs that are measured, each set up as its users have it, in a folder of its own.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{relay::RELAY, tty::Tty};

/// What holds the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: the shell itself.
    Bare,
    /// A loop that copies, and nothing else: the floor of all that stand in between.
    Relay,
    Wharf,
    Tmux,
    Shpool,
}

/// One set-up of one of them.
pub(crate) struct Contender {
    kind: Kind,
    place: TempDir,
    server: Option<Child>,
    sessions: usize,
}

const SHELL: [&str; 3] = ["bash", "--norc", "--noprofile"];

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Bare, Self::Relay, Self::Wharf, Self::Tmux, Self::Shpool];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare terminal",
            Self::Relay => "bare relay",
            Self::Wharf => "wharf",
            Self::Tmux => "tmux",
            Self::Shpool => "shpool",
        }
    }

    pub(crate) fn is_there(self) -> bool {
        let (program, arg) = match self {
            Self::Bare | Self::Relay | Self::Wharf => return true,
            Self::Tmux => ("tmux", "-V"),
            Self::Shpool => ("shpool", "version"),
        };
        Command::new(program)
            .arg(arg)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|it| it.success())
    }
}

impl Contender {
    pub(crate) fn new(kind: Kind) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let mut contender = Self { kind, place, server: None, sessions: 0 };
        match kind {
            Kind::Bare | Kind::Relay => (),
            Kind::Wharf => contender.set_up_wharf(),
            Kind::Tmux => contender.set_up_tmux(),
            Kind::Shpool => contender.set_up_shpool(),
        }
        contender
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// A session with a shell, and somebody attached to it.
    pub(crate) fn begin(&mut self) -> Tty {
        let name = format!("it{}", self.sessions);
        self.sessions += 1;
        match self.kind {
            Kind::Bare => Tty::run(self.command(SHELL[0], &SHELL[1..])),
            Kind::Relay => {
                let relay = env::current_exe().unwrap();
                let args = [&[RELAY], &SHELL[..]].concat();
                Tty::run(self.command(relay.to_str().unwrap(), &args))
            }
            Kind::Wharf => {
                Tty::run(self.wharf(&["start", &name, "--attach", "--", SHELL[0], SHELL[1], SHELL[2]]))
            }
            Kind::Tmux => Tty::run(self.tmux(&["new-session", "-s", &name, SHELL[0], SHELL[1], SHELL[2]])),
            Kind::Shpool => Tty::run(self.shpool(&["attach", &name])),
        }
    }

    /// Makes what the next session needs before it can begin.
    pub(crate) fn prepare(&self) {
        if self.kind == Kind::Wharf {
            let made = self.wharf(&["create", &format!("it{}", self.sessions)]).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
    }

    /// Somebody else attaches; nothing where nobody can.
    pub(crate) fn attach(&mut self) -> Option<Tty> {
        match self.kind {
            Kind::Bare | Kind::Relay => None,
            Kind::Wharf => Some(Tty::run(self.wharf(&["attach", "it0"]))),
            Kind::Tmux => Some(Tty::run(self.tmux(&["attach"]))),
            Kind::Shpool => Some(Tty::run(self.shpool(&["attach", "it0"]))),
        }
    }

    /// Whether there is anything beside the shell that costs something.
    pub(crate) fn holds_anything(&self) -> bool {
        !matches!(self.kind, Kind::Bare | Kind::Relay)
    }

    /// What a session costs beside its shell, in bytes: the share of one of all that are open.
    pub(crate) fn pss(&mut self) -> Option<u64> {
        let pids: Vec<u64> = match self.kind {
            Kind::Bare | Kind::Relay => return None,
            Kind::Wharf => {
                let shown = self.wharf(&["ps", "--json"]).output().unwrap();
                let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
                let holders = shown.as_array()?.iter().map(|it| it["terminal"]["holder"].as_u64());
                holders.collect::<Option<_>>()?
            }
            Kind::Tmux => {
                let shown = self.tmux(&["display-message", "-p", "#{pid}"]).output().unwrap();
                vec![String::from_utf8_lossy(&shown.stdout).trim().parse().ok()?]
            }
            Kind::Shpool => vec![self.server.as_ref()?.id().into()],
        };
        let all: Option<u64> = pids.into_iter().map(pss).sum();
        Some(all? / u64::try_from(self.sessions).unwrap())
    }

    fn set_up_wharf(&self) {
        let git = |args: &[&str]| assert!(self.command("git", args).output().unwrap().status.success());
        git(&["init", "-q", "-b", "main"]);
        git(&[
            "-c",
            "user.name=bench",
            "-c",
            "user.email=bench@example.com",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            "one",
        ]);
    }

    fn set_up_tmux(&self) {
        fs::write(self.path("tmux.conf"), "set -g history-limit 10000\nset -g status off\n").unwrap();
    }

    fn set_up_shpool(&mut self) {
        let config = "prompt_prefix = \"\"\nsession_restore_mode = { lines = 10000 }\noutput_spool_lines = 10000\n\
                      shell = \"/bin/bash\"\nnorc = true\nnoread_etc_environment = true\nforward_env = [\"PS1\"]\n";
        fs::write(self.path("shpool.toml"), config).unwrap();
        let mut daemon = self.shpool(&["daemon"]);
        daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(daemon.spawn().unwrap());
        thread::sleep(Duration::from_millis(300));
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).to_str().unwrap().to_owned()
    }

    fn wharf(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_wharf"), args);
        // Nothing is made ready behind a create while something is measured.
        command.env("WHARF_MAX_SESSIONS", "1000").env("WHARF_POOL_SIZE", "0");
        command
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let (socket, config) = (self.path("tmux.sock"), self.path("tmux.conf"));
        let mut command = self.command("tmux", &["-S", &socket, "-f", &config]);
        command.args(args);
        command
    }

    fn shpool(&self, args: &[&str]) -> Command {
        let (socket, config) = (self.path("shpool.sock"), self.path("shpool.toml"));
        let mut command = self.command("shpool", &["-s", &socket, "-c", &config]);
        command.args(args);
        command
    }

    /// A program in an environment that is the same for all.
    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.place.path()).env_clear();
        for key in ["PATH", "USER", "LOGNAME"] {
            if let Some(value) = env::var_os(key) {
                command.env(key, value);
            }
        }
        let home: &Path = self.place.path();
        command.env("HOME", home).env("XDG_RUNTIME_DIR", home).env("SHELL", "/bin/bash");
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env("PS1", "ready> ");
        command
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        match self.kind {
            Kind::Bare | Kind::Relay => (),
            Kind::Wharf => {
                for session in 0..self.sessions {
                    drop(self.wharf(&["kill", &format!("it{session}")]).output());
                }
            }
            Kind::Tmux => drop(self.tmux(&["kill-server"]).output()),
            Kind::Shpool => {
                for session in 0..self.sessions {
                    drop(self.shpool(&["kill", &format!("it{session}")]).output());
                }
            }
        }
        if let Some(server) = &mut self.server {
            drop(server.kill());
            drop(server.wait());
        }
    }
}

/// What a process takes, shared pages divided among those who share them.
fn pss(pid: u64) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find(|line| line.starts_with("Pss:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}
