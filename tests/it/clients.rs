//! Several clients on a server: each gets a ticket, and comes back to its session (SPEC CL).

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Workspace,
    http::{Server, until},
    processes::is_alive,
};

const SHARED: &str = "[server]\nclients = \"shared\"\n";

fn set(space: &Workspace, text: &str) {
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), text).unwrap();
}

/// A workspace with room for clients.
fn roomy(more: &str) -> Workspace {
    let space = Workspace::new();
    set(&space, &format!("max_sessions = 20\n{more}"));
    space
}

fn register(server: &Server) -> Value {
    let answer = server.change("POST", "/api/v1/clients", &json!({}));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn ticket(client: &Value) -> String {
    client["ticket"].as_str().unwrap().to_owned()
}

fn is_own_ticket(text: &str) -> bool {
    let Some((millis, letters)) = text.strip_prefix("session_").and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    millis.len() == 13
        && millis.bytes().all(|it| it.is_ascii_digit())
        && letters.len() == 9
        && letters.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
}

#[test]
fn cl_1_isolated_each_client_has_a_session_and_a_process_of_its_own() {
    let space = roomy("");
    let server = Server::of(&space);
    let (one, two) = (register(&server), register(&server));
    assert!(is_own_ticket(&ticket(&one)), "{one}");
    assert_ne!(one["ticket"], two["ticket"]);
    assert_ne!(one["session"], two["session"]);
    assert_eq!(one["policy"], "isolated");
    let pids: Vec<Value> = space.sessions().iter().map(|it| it["ptyPid"].clone()).collect();
    assert!(pids.len() == 2 && pids[0] != pids[1] && pids.iter().all(Value::is_u64), "{pids:?}");
    let mut first = server.terminal(&format!("/api/v1/clients/{}/terminal", ticket(&one)), "control");
    let mut second = server.terminal(&format!("/api/v1/clients/{}/terminal", ticket(&two)), "control");
    first.say(b'I', b"mine=one; echo $mine-$((40 + 2))\r");
    first.until_shown("one-42");
    second.say(b'I', b"echo none$mine-$((40 + 2))\r");
    second.until_shown("none-42");
}

#[test]
fn cl_1_shared_all_clients_have_the_session_that_was_started_with_the_server() {
    let space = roomy(SHARED);
    let server = Server::of(&space);
    let before = space.sessions();
    assert_eq!((before.len(), &before[0]["name"]), (1, &json!("global")));
    let (one, two) = (register(&server), register(&server));
    assert_eq!((&one["ticket"], &two["ticket"]), (&json!("global-session"), &json!("global-session")));
    assert_eq!((&one["session"], &two["session"]), (&before[0]["id"], &before[0]["id"]));
    let path = "/api/v1/clients/global-session/terminal";
    let mut first = server.terminal(path, "control");
    first.say(b'I', b"echo seen-$((40 + 2))\r");
    first.until_shown("seen-42");
    let mut second = server.terminal(path, "observe");
    second.until_shown("seen-42");
    // One that goes changes nothing.
    drop(first);
    let cleaned = server.done("DELETE", "/api/v1/clients/global-session", &json!({}));
    assert_eq!((&cleaned["destroyed"], &cleaned["kept"]), (&json!(false), &json!(true)));
    second.attach("take");
    second.say(b'I', b"echo still-$((40 + 3))\r");
    second.until_shown("still-43");
    assert_eq!(space.sessions()[0]["ptyPid"], before[0]["ptyPid"]);
}

#[test]
fn cl_2_a_ticket_leads_back_to_the_same_process_with_its_screen() {
    let space = roomy("");
    let mut server = Server::of(&space);
    let client = register(&server);
    let path = format!("/api/v1/clients/{}/terminal", ticket(&client));
    let mut first = server.terminal(&path, "control");
    first.say(b'I', b"word=kept; echo on-screen-$((40 + 2))\r");
    first.until_shown("on-screen-42");
    let pid = space.sessions()[0]["ptyPid"].clone();
    // The next connection takes the place of the one before.
    let mut second = server.terminal(&path, "control");
    assert_eq!(first.until_closed(), Some(4001));
    second.until_shown("on-screen-42");
    // And the ticket outlives a server that is killed, and one that ends in order.
    for signal in [Signal::KILL, Signal::TERM] {
        server.end(signal);
        server = Server::of(&space);
        let resumed = server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&client)), &json!({}));
        assert_eq!((&resumed["ticket"], &resumed["session"]), (&client["ticket"], &client["session"]));
        assert_eq!(space.sessions()[0]["ptyPid"], pid);
        let mut terminal = server.terminal(&path, "control");
        terminal.until_shown("on-screen-42");
        terminal.say(b'I', b"echo $word-$((40 + 3))\r");
        terminal.until_shown("kept-43");
    }
}

#[test]
fn cl_2_what_a_container_stop_ended_is_started_again() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    space.run(["kill", client["session"].as_str().unwrap()]).succeeds();
    let resumed = server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&client)), &json!({}));
    assert_eq!(resumed["session"], client["session"]);
    assert_eq!(space.json(["ps"]).as_array().unwrap().len(), 1);
}

#[test]
fn cl_2_an_unknown_ticket_is_nobodys() {
    for policy in ["", SHARED] {
        let space = roomy(policy);
        let server = Server::of(&space);
        register(&server);
        let before = space.sessions();
        for unknown in ["session_1763980200000_abcdefghi", "nonsense", "..%2F..", "global-session%20"] {
            for (method, path) in [("POST", "/resume"), ("DELETE", "")] {
                let answer = server.change(method, &format!("/api/v1/clients/{unknown}{path}"), &json!({}));
                assert_eq!(
                    (answer.status, answer.json()["detail"].as_str()),
                    (404, Some("no such session")),
                    "{unknown}"
                );
            }
            let bearer = server.bearer();
            let refused = server
                .try_terminal(&format!("/api/v1/clients/{unknown}/terminal"), &[("authorization", &bearer)]);
            assert_eq!(refused.err(), Some(404), "{unknown}");
        }
        assert_eq!(space.sessions().len(), before.len());
    }
}

#[test]
fn cl_3_clients_are_listed_with_their_last_sign_of_life() {
    let space = roomy("");
    let server = Server::of(&space);
    let one = register(&server);
    let two = register(&server);
    let listed = || server.get("/api/v1/clients").json()["clients"].as_array().unwrap().clone();
    let tickets: Vec<Value> = listed().iter().map(|it| it["ticket"].clone()).collect();
    assert_eq!(tickets, [one["ticket"].clone(), two["ticket"].clone()]);
    for (client, told) in [&one, &two].into_iter().zip(listed()) {
        assert_eq!((&told["session"], &told["createdAt"]), (&client["session"], &client["createdAt"]));
    }
    let at = |index: usize| listed()[index]["lastActivity"].as_str().unwrap().to_owned();
    let registered = at(0);
    server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&one)), &json!({}));
    let resumed = at(0);
    assert!(resumed > registered, "a resume is a sign of life");
    let mut terminal = server.terminal(&format!("/api/v1/clients/{}/terminal", ticket(&one)), "control");
    terminal.until(b's');
    let shown = at(0);
    terminal.say(b'I', b"echo typed-$((40 + 2))\r");
    terminal.until_shown("typed-42");
    until(|| at(0) > shown);
    let page = server.get("/api/v1/clients?limit=1").json();
    assert_eq!((page["clients"].as_array().unwrap().len(), page["next"].is_string()), (1, true));
}

#[test]
fn cl_4_cleaning_up_ends_the_process_and_forgets_the_ticket() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    let cleaned = server.done("DELETE", &format!("/api/v1/clients/{}", ticket(&client)), &json!({}));
    assert_eq!((&cleaned["destroyed"], &cleaned["session"]), (&json!(true), &client["session"]));
    assert!(space.sessions().is_empty());
    assert_eq!(space.branches(), ["main"]);
    let again = server.change("DELETE", &format!("/api/v1/clients/{}", ticket(&client)), &json!({}));
    assert_eq!(again.status, 404);
    // What a person brings back is no client's any more, also for the next server.
    server.done("POST", "/api/v1/undo", &json!({}));
    drop(server);
    let server = Server::of(&space);
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
}

#[test]
fn cl_4_who_was_shown_for_long_can_come_back_after_the_connection_is_lost() {
    let space = roomy("[server]\nclient_timeout = 3\n");
    let server = Server::of(&space);
    let (client, other) = (register(&server), register(&server));
    let path = format!("/api/v1/clients/{}/terminal", ticket(&client));
    let mut terminal = server.terminal(&path, "control");
    terminal.until(b's');
    let known = || server.get("/api/v1/clients").json()["clients"].to_string();
    until(|| !known().contains(&ticket(&other)));
    let pid = space.json(["ps"])[0]["session"]["ptyPid"].clone();
    drop(terminal);
    server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&client)), &json!({}));
    assert_eq!(space.json(["ps"])[0]["session"]["ptyPid"], pid);
}

#[test]
fn cl_4_a_session_that_holds_work_is_ended_and_kept() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    let id = client["session"].as_str().unwrap();
    fs::write(space.path(".worktrees").join(id).join("work.txt"), "precious").unwrap();
    let cleaned = server.done("DELETE", &format!("/api/v1/clients/{}", ticket(&client)), &json!({}));
    assert_eq!((&cleaned["destroyed"], &cleaned["kept"]), (&json!(false), &json!(true)));
    assert_eq!(cleaned["losses"][0]["kind"], "untracked");
    let left = space.sessions();
    assert_eq!((left.len(), left[0]["ptyPid"].is_null()), (1, true));
    assert_eq!(fs::read_to_string(space.path(".worktrees").join(id).join("work.txt")).unwrap(), "precious");
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
    // It is a session as any other from now on, also after a restart.
    drop(server);
    let server = Server::of(&space);
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
}

#[test]
fn cl_4_silent_clients_are_given_up_but_not_those_that_are_shown() {
    let space = roomy("[server]\nclient_timeout = 3\n");
    let server = Server::of(&space);
    let (shown, seen) = (register(&server), register(&server));
    let mut terminal = server.terminal(&format!("/api/v1/clients/{}/terminal", ticket(&shown)), "control");
    terminal.until(b's');
    // Somebody may look at its session in another way.
    let path = format!("/api/v1/sessions/{}/terminal", seen["session"].as_str().unwrap());
    let mut other = server.terminal(&path, "observe");
    other.until(b's');
    let silent = register(&server);
    let known = || -> Vec<Value> {
        let clients = server.get("/api/v1/clients").json()["clients"].as_array().unwrap().clone();
        clients.into_iter().map(|it| it["ticket"].clone()).collect()
    };
    until(|| !known().contains(&silent["ticket"]));
    assert_eq!(known(), [shown["ticket"].clone(), seen["ticket"].clone()]);
    assert_eq!(space.sessions().len(), 2);
}

#[test]
fn cl_4_only_so_many_clients_have_a_place() {
    let space = roomy("[server]\nclients_max = 1\n");
    let server = Server::of(&space);
    let client = register(&server);
    let full = server.change("POST", "/api/v1/clients", &json!({}));
    assert_eq!((full.status, full.json()["code"].as_str()), (409, Some("MAX_CLIENTS")));
    server.done("DELETE", &format!("/api/v1/clients/{}", ticket(&client)), &json!({}));
    let next = register(&server);
    assert_eq!(space.sessions().len(), 1);
    // Nor does one hold a place whose session a person destroyed.
    space.run(["destroy", next["session"].as_str().unwrap(), "--force"]).succeeds();
    let last = register(&server);
    let listed = server.get("/api/v1/clients").json();
    assert_eq!(
        (listed["clients"].as_array().unwrap().len(), &listed["clients"][0]["ticket"]),
        (1, &last["ticket"])
    );
    let full = server.change("POST", "/api/v1/clients", &json!({}));
    assert_eq!((full.status, full.json()["code"].as_str()), (409, Some("MAX_CLIENTS")));
}

#[test]
fn cl_4_a_stop_of_the_server_ends_what_runs_for_clients_where_that_is_set() {
    let space = roomy("[server]\nend_clients = true\n");
    let mut server = Server::of(&space);
    let client = register(&server);
    assert_eq!(server.end(Signal::TERM), Some(0));
    assert!(space.sessions()[0]["ptyPid"].is_null());
    let server = Server::of(&space);
    server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&client)), &json!({}));
    assert!(space.sessions()[0]["ptyPid"].is_u64());
}

#[test]
fn cl_4_tickets_come_back_also_when_their_list_is_lost() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    drop(server);
    fs::write(space.path(".wharf/server/clients.json"), "{\"version\":1,\"cli").unwrap();
    let server = Server::of(&space);
    let resumed = server.done("POST", &format!("/api/v1/clients/{}/resume", ticket(&client)), &json!({}));
    assert_eq!(resumed["session"], client["session"]);
}

/// Has the shell of a client ignore whatever asks it to end.
fn make_stubborn(server: &Server, client: &Value) {
    let mut terminal = server.terminal(&format!("/api/v1/clients/{}/terminal", ticket(client)), "control");
    terminal.until(b's');
    terminal.say(b'I', b"trap '' HUP TERM INT; echo stubborn-$((40 + 2))\r");
    terminal.until_shown("stubborn-42");
}

#[test]
fn cl_4_stubborn_programs_end_with_the_server_too_and_the_last_sign_of_life_is_kept() {
    let space = roomy("[server]\nend_clients = true\n");
    let mut server = Server::of(&space);
    let clients: Vec<Value> = (0..3).map(|_| register(&server)).collect();
    for client in &clients {
        make_stubborn(&server, client);
    }
    let listed = server.get("/api/v1/clients").json()["clients"].clone();
    let running = space.json(["ps"]).as_array().unwrap().clone();
    let pids: Vec<u64> = running.iter().map(|it| it["session"]["ptyPid"].as_u64().unwrap()).collect();
    assert_eq!(pids.len(), 3);
    assert_eq!(server.end(Signal::TERM), Some(0));
    for pid in pids {
        assert!(!is_alive(u32::try_from(pid).unwrap()), "{pid}");
    }
    let book: Value =
        serde_json::from_slice(&fs::read(space.path(".wharf/server/clients.json")).unwrap()).unwrap();
    for (kept, told) in book["clients"].as_array().unwrap().iter().zip(listed.as_array().unwrap()) {
        assert!(kept["lastActivity"].as_str().unwrap() >= told["lastActivity"].as_str().unwrap());
    }
}

#[test]
fn cl_4_nobody_comes_back_to_a_session_that_is_being_ended() {
    let space = roomy("[terminal]\nstop_timeout = 1\n");
    let server = Server::of(&space);
    let client = register(&server);
    make_stubborn(&server, &client);
    let path = format!("/api/v1/clients/{}", ticket(&client));
    let resume = || server.change("POST", &format!("{path}/resume"), &json!({}));
    std::thread::scope(|scope| {
        let cleaning = scope.spawn(|| server.done("DELETE", &path, &json!({})));
        let mut seen = Vec::new();
        until(|| {
            seen.push(resume().status);
            seen.ends_with(&[404])
        });
        assert_eq!(cleaning.join().unwrap()["destroyed"], true);
        // Refused as long as it takes, and gone then; never there again in between.
        seen.dedup();
        assert!(seen.ends_with(&[409, 404]) && seen.len() <= 3, "{seen:?}");
    });
    assert!(space.sessions().is_empty());
}

#[test]
fn nobody_gets_a_ticket_by_writing_one_into_a_record() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    let mine = "session_1763980200000_abcdefghi";
    for (method, path) in [("POST", "/api/v1/sessions"), ("PATCH", "/api/v1/sessions/s1")] {
        space.run(["create", "s1"]);
        let forged = server.change(method, path, &json!({"name": "made", "metadata": {"client": mine}}));
        assert_eq!((forged.status, forged.json()["code"].as_str()), (422, Some("INVALID_VALUE")), "{method}");
    }
    let removed = server.change("PATCH", "/api/v1/sessions/s1", &json!({"metadata": {"client": null}}));
    assert_eq!(removed.status, 422);
    // Whoever has the command line could; a ticket that two records claim leads to neither.
    space.run(["create", "s2", "--meta", &format!("client={}", ticket(&client))]).succeeds();
    drop(server);
    fs::remove_file(space.path(".wharf/server/clients.json")).unwrap();
    let server = Server::of(&space);
    assert_eq!(server.get("/api/v1/clients").json()["clients"], json!([]));
}

#[test]
fn a_token_that_only_reads_does_not_type_through_a_ticket() {
    let space = roomy("");
    let server = Server::of(&space);
    let client = register(&server);
    let read = fs::read_to_string(server.token_file.with_file_name("server.read.token")).unwrap();
    let bearer = format!("Bearer {}", read.trim());
    let path = format!("/api/v1/clients/{}/terminal", ticket(&client));
    let mut terminal = server.try_terminal(&path, &[("authorization", &bearer)]).unwrap();
    terminal.attach("control");
    terminal.until(b'e');
    terminal.attach("observe");
    terminal.until(b's');
    terminal.say(b'I', b"echo typed-$((40 + 2))\r");
    terminal.until(b'e');
    let screen = format!("/api/v1/sessions/{}/screen", client["session"].as_str().unwrap());
    assert!(!server.get(&screen).body.contains("typed"));
}
