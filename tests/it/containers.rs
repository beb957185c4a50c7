use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::support::{Ran, Workspace, binary, contexts::eventually, means, strace};

/// A `git` that stops before one of its commands until it is told to go on.
struct Gate {
    folder: tempfile::TempDir,
}

impl Gate {
    fn before(command: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *'{command}'*) : > '{0}/reached'; read -r _ < '{0}/go';; esac\nexec {1} \"$@\"\n",
            folder.path().display(),
            real_git().display(),
        );
        let shim = folder.path().join("git");
        fs::write(&shim, script).unwrap();
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(Command::new("mkfifo").arg(folder.path().join("go")).status().unwrap().success());
        Self { folder }
    }

    fn path(&self) -> String {
        format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap())
    }

    fn wait(&self) {
        eventually("git gets to its command", || self.folder.path().join("reached").exists());
    }

    /// Lets the command go on; returns when it has begun to.
    fn open(&self) {
        fs::write(self.folder.path().join("go"), "go\n").unwrap();
    }
}

fn real_git() -> PathBuf {
    let paths = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&paths).map(|it| it.join("git")).find(|it| it.is_file()).unwrap()
}

/// Whoever still waits when a test fails goes on.
impl Drop for Gate {
    fn drop(&mut self) {
        let go = File::options().read(true).write(true).open(self.folder.path().join("go"));
        drop(go.and_then(|mut it| it.write_all(b"go\n")));
    }
}

fn start(space: &Workspace, command: &mut Command, args: &[&str]) -> Child {
    command
        .args(args)
        .current_dir(space.root())
        .env("WHARF_WORKSPACE", space.root())
        .env("HOME", space.home());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The binary where no process of this one can be seen, as in another container on the same volume.
fn elsewhere() -> Option<Command> {
    let mut probe = Command::new("unshare");
    probe.args(["--pid", "--fork", "--mount-proc", "true"]).stderr(Stdio::null());
    if !probe.status().is_ok_and(|it| it.success()) {
        means::left_out("a pid namespace of its own needs root and `unshare`");
        return None;
    }
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount-proc"])
        .arg(binary().get_program())
        .env("GIT_CONFIG_NOSYSTEM", "1");
    Some(command)
}

fn ended(child: Child) -> Ran {
    Ran { output: child.wait_with_output().unwrap() }
}

fn worker(space: &Workspace) -> Value {
    space.state()["sessions"][0]["pending"]["worker"].clone()
}

/// Its process looks dead from there, and is not.
#[test]
fn a_create_survives_what_another_container_takes_it_for() {
    let Some(mut other) = elsewhere() else {
        return;
    };
    let space = Workspace::new();
    strace::leave_to_git(&space);
    let gate = Gate::before("worktree add");
    let creating = start(&space, space.command().env("PATH", gate.path()), &["create", "auth"]);
    gate.wait();
    let before = worker(&space);
    let creating_beside = start(&space, &mut other, &["create", "beside"]);
    eventually("the other one takes it over", || worker(&space) != before);
    gate.open();
    ended(creating).succeeds();
    ended(creating_beside).succeeds();
    assert_eq!(space.names(), ["auth", "beside"]);
    for session in space.json(["list"]).as_array().unwrap() {
        assert_eq!(session["worktreeState"], "present");
        assert_eq!(session.get("pending"), None);
    }
}

#[test]
fn a_destroy_survives_what_another_container_takes_it_for() {
    let Some(mut other) = elsewhere() else {
        return;
    };
    let space = Workspace::with_sessions(1);
    let work = space.worktree("s1").join("work.txt");
    fs::write(&work, "precious\n").unwrap();
    let gate = Gate::before("add --all");
    let destroying = start(&space, space.command().env("PATH", gate.path()), &["destroy", "s1", "--force"]);
    gate.wait();
    let before = worker(&space);
    let creating_beside = start(&space, &mut other, &["create", "beside"]);
    eventually("the other one takes it over", || worker(&space) != before);
    gate.open();
    ended(creating_beside).succeeds();
    // Either of the two ends the destroy, or it is taken back; the work is there in both cases.
    drop(ended(destroying));
    if space.names() == ["beside"] {
        space.run(["undo"]).succeeds();
    }
    assert_eq!(fs::read_to_string(&work).unwrap(), "precious\n");
    assert_eq!(space.run(["doctor"]).succeeds().stdout(), "nothing is wrong\n");
}
