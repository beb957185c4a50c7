//! How contexts end, by order and by force, and what is never lost by that.

use std::{
    fs,
    io::{self, Write as _},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use wharf::{
    limits::ShellLimits,
    session::SessionId,
    shell::{Caller, Place, Request, ShellError, Shells as _, Unload, log},
    socket::Post,
    workspace,
};

use crate::support::{
    Workspace,
    contexts::{House, eventually, request, shells, unload, until},
    dice::Dice,
    processes,
    pty::PATIENCE,
};

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

#[test]
fn a_term_saves_the_context_and_leaves_nothing_running() {
    let house = House::new();
    let id = SessionId::random();
    house.run(id, "x=1; sleep 1000 &");
    let mut runs = house.call(id, "echo begun; sleep 1000");
    until(&mut runs, b'o');
    let holder = house.holder(id);
    kill_process(pid(holder), Signal::TERM).unwrap();
    until(&mut runs, b'd');
    eventually("the place is free", || house.live() == 0);
    assert!(processes::marked(&id.to_string()).is_empty());
    assert!(!house.folder.socket(id, Post::Shell).exists());
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn a_holder_that_does_not_answer_any_more_can_be_ended_all_the_same() {
    let house = House::new();
    let id = SessionId::random();
    house.run(id, "x=1; sleep 1000 &");
    let holder = house.holder(id);
    kill_process(pid(holder), Signal::STOP).unwrap();
    assert!(house.shells.unload(id, Unload::WhenIdle).is_err(), "nobody knows whether it is idle");
    assert!(house.shells.unload(id, Unload::Now).unwrap());
    assert!(!processes::is_alive(holder));
    assert!(processes::marked(&id.to_string()).is_empty());
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn an_idle_context_is_unloaded_by_itself_unless_something_of_it_runs() {
    let limits = ShellLimits { idle_max: Some(Duration::from_millis(50)), ..ShellLimits::default() };
    let house = House::with(limits);
    let [idle, serving] = [(); 2].map(|()| SessionId::random());
    house.run(serving, "sleep 1000 &");
    house.run(idle, "x=1");
    eventually("it is unloaded", || house.shells.live(idle).is_none());
    assert!(house.shells.live(serving).is_some());
    assert_eq!(house.run(idle, "echo $x").stdout, "1\n");
}

#[test]
fn what_a_context_holds_is_saved_while_it_lives() {
    let limits = ShellLimits { save_interval: Duration::from_millis(100), ..ShellLimits::default() };
    let house = House::with(limits);
    let id = SessionId::random();
    house.run(id, "x=1");
    eventually("it is saved", || house.shells.live(id).unwrap().checkpoint_count == 1);
}

#[test]
fn what_a_killed_holder_had_not_saved_is_saved_by_the_next() {
    let house = House::new();
    let id = SessionId::random();
    house.run(id, "x=1");
    processes::kill(house.holder(id));
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
    assert!(unload(&house, id));
    let folder = workspace::Workspace::at(&house.root()).session_folder(id);
    let loaded = log::plan(&folder, id).unwrap();
    assert_eq!((loaded.applied, loaded.checkpoint.is_some()), (0, true), "{loaded:?}");
}

#[test]
fn however_often_the_holder_is_killed_no_state_that_was_answered_is_lost() {
    let house = House::new();
    let id = SessionId::random();
    let mut dice = Dice::of(Dice::seed());
    let mut answered = 0;
    house.run(id, "n=0");
    for _ in 0..20 {
        let holder = house.holder(id);
        let wait = Duration::from_micros(dice.below(6_000) as u64);
        let is_killed = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let until = Instant::now() + wait;
                while Instant::now() < until {
                    thread::yield_now();
                }
                processes::kill(holder);
                is_killed.store(true, Ordering::SeqCst);
            });
            while !is_killed.load(Ordering::SeqCst) && house.try_run(id, &request("n=$((n+1))")).is_ok() {
                answered += 1;
            }
        });
        let kept: u64 = house.run(id, "echo $n").stdout.trim().parse().unwrap();
        // Of one more command it may be known what it left, although nobody was told.
        assert!(kept == answered || kept == answered + 1, "{kept} of {answered}");
        answered = kept;
    }
}

#[test]
fn a_log_that_cannot_be_written_refuses_commands_before_they_run_and_takes_them_when_there_is_room() {
    let house = House::below(ShellLimits::default(), "ulimit -S -f 512");
    let id = SessionId::random();
    house.run(id, "x=1; head -c 60000 /dev/zero | tr '\\0' y");
    let deadline = Instant::now() + PATIENCE;
    let err = loop {
        match house.try_run(id, &request("x=$((x+1)); head -c 20000 /dev/zero | tr '\\0' y; touch ran")) {
            Ok(_) => assert!(Instant::now() < deadline, "the log has no end"),
            Err(err) => break err,
        }
        fs::remove_file(house.place(id).worktree.join("ran")).unwrap();
    };
    assert!(matches!(err, ShellError::Io { action: "write", .. }), "{err}");
    assert!(!house.place(id).worktree.join("ran").exists());
    prlimit(Some(pid(house.holder(id))), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let value = house.run(id, "echo $x").stdout;
    assert!(house.shells.unload(id, Unload::WhenIdle).unwrap());
    // From now on holders have no limit any more.
    drop(shells(&house.root(), &house.root().join("run"), &house.root().join("home"), ""));
    assert_eq!(house.run(id, "echo $x").stdout, value, "what was not logged came with the checkpoint");
}

#[test]
fn a_command_is_activity_of_its_session() {
    let space = Workspace::with_sessions(1);
    let shown = || space.json(["show", "s1"]);
    let before = shown();
    let id: SessionId = before["id"].as_str().unwrap().parse().unwrap();
    let shells = shells(&space.root(), &space.runtime(), &space.home(), "");
    let place = Place {
        id,
        name: "s1".parse().unwrap(),
        workspace: space.root(),
        worktree: before["worktreePath"].as_str().unwrap_or_else(|| panic!("{before}")).into(),
        limits: ShellLimits::default(),
    };
    let mut output = |_, _: &[u8]| -> io::Result<()> { Ok(()) };
    let caller = Caller { stdin: None, cancel: None, output: &mut output };
    shells.exec(&place, &request("true"), caller).unwrap();
    eventually("it is written down", || shown()["lastActivity"] != before["lastActivity"]);
}

#[test]
fn what_a_killed_terminal_leaves_is_swept_and_the_context_is_not() {
    let space = Workspace::with_sessions(1);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let session: SessionId = id.parse().unwrap();
    let shells = shells(&space.root(), &space.runtime(), &space.home(), "");
    let place = Place {
        id: session,
        name: "s1".parse().unwrap(),
        workspace: space.root(),
        worktree: space.root(),
        limits: ShellLimits::default(),
    };
    let mut said = Vec::new();
    let mut output = |_, bytes: &[u8]| said.write_all(bytes);
    let caller = Caller { stdin: None, cancel: None, output: &mut output };
    shells.exec(&place, &request("echo $$"), caller).unwrap();
    let shell: u32 = String::from_utf8(said).unwrap().trim().parse().unwrap();
    space.run(["start", "s1", "--", "sh", "-c", "setsid sleep 3000 & exec sleep 3000"]).succeeds();
    let holder = space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap();
    processes::kill(u32::try_from(holder).unwrap());
    let started = space.run(["start", "s1", "--json", "--", "cat"]).succeeds().json();
    let mut expected = [shell, u32::try_from(started["ptyPid"].as_u64().unwrap()).unwrap()];
    expected.sort_unstable();
    assert_eq!(processes::marked(&id), expected);
}

#[test]
fn every_interpreter_ends_with_its_killed_holder_and_comes_back_with_its_state() {
    for (interpreter, own, set, get) in [
        ("bash", "echo $$", "x=1", "echo $x"),
        ("sh", "echo $$", "x=1", "echo $x"),
        ("python", "import os; print(os.getpid())", "x = 1", "print(x)"),
    ] {
        let house = House::new();
        let id = SessionId::random();
        let run = |text: &str| {
            let request = Request { interpreter: Some(interpreter.to_owned()), ..request(text) };
            house.try_run(id, &request).unwrap().stdout
        };
        run(set);
        let shell: u32 = run(own).trim().parse().unwrap();
        processes::kill(house.holder(id));
        eventually("it ends", || !processes::marked(&id.to_string()).contains(&shell));
        assert_eq!(run(get), "1\n", "{interpreter}");
    }
}
