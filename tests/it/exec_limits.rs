//! What contexts may cost: each limit holds, and is told where it is felt.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Workspace, executing::Executing as _};

fn with(settings: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), format!("[shell]\n{settings}\n")).unwrap();
    space
}

#[test]
fn a_command_has_the_time_of_the_settings() {
    let space = with("time_limit = 1");
    space.exec("s1", "sleep 3000").fails(124);
    assert_eq!(
        space.run(["exec", "--timeout", "1h", "s1", "sleep 1.1; echo done"]).succeeds().stdout(),
        "done\n"
    );
}

#[test]
fn a_time_limit_of_nothing_is_none() {
    let space = with("time_limit = 1");
    let ran = space.run(["exec", "--timeout", "0", "s1", "sleep 1.1; echo done"]);
    assert_eq!(ran.succeeds().stdout(), "done\n");
}

#[test]
fn a_context_that_lives_follows_the_time_limit_of_the_settings() {
    let space = with("time_limit = 3000");
    space.exec("s1", "true").succeeds();
    fs::write(space.path(".wharf/config.toml"), "[shell]\ntime_limit = 1\n").unwrap();
    space.exec("s1", "sleep 3000").fails(124);
}

#[test]
fn of_an_output_so_much_is_kept_and_all_of_it_is_shown() {
    let space = with("output_kept = 10");
    assert_eq!(space.exec("s1", "printf 0123456789abcdef").succeeds().stdout(), "0123456789abcdef");
    let kept = space.json(["history", "s1", "--output"])[0]["stdout"].clone();
    assert_eq!(kept, json!({"bytes": 16, "cut": true, "text": "01234", "endText": "bcdef"}));
}

#[test]
fn what_is_too_large_to_keep_is_named_and_the_rest_is_kept() {
    let space = with("state_size = 65536");
    let text = "small=1; big=$(head -c 100000 /dev/zero | tr '\\0' x)";
    let ran = space.exec("s1", text).succeeds();
    assert!(ran.stderr().contains("not all of the context could be kept: variable:big"), "{}", ran.stderr());
    assert_eq!(space.exec("s1", "echo ${#big}").succeeds().stdout(), "100000\n", "it lives on");
    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.exec("s1", "echo $small ${#big}").succeeds().stdout(), "1 0\n");
}

#[test]
fn only_so_many_wait_for_one_context() {
    let space = with("callers = 2");
    let mut first = space.spawn_exec("s1", &["cat >/dev/null"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while space.json(["history", "s1"]) == json!([]) {
        assert!(Instant::now() < deadline, "the first command never runs");
    }
    let mut others: Vec<_> = (0..4).map(|_| space.spawn_exec("s1", &["true"])).collect();
    let refused = |others: &mut Vec<std::process::Child>| {
        others.iter_mut().filter_map(|it| it.try_wait().unwrap()).filter(|it| it.code() == Some(5)).count()
    };
    while refused(&mut others) == 0 {
        assert!(Instant::now() < deadline, "nobody is refused");
    }
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());
    let codes: Vec<i32> = others.into_iter().map(|mut it| it.wait().unwrap().code().unwrap()).collect();
    assert!(codes.iter().all(|code| [0, 5].contains(code)) && codes.contains(&0), "{codes:?}");
}

#[test]
fn a_log_that_is_full_begins_anew_and_forgets_no_state() {
    let space = with("log_size = 65536\noutput_kept = 4096\nsave_interval_ms = 100");
    space.exec("s1", "first=1").succeeds();
    let size = |list: &Value| list[0]["size"].as_u64().unwrap();
    let mut largest = 0;
    for number in 0..40 {
        space.exec("s1", &format!("n={number}; head -c 5000 /dev/zero | tr '\\0' y")).succeeds();
        largest = largest.max(size(&space.json(["list", "--contexts"])));
    }
    assert!(largest < 2 * 65_536, "{largest}");
    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.exec("s1", "echo $first $n").succeeds().stdout(), "1 39\n");
    let events = space.json(["list", "--contexts"])[0]["eventCount"].as_u64().unwrap();
    assert!(events > 80, "events are counted beyond what is kept: {events}");
}
