//! What changed is told over a WebSocket too, of which a browser has as many as it has pages.

use std::{
    io::{self, Write as _},
    net::TcpStream,
};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, client::IntoClientRequest as _};

use crate::support::{Workspace, http::Server};

fn listen(server: &Server, after: &str, header: (&'static str, &str)) -> WebSocket<TcpStream> {
    let url = format!("ws://{}/api/v1/events/socket{after}", server.at);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert(header.0, header.1.parse().unwrap());
    request.headers_mut().insert("origin", format!("http://{}", server.at).parse().unwrap());
    tungstenite::client(request, server.connect()).unwrap().0
}

fn next(socket: &mut WebSocket<TcpStream>) -> Value {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[test]
fn events_are_told_over_a_websocket_and_go_on_where_somebody_was() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    let bearer = server.bearer();
    let id = space.json(["show", "s1"])["id"].clone();
    let mut events = listen(&server, "", ("authorization", &bearer));
    assert_eq!(next(&mut events)["event"], "hello");
    space.run(["phase", "s1", "one"]).succeeds();
    let first = next(&mut events);
    assert_eq!((&first["event"], &first["data"]["sessions"]), (&json!("changed"), &json!([id])));
    space.run(["phase", "s1", "two"]).succeeds();
    let second = next(&mut events);
    let mut late = listen(&server, &format!("?after={}", first["id"]), ("authorization", &bearer));
    assert_eq!(next(&mut late)["event"], "hello");
    assert_eq!(next(&mut late), second);
    let mut lost = listen(&server, "?after=17", ("authorization", &bearer));
    assert_eq!(
        (next(&mut lost)["event"].take(), next(&mut lost)["event"].take()),
        (json!("hello"), json!("reset"))
    );
    assert_eq!(server.get("/api/v1/events/socket").status, 426);
    assert_eq!(server.ask("GET", "/api/v1/events/socket", &[], "").status, 401);
}

#[test]
fn events_end_when_their_browser_is_logged_out() {
    let space = Workspace::new();
    let server = Server::of(&space);
    let cookie = server.cookie();
    let mut events = listen(&server, "", ("cookie", &cookie));
    assert_eq!(next(&mut events)["event"], "hello");
    server.done("DELETE", "/api/v1/browsers", &json!({}));
    let Message::Close(Some(frame)) = events.read().unwrap() else { panic!("it goes on") };
    assert_eq!(u16::from(frame.code), 1008);
}

#[test]
fn all_that_a_browser_has_open_ends_when_a_newer_one_takes_its_place() {
    let space = Workspace::with_sessions(1);
    let server = Server::of(&space);
    server.done("POST", "/api/v1/sessions/s1/start", &json!({"command": ["cat"]}));
    let (first, second) = (server.cookie(), server.cookie());
    let own = format!("http://{}", server.at);
    let show = |cookie: &str| {
        let headers = [("cookie", cookie), ("origin", own.as_str())];
        let mut terminal = server.try_terminal("/api/v1/sessions/s1/terminal", &headers).unwrap();
        terminal.attach("observe");
        terminal.until(b's');
        terminal
    };
    let (mut terminal, mut stays) = (show(&first), show(&second));
    let mut socket = listen(&server, "", ("cookie", &first));
    assert_eq!(next(&mut socket)["event"], "hello");
    let mut stream = server.connect();
    let head = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {}\r\ncookie: {first}\r\nconnection: close\r\n\r\n",
        server.at
    );
    stream.write_all(head.as_bytes()).unwrap();
    // There is room for 64.
    for _ in 2..65 {
        server.cookie();
    }
    assert_eq!(terminal.until_closed(), Some(1008));
    let Message::Close(Some(frame)) = socket.read().unwrap() else { panic!("it goes on") };
    assert_eq!(u16::from(frame.code), 1008);
    let said = io::read_to_string(stream).unwrap();
    assert!(said.contains("event: hello"), "{said}");
    let status = |cookie: &str| server.ask("GET", "/api/v1/sessions", &[("cookie", cookie)], "").status;
    assert_eq!((status(&first), status(&second)), (401, 200));
    stays.attach("observe");
    stays.until(b's');
}
