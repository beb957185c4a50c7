//! What people have run before and after a session is run over HTTP too, and holds up nobody else.

use std::{fs, thread};

use serde_json::json;

use crate::support::{
    Workspace,
    http::{Server, until},
};

/// A repository whose sessions need `needs.log`, and what the user has run for each of them.
fn needy(own: &str) -> Workspace {
    let space = Workspace::new();
    fs::write(space.path(".worktreeinclude"), "needs.log\n").unwrap();
    space.git(["add", "-A"]);
    space.git(["commit", "-q", "-m", "names its needs"]);
    fs::write(space.path("needs.log"), "needed\n").unwrap();
    set(&space, own);
    space
}

fn set(space: &Workspace, own: &str) {
    let folder = space.home().join(".config/wharf");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), format!("max_sessions = 20\n{own}")).unwrap();
}

/// A line that waits until somebody lets it go on.
fn gate(space: &Workspace) -> String {
    format!("until [ -e {} ]; do sleep 0.02; done", space.path(".wharf/go").display())
}

#[test]
fn a_setup_that_takes_long_holds_up_nothing_else() {
    let space = Workspace::with_sessions(1);
    set(&space, &format!("[setup]\ncommands = [\"{}\"]\ntime_limit = 20\n", gate(&space)));
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let count = || server.get("/api/v1/sessions").json()["sessions"].as_array().unwrap().len();
    thread::scope(|scope| {
        // More than there are workers for what is short.
        let create =
            |number| server.change("POST", "/api/v1/sessions", &json!({"name": format!("n{number}")}));
        let made: Vec<_> = (0..9).map(|number| scope.spawn(move || create(number).status)).collect();
        until(|| count() == 10);
        assert_eq!(server.get("/api/v1/sessions/s1/screen").status, 200);
        server.done("PATCH", "/api/v1/sessions/s1", &json!({"phase": "not held up"}));
        assert_eq!(server.get("/api/v1/sessions?changes=true").status, 200);
        server.done("POST", "/api/v1/sessions/s1/kill", &json!({}));
        assert!(made.iter().all(|it| !it.is_finished()), "each of them still waits");
        fs::write(space.path(".wharf/go"), "").unwrap();
        for one in made {
            assert_eq!(one.join().unwrap(), 201);
        }
    });
}

#[test]
fn a_session_whose_teardown_fails_goes_without_it_or_by_force() {
    let space = Workspace::with_sessions(2);
    set(&space, "[setup]\nteardown = [\"exit 1\"]\n");
    let server = Server::of(&space);
    let refused = server.change("DELETE", "/api/v1/sessions/s1", &json!({}));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("SETUP_FAILED")));
    let hint = refused.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("noTeardown=true") && !hint.contains("--"), "{hint}");
    assert_eq!(space.names(), ["s1", "s2"]);
    server.done("DELETE", "/api/v1/sessions/s1?noTeardown=true", &json!({}));
    server.done("DELETE", "/api/v1/sessions/s2?force=true", &json!({}));
    assert!(space.names().is_empty());
}

#[test]
fn a_session_whose_program_cannot_be_started_goes_with_all_that_it_got() {
    let space = needy("[setup]\nteardown = [\"echo torn >> ../../torn.log\"]\n");
    let server = Server::of(&space);
    let body = json!({"name": "a", "start": {"command": ["./no-such"]}});
    let refused = server.change("POST", "/api/v1/sessions", &body);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("START_FAILED")));
    assert!(space.names().is_empty());
    assert_eq!(fs::read_to_string(space.path("torn.log")).unwrap(), "torn\n");
    server.done("POST", "/api/v1/sessions", &json!({"name": "a", "start": {"command": ["cat"]}}));
    assert_eq!(fs::read_to_string(space.worktree("a").join("needs.log")).unwrap(), "needed\n");
}

#[test]
fn the_session_of_a_client_gets_what_it_needs_and_gives_it_back() {
    let space = needy(
        "[setup]\ncommands = [\"echo built > built.log\"]\nteardown = [\"echo torn >> ../../torn.log\", \"test ! -e stays.log\"]\n",
    );
    let server = Server::of(&space);
    let register = || {
        let client = server.done("POST", "/api/v1/clients", &json!({}));
        let worktree = space.path(".worktrees").join(client["session"].as_str().unwrap());
        assert_eq!(fs::read_to_string(worktree.join("needs.log")).unwrap(), "needed\n");
        assert_eq!(fs::read_to_string(worktree.join("built.log")).unwrap(), "built\n");
        (format!("/api/v1/clients/{}", client["ticket"].as_str().unwrap()), worktree)
    };
    let (client, _) = register();
    assert!(space.sessions()[0]["setup"].is_null() && space.sessions()[0]["ptyPid"].is_u64());
    assert_eq!(server.done("DELETE", &client, &json!({}))["destroyed"], true);
    assert_eq!(fs::read_to_string(space.path("torn.log")).unwrap(), "torn\n");
    // What cannot be given back keeps the session, and nobody tries it again and again.
    let (client, worktree) = register();
    fs::write(worktree.join("stays.log"), "").unwrap();
    assert_eq!(server.done("DELETE", &client, &json!({}))["kept"], true);
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
    assert!(space.sessions()[0]["ptyPid"].is_null());
}

#[test]
fn a_client_whose_setup_fails_gets_no_ticket_and_leaves_no_session() {
    let space = needy("[setup]\ncommands = [\"exit 1\"]\n");
    let server = Server::of(&space);
    let refused = server.change("POST", "/api/v1/clients", &json!({}));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("SETUP_FAILED")));
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
    assert!(space.names().is_empty());
}

#[test]
fn the_session_that_all_share_is_set_up_while_the_server_serves() {
    let space = Workspace::new();
    let own = format!(
        "[setup]\ncommands = [\"{}; echo built > built.log\"]\ntime_limit = 20\n[server]\nclients = \"shared\"\n",
        gate(&space)
    );
    set(&space, &own);
    let server = Server::of(&space);
    let known = space.sessions();
    assert!(known[0]["setup"].is_string() && known[0]["ptyPid"].is_null(), "{known:?}");
    fs::write(space.path(".wharf/go"), "").unwrap();
    until(|| space.sessions()[0]["ptyPid"].is_u64());
    assert!(space.worktree("global").join("built.log").exists());
    server.done("POST", "/api/v1/clients", &json!({}));
}

#[test]
fn a_port_that_is_taken_is_noticed_before_anything_is_made() {
    let space = Workspace::new();
    set(&space, "[server]\nclients = \"shared\"\n");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    space.run(["serve", "--listen", &at]).fails(1).says("cannot listen at");
    assert!(space.names().is_empty());
}
