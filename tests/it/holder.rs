//! What a holder bears: clients that stop reading, fight, lie or come in crowds; and what it does not let get lost.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use wharf::{
    limits::FRAME_BYTES_MAX,
    terminal::{Attach, Connection, Exited, FromClient, FromHolder, PROTOCOL, Question, Role, TerminalError},
};

use crate::support::{Workspace, means, processes};

const LIMIT: Duration = Duration::from_secs(30);

/// A session `it` with a program in it.
fn running(command: &[&str]) -> Workspace {
    let space = Workspace::with_sessions(1);
    let mut args = vec!["start", "s1", "--"];
    args.extend(command);
    space.run(args).succeeds();
    space
}

fn open(space: &Workspace) -> Connection {
    Connection::open(&space.socket("s1")).unwrap()
}

fn attach(role: Role, rows: u16, cols: u16) -> FromClient {
    FromClient::Attach(Attach {
        protocol: PROTOCOL,
        role,
        rows,
        cols,
        scrollback: 10_000,
        is_terminal: false,
    })
}

/// A client in a role, after its first screen.
fn attached(space: &Workspace, role: Role) -> Connection {
    let mut client = open(space);
    client.send(&attach(role, 24, 80)).unwrap();
    loop {
        match client.receive(Some(LIMIT)).unwrap().unwrap() {
            FromHolder::Snapshot { is_last: true, .. } => return client,
            FromHolder::Refused(refusal) => panic!("{refusal:?}"),
            _ => (),
        }
    }
}

fn type_in(client: &mut Connection, text: &str) {
    client.send(&FromClient::Input(text.as_bytes().to_vec())).unwrap();
}

/// What is printed until the program ends, and how it ended.
fn all_output(client: &mut Connection) -> (Vec<u8>, Exited) {
    let mut output = Vec::new();
    loop {
        match client.receive(Some(LIMIT)).unwrap().expect("the holder says something") {
            FromHolder::Output { bytes, .. } => output.extend(bytes),
            FromHolder::Snapshot { bytes, .. } => output = bytes,
            FromHolder::Exit(exited) => return (output, exited),
            _ => (),
        }
    }
}

#[track_caller]
fn await_file(path: &Path) {
    let deadline = Instant::now() + LIMIT;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn screen(space: &Workspace) -> String {
    String::from_utf8(open(space).ask(Question::Text).unwrap()).unwrap()
}

#[test]
fn a_client_that_stops_reading_holds_up_neither_the_program_nor_others() {
    let space = running(&["sh", "-c", "read go; seq 1 700000; touch done; read stay"]);
    let mut frozen = attached(&space, Role::Observe);
    let mut other = attached(&space, Role::Control);
    type_in(&mut other, "go\n");
    let begun = Instant::now();
    // 4.5 MB go past the frozen client, and through the one that reads.
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\r\n700000\r\n") {
        assert!(begun.elapsed() < LIMIT, "the other client sees no end");
        match other.receive(Some(LIMIT)).unwrap().unwrap() {
            FromHolder::Output { bytes, .. } => {
                seen.drain(..seen.len().saturating_sub(20));
                seen.extend(bytes);
            }
            FromHolder::Snapshot { bytes, .. } => seen = bytes,
            _ => (),
        }
    }
    await_file(&space.worktree("s1").join("done"));
    assert!(screen(&space).ends_with("700000"), "{}", screen(&space));
    // When it reads again, it gets what it had room for, and then the screen as it is.
    let mut last = Vec::new();
    while let Some(message) = frozen.receive(Some(Duration::from_secs(2))).unwrap() {
        match message {
            FromHolder::Snapshot { bytes, .. } => last = bytes,
            FromHolder::Output { bytes, .. } => last.extend(bytes),
            _ => (),
        }
    }
    assert!(String::from_utf8_lossy(&last).contains("700000"), "the frozen client never catches up");
}

#[test]
fn a_client_that_reads_misses_nothing() {
    let space = running(&["sh", "-c", "read go; seq 1 300000; exit 3"]);
    let mut client = attached(&space, Role::Control);
    type_in(&mut client, "go\n");
    let (output, exited) = all_output(&mut client);
    let mut lines = 0;
    for (line, number) in String::from_utf8(output).unwrap().lines().skip_while(|it| *it != "1").zip(1..) {
        assert_eq!(line, number.to_string());
        lines = number;
    }
    assert_eq!(lines, 300_000);
    assert_eq!(exited, Exited { code: Some(3), signal: None, asked: false });
}

#[test]
fn one_client_controls_and_a_take_over_is_said() {
    let space = running(&["cat"]);
    let mut first = attached(&space, Role::Control);
    let mut second = open(&space);
    second.send(&attach(Role::Control, 24, 80)).unwrap();
    let refused = loop {
        match second.receive(Some(LIMIT)).unwrap().unwrap() {
            FromHolder::Refused(refusal) => break refusal.code,
            message => assert!(!matches!(message, FromHolder::Snapshot { .. }), "{message:?}"),
        }
    };
    assert_eq!(refused, "controlled");
    let mut second = attached(&space, Role::Take);
    let status = loop {
        if let FromHolder::Status(status) = first.receive(Some(LIMIT)).unwrap().unwrap()
            && !status.controls
        {
            break status;
        }
    };
    assert!(!status.controls);
    type_in(&mut first, "from the first\n");
    type_in(&mut second, "from the second\n");
    let refused = loop {
        if let FromHolder::Refused(refusal) = first.receive(Some(LIMIT)).unwrap().unwrap() {
            break refusal.code;
        }
    };
    assert_eq!(refused, "not-control");
    space.run(["wait", "s1", "--for", "text:from the second", "--timeout", "10s"]).succeeds();
    assert!(!screen(&space).contains("from the first"));
}

#[test]
fn only_who_controls_decides_on_the_size() {
    let space = running(&["sh", "-c", "while read line; do stty size; done"]);
    let mut client = attached(&space, Role::Control);
    let mut observer = open(&space);
    observer.send(&attach(Role::Observe, 50, 200)).unwrap();
    type_in(&mut client, "\n");
    space.run(["wait", "s1", "--for", "text:24 80", "--timeout", "10s"]).succeeds();
    client.send(&FromClient::Resize(wharf::screen::Size::new(30, 90).unwrap())).unwrap();
    type_in(&mut client, "\n");
    space.run(["wait", "s1", "--for", "text:30 90", "--timeout", "10s"]).succeeds();
    assert!(!screen(&space).contains("50 200"));
}

#[test]
fn nonsense_ends_the_connection_it_came_on_and_no_other() {
    let space = running(&["cat"]);
    let mut good = attached(&space, Role::Control);
    let huge = u32::try_from(FRAME_BYTES_MAX + 1).unwrap().to_le_bytes();
    for nonsense in [
        vec![b'I', huge[0], huge[1], huge[2], huge[3]],
        b"A\x03\0\0\0{}}".to_vec(),
        b"R\x17\0\0\0{\"rows\":0,\"cols\":65535}".to_vec(),
        vec![0xff; 4096],
    ] {
        let mut liar = UnixStream::connect(space.socket("s1")).unwrap();
        liar.set_read_timeout(Some(LIMIT)).unwrap();
        liar.write_all(&nonsense).unwrap();
        // The other side closes; what it said before is of no interest.
        drop(liar.read_to_end(&mut Vec::new()));
    }
    // Half a frame is waited for, and disturbs nobody.
    let mut half = UnixStream::connect(space.socket("s1")).unwrap();
    half.write_all(b"I\x10\0\0\0half").unwrap();
    type_in(&mut good, "still here\n");
    space.run(["wait", "s1", "--for", "text:still here", "--timeout", "10s"]).succeeds();
}

#[test]
fn a_thousand_connections_keep_nobody_out() {
    let space = running(&["cat"]);
    let mut good = attached(&space, Role::Control);
    let crowd: Vec<UnixStream> =
        (0..1_000).filter_map(|_| UnixStream::connect(space.socket("s1")).ok()).collect();
    assert!(crowd.len() > 900, "{}", crowd.len());
    type_in(&mut good, "typed in a crowd\n");
    space.run(["wait", "s1", "--for", "text:typed in a crowd", "--timeout", "10s"]).succeeds();
}

#[test]
fn the_socket_is_for_its_own_user() {
    let space = running(&["cat"]);
    let socket = space.socket("s1");
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(socket.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(socket.with_extension("token")).unwrap().mode() & 0o777, 0o600);
    if !means::root() {
        return;
    }
    // Even where the folders let everybody in, the holder looks who knocks.
    for path in [socket.as_path(), socket.parent().unwrap(), &space.runtime().join("wharf")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    for folder in [space.runtime(), space.home(), space.root()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let told = processes::as_nobody(&socket);
    assert_eq!(told, Some(Vec::new()), "somebody else is told something");
    // It still serves its own user.
    assert!(open(&space).ask(Question::Text).is_ok());
}

#[test]
fn a_stop_ends_the_whole_tree() {
    let script = "sleep 3001 & setsid sleep 3002 & (setsid sh -c 'sleep 3003 & exec sleep 3004' &) ; \
                  nohup sleep 3005 >/dev/null 2>&1 & sh -c 'trap \"\" TERM HUP INT; sleep 3006; sleep 3007' & \
                  ( ( sleep 3008 & ) & ) ; touch grown; sleep 3009";
    let space = running(&["bash", "--norc", "-c", script]);
    await_file(&space.worktree("s1").join("grown"));
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    // The last of them are begun by processes that are begun themselves.
    let deadline = Instant::now() + LIMIT;
    while processes::marked(&id).len() < 9 {
        assert!(Instant::now() < deadline, "{:?}", processes::marked(&id));
    }
    space.run(["stop", "s1", "--timeout", "1s"]).succeeds();
    assert_eq!(processes::marked(&id), Vec::<u32>::new());
    let shown = space.json(["show", "s1"]);
    assert_eq!((&shown["status"], &shown["ptyPid"]), (&"stopped".into(), &serde_json::Value::Null));
    assert!(space.sockets().is_empty());
}

#[test]
fn a_killed_holder_costs_its_own_session_and_is_noticed() {
    let space = Workspace::with_sessions(2);
    for name in ["s1", "s2"] {
        space.run(["start", name, "--", "sh", "-c", "setsid sleep 3000 & exec sleep 3000"]).succeeds();
    }
    let shown = space.json(["show", "s1"]);
    let holder = u32::try_from(shown["holder"]["pid"].as_u64().unwrap()).unwrap();
    processes::kill(holder);
    let shown = space.json(["show", "s1"]);
    assert_eq!((&shown["status"], &shown["ended"]["cause"]), (&"error".into(), &"lost".into()));
    assert_eq!(space.json(["show", "s2"])["status"], "active");
    space.run(["start", "s1", "--", "cat"]).succeeds();
    space.run(["screen", "s1"]).succeeds();
    space.run(["stop", "s1"]).succeeds();
    let id = shown["id"].as_str().unwrap();
    assert_eq!(processes::marked(id), Vec::<u32>::new(), "what the killed holder left is gone");
}

#[test]
fn an_exit_is_written_down_and_removes_nothing() {
    for (command, status, code) in [("exit 0", "stopped", Some(0)), ("exit 7", "error", Some(7))] {
        let space = running(&["sh", "-c", &format!("read go; {command}")]);
        let mut client = attached(&space, Role::Control);
        type_in(&mut client, "go\n");
        let (_, exited) = all_output(&mut client);
        assert_eq!(exited.code, code);
        let shown = space.json(["show", "s1"]);
        assert_eq!((&shown["status"], &shown["ended"]["code"]), (&status.into(), &code.into()));
        assert_eq!(shown["ended"]["cause"], "itself");
        assert!(space.worktree("s1").join("README.md").exists());
    }
}

#[test]
fn a_program_asks_its_terminal_and_nobody_is_attached() {
    let script = "stty raw -echo min 0 time 50; printf '\\033[6n'; dd bs=32 count=1 of=answer 2>/dev/null; mv answer answered; sleep 3000";
    let space = running(&["sh", "-c", script]);
    let answered = space.worktree("s1").join("answered");
    await_file(&answered);
    assert_eq!(fs::read(answered).unwrap(), b"\x1b[1;1R");
}

#[test]
fn a_program_has_a_clean_place_to_run_in() {
    let space = Workspace::with_sessions(1);
    let script = "env >env.txt; ls -l /proc/self/fd >fds.txt; pwd >pwd.txt; touch told; sleep 3000";
    let mut command = space.command();
    command.env("GIT_DIR", "/nowhere").env("TMUX", "1").env("KEPT", "yes");
    assert!(command.args(["start", "s1", "--", "sh", "-c", script]).status().unwrap().success());
    let folder = space.worktree("s1");
    await_file(&folder.join("told"));
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let env = read("env.txt");
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    for line in [
        "KEPT=yes".to_owned(),
        "TERM=xterm-256color".to_owned(),
        format!("WHARF_SESSION={id}"),
        "WHARF_SESSION_NAME=s1".to_owned(),
        format!("WHARF_WORKTREE={}", folder.display()),
        format!("WHARF_TOKEN_FILE={}", space.socket("s1").with_extension("token").display()),
    ] {
        assert!(env.lines().any(|it| it == line), "{line}\n{env}");
    }
    assert!(!env.contains("GIT_DIR") && !env.contains("TMUX="), "{env}");
    assert_eq!(read("pwd.txt").trim(), folder.to_str().unwrap());
    // The three standard streams, and the folder that is being listed.
    assert_eq!(read("fds.txt").lines().filter(|line| line.contains("->")).count(), 4, "{}", read("fds.txt"));
}

#[test]
fn two_starts_at_once_give_one_program() {
    let space = Workspace::with_sessions(1);
    let children: Vec<_> = (0..8).map(|_| space.spawn(["start", "s1", "--", "sleep", "3000"])).collect();
    let won = children.into_iter().map(|child| child.wait_with_output().unwrap());
    assert_eq!(won.filter(|output| output.status.success()).count(), 1);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    // A program that has just taken its process over shows no mark for a moment.
    let deadline = Instant::now() + LIMIT;
    while processes::marked(&id).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(processes::marked(&id).len(), 1);
}

#[test]
fn a_program_that_is_not_there_leaves_nothing_behind() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "no-such-program"]).fails(1).says("no-such-program");
    assert!(space.sockets().is_empty());
    assert!(matches!(
        Connection::open(&space.runtime().join("wharf/x.sock")),
        Err(TerminalError::NotRunning)
    ));
    assert!(space.json(["show", "s1"])["ptyPid"].is_null());
}

#[test]
fn a_program_runs_only_when_that_could_be_written_down() {
    let space = Workspace::with_sessions(1);
    let root = space.root();
    let order = serde_json::json!({
        "id": "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11", "name": "nobody", "workspace": root, "worktree": root,
        "command": ["touch", "ran"], "rows": 24, "cols": 80, "scrollback_rows_max": 100, "log_bytes_max": 1000,
        "clients_max": 4, "queue_bytes_max": 1000, "quiet_ms": null,
    });
    let mut holder = space.command();
    let mut holder = holder.arg("hold").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    holder.stdin.take().unwrap().write_all(order.to_string().as_bytes()).unwrap();
    let output = holder.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("failed"), "{output:?}");
    assert!(!root.join("ran").exists());
    assert!(space.sockets().is_empty());
}
