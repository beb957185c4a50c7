//! The document says all that answers have, and nothing that none of them has.

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    Workspace,
    document::Document,
    http::{Answer, Server, until},
};

/// What the document promises and only the command line has: a command that is no text, and a cure.
const SELDOM: [&str; 2] = ["Entry.commandBase64", "Finding.cured"];

/// A server, and every answer of it held against its document.
struct Judge {
    server: Server,
    document: Document,
    wrong: Vec<String>,
}

impl Judge {
    fn get(&mut self, path: &str) -> Value {
        let answer = self.server.get(path);
        self.judge("GET", path, &answer)
    }

    fn change(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.server.change(method, path, body);
        self.judge(method, path, &answer)
    }

    fn exec(&mut self, command: &str) -> Value {
        self.change("POST", "/api/v1/sessions/s1/exec", &json!({"command": command}))
    }

    fn judge(&mut self, method: &str, path: &str, answer: &Answer) -> Value {
        let differences = self.document.differences(method, path, answer);
        self.wrong.extend(differences.into_iter().map(|it| format!("{method} {path}: {it}")));
        answer.json()
    }
}

/// Sessions with everything that a record can have.
fn workspace() -> Workspace {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "max_sessions = 20\n[shell]\noutput_kept = 4096\n").unwrap();
    for name in ["s1", "making", "going", "moving"] {
        space.run(["create", name]).succeeds();
    }
    let paint = "printf '\\033]2;title\\007\\033[1;31;42mred\\033[0m \\033]8;;http://localhost/\\007\\346\\227\\245'; cat";
    space.run(["start", "s1", "--", "sh", "-c", paint]).succeeds();
    space.run(["bind", "s1", "--issue", "acme/shop#7", "--label", "ready", "--intervention"]).succeeds();
    space.run(["phase", "s1", "tests"]).succeeds();
    space.run(["meta", "s1", "owner:={\"name\":\"ann\"}"]).succeeds();
    let own = std::process::id().to_string();
    space.run(["editor", "set", "s1", "--pid", &own, "--editor", "vi"]).succeeds();
    fs::write(space.worktree("s1").join("new.txt"), "new").unwrap();
    let turn = ["--id", "a1", "--prompt", "why", "--response", "so", "--meta", "model=big"];
    space.edit_state(|state| {
        let sessions = state["sessions"].as_array_mut().unwrap();
        // Somebody who lives is at work.
        let (worker, since) = (sessions[0]["holder"].clone(), sessions[0]["createdAt"].clone());
        let pending = |action: Value| {
            let mut pending = action;
            pending["worker"] = worker.clone();
            pending["since"] = since.clone();
            pending
        };
        sessions[0]["agent"] =
            json!({"name": "claude", "arguments": ["-x"], "conversation": "a1", "reports": true});
        sessions[0]["setup"] = json!("unfinished");
        sessions[0]["ended"] = json!({"at": since, "code": 1, "cause": "itself"});
        sessions[1]["ended"] = json!({"at": since, "signal": 9, "cause": "asked"});
        sessions[1]["pending"] = pending(json!({"action": "creating", "branchIsNew": true}));
        sessions[2]["pending"] = pending(json!({"action": "destroying", "deleteBranch": true}));
        let commit = sessions[3]["base"]["commit"].clone();
        sessions[3]["pending"] =
            pending(json!({"action": "renaming", "name": "x", "branch": "feature/x", "at": commit}));
    });
    space.run([&["conversation", "record", "s1"][..], &turn].concat()).succeeds();
    space
}

#[test]
fn every_answer_has_what_the_document_says_and_nothing_else() {
    let space = workspace();
    let server = Server::of(&space);
    let document = Document::of(server.get("/openapi.json").json());
    let mut it = Judge { server, document, wrong: Vec::new() };

    it.get("/healthz");
    it.get("/readyz");
    it.get("/api/v1/settings");
    let bearer =
        format!("Bearer {}", fs::read_to_string(space.socket("s1").with_extension("token")).unwrap().trim());
    let own = it.server.ask("GET", "/api/v1/settings", &[("authorization", &bearer)], "");
    assert!(it.judge("GET", "/api/v1/settings", &own)["session"].is_string());

    let listed = it.get("/api/v1/sessions?changes=true&limit=2");
    assert_eq!(listed["sessions"][0]["untracked"], 1);
    it.get("/api/v1/sessions");
    assert!(it.get("/api/v1/sessions/s1")["terminal"]["rows"].is_u64());
    let shown = it.get("/api/v1/sessions/s1/screen?format=cells");
    assert!(shown["cells"][0][0]["text"].is_string());

    assert_eq!(it.exec("echo out; echo err >&2")["stderr"], "err\n");
    assert!(it.exec("printf '\\377'; printf '\\377' >&2")["stderrBase64"].is_string());
    it.exec("seq 10000; seq 10000 | tr 0-9 '\\377' >&2");
    let pipe = space.home().join("go");
    it.exec(&format!("mkfifo {0}; (read -r x < {0}; echo late; printf '\\377' >&2) &", pipe.display()));
    it.exec(&format!("echo word > {}; ulimit -c 0; trap 'true' USR1", pipe.display()));
    let late = |history: Value| {
        history.as_array().unwrap().iter().any(|it| {
            let pieces = it["late"].as_array().map_or(&[][..], Vec::as_slice);
            pieces.iter().any(|it| it["text"] == "late\n") && pieces.iter().any(|it| it["base64"] == "/w==")
        })
    };
    until(|| late(it.get("/api/v1/sessions/s1/history?output=true")));
    it.get("/api/v1/sessions/s1/history");
    assert_eq!(it.get("/api/v1/sessions/s1/conversations")["entries"][0]["lastPrompt"], "why");

    fs::create_dir(space.path(".worktrees/stray")).unwrap();
    assert!(!it.get("/api/v1/doctor").as_array().unwrap().is_empty());

    it.change("POST", "/api/v1/clients", &json!({}));
    let client = it.change("POST", "/api/v1/clients", &json!({}));
    it.get("/api/v1/clients?limit=1");
    let at = format!("/api/v1/clients/{}", client["ticket"].as_str().unwrap());
    it.change("POST", &format!("{at}/resume"), &json!({}));
    let id = client["session"].as_str().unwrap();
    fs::write(space.path(".worktrees").join(id).join("work.txt"), "work").unwrap();
    assert!(it.change("DELETE", &at, &json!({}))["losses"][0]["detail"].is_string());

    it.change("POST", "/api/v1/sessions", &json!({"name": "lost", "start": {"command": ["cat"]}}));
    it.change("POST", "/api/v1/sessions/lost/stop", &json!({}));
    fs::write(space.worktree("lost").join("new.txt"), "new").unwrap();
    let refused = it.change("DELETE", "/api/v1/sessions/lost", &json!({}));
    assert_eq!(refused["losses"][0]["permit"], "untracked");
    it.change("DELETE", "/api/v1/sessions/lost?dryRun=true", &json!({}));
    it.change("DELETE", "/api/v1/sessions/lost?force=true", &json!({}));
    space.run(["create", "other"]).succeeds();
    space.run(["destroy", "other"]).succeeds();
    assert!(it.get("/api/v1/trash?limit=1")["next"].is_string());
    it.change("POST", "/api/v1/undo", &json!({}));

    it.change("POST", "/api/v1/open-codes", &json!({}));
    it.change("DELETE", "/api/v1/browsers", &json!({}));
    it.get("/api/v1/sessions?limit=0");

    assert!(it.wrong.is_empty(), "{:#?}", it.wrong);
    assert_eq!(it.document.unseen(), SELDOM);
}

#[test]
fn what_is_not_as_the_document_says_is_found() {
    let text = json!({
        "paths": {"/a/{b}": {"get": {"responses": {"200": {"content": {"application/json": {"schema":
            {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}}}}}}},
        "components": {"schemas": {
            "A": {"allOf": [{"$ref": "#/components/schemas/B"}, {"type": "object", "properties": {"x": {"type": "integer"}}}]},
            "B": {"type": "object", "required": ["y"], "properties": {
                "y": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/C"}]}, "z": {}}},
            "C": {"type": "object", "properties": {"text": {"type": ["string", "null"]}}}
        }}
    });
    let differences = |body: Value| {
        let head = "content-type: application/json".to_owned();
        let mut document = Document::of(text.clone());
        (
            document.differences("GET", "/a/1", &Answer { status: 200, head, body: body.to_string() }),
            document.unseen(),
        )
    };
    let (wrong, unseen) = differences(json!([{"x": 1, "y": {"text": null}}, {"y": null}]));
    assert_eq!((wrong, unseen), (vec![], vec!["B.z".to_owned()]));
    for body in [
        json!({}),
        json!([{}]),
        json!([{"y": null, "x": "1"}]),
        json!([{"y": null, "more": 1}]),
        json!([{"y": {"more": 1}}]),
        json!([{"y": {"text": 1}}]),
        json!([{"y": null, "z": 1}]),
    ] {
        assert_eq!(differences(body.clone()).0.len(), 1, "{body}");
    }
}
