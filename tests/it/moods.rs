//! What a list tells of a program that works or waits, and whether the limits that settings give its terminal hold.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{
    Workspace,
    pty::{PATIENCE, Terminal},
};

fn space(settings: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), format!("[terminal]\n{settings}\n")).unwrap();
    space
}

/// A program that prints each line it reads, as `printf` takes it. A change of mood is written every five seconds at most.
fn printer(space: &Workspace) {
    let program = "stty -echo; echo begun; while IFS= read -r line; do printf \"$line\"; done";
    space.run(["start", "s1", "--", "bash", "-c", program]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
}

#[track_caller]
fn until_listed(space: &Workspace, status: &str) {
    let deadline = Instant::now() + PATIENCE;
    while space.json(["list", "--quick"])[0]["status"] != status {
        assert!(Instant::now() < deadline, "{status} is never listed: {}", space.json(["list", "--quick"]));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_bell_and_a_notification_are_a_wait_and_a_command_is_not() {
    // Silence says nothing.
    let space = space("quiet = 0");
    printer(&space);
    until_listed(&space, "active");
    for sign in [r"\a", r"\033]777;notify;build;done\a"] {
        space.run(["send", "s1", sign, "--enter"]).succeeds();
        until_listed(&space, "waiting");
        space.run(["send", "s1", r"\033]133;C\a", "--enter"]).succeeds();
        until_listed(&space, "active");
    }
    assert_eq!(
        space.run(["list", "--quick", "--status", "waiting"]).succeeds().stdout().matches("s1").count(),
        0
    );
}

#[test]
fn silence_is_a_wait_until_something_is_printed() {
    let space = space("quiet = 1");
    let program = "read go; until [ -e enough ]; do echo tick; sleep 0.1; done; exec cat";
    space.run(["start", "s1", "--", "sh", "-c", program]).succeeds();
    until_listed(&space, "waiting");
    space.run(["send", "s1", "go", "--enter"]).succeeds();
    until_listed(&space, "active");
    fs::write(space.worktree("s1").join("enough"), "").unwrap();
    until_listed(&space, "waiting");
}

#[test]
fn where_activity_is_switched_off_a_bell_says_nothing() {
    let space = space("quiet = 1\nactivity = false");
    printer(&space);
    space.run(["send", "s1", r"rung\a", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:rung", "--timeout", "30s"]).succeeds();
    // Longer than a mood may take to be written down.
    space.run(["wait", "s1", "--for", "idle", "--silent-for", "6s", "--timeout", "30s"]).succeeds();
    assert_eq!(space.json(["list", "--quick"])[0]["status"], "active");
}

#[test]
fn the_limits_of_the_settings_hold_in_the_holder() {
    let space = space("clients = 1\nlog_size = 65536\nscrollback = 5");
    let program = "seq -f 'row %06.0f' 40000; echo all-printed; exec cat";
    space.run(["start", "s1", "--", "sh", "-c", program]).succeeds();
    let mut first = Terminal::run(&space, &["attach", "s1"]);
    first.until("all-printed");
    let refused = space.run(["attach", "s1", "--observe"]);
    let said = format!("{}{}", refused.stdout(), refused.stderr());
    assert!(!refused.output.status.success() && said.contains("1 clients are attached"), "{said}");
    first.type_in("\x1c");
    assert_eq!(first.ends().code(), Some(0));
    space.until_attached("s1", 0);
    // 30 rows of the screen, five above them, and nothing older.
    let mut again = Terminal::run(&space, &["attach", "s1"]);
    again.until("all-printed");
    let raw = again.raw();
    assert!(raw.contains("row 039990") && !raw.contains("row 039900"), "{raw}");
    let logs = space.run(["logs", "s1"]).succeeds().stdout();
    assert!(logs.contains("all-printed") && logs.len() <= 65_536 + 2 * 4_096, "{} bytes", logs.len());
    assert!(logs.len() > 16_384, "{} bytes", logs.len());
}

/// A mood is written down a few seconds after it came; who waits for one is not told of the mood before.
#[test]
fn who_types_and_then_waits_is_not_told_of_the_wait_before() {
    let space = space("quiet = 0");
    let program =
        "stty -echo; printf 'begun\\a'; while read -r line; do sleep 1; printf \"$line is done\\a\"; done";
    space.run(["start", "s1", "--", "bash", "-c", program]).succeeds();
    let wait = ["wait", "s1", "--for", "waiting", "--timeout", "30s"];
    space.run(wait).succeeds();
    for line in ["one", "two"] {
        space.run(["send", "s1", line, "--enter"]).succeeds();
        space.run(wait).succeeds();
        space.run(["screen", "s1"]).succeeds().says(&format!("{line} is done"));
    }
}
