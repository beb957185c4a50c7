//! `wharf init`, as the first process of a container (a pid namespace stands for it) and as any other.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wharf::process::Process;

use crate::support::{Workspace, means, processes};

const PATIENCE: Duration = Duration::from_secs(30);
/// What `unshare` needs to make a container.
const CONTAINER: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// `wharf init`, while it runs.
struct Init {
    child: Child,
    /// Its pid, seen from here.
    pid: u32,
}

impl Init {
    /// As the first process of a container; nothing, and a word about it, where that is not permitted.
    fn first(space: &Workspace, args: &[&str], script: &str) -> Option<Self> {
        let mut probe = Command::new(CONTAINER[0]);
        probe.args(&CONTAINER[1..]).arg("true").stderr(Stdio::null());
        if !probe.status().is_ok_and(|it| it.success()) {
            means::left_out("a pid namespace of its own needs root and `unshare`");
            return None;
        }
        let mut child = begin(space, &CONTAINER, args, &["bash", "-c", script]);
        let mut pid = 0;
        until("the first process", || {
            assert_eq!(child.try_wait().unwrap(), None, "it ended at once");
            pid = below(child.id()).first().map_or(0, |first| first.pid);
            pid != 0
        });
        Some(Self { child, pid })
    }

    /// As one process among others.
    fn beside(space: &Workspace, args: &[&str], script: &str) -> Self {
        Self::beside_running(space, args, &["bash", "-c", script])
    }

    fn beside_running(space: &Workspace, args: &[&str], command_line: &[&str]) -> Self {
        let child = begin(space, &["env"], args, command_line);
        Self { pid: child.id(), child }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap(), signal).unwrap();
    }

    /// Waits for its end; answers how that was and how long it took.
    fn ends(&mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        let mut status = None;
        until("the end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), begun.elapsed())
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        // Only it can end what it adopted.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::TERM);
            let deadline = Instant::now() + PATIENCE;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn begin(space: &Workspace, before: &[&str], args: &[&str], command_line: &[&str]) -> Child {
    let wharf = space.command();
    let mut command = Command::new(before[0]);
    command.args(&before[1..]).arg(wharf.get_program()).arg("init").args(args);
    command.arg("--").args(command_line);
    command
        .env_clear()
        .current_dir(space.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (key, value) in wharf.get_envs() {
        command.env(key, value.unwrap());
    }
    let folder = Path::new(wharf.get_program()).parent().unwrap();
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    command.spawn().unwrap()
}

fn below(pid: u32) -> Vec<Process> {
    wharf::process::descendants(pid).unwrap()
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn told(space: &Workspace, file: &str) -> String {
    let path: PathBuf = space.path(file);
    until(file, || path.exists());
    fs::read_to_string(path).unwrap()
}

fn id(space: &Workspace, name: &str) -> String {
    space.json(["show", name])["id"].as_str().unwrap().to_owned()
}

fn ending(space: &Workspace, name: &str) -> (Value, Value, Value) {
    let shown = space.json(["show", name]);
    (shown["status"].clone(), shown["ended"]["cause"].clone(), shown["ptyPid"].clone())
}

const ORPHANS: &str =
    "for i in $(seq 30); do (setsid sh -c 'sleep 0.0$0; exit 3' $i &); done; touch begun; sleep 3000";

#[test]
fn the_end_of_every_orphan_is_noticed() {
    for is_first in [true, false] {
        let space = Workspace::new();
        let init = if is_first {
            Init::first(&space, &[], ORPHANS)
        } else {
            Some(Init::beside(&space, &[], ORPHANS))
        };
        let Some(init) = init else {
            continue;
        };
        told(&space, "begun");
        // The command alone is left, as what it became at last; zombies would be among them.
        until("their end", || below(init.pid).iter().map(|it| &*it.name).eq(["sleep"]));
    }
}

#[test]
fn signals_are_handed_on_and_the_code_is_that_of_the_command() {
    let space = Workspace::new();
    let script = "for it in HUP USR1 USR2 QUIT; do trap \"touch heard-$it\" $it; done; trap 'exit 9' TERM; \
                  touch begun; while :; do sleep 0.05; done";
    for kind in ["first", "beside"] {
        let init = match kind {
            "first" => Init::first(&space, &[], script),
            _ => Some(Init::beside(&space, &[], script)),
        };
        let Some(mut init) = init else {
            continue;
        };
        told(&space, "begun");
        for (signal, name) in
            [(Signal::HUP, "HUP"), (Signal::USR1, "USR1"), (Signal::USR2, "USR2"), (Signal::QUIT, "QUIT")]
        {
            init.signal(signal);
            told(&space, &format!("heard-{name}"));
            fs::remove_file(space.path(&format!("heard-{name}"))).unwrap();
        }
        fs::remove_file(space.path("begun")).unwrap();
        init.signal(Signal::TERM);
        assert_eq!(init.ends().0.code(), Some(9), "{kind}");
    }
}

#[test]
fn the_code_of_a_command_that_ends_is_handed_on() {
    let space = Workspace::new();
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + 9)] {
        if let Some(mut init) = Init::first(&space, &[], &format!("sleep 0.3; {script}")) {
            assert_eq!(init.ends().0.code(), Some(code), "{script}");
        }
        assert_eq!(Init::beside(&space, &[], script).ends().0.code(), Some(code), "{script}");
    }
}

#[test]
fn a_command_that_fails_is_started_again() {
    let space = Workspace::new();
    let script = "echo begun >> begun.txt; [ $(wc -l < begun.txt) -ge 2 ] || exit 3; exit 0";
    let mut init = Init::beside(&space, &["--restart"], script);
    assert_eq!(init.ends().0.code(), Some(0));
    assert_eq!(told(&space, "begun.txt"), "begun\nbegun\n");
}

const TWO_SESSIONS: &str = "wharf start s1 -- sh -c 'echo begun >> runs.txt; exec sleep 3000'; \
    wharf start s2 -- bash -c \"trap '' TERM HUP INT; setsid sleep 3001 & while :; do sleep 1; done\"; \
    touch begun; sleep 3000";

#[test]
fn a_term_ends_all_sessions_in_time_and_they_can_be_resumed() {
    let space = Workspace::with_sessions(2);
    let ids = ["s1", "s2"].map(|name| id(&space, name));
    let Some(mut init) = Init::first(&space, &["--grace", "4"], TWO_SESSIONS) else {
        return;
    };
    told(&space, "begun");
    assert!(ids.iter().all(|id| !processes::marked(id).is_empty()));
    init.signal(Signal::TERM);
    let (status, took) = init.ends();
    assert_eq!(status.code(), Some(128 + 15));
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(ids.iter().all(|id| processes::marked(id).is_empty()));
    for name in ["s1", "s2"] {
        assert_eq!(ending(&space, name), ("idle".into(), "shutdown".into(), Value::Null));
    }
    let runs = space.worktree("s1").join("runs.txt");
    assert_eq!(fs::read_to_string(&runs).unwrap(), "begun\n");

    // The next container.
    fs::remove_file(space.path("begun")).unwrap();
    let script = "wharf ps --json > ps.txt; mv ps.txt ps.json; sleep 3000";
    let mut next = Init::first(&space, &["--resume", "--grace", "4"], script).unwrap();
    let ps: Value = serde_json::from_str(&told(&space, "ps.json")).unwrap();
    let names: Vec<_> = ps.as_array().unwrap().iter().map(|it| it["session"]["name"].clone()).collect();
    assert_eq!(names, ["s1", "s2"]);
    until("the second run", || fs::read_to_string(&runs).unwrap() == "begun\nbegun\n");
    next.signal(Signal::INT);
    next.ends();
    assert_eq!(ending(&space, "s1").1, "shutdown");
}

#[test]
fn a_container_that_is_killed_leaves_its_sessions_idle() {
    let space = Workspace::with_sessions(2);
    let ids = ["s1", "s2"].map(|name| id(&space, name));
    let Some(mut init) = Init::first(&space, &[], TWO_SESSIONS) else {
        return;
    };
    told(&space, "begun");
    init.signal(Signal::KILL);
    init.ends();
    until("the end of all", || ids.iter().all(|id| processes::marked(id).is_empty()));
    space.run(["restore"]).succeeds();
    for name in ["s1", "s2"] {
        assert_eq!(ending(&space, name), ("idle".into(), "restart".into(), Value::Null));
    }
    let resumed = space.run(["resume", "--all"]).succeeds();
    assert!(resumed.stdout().contains("s1 runs again") && resumed.stdout().contains("s2 runs again"));
    assert_eq!(space.json(["ps"]).as_array().unwrap().len(), 2);
}

#[test]
fn the_sessions_of_a_killed_container_are_idle_in_the_next_one_and_come_back() {
    let space = Workspace::with_sessions(2);
    let Some(mut init) = Init::first(&space, &[], TWO_SESSIONS) else {
        return;
    };
    told(&space, "begun");
    init.signal(Signal::KILL);
    init.ends();
    // From here nobody can see that they are gone; started once more, they would run twice.
    let resumed = space.run(["resume", "--all"]).fails(1).stdout();
    assert_eq!(resumed.matches("another boot or in another container").count(), 2, "{resumed}");
    let script = "wharf list --json > list.json; wharf resume --all; wharf ps --json > ps.txt; mv ps.txt ps.json; sleep 3000";
    let mut next = Init::first(&space, &["--grace", "4"], script).unwrap();
    let said = |file, key: &str| -> Vec<Value> {
        let said: Value = serde_json::from_str(&told(&space, file)).unwrap();
        said.as_array().unwrap().iter().map(|it| it.pointer(key).cloned().unwrap()).collect()
    };
    assert_eq!(said("ps.json", "/session/name"), ["s1", "s2"]);
    assert_eq!(said("list.json", "/status"), ["idle", "idle"]);
    next.signal(Signal::INT);
    next.ends();
}

#[test]
fn beside_others_it_ends_sessions_too_and_what_it_adopted() {
    let space = Workspace::with_sessions(2);
    let ids = ["s1", "s2"].map(|name| id(&space, name));
    let script = format!("(setsid sh -c 'trap \"\" TERM; touch adopted; sleep 3002' &); {TWO_SESSIONS}");
    let mut init = Init::beside(&space, &["--grace", "3"], &script);
    told(&space, "begun");
    told(&space, "adopted");
    let left: Vec<u32> = below(init.pid).iter().map(|it| it.pid).collect();
    init.signal(Signal::TERM);
    let (status, took) = init.ends();
    assert_eq!(status.code(), Some(128 + 15));
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(ids.iter().all(|id| processes::marked(id).is_empty()));
    let mut alive = wharf::process::all().unwrap();
    alive.retain(|it| left.contains(&it.pid));
    assert_eq!(alive, [], "also no zombie");
    assert_eq!(ending(&space, "s2"), ("idle".into(), "shutdown".into(), Value::Null));
}

#[test]
fn a_command_that_cannot_be_started_again_is_tried_again() {
    let space = Workspace::new();
    let program = space.path("program");
    let script =
        "#!/bin/sh\necho begun >> begun.txt\n[ $(wc -l < begun.txt) -ge 2 ] && exit 0\nmv $0 moved\nexit 3\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut init = Init::beside_running(&space, &["--restart"], &["./program"]);
    told(&space, "moved");
    until("the first try without a program", || {
        let logs = fs::read_dir(space.path(".wharf/log")).into_iter().flatten();
        let mut logs = logs.filter_map(|log| fs::read_to_string(log.unwrap().path()).ok());
        logs.any(|log| log.contains("the command cannot be started"))
    });
    fs::rename(space.path("moved"), &program).unwrap();
    assert_eq!(init.ends().0.code(), Some(0));
}

/// Somebody else gets the pids of a session's program and of its holder, which were killed.
const IMPOSTORS: &str = r#"
    field() { wharf show s1 --json | tr -d ' \n' | sed "s/.*$1//; s/[^0-9].*//"; }
    take() { for try in $(seq 200); do
        echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; sleep 3000 & [ $! = $1 ] && return; kill -9 $!
    done; echo "no impostor for $1" > failed; }
    for verb in stop kill restart start; do
        wharf start s1 -- sleep 3001 > /dev/null
        program=$(field '"ptyPid":'); holder=$(field '"holder":{"pid":')
        kill -9 $holder $program
        while [ -e /proc/$holder ] || [ -e /proc/$program ]; do sleep 0.01; done
        take $program; take $holder
        wharf ps --json > ps-$verb.json
        wharf $verb s1 > said-$verb.txt 2>&1
        echo "$verb: $?" >> codes
        for pid in $program $holder; do kill -0 $pid && echo "$verb: $(cat /proc/$pid/comm)" >> alive; done
        wharf kill s1 > /dev/null 2>&1
        kill -9 $program $holder; wait $program $holder 2> /dev/null
    done
    touch done
    sleep 3000"#;

#[test]
fn who_gets_the_pid_of_a_session_is_neither_taken_for_it_nor_touched() {
    let space = Workspace::with_sessions(1);
    let Some(_init) = Init::first(&space, &[], IMPOSTORS) else {
        return;
    };
    told(&space, "done");
    assert!(!space.path("failed").exists(), "{}", told(&space, "failed"));
    for verb in ["stop", "kill", "restart", "start"] {
        assert_eq!(told(&space, &format!("ps-{verb}.json")).trim(), "[]", "{verb}");
        let alive = told(&space, "alive");
        assert_eq!(alive.lines().filter(|line| *line == format!("{verb}: sleep")).count(), 2, "{alive}");
        let said = told(&space, &format!("said-{verb}.txt"));
        assert!(told(&space, "codes").lines().any(|line| line == format!("{verb}: 0")), "{verb}: {said}");
    }
}

#[test]
fn a_term_while_sessions_come_back_is_heard() {
    let space = Workspace::with_sessions(2);
    for name in ["s1", "s2"] {
        space.run(["start", name, "--", "cat"]).succeeds();
        processes::kill(
            u32::try_from(space.json(["show", name])["holder"]["pid"].as_u64().unwrap()).unwrap(),
        );
    }
    // The first holder waits for the lock on the table, and `init` for that holder.
    let lock = fs::File::open(space.path(".claude-container-sessions.lock")).unwrap();
    lock.lock().unwrap();
    let mut init = Init::beside_running(&space, &["--resume", "--grace", "5"], &["touch", "ran"]);
    until("the first holder", || below(init.pid).iter().any(|it| processes::is_holder(it.pid)));
    init.signal(Signal::TERM);
    drop(lock);
    assert_eq!(init.ends().0.code(), Some(128 + 15));
    assert!(!space.path("ran").exists(), "the command was begun all the same");
    assert_eq!(ending(&space, "s1"), ("idle".into(), "shutdown".into(), Value::Null));
    assert_eq!(ending(&space, "s2").1, "lost", "it was resumed all the same");
    assert!(["s1", "s2"].iter().all(|name| processes::marked(&id(&space, name)).is_empty()));
}

#[test]
fn a_command_that_cannot_be_run_at_all_leaves_no_session_running() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sleep", "3000"]).succeeds();
    processes::kill(u32::try_from(space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap()).unwrap());
    space.run(["init", "--resume", "--", "/no/such/program"]).fails(1).says("/no/such/program");
    assert_eq!(processes::marked(&id(&space, "s1")), Vec::<u32>::new());
    assert_eq!(ending(&space, "s1"), ("idle".into(), "shutdown".into(), Value::Null));
}
