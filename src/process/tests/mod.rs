#![expect(clippy::disallowed_methods, reason = "real processes are the subject")]

mod killing;

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::*;

#[test]
fn this_process_is_alive_and_known_by_name() {
    let me = own().unwrap();
    assert!(is_alive(&me));
    let name = names(me.pid).remove(0);
    assert!(is_alive_as(&me, &name));
    assert!(!is_alive_as(&me, "code"));
}

#[test]
fn another_start_time_or_boot_is_another_process() {
    let me = own().unwrap();
    assert!(!is_alive(&ProcessId { started: me.started + 1, ..me.clone() }));
    assert!(!is_alive(&ProcessId { boot: "another/1".to_owned(), ..me }));
}

#[test]
fn nobody_has_pid_zero_or_a_huge_one() {
    for pid in [0, u32::MAX] {
        assert_eq!(identify(pid).unwrap(), None);
    }
}

#[test]
fn a_zombie_is_dead_and_so_is_who_was_reaped() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let id = identify(child.id()).unwrap().unwrap();
    assert!(is_alive(&id));
    child.kill().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
    assert!(!is_alive(&id), "a zombie");
    child.wait().unwrap();
    assert!(!is_alive(&id), "gone");
}

#[test]
fn a_process_in_a_folder_is_found_there() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("below");
    fs::create_dir(&below).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).current_dir(&below).spawn().unwrap();
    // The child has its directory before `spawn` returns, for `exec` has happened by then.
    let found = living_in(dir.path()).unwrap();
    assert_eq!(found.iter().map(|it| it.pid).collect::<Vec<_>>(), [child.id()]);
    assert_eq!(found[0].name, "cat");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(living_in(dir.path()).unwrap(), []);
}

/// A process that waits for its standard input to be closed.
fn patient() -> (Child, ProcessId) {
    let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let id = identify(child.id()).unwrap().unwrap();
    (child, id)
}

#[test]
fn a_signal_reaches_the_process_that_is_meant_and_no_other() {
    let (mut child, id) = patient();
    for other in [
        ProcessId { started: id.started + 1, ..id.clone() },
        ProcessId { boot: "another/1".to_owned(), ..id.clone() },
        ProcessId { pid: 0, ..id.clone() },
        ProcessId { pid: u32::MAX, ..id.clone() },
    ] {
        assert!(!send(&other, Signal::KILL).unwrap(), "{other:?}");
    }
    assert!(is_alive(&id));
    assert!(send(&id, Signal::KILL).unwrap());
    assert!(wait_for_end(&id, Duration::from_mins(1)).unwrap());
    assert!(!send(&id, Signal::KILL).unwrap(), "a zombie is past signals");
    child.wait().unwrap();
    assert!(!send(&id, Signal::KILL).unwrap());
}

#[test]
fn an_end_is_waited_for_and_not_longer_than_asked() {
    let (mut child, id) = patient();
    assert!(!wait_for_end(&id, Duration::ZERO).unwrap());
    assert!(!wait_for_end(&id, Duration::from_millis(1)).unwrap());
    drop(child.stdin.take());
    assert!(wait_for_end(&id, Duration::MAX).unwrap());
    child.wait().unwrap();
    assert!(wait_for_end(&id, Duration::ZERO).unwrap(), "reaped");
}

#[test]
fn a_process_of_another_boot_or_container_is_told_apart() {
    let me = own().unwrap();
    assert!(is_of_this_boot(&me));
    assert!(!is_of_this_boot(&ProcessId { boot: "another/1".to_owned(), ..me }));
}

#[test]
fn descendants_come_behind_their_parents() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0; cat <&3 & read line"]).stdin(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let found = loop {
        let found = descendants(std::process::id()).unwrap();
        if found.iter().any(|it| it.parent == shell.id() && it.name == "cat") {
            break found;
        }
    };
    let at = |matches: &dyn Fn(&Process) -> bool| found.iter().position(matches).unwrap();
    let shell_at = at(&|it| it.pid == shell.id());
    let cat_at = at(&|it| it.parent == shell.id());
    assert!(shell_at < cat_at);
    assert!(found.iter().all(|it| it.pid != std::process::id()));
    assert_eq!(found[shell_at].id().unwrap(), identify(shell.id()).unwrap().unwrap());
    assert!(found[shell_at].resident_bytes > 0);
    drop(shell.stdin.take());
    shell.wait().unwrap();
}

#[test]
fn pids_that_lead_in_a_circle_are_no_descendants() {
    let process = |pid, parent| Process {
        pid,
        parent,
        started: 1,
        is_zombie: false,
        name: "x".to_owned(),
        cpu_ticks: 0,
        resident_bytes: 0,
    };
    let table = [process(1, 0), process(2, 1), process(3, 2), process(5, 6), process(6, 5), process(7, 7)];
    let pids = |root| below(&table, root).iter().map(|it| it.pid).collect::<Vec<_>>();
    assert_eq!(pids(1), [2, 3]);
    assert_eq!(pids(5), [6]);
    assert_eq!(pids(7), [0; 0]);
    assert_eq!(pids(9), [0; 0]);
}

#[test]
fn a_mark_is_key_and_whole_value() {
    let mark = format!("{}-mark", std::process::id());
    let mut child = Command::new("cat");
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).env("WHARF_TEST_MARK", &mark);
    let mut child = child.spawn().unwrap();
    // A program that has just taken the process over has no environment yet; one that answers has.
    child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let id = identify(child.id()).unwrap().unwrap();
    assert_eq!(marked("WHARF_TEST_MARK", &mark).unwrap(), std::slice::from_ref(&id));
    assert!(marks("WHARF_TEST_MARK").unwrap().contains(&(mark.clone(), id)));
    assert_eq!(marked("WHARF_TEST_MARK", &mark[1..]).unwrap(), []);
    assert_eq!(marked("WHARF_TEST_MAR", &mark).unwrap(), []);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(marked("WHARF_TEST_MARK", &mark).unwrap(), []);
}

#[test]
fn a_mark_is_seen_on_a_program_that_has_just_begun() {
    for round in 0..500 {
        let mut child =
            Command::new("cat").stdin(Stdio::piped()).env("WHARF_TEST_BEGUN", "1").spawn().unwrap();
        // It has been started by now, and may have no environment yet.
        let deadline = Instant::now() + Duration::from_mins(1);
        let found = tree::variable(child.id(), "WHARF_TEST_BEGUN", deadline);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(found.as_deref(), Some("1"), "round {round}");
    }
}

#[test]
fn offspring_is_reaped_and_no_other_child() {
    let offspring = Offspring::default();
    let run = |code: &str| Command::new("sh").args(["-c", code]).stdin(Stdio::piped()).spawn().unwrap();
    let (ended, mut other, mut patient) = (run("exit 3"), run("exit 7"), run("read line"));
    for child in [&ended, &patient] {
        offspring.adopt(child).unwrap();
    }
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    for child in [&ended, &other] {
        let pid = rustix::process::Pid::from_child(child);
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
    }
    offspring.reap();
    let parent = |child: &Child| stat::load(child.id()).unwrap().map(|stat| stat.parent);
    assert_ne!(parent(&ended), Some(std::process::id()), "a zombie is left");
    assert_eq!(parent(&patient), Some(std::process::id()));
    assert_eq!(other.wait().unwrap().code(), Some(7));
    drop(patient.stdin.take());
    assert_eq!(patient.wait().unwrap().code(), Some(1), "whoever waits for it still can");
    offspring.reap();
}

#[test]
fn what_a_signal_would_do_is_seen_before_it_is_sent() {
    for (trap, is_usual) in [("", true), ("trap '' USR1; ", false), ("trap : USR1; ", false)] {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{trap}echo ready; read x")]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        let process = identify(child.id()).unwrap().unwrap();
        assert_eq!(is_default(&process, Signal::USR1), is_usual, "{trap}");
        assert!(is_default(&process, Signal::TERM), "{trap}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_default(&process, Signal::TERM), "nobody is there");
    }
}
