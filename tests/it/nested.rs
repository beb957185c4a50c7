//! What a session starts in another session belongs to that one: it outlives the command, the context and the program it came
//! from.

use crate::support::{Workspace, executing::Executing as _, processes};

const WHARF: &str = env!("CARGO_BIN_EXE_wharf");

fn status(space: &Workspace, name: &str) -> String {
    space.json(["show", name])["status"].as_str().unwrap().to_owned()
}

#[test]
fn who_stops_a_session_stops_no_other_that_was_started_from_it() {
    let space = Workspace::with_sessions(3);
    let start =
        format!("{WHARF} exec s2 'x=1; sleep 1000 >/dev/null 2>&1 &' && {WHARF} start s3 -- sleep 1000");
    space.exec("s1", &start).succeeds();
    let of_s2 = space.context_pids("s2");
    assert_eq!(of_s2.len(), 3, "{of_s2:?}");
    assert_eq!(space.context_pids("s1").len(), 2, "what runs in others is not its own");

    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.context_pids("s2"), of_s2);
    assert_eq!(space.exec("s2", "echo $x").succeeds().stdout(), "1\n");
    assert_eq!(space.json(["ps", "s3"])[0]["session"]["status"], "active");
    space.run(["stop", "s2"]).succeeds();
    space.run(["stop", "s3"]).succeeds();
    assert!(!of_s2.iter().any(|pid| processes::is_alive(*pid)));
}

#[test]
fn a_command_whose_time_is_over_ends_no_context_of_another_session() {
    let space = Workspace::with_sessions(2);
    let text = format!("{WHARF} exec s2 'x=1; sleep 1000 >/dev/null 2>&1 &'; sleep 1000");
    space.run(["exec", "s1", "--timeout", "3s", &text]).fails(124);
    assert_eq!(space.context_pids("s2").len(), 3);
    assert_eq!(space.exec("s2", "echo $x").succeeds().stdout(), "1\n");
}

#[test]
fn a_program_that_ends_ends_none_of_another_session() {
    let space = Workspace::with_sessions(3);
    let text = format!("{WHARF} exec s2 x=1 && {WHARF} start s3 -- sleep 1000; echo begun; exec sleep 1000");
    space.run(["start", "s1", "--", "sh", "-c", &text]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun"]).succeeds();
    let of_s2 = space.context_pids("s2");
    assert_eq!(of_s2.len(), 2);
    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.context_pids("s2"), of_s2);
    assert_eq!(status(&space, "s3"), "active");
    assert_eq!(space.json(["ps", "s3"])[0]["session"]["status"], "active");
}
