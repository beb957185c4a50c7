//! Commands that remember, by the letters of SPEC CM: with real interpreters, through kills, evictions and restarts.

use std::{
    fs,
    io::Write as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Ran, Workspace, executing::Executing as _, processes};

/// Waits until something holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} never holds");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn settings(space: &Workspace, text: &str) {
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), format!("[shell]\n{text}")).unwrap();
}

fn live(space: &Workspace) -> Vec<String> {
    let list = space.json(["list", "--contexts"]);
    let live = list.as_array().unwrap().iter().filter(|it| it["live"] == true);
    live.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

fn events(space: &Workspace, name: &str) -> Vec<Value> {
    let folder = space.path(".wharf/sessions").join(space.json(["show", name])["id"].as_str().unwrap());
    let text = fs::read_to_string(folder.join("commands.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn cm_2_what_a_command_set_up_is_there_for_the_next() {
    let space = Workspace::with_sessions(1);
    let set = "cd src; here='a  b\n\"c\"'; export THERE=exported; list=(one 'two 2'); \
               greet() { echo \"hello $1\"; }; alias shout='echo LOUD'; set -f; shopt -s nullglob";
    space.exec("s1", set).succeeds();
    let ask = "pwd; printf '%s|' \"$here\" \"${list[1]}\" $-; sh -c 'echo $THERE'; greet you; shopt -q nullglob && echo null";
    let said = space.exec("s1", ask).succeeds().stdout();
    let worktree = space.worktree("s1");
    assert!(said.starts_with(&format!("{}/src\na  b\n\"c\"|two 2|", worktree.display())), "{said}");
    assert!(said.ends_with("exported\nhello you\nnull\n"), "{said}");
    assert!(said.contains('f'), "the option is still set: {said}");
    assert_eq!(space.exec("s1", "shout").succeeds().stdout(), "LOUD\n");

    let done = space.exec_json("s1", "echo out; echo err >&2; (exit 3)");
    assert_eq!(
        (&done["code"], &done["finish"], &done["sessionEnded"]),
        (&json!(3), &json!("done"), &json!(false))
    );
    assert_eq!((&done["stdout"], &done["stderr"]), (&json!("out\n"), &json!("err\n")));
    assert!(done["number"].is_u64(), "{done}");
    let duration = done["durationMs"].as_f64().unwrap();
    assert!(duration > 0.0, "also what takes less than a millisecond takes some time: {done}");
    assert_eq!(space.exec("s1", "echo $?").succeeds().stdout(), "3\n");
}

#[test]
fn cm_2_a_kill_of_holder_and_interpreter_loses_nothing_that_was_answered() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "cd src; n=1; greet() { echo \"hello $n\"; }").succeeds();
    for round in 2..5 {
        let pids = space.context_pids("s1");
        assert!(pids.len() >= 2, "a holder and an interpreter: {pids:?}");
        match round {
            // The holder alone, the interpreter alone, all at once.
            2 => processes::kill_if_there(pids[0]),
            3 => processes::kill_if_there(*pids.last().unwrap()),
            _ => pids.iter().copied().for_each(processes::kill_if_there),
        }
        let said = space.exec("s1", &format!("greet; pwd; n={round}")).succeeds().stdout();
        assert_eq!(said, format!("hello {}\n{}/src\n", round - 1, space.worktree("s1").display()));
    }
}

#[test]
fn cm_2_a_loaded_context_runs_no_command_again() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "echo once >> ran; kept=1").succeeds();
    space.exec("s1", "exit 7").fails(7).says("its interpreter ended");
    for _ in 0..2 {
        space.run(["stop", "s1"]).succeeds();
        assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    }
    assert_eq!(fs::read_to_string(space.worktree("s1").join("ran")).unwrap(), "once\n");
}

#[test]
fn cm_1_the_pool_holds_so_many_and_the_least_recently_used_goes_saved() {
    let space = Workspace::with_sessions(3);
    settings(&space, "max_cached_sessions = 2\n");
    for name in ["s1", "s2", "s1", "s3"] {
        space.exec(name, "count=$((count + 1)); here=$PWD").succeeds();
    }
    assert_eq!(live(&space), ["s1", "s3"]);
    assert_eq!(space.exec("s2", "echo $count; [ \"$here\" = \"$PWD\" ]").succeeds().stdout(), "1\n");
    assert_eq!(space.exec("s1", "echo $count").succeeds().stdout(), "2\n");
    assert_eq!(live(&space).len(), 2);
}

#[test]
fn cm_1_where_all_are_at_work_another_one_is_refused() {
    let space = Workspace::with_sessions(2);
    settings(&space, "max_cached_sessions = 1\n");
    let mut busy = space.spawn_exec("s1", &["cat >/dev/null"]);
    until("the command runs", || !space.json(["history", "s1"]).as_array().unwrap().is_empty());
    let ran = space.run(["exec", "--json", "s2", "true"]).fails(5);
    assert_eq!(ran.error()["code"], "MAX_CONTEXTS");
    drop(busy.stdin.take());
    assert!(busy.wait().unwrap().success());
    space.exec("s2", "true").succeeds();
}

#[test]
fn cm_3_every_event_is_a_line_before_it_is_answered() {
    let space = Workspace::with_sessions(1);
    let done = space.exec_json("s1", "echo hello; answer=42");
    let all = events(&space, "s1");
    let number = done["number"].as_u64().unwrap();
    let input = all.iter().find(|it| it["n"] == number || it["number"] == number).unwrap();
    assert!(input.to_string().contains("answer=42"), "{input}");
    let text = all.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("hello\\n") && text.contains("variable:answer"), "{text}");
    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.json(["list", "--contexts"])[0]["checkpointCount"], 1, "a stop saves");
}

#[test]
fn cm_3_a_torn_last_line_is_cut_and_the_rest_is_there() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    space.context_pids("s1").into_iter().for_each(processes::kill_if_there);
    let folder = space.path(".wharf/sessions").join(space.json(["show", "s1"])["id"].as_str().unwrap());
    let mut file = fs::OpenOptions::new().append(true).open(folder.join("commands.jsonl")).unwrap();
    file.write_all(b"{\"torn\":").unwrap();
    space.run(["doctor"]).fails(1).says("no whole event");
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    assert!(
        fs::read_to_string(folder.join("commands.jsonl")).unwrap().lines().all(|it| !it.contains("torn"))
    );
}

#[test]
fn cm_4_what_lives_and_what_lies_on_the_disk_are_one_list_without_doubles() {
    let space = Workspace::with_sessions(3);
    for name in ["s1", "s2"] {
        space.exec(name, "true").succeeds();
    }
    space.run(["stop", "s2"]).succeeds();
    let list = space.json(["list", "--contexts"]);
    let seen: Vec<_> = list.as_array().unwrap().iter().map(|it| (&it["name"], &it["live"])).collect();
    assert_eq!(seen, [(&json!("s1"), &json!(true)), (&json!("s2"), &json!(false))]);
    for context in list.as_array().unwrap() {
        assert!(context["eventCount"].as_u64().unwrap() >= 2, "{context}");
        assert!(context["size"].as_u64().unwrap() > 0, "{context}");
        assert_eq!(context["interpreter"], "bash");
    }
}

#[test]
fn cm_5_dirty_contexts_are_saved_at_an_interval_and_at_the_end() {
    let space = Workspace::with_sessions(1);
    settings(&space, "save_interval_ms = 100\n");
    let checkpoints = || space.json(["list", "--contexts"])[0]["checkpointCount"].as_u64().unwrap();
    space.exec("s1", "kept=1").succeeds();
    until("it is saved", || checkpoints() >= 1);
    let before = checkpoints();
    space.exec("s1", "kept=2").succeeds();
    until("it is saved again", || checkpoints() > before);
    let plan = space.json(["history", "replay", "s1", "--dry-run"]);
    assert_eq!(plan["outputsAfter"], 0, "{plan}");
}

#[test]
fn cm_5_the_interpreter_can_be_another_one() {
    let space = Workspace::with_sessions(2);
    let python = |text: &str| space.run(["exec", "--interpreter", "python", "s1", text]);
    python("import os\nx = 41\ndef f(n):\n    return n + 1").succeeds();
    assert_eq!(python("print(f(x))").succeeds().stdout(), "42\n");
    space.run(["stop", "s1"]).succeeds();
    // Without a name, that of the context.
    assert_eq!(
        space.exec("s1", "print(f(x), os.path.basename(os.getcwd()) != '')").succeeds().stdout(),
        "42 True\n"
    );
    let ran = space.run(["exec", "--json", "--interpreter", "bash", "s1", "true"]).fails(4);
    assert_eq!(ran.error()["code"], "IN_USE");
    space.run(["exec", "--new", "--interpreter", "sh", "s1", "echo fresh"]).succeeds().says("fresh");
    fs::create_dir_all(space.home().join(".config/wharf")).unwrap();
    fs::write(space.home().join(".config/wharf/config.toml"), "[shell]\ninterpreter = \"sh\"\n").unwrap();
    space.exec("s2", "true").succeeds();
    assert_eq!(space.json(["list", "--contexts"])[1]["interpreter"], "sh");
    space.run(["exec", "--new", "--interpreter", "cobol", "s2", "x"]).fails(2).says("wharf interpreter list");
    space.exec("s2", "true").succeeds();
}

#[test]
fn a_fresh_context_knows_nothing_of_the_one_before() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "old=1; cd /").succeeds();
    assert_eq!(
        space.run(["exec", "--new", "s1", "echo [$old]; pwd"]).succeeds().stdout(),
        format!("[]\n{}\n", space.worktree("s1").display())
    );
    space.run(["stop", "s1"]).succeeds();
    assert_eq!(space.exec("s1", "echo [$old]").succeeds().stdout(), "[]\n", "also after a load");
}

#[test]
fn two_callers_of_one_session_take_turns_and_two_sessions_run_side_by_side() {
    let space = Workspace::with_sessions(2);
    let all: Vec<Child> = (0..8).map(|_| space.spawn_exec("s1", &["n=$((n + 1))"])).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(space.exec("s1", "echo $n").succeeds().stdout(), "8\n");
    // Each waits for what the other one does.
    let folder = space.root();
    space.exec("s1", &format!("mkfifo {0}/there {0}/back", folder.display())).succeeds();
    let text = format!("echo ping > {0}/there; cat {0}/back", folder.display());
    let first = space.spawn_exec("s1", &[&text]);
    let text = format!("cat {0}/there; echo pong > {0}/back", folder.display());
    assert_eq!(space.exec("s2", &text).succeeds().stdout(), "ping\n");
    let output = first.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "pong\n");
}

#[test]
fn a_stop_saves_and_ends_a_context_and_is_content_with_one_alone() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    let pids = space.context_pids("s1");
    space.run(["ps"]).succeeds().says("(bash of `wharf exec`)");
    assert_eq!(space.json(["ps", "s1"])[0]["context"]["live"], true);
    space.run(["stop", "s1"]).succeeds();
    until("nothing of it is left", || pids.iter().all(|pid| !processes::is_alive(*pid)));
    space.run(["stop", "s1"]).fails(3);
    space.run(["ps", "s1"]).fails(3);
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    // Beside a program, both end.
    space.run(["start", "s1", "--", "sleep", "3000"]).succeeds();
    space.run(["stop", "s1"]).succeeds().says("stopped");
    assert_eq!(live(&space), [""; 0]);
}

#[test]
fn a_destroy_refuses_a_context_at_work_and_undo_brings_the_state_back() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1; sleep 3000 >/dev/null 2>&1 &").succeeds();
    let ran = space.run(["destroy", "s1", "--json"]).fails(4);
    assert_eq!(ran.error()["losses"][0]["kind"], "running");
    assert_eq!(ran.error()["losses"][0]["flag"], "--running");
    space.run(["destroy", "s1", "--running"]).succeeds();
    space.run(["exec", "s1", "true"]).fails(3);
    assert_eq!(space.json(["list", "--contexts"]), json!([]));
    space.run(["undo"]).succeeds();
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    // An idle one does not hinder.
    space.run(["destroy", "s1"]).succeeds();
    space.run(["undo", "--as", "again"]).succeeds();
    assert_eq!(
        space.exec("again", "echo $kept; pwd").succeeds().stdout(),
        format!("1\n{}\n", space.worktree("again").display())
    );
}

#[test]
fn a_folder_that_is_gone_is_told_and_a_rename_moves_nothing() {
    let space = Workspace::with_sessions(2);
    space.exec("s1", "mkdir deep && cd deep && kept=1").succeeds();
    space.run(["rename", "s1", "other"]).succeeds();
    assert_eq!(space.exec("other", "echo $kept; rmdir ../deep").succeeds().stdout(), "1\n");
    space.run(["stop", "other"]).succeeds();
    let ran = space.exec("other", "echo $kept").succeeds().says("directory");
    assert_eq!(ran.stdout(), "1\n");
    fs::remove_dir_all(space.worktree("s2")).unwrap();
    let ran = space.run(["exec", "--json", "s2", "true"]).fails(3);
    assert!(ran.error()["hint"].as_str().unwrap().contains("doctor --fix"), "{:?}", ran.error());
}

#[test]
fn a_replay_unloads_and_loads_and_is_refused_at_work() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    let before = space.context_pids("s1");
    space.run(["history", "replay", "s1"]).succeeds().says("variable:kept").says("nothing ran again");
    assert!(space.context_pids("s1").iter().all(|pid| !before.contains(pid)));
    let mut busy = space.spawn_exec("s1", &["cat >/dev/null"]);
    until("the command runs", || space.json(["ps", "s1"])[0]["processes"].to_string().contains("cat"));
    space.run(["history", "replay", "s1"]).fails(4);
    drop(busy.stdin.take());
    assert!(busy.wait().unwrap().success());
}

#[test]
fn a_shutdown_saves_all_contexts() {
    let space = Workspace::with_sessions(2);
    for name in ["s1", "s2"] {
        space.exec(name, "kept=$WHARF_SESSION_NAME").succeeds();
    }
    space.run(["init", "--", "true"]).succeeds();
    assert_eq!(live(&space), [""; 0]);
    for context in space.json(["list", "--contexts"]).as_array().unwrap() {
        assert_eq!(context["checkpointCount"], 1, "{context}");
    }
    assert_eq!(space.exec("s2", "echo $kept").succeeds().stdout(), "s2\n");
}

#[test]
fn an_idle_context_ends_by_itself_and_comes_back() {
    let space = Workspace::with_sessions(1);
    settings(&space, "idle = 1\n");
    space.exec("s1", "kept=1").succeeds();
    until("it ends", || live(&space).is_empty());
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
}

#[test]
fn a_program_in_the_terminal_and_a_context_do_not_harm_each_other() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sleep", "3000"]).succeeds();
    space.exec("s1", "kept=1").succeeds();
    let interpreter = space.exec("s1", "echo $$").succeeds().stdout();
    let holder = u32::try_from(space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap()).unwrap();
    processes::kill(holder);
    // What the killed holder left is ended, and the context is none of it.
    space.run(["start", "s1", "--", "sleep", "3000"]).succeeds();
    assert_eq!(space.exec("s1", "echo $$").succeeds().stdout(), interpreter);
    assert!(!space.run(["doctor"]).stdout().contains("left-running"));
}

/// What a run said, for a test that waits for its child.
#[track_caller]
fn succeeded(child: Child) -> Ran {
    Ran { output: child.wait_with_output().unwrap() }.succeeds()
}

#[test]
fn standard_input_reaches_the_command_or_it_reads_an_end() {
    let space = Workspace::with_sessions(1);
    let mut child = space.spawn_exec("s1", &["read -r line; echo \"[$line]\"; cat"]);
    child.stdin.take().unwrap().write_all(b"one\ntwo\nthree").unwrap();
    assert_eq!(succeeded(child).stdout(), "[one]\ntwo\nthree");
    let mut command = space.command();
    command
        .args(["exec", "-n", "s1", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take();
    assert_eq!(succeeded(child).stdout(), "", "it does not wait for what is never written");
    drop(stdin);
    assert_eq!(space.exec("s1", "cat; echo over").succeeds().stdout(), "over\n");
}

#[test]
fn what_a_killed_holder_left_running_is_found_and_ended_by_a_stop() {
    let space = Workspace::with_sessions(1);
    let said = space.exec("s1", "sleep 3000 >/dev/null 2>&1 & echo $!").succeeds().stdout();
    let job: u32 = said.trim().parse().unwrap();
    let pids = space.context_pids("s1");
    processes::kill(pids[0]);
    until("its interpreter is gone too", || pids.iter().all(|pid| *pid == job || !processes::is_alive(*pid)));
    assert!(processes::is_alive(job));
    space.run(["doctor"]).succeeds().says(&format!("what commands left still runs: {job}"));
    space.run(["destroy", "s1"]).fails(4).says("--running");
    space.run(["stop", "s1"]).succeeds();
    assert!(!processes::is_alive(job));
    space.run(["stop", "s1"]).fails(3);
}
