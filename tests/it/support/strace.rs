//! Programs that break on purpose: killed or failing at their Nth system call, with strace.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    process::{Command, ExitStatus, Stdio},
};

use super::{Ran, Workspace, means};

/// The calls that change something outside of the process, or wait for somebody. What an `openat` makes is empty until
/// the `write` behind it, and every kill comes before its call, so `openat` adds nothing.
pub const CHANGES: &str = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,\
                           mkdir,mkdirat,rmdir,ftruncate,fchmod,chmod,symlink,vfork,execve,wait4,flock";

/// Whether strace can be used here; says so when not.
#[track_caller]
pub fn is_there() -> bool {
    let found = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output();
    let works = found.is_ok_and(|output| output.status.success());
    if !works {
        means::left_out("strace is missing or may not trace here");
    }
    works
}

/// Has git make the worktrees of a repository: with this setting, which changes nothing here, no copy is made.
pub fn leave_to_git(space: &Workspace) {
    space.git(["config", "index.sparse", "true"]);
}

/// A command run by another one, in the same place and environment.
pub fn under(wrapper: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(wrapper[0]);
    outer.args(&wrapper[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    outer.current_dir(command.get_current_dir().unwrap());
    outer.stdin(Stdio::null());
    outer
}

/// How a run is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// wharf alone, git children live on.
    Alone,
    /// Every process before its own Nth call: git fails while wharf looks on, or wharf goes first.
    Each,
    /// A git command and wharf with it, as when a container is killed.
    Together,
}

/// Before which call a run is cut short: the Nth of its kind in a process, under `Cut::Together` of one git command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    command: usize,
    call: String,
    n: usize,
}

impl Cut {
    /// Runs the binary to its end and answers every point where it can be cut.
    pub fn points(self, space: &Workspace, args: &[&str]) -> Vec<Point> {
        let log = space.home().join("trace");
        let logs = |number: usize| space.home().join(format!("trace.{number}"));
        for number in 1.. {
            if fs::remove_file(logs(number)).is_err() {
                break;
            }
        }
        self.run(space, args, &|number| {
            let log = if self == Self::Together { logs(number) } else { log.clone() };
            format!("-o {} -e trace={CHANGES}", log.display())
        });
        let mut points = Vec::new();
        let mut add = |command: usize, text: &str| {
            for (call, count) in counted(text) {
                points.extend((1..=count).map(|n| Point { command, call: call.clone(), n }));
            }
        };
        match self {
            Self::Alone | Self::Each => add(1, &fs::read_to_string(log).unwrap()),
            Self::Together => {
                for number in 1.. {
                    let Ok(text) = fs::read_to_string(logs(number)) else {
                        break;
                    };
                    add(number, &text);
                }
            }
        }
        points
    }

    /// Runs the binary and cuts it short at a point; says whether it was killed itself.
    pub fn at(self, space: &Workspace, args: &[&str], point: &Point) -> bool {
        let Point { command, call, n } = point;
        self.run(space, args, &|number| {
            if self == Self::Together && number != *command {
                return String::new();
            }
            format!("-o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={n}")
        })
        .signal()
            == Some(9)
    }

    fn run(self, space: &Workspace, args: &[&str], options: &dyn Fn(usize) -> String) -> ExitStatus {
        // Each run makes the same calls, however long ago the one before was.
        space.age_backups();
        let mut command = space.command();
        command.args(args);
        if self == Self::Together {
            command.env("PATH", shim(space, options));
            return command.output().unwrap().status;
        }
        let options = options(1);
        let follow = if self == Self::Each { "-f" } else { "-qq" };
        let mut wrapper = vec!["strace", "-qq", follow];
        wrapper.extend(options.split(' '));
        under(&wrapper, &command).output().unwrap().status
    }
}

impl Point {
    /// Whether it is a call of this kind.
    pub fn is_of(&self, call: &str) -> bool {
        self.call == call
    }

    /// Whether it is the last of all calls of a kind.
    pub fn is_last(&self, call: &str, points: &[Self]) -> bool {
        self.call == call && points.iter().filter(|it| it.call == call).all(|it| it.n <= self.n)
    }
}

/// Runs the binary and cuts it short before the Nth write, rename or sync; with fewer of them it ends as it should.
pub fn killed_somewhere(space: &Workspace, args: &[&str], cut: Cut, n: usize) {
    let kinds = ["write", "rename", "fsync", "unlink", "wait4", "mkdir"];
    let point = Point { command: 1, call: kinds[n % kinds.len()].to_owned(), n: n / kinds.len() + 1 };
    cut.at(space, args, &point);
}

/// The most calls of each kind that one process made, from a trace with or without pids.
fn counted(log: &str) -> BTreeMap<String, usize> {
    let mut by_process: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in log.lines() {
        let (pid, rest) = match line.split_once(' ') {
            Some((pid, rest)) if pid.bytes().all(|b| b.is_ascii_digit()) => (pid, rest.trim_start()),
            _ => ("", line),
        };
        let call = rest.split('(').next().unwrap();
        if !rest.starts_with(['<', '+', '-']) {
            *by_process.entry((pid, call)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in by_process {
        let known: &mut usize = most.entry(call.to_owned()).or_default();
        *known = count.max(*known);
    }
    most
}

/// A PATH with a git that is traced with these options, command by command, and takes wharf along when it is killed.
fn shim(space: &Workspace, options: &dyn Fn(usize) -> String) -> String {
    const COMMANDS_MAX: usize = 40;
    let folder = space.home().join("shim");
    let (git, count) = (folder.join("git"), folder.join("count"));
    fs::create_dir_all(&folder).unwrap();
    drop(fs::remove_file(&count));
    let real = std::env::var("PATH").unwrap();
    let mut script =
        format!("#!/bin/sh\nPATH='{real}'\nprintf x >> '{0}'\ncase $(wc -c < '{0}') in\n", count.display());
    for number in 1..=COMMANDS_MAX {
        let options = options(number);
        if !options.is_empty() {
            writeln!(script, "{number}) strace -f -qq {options} git \"$@\" ;;").unwrap();
        }
    }
    script.push_str(
        "*) exec git \"$@\" ;;\nesac\ncode=$?\nif [ $code -eq 137 ]; then kill -9 $PPID; fi\nexit $code\n",
    );
    fs::write(&git, script).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{real}", folder.display())
}

/// Runs the binary with its Nth call of a kind failing; says whether it came that far.
pub fn failing_at<I: AsRef<OsStr>>(
    space: &Workspace,
    args: impl IntoIterator<Item = I>,
    call: &str,
    error: &str,
    n: usize,
) -> (Ran, bool) {
    let inject = format!("inject={call}:error={error}:when={n}");
    let trace = format!("trace={call}");
    let mut command = space.command();
    command.args(args).arg("--json");
    let log = space.home().join("trace");
    let wrapper = ["strace", "-qq", "-o", log.to_str().unwrap(), "-e", &trace, "-e", &inject];
    let output = under(&wrapper, &command).output().unwrap();
    let failed = fs::read_to_string(log).unwrap().contains("(INJECTED)");
    (Ran { output }, failed)
}
