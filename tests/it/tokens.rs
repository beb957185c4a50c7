//! Which token is good for what, where tokens lie, and how browsers get in without one (RELIABILITY H3).

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use serde_json::{Value, json};

use crate::support::{
    Workspace,
    http::{Server, until},
    live::Terminal,
};

const CREATE: &str = "/api/v1/sessions";
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn a_link_lets_one_browser_in_and_the_cookie_works_for_the_page_alone() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let link = space.run(["open"]).succeeds().stdout().trim().to_owned();
    let path = link.strip_prefix(&format!("http://{}", server.at)).unwrap();
    assert!(!link.contains(&server.token));
    let looked_at = server.ask("HEAD", path, &[], "");
    assert_eq!((looked_at.status, looked_at.header("set-cookie")), (405, None));
    assert_eq!(server.ask("GET", path, &[("sec-purpose", "prefetch")], "").status, 405);
    let opened = server.ask("GET", path, &[], "");
    assert_eq!((opened.status, opened.header("location")), (303, Some("/")));
    let cookie = opened.header("set-cookie").unwrap().to_owned();
    for word in ["httponly", "samesite=strict", "path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let again = server.ask("GET", path, &[], "");
    assert_eq!((again.status, again.header("set-cookie")), (410, None));
    let cookie = cookie.split(';').next().unwrap();
    let own = format!("http://{}", server.at);
    assert_eq!(server.ask("GET", "/api/v1/sessions", &[("cookie", cookie)], "").status, 200);
    let change = [("cookie", cookie), ("origin", own.as_str()), JSON];
    assert_eq!(
        server.ask("POST", "/api/v1/sessions/s1/start", &change, "{\"command\":[\"sleep\",\"1000\"]}").status,
        200
    );
    let shown = server.try_terminal("/api/v1/sessions/s1/terminal", &[("cookie", cookie), ("origin", &own)]);
    assert!(shown.is_ok());
    let elsewhere = space.run(["open", "--url", "http://localhost:8080/"]).succeeds().stdout();
    assert!(elsewhere.starts_with("http://localhost:8080/api/v1/open/"), "{elsewhere}");
}

#[test]
fn browsers_stay_in_over_a_restart_until_they_are_logged_out() {
    let space = Workspace::with_sessions(1);
    let mut server = Server::of(&space);
    let (one, two) = (server.cookie(), server.cookie());
    assert!(one != two && !one.contains(&server.token));
    let status = |server: &Server, cookie: &str| {
        server.ask("GET", "/api/v1/sessions", &[("cookie", cookie)], "").status
    };
    let kept = fs::read_to_string(server.token_file.with_file_name("server.browsers")).unwrap();
    assert!(!kept.contains(one.split('=').nth(1).unwrap()), "only a hash is kept");
    server.end(rustix::process::Signal::KILL);
    let server = Server::of(&space);
    assert_eq!((status(&server, &one), status(&server, &two)), (200, 200));
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let own = format!("http://{}", server.at);
    let headers = [("cookie", one.as_str()), ("origin", own.as_str())];
    let mut terminal = server.try_terminal("/api/v1/sessions/s1/terminal", &headers).unwrap();
    terminal.attach("control");
    terminal.until(b's');
    let unopened = server.done("POST", "/api/v1/open-codes", &json!({}));
    let done = space.run(["open", "--revoke"]).succeeds().stdout();
    assert_eq!(done, "2 browsers were logged out\n");
    assert_eq!(terminal.until_closed(), Some(1008), "also one that shows a terminal");
    assert_eq!((status(&server, &one), status(&server, &two)), (401, 401));
    assert_eq!(server.ask("GET", unopened["path"].as_str().unwrap(), &[], "").status, 410);
    assert_eq!(space.json(["open", "--revoke"]), json!({"loggedOut": 0}));
    assert_eq!(server.get("/api/v1/sessions").status, 200);
    drop(server);
    let server = Server::of(&space);
    assert_eq!(status(&server, &one), 401);
    assert_eq!(status(&server, &server.cookie()), 200);
}

#[test]
fn a_token_that_only_reads_changes_and_controls_nothing() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let read = fs::read_to_string(server.token_file.with_file_name("server.read.token")).unwrap();
    let bearer = format!("Bearer {}", read.trim());
    let token = ("authorization", bearer.as_str());
    for path in
        ["/api/v1/sessions", "/api/v1/sessions/s1", "/api/v1/sessions/s1/screen", "/api/v1/trash", "/metrics"]
    {
        assert_eq!(server.ask("GET", path, &[token], "").status, 200, "{path}");
    }
    assert_eq!(server.ask("GET", "/api/v1/settings", &[token], "").json()["readOnly"], true);
    for path in [CREATE, "/api/v1/sessions/s1/send", "/api/v1/open-codes", "/api/v1/clients"] {
        assert_eq!(server.ask("POST", path, &[token, JSON], "{}").status, 403, "{path}");
    }
    let mut terminal = server.try_terminal("/api/v1/sessions/s1/terminal", &[token]).unwrap();
    only_looks(&mut terminal, "control", &server);
    terminal.say(b'S', br#"{"signal":null,"graceMs":0}"#);
    assert_eq!(terminal.until_closed(), Some(1008));
    assert_eq!(server.get("/api/v1/sessions/s1").json()["running"], true);
}

#[test]
fn the_token_of_a_session_is_good_for_that_session_alone() {
    let space = Workspace::with_sessions(2);
    let server = Server::of(&space);
    let tells = "cat \"$WHARF_TOKEN_FILE\"; exec cat";
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["sh", "-c", tells], "cols": 200}));
    server.done("POST", "/api/v1/sessions/s2/start", &json!({"command": ["cat"]}));
    let is_token = |it: &&str| it.len() == 64 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut own = String::new();
    until(|| {
        let screen = server.get("/api/v1/sessions/s1/screen").body;
        own = screen.split_whitespace().find(is_token).unwrap_or_default().to_owned();
        !own.is_empty()
    });
    let bearer = format!("Bearer {own}");
    let token = ("authorization", bearer.as_str());
    let listed = server.ask("GET", "/api/v1/sessions", &[token], "").json();
    assert_eq!(
        (listed["sessions"].as_array().unwrap().len(), &listed["sessions"][0]["name"]),
        (1, &json!("s1"))
    );
    assert_eq!(server.ask("PATCH", "/api/v1/sessions/s1", &[token, JSON], r#"{"phase":"mine"}"#).status, 200);
    // It may note what it likes, but not more than everybody can read each time.
    let note = |key: &str| {
        let body = json!({"metadata": {key: "x".repeat(40_000)}}).to_string();
        server.ask("PATCH", "/api/v1/sessions/s1", &[token, JSON], &body).status
    };
    assert_eq!((note("one"), note("two"), note("one")), (200, 422, 200));
    // Whoever is called that gets the clients of a server on which they share a session.
    for name in ["global", "Global"] {
        let body = json!({"name": name}).to_string();
        let named = server.ask("PATCH", "/api/v1/sessions/s1", &[token, JSON], &body);
        assert_eq!(named.status, 403, "{named:?}");
    }
    for (method, path) in [
        ("GET", "/api/v1/sessions/s2"),
        ("GET", "/api/v1/sessions/no-such"),
        ("GET", "/api/v1/sessions/s2/screen"),
        ("POST", "/api/v1/sessions/s2/kill"),
        ("DELETE", "/api/v1/sessions/s2?force=true"),
        ("POST", CREATE),
        ("POST", "/api/v1/open-codes"),
        ("POST", "/api/v1/clients"),
        ("GET", "/api/v1/clients"),
        ("POST", "/api/v1/clients/global-session/resume"),
        ("DELETE", "/api/v1/clients/global-session"),
        ("DELETE", "/api/v1/browsers"),
        ("POST", "/api/v1/undo"),
        ("GET", "/api/v1/trash"),
        ("GET", "/api/v1/doctor"),
        ("GET", "/metrics"),
    ] {
        assert_eq!(server.ask(method, path, &[token, JSON], "{}").status, 403, "{method} {path}");
    }
    for path in ["/api/v1/sessions/s2/terminal", "/api/v1/clients/global-session/terminal"] {
        assert_eq!(server.try_terminal(path, &[token]).err(), Some(403), "{path}");
    }
    let mut events = server.events(&own, None);
    space.run(["phase", "s2", "theirs"]).succeeds();
    space.run(["phase", "s1", "own"]).succeeds();
    let id = listed["sessions"][0]["id"].clone();
    assert_eq!(events.next().2["sessions"], json!([id]));
    space.run(["kill", "s1"]).succeeds();
    assert_eq!(server.ask("GET", "/api/v1/sessions", &[token], "").status, 401);
}

#[test]
fn tokens_and_sockets_are_for_their_owner_alone() {
    let space = Workspace::new();
    let path = space.path("server.sock");
    let server = Server::with(&space, &["--unix", path.to_str().unwrap()]);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&server.token_file), 0o600);
    assert_eq!(mode(&server.token_file.with_file_name("server.read.token")), 0o600);
    assert_eq!(mode(server.token_file.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(server.token.len(), 64, "256 bits");
    let told = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", server.pid())).unwrap();
    assert!(!told("cmdline").contains(&server.token) && !told("environ").contains(&server.token));
    drop(server);
}

#[test]
fn no_log_and_no_program_knows_a_token_a_code_or_a_cookie() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let link = server.done("POST", "/api/v1/open-codes", &json!({}))["path"].as_str().unwrap().to_owned();
    let opened = server.ask("GET", &link, &[], "");
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    server.done("POST", "/api/v1/sessions/s1/exec", &json!({"command": "env"}));
    let wrong = "f".repeat(64);
    for word in [&wrong, &server.token] {
        let bearer = format!("Bearer {word}");
        server.ask("GET", "/api/v1/sessions?q=x", &[("authorization", &bearer)], "");
        drop(server.try_terminal("/api/v1/sessions/s1/terminal", &[("authorization", &bearer)]));
    }
    server.ask("GET", "/api/v1/sessions", &[("cookie", &cookie)], "");
    let environment = server.done("POST", "/api/v1/sessions/s1/exec", &json!({"command": "env"}));
    let pid = space.json(["ps"])[0]["session"]["ptyPid"].as_u64().unwrap();
    let read = fs::read_to_string(server.token_file.with_file_name("server.read.token")).unwrap();
    let scoped = fs::read_to_string(space.socket("s1").with_extension("token")).unwrap();
    let mut texts = vec![environment.to_string()];
    for pid in [u64::from(server.pid()), pid] {
        texts.push(fs::read_to_string(format!("/proc/{pid}/environ")).unwrap());
        texts.push(fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap());
    }
    let secrets = [
        server.token.clone(),
        read.trim().to_owned(),
        scoped.trim().to_owned(),
        cookie.split('=').nth(1).unwrap().to_owned(),
        link.rsplit('/').next().unwrap().to_owned(),
        wrong,
    ];
    texts.push(server.last_words());
    for entry in fs::read_dir(space.path(".wharf/log")).unwrap() {
        texts.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(texts.last().unwrap().contains("server began"), "{texts:?}");
    for (number, secret) in secrets.iter().enumerate() {
        assert_eq!(secret.len(), 64, "{number}");
        assert!(!texts.iter().any(|text| text.contains(secret)), "{number}: {texts:?}");
    }
}

/// What `wharf open --read-only` prints lets a browser look, and nothing else.
#[test]
fn a_browser_that_may_only_look_changes_and_controls_nothing() {
    let space = Workspace::with_sessions(1);
    let mut server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let client = server.done("POST", "/api/v1/clients", &json!({}));
    space.run(["open", "--read-only", "--revoke"]).fails(2);
    let link = space.json(["open", "--read-only"])["url"].as_str().unwrap().to_owned();
    let opened = server.ask("GET", link.strip_prefix(&format!("http://{}", server.at)).unwrap(), &[], "");
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let document = server.get("/openapi.json").json();
    let look = |server: &Server| {
        let own = format!("http://{}", server.at);
        let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
        for path in ["sessions?changes=true", "sessions/s1", "sessions/s1/screen", "trash"] {
            assert_eq!(server.ask("GET", &format!("/api/v1/{path}"), &headers, "").status, 200, "{path}");
        }
        assert_eq!(server.ask("GET", "/api/v1/settings", &headers, "").json()["readOnly"], true);
        let mut refused = 0;
        for (path, methods) in document["paths"].as_object().unwrap() {
            let path = path.replace("{who}", "s1").replace("{ticket}", "global-session");
            for method in methods.as_object().unwrap().keys().filter(|it| *it != "get") {
                let headers = [headers[0], headers[1], JSON];
                let answer = server.ask(&method.to_uppercase(), &path, &headers, "{}");
                assert_eq!(
                    (answer.status, answer.json()["code"].as_str()),
                    (403, Some("FORBIDDEN")),
                    "{path}"
                );
                refused += 1;
            }
        }
        assert!(refused >= 15, "{refused}");
        // The terminal of a client too, whose own connection stays.
        let path = format!("/api/v1/clients/{}/terminal", client["ticket"].as_str().unwrap());
        let mut own = server.terminal(&path, "control");
        own.until(b's');
        only_looks(&mut server.try_terminal(&path, &headers).unwrap(), "take", server);
        own.say(b'I', b"echo still-$((40 + 2))\r");
        own.until_shown("still-42");
        let mut terminal = server.try_terminal("/api/v1/sessions/s1/terminal", &headers).unwrap();
        only_looks(&mut terminal, "take", server);
        terminal
    };
    look(&server);
    server.end(rustix::process::Signal::KILL);
    let server = Server::of(&space);
    let mut terminal = look(&server);
    assert_eq!(space.json(["open", "--revoke"])["loggedOut"], 1);
    assert_eq!(terminal.until_closed(), Some(1008));
    assert_eq!(server.ask("GET", "/api/v1/sessions", &[("cookie", &cookie)], "").status, 401);
}

/// A browser has one cookie: the link that it opened last says what it may do.
#[test]
fn a_browser_that_opens_a_link_to_look_controls_nothing_any_more() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let open = |how: &[&str], came_with: &str| {
        let link = space.json([&["open"], how].concat())["url"].as_str().unwrap().to_owned();
        let path = link.strip_prefix(&format!("http://{}", server.at)).unwrap();
        let opened = server.ask("GET", path, &[("cookie", came_with)], "");
        opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    };
    let all = open(&[], "nothing=else");
    let own = format!("http://{}", server.at);
    let mut terminal =
        server.try_terminal("/api/v1/sessions/s1/terminal", &[("cookie", &all), ("origin", &own)]).unwrap();
    terminal.attach("control");
    terminal.until(b's');
    let looks = open(&["--read-only"], &all);
    assert_eq!(terminal.until_closed(), Some(1008));
    let status = |cookie: &str| server.ask("GET", "/api/v1/sessions", &[("cookie", cookie)], "").status;
    assert_eq!((status(&all), status(&looks)), (401, 200));
    assert_eq!(space.json(["open", "--revoke"])["loggedOut"], 1);
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let space = Workspace::new();
    drop(Server::of(&space));
    let folder = fs::read_dir(space.runtime().join("wharf")).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    space.run(["serve", "--listen", "127.0.0.1:0"]).fails(6).says("lets other users in");
}

#[test]
fn a_token_of_ones_own_is_taken_when_nobody_can_guess_it() {
    let space = Workspace::new();
    let file = space.home().join("token");
    put(&file, "short\n", 0o600);
    let given = file.to_str().unwrap();
    space.run(["serve", "--listen", "127.0.0.1:0", "--token-file", given]).fails(2).says("holds no token");
    put(&file, &format!("{}\n", "x1".repeat(20)), 0o600);
    // Where something is mounted, links lead to it.
    let link = space.home().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let server = Server::with(&space, &["--token-file", link.to_str().unwrap()]);
    assert_eq!(server.token, "x1".repeat(20));
    assert_eq!(server.get("/api/v1/sessions").status, 200);
    space.run(["open", "--token-file", given]).succeeds();
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_token_that_others_could_know_is_refused() {
    let space = Workspace::new();
    let file = space.home().join("token");
    let given = file.to_str().unwrap();
    for mode in [0o644, 0o640, 0o602] {
        put(&file, &format!("{}\n", "x1".repeat(20)), mode);
        let refused = space.run(["serve", "--listen", "127.0.0.1:0", "--token-file", given]).fails(6);
        refused.says("so it is no secret").says("chmod 600").says(given);
    }
    fs::remove_file(&file).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let refused = space.run(["serve", "--listen", "127.0.0.1:0", "--token-file", given]).fails(6);
    refused.says("is no regular file");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    space
        .run(["serve", "--listen", "127.0.0.1:0", "--token-file", given])
        .fails(6)
        .says("is no regular file");
}

#[test]
fn two_servers_that_make_one_token_file_have_the_same_token() {
    let spaces = [Workspace::new(), Workspace::new()];
    let file = spaces[0].home().join("shared");
    let serve = |space: &Workspace| Server::with(space, &["--token-file", file.to_str().unwrap()]);
    let [one, two] = std::thread::scope(|scope| {
        spaces.each_ref().map(|space| scope.spawn(move || serve(space))).map(|it| it.join().unwrap())
    });
    assert_eq!(one.token, two.token);
    for server in [&one, &two] {
        assert_eq!(server.get("/api/v1/sessions").status, 200);
    }
    let litter = fs::read_dir(spaces[0].home()).unwrap();
    let litter = litter.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().ends_with(".tmp"));
    assert_eq!(litter.count(), 0);
}

/// Whoever only reads gets no control, however he asks for it, and what he types reaches nobody.
fn only_looks(terminal: &mut Terminal, role: &str, server: &Server) {
    terminal.attach(role);
    let refused: Value = serde_json::from_slice(&terminal.until(b'e')).unwrap();
    assert_eq!(refused["code"], "not-control");
    terminal.attach("observe");
    terminal.until(b's');
    terminal.say(b'I', b"typed\r");
    terminal.until(b'e');
    assert!(!server.get("/api/v1/sessions/s1/screen").body.contains("typed"));
}
