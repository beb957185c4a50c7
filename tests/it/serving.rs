//! Somebody serves a workspace, and browsers and tools work with it.

use std::{fs, io::Write as _, os::unix::net::UnixStream};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    STATE, Workspace,
    http::{Server, until},
};

const SHELL: [&str; 2] = ["sh", "-i"];

#[test]
fn a_session_lives_its_life_over_http() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let made = server.change("POST", "/api/v1/sessions", &json!({"name": "auth", "metadata": {"points": 3}}));
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["branch"], "feature/auth");
    assert_eq!(space.names(), ["auth"]);

    let changes = json!({
        "name": "login", "status": "waiting", "phase": "tests", "metadata": {"points": null, "owner": "ann"},
        "issue": {"repository": "acme/shop", "number": 42}
    });
    let after = server.done("PATCH", "/api/v1/sessions/auth", &changes);
    assert_eq!((&after["name"], &after["status"]), (&json!("login"), &json!("waiting")));
    assert_eq!((&after["metadata"], &after["currentPhase"]), (&json!({"owner": "ann"}), &json!("tests")));
    let freed = server.done("PATCH", "/api/v1/sessions/login", &json!({"issue": null, "phase": null}));
    assert!(freed["issue"].is_null() && freed["currentPhase"].is_null(), "{freed}");

    fs::write(space.worktree("login").join("new.txt"), "new").unwrap();
    let listed = server.get("/api/v1/sessions?changes=true&q=LOG").json();
    assert_eq!(
        (&listed["sessions"][0]["untracked"], listed["sessions"].as_array().unwrap().len()),
        (&json!(1), 1)
    );
    let refused = server.change("DELETE", "/api/v1/sessions/login", &json!({}));
    assert_eq!((refused.status, refused.json()["losses"][0]["permit"].as_str()), (409, Some("untracked")));
    let weighed = server.done("DELETE", "/api/v1/sessions/login?dryRun=true", &json!({}));
    assert_eq!(
        (&weighed["destroyed"], &weighed["wouldLose"][0]["kind"]),
        (&json!(false), &json!("untracked"))
    );
    assert_eq!(weighed["wouldGo"], false);
    let weighed = server.done("DELETE", "/api/v1/sessions/login?dryRun=true&permit=untracked", &json!({}));
    assert_eq!(weighed["wouldGo"], true);
    assert_eq!(space.names(), ["login"]);
    let gone = server.done("DELETE", "/api/v1/sessions/login?permit=untracked", &json!({}));
    assert_eq!(gone["destroyed"], true);
    assert_eq!(server.get("/api/v1/trash").json()["sessions"][0]["name"], "login");
    let back = server.done("POST", "/api/v1/undo", &json!({"as": "again"}));
    assert_eq!(back["name"], "again");
    assert_eq!(fs::read_to_string(space.worktree("again").join("new.txt")).unwrap(), "new");
}

#[test]
fn work_that_was_given_up_is_ended_while_the_server_runs() {
    let space = Workspace::with_sessions(1);
    fs::write(space.path(".wharf/config.toml"), "[server]\nclient_timeout = 1\n").unwrap();
    let server = Server::of(&space);
    let mut table = space.state();
    table.as_object_mut().unwrap().remove("checksum");
    table["sessions"][0]["pending"] = json!({
        "action": "destroying", "deleteBranch": true, "since": "2025-11-24T10:30:00.000Z",
        "worker": {"pid": 1, "started": 1, "boot": "another"}
    });
    fs::write(space.path("table.json"), table.to_string()).unwrap();
    fs::rename(space.path("table.json"), space.path(STATE)).unwrap();
    // Nothing had moved yet, so the session stays.
    assert!(table["sessions"][0]["pending"].is_object());
    until(|| space.state()["sessions"][0]["pending"].is_null());
    assert_eq!(server.get("/api/v1/sessions/s1").json()["name"], "s1");
    assert!(space.branches().contains(&"feature/s1".to_owned()));
}

#[test]
fn what_runs_is_started_typed_into_looked_at_and_stopped() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let started =
        server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": SHELL, "rows": 30, "cols": 100}));
    assert_eq!(started["running"], true);
    let shown = server.get("/api/v1/sessions/s1").json();
    assert_eq!((&shown["terminal"]["rows"], &shown["terminal"]["cols"]), (&json!(30), &json!(100)));
    let mut terminal = server.terminal("/api/v1/sessions/s1/terminal", "observe");
    let sent = server.change(
        "POST",
        "/api/v1/sessions/s1/send",
        &json!({"text": "echo $((40 + 2))", "keys": ["enter"]}),
    );
    assert_eq!(sent.status, 204, "{sent:?}");
    terminal.until_shown("\r\n42");
    let screen = server.get("/api/v1/sessions/s1/screen");
    assert!(screen.body.contains("\n42"), "{screen:?}");
    assert!(server.get("/api/v1/sessions/s1/screen?format=cells").json().is_object());
    let again = server.change("POST", "/api/v1/sessions/s1/start", &json!({}));
    assert_eq!((again.status, again.json()["code"].as_str()), (409, Some("IN_USE")));
    let killed = server.done("POST", "/api/v1/sessions/s1/kill", &json!({}));
    assert_eq!(killed["running"], false);
    assert_eq!(terminal.until_closed(), Some(1000));
    let nothing = server.change("POST", "/api/v1/sessions/s1/send", &json!({"text": "x"}));
    assert_eq!((nothing.status, nothing.json()["code"].as_str()), (404, Some("NOT_RUNNING")));
    let resumed = server.done("POST", "/api/v1/sessions/s1/resume", &json!({}));
    assert_eq!((&resumed["running"], &resumed["command"]), (&json!(true), &json!(SHELL)));
    let anew = server.done("POST", "/api/v1/sessions/s1/restart", &json!({"command": ["sleep", "1000"]}));
    assert_eq!(anew["command"], json!(["sleep", "1000"]));
    let stopped =
        server.done("POST", "/api/v1/sessions/s1/stop", &json!({"signal": "TERM", "timeoutMs": 5000}));
    assert_eq!(stopped["running"], false);
}

#[test]
fn commands_run_and_are_remembered() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done(
        "POST",
        "/api/v1/sessions/s1/exec",
        &json!({"command": "greeting=hello; cat", "stdin": "given"}),
    );
    let done = server.done(
        "POST",
        "/api/v1/sessions/s1/exec",
        &json!({"command": "echo $greeting; exit_code() { return 3; }; exit_code"}),
    );
    assert_eq!((&done["stdout"], &done["code"]), (&json!("hello\n"), &json!(3)));
    let words = server.done("POST", "/api/v1/sessions/s1/exec", &json!({"command": ["printf", "%s", "a b"]}));
    assert_eq!(words["stdout"], "a b");
    let failed = server.get("/api/v1/sessions/s1/history?failed=true").json();
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["code"]), (1, &json!(3)));
    let last = server.get("/api/v1/sessions/s1/history?limit=1&output=true").json();
    assert_eq!(last[0]["stdout"]["text"], "a b");
    let before = server.get("/api/v1/sessions/s1/history?limit=1&before=2").json();
    assert_eq!(before[0]["number"], 1);
    for path in ["history?before=-1", "history?before=9223372036854775808", "conversations?before=-1"] {
        assert_eq!(server.get(&format!("/api/v1/sessions/s1/{path}")).status, 422, "{path}");
    }
    assert_eq!(server.get("/api/v1/sessions/s1/conversations").json()["interactionCount"], 0);
    assert!(server.get("/api/v1/doctor").json().is_array());
}

#[test]
fn a_long_conversation_comes_in_pages() {
    let space = Workspace::with_sessions(1);
    for number in 1..=5 {
        let prompt = format!("prompt {number}");
        space.run(["conversation", "record", "s1", "--id", "a1", "--prompt", &prompt]).succeeds();
    }
    let server = Server::of(&space);
    let page = |query: &str| {
        let answer = server.get(&format!("/api/v1/sessions/s1/conversations{query}")).json();
        let turns = answer["entries"].as_array().unwrap().clone();
        let prompts: Vec<String> =
            turns.iter().map(|it| it["lastPrompt"].as_str().unwrap()[7..].to_owned()).collect();
        (prompts.concat(), answer["first"].as_u64().unwrap())
    };
    assert_eq!(page(""), ("12345".to_owned(), 0));
    assert_eq!(page("?limit=2"), ("45".to_owned(), 3));
    assert_eq!(page("?limit=2&before=3"), ("23".to_owned(), 1));
    assert_eq!(page("?limit=2&before=1"), ("1".to_owned(), 0));
    assert_eq!(page("?before=0"), (String::new(), 0));
    for wrong in ["conversations?limit=0", "conversations?limit=1001", "conversations?cursor=1"] {
        assert_eq!(server.get(&format!("/api/v1/sessions/s1/{wrong}")).status, 422, "{wrong}");
    }
    assert_eq!(server.get("/api/v1/doctor?limit=1").status, 422);
}

#[test]
fn a_command_that_nobody_waits_for_is_interrupted() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let mark = space.path("begun");
    let body = json!({"command": format!("touch {}; sleep 1000", mark.display())}).to_string();
    let mut stream = server.connect();
    let token = server.bearer();
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    let head = server.request("POST", "/api/v1/sessions/s1/exec", &headers, &body);
    stream.write_all(head.as_bytes()).unwrap();
    until(|| mark.exists());
    drop(stream);
    let next = server.done("POST", "/api/v1/sessions/s1/exec", &json!({"command": "echo next"}));
    assert_eq!(next["stdout"], "next\n");
}

#[test]
fn what_another_process_changes_is_seen_at_once_and_told() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let mut events = server.events(&server.token, None);
    space.run(["status", "s1", "waiting"]).succeeds();
    let shown = server.get("/api/v1/sessions/s1").json();
    assert_eq!(shown["status"], "waiting");
    let first = events.until_changed(&id);
    space.run(["phase", "s1", "one"]).succeeds();
    let second = events.until_changed(&id);
    // Whoever was away in between goes on where it was.
    let mut late = server.events(&server.token, Some(&first));
    assert_eq!(late.next().1, second);
    let mut lost = server.events(&server.token, Some("17"));
    assert_eq!(lost.next().0, "reset");
    space.run(["create", "s2"]).succeeds();
    let names: Vec<_> = server.get("/api/v1/sessions").json()["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(names, ["s1", "s2"]);
}

#[test]
fn a_killed_holder_is_told_without_anybody_writing_it_down() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let started = server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["sleep", "1000"]}));
    let mut events = server.events(&server.token, None);
    let holder = started["holder"]["pid"].as_i64().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(holder).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    events.until_changed(started["id"].as_str().unwrap());
    assert_eq!(server.get("/api/v1/sessions/s1").json()["running"], false);
    space.run(["kill", "s1"]).succeeds();
}

#[test]
fn a_killed_server_harms_nothing_and_the_next_one_goes_on() {
    let space = Workspace::with_sessions(1);
    let mut server = Server::of(&space);
    let token = server.token.clone();
    let started = server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": SHELL}));
    let mut terminal = server.terminal("/api/v1/sessions/s1/terminal", "control");
    terminal.say(b'I', b"word=kept\r");
    terminal.until_shown("word=kept");
    server.end(Signal::KILL);
    let next = Server::of(&space);
    assert_eq!(next.token, token, "browsers and tools stay in");
    let shown = next.get("/api/v1/sessions/s1").json();
    assert_eq!((&shown["ptyPid"], &shown["running"]), (&started["ptyPid"], &json!(true)));
    let mut terminal = next.terminal("/api/v1/sessions/s1/terminal", "control");
    terminal.until_shown("word=kept");
    terminal.say(b'I', b"echo $word-$((40 + 2))\r");
    terminal.until_shown("kept-42");
}

#[test]
fn a_server_ends_in_order_and_leaves_the_sessions_at_work() {
    let space = Workspace::with_sessions(1);
    let mut server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": SHELL}));
    let mut terminal = server.terminal("/api/v1/sessions/s1/terminal", "observe");
    terminal.until(b's');
    assert_eq!(server.end(Signal::TERM), Some(0));
    assert_eq!(terminal.until_closed(), Some(1001));
    assert_eq!(space.json(["ps", "s1"])[0]["terminal"]["clients"], 0);
    space.run(["open"]).fails(7).says("wharf serve");
}

#[test]
fn one_server_serves_a_workspace() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let refused = space.run(["serve", "--listen", "127.0.0.1:0"]).fails(4);
    assert!(refused.stderr().contains(&server.at), "{}", refused.stderr());
    drop(server);
    Server::of(&space);
}

#[test]
fn a_list_comes_in_pages() {
    let space = Workspace::with_sessions(3);
    let server = Server::of(&space);
    let first = server.get("/api/v1/sessions?limit=2").json();
    let names = |page: &Value| {
        page["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["s1", "s2"]);
    let rest =
        server.get(&format!("/api/v1/sessions?limit=2&cursor={}", first["next"].as_str().unwrap())).json();
    assert_eq!((names(&rest), rest["next"].is_null()), (vec!["s3".to_owned()], true));
    let ids: Vec<String> = space.sessions().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    let gone = "00000000-0000-4000-8000-000000000000";
    let some = server.get(&format!("/api/v1/sessions?changes=true&ids={},{gone},{}", ids[2], ids[0])).json();
    assert_eq!((names(&some), &some["sessions"][0]["modified"]), (vec!["s1".into(), "s3".into()], &json!(0)));
    for wrong in ["ids=", "ids=s1", "limit=0", "limit=x", "cursor=x", "status=x", "issue=x", "unknown=1"] {
        let answer = server.get(&format!("/api/v1/sessions?{wrong}"));
        assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some("INVALID_VALUE")), "{wrong}");
    }
}

#[test]
fn clients_come_in_pages_and_one_that_goes_hides_nobody() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let all: Vec<Value> =
        (0..3).map(|_| server.done("POST", "/api/v1/clients", &json!({}))["ticket"].clone()).collect();
    let page = |more: &str| server.get(&format!("/api/v1/clients?limit=1{more}")).json();
    let first = page("");
    assert_eq!(first["clients"][0]["ticket"], all[0]);
    server.done("DELETE", &format!("/api/v1/clients/{}", all[0].as_str().unwrap()), &json!({}));
    let second = page(&format!("&cursor={}", first["next"].as_str().unwrap()));
    assert_eq!(second["clients"][0]["ticket"], all[1]);
    let third = page(&format!("&cursor={}", second["next"].as_str().unwrap()));
    assert_eq!((&third["clients"][0]["ticket"], &third["next"]), (&all[2], &Value::Null));
    assert_eq!(server.get("/api/v1/clients?cursor=1").status, 422);
}

#[test]
fn a_socket_in_the_file_system_leads_to_the_same() {
    let space = Workspace::with_sessions(1);
    let path = space.path("server.sock");
    let server = Server::with(&space, &["--unix", path.to_str().unwrap()]);
    let mut stream = UnixStream::connect(&path).unwrap();
    let head = format!(
        "GET /api/v1/sessions/s1 HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\nconnection: close\r\n\r\n",
        server.bearer()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let said = std::io::read_to_string(stream).unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("\"name\":\"s1\""), "{said}");
    // One that a killed server left is in nobody's way.
    drop(server);
    Server::with(&space, &["--unix", path.to_str().unwrap()]);
}

#[test]
fn it_says_how_it_is() {
    let space = Workspace::with_sessions(2);
    let server = Server::of(&space);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.ask("GET", path, &[], "").status, 200, "{path}");
    }
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("wharf_sessions{status=\"idle\"} 2\n"), "{metrics}");
    let settings = server.get("/api/v1/settings").json();
    assert_eq!((&settings["readOnly"], &settings["policy"]), (&json!(false), &json!("isolated")));
    let page = server.ask("GET", "/", &[], "");
    assert!(page.status == 200 && page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let space = Workspace::with_sessions(2);
    let server = Server::of(&space);
    server.done("PATCH", "/api/v1/sessions/s2", &json!({"issue": {"repository": "acme/shop", "number": 1}}));
    let before = (space.state(), space.litter());
    let both = json!({"name": "other", "phase": "one", "issue": {"repository": "acme/shop", "number": 1}});
    assert_eq!(server.change("PATCH", "/api/v1/sessions/s1", &both).status, 409);
    assert_eq!((space.state(), space.litter()), before);
    let start = json!({"name": "new", "start": {"command": ["/no/such/program"]}});
    let refused = server.change("POST", "/api/v1/sessions", &start);
    assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("START_FAILED")));
    assert_eq!((space.names().len(), space.branches().contains(&"feature/new".to_owned())), (2, false));
    assert_eq!(server.get("/api/v1/trash").json()["sessions"], json!([]));
    assert_eq!(space.git(["for-each-ref", "refs/wharf"]), "");
    let mut lost = server.events(&server.token, Some("nonsense"));
    assert_eq!(lost.next().0, "reset");
}
