//! Worktrees that are kept ready, when their workspace is moved, copied, or seen under two paths.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, Workspace, binary};

const MINE: &str = "mine\n";

fn run(root: &Path, args: &[&str]) -> Ran {
    let mut command = binary();
    command.args(args).env("HOME", "/nonexistent").env("WHARF_BACKGROUND", "off").current_dir("/");
    Ran { output: command.arg("--workspace").arg(root).output().unwrap() }
}

/// Id and condition of the only warm worktree.
#[track_caller]
fn slot(root: &Path) -> (String, String) {
    let told: Value = run(root, &["pool", "status", "--json"]).succeeds().json();
    let slots = told["slots"].as_array().unwrap();
    assert_eq!(slots.len(), 1, "{told}");
    (slots[0]["id"].as_str().unwrap().to_owned(), slots[0]["condition"].as_str().unwrap().to_owned())
}

/// A workspace with a warm worktree, and a place to move it to.
fn with_slot() -> (Workspace, TempDir, PathBuf, String) {
    let space = Workspace::new();
    run(&space.root(), &["pool", "fill", "--size", "1"]).succeeds();
    let (id, condition) = slot(&space.root());
    assert_eq!(condition, "ready");
    let around = tempfile::tempdir().unwrap();
    let other = fs::canonicalize(around.path()).unwrap().join("new home");
    (space, around, other, id)
}

#[test]
fn what_is_ready_in_a_moved_workspace_stays_ready() {
    let (space, _around, other, id) = with_slot();
    let first = space.root();
    // There, back, and there again, as a workspace that is seen under two paths.
    for (from, to) in [(&first, &other), (&other, &first), (&first, &other)] {
        fs::rename(from, to).unwrap();
        let ran = run(to, &["restore"]).succeeds();
        assert!(!ran.stdout().contains("changed"), "{}", ran.stdout());
        assert_eq!(slot(to), (id.clone(), "ready".to_owned()));
    }
    run(&other, &["create", "one"]).succeeds();
    let shown = run(&other, &["show", "one", "--json"]).succeeds().json();
    assert_eq!(shown["id"], id.as_str());
    let folder = other.join(".worktrees").join(&id);
    assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "");
    run(&other, &["doctor"]).succeeds();
    fs::create_dir(first).unwrap();
}

#[test]
fn what_somebody_did_in_one_before_a_move_is_seen_after_it() {
    let (space, _around, other, id) = with_slot();
    let first = space.root();
    fs::write(first.join(".worktrees").join(&id).join("README.md"), MINE).unwrap();
    fs::rename(&first, &other).unwrap();
    let folder = other.join(".worktrees").join(&id);
    run(&other, &["restore"]).succeeds();
    assert_eq!(slot(&other), (id, "changed".to_owned()));
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), MINE);
    // What it is said to be done with it works.
    space.git_at(&other, ["worktree", "remove", "--force", "--force", folder.to_str().unwrap()]);
    fs::create_dir(first).unwrap();
}

#[test]
fn a_copy_of_a_workspace_leaves_what_is_ready_as_it_is_on_both_sides() {
    let (space, _around, other, id) = with_slot();
    let copied = Command::new("cp").arg("-a").args([&space.root(), &other]).status().unwrap();
    assert!(copied.success());
    let ran = run(&other, &["restore"]).succeeds();
    assert!(!ran.stdout().contains("changed"), "{}", ran.stdout());
    assert!(!other.join(".git/worktrees").join(&id).join("wharf.changed").exists());
    run(&other, &["create", "there"]).succeeds();
    run(&space.root(), &["restore"]).succeeds();
    assert_eq!(slot(&space.root()), (id.clone(), "ready".to_owned()));
    run(&space.root(), &["create", "here"]).succeeds();
    assert_eq!(run(&space.root(), &["show", "here", "--json"]).succeeds().json()["id"], id.as_str());
}
