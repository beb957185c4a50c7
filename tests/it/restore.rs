//! A start brings every session back and says what became of each; a second start has nothing to do.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    Workspace,
    faults::{assert_same, files, tree},
    invariants,
};

fn abandoned(action: &str) -> Value {
    let worker = json!({"pid": 1, "started": 1, "boot": "another/1"});
    json!({"action": action, "branchIsNew": true, "worker": worker, "since": "2025-01-01T00:00:00.000Z"})
}

/// Five sessions, each with another fate at the next start.
fn crashed() -> Workspace {
    let space = Workspace::new();
    space.limit(10);
    for name in ["whole", "half", "staying", "unknown", "idle"] {
        space.run(["create", name]).succeeds();
    }
    let half = space.worktree("half");
    let admin = space.admin("half");
    space.edit_state(|state| {
        let sessions = state["sessions"].as_array_mut().unwrap();
        sessions[0]["pending"] = abandoned("creating");
        sessions[1]["pending"] = abandoned("creating");
        sessions[2]["pending"] = abandoned("destroying");
        sessions.remove(3);
        sessions.push(json!({"id": "not an id", "name": "odd"}));
    });
    // The checkout of `half` was never ended: git writes the index last.
    fs::remove_file(admin.join("index")).unwrap();
    fs::remove_file(half.join("README.md")).unwrap();
    space
}

#[test]
fn a_start_says_what_became_of_every_session() {
    let texts = crashed().run(["restore"]).succeeds().stdout();
    for line in [
        "4 sessions restored",
        "finished: whole",
        "undone: half",
        "undone: staying",
        "adopted: unknown (",
        "quarantined: ",
    ] {
        assert!(texts.contains(line), "`{line}` is not in:\n{texts}");
    }
    let space = crashed();
    let told = space.json(["restore"]);
    assert_eq!(told["restored"], 4, "{told:#}");
    assert_eq!(told["finished"], json!(["whole"]));
    assert_eq!(told["undone"], json!(["half", "staying"]));
    assert_eq!(told["adopted"].as_array().unwrap().len(), 1);
    assert!(told["quarantined"][0].as_str().unwrap().contains("not an id"));
    let mut names = space.names();
    names.sort();
    assert_eq!(names, ["idle", "staying", "unknown", "whole"]);
    assert_eq!(space.worktrees(), 4);
    assert!(!space.branches().contains(&"feature/half".to_owned()));
    assert!(space.sessions().iter().all(|it| it["status"] == "idle"));
}

/// RELIABILITY §6: a start can be cut short and run again at any time.
#[test]
fn a_second_start_says_nothing_new_and_writes_nothing() {
    let space = crashed();
    fs::remove_dir_all(space.admin("idle")).unwrap();
    space.git(["worktree", "unlock", space.worktree("staying").to_str().unwrap()]);
    space.run(["restore"]).succeeds().says("registered with git again");
    // Who holds the lock writes down who it is; that file says nothing about sessions.
    let held = || {
        let mut held = tree(&space.root());
        held.remove(Path::new(".claude-container-sessions.lock"));
        held
    };
    let before = held();
    let second = space.run(["restore"]).succeeds();
    let mut lines = second.stdout().lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    lines.retain(|line| !line.starts_with("  ") && !line.starts_with("quarantined: "));
    assert_eq!(lines, ["4 sessions restored"], "{}", second.stderr());
    assert_same(&before, &held());
    space.run(["recover"]).succeeds();
    assert_same(&before, &held());
}

#[test]
fn a_renaming_that_was_cut_short_ends_where_head_is() {
    let (old, new) = (["s1", "feature/s1"], ["login", "topic/x"]);
    // The last one finds its new name taken by then.
    for (head_moved, name, ended) in [(false, "login", old), (true, "login", new), (true, "s2", old)] {
        let space = Workspace::with_sessions(2);
        let mut pending = abandoned("renaming");
        pending["name"] = name.into();
        pending["branch"] = "topic/x".into();
        pending["at"] = space.git(["rev-parse", "feature/s1"]).into();
        space.edit_state(|state| state["sessions"][0]["pending"] = pending);
        space.git(["branch", "--copy", "feature/s1", "topic/x"]);
        if head_moved {
            space.git_at(&space.worktree("s1"), ["symbolic-ref", "HEAD", "refs/heads/topic/x"]);
        }
        let told = space.json(["restore"]);
        let end = if ended == new { "finished" } else { "undone" };
        assert_eq!(told[end], json!([ended[0]]), "{told}");
        assert_eq!(space.names(), [ended[0], "s2"]);
        assert_eq!(space.json(["show", ended[0]])["branch"], ended[1]);
        invariants::restored(&space, &[], &format!("{name}, head moved: {head_moved}"));
    }
}

#[test]
fn an_action_of_a_newer_wharf_keeps_its_session() {
    let space = Workspace::with_sessions(1);
    space.edit_state(|state| state["sessions"][0]["pending"] = abandoned("moving-out"));
    let before = space.state()["sessions"][0].clone();
    space.run(["restore"]).succeeds();
    let kept = space.state()["quarantine"][0]["entry"].clone();
    assert_eq!(kept, before);
    assert_eq!(space.names(), ["s1"], "its worktree brought it back");
}

/// RELIABILITY G8.
#[test]
fn the_hidden_ref_brings_back_what_the_trash_has_lost() {
    for lost in [&["worktree"][..], &["admin"], &["worktree", "admin"]] {
        let space = Workspace::with_sessions(1);
        let folder = space.work_in("s1");
        let held = files(&folder);
        let id = folder.file_name().unwrap().to_str().unwrap();
        space.run(["destroy", "s1", "--force", "--delete-branch"]).succeeds();
        for part in lost {
            fs::remove_dir_all(space.path(".worktrees/.trash").join(id).join(part)).unwrap();
        }
        space.git(["gc", "-q", "--prune=now"]);
        space.run(["undo", "s1"]).succeeds();
        for (path, (.., bytes)) in &held {
            assert_eq!(
                fs::read(folder.join(path)).ok().as_ref(),
                Some(bytes),
                "{lost:?}: {}",
                path.display()
            );
        }
        let status = space.git_at(&folder, ["status", "--porcelain"]);
        assert_eq!(status, "M README.md\nA  staged.txt\n?? new.txt", "{lost:?}");
        space.run(["doctor"]).succeeds();
    }
}

#[test]
fn a_start_empties_the_trash_of_what_has_expired_and_of_nothing_else() {
    let space = Workspace::with_sessions(2);
    let ids = ["s1", "s2"].map(|name| space.record(name)["id"].as_str().unwrap().to_owned());
    for name in ["s1", "s2"] {
        space.work_in(name);
        space.run(["destroy", name, "--force", "--delete-branch"]).succeeds();
    }
    space.expire(&ids[0]);
    assert!(space.findings().contains(&"trash-expired".to_owned()));
    assert_eq!(space.json(["recover", "--dry-run"])["expired"], json!(["s1"]));
    space.run(["recover", "--dry-run"]).succeeds().says("expired: s1");
    assert!(space.path(".worktrees/.trash").join(&ids[0]).exists());
    let ran = space.run(["restore"]).succeeds().says("expired: s1");
    assert!(!ran.stdout().contains("s2"), "{}", ran.stdout());
    assert!(!space.path(".worktrees/.trash").join(&ids[0]).exists());
    assert_eq!(
        space.git(["for-each-ref", "--format=%(refname)", "refs/wharf"]),
        format!("refs/wharf/trash/{}", ids[1])
    );
    space.run(["undo", "s1"]).fails(3);
    space.run(["undo"]).succeeds().says("s2");
}

#[test]
fn a_start_keeps_going_when_one_session_cannot_be_put_in_order() {
    let space = Workspace::with_sessions(3);
    let folder = space.worktree("s2");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "something else\n").unwrap();
    fs::remove_dir_all(space.admin("s3")).unwrap();
    let ran = space.run(["restore"]).succeeds().says("3 sessions restored");
    assert!(ran.stdout().contains("mended: s3: "), "{}", ran.stdout());
    assert_eq!(fs::read_to_string(&folder).unwrap(), "something else\n");
    assert_eq!(space.names(), ["s1", "s2", "s3"]);
}
