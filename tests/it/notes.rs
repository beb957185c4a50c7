use serde_json::json;

use crate::support::Workspace;

/// SPEC CS-6.
#[test]
fn a_session_is_found_by_name_id_and_unique_prefix() {
    let space = Workspace::with_sessions(2);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    for text in ["s1", "S1", &id, &id[..8]] {
        assert_eq!(space.json(["show", text])["name"], "s1", "{text}");
    }
    let ran = space.run(["show", "nobody", "--json"]).fails(3);
    assert_eq!(ran.error()["code"], "NOT_FOUND");
    assert_eq!(
        space.run(["path", "s1"]).succeeds().stdout().trim_end(),
        space.path(&format!(".worktrees/{id}")).to_str().unwrap()
    );
}

#[test]
fn status_phase_and_metadata_are_kept() {
    let space = Workspace::with_sessions(1);
    for status in ["active", "waiting", "idle", "error", "stopped"] {
        assert_eq!(space.json(["status", "s1", status])["status"], status);
    }
    space.run(["status", "s1", "busy"]).fails(2).says("use active, waiting, idle, error or stopped");
    assert_eq!(space.json(["phase", "s1", "writing tests"])["currentPhase"], "writing tests");
    assert_eq!(space.json(["phase", "s1", "--clear"]).get("currentPhase"), None);
    space.run(["meta", "s1", "owner=ann", "points:=3", "big:=123456789012345678901234567890"]).succeeds();
    let shown = space.run(["meta", "s1", "--unset", "points"]).succeeds().stdout();
    assert!(shown.contains("123456789012345678901234567890"), "{shown}");
    assert_eq!(space.json(["meta", "s1"])["owner"], "ann");
    assert_eq!(space.json(["meta", "s1"]).get("points"), None);
    for wrong in ["owner", "=x", "x:=nope"] {
        space.run(["meta", "s1", wrong]).fails(2);
    }
    let long = format!("long={}", "x".repeat(70_000));
    space.run(["meta", "s1", &long]).fails(2).says("65536 are the most").says("keep it in a file");
    space.run(["create", "s2", "--meta", &long]).fails(2).says("65536 are the most");
    assert_eq!((space.json(["meta", "s1"]).get("long"), space.worktrees()), (None, 1));
}

#[test]
fn every_note_refreshes_the_last_activity_and_nothing_else_does() {
    let space = Workspace::with_sessions(1);
    let last = || space.json(["show", "s1"])["lastActivity"].as_str().unwrap().to_owned();
    let before = last();
    space.run(["list"]).succeeds();
    assert_eq!(last(), before);
    assert!(space.json(["touch", "s1"])["lastActivity"].as_str().unwrap() > before.as_str());
}

#[test]
fn a_rename_moves_neither_folder_nor_branch() {
    let space = Workspace::with_sessions(2);
    let before = space.json(["show", "s1"]);
    let after = space.json(["rename", "s1", "login"]);
    assert_eq!(after["name"], "login");
    for field in ["id", "branch", "worktreePath", "createdAt"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let locked = space.git(["worktree", "list", "--porcelain"]);
    assert!(locked.contains(r#"\"name\":\"login\""#) || locked.contains(r#""name":"login""#), "{locked}");
    space.run(["rename", "login", "s2"]).fails(4);
    space.run(["rename", "login", "a/b"]).fails(2);
    assert_eq!(space.json(["rename", "login", "LOGIN"])["name"], "LOGIN");
}

#[test]
fn a_rename_takes_the_branch_along_when_asked() {
    let space = Workspace::with_sessions(2);
    let folder = space.worktree("s1");
    let after = space.json(["rename", "s1", "login", "--branch", "feature/login"]);
    assert_eq!((&after["name"], &after["branch"]), (&json!("login"), &json!("feature/login")));
    assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), "feature/login");
    assert!(!space.branches().contains(&"feature/s1".to_owned()));
    space.run(["rename", "login", "other", "--branch", "feature/s2"]).fails(4);
    space.run(["rename", "login", "other", "--branch", "main"]).fails(4);
    assert_eq!(space.json(["show", "login"])["branch"], "feature/login");
    assert_eq!(space.names(), ["login", "s2"], "the name came back");
}
