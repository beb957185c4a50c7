//! While a create writes its files everybody else has the repository, and nobody touches what it is about to make.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::{Child, Command},
};

use crate::support::{Ran, STATE, Workspace, contexts::eventually, invariants, pool::meddling, strace};

/// A create whose git stops before it writes the first file, until it is told to go on.
struct Stopped {
    child: Child,
    gate: PathBuf,
}

impl Stopped {
    fn create(space: &Workspace, name: &str) -> Self {
        strace::leave_to_git(space);
        let gate = space.home().join("gate");
        let made = Command::new("mkfifo").arg(&gate).status().unwrap();
        assert!(made.success());
        let reached = space.home().join("reached");
        let script = format!(
            "case \"$*\" in *read-tree*) : >'{}'; read -r line <'{}' ;; esac\nexec \"$real\" \"$@\"",
            reached.display(),
            gate.display()
        );
        let mut command = space.command();
        command.env("PATH", meddling(space, &script)).args(["create", name, "--meta", "owner=ann"]);
        let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        eventually("its git writes", || reached.exists());
        Self { child, gate }
    }

    fn go_on(&self) {
        File::options().write(true).open(&self.gate).unwrap().write_all(b"go\n").unwrap();
    }

    fn ends(self) -> Ran {
        Ran { output: self.child.wait_with_output().unwrap() }
    }
}

/// Whether a process waits for who writes the files of a worktree.
fn waits_for_files(child: &Child) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", child.id()));
    let mut open = open.into_iter().flatten().filter_map(Result::ok);
    open.any(|it| fs::read_link(it.path()).is_ok_and(|to| to.ends_with("wharf.writing")))
}

#[test]
fn a_create_that_writes_its_files_keeps_nobody_waiting() {
    let space = Workspace::with_sessions(1);
    let slow = Stopped::create(&space, "slow");
    space.run(["create", "quick"]).succeeds();
    space.run(["destroy", "s1", "--force", "--delete-branch"]).succeeds();
    space.run(["undo"]).succeeds();
    slow.go_on();
    slow.ends().succeeds();
    assert_eq!(space.names(), ["s1", "slow", "quick"]);
    invariants::restored(&space, &[], "creates beside each other");
}

#[test]
fn what_a_create_is_about_to_make_is_left_alone() {
    let space = Workspace::new();
    let slow = Stopped::create(&space, "slow");
    space.git(["gc", "--quiet", "--prune=now"]);
    space.git(["worktree", "prune", "--expire=now"]);
    space.run(["restore"]).succeeds();
    space.run(["recover"]).succeeds();
    space.run(["doctor", "--fix"]);
    let refused = space.run(["destroy", "slow", "--force", "--json"]);
    assert_eq!(refused.error()["code"], "IN_USE");
    slow.go_on();
    slow.ends().succeeds();
    assert_eq!(space.git_at(&space.worktree("slow"), ["status", "--porcelain"]), "");
    assert_eq!(space.json(["show", "slow"])["metadata"]["owner"], "ann");
    invariants::restored(&space, &[], "what others did to a create");
}

#[test]
fn who_takes_back_a_killed_create_waits_for_the_git_that_still_writes_for_it() {
    let space = Workspace::new();
    let mut slow = Stopped::create(&space, "slow");
    slow.child.kill().unwrap();
    slow.child.wait().unwrap();
    let restoring = space.spawn(["restore", "--json"]);
    eventually("the restore waits", || waits_for_files(&restoring));
    assert_eq!(space.worktrees(), 1, "nothing is taken back under a git that writes");
    // Who makes another one does not wait for that.
    space.run(["create", "other"]).succeeds();
    slow.go_on();
    let restored = Ran { output: restoring.wait_with_output().unwrap() }.succeeds().json();
    assert_eq!(restored["undone"][0], "slow", "{restored}");
    assert_eq!(space.names(), ["other"]);
    invariants::restored(&space, &[], "a killed create");
}

#[test]
fn a_table_that_is_rebuilt_meanwhile_harms_no_create() {
    let space = Workspace::new();
    let slow = Stopped::create(&space, "slow");
    fs::write(space.path(STATE), "garbage").unwrap();
    let restoring = space.spawn(["restore", "--json"]);
    eventually("the restore waits", || waits_for_files(&restoring));
    slow.go_on();
    slow.ends().succeeds();
    Ran { output: restoring.wait_with_output().unwrap() }.succeeds();
    assert_eq!(space.names(), ["slow"]);
    assert_eq!(space.git_at(&space.worktree("slow"), ["status", "--porcelain"]), "");
    invariants::restored(&space, &[], "a table that was rebuilt");
}
