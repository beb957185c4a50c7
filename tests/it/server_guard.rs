//! Who gets into a server, and who does not (RELIABILITY H1 to H3): every refusal changes nothing.

use std::fs;

use serde_json::json;

use crate::support::{STATE, Workspace, http::Server};

/// One request that is refused.
struct Hostile<'a> {
    what: &'a str,
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
    status: u16,
}

const CREATE: &str = "/api/v1/sessions";
const BODY: &str = r#"{"name":"made"}"#;
const JSON: (&str, &str) = ("content-type", "application/json");

fn hostile<'a>(what: &'a str, headers: &[(&'a str, &'a str)], status: u16) -> Hostile<'a> {
    Hostile { what, method: "POST", path: CREATE, headers: headers.to_vec(), body: BODY, status }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn every_hostile_request_is_refused_and_changes_nothing() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let (bearer, cookie) = (server.bearer(), server.cookie());
    let (most, last) = cookie.split_at(cookie.len() - 1);
    let bad_cookie = format!("{most}{}", if last == "0" { "1" } else { "0" });
    let token_cookie = format!("{}={}", cookie.split('=').next().unwrap(), server.token);
    let token = ("authorization", bearer.as_str());
    let own = format!("http://{}", server.at);
    let other_name = own.replace("127.0.0.1", "[::1]");
    let many_cookies = format!("{};{cookie}", format!("{bad_cookie};").repeat(500));
    let wrong = format!("Bearer {}", "0".repeat(64));
    let almost = format!("Bearer {}", &server.token[..63]);
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
    let mut table = vec![
        hostile("another host", &[("host", "evil.example"), token, JSON], 421),
        hostile("a name that only begins like ours", &[("host", "localhost.evil.example"), token, JSON], 421),
        hostile("two hosts", &[("host", "localhost"), ("host", "evil.example"), token, JSON], 421),
        hostile("the address of the network", &[("host", "192.168.0.1"), token, JSON], 421),
        hostile("another origin", &[("origin", "http://evil.example"), token, JSON], 403),
        hostile("an origin that is none", &[("origin", "null"), token, JSON], 403),
        hostile("two origins", &[("origin", &own), ("origin", "http://evil.example"), token, JSON], 403),
        hostile("the same port by another name", &[("origin", &other_name), token, JSON], 403),
        hostile("another port of this machine", &[("origin", "http://127.0.0.1:1"), token, JSON], 403),
        hostile(
            "a page of another site, told by the browser",
            &[("sec-fetch-site", "cross-site"), token, JSON],
            403,
        ),
        hostile(
            "a page of another port, told by the browser",
            &[("sec-fetch-site", "same-site"), token, JSON],
            403,
        ),
        hostile("no token", &[JSON], 401),
        hostile("a wrong token", &[("authorization", &wrong), JSON], 401),
        hostile("most of the token", &[("authorization", &almost), JSON], 401),
        hostile("the token without a scheme", &[("authorization", &server.token), JSON], 401),
        hostile(
            "a wrong header beside a good cookie",
            &[("authorization", "Basic x"), ("cookie", &cookie), ("origin", &own), JSON],
            401,
        ),
        hostile("a wrong cookie", &[("cookie", &bad_cookie), ("origin", &own), JSON], 401),
        hostile("a cookie with the token itself", &[("cookie", &token_cookie), ("origin", &own), JSON], 401),
        hostile(
            "a good cookie behind many wrong ones",
            &[("cookie", &many_cookies), ("origin", &own), JSON],
            401,
        ),
        hostile("a cookie without an origin", &[("cookie", &cookie), JSON], 403),
        hostile(
            "a cookie with another origin",
            &[("cookie", &cookie), ("origin", "http://evil.example"), JSON],
            403,
        ),
        hostile("a form", &[token, ("content-type", "application/x-www-form-urlencoded")], 415),
        hostile("plain text", &[token, ("content-type", "text/plain")], 415),
        hostile("no type", &[token], 415),
        hostile("a type that only begins like ours", &[token, ("content-type", "application/jsonx")], 415),
        Hostile { method: "PUT", ..hostile("a method that is not known", &[token, JSON], 405) },
        Hostile {
            method: "OPTIONS",
            ..hostile(
                "a question before a request from elsewhere",
                &[token, ("access-control-request-method", "POST")],
                405,
            )
        },
        Hostile { body: "{\"name\":", ..hostile("half a body", &[token, JSON], 400) },
        Hostile { body: "[]", ..hostile("another body", &[token, JSON], 422) },
        Hostile {
            path: "/api/v1/open-codes",
            body: "[]",
            ..hostile("a list for an object", &[token, JSON], 422)
        },
        Hostile {
            body: r#"{"name":"made","issue":["acme/shop",1,null,false]}"#,
            ..hostile("a list for an object within", &[token, JSON], 422)
        },
        Hostile {
            body: r#"{"name":"made","unknown":1}"#,
            ..hostile("a member that is not known", &[token, JSON], 422)
        },
        Hostile {
            body: r#"{"name":"../made"}"#,
            ..hostile("a name that leads elsewhere", &[token, JSON], 422)
        },
        Hostile {
            body: r#"{"name":"made","repository":"../.."}"#,
            ..hostile("a repository elsewhere", &[token, JSON], 422)
        },
        Hostile {
            path: "/api/v1/sessions/s1/../s1",
            method: "DELETE",
            body: "{}",
            ..hostile("a path with dots", &[token, JSON], 404)
        },
        Hostile {
            path: "/api/v1/sessions/..%2fs1",
            method: "DELETE",
            body: "{}",
            ..hostile("a name with a slash", &[token, JSON], 404)
        },
        Hostile {
            path: "/assets/../../Cargo.toml",
            method: "GET",
            body: "",
            ..hostile("a file of somebody else", &[], 404)
        },
        Hostile {
            path: "/assets/%2e%2e/%2e%2e/etc/passwd",
            method: "GET",
            body: "",
            ..hostile("the same, hidden", &[], 404)
        },
        Hostile { path: "/metrics", method: "GET", body: "", ..hostile("what was counted", &[], 401) },
        Hostile { path: "/openapi.json", method: "GET", body: "", ..hostile("the document", &[], 401) },
        Hostile {
            path: "/api/v1/open/0000",
            method: "GET",
            body: "",
            ..hostile("a code that was never given", &[], 410)
        },
    ];
    for (what, headers, status) in [
        ("a terminal of another host", vec![("host", "evil.example"), token], 421),
        ("a terminal for another page", vec![("origin", "http://evil.example"), token], 403),
        ("a terminal without a token", vec![], 401),
        ("a terminal with a cookie and no origin", vec![("cookie", cookie.as_str())], 403),
    ] {
        let headers = [headers, upgrade.to_vec()].concat();
        table.push(Hostile {
            what,
            method: "GET",
            path: "/api/v1/sessions/s1/terminal",
            headers,
            body: "",
            status,
        });
    }
    let state = fs::read(space.path(STATE)).unwrap();
    let litter = space.litter();
    for it in &table {
        let answer = server.ask(it.method, it.path, &it.headers, it.body);
        assert_eq!(answer.status, it.status, "{}: {answer:?}", it.what);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", it.what);
        assert!(answer.json()["detail"].is_string(), "{}", it.what);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{}", it.what);
        assert!(answer.header("content-security-policy").is_some(), "{}", it.what);
        assert!(!answer.head.contains(&server.token) && !answer.body.contains(&server.token), "{}", it.what);
    }
    assert_eq!((fs::read(space.path(STATE)).unwrap(), space.litter()), (state, litter));
}

#[test]
fn a_host_has_to_be_named_once_and_in_one_way() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let (at, token) = (&server.at, format!("authorization: {}", server.bearer()));
    let status = |line: &str, host: &str| {
        server.exchange(&format!("{line}\r\n{host}{token}\r\nconnection: close\r\n\r\n")).status
    };
    let own = format!("host: {at}\r\n");
    assert_eq!(status("GET /api/v1/sessions HTTP/1.1", &own), 200);
    assert_eq!(status(&format!("GET http://{at}/api/v1/sessions HTTP/1.1"), &own), 200);
    assert_eq!(status("GET /api/v1/sessions HTTP/1.0", ""), 421);
    assert_eq!(status(&format!("GET http://{at}/api/v1/sessions HTTP/1.0"), ""), 421);
    assert_eq!(status("GET http://evil.example/api/v1/sessions HTTP/1.1", &own), 421);
    assert_eq!(status("GET http://evil.example/api/v1/sessions HTTP/1.1", "host: evil.example\r\n"), 421);
    assert_eq!(status(&format!("GET http://user@{at}/api/v1/sessions HTTP/1.1"), &own), 421);
}

#[test]
fn the_order_is_host_then_origin_then_token() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let all = [("host", "evil.example"), ("origin", "http://evil.example"), JSON];
    assert_eq!(server.ask("POST", CREATE, &all, BODY).status, 421);
    assert_eq!(server.ask("POST", CREATE, &all[1..], BODY).status, 403);
    assert_eq!(server.ask("POST", CREATE, &all[2..], BODY).status, 401);
}

#[test]
fn every_change_needs_json() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let bearer = server.bearer();
    let document = server.get("/openapi.json").json();
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{who}", "s1").replace("{ticket}", "global-session").replace("{code}", "x");
        for method in methods.as_object().unwrap().keys().filter(|it| *it != "get") {
            let answer = server.ask(&method.to_uppercase(), &path, &[("authorization", &bearer)], "{}");
            assert_eq!(answer.status, 415, "{method} {path}");
            count += 1;
        }
    }
    assert!(count >= 15, "{count}");
    assert_eq!(space.names(), ["s1"]);
}

#[test]
fn another_address_and_another_name_have_to_be_asked_for() {
    let space = Workspace::new();
    let mut command = space.command();
    command.args(["serve", "--listen", "0.0.0.0:0", "--json", "--allow-host", "wharf.example,10.1.2.3:8080"]);
    let server = Server::begin(command);
    let bearer = server.bearer();
    let status = |host: &str| {
        server.ask("GET", "/api/v1/sessions", &[("host", host), ("authorization", &bearer)], "").status
    };
    for (host, wanted) in [
        ("wharf.example", 200),
        ("wharf.example:1", 200),
        ("10.1.2.3:8080", 200),
        ("10.1.2.3", 421),
        ("0.0.0.0", 421),
    ] {
        assert_eq!(status(host), wanted, "{host}");
    }
    let origin = [("host", "wharf.example"), ("origin", "https://wharf.example"), ("authorization", &bearer)];
    assert_eq!(server.ask("GET", "/api/v1/sessions", &origin, "").status, 200);
    // A repository that brings settings along opens no door.
    fs::write(space.path(".wharf/config.toml"), "[server]\nhosts = [\"evil.example\"]\n").unwrap();
    space.run(["list"]).fails(2).says("can only be set in the user's own file");
}

#[test]
fn too_much_is_refused_before_it_is_taken_in() {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[server]\nbody_size = 2000\nchanges_per_second = 1\n")
        .unwrap();
    let server = Server::of(&space);
    let large = json!({"phase": "x".repeat(3000)});
    assert_eq!(server.change("PATCH", "/api/v1/sessions/s1", &large).status, 413);
    // Without a type nothing is changed, and it counts all the same.
    let bearer = format!("authorization: {}", server.bearer());
    let changes = server.pipelined("PATCH /api/v1/sessions/s1", &bearer, 50);
    assert!(changes.contains("http/1.1 415") && changes.contains("http/1.1 429"), "{changes}");
    assert!(changes.contains("retry-after: 1"));
    let guesses = server.pipelined("GET /api/v1/sessions", "authorization: Bearer x", 400);
    assert!(guesses.contains("http/1.1 401") && guesses.contains("http/1.1 429"), "guessing is slow");
    assert_eq!(server.get("/api/v1/sessions").status, 200, "and keeps nobody out who knows");
    let long = format!("GET / HTTP/1.1\r\nhost: {}\r\nx: {}\r\n\r\n", server.at, "x".repeat(1_000_000));
    let cut = server.exchange(&long);
    assert!(matches!(cut.status, 0 | 400 | 431), "{cut:?}");
}
