//! What a server says about itself, at every level: no token, no code, no cookie, nothing that is typed, asked or printed.

use std::{
    fs::{self, File},
    io::Write as _,
};

use serde_json::json;

use crate::support::{
    agents::Agents,
    http::{Server, until},
};

const ASKED: &str = "asked-at-a-start";
const TYPED: &str = "typed-by-a-request";
const TYPED_LIVE: &str = "typed-at-a-terminal";
const PRINTED: &str = "printed-by-a-program";
const COMMAND: &str = "sent-as-a-command";
const INPUT: &str = "given-as-input";
const QUERY: &str = "sought-by-a-query";
const GREP: &str = "sought-in-a-history";
const KEPT: &str = "kept-with-a-session";
const WORDS: [&str; 9] = [ASKED, TYPED, TYPED_LIVE, PRINTED, COMMAND, INPUT, QUERY, GREP, KEPT];

/// A browser is let in, and somebody tries its link again and a token that is wrong. Answers the code and the cookie.
fn come_in(server: &Server, wrong: &str) -> (String, String) {
    let link = server.done("POST", "/api/v1/open-codes", &json!({}))["path"].as_str().unwrap().to_owned();
    let opened = server.ask("GET", &link, &[], "");
    let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(server.ask("GET", &link, &[], "").status, 410);
    assert_eq!(server.ask("GET", "/api/v1/sessions", &[("cookie", &cookie)], "").status, 200);
    for word in [wrong, &server.token] {
        let bearer = format!("Bearer {word}");
        server.ask("GET", &format!("/api/v1/sessions?q={QUERY}"), &[("authorization", &bearer)], "");
        drop(server.try_terminal("/api/v1/sessions/s1/terminal", &[("authorization", &bearer)]));
    }
    (link.rsplit('/').next().unwrap().to_owned(), cookie)
}

/// An agent is asked, programs are typed into and print, commands run.
fn work(space: &Agents, server: &Server, cookie: &str) {
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"agent": "fake", "prompt": ASKED}));
    space.until("s1", ASKED);
    server.done("PATCH", "/api/v1/sessions/s2", &json!({"metadata": {"secret": KEPT}}));
    let show = format!("read -r line; echo {PRINTED}; exec cat");
    server.done("POST", "/api/v1/sessions/s2/start", &json!({"command": ["sh", "-c", show]}));
    let typed = server.change("POST", "/api/v1/sessions/s2/send", &json!({"text": TYPED, "enter": true}));
    assert_eq!(typed.status, 204);
    let own = format!("http://{}", server.at);
    let by_cookie = [("cookie", cookie), ("origin", own.as_str())];
    let mut terminal = server.try_terminal("/api/v1/sessions/s2/terminal", &by_cookie).unwrap();
    terminal.attach("control");
    terminal.until_shown(PRINTED);
    terminal.say(b'I', format!("{TYPED_LIVE}\r").as_bytes());
    terminal.until_shown(TYPED_LIVE);
    server.get("/api/v1/sessions/s2/screen");
    let run = json!({"command": format!("echo {COMMAND}; cat; env >&2"), "stdin": INPUT});
    let done = server.done("POST", "/api/v1/sessions/s2/exec", &run);
    assert!(done["stdout"].as_str().unwrap().ends_with(INPUT), "{done}");
    server.get(&format!("/api/v1/sessions/s2/history?output=true&grep={GREP}"));
    server.get("/api/v1/sessions/s1/conversations");
}

/// Bodies that make no sense, and one who says no HTTP.
fn talk_nonsense(server: &Server) {
    let token = server.bearer();
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    for body in [format!("{{\"text\": \"{TYPED}"), format!("{{\"{TYPED}\": 1}}")] {
        assert!(server.ask("POST", "/api/v1/sessions/s2/send", &headers, &body).status >= 400);
    }
    server.connect().write_all(b"\0\r\n\r\n").unwrap();
}

#[test]
fn no_log_has_a_secret_at_any_level() {
    let space = Agents::new(2);
    let told = space.home().join("told");
    let server = Server::talking(&space, &["-vvv"], File::create(&told).unwrap());
    let wrong = "f".repeat(64);
    let (code, cookie) = come_in(&server, &wrong);
    work(&space, &server, &cookie);
    let client = server.change("POST", "/api/v1/clients", &json!({})).json();
    let ticket = client["ticket"].as_str().unwrap().to_owned();
    drop(server.terminal(&format!("/api/v1/clients/{ticket}/terminal"), "control"));
    talk_nonsense(&server);
    let said = || fs::read_to_string(&told).unwrap();
    // It does say what is for those alone who look for mistakes.
    until(|| said().contains("DEBUG a connection ended"));
    let read = fs::read_to_string(server.token_file.with_file_name("server.read.token")).unwrap();
    let scoped = fs::read_to_string(space.socket("s1").with_extension("token")).unwrap();
    let tokens =
        [&*server.token, read.trim(), scoped.trim(), cookie.split('=').nth(1).unwrap(), &code, &wrong];
    assert!(tokens.iter().all(|it| it.len() == 64), "{tokens:?}");
    server.done("DELETE", "/api/v1/browsers", &json!({}));
    for name in ["s1", "s2"] {
        server.done("POST", &format!("/api/v1/sessions/{name}/kill"), &json!({}));
    }
    let mut texts = vec![said()];
    for entry in fs::read_dir(space.path(".wharf/log")).unwrap() {
        texts.push(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(texts.len() > 1 && texts[1].contains("server began"), "{texts:?}");
    for secret in tokens.into_iter().chain(WORDS).chain([&*ticket]) {
        for text in &texts {
            assert_eq!(text.lines().find(|line| line.contains(secret)), None, "{secret}");
        }
    }
}
