//! A volume is mounted inside a worktree, or somebody lives there: neither is ever swept away with a session.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use crate::support::{
    Ran, STATE, Workspace,
    faults::{Tree, assert_same, files, tree},
    means, strace,
};

/// Runs a script where mounts are its own; `$WHARF` is the binary. Nothing where that is not possible.
fn with_mounts(space: &Workspace, script: &str) -> Ran {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-ec", script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", space.home())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("WHARF", env!("CARGO_BIN_EXE_wharf"))
        .env("WHARF_WORKSPACE", space.root())
        .stdin(Stdio::null())
        .current_dir("/");
    Ran { output: command.output().unwrap() }
}

fn can_mount() -> bool {
    let able = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "true"])
        .output()
        .is_ok_and(|it| it.status.success());
    if !able {
        means::left_out("mounts of one's own need root and unshare");
    }
    able
}

/// A volume with something on it that exists only once.
fn volume() -> (Workspace, Tree) {
    let volume = Workspace::empty();
    fs::create_dir_all(volume.path("deep/er")).unwrap();
    fs::write(volume.path("deep/er/precious.txt"), "the only copy\n").unwrap();
    let held = tree(&volume.root());
    (volume, held)
}

/// RELIABILITY G7.
#[test]
fn a_volume_mounted_inside_a_worktree_stops_every_destroy() {
    if !can_mount() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    for place in ["data", "src", "."] {
        let (volume, held) = volume();
        let at = folder.join(place);
        fs::create_dir_all(&at).unwrap();
        let work = files(&folder);
        for how in ["s1", "s1 --force", "s1 --force --delete-branch"] {
            let script = format!(
                "mount --bind '{}' '{}'; exec \"$WHARF\" destroy {how} --json",
                volume.root().display(),
                at.display()
            );
            let ran = with_mounts(&space, &script);
            assert!(!ran.output.status.success(), "{place}: {how} did not refuse");
            assert_same(&held, &tree(&volume.root()));
            assert_same(&work, &files(&folder));
        }
        let script = format!(
            "mount --bind '{}' '{}'; exec \"$WHARF\" destroy s1 --force",
            volume.root().display(),
            at.display()
        );
        let ran = with_mounts(&space, &script).fails(6);
        if place != "." {
            ran.says("mounted inside").says("no flag goes over this").says(at.to_str().unwrap());
        }
    }
    assert_eq!(space.names(), ["s1"]);
    space.run(["destroy", "s1", "--force"]).succeeds();
}

/// Also a mount of the same file system, which no device number tells apart.
#[test]
fn emptying_the_trash_crosses_no_mount() {
    if !can_mount() {
        return;
    }
    let space = Workspace::with_sessions(2);
    for name in ["s1", "s2"] {
        let folder = space.worktree(name);
        fs::create_dir_all(folder.join("data")).unwrap();
        fs::write(folder.join("data/own.txt"), "own\n").unwrap();
        space.run(["destroy", name, "--force"]).succeeds();
    }
    let id = space.json(["trash", "list"])[0]["id"].as_str().unwrap().to_owned();
    let entry = space.path(".worktrees/.trash").join(&id);
    let (volume, held) = volume();
    let mount =
        format!("mount --bind '{}' '{}'", volume.root().display(), entry.join("worktree/data").display());
    for verb in ["trash empty --yes", "trash empty --yes s2"] {
        let ran = with_mounts(&space, &format!("{mount}; exec \"$WHARF\" {verb}"));
        assert!(!ran.output.status.success());
        assert_same(&held, &tree(&volume.root()));
        assert!(entry.join("worktree/README.md").exists(), "nothing is begun");
    }
    // What has expired stays as long as something is mounted in it.
    for session in space.json(["trash", "list"]).as_array().unwrap() {
        space.expire(session["id"].as_str().unwrap());
    }
    with_mounts(&space, &format!("{mount}; exec \"$WHARF\" restore")).succeeds().says("stays in the trash");
    assert_same(&held, &tree(&volume.root()));
    assert_eq!(space.json(["trash", "list"]).as_array().unwrap().len(), 1);
    space.run(["trash", "empty", "--yes"]).succeeds();
    assert!(!entry.exists());
}

/// A trash on another file system: what cannot be copied there stays, and so does the room.
#[test]
fn a_destroy_into_a_trash_without_room_leaves_the_session_as_it_was() {
    if !can_mount() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    fs::write(folder.join("large"), vec![1; 1 << 20]).unwrap();
    let trash = space.path(".worktrees/.trash");
    fs::create_dir_all(&trash).unwrap();
    let held = files(&folder);
    let script = format!(
        "mount -t tmpfs -o size=400k tmpfs '{0}'; ! \"$WHARF\" destroy s1 --force; ls -A '{0}'; \
         \"$WHARF\" restore; mount -o remount,size=40m '{0}'; \"$WHARF\" destroy s1 --force; exec \"$WHARF\" undo",
        trash.display()
    );
    let ran = with_mounts(&space, &script).succeeds();
    assert!(!ran.stderr().contains("stays in the journal"), "{}", ran.stderr());
    assert_same(&held, &files(&folder));
    assert_eq!(space.json(["list"])[0]["worktreeState"], "present");
}

/// The same, killed anywhere, there and back: the session is whole on one side.
#[test]
fn a_move_to_another_file_system_that_is_killed_leaves_one_whole_worktree() {
    if !can_mount() || !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let trash = space.path(".worktrees/.trash");
    fs::create_dir_all(&trash).unwrap();
    let held = files(&folder);
    for (before, verb) in [(":", "destroy s1 --force"), ("\"$WHARF\" destroy s1 --force", "undo")] {
        for call in ["unlinkat", "rename", "fsync"] {
            for n in 1.. {
                // Whoever looks next finds a session in which somebody goes on, or a trash out of which it comes back; what
                // an editor makes in its place meanwhile is not touched.
                let script = format!(
                    "cd '{root}'; mount -t tmpfs -o size=40m tmpfs .worktrees/.trash\n{before}\n\
                     if strace -qq -o /dev/null -e trace={call} -e inject={call}:signal=KILL:when={n} \
                     \"$WHARF\" {verb}; then echo ended\n\
                     elif [ -d {folder} ]; then date +%N > {folder}/after.txt; echo worked\n\
                     else mkdir {folder}; : > {folder}/strange; \"$WHARF\" restore; rm {folder}/strange; rmdir {folder}; fi\n\
                     \"$WHARF\" restore; \"$WHARF\" path s1 || \"$WHARF\" undo; exec \"$WHARF\" list --json",
                    root = space.root().display(),
                    folder = folder.strip_prefix(space.root()).unwrap().display(),
                );
                let ran = with_mounts(&space, &script).succeeds();
                let told = format!("{verb}, {call} {n}: {}\n{}", ran.stdout(), ran.stderr());
                assert!(folder.exists(), "{told}");
                // What somebody did after the kill, because the session was still there, is there.
                if ran.stdout().lines().any(|line| line == "worked") {
                    fs::remove_file(folder.join("after.txt")).unwrap();
                }
                assert_same(&held, &files(&folder));
                assert!(ran.stdout().contains(r#""worktreeState": "present""#), "{told}");
                let left = fs::read_dir(space.path(".worktrees")).unwrap().count();
                assert_eq!(left, 2, "the worktree and the trash, {told}");
                assert_eq!(fs::read_dir(space.path(".git/worktrees")).unwrap().count(), 1, "{told}");
                if ran.stdout().lines().any(|line| line == "ended") {
                    assert!(n > 3, "{verb} has {call}");
                    break;
                }
            }
        }
    }
}

/// RELIABILITY R10.
#[test]
fn a_state_file_that_is_mounted_alone_is_found() {
    if !can_mount() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let (volume, _) = volume();
    let other = volume.path("state.json");
    fs::copy(space.path(STATE), &other).unwrap();
    let mount = format!("mount --bind '{}' '{}'", other.display(), space.path(STATE).display());
    with_mounts(&space, &format!("{mount}; exec \"$WHARF\" doctor --quick"))
        .fails(1)
        .says("mount the directory, not the file alone");
    let error = with_mounts(&space, &format!("{mount}; exec \"$WHARF\" create two --json")).fails(9).error();
    assert_eq!(error["code"], "STATE_UNWRITABLE", "{error}");
    assert_eq!(space.worktrees(), 1);
    assert_eq!(space.branches(), ["feature/s1", "main"]);
}

/// A process that lives in a folder until it is dropped.
struct Occupant(Child);

impl Occupant {
    fn of(folder: &std::path::Path) -> Self {
        let mut command = Command::new("sleep");
        // It has its folder when `spawn` returns: `exec` has happened by then.
        Self(command.arg("600").current_dir(folder).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_process_that_lives_in_a_worktree_is_named() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    let occupant = Occupant::of(&folder.join("src"));
    let error = space.run(["destroy", "s1", "--json"]).fails(4).error();
    assert_eq!(error["code"], "IN_USE");
    let losses = error["losses"].to_string();
    assert!(losses.contains(&occupant.0.id().to_string()) && losses.contains("sleep"), "{losses}");
    space.run(["destroy", "s1"]).fails(4).says("--occupied");
    assert!(folder.exists());
    space.run(["destroy", "s1", "--occupied"]).succeeds();
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", occupant.0.id())).unwrap(), "sleep\n");
    drop(occupant);
    space.run(["undo"]).succeeds();
    // Wharf itself is nobody, wherever it was started.
    let mut command = space.command();
    command.args(["destroy", "s1"]).current_dir(&folder);
    Ran { output: command.output().unwrap() }.succeeds();
}
