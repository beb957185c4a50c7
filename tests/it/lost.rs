//! What a session says about its program when the holder was killed, the machine restarted, or the table was lost.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Workspace, processes};

/// The boot and pid namespace of this test, as records have it.
fn boot() -> String {
    wharf::process::own().unwrap().boot
}

/// A workspace whose session `s1` says that `make test` runs in it, as processes that are gone.
fn with_dead_processes(boot: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    space.edit_state(|state| {
        let session = &mut state["sessions"][0];
        // No pid is that high, and none has started before the machine.
        session["process"] = json!({"pid": i32::MAX, "started": 0, "boot": boot});
        session["holder"] = json!({"pid": i32::MAX - 1, "started": 0, "boot": boot});
        session["command"] = json!(["make", "test"]);
    });
    space
}

fn session(space: &Workspace) -> Value {
    space.sessions().remove(0)
}

#[test]
fn a_killed_holder_is_noticed_by_the_next_reader() {
    let space = with_dead_processes(&boot());
    let seen = session(&space);
    assert_eq!((&seen["status"], &seen["ended"]["cause"]), (&json!("error"), &json!("lost")));
    assert_eq!((&seen["ptyPid"], &seen["holder"]), (&Value::Null, &Value::Null));
    assert_eq!(space.state()["sessions"][0]["status"], "active", "a look writes nothing");
    space
        .run(["show", "s1"])
        .succeeds()
        .says("its holder was killed; `wharf start` begins anew")
        .says("make test");
    space.run(["doctor"]).says("its holder was killed; its files are as they were");
    space.run(["touch", "s1"]).succeeds();
    let kept = space.state()["sessions"][0].clone();
    assert_eq!((&kept["status"], &kept["ended"]["cause"]), (&json!("error"), &json!("lost")));
    assert_eq!(kept["command"], json!(["make", "test"]));
}

#[test]
fn a_start_rests_what_was_lost_and_remembers_that_it_was() {
    let space = with_dead_processes(&boot());
    space.run(["restore"]).succeeds();
    let seen = session(&space);
    assert_eq!((&seen["status"], &seen["ended"]["cause"]), (&json!("idle"), &json!("lost")));
}

#[test]
fn a_process_of_another_boot_is_ended_by_the_start() {
    let space = with_dead_processes("another/1");
    assert_eq!(session(&space)["status"], "active", "nobody can tell before");
    space.run(["restore"]).succeeds();
    let seen = session(&space);
    assert_eq!((&seen["status"], &seen["ended"]["cause"]), (&json!("idle"), &json!("restart")));
    assert_eq!((&seen["process"], &seen["command"]), (&Value::Null, &json!(["make", "test"])));
}

#[test]
fn a_session_that_is_rebuilt_from_git_keeps_its_command_and_rests() {
    let space = with_dead_processes("another/1");
    space.run(["touch", "s1"]).succeeds();
    for entry in fs::read_dir(space.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".claude-container-sessions.") {
            fs::remove_file(path).unwrap();
        }
    }
    let seen = session(&space);
    assert_eq!((&seen["name"], &seen["status"]), (&json!("s1"), &json!("idle")));
    assert_eq!((&seen["command"], &seen["process"]), (&json!(["make", "test"]), &Value::Null));
    assert_eq!(seen["ended"]["cause"], "restart");
}

#[test]
fn what_a_killed_holder_left_is_shown_until_it_is_ended() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "-c", "setsid sleep 3000 & echo $!; exec cat"]).succeeds();
    let holder = space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap();
    space.run(["wait", "s1", "--for", "text:[0-9]", "--timeout", "30s"]).succeeds();
    let left = space.run(["screen", "s1"]).succeeds().stdout().trim().to_owned();
    assert!(!space.run(["show", "s1"]).succeeds().stderr().contains("still runs"));
    processes::kill(u32::try_from(holder).unwrap());
    let shown = space.run(["show", "s1"]).succeeds().stderr();
    let told = shown.split("still runs: ").nth(1).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(told.contains(&left) && told.contains("`wharf stop s1` ends it"), "{left} is not in {shown:?}");
    space.run(["stop", "s1"]).succeeds();
    assert!(!space.run(["show", "s1"]).succeeds().stderr().contains("still runs"));
}
