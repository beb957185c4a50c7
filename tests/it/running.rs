use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Workspace, processes, strace::under};

#[test]
fn a_program_is_started_listed_stopped_and_started_again() {
    let space = Workspace::with_sessions(2);
    let started = space.run(["start", "s1", "--json", "--", "sleep", "3000"]).succeeds().json();
    let pid = started["ptyPid"].clone();
    assert!(pid.is_u64(), "{started}");
    space.run(["start", "s1"]).fails(4).says("a program runs in it already").says("wharf attach");

    let listed = space.json(["ps"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!((&listed[0]["session"]["name"], &listed[0]["terminal"]["pid"]), (&"s1".into(), &pid));
    space.run(["ps"]).succeeds().says("sleep 3000");
    space.run(["ps", "s1"]).succeeds().says("sleep");

    let stopped = space.json(["stop", "s1"]);
    assert_eq!(stopped["status"], "stopped");
    space.run(["stop", "s1"]).fails(3).says("nothing runs in it");
    space.run(["ps", "s1"]).fails(3);
    assert_eq!(space.json(["ps"]), serde_json::json!([]));

    // Without a command, what ran before.
    assert_ne!(space.json(["start", "s1"])["ptyPid"], pid);
    space.run(["ps"]).succeeds().says("sleep 3000");
}

#[test]
fn a_program_that_clings_is_killed_after_its_time_or_at_once() {
    let space = Workspace::with_sessions(1);
    let clinging =
        ["start", "s1", "--", "bash", "-c", "trap '' HUP TERM INT; echo set; while :; do sleep 0.1; done"];
    for end in [&["stop", "s1", "--signal", "INT", "--timeout", "100ms"][..], &["kill", "s1"]] {
        space.run(clinging).succeeds();
        space.run(["wait", "s1", "--for", "text:set", "--timeout", "30s"]).succeeds();
        space.run(end).succeeds().says("stopped");
        assert!(space.sockets().is_empty());
    }
    space.run(["stop", "s1", "--signal", "NONSENSE"]).fails(2).says("NONSENSE");
    space.run(["stop", "s1", "--timeout", "soon"]).fails(2).says("soon");
}

#[test]
fn a_restart_runs_the_same_or_something_else() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "echo first $$; exec cat"]).succeeds();
    let first = space.json(["show", "s1"])["ptyPid"].clone();
    assert_ne!(space.json(["restart", "s1"])["ptyPid"], first);
    space.run(["wait", "s1", "--for", "text:first", "--timeout", "30s"]).succeeds();
    space.run(["restart", "s1", "--", "sh", "-c", "echo second; exec cat"]).succeeds();
    space.run(["wait", "s1", "--for", "text:second", "--timeout", "30s"]).succeeds();
    // What cannot take its place does not end it.
    let second = space.json(["show", "s1"])["ptyPid"].clone();
    space.run(["restart", "s1", "--", "no-such-program"]).fails(1).says("cannot start `no-such-program`");
    assert_eq!(space.json(["show", "s1"])["ptyPid"], second);
    // Nor does what it runs itself, where that is there no more.
    let program = space.home().join("program");
    std::os::unix::fs::symlink("/bin/cat", &program).unwrap();
    space.run(["restart", "s1", "--", program.to_str().unwrap()]).succeeds();
    let third = space.json(["show", "s1"])["ptyPid"].clone();
    fs::remove_file(&program).unwrap();
    space.run(["restart", "s1"]).fails(1).says("cannot start").says("program");
    assert_eq!(space.json(["show", "s1"])["ptyPid"], third);
}

#[test]
fn what_blocks_signals_starts_programs_that_hear_them() {
    let space = Workspace::with_sessions(1);
    let mut start = space.command();
    start.args([
        "start",
        "s1",
        "--",
        "sh",
        "-c",
        "grep SigBlk /proc/self/status > .blocked; echo told; exec cat",
    ]);
    let blocks = ["env", "--block-signal=INT", "--block-signal=TERM", "--block-signal=WINCH"];
    assert!(under(&blocks, &start).output().unwrap().status.success());
    let told = space.worktree("s1").join(".blocked");
    space.run(["wait", "s1", "--for", "text:told", "--timeout", "30s"]).succeeds();
    space.run(["send", "s1", "--key", "ctrl-c"]).succeeds();
    space.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds().says("SIGINT");
    assert_eq!(fs::read_to_string(told).unwrap().split_whitespace().last(), Some("0000000000000000"));
}

#[test]
fn what_was_interrupted_comes_back_and_what_was_stopped_does_not() {
    let space = Workspace::with_sessions(3);
    for name in ["s1", "s2"] {
        space.run(["start", name, "--", "sleep", "3000"]).succeeds();
    }
    space.run(["stop", "s2"]).succeeds();
    let holder = space.json(["ps", "s1"])[0]["terminal"]["holder"].as_u64().unwrap();
    processes::kill(u32::try_from(holder).unwrap());
    space.run(["resume", "--all"]).succeeds().says("s1 runs again");
    let names = |list: &serde_json::Value| list[0]["session"]["name"].clone();
    let listed = space.json(["ps"]);
    assert_eq!((names(&listed), listed.as_array().unwrap().len()), ("s1".into(), 1));
    space.run(["resume", "s2"]).succeeds();
    space.run(["resume", "--all"]).succeeds();
    space.run(["resume"]).fails(2);
}

#[test]
fn a_program_is_started_with_its_session() {
    let space = Workspace::new();
    let record = space.run(["create", "new", "--json", "--", "cat"]).succeeds().json();
    assert!(record["ptyPid"].is_u64(), "{record}");
    space.run(["ps", "new"]).succeeds().says("cat");
}

/// Agents start daemons on purpose that other sessions use as well.
#[test]
fn a_daemon_that_is_to_be_kept_outlives_a_stop_and_a_killed_holder() {
    let space = Workspace::with_sessions(1);
    let daemon = space.home().join("shared-daemon");
    fs::copy("/bin/sleep", &daemon).unwrap();
    let settings = space.home().join(".config/wharf");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("config.toml"), "[terminal]\nkeep = [\"shared-daemon\"]\n").unwrap();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let script =
        format!("setsid {} 3000 & setsid sleep 3001 & echo grown; exec sleep 3002", daemon.display());
    for way in ["stop", "lose", "start"] {
        let before = processes::marked(&id);
        space.run(["start", "s1", "--", "bash", "-c", &script]).succeeds();
        space.run(["wait", "s1", "--for", "text:grown", "--timeout", "30s"]).succeeds();
        let deadline = Instant::now() + Duration::from_secs(30);
        let named = || processes::marked(&id).into_iter().filter(|pid| name(*pid) == "shared-daemon");
        while named().count() <= before.len() {
            assert!(Instant::now() < deadline, "no daemon comes");
        }
        if way != "stop" {
            processes::kill(
                u32::try_from(space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap()).unwrap(),
            );
        }
        if way == "start" {
            space.run(["start", "s1", "--", "cat"]).succeeds();
        }
        space.run(["stop", "s1"]).succeeds();
        let left = processes::marked(&id);
        assert_eq!(left.len(), before.len() + 1, "{way}");
        assert!(left.iter().all(|pid| name(*pid) == "shared-daemon"), "{way}");
        assert!(!space.run(["doctor"]).stdout().contains("left-running"), "{way}");
    }
    for pid in processes::marked(&id) {
        processes::kill(pid);
    }
}

/// What it prints into the terminal of a session that is over is nobody's any more.
#[test]
fn a_kept_daemon_that_prints_without_end_does_not_keep_its_session() {
    let space = Workspace::with_sessions(1);
    let daemon = space.home().join("shared-daemon");
    fs::copy("/usr/bin/yes", &daemon).unwrap();
    let settings = space.home().join(".config/wharf");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("config.toml"), "[terminal]\nkeep = [\"shared-daemon\"]\n").unwrap();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let script = format!("setsid {} grown & exec sleep 3000", daemon.display());
    space.run(["start", "s1", "--", "bash", "-c", &script]).succeeds();
    space.run(["wait", "s1", "--for", "text:grown", "--timeout", "30s"]).succeeds();
    let begun = Instant::now();
    let stopped = space.run(["stop", "s1", "--timeout", "1s"]);
    let took = begun.elapsed();
    for pid in processes::marked(&id) {
        processes::kill(pid);
    }
    stopped.succeeds();
    assert!(took < Duration::from_secs(8), "{took:?}");
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// Sessions of another container that lives are not taken for ended ones.
#[test]
fn two_first_processes_of_one_workspace_know_of_each_other() {
    let space = Workspace::new();
    let alone = || assert_eq!(space.run(["init", "--", "true"]).succeeds().stderr(), "");
    alone();
    assert_eq!(space.git(["status", "--porcelain"]), "");
    let mut first = space.spawn(["init", "--", "sh", "-c", "touch begun; exec sleep 3000"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !space.path("begun").exists() {
        assert!(Instant::now() < deadline, "it does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    space.run(["init", "--resume", "--", "true"]).succeeds().says("another `wharf init` is at work");
    let pid = Pid::from_raw(i32::try_from(first.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(128 + 15));
    alone();
}
