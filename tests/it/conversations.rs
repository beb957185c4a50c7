//! What is kept of the conversations with agents: SPEC CV-1 to CV-4, with the real binary.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::support::{
    Workspace,
    strace::{self, Cut},
};

/// Gives a session an agent, as a start with one does.
fn hire(space: &Workspace, name: &str) {
    space.edit_state(|state| {
        let sessions = state["sessions"].as_array_mut().unwrap();
        let session = sessions.iter_mut().find(|it| it["name"] == name).unwrap();
        session["agent"] = json!({"name": "claude", "arguments": []});
    });
}

fn with_agent() -> Workspace {
    let space = Workspace::with_sessions(1);
    hire(&space, "s1");
    space
}

fn say(space: &Workspace, name: &str, id: &str, prompt: &str) {
    space.run(["conversation", "record", name, "--id", id, "--prompt", prompt]).succeeds();
}

fn ask(space: &Workspace, verb: &str, name: &str) -> Value {
    space.json(["conversation", verb, name])
}

fn file(space: &Workspace, name: &str) -> PathBuf {
    let id = space.json(["show", name])["id"].as_str().unwrap().to_owned();
    space.path(".wharf/sessions").join(id).join("conversation.json")
}

/// The prompts that are kept, in order.
fn prompts(space: &Workspace, name: &str) -> Vec<String> {
    let chain = ask(space, "chain", name);
    let entries = chain["entries"].as_array().unwrap();
    entries.iter().map(|it| it["lastPrompt"].as_str().unwrap().to_owned()).collect()
}

/// SPEC CV-1.
#[test]
fn a_chain_has_every_turn_and_the_record_the_id_to_go_on_with() {
    let space = with_agent();
    space.run(["conversation", "current", "s1"]).fails(3).says("it has no conversation yet");
    space.run(["conversation", "record", "s1", "--prompt", "x"]).fails(3).says("--id");
    let long = "é🚀".repeat(150);
    let first = ["conversation", "record", "s1", "--id", "a1", "--prompt", &long, "--response", "- Done."];
    let meta = ["--meta", "model=opus", "--meta", "big:=123456789012345678901234567890"];
    space.run(first.into_iter().chain(meta)).succeeds().says("interaction 1 in a1");
    say(&space, "s1", "b2", "and the tests");
    space.run(["conversation", "record", "s1", "--prompt", "again"]).succeeds();
    let chain = ask(&space, "chain", "s1");
    let entries = chain["entries"].as_array().unwrap();
    assert_eq!(entries[0]["lastPrompt"], "é🚀".repeat(100));
    assert_eq!(entries[0]["lastResponse"], "- Done.");
    assert_eq!(entries[0]["metadata"]["model"], "opus");
    let ids: Vec<_> = entries.iter().map(|it| json!([it["id"], it["interactionCount"]])).collect();
    assert_eq!(ids, [json!(["a1", 1]), json!(["b2", 2]), json!(["b2", 3])]);
    assert_eq!((&chain["agent"], &chain["currentId"]), (&json!("claude"), &json!("b2")));
    let kept = fs::read_to_string(file(&space, "s1")).unwrap();
    assert!(
        kept.contains("123456789012345678901234567890") && kept.contains("\"version\": \"1.0\""),
        "{kept}"
    );
    assert_eq!(space.record("s1")["agent"]["conversation"], "b2");
    space.run(["conversation", "current", "s1"]).succeeds().says("b2\n");
    space.run(["restore"]).succeeds();
    assert_eq!(ask(&space, "current", "s1")["currentId"], "b2");
    space.run(["conversation", "chain", "s1"]).succeeds().says("and the tests").says("CONVERSATION");
}

/// SPEC CV-1.
#[test]
fn the_record_of_the_session_has_the_last_word() {
    let space = with_agent();
    say(&space, "s1", "a1", "one");
    space.edit_state(|state| state["sessions"][0]["agent"]["conversation"] = "told-by-start".into());
    assert_eq!(ask(&space, "current", "s1")["currentId"], "told-by-start");
    space.run(["conversation", "validate", "s1", "told-by-start"]).succeeds();
    space.run(["conversation", "record", "s1", "--prompt", "two"]).succeeds();
    assert_eq!(ask(&space, "chain", "s1")["entries"][1]["id"], "told-by-start");
}

/// SPEC CV-2.
#[test]
fn a_chain_is_summed_up_validated_and_begun_anew() {
    let space = with_agent();
    for (id, prompt) in [("a1", "one"), ("b2", "two"), ("a1", "three")] {
        say(&space, "s1", id, prompt);
    }
    let summary = ask(&space, "summary", "s1");
    for (field, value) in [
        ("agent", json!("claude")),
        ("interactions", json!(3)),
        ("conversations", json!(2)),
        ("first", json!("a1")),
        ("current", json!("a1")),
        ("ids", json!(["a1", "b2"])),
    ] {
        assert_eq!(summary[field], value, "{field}");
    }
    space.run(["conversation", "summary", "s1"]).succeeds().says("interactions   3");
    space.run(["conversation", "validate", "s1", "b2"]).succeeds().says("yes");
    space.run(["conversation", "validate", "s1", "c3"]).fails(1).says("no");
    space.run(["conversation", "validate", "s1", "../c3"]).fails(2);
    space.run(["conversation", "validate", "nobody", "b2"]).fails(3);
    space.run(["conversation", "record", "s1", "--id", "a b"]).fails(2);
    space.run(["conversation", "reset", "s1"]).succeeds();
    space.run(["conversation", "current", "s1"]).fails(3);
    assert_eq!(space.record("s1")["agent"].get("conversation"), None);
    assert_eq!(ask(&space, "summary", "s1")["interactions"], 0);
}

/// SPEC CV-2.
#[test]
fn many_who_record_at_once_lose_nothing() {
    let space = Workspace::new();
    space.limit(50);
    let names: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
    for name in &names[..10] {
        space.run(["create", name]).succeeds();
    }
    hire(&space, "s0");
    let record = |name: &str, number: usize| {
        let (id, text) = (format!("id-{number}"), format!("prompt {number}"));
        space.spawn(["conversation", "record", name, "--id", &id, "--prompt", &text])
    };
    // Fifty into one, and five into each of ten, all at the same time.
    let into_one = (0..50).map(|number| record("s0", number));
    let into_ten = (0..50).map(|number| record(&names[number % 10], number + 50));
    let children: Vec<_> = into_one.chain(into_ten).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let kept: Vec<String> = prompts(&space, "s0");
    assert_eq!(kept.len(), 55);
    assert_eq!(kept.iter().collect::<BTreeSet<_>>().len(), 55);
    let counts = ask(&space, "chain", "s0");
    let counts =
        counts["entries"].as_array().unwrap().iter().map(|it| it["interactionCount"].as_u64().unwrap());
    assert!(counts.eq(1..=55));
    for name in &names[1..10] {
        assert_eq!(prompts(&space, name).len(), 5, "{name}");
    }
    let current = ask(&space, "current", "s0")["currentId"].as_str().unwrap().to_owned();
    space.run(["conversation", "validate", "s0", &current]).succeeds();
}

/// SPEC CV-2: kept on disk after every change, wherever that is cut short.
#[test]
fn a_record_that_is_killed_at_any_call_leaves_the_old_chain_or_the_new_one() {
    if !strace::is_there() {
        return;
    }
    let space = with_agent();
    say(&space, "s1", "a0", "begin");
    let args = |id: &'static str| ["conversation", "record", "s1", "--id", id, "--prompt", "next"];
    let points = Cut::Alone.points(&space, &args("a1"));
    assert!(points.len() > 15, "{points:?}");
    let ids = ["x1", "x2"];
    for (number, point) in points.iter().enumerate() {
        let before = prompts(&space, "s1").len();
        Cut::Alone.at(&space, &args(ids[number % 2]), point);
        let after = prompts(&space, "s1").len();
        assert!(after == before || after == before + 1, "{point:?}");
        let current = ask(&space, "current", "s1")["currentId"].as_str().unwrap().to_owned();
        space.run(["conversation", "validate", "s1", &current]).succeeds();
        let folder = file(&space, "s1");
        let names = fs::read_dir(folder.parent().unwrap()).unwrap();
        let corrupt =
            names.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().contains("corrupt"));
        assert_eq!(corrupt.count(), 0, "{point:?}");
        say(&space, "s1", "back", "between");
        assert_eq!(prompts(&space, "s1").len(), after + 1, "{point:?}");
    }
    eprintln!("{} kills", points.len());
}

/// SPEC CV-2.
#[test]
fn a_damaged_chain_is_kept_aside_and_a_newer_one_left_alone() {
    let space = with_agent();
    for (id, prompt) in [("a1", "one"), ("b2", "two")] {
        say(&space, "s1", id, prompt);
    }
    let path = file(&space, "s1");
    fs::write(&path, [0; 300]).unwrap();
    space.run(["conversation", "health"]).fails(1).says("0 of 1 valid");
    assert_eq!(prompts(&space, "s1"), ["one"]);
    say(&space, "s1", "c3", "three");
    assert_eq!(prompts(&space, "s1"), ["one", "three"]);
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(
        names.iter().filter(|it| it.starts_with("conversation.json.corrupt.")).count(),
        1,
        "{names:?}"
    );
    let newer = r#"{"version":"2.0","entries":[]}"#;
    fs::write(&path, newer).unwrap();
    let ran = space.run(["conversation", "record", "s1", "--prompt", "x", "--json"]).fails(9);
    assert_eq!(ran.error()["code"], "STATE_NEWER");
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

/// SPEC CV-2.
#[test]
fn a_session_that_was_destroyed_and_came_back_has_its_chain() {
    let space = with_agent();
    say(&space, "s1", "a1", "one");
    space.run(["destroy", "s1", "--force"]).succeeds();
    space.run(["conversation", "chain", "s1"]).fails(3);
    space.run(["undo", "s1"]).succeeds();
    assert_eq!(prompts(&space, "s1"), ["one"]);
    assert_eq!(ask(&space, "current", "s1")["currentId"], "a1");
}

/// SPEC CV-3.
#[test]
fn a_transcript_is_checked_line_by_line() {
    let space = with_agent();
    space.run(["conversation", "check", "s1"]).fails(1).says("missing").says("not known");
    let path = space.path("a.jsonl");
    let check = |args: &[&str]| {
        let ran = space.run(["conversation", "check", "s1", "--json"].iter().chain(args));
        (ran.output.status.code().unwrap(), ran.json())
    };
    let named = ["--file", path.to_str().unwrap()];
    assert_eq!(check(&named).1["state"], "missing");
    let line = r#"{"type":"user","timestamp":"2025-11-24T10:30:00.000Z"}"#;
    let assistant = r#"{"type":"assistant","timestamp":"2025-11-24T10:31:00.000Z"}"#;
    for (text, code, state, at) in [
        (String::new(), 1, "empty", Value::Null),
        (format!("{line}\n{assistant}\n{{}}\n"), 0, "intact", Value::Null),
        (format!("{line}\n{assistant}\n{{}}\n{{\"type\":\"us"), 0, "torn", json!(4)),
        (format!("{line}\n{assistant}\nnope\n{{}}\nnope"), 1, "corrupt", json!(3)),
    ] {
        fs::write(&path, &text).unwrap();
        let (found_code, view) = check(&named);
        assert_eq!((found_code, &view["state"], &view["line"]), (code, &json!(state), &at), "{text}");
        assert_eq!(view["size"], text.len());
        if state != "empty" {
            assert_eq!(view["messages"], 2);
            assert_eq!(view["firstTimestamp"], "2025-11-24T10:30:00.000Z");
            assert_eq!(view["lastTimestamp"], "2025-11-24T10:31:00.000Z");
        }
    }
    space
        .run(["conversation", "check", "s1", "--file", "a.jsonl"])
        .fails(1)
        .says("line 3, byte 1: it is not JSON");
    space.run(["conversation", "check", "s1", "--file", "."]).fails(9);
    // The chain knows where the agent keeps it.
    say(&space, "s1", "a1", "one");
    let text = fs::read_to_string(file(&space, "s1")).unwrap();
    let transcript = format!("\"transcript\": {},\n  \"interactionCount\"", json!(path));
    fs::write(
        file(&space, "s1"),
        text.replace("\"interactionCount\": 1,\n  \"entries\"", &format!("{transcript}: 1,\n  \"entries\"")),
    )
    .unwrap();
    assert_eq!(check(&[]).1["path"], json!(path));
}

/// SPEC CV-3: however long a line is, little memory is needed.
#[test]
fn a_line_of_a_gigabyte_is_named_and_not_held() {
    let space = Workspace::with_sessions(1);
    let path = space.path("long.jsonl");
    let mut file = File::create(&path).unwrap();
    writeln!(file, "{{}}").unwrap();
    file.set_len(1 << 30).unwrap();
    let limited = format!(
        "ulimit -v 1000000; exec '{}' conversation check s1 --file long.jsonl",
        space.command().get_program().to_str().unwrap()
    );
    let mut command = strace::under(&["sh", "-c", &limited], &space.command());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("line 2, byte 67108865: it is longer than 64 MiB"), "{said}");
}

/// SPEC CV-4.
#[test]
fn old_entries_go_and_those_of_the_current_conversation_stay() {
    let space = with_agent();
    for (id, prompt) in [("a1", "one"), ("b2", "two"), ("c3", "three")] {
        say(&space, "s1", id, prompt);
    }
    let old = fs::read_to_string(file(&space, "s1")).unwrap();
    let year = &ask(&space, "chain", "s1")["entries"][0]["createdAt"].as_str().unwrap()[..4].to_owned();
    fs::write(file(&space, "s1"), old.replace(&format!("\"createdAt\":\"{year}"), "\"createdAt\":\"2020"))
        .unwrap();
    let year_count = space.json(["conversation", "clean", "--days", "36500"]);
    assert_eq!(year_count["entries"], 0);
    let cleaned = space.json(["conversation", "clean", "s1"]);
    assert_eq!((&cleaned["days"], &cleaned["entries"]), (&json!(7), &json!(2)));
    assert_eq!(prompts(&space, "s1"), ["three"]);
    assert_eq!(ask(&space, "current", "s1")["currentId"], "c3");
    assert_eq!(ask(&space, "summary", "s1")["interactions"], 3);
}

/// SPEC CV-4.
#[test]
fn all_chains_go_into_one_file_and_come_back_once() {
    let space = Workspace::with_sessions(2);
    hire(&space, "s1");
    for (name, id) in [("s1", "a1"), ("s1", "a2"), ("s2", "b1")] {
        say(&space, name, id, &format!("to {id}"));
    }
    space.run(["conversation", "export", "--out", "all.json"]).succeeds().says("all.json");
    let text = space.run(["conversation", "export"]).succeeds().json();
    assert_eq!(text["totals"], json!({"sessions": 2, "conversations": 3, "interactions": 3, "entries": 3}));
    assert_eq!(text["agents"][0]["currentId"], "a2");
    assert_eq!(space.run(["conversation", "export", "s2"]).json()["agents"].as_array().unwrap().len(), 1);
    let before = ask(&space, "chain", "s1");
    assert_eq!(space.json(["conversation", "import", "all.json"])["entries"], 0);
    assert_eq!(ask(&space, "chain", "s1"), before);
    space.run(["conversation", "reset", "s1"]).succeeds();
    say(&space, "s1", "new", "first of all");
    assert_eq!(space.json(["conversation", "import", "all.json", "all.json"])["entries"], 2);
    assert_eq!(prompts(&space, "s1"), ["to a1", "to a2", "first of all"]);
    assert_eq!(ask(&space, "current", "s1")["currentId"], "new", "what is there is not replaced");
}

/// SPEC CV-4.
#[test]
fn chains_of_other_tools_come_in_and_nothing_does_when_one_cannot_be_read() {
    let space = Workspace::with_sessions(2);
    let chain = |agent: &str, id: &str| {
        json!({"agent_id": agent, "current_session_id": id, "interaction_count": 1, "sessions": [
            {"session_id": id, "created_at": "2025-11-24T10:30:00.123456", "interaction_count": 1,
             "last_prompt": "hello", "last_response": "hi", "metadata": {}}]})
    };
    fs::create_dir(space.path("old")).unwrap();
    fs::write(space.path("old/a.json"), chain("s1", "a1").to_string()).unwrap();
    fs::write(space.path("old/b.json"), json!([chain("s2", "b1"), chain("gone", "c1")]).to_string()).unwrap();
    fs::write(space.path("old/readme.txt"), "no chain").unwrap();
    fs::write(space.path("bad.json"), chain("s1", "no id").to_string()).unwrap();
    let refused = space.run(["conversation", "import", "old", "bad.json"]).fails(2);
    refused.says("bad.json").says("session_id").says("nothing was imported");
    assert_eq!(ask(&space, "summary", "s1")["interactions"], 0);
    let ran = space.run(["conversation", "import", "old", "--json"]).fails(1);
    assert_eq!((&ran.json()["entries"], &ran.json()["unclaimed"]), (&json!(2), &json!(["gone"])));
    space.run(["conversation", "import", "old"]).fails(1).says("gone: no such session");
    assert_eq!(prompts(&space, "s2"), ["hello"]);
    space.run(["conversation", "current", "s1"]).succeeds().says("a1");
    space.run(["conversation", "import", "nowhere.json"]).fails(1);
}

/// SPEC CV-4.
#[test]
fn statistics_and_health_are_told_to_people_and_scripts() {
    let space = Workspace::with_sessions(2);
    hire(&space, "s1");
    say(&space, "s1", "a1", "one");
    say(&space, "s1", "a2", "two");
    let stats = space.json(["conversation", "stats"]);
    let chain = ask(&space, "chain", "s1");
    assert_eq!((&stats[0]["agent"], &stats[0]["count"]), (&json!("claude"), &json!(2)));
    assert_eq!(stats[0]["current"], "a2");
    assert_eq!(stats[0]["firstInteraction"], chain["entries"][0]["createdAt"]);
    assert_eq!(stats[0]["lastInteraction"], chain["entries"][1]["createdAt"]);
    assert_eq!(
        (&stats[1]["name"], &stats[1]["count"], &stats[1]["agent"]),
        (&json!("s2"), &json!(0), &Value::Null)
    );
    space.run(["conversation", "stats", "s1"]).succeeds().says("CURRENT").says("claude");
    let health = space.json(["conversation", "health"]);
    assert_eq!(
        health,
        json!({"healthy": true, "manager": {"active": true, "error": null},
            "persistence": {"available": true, "error": null},
            "sessions": {"total": 2, "valid": 2, "invalid": []}})
    );
    space.run(["conversation", "health"]).succeeds().says("manager      active").says("2 of 2 valid");
    fs::remove_dir_all(space.path(".wharf/sessions")).unwrap();
    fs::write(space.path(".wharf/sessions"), "in the way").unwrap();
    let ran = space.run(["conversation", "health", "--json"]).fails(1);
    assert_eq!(
        (&ran.json()["healthy"], &ran.json()["persistence"]["available"]),
        (&json!(false), &json!(false))
    );
}
