//! Many wharfs on one workspace: exactly those win who may, the others are told why, and nothing is left over.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::Value;

use crate::support::{Ran, STATE, Workspace, git_command, invariants};

/// Says that it is over when it goes, also when a test ends in a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Starts all of these at once and waits for all of them.
fn at_once(space: &Workspace, runs: impl IntoIterator<Item = Vec<String>>) -> Vec<Ran> {
    let children: Vec<Child> =
        runs.into_iter().map(|args| space.spawn(args.into_iter().chain(["--json".to_owned()]))).collect();
    let wait = |child: Child| Ran { output: child.wait_with_output().unwrap() };
    children.into_iter().map(wait).collect()
}

/// How often each exit code and error word came.
fn outcomes(runs: &[Ran]) -> BTreeMap<(i32, String), usize> {
    let mut counted = BTreeMap::new();
    for ran in runs {
        let code = ran.output.status.code().unwrap();
        let word = if code == 0 { String::new() } else { ran.error()["code"].as_str().unwrap().to_owned() };
        *counted.entry((code, word)).or_default() += 1;
    }
    counted
}

fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(|&arg| arg.to_owned()).collect()
}

#[test]
fn of_twenty_creates_for_the_last_place_one_wins() {
    let space = Workspace::with_sessions(3);
    let runs = at_once(&space, (0..20).map(|n| words(&["create", &format!("last-{n}")])));
    let wanted = [((0, String::new()), 1), ((5, "MAX_SESSIONS".to_owned()), 19)];
    assert_eq!(outcomes(&runs), wanted.into());
    assert_eq!(space.sessions().len(), 4);
    invariants::whole(&space, &[], "twenty creates for one place");
}

#[test]
fn of_twenty_creates_of_one_name_one_wins() {
    let space = Workspace::new();
    let runs = at_once(&space, (0..20).map(|_| words(&["create", "same"])));
    let wanted = [((0, String::new()), 1), ((4, "NAME_TAKEN".to_owned()), 19)];
    assert_eq!(outcomes(&runs), wanted.into());
    invariants::whole(&space, &[], "twenty creates of one name");
}

/// SPEC CS-1: who gave no name is not told that a name is taken.
#[test]
fn twenty_creates_without_a_name_get_twenty_numbers() {
    let space = Workspace::new();
    let runs = at_once(&space, (0..20).map(|_| words(&["create", "--max-sessions", "20"])));
    assert_eq!(outcomes(&runs), [((0, String::new()), 20)].into());
    let mut numbers: Vec<String> =
        space.names().iter().map(|name| name[name.len() - 3..].to_owned()).collect();
    numbers.sort();
    assert_eq!(numbers, (1..=20).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    invariants::whole(&space, &[], "twenty creates without a name");
}

#[test]
fn of_twenty_creates_on_one_existing_branch_one_wins() {
    let space = Workspace::new();
    space.git(["branch", "topic"]);
    let creates = (0..20).map(|n| words(&["create", &format!("on-{n}"), "--branch", "topic"]));
    let runs = at_once(&space, creates);
    let wanted = [((0, String::new()), 1), ((4, "BRANCH_TAKEN".to_owned()), 19)];
    assert_eq!(outcomes(&runs), wanted.into());
    invariants::whole(&space, &["topic"], "twenty creates on one branch");
}

#[test]
fn forty_creates_from_a_remote_branch_all_succeed() {
    let space = Workspace::new();
    space.git(["update-ref", "refs/remotes/origin/main", "HEAD"]);
    space.git(["config", "remote.origin.url", "/nowhere"]);
    space.git(["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"]);
    let create = |n| {
        let name = format!("s{n}");
        words(&["create", &name, "--from", "origin/main", "--max-sessions", "50"])
    };
    let runs = at_once(&space, (0..40).map(create));
    assert_eq!(outcomes(&runs), [((0, String::new()), 40)].into());
    assert_eq!(space.sessions().len(), 40);
    invariants::whole(&space, &[], "forty creates");
}

#[test]
fn git_cleaning_up_meanwhile_takes_nothing_away() {
    let space = Workspace::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let tidy = |args: &'static [&'static str]| {
            while !done.load(Ordering::Relaxed) {
                // It may meet locks of a git of ours; that is its own failure, and it tries again.
                git_command(&space.root()).args(args).output().unwrap();
            }
        };
        scope.spawn(move || tidy(&["gc", "--quiet", "--prune=now"]));
        scope.spawn(move || tidy(&["worktree", "prune", "--expire=now"]));
        let _over = Over(&done);
        for round in 0..6 {
            let create = |n| words(&["create", &format!("r{round}-{n}"), "--max-sessions", "50"]);
            let runs = at_once(&space, (0..3).map(create));
            let codes = outcomes(&runs);
            assert_eq!(codes, [((0, String::new()), 3)].into(), "{runs:#?}");
        }
    });
    assert_eq!(space.sessions().len(), 18);
    invariants::whole(&space, &[], "creates beside gc and prune");
}

/// A process that holds the state lock until it is told to go or killed.
struct Holder(Child);

impl Holder {
    fn of(space: &Workspace) -> Self {
        let lock = space.path(".claude-container-sessions.lock");
        let script = r#"exec 9<>"$1"; flock 9; echo $$ >&9; echo held; read -r line"#;
        let mut child = Command::new("bash")
            .args(["-c", script, "holder"])
            .arg(lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.as_mut().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_stopped_holder_of_the_lock_is_named_and_a_killed_one_is_forgotten() {
    let space = Workspace::with_sessions(1);
    let holder = Holder::of(&space);
    let pid = holder.pid().to_string();
    let stopped = Command::new("bash").args(["-c", &format!("kill -STOP {pid}")]).status();
    assert!(stopped.unwrap().success());
    let runs = at_once(&space, (0..3).map(|n| words(&["status", "s1", ["idle", "error", "waiting"][n]])));
    for ran in &runs {
        assert_eq!(ran.output.status.code(), Some(8));
        let error = ran.error();
        assert_eq!(error["code"], "STATE_LOCKED");
        assert!(error["message"].as_str().unwrap().contains(&format!("process {pid}")), "{error}");
    }
    assert_eq!(space.sessions()[0]["status"], "active", "reading needs no lock");
    let waiting = space.spawn(["status", "s1", "waiting", "--json"]);
    drop(holder);
    let ran = Ran { output: waiting.wait_with_output().unwrap() };
    ran.succeeds();
    assert_eq!(space.sessions()[0]["status"], "waiting");
}

#[test]
fn the_state_file_deleted_while_everybody_writes_comes_back_with_all_sessions() {
    let space = Workspace::with_sessions(4);
    let ids =
        |sessions: Vec<Value>| -> Vec<Value> { sessions.into_iter().map(|it| it["id"].clone()).collect() };
    let before = ids(space.sessions());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                drop(fs::remove_file(space.path(STATE)));
            }
        });
        let _over = Over(&done);
        for round in 0..5 {
            let touch = |n| words(&["meta", &format!("s{}", n % 4 + 1), &format!("k{n}=v{round}")]);
            for ran in at_once(&space, (0..8).map(touch)) {
                let code = ran.output.status.code().unwrap();
                let word = if code == 0 { Value::Null } else { ran.error()["code"].clone() };
                // Who sees the file vanish between reading and writing says so and changes nothing. The backup that stands
                // in may be from a time when a session was being made.
                let is_allowed = word == "STATE_UNWRITABLE" || word == "IN_USE";
                assert!(code == 0 || is_allowed, "{code} {word} {}", ran.stderr());
            }
        }
    });
    space.run(["restore"]).succeeds();
    assert_eq!(ids(space.sessions()), before);
    invariants::restored(&space, &[], "the file deleted meanwhile");
}

#[test]
fn undos_without_a_name_at_once_bring_back_one_each() {
    let space = Workspace::with_sessions(4);
    for _ in 0..3 {
        for name in space.names() {
            space.run(["destroy", &name]).succeeds();
        }
        for ran in at_once(&space, (0..4).map(|_| words(&["undo"]))) {
            ran.succeeds();
        }
        assert_eq!(space.names().len(), 4);
    }
}

#[test]
fn an_undo_beside_an_emptied_trash_says_that_it_is_not_in_the_trash() {
    let space = Workspace::new();
    for number in 0..10 {
        let name = format!("s{number}");
        space.run(["create", &name]).succeeds();
        space.run(["destroy", &name]).succeeds();
        let runs = [words(&["undo", &name]), words(&["trash", "empty", "--yes"])];
        let undo = at_once(&space, runs).remove(0);
        if undo.output.status.success() {
            space.run(["destroy", &name]).succeeds();
        } else {
            assert_eq!(undo.fails(3).error()["code"], "NOT_FOUND");
        }
    }
}
