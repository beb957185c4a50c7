//! `recover --dry-run` says what a recover would do, and then a recover does it.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    STATE, Workspace,
    faults::{assert_same, tree},
};

/// A mark of somebody who is at work and gone.
fn begun(action: &str) -> Value {
    let worker = json!({"pid": 1, "started": 1, "boot": "another/1"});
    json!({"action": action, "worker": worker, "since": "2025-01-01T00:00:00.000Z"})
}

/// The texts of a list in an answer.
fn texts(view: &Value, key: &str) -> Vec<String> {
    let list = view[key].as_array().unwrap_or_else(|| panic!("no {key} in {view:#}"));
    list.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Says what would be done, while nothing is.
fn foresee(space: &Workspace) -> Value {
    let before = tree(&space.root());
    let foreseen = space.json(["recover", "--dry-run"]);
    assert_same(&before, &tree(&space.root()));
    foreseen
}

#[test]
fn work_that_was_begun_and_worktrees_to_mend_are_foreseen() {
    let space = Workspace::with_sessions(4);
    space.run(["destroy", "s4", "--force"]).succeeds();
    let gone = space.run(["trash", "list", "--json"]).json()[0].clone();
    space.edit_state(|state| {
        state["sessions"][0]["pending"] = begun("destroying");
        let mut gone = gone;
        gone.as_object_mut().unwrap().remove("destroyedAt");
        gone.as_object_mut().unwrap().remove("expiresAt");
        gone["pending"] = begun("destroying");
        state["sessions"].as_array_mut().unwrap().push(gone);
    });
    fs::write(space.admin("s2").join("gitdir"), "").unwrap();
    space.git(["worktree", "unlock", space.worktree("s3").to_str().unwrap()]);

    let foreseen = foresee(&space);
    assert_eq!(
        texts(&foreseen, "begun"),
        ["s1: its destroy would be taken back", "s4: its destroy would be finished"]
    );
    assert_eq!(
        texts(&foreseen, "mend"),
        ["s2: files that git needs for it are empty, damaged or gone", "s3: it is not locked"]
    );
    assert_eq!(foreseen["sessions"].as_array().unwrap().len(), 3, "{foreseen:#}");
    space
        .run(["recover", "--dry-run"])
        .says("3 sessions would be there")
        .says("begun: s1: ")
        .says("mend: s2: ");

    let done = space.json(["recover"]);
    assert_eq!(
        (texts(&done, "undone"), texts(&done, "finished")),
        (vec!["s1".to_owned()], vec!["s4".to_owned()])
    );
    let mended = texts(&done, "mended");
    assert!(
        mended.len() == 2 && mended[0].starts_with("s2: ") && mended[1].starts_with("s3: "),
        "{mended:?}"
    );
    assert_eq!(space.names(), ["s1", "s2", "s3"]);
    let after = foresee(&space);
    for key in ["begun", "mend", "adopted", "changed", "quarantined", "expired"] {
        assert_eq!(after[key], json!([]), "{key}");
    }
    assert_eq!(after["damage"], Value::Null);
}

#[test]
fn a_damaged_state_file_is_foreseen() {
    let space = Workspace::with_sessions(1);
    fs::write(space.path(STATE), "garbage").unwrap();
    let foreseen = foresee(&space)["damage"].as_str().unwrap().to_owned();
    assert!(foreseen.contains("taken from backup 1"), "{foreseen}");
    space.run(["recover", "--dry-run"]).says("1 session would be there").says("state file: ");
    assert_eq!(space.json(["recover"])["damage"].as_str(), Some(&*foreseen));
}

#[test]
fn a_state_file_that_is_missing_is_foreseen_and_said() {
    let space = Workspace::with_sessions(1);
    for command in ["list", "path", "restore"] {
        space.lose_state();
        assert_eq!(foresee(&space)["damage"], "it is missing; rebuilt from git", "{command}");
        let ran = if command == "path" { space.run(["path", "s1"]) } else { space.run([command]) };
        let told = ran.succeeds().says("state file corrupt").says("it is missing");
        assert_eq!(command == "restore", told.stdout().contains("state file: it is missing"), "{command}");
    }
    let log = fs::read_dir(space.path(".wharf/log")).unwrap().next().unwrap().unwrap().path();
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("state file corrupt").count(), 3, "{log}");
    // Where there never was a session, nothing is missing.
    let space = Workspace::new();
    assert_eq!(space.json(["restore"])["damage"], Value::Null);
    assert!(!space.run(["list"]).succeeds().stderr().contains("missing"));
}

#[test]
fn an_entry_that_cannot_be_taken_is_foreseen() {
    let space = Workspace::with_sessions(1);
    space.edit_state(|state| state["sessions"].as_array_mut().unwrap().push(json!({"id": "not an id"})));
    let foreseen = foresee(&space);
    assert!(texts(&foreseen, "quarantined")[0].contains("not an id"), "{foreseen:#}");
}

#[test]
fn a_worktree_that_cannot_be_put_in_order_is_named() {
    let space = Workspace::with_sessions(2);
    let away = space.path("away");
    let folder = space.worktree("s1");
    space.git(["worktree", "move", "-f", "-f", folder.to_str().unwrap(), away.to_str().unwrap()]);
    let done = space.json(["restore"]);
    let failed = texts(&done, "failed");
    assert!(failed.len() == 1 && failed[0].starts_with("s1: "), "{failed:?}");
    assert!(failed[0].contains(&format!("was moved to {}", away.display())), "{failed:?}");
    let ran = space.run(["restore"]).succeeds();
    assert!(ran.stdout().contains("not mended: s1: "), "{}", ran.stdout());
    assert!(!ran.stdout().contains("trash") && !ran.stderr().contains("trash"), "{}", ran.stderr());
    let error = space.run(["destroy", "s1", "--force", "--json"]).fails(6).error();
    let hint = error["hint"].as_str().unwrap();
    let way_back = hint.strip_prefix("`git ").unwrap().split('`').next().unwrap();
    space.git(way_back.split(' '));
    space.run(["destroy", "s1", "--force"]).succeeds();
}
