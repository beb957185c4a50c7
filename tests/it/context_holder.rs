//! What the holder of a context bears: callers that wait, go, read slowly or lie; and kills at any moment.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    thread,
};

use wharf::{
    limits::FRAME_BYTES_MAX,
    session::SessionId,
    shell::{Caller, Finish, Ground, Request, ShellError, Shells as _, Unload},
    socket::Post,
};

use crate::support::{
    contexts::{House, eventually, frame, hear, request, unload, until},
    processes,
};

fn one() -> (House, SessionId) {
    (House::new(), SessionId::random())
}

#[test]
fn what_a_command_leaves_is_there_for_the_next_and_after_an_unload() {
    let (house, id) = one();
    let first = house.run(
        id,
        "cd /tmp; greet() { echo \"hello $1\"; }; export NAME=world; echo out; echo err >&2; (exit 3)",
    );
    assert_eq!((first.stdout.as_str(), first.stderr.as_str(), first.done.code), ("out\n", "err\n", 3));
    assert_eq!((first.done.stdout_bytes, first.done.stderr_bytes), (4, 4));
    assert_eq!(house.run(id, "greet $NAME").stdout, "hello world\n");
    assert!(unload(&house, id));
    assert!(!unload(&house, id), "it does not live any more");
    assert!(house.shells.live(id).is_none() && house.shells.processes(id).is_none());
    assert_eq!(house.run(id, "greet $NAME; pwd").stdout, "hello world\n/tmp\n");
    let summary = house.shells.live(id).unwrap();
    assert_eq!((summary.interpreter.as_str(), summary.checkpoint_count), ("bash", 1));
}

#[test]
fn a_fresh_context_has_nothing_of_the_last_one() {
    let (house, id) = one();
    house.run(id, "x=1");
    let fresh = Request { ground: Ground::Fresh, ..request("echo \"[$x]\"; y=2") };
    assert_eq!(house.try_run(id, &fresh).unwrap().stdout, "[]\n");
    assert!(unload(&house, id));
    assert_eq!(house.run(id, "echo \"[$x$y]\"").stdout, "[2]\n");
}

#[test]
fn an_exit_ends_the_interpreter_and_not_the_context() {
    let (house, id) = one();
    house.run(id, "x=1");
    let ended = house.run(id, "x=2; exit 7").done;
    assert_eq!((ended.code, ended.session_ended), (7, true));
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn two_callers_of_one_session_are_served_in_the_order_of_their_coming() {
    let (house, id) = one();
    house.run(id, "mkfifo gate");
    let mut first = house.call(id, "read -r x <gate; echo first");
    until(&mut first, b'a');
    let mut second = house.call(id, "echo second $x");
    until(&mut second, b'q');
    let mut third = house.call(id, "echo third");
    until(&mut third, b'q');
    fs::write(house.place(id).worktree.join("gate"), "go\n").unwrap();
    assert_eq!(until(&mut first, b'o'), b"first\n");
    assert_eq!(until(&mut second, b'o'), b"second go\n");
    assert_eq!(until(&mut third, b'o'), b"third\n");
    let number = |stream: &mut UnixStream| -> serde_json::Value {
        serde_json::from_slice::<serde_json::Value>(&until(stream, b'd')).unwrap()["number"].clone()
    };
    let numbers = [&mut first, &mut second, &mut third].map(|it| number(it).as_u64().unwrap());
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn two_sessions_run_side_by_side() {
    let house = House::new();
    let [one, two] = [(); 2].map(|()| SessionId::random());
    let gate = house.root().join("gate");
    house.run(one, &format!("mkfifo {}", gate.display()));
    house.run(two, "true");
    // Each waits for the other.
    thread::scope(|scope| {
        let reads = scope.spawn(|| house.run(one, &format!("read -r x <{}; echo $x", gate.display())));
        house.run(two, &format!("echo met >{}", gate.display()));
        assert_eq!(reads.join().unwrap().stdout, "met\n");
    });
}

#[test]
fn a_caller_that_goes_takes_its_command_with_it_running_or_not() {
    let (house, id) = one();
    house.run(id, "x=1");
    let mut runs = house.call(id, "echo begun; sleep 1000");
    until(&mut runs, b'o');
    let mut waits = house.call(id, "touch never");
    until(&mut waits, b'q');
    let mut last = house.call(id, "echo $x");
    until(&mut last, b'q');
    drop(waits);
    drop(runs);
    assert_eq!(until(&mut last, b'o'), b"1\n");
    assert!(!house.place(id).worktree.join("never").exists());
}

#[test]
fn a_cancel_interrupts_one_command_and_no_other() {
    let (house, id) = one();
    house.run(id, "x=1");
    let (cancel, mut press) = UnixStream::pair().unwrap();
    let place = house.place(id);
    let mut ready = false;
    let mut output = |_, bytes: &[u8]| -> io::Result<()> {
        if !ready && bytes.starts_with(b"ready") {
            ready = true;
            press.write_all(b"c")?;
        }
        Ok(())
    };
    let caller = Caller { stdin: None, cancel: Some(cancel.as_fd()), output: &mut output };
    let done = house.shells.exec(&place, &request("echo ready; sleep 1000"), caller).unwrap();
    assert_eq!(done.finish, Finish::Cancelled);
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
    // One that waits is not run, and has no number.
    let mut runs = house.call(id, "sleep 1000");
    until(&mut runs, b'a');
    let mut waits = house.call(id, "touch never");
    until(&mut waits, b'q');
    waits.write_all(&frame(b'C', b"")).unwrap();
    let done: serde_json::Value = serde_json::from_slice(&until(&mut waits, b'd')).unwrap();
    assert_eq!((done["number"].as_u64(), done["finish"].as_str()), (Some(0), Some("cancelled")));
    runs.write_all(&frame(b'C', b"")).unwrap();
    until(&mut runs, b'd');
    assert!(!place.worktree.join("never").exists());
}

#[test]
fn a_caller_whose_output_fails_ends_its_command() {
    let (house, id) = one();
    let mut output = |_, _: &[u8]| Err(io::ErrorKind::BrokenPipe.into());
    let caller = Caller { stdin: None, cancel: None, output: &mut output };
    let done = house.shells.exec(&house.place(id), &request("yes"), caller).unwrap();
    assert_eq!(done.finish, Finish::Cancelled);
}

#[test]
fn a_caller_that_reads_slowly_holds_up_its_own_command_alone_and_misses_nothing() {
    let (house, id) = one();
    house.run(id, "true");
    let mut slow = house.call(id, "head -c 3000000 /dev/zero; touch written; head -c 100 /dev/zero");
    until(&mut slow, b'a');
    // Somebody else is answered meanwhile, and the command is not done.
    assert!(house.shells.processes(id).unwrap().is_busy);
    let mut next = house.call(id, "echo next");
    until(&mut next, b'q');
    assert!(!house.place(id).worktree.join("written").exists());
    let mut bytes = 0;
    loop {
        match hear(&mut slow).unwrap() {
            (b'o', part) => bytes += part.len(),
            (b'd', _) => break,
            (_, _) => (),
        }
    }
    assert_eq!(bytes, 3_000_100);
    assert_eq!(until(&mut next, b'o'), b"next\n");
}

#[test]
fn a_done_command_whose_output_nobody_reads_holds_up_nobody() {
    let (house, id) = one();
    house.run(id, "true");
    let mut slow = house.call(id, "head -c 200000 /dev/zero");
    until(&mut slow, b'a');
    assert_eq!(house.run(id, "echo next").stdout, "next\n");
}

#[test]
fn standard_input_goes_to_its_command_however_much_it_is() {
    let (house, id) = one();
    let (stdin, mut writes) = UnixStream::pair().unwrap();
    let mut count = String::new();
    let mut output = |_, bytes: &[u8]| -> io::Result<()> {
        count.push_str(std::str::from_utf8(bytes).unwrap());
        Ok(())
    };
    thread::scope(|scope| {
        scope.spawn(move || writes.write_all(&vec![b'x'; 9 << 20]).unwrap());
        let caller = Caller { stdin: Some(stdin.as_fd()), cancel: None, output: &mut output };
        house.shells.exec(&house.place(id), &request("wc -c"), caller).unwrap();
    });
    assert_eq!(count.trim(), (9 << 20).to_string());
    // One that reads none of it ends all the same.
    let (stdin, mut writes) = UnixStream::pair().unwrap();
    writes.set_nonblocking(true).unwrap();
    while writes.write(&[b'x'; 4096]).is_ok() {}
    let caller = Caller { stdin: Some(stdin.as_fd()), cancel: None, output: &mut |_, _| Ok(()) };
    assert_eq!(house.shells.exec(&house.place(id), &request("true"), caller).unwrap().code, 0);
}

#[test]
fn a_killed_holder_takes_its_interpreter_with_it_leaves_jobs_and_costs_no_state() {
    let (house, id) = one();
    house.run(id, "x=1; sleep 1000 & echo $! >job; echo $$ >shell");
    let read = |name: &str| -> u32 {
        fs::read_to_string(house.place(id).worktree.join(name)).unwrap().trim().parse().unwrap()
    };
    let (job, shell) = (read("job"), read("shell"));
    let lives = |pid: u32| processes::marked(&id.to_string()).contains(&pid);
    processes::kill(house.holder(id));
    eventually("the interpreter ends", || !lives(shell));
    assert!(lives(job), "it may be somebody's server");
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
    let seen = house.shells.processes(id).unwrap();
    assert!(seen.is_busy && seen.pids.contains(&job), "{seen:?}");
    assert!(matches!(house.shells.unload(id, Unload::WhenIdle), Err(ShellError::Busy)));
    assert!(house.shells.unload(id, Unload::Now).unwrap());
    assert!(!lives(job));
}

#[test]
fn a_holder_that_is_killed_in_the_middle_is_told_of_and_the_next_command_finds_the_last_state() {
    let (house, id) = one();
    house.run(id, "x=1");
    let place = house.place(id);
    thread::scope(|scope| {
        let runs = scope.spawn(|| house.try_run(id, &request("x=2; touch begun; sleep 1000")));
        eventually("it begins", || place.worktree.join("begun").exists());
        processes::kill(house.holder(id));
        let err = runs.join().unwrap().unwrap_err();
        assert!(matches!(&err, ShellError::Silent { because } if because.contains("wharf history")), "{err}");
    });
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn an_interpreter_that_is_killed_is_replaced_from_the_last_state() {
    let (house, id) = one();
    house.run(id, "x=1");
    let ended = house.run(id, "x=2; kill -9 $$").done;
    assert_eq!((ended.code, ended.session_ended), (137, true));
    assert_eq!(house.run(id, "echo $x; echo $$ >shell").stdout, "1\n");
    let shell = fs::read_to_string(house.place(id).worktree.join("shell")).unwrap();
    processes::kill(shell.trim().parse().unwrap());
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn two_starters_at_once_get_one_context() {
    let (house, id) = one();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..6).map(|_| scope.spawn(|| house.run(id, "echo $$").stdout)).collect();
        let mut shells: Vec<String> = callers.into_iter().map(|it| it.join().unwrap()).collect();
        shells.dedup();
        assert_eq!(shells.len(), 1, "{shells:?}");
    });
}

#[test]
fn an_unload_is_refused_while_something_runs_and_now_ends_it() {
    let (house, id) = one();
    house.run(id, "x=1");
    let mut runs = house.call(id, "sleep 1000");
    until(&mut runs, b'a');
    let mut waits = house.call(id, "true");
    until(&mut waits, b'q');
    assert!(matches!(house.shells.unload(id, Unload::WhenIdle), Err(ShellError::Busy)));
    assert!(house.shells.unload(id, Unload::Now).unwrap());
    let refused: serde_json::Value = serde_json::from_slice(&until(&mut waits, b'r')).unwrap();
    assert_eq!(refused["code"], "silent");
    until(&mut runs, b'd');
    assert!(processes::marked(&id.to_string()).is_empty());
    assert!(!house.folder.socket(id, Post::Shell).exists());
    assert_eq!(house.run(id, "echo $x").stdout, "1\n");
}

#[test]
fn nonsense_ends_the_connection_it_came_on_and_no_other() {
    let (house, id) = one();
    house.run(id, "true");
    let silent = house.knock(id);
    let mut half = house.knock(id);
    half.write_all(&frame(b'X', b"{}")[..3]).unwrap();
    let huge = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_le_bytes();
    for bytes in [&[&b"T"[..], &huge].concat()[..], &frame(b'X', b"7"), &frame(b'U', b"7")] {
        let mut liar = house.knock(id);
        liar.write_all(bytes).unwrap();
        until(&mut liar, b'r');
        assert_eq!(liar.read(&mut [0]).unwrap(), 0, "{bytes:?}");
    }
    let mut newer = house.knock(id);
    newer.write_all(&frame(b'~', b"of a later version")).unwrap();
    newer.write_all(&frame(b'Q', b"")).unwrap();
    until(&mut newer, b'i');
    assert_eq!(house.run(id, "echo here").stdout, "here\n");
    drop((silent, half));
}
