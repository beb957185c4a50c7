//! What becomes of clients when their session is renamed, destroyed or another policy's (SPEC CL-1 to CL-3).

use std::fs;

use serde_json::{Value, json};

use crate::support::{Workspace, http::Server};

fn space() -> Workspace {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[server]\nclients = \"shared\"\n").unwrap();
    space
}

fn register(server: &Server) -> Value {
    server.done("POST", "/api/v1/clients", &json!({}))["session"].clone()
}

fn resume(server: &Server) -> Value {
    server.done("POST", "/api/v1/clients/global-session/resume", &json!({}))["session"].clone()
}

fn destroy(server: &Server) {
    let answer = server.change("DELETE", "/api/v1/sessions/global?force=true", &json!({}));
    assert!(answer.status < 300, "{answer:?}");
}

#[test]
fn cl_2_a_shared_session_that_was_destroyed_is_made_anew_on_its_branch() {
    let space = space();
    // What others call so in a remote is theirs.
    let head = space.git(["rev-parse", "HEAD"]);
    let theirs = space.git(["commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "theirs"]);
    space.git(["remote", "add", "origin", "."]);
    space.git(["update-ref", "refs/remotes/origin/feature/global", &theirs]);
    let server = Server::of(&space);
    let first = register(&server);
    assert_eq!(space.git_at(&space.worktree("global"), ["rev-parse", "HEAD"]), head);
    space.git_at(&space.worktree("global"), ["commit", "-q", "--allow-empty", "-m", "kept"]);
    destroy(&server);
    assert!(space.branches().contains(&"feature/global".to_owned()));
    let second = resume(&server);
    assert_ne!(second, first);
    assert_eq!(register(&server), second);
    assert_eq!(space.sessions()[0]["branch"], "feature/global");
    assert_eq!(space.git_at(&space.worktree("global"), ["log", "-1", "--format=%s"]), "kept");
    destroy(&server);
    drop(server);
    // Also when that was the last thing a server did.
    let server = Server::of(&space);
    let third = space.sessions()[0]["id"].clone();
    assert_eq!((register(&server), resume(&server)), (third.clone(), third));
}

#[test]
fn cl_2_a_shared_session_that_was_renamed_is_still_the_one() {
    let space = space();
    let server = Server::of(&space);
    let session = register(&server);
    let before = space.sessions()[0]["ptyPid"].clone();
    server.done("PATCH", "/api/v1/sessions/global", &json!({"name": "mine"}));
    assert_eq!((register(&server), resume(&server)), (session.clone(), session.clone()));
    let mut terminal = server.terminal("/api/v1/clients/global-session/terminal", "control");
    terminal.say(b'I', b"echo still-$((40 + 3))\r");
    terminal.until_shown("still-43");
    drop(server);
    let server = Server::of(&space);
    assert_eq!(resume(&server), session);
    assert_eq!((space.names(), &space.sessions()[0]["ptyPid"]), (vec!["mine".to_owned()], &before));
}

#[test]
fn cl_2_a_shared_session_that_was_renamed_is_still_the_one_when_the_list_of_clients_is_lost() {
    let space = space();
    let server = Server::of(&space);
    let session = register(&server);
    server.done("PATCH", "/api/v1/sessions/global", &json!({"name": "mine"}));
    drop(server);
    fs::remove_file(space.path(".wharf/server/clients.json")).unwrap();
    let server = Server::of(&space);
    assert_eq!((register(&server), resume(&server)), (session.clone(), session));
    assert_eq!(space.names(), ["mine"]);
}

#[test]
fn cl_2_a_shared_session_that_was_brought_back_as_another_is_another() {
    let space = space();
    let server = Server::of(&space);
    let first = register(&server);
    destroy(&server);
    let second = resume(&server);
    space.run(["undo", first.as_str().unwrap(), "--as", "notes", "--branch", "notes"]).succeeds();
    assert_eq!(resume(&server), second);
    destroy(&server);
    let third = resume(&server);
    assert!(third != first && third != second, "{third} after {first} and {second}");
    assert_eq!(space.record("notes")["id"], first);
}

#[test]
fn a_ticket_of_the_other_policy_waits_and_leads_nowhere() {
    let space = space();
    fs::write(space.path(".wharf/config.toml"), "").unwrap();
    let server = Server::of(&space);
    let own = server.done("POST", "/api/v1/clients", &json!({}))["ticket"].as_str().unwrap().to_owned();
    drop(server);
    fs::write(space.path(".wharf/config.toml"), "[server]\nclients = \"shared\"\n").unwrap();
    let server = Server::of(&space);
    let bearer = server.bearer();
    for role in ["observe", "control"] {
        let path = format!("/api/v1/clients/{own}/terminal?role={role}");
        assert_eq!(server.try_terminal(&path, &[("authorization", &bearer)]).err(), Some(404), "{role}");
    }
}

#[test]
fn cl_3_a_client_whose_session_was_destroyed_is_listed_again_after_an_undo() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let client = server.done("POST", "/api/v1/clients", &json!({}));
    let listed = || server.get("/api/v1/clients").json()["clients"].as_array().unwrap().len();
    let id = client["session"].as_str().unwrap();
    assert_eq!(listed(), 1);
    space.run(["destroy", id, "--force"]).succeeds();
    assert_eq!(listed(), 0);
    space.run(["undo", id]).succeeds();
    assert_eq!(listed(), 1);
}

/// Branches are paths to git: beside `feature` there is no `feature/global` and no `feature/client-…`.
#[test]
fn cl_1_a_branch_of_the_repository_keeps_no_client_away() {
    let isolated = Workspace::new();
    for (space, branch) in [(space(), "global"), (isolated, "client-")] {
        space.git(["branch", "feature"]);
        register(&Server::of(&space));
        let sessions = space.sessions();
        assert!(sessions[0]["branch"].as_str().unwrap().starts_with(branch), "{sessions:?}");
    }
}
