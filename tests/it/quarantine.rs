//! A session that the state file has in a form that cannot be taken is missed, is found again, and is not lost.

use std::fs;

use serde_json::json;

use crate::support::{STATE, Workspace};

/// A workspace in which the status of `s1` makes no sense.
fn refused() -> Workspace {
    let space = Workspace::with_sessions(2);
    space.edit_state(|state| state["sessions"][0]["status"] = json!("weird"));
    space
}

/// Changes a word in the quarantine by hand, and nothing else in the file.
fn correct(space: &Workspace, wrong: &str, right: &str) {
    let text = fs::read_to_string(space.path(STATE)).unwrap();
    let (sessions, quarantine) = text.split_once("\"quarantine\"").unwrap();
    assert!(quarantine.contains(wrong), "{quarantine}");
    fs::write(space.path(STATE), format!("{sessions}\"quarantine\"{}", quarantine.replace(wrong, right)))
        .unwrap();
}

#[test]
fn a_session_that_cannot_be_taken_is_missed_by_list_and_named_when_asked_for() {
    let space = refused();
    space.run(["list"]).succeeds().says("1 session not shown").says("wharf doctor");
    let id = space.state()["sessions"][0]["id"].as_str().unwrap().to_owned();
    for args in [&["show", "s1"][..], &["path", &id], &["touch", "s1"]] {
        let error = space.run(args.iter().chain(&["--json"])).fails(3).error();
        assert_eq!(error["code"], "NOT_FOUND", "{args:?}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("`status` cannot be taken"), "{args:?}: {message}");
        assert!(error["hint"].as_str().unwrap().contains("wharf doctor"), "{args:?}");
    }
    space.run(["exec", "s1", "true"]).fails(3).says("`status` cannot be taken");
    space.run(["show", "nobody"]).fails(3).says("no session `nobody`");
    space.run(["show", &id[..3]]).fails(3).says("the beginning of an id has at least 4 characters");
    assert!(!space.run(["show", "who"]).fails(3).stderr().contains("beginning"));
    let told = space.run(["touch", "s2"]).succeeds().stdout();
    assert!(!told.contains("not shown"), "{told}");
}

#[test]
fn an_entry_is_taken_again_when_it_is_corrected_where_it_lies() {
    let space = refused();
    space.run(["touch", "s2"]).succeeds();
    assert_eq!(space.names(), ["s2"]);
    assert_eq!(space.state()["quarantine"].as_array().unwrap().len(), 1);
    correct(&space, "\"weird\"", "\"idle\"");
    assert_eq!(space.names(), ["s1", "s2"]);
    assert_eq!(space.findings(), Vec::<String>::new());
    let worktree = space.worktree("s1");
    assert!(worktree.join("README.md").is_file());
    space.run(["touch", "s1"]).succeeds();
    assert_eq!(space.state().get("quarantine"), None);
    assert_eq!(space.names(), ["s1", "s2"]);
}

#[test]
fn a_corrected_entry_pushes_nobody_out() {
    let space = refused();
    space.run(["create", "s1", "--branch", "other"]).succeeds();
    correct(&space, "\"weird\"", "\"idle\"");
    assert_eq!(space.names(), ["s2", "s1"]);
    assert_eq!(space.record("s1")["branch"], "other");
    space.run(["doctor"]).fails(1).says("it can be read, but an earlier session has the name `s1`");
    space.run(["list"]).says("1 session not shown");
    correct(&space, "\"s1\"", "\"old\"");
    assert_eq!(space.names(), ["old", "s2", "s1"]);
}

/// A restore takes a session in from git although its entry lies in quarantine. What becomes of it then is final.
#[test]
fn a_destroyed_session_does_not_come_back_out_of_the_quarantine() {
    let space = refused();
    space.run(["recover"]).succeeds();
    assert_eq!(space.names(), ["s1", "s2"]);
    assert!(!space.run(["list"]).succeeds().stderr().contains("not shown"), "it is shown");
    space.run(["doctor"]).fails(1).says("an earlier session has the same id").says("move it to `sessions`");
    space.run(["destroy", "s1", "--force"]).succeeds();
    correct(&space, "\"weird\"", "\"idle\"");
    assert_eq!(space.names(), ["s2"]);
    space.run(["undo", "s1"]).succeeds();
    assert_eq!(space.names(), ["s1", "s2"]);
}

#[test]
fn an_entry_is_told_in_one_short_line() {
    let space = refused();
    let told = space.run(["restore"]).succeeds().stdout();
    let line = told.lines().find(|line| line.starts_with("quarantined: ")).unwrap();
    assert!(line.contains("`status` cannot be taken") && line.chars().count() < 250, "{line}");
    assert!(!line.contains("\\n"), "{line}");
}

/// An edit leaves a checksum that does not fit: then git's record brings the session back at once.
#[test]
fn a_session_that_git_brings_back_at_once_is_not_missed() {
    let space = Workspace::with_sessions(1);
    let text = fs::read_to_string(space.path(STATE)).unwrap();
    fs::write(space.path(STATE), text.replace("\"active\"", "\"weird\"")).unwrap();
    let ran = space.run(["list"]).succeeds().says("feature/s1");
    assert!(!ran.stderr().contains("not shown"), "{}", ran.stderr());
}

#[test]
fn a_moment_that_makes_no_sense_is_told_once() {
    let space = Workspace::with_sessions(1);
    space.edit_state(|state| state["sessions"][0]["createdAt"] = json!("next tuesday"));
    let findings = space.run(["doctor", "--json"]).fails(1).json();
    let finding = findings.as_array().unwrap().iter().find(|it| it["code"] == "quarantined").unwrap();
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("`next tuesday` is not an RFC 3339 time"), "{message}");
    assert_eq!(message.matches("could not be parsed").count(), 1, "{message}");
}
