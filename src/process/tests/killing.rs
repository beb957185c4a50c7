//! Whether nothing survives a kill. A subreaper adopts and reaps for its whole process, so each of these facts is
//! shown in a process of its own: the test binary, started again for one test.

use std::{
    env,
    io::{BufRead as _, BufReader},
    time::Instant,
};

use super::*;

const INSIDE: &str = "WHARF_TEST_INSIDE";
const MARK: &str = "WHARF_TEST_TREE";

/// Ten descendants that try to get away, each of which says so when it has. The shell itself says `ready` and stays.
const HOSTILE: &str = r#"
stay='trap "" HUP INT TERM QUIT; echo away; while :; do sleep 1000; done'
sh -c "$stay" &
sh -c "$stay" &
nohup sh -c "$stay" 2>/dev/null &
nohup sh -c "$stay" 2>/dev/null &
setsid sh -c "$stay" &
setsid sh -c "$stay" &
(setsid sh -c "$stay" &)
(setsid sh -c "$stay" &)
(sh -c "$stay" &)
setsid sh -c "(nohup sh -c '$stay' 2>/dev/null &) ; exit" &
trap "" HUP INT TERM
echo ready
while :; do sleep 1000; done
"#;

/// Runs the named test again, alone in a process of its own, and answers its mark.
#[track_caller]
fn in_its_own_process(name: &str) -> String {
    let mark = format!("{}-{name}", std::process::id());
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([&format!("process::tests::killing::{name}"), "--exact", "--nocapture"]);
    let output = command.env(INSIDE, "1").env(MARK, &mark).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{talk}");
    mark
}

fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Starts the hostile tree and returns when all of it has got away.
fn hostile() -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", HOSTILE]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let mut waiting = 11;
    while waiting > 0 {
        match lines.next().unwrap().unwrap().as_str() {
            "away" | "ready" => waiting -= 1,
            other => panic!("{other}"),
        }
    }
    shell
}

fn alive_below_me() -> Vec<Process> {
    descendants(std::process::id()).unwrap().into_iter().filter(|it| !it.is_zombie).collect()
}

#[test]
fn ten_hostile_descendants_do_not_survive() {
    if !is_inside() {
        let mark = in_its_own_process("ten_hostile_descendants_do_not_survive");
        assert_eq!(marked(MARK, &mark).unwrap(), []);
        return;
    }
    become_subreaper().unwrap();
    let mut leader = hostile();
    assert!(alive_below_me().len() >= 11, "{:?}", alive_below_me());
    let begun = Instant::now();
    let remains = kill_tree(Some(leader.id()), &[], Duration::from_mins(1)).unwrap();
    // Measured: 7 to 17 ms for 22 processes; the bound only tells a kill from a wait that ran out.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(remains.left, []);
    assert!(remains.killed >= 11, "{remains:?}");
    // Only the leader is left, and its end is still there for whoever started it.
    let left = descendants(std::process::id()).unwrap();
    assert_eq!(left.iter().map(|it| (it.pid, it.is_zombie)).collect::<Vec<_>>(), [(leader.id(), true)]);
    assert_eq!(reap_adopted(Some(leader.id())).unwrap(), [0; 0]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&leader.wait().unwrap()), Some(9));
}

#[test]
#[expect(clippy::zombie_processes, reason = "the second kill reaps the daemon")]
fn who_is_to_be_kept_stays_with_what_it_started() {
    if !is_inside() {
        let mark = in_its_own_process("who_is_to_be_kept_stays_with_what_it_started");
        assert_eq!(marked(MARK, &mark).unwrap(), []);
        return;
    }
    become_subreaper().unwrap();
    let mut leader = hostile();
    let mut daemon = Command::new("bash");
    daemon
        .args(["-c", "exec 3<&0; cat <&3 & echo up; read line"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut daemon = daemon.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let keep = ["bash".to_owned()];
    let remains = kill_tree(Some(leader.id()), &keep, Duration::from_mins(1)).unwrap();
    assert_eq!(remains.left, []);
    leader.wait().unwrap();
    let kept = alive_below_me();
    assert_eq!(kept.iter().map(|it| it.pid == daemon.id()).collect::<Vec<_>>(), [true, false]);
    kill_tree(None, &[], Duration::from_mins(1)).unwrap();
    assert_eq!(descendants(std::process::id()).unwrap(), []);
}

#[test]
fn the_adopted_are_reaped_and_the_leader_is_not() {
    if !is_inside() {
        in_its_own_process("the_adopted_are_reaped_and_the_leader_is_not");
        return;
    }
    become_subreaper().unwrap();
    let mut leader = Command::new("sh");
    leader.args(["-c", "(sh -c 'exit 3' &); exit 7"]);
    let mut leader = leader.spawn().unwrap();
    // Without reaping it: its exit code is still to be had afterwards.
    let pid = rustix::process::Pid::from_child(&leader);
    let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
    rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
    let mut reaped = 0;
    while descendants(std::process::id()).unwrap().len() > 1 {
        reaped += reap_adopted(Some(leader.id())).unwrap().len();
    }
    assert!(reaped >= 1);
    assert_eq!(leader.wait().unwrap().code(), Some(7));
    assert_eq!(reap_adopted(None).unwrap(), [0; 0]);
}

#[test]
fn a_leader_is_not_spared_whatever_it_is_called() {
    let process = |pid, parent| Process {
        pid,
        parent,
        started: 1,
        is_zombie: false,
        name: String::new(),
        cpu_ticks: 0,
        resident_bytes: 0,
    };
    let own = std::process::id();
    let table = [process(own, 1), process(u32::MAX, own)];
    let keep = [names(own).remove(0)];
    assert_eq!(spared(&table, None, &keep).len(), 2);
    assert!(spared(&table, Some(own), &keep).is_empty());
    assert!(spared(&table, None, &["another".to_owned()]).is_empty());
}
