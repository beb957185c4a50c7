use std::fs;

use crate::support::Workspace;

#[test]
fn the_table_shows_how_far_each_session_has_come() {
    let space = Workspace::with_sessions(2);
    let folder = space.worktree("s1");
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    fs::write(folder.join("new.txt"), "new\n").unwrap();
    space.git_at(&space.worktree("s2"), ["commit", "-q", "--allow-empty", "-m", "ahead"]);
    space.git(["commit", "-q", "--allow-empty", "-m", "behind"]);
    let table = space.run(["list"]).succeeds().stdout();
    let row = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        line.split("  ").map(str::trim).filter(|it| !it.is_empty()).map(ToOwned::to_owned).collect()
    };
    assert_eq!(row("NAME"), ["NAME", "STATUS", "BRANCH", "AGE", "ACTIVE", "CHANGES", "AHEAD", "BEHIND"]);
    let first = row("s1");
    assert_eq!(
        (&first[1], &first[2], &first[5], &first[6], &first[7]),
        (&"active".into(), &"feature/s1".into(), &"~1 ?1".into(), &"0".into(), &"1".into())
    );
    let second = row("s2");
    assert_eq!((&second[5], &second[6], &second[7]), (&"clean".into(), &"1".into(), &"1".into()));
}

#[test]
fn sessions_are_filtered_by_status_and_issue() {
    let space = Workspace::with_sessions(2);
    space.run(["status", "s2", "waiting"]).succeeds();
    space.run(["bind", "s1", "--issue", "acme/shop#7"]).succeeds();
    let names = |args: &[&str]| -> Vec<String> {
        let list = space.json(args.iter().copied());
        list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["list", "--status", "waiting"]), ["s2"]);
    assert_eq!(names(&["list", "--issue", "ACME/shop#7"]), ["s1"]);
    assert_eq!(names(&["list", "--status", "error"]), Vec::<String>::new());
    space.run(["list", "--status", "busy"]).fails(2);
}

#[test]
fn a_missing_folder_is_shown_and_not_fatal() {
    let space = Workspace::with_sessions(2);
    fs::remove_dir_all(space.worktree("s1")).unwrap();
    let list = space.json(["list"]);
    assert_eq!(list[0]["worktreeState"], "missing");
    assert_eq!(list[0]["modified"], serde_json::Value::Null);
    assert_eq!(list[1]["worktreeState"], "present");
}

#[test]
fn the_trash_is_listed_with_all() {
    let space = Workspace::with_sessions(2);
    space.run(["destroy", "s1"]).succeeds();
    assert_eq!(space.json(["list"]).as_array().unwrap().len(), 1);
    let all = space.json(["list", "--all"]);
    assert_eq!(all.as_array().unwrap().len(), 2);
    assert!(all[1]["destroyedAt"].is_string());
    assert_eq!(all[1], space.json(["trash", "list"])[0], "in both lists it looks the same");
    assert!(all[1]["expiresAt"].is_string());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let space = Workspace::with_sessions(1);
    let mut child = space.spawn(["list"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn text_that_steers_a_terminal_is_shown_escaped() {
    let space = Workspace::with_sessions(1);
    space.run(["phase", "s1", "red \u{1b}[31m and \u{202e}back"]).succeeds();
    let shown = space.run(["show", "s1"]).succeeds().stdout();
    assert!(shown.contains("red \\u{1b}[31m and \\u{202e}back"), "{shown}");
    assert_eq!(space.json(["show", "s1"])["currentPhase"], "red \u{1b}[31m and \u{202e}back");
}

#[test]
fn reading_leaves_nothing_behind() {
    let space = Workspace::new();
    space.run(["list"]).succeeds();
    assert!(!space.path(".wharf").exists());
    assert!(!space.path(".claude-container-sessions.lock").exists());
}
