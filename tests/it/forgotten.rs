//! A program runs and the table has forgotten it: it is found again, and not started a second time.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{STATE, Workspace, processes};

/// A session with a program in it, whose process neither the table, nor a backup, nor git has.
fn forgotten() -> (Workspace, Value) {
    forgotten_with(&["cat"])
}

fn forgotten_with(command: &[&str]) -> (Workspace, Value) {
    let space = Workspace::with_sessions(1);
    let fresh = fs::read(space.path(STATE)).unwrap();
    let kept = space
        .path(&format!(".git/worktrees/{}/session.json", space.json(["show", "s1"])["id"].as_str().unwrap()));
    let record = fs::read(&kept).unwrap();
    space.run([&["start", "s1", "--"], command].concat()).succeeds();
    let before = space.json(["show", "s1"]);
    space.lose_state();
    fs::write(space.path(STATE), fresh).unwrap();
    fs::write(kept, record).unwrap();
    assert_eq!(space.state()["sessions"][0]["ptyPid"], Value::Null);
    (space, before)
}

#[test]
fn a_forgotten_program_is_shown_and_not_started_twice() {
    let (space, before) = forgotten();
    assert_eq!(space.json(["ps"])[0]["session"]["ptyPid"], before["ptyPid"]);
    space.run(["start", "s1", "--", "cat"]).fails(4).says("runs in it already");
    let shown = space.json(["show", "s1"]);
    for key in ["ptyPid", "holder", "command", "status"] {
        assert_eq!(shown[key], before[key], "{key}");
    }
    space.run(["touch", "s1"]).succeeds();
    assert_eq!(space.state()["sessions"][0]["ptyPid"], before["ptyPid"]);
    space.run(["stop", "s1"]).succeeds();
    let shown = space.json(["show", "s1"]);
    assert_eq!((&shown["status"], &shown["ended"]["cause"]), (&"stopped".into(), &"asked".into()));
    assert!(space.sockets().is_empty());
}

#[test]
fn a_restore_writes_a_forgotten_program_down() {
    let (space, before) = forgotten();
    space.run(["restore"]).succeeds();
    let written = &space.state()["sessions"][0];
    assert_eq!((&written["ptyPid"], &written["status"]), (&before["ptyPid"], &"active".into()));
}

#[test]
fn a_table_that_is_rebuilt_without_a_record_has_the_program_again() {
    let (space, before) = forgotten();
    let id = before["id"].as_str().unwrap();
    space.lose_state();
    fs::remove_file(space.path(&format!(".git/worktrees/{id}/session.json"))).unwrap();
    let ps = space.json(["ps"]);
    assert_eq!((&ps[0]["session"]["id"], &ps[0]["session"]["ptyPid"]), (&before["id"], &before["ptyPid"]));
    assert_eq!(space.state()["sessions"][0]["ptyPid"], before["ptyPid"], "the rebuilt table has it");
}

#[test]
fn the_word_of_a_killed_holder_is_not_believed() {
    let (space, before) = forgotten();
    processes::kill(u32::try_from(before["holder"]["pid"].as_u64().unwrap()).unwrap());
    assert_eq!(space.json(["show", "s1"])["ptyPid"], Value::Null);
    assert_eq!(space.json(["ps"]).as_array().unwrap().len(), 0);
    space.run(["start", "s1", "--", "cat"]).succeeds();
    assert_ne!(space.json(["show", "s1"])["ptyPid"], before["ptyPid"]);
}

#[test]
fn what_the_killed_holder_of_a_forgotten_program_left_ends_before_the_next_begins() {
    let (space, before) = forgotten_with(&["sh", "-c", "setsid sleep 3001 & echo grown; exec cat"]);
    let id = before["id"].as_str().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while processes::marked(id).len() < 2 {
        assert!(Instant::now() < deadline, "nothing grows");
    }
    processes::kill(u32::try_from(before["holder"]["pid"].as_u64().unwrap()).unwrap());
    let left = processes::marked(id);
    assert!(!left.is_empty());
    space.run(["start", "s1", "--", "cat"]).succeeds();
    assert!(processes::marked(id).iter().all(|pid| !left.contains(pid)), "{left:?} goes on");
}
