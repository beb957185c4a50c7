//! What changed is told over a WebSocket too, of which a browser has as many as it has pages.

use std::net::TcpStream;

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
