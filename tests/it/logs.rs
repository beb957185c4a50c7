use std::fs;

use serde_json::Value;

use crate::support::{STATE, Workspace};

/// The lines of all logs, oldest first.
fn lines(space: &Workspace) -> Vec<Value> {
    let mut files: Vec<_> =
        fs::read_dir(space.path(".wharf/log")).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let text: String = files.iter().map(|it| fs::read_to_string(it).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn last(space: &Workspace, message: &str) -> Value {
    let found = lines(space).into_iter().rfind(|line| line["message"] == message);
    found.unwrap_or_else(|| panic!("no `{message}` in {:#?}", lines(space)))
}

/// SPEC CS-7.
#[test]
fn a_session_leaves_its_life_story_in_the_log() {
    let space = Workspace::new();
    let record = space.json(["create", "auth"]);
    let created = last(&space, "session created");
    for (field, from) in
        [("sessionId", "id"), ("name", "name"), ("branch", "branch"), ("worktreePath", "worktreePath")]
    {
        assert_eq!(created[field], record[from], "{field}");
    }
    assert_eq!(created["level"], "INFO");
    let moment = created["timestamp"].as_str().unwrap();
    assert!(moment >= record["createdAt"].as_str().unwrap() && moment.ends_with('Z'), "{moment}");

    space.run(["create", "auth"]).fails(4);
    let failed = last(&space, "session creation failed");
    assert_eq!((&failed["name"], &failed["level"]), (&"auth".into(), &"ERROR".into()));
    assert_eq!(failed["error"], "session `auth` already exists");

    space.run(["destroy", "auth"]).succeeds();
    assert_eq!(last(&space, "session destroyed")["sessionId"], record["id"]);
    space.run(["undo"]).succeeds();
    assert_eq!(last(&space, "session brought back")["sessionId"], record["id"]);
    space.run(["restore"]).succeeds();
    assert_eq!(last(&space, "sessions restored")["count"], 1);
}

/// SPEC CS-7.
#[test]
fn a_day_has_a_file_and_old_ones_go() {
    let space = Workspace::with_sessions(1);
    let today = space.json(["show", "s1"])["createdAt"].as_str().unwrap()[..10].to_owned();
    let logs = space.path(".wharf/log");
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&logs).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), [format!("wharf.{today}.log")]);
    fs::write(space.path(".wharf/config.toml"), "[log]\ndays = 2\n").unwrap();
    for day in ["2020-01-01", "2020-01-02", "2020-01-03"] {
        fs::write(logs.join(format!("wharf.{day}.log")), "{}\n").unwrap();
    }
    space.run(["touch", "s1"]).succeeds();
    space.run(["create", "s2"]).succeeds();
    assert!(names().contains(&format!("wharf.{today}.log")));
    assert!(names().len() <= 2, "{:?}", names());
}

/// RELIABILITY N3: also in a warning, whoever named the folder.
#[test]
fn a_warning_has_no_say_over_the_terminal() {
    let space = Workspace::empty();
    let name = "we\u{1b}[31mird\u{9b}";
    space.init(name);
    let folder = space.path(name);
    fs::write(folder.join(STATE), "neither this nor that").unwrap();
    let ran = space.run(["list".as_ref(), "--workspace".as_ref(), folder.as_os_str()]).succeeds();
    let said = ran.stderr();
    assert!(said.contains("broken state file") && said.contains(r"we\u{1b}[31mird\u{9b}"), "{said:?}");
    assert!(!said.contains(['\u{1b}', '\u{9b}']), "{said:?}");
    assert!(said.ends_with('\n') && !said.contains("\n\n"), "{said:?}");
}
