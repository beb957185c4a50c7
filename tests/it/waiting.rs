use std::time::{Duration, Instant};

use crate::support::Workspace;

fn script(text: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "--norc", "-c", text]).succeeds();
    space
}

fn wait<'a>(goal: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["wait", "s1", "--for", goal, "--timeout", "30s"], more].concat()
}

#[test]
fn the_end_is_waited_for_and_told() {
    let space = script("read -r line; exit 4");
    let waiting = space.spawn(wait("exit", &["--json"]));
    space.run(["send", "s1", "--enter"]).succeeds();
    let output = waiting.wait_with_output().unwrap();
    let met: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&met["for"], &met["exited"]["code"]), (&"exit".into(), &4.into()));
    space.run(wait("exit", &[])).succeeds().says("s1: exited with 4");
    let space = Workspace::with_sessions(1);
    space.run(wait("exit", &[])).succeeds().says("s1: nothing runs in it");
}

#[test]
fn a_text_is_waited_for_on_the_screen_of_now_and_of_later() {
    let space = script("echo first; read -r line; printf '\\033[1msec\\033[0mond %d\\n' 42; cat");
    space.run(wait("text:^first$", &[])).succeeds().says("s1: first");
    let waiting = space.spawn(wait(r"text:second \d+", &[]));
    space.run(["send", "s1", "--enter"]).succeeds();
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "s1: second 42\n");
}

#[test]
fn a_text_that_scrolls_away_at_once_is_seen() {
    let space = script("read -r line; seq 20000; echo needle; seq 20000; cat");
    let waiting = space.spawn(wait("text:needle", &[]));
    space.until_attached("s1", 1);
    space.run(["send", "s1", "--enter"]).succeeds();
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn a_text_that_can_not_come_any_more_is_not_waited_for() {
    let space = script("read -r line; echo only this");
    let waiting = space.spawn(wait("text:something else", &[]));
    space.until_attached("s1", 1);
    space.run(["send", "s1", "--enter"]).succeeds();
    let output = waiting.wait_with_output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{talk}");
    assert!(talk.contains("exited with 0 before text:something else came"), "{talk}");
}

#[test]
fn silence_is_waited_for() {
    let space = script("for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; cat");
    space.run(wait("idle", &["--silent-for", "300ms"])).succeeds().says("silent for");
    assert!(space.run(["screen", "s1"]).stdout().contains('5'));
}

#[test]
fn a_status_is_waited_for() {
    let space = Workspace::with_sessions(1);
    let waiting = space.spawn(wait("status:waiting", &[]));
    space.run(["status", "s1", "waiting"]).succeeds();
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn time_that_is_over_has_its_own_exit_code() {
    let space = script("cat");
    for goal in ["exit", "text:never", "idle", "status:error"] {
        let begun = Instant::now();
        space
            .run(["wait", "s1", "--for", goal, "--timeout", "200ms"])
            .fails(124)
            .says("did not come in time");
        assert!(begun.elapsed() >= Duration::from_millis(200), "{goal}");
    }
    let error = space.run(["wait", "s1", "--for", "exit", "--timeout", "1ms", "--json"]).fails(124).error();
    assert_eq!(error["code"], "TIMED_OUT");
}

#[test]
fn what_makes_no_sense_is_not_waited_for() {
    let space = Workspace::with_sessions(1);
    for goal in ["", "text:(", "status:happy", "ready", "exit:"] {
        space.run(wait(goal, &[])).fails(2);
    }
    space.run(["wait", "s1", "--for", "exit", "--timeout", "soon"]).fails(2).says("soon");
    space.run(wait("text:x", &[])).fails(3).says("nothing runs in it");
}

#[test]
fn what_was_printed_can_be_read_later_and_followed() {
    let space = script("echo before; read -r line; echo after");
    space.run(wait("text:before", &[])).succeeds();
    space.run(["logs", "s1"]).succeeds().says("before");
    let following = space.spawn(["logs", "s1", "-f"]);
    space.run(["send", "s1", "--enter"]).succeeds();
    let output = following.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.starts_with("before\r\n") && text.ends_with("after\r\n"),
        "{text:?}"
    );
    assert_eq!(space.run(["logs", "s1"]).succeeds().stdout(), text);
    assert_eq!(space.run(["logs", "s1", "--since", "2000-01-01T00:00:00Z"]).succeeds().stdout(), text);
    assert_eq!(space.run(["logs", "s1", "--since", "2999-01-01T00:00:00Z"]).succeeds().stdout(), "");
    space.run(["logs", "s1", "--since", "later"]).fails(2).says("later");
}
