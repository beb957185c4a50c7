//! What ran in a session, looked back at: the history, what a load would bring back, and logs that are damaged.

use std::{fs, io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use serde_json::{Value, json};
use wharf::{
    clock::SystemClock,
    interpreter::Changes,
    limits::ShellLimits,
    shell::{
        Finish, Ground, Stream,
        log::{CommandLog, Keeper, Written},
    },
};

use crate::support::Workspace;

/// The folder in which the log of a session lies.
fn folder(space: &Workspace, name: &str) -> PathBuf {
    space.path(".wharf/sessions").join(space.json(["show", name])["id"].as_str().unwrap())
}

fn log(space: &Workspace, name: &str) -> CommandLog {
    let id = space.json(["show", name])["id"].as_str().unwrap().parse().unwrap();
    let (name, limits) = (name.parse().unwrap(), ShellLimits::default());
    CommandLog::open(
        &space.path(".wharf/sessions").join(format!("{id}")),
        id,
        &name,
        &limits,
        Arc::new(SystemClock),
    )
    .unwrap()
    .0
}

/// What a command was and came to.
struct Told<'a> {
    text: &'a [u8],
    code: i32,
    stdout: &'a str,
    stderr: &'a str,
    sets: &'a [&'a str],
}

fn tell(log: &mut CommandLog, told: &Told<'_>) -> u64 {
    let number = log.input("bash", Ground::Kept, told.text).unwrap();
    let kept = |text: &str| {
        let mut keeper = Keeper::of(10);
        keeper.take(text.as_bytes());
        keeper.finish()
    };
    let changes = Changes {
        set: told.sets.iter().map(|key| ((*key).to_owned(), b"1".to_vec())).collect(),
        ..Changes::default()
    };
    let written = Written {
        code: told.code,
        finish: Finish::Done,
        session_ended: false,
        duration: Duration::from_millis(1_500),
        stdout: &kept(told.stdout),
        stderr: &kept(told.stderr),
        changes: &changes,
        lost: &[],
    };
    log.output(number, &written).unwrap();
    number
}

const NOTHING: Told<'static> = Told { text: b"", code: 0, stdout: "", stderr: "", sets: &[] };

/// A session with three commands; the second failed and wrote too much, the third is not finished.
fn told(space: &Workspace) {
    let mut log = log(space, "s1");
    tell(
        &mut log,
        &Told { text: b"export STAGE=test\ncd src", sets: &["variable:STAGE", "directory"], ..NOTHING },
    );
    let changes =
        Changes { set: [("variable:STAGE".to_owned(), b"1".to_vec())].into(), ..Changes::default() };
    log.checkpoint("bash", &changes).unwrap();
    let text = format!("make {}", "x".repeat(200)).into_bytes();
    let failed = Told {
        text: &text,
        code: 2,
        stdout: "0123456789abc\n",
        stderr: "no\u{1b}[1m",
        sets: &["variable:N"],
    };
    let number = tell(&mut log, &failed);
    log.late(number, Stream::Stdout, b"still here\n").unwrap();
    log.input("bash", Ground::Kept, b"sleep 1000").unwrap();
}

fn names(list: &Value, key: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|it| it[key].clone()).collect()
}

#[test]
fn commands_are_listed_in_one_line_each_for_people_and_whole_for_scripts() {
    let space = Workspace::with_sessions(2);
    assert_eq!(space.json(["history", "s1"]), json!([]));
    assert_eq!(space.run(["history", "s1"]).succeeds().stdout(), "");
    told(&space);
    let lines = space.run(["history", "s1"]).succeeds().stdout();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(
        lines[0].contains("1.500s") && lines[0].ends_with("   0  export STAGE=test\\ncd src"),
        "{lines:?}"
    );
    assert!(lines[1].contains("   2  make xxx") && lines[1].ends_with("x…"), "{lines:?}");
    assert!(lines[2].ends_with("          -     -  sleep 1000"), "{lines:?}");

    let all = space.json(["history", "s1"]);
    assert_eq!(all[0]["command"], "export STAGE=test\ncd src");
    assert_eq!(all[1]["command"].as_str().unwrap().len(), 205);
    assert_eq!(
        (&all[1]["code"], &all[1]["durationMs"], &all[1]["finish"]),
        (&json!(2), &json!(1_500.0), &json!("done"))
    );
    assert_eq!((&all[2]["code"], &all[2]["interpreter"]), (&Value::Null, &json!("bash")));
    assert!(all[1].get("stdout").is_none());
    assert_eq!(space.json(["history", "s2"]), json!([]));
    space.run(["history", "nobody"]).fails(3);
}

#[test]
fn a_history_is_narrowed_by_text_by_failure_and_by_number() {
    let space = Workspace::with_sessions(1);
    told(&space);
    let commands = |args: &[&str]| {
        let list = space.json(["history", "s1"].iter().chain(args));
        names(&list, "number").iter().map(|it| it.as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all = commands(&[]);
    assert_eq!(commands(&["--grep", "^cd"]), all[..1]);
    assert_eq!(commands(&["--failed"]), all[1..2]);
    assert_eq!(commands(&["--limit", "2"]), all[1..]);
    assert_eq!(commands(&["--limit", "0"]), [0; 0]);
    assert_eq!(commands(&["--grep", "a", "--limit", "1"]), all[1..2]);
    space.run(["history", "s1", "--grep", "("]).fails(2).says("regular expression");
}

#[test]
fn output_is_shown_on_request_and_what_was_cut_is_told() {
    let space = Workspace::with_sessions(1);
    told(&space);
    let shown = space.run(["history", "s1", "--failed", "--output"]).succeeds().stdout();
    for line in ["| 01234", "| … 4 bytes are not kept", "| 9abc", "! no\\u{1b}[1m", "& still here"] {
        assert!(shown.contains(&format!("        {line}\n")), "`{line}` is not in\n{shown}");
    }
    let entry = space.json(["history", "s1", "--failed", "--output"])[0].clone();
    assert_eq!(entry["stdout"], json!({"bytes": 14, "cut": true, "text": "01234", "endText": "9abc\n"}));
    assert_eq!(entry["stderr"], json!({"bytes": 6, "cut": false, "text": "no\u{1b}[1m"}));
    assert_eq!(entry["late"][0]["text"], "still here\n");
}

#[test]
fn a_dry_replay_says_what_a_load_would_do_and_changes_nothing() {
    let space = Workspace::with_sessions(1);
    space.run(["history", "replay", "s1", "--dry-run"]).succeeds().says("no command ran in it yet");
    told(&space);
    let before = fs::read(folder(&space, "s1").join("commands.jsonl")).unwrap();
    let view = space.json(["history", "replay", "s1", "--dry-run"]);
    let expected = json!({
        "interpreter": "bash",
        "checkpoint": 3,
        "outputsAfter": 1,
        "changedAfter": ["variable:N"],
        "set": ["variable:N", "variable:STAGE"],
        "unset": [],
        "lostBytes": 0,
        "damagedLines": 0,
        "unknownEvents": 0,
        "unfinished": 7,
        "indexRebuilt": false,
    });
    assert_eq!(view, expected);
    space
        .run(["history", "replay", "s1", "--dry-run"])
        .succeeds()
        .says("checkpoint 3")
        .says("command 7 has no outcome");
    assert_eq!(fs::read(folder(&space, "s1").join("commands.jsonl")).unwrap(), before);
}

#[test]
fn cm_4_contexts_on_the_disk_are_listed_once_with_all_their_fields() {
    let space = Workspace::with_sessions(3);
    assert_eq!(space.json(["list", "--contexts"]), json!([]));
    told(&space);
    tell(&mut log(&space, "s3"), &NOTHING);
    space.run(["rename", "s3", "third"]).succeeds();
    let list = space.json(["list", "--contexts"]);
    assert_eq!(names(&list, "name"), ["s1", "third"]);
    let first = &list[0];
    assert_eq!(first["id"], space.json(["show", "s1"])["id"]);
    assert_eq!(first["eventCount"], 7);
    assert_eq!((&first["checkpointCount"], &first["interpreter"]), (&json!(1), &json!("bash")));
    assert_eq!(first["live"], false);
    let size = fs::metadata(folder(&space, "s1").join("commands.jsonl")).unwrap().len();
    assert_eq!(first["size"], size);
    for key in ["created", "lastAccessed"] {
        assert!(first[key].as_str().unwrap().ends_with('Z'), "{first}");
    }
    space.run(["list", "--contexts"]).succeeds().says("CHECKPOINTS").says("third");
    space.run(["list", "--contexts", "--all"]).fails(2);

    // In the trash they are not shown, and come back with their session.
    space.run(["destroy", "s1"]).succeeds();
    assert_eq!(names(&space.json(["list", "--contexts"]), "name"), ["third"]);
    space.run(["undo"]).succeeds();
    assert_eq!(space.json(["list", "--contexts"])[0], *first);
}

#[test]
fn a_torn_or_damaged_log_is_found_and_put_in_order() {
    let space = Workspace::with_sessions(1);
    told(&space);
    let path = folder(&space, "s1").join("commands.jsonl");
    space.run(["doctor"]).succeeds();
    fs::remove_file(folder(&space, "s1").join("commands.index.json")).unwrap();
    space.run(["doctor"]).succeeds().says("the index of its commands is missing or wrong");
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"half\":").unwrap();
    space.run(["doctor"]).fails(1).says("the last 8 bytes of its commands are no whole event").says("--fix");
    space.run(["doctor", "--fix"]).succeeds().says("cured");
    space.run(["doctor"]).succeeds().says("nothing is wrong");

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("variable:N", "variable:M")).unwrap();
    space.run(["doctor"]).fails(1).says("1 lines of its commands are damaged");
    space.run(["doctor", "--fix"]).succeeds();
    space.run(["doctor"]).succeeds().says("nothing is wrong");
    assert_eq!(
        space.json(["history", "s1"]).as_array().unwrap().len(),
        3,
        "what is known of the commands stays"
    );
}
