//! A client that works over HTTP alone is there, also without a terminal (SPEC CL-3).

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    Workspace,
    http::{Server, until},
};

#[test]
fn cl_3_who_types_or_executes_over_http_is_not_given_up() {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "max_sessions = 20\n[server]\nclient_timeout = 2\n").unwrap();
    let server = Server::of(&space);
    let register = || server.done("POST", "/api/v1/clients", &json!({}));
    let session = |client: &Value| format!("/api/v1/sessions/{}", client["session"].as_str().unwrap());
    let (go, ended) = (space.path(".wharf/go"), AtomicBool::new(false));
    let executes = register();
    let line = format!("until [ -e {} ]; do sleep 0.05; done", go.display());
    let body = json!({"command": line, "timeoutMs": 20_000});
    let exec = format!("{}/exec", session(&executes));
    let types = register();
    let send = format!("{}/send", session(&types));
    thread::scope(|scope| {
        let ran = scope.spawn(|| server.change("POST", &exec, &body).status);
        let typing = scope.spawn(|| {
            // At some time it ends also when the test fails.
            for _ in 0..300 {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                assert_eq!(server.change("POST", &send, &json!({"text": "x"})).status, 204);
                thread::sleep(Duration::from_millis(100));
            }
        });
        let silent = register();
        let known = || -> Vec<Value> {
            let clients = server.get("/api/v1/clients").json()["clients"].as_array().unwrap().clone();
            clients.into_iter().map(|it| it["ticket"].clone()).collect()
        };
        until(|| !known().contains(&silent["ticket"]));
        let left = known();
        ended.store(true, Ordering::SeqCst);
        fs::write(&go, "").unwrap();
        assert_eq!(left, [executes["ticket"].clone(), types["ticket"].clone()]);
        assert_eq!(ran.join().unwrap(), 200);
        typing.join().unwrap();
    });
}
