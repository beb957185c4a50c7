//! Whether the terminal that a client lends to its holder is everybody's that has a right to it: the person's shell, too.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{InputModes, LocalModes},
};

use wharf::terminal::{Connection, FromClient, Question};

use crate::support::{
    Workspace, means,
    pty::{PATIENCE, Terminal},
};

/// A workspace with a session in which a plain shell runs.
fn shell() -> Workspace {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "--norc", "--noprofile"]).succeeds();
    space.run(["send", "s1", "PS1='$ '; clear", "--enter"]).succeeds();
    space
}

fn holder(space: &Workspace) -> u64 {
    space.json(["ps", "s1"])[0]["terminal"]["holder"].as_u64().unwrap()
}

/// Waits until the holder has the terminal that a process has.
#[track_caller]
fn until_lent(terminal: &mut Terminal, space: &Workspace, client: u64) {
    let device = fs::read_link(format!("/proc/{client}/fd/0")).unwrap();
    let fds = format!("/proc/{}/fd", holder(space));
    let has = |path: &Path| fs::read_link(path).is_ok_and(|it| it == device);
    terminal.until_so("the terminal is lent", |_| {
        std::thread::sleep(Duration::from_millis(5));
        fs::read_dir(&fds).is_ok_and(|all| all.flatten().any(|it| has(&it.path())))
    });
}

fn pid(number: u64) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Attaches, and waits until the holder reads the keys.
fn attached(space: &Workspace) -> Terminal {
    let mut terminal = Terminal::run(space, &["attach", "s1"]);
    terminal.until("$");
    let client = u64::from(terminal.pid().as_raw_nonzero().get().unsigned_abs());
    until_lent(&mut terminal, space, client);
    terminal
}

#[track_caller]
fn assert_in_order(terminal: &mut Terminal, how: &str) {
    let (local, input) = terminal.modes();
    assert!(local.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{how}");
    assert!(input.contains(InputModes::ICRNL), "{how}");
    let screen = terminal.screen();
    assert!(!screen.is_alternate() && !screen.takes_bracketed_paste() && screen.cursor().visible, "{how}");
}

#[test]
fn a_client_that_is_killed_leaves_its_terminal_in_order() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.type_in("printf '\\033]11;red\\007\\033[?1049h\\033[?2004h\\033[?25l'; echo in-full-screen\r");
    terminal.until("\nin-full-screen");
    terminal.signal(Signal::KILL);
    terminal.until_raw("\x1b[999;1H");
    assert!(terminal.raw().contains("\x1b]111\x1b\\"), "the background is not put back");
    terminal.until_so("the modes are as they were", |terminal| {
        std::thread::sleep(Duration::from_millis(5));
        terminal.modes().0.contains(LocalModes::ICANON)
    });
    assert_in_order(&mut terminal, "killed");
    space.until_attached("s1", 0);
}

#[test]
fn what_was_changed_goes_back_also_when_the_holder_is_killed() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.type_in("printf '\\033]11;red\\007\\033[?1049h'; echo in-full-screen\r");
    terminal.until("\nin-full-screen");
    // It was told before the answer.
    space.run(["screen", "s1"]).succeeds();
    kill_process(pid(holder(&space)), Signal::KILL).unwrap();
    assert_eq!(terminal.ends().code(), Some(7));
    assert!(terminal.raw().contains("\x1b]111\x1b\\"), "the background is not put back");
    assert_in_order(&mut terminal, "the holder was killed");
}

#[test]
fn the_shell_of_a_client_that_is_stopped_has_its_terminal_to_itself() {
    let shells: [&[&str]; 2] = [&["bash", "--norc", "--noprofile"], &["dash", "-i"]];
    for (shell, signal) in shells.into_iter().flat_map(|shell| [(shell, Signal::STOP), (shell, Signal::TSTP)])
    {
        let space = self::shell();
        let mut terminal = Terminal::other_shell(&space, shell);
        terminal.until("person>");
        terminal.type_in("wharf attach s1\r");
        terminal.until("$");
        let client = child_of(terminal.pid());
        until_lent(&mut terminal, &space, client);
        terminal.type_in("echo begun\r");
        terminal.until("\nbegun");
        kill_process(pid(client), signal).unwrap();
        terminal.until_raw("Stopped");
        let before = terminal.raw().len();
        space.run(["send", "s1", "echo drawn-o\"ver\"", "--enter"]).succeeds();
        space.run(["wait", "s1", "--for", "text:drawn-over"]).succeeds();
        // This shell leaves the terminal as it was, where a key that ends a line is another one.
        terminal.type_in("echo all-\"mine\"\n");
        terminal.until_raw("all-mine");
        assert!(!terminal.raw()[before..].contains("drawn-over"), "{shell:?} {signal:?}: {}", terminal.raw());
        terminal.type_in("fg\n");
        terminal.until_raw("drawn-over");
        terminal.type_in("echo back-\"again\"\r");
        terminal.until_raw("back-again");
        terminal.type_in("\x1c");
        terminal.until_raw("[s1: detached");
        terminal.type_in("echo and-\"after\"\n");
        terminal.until_raw("and-after");
    }
}

/// The one child of a shell.
fn child_of(shell: Pid) -> u64 {
    let shell = shell.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    children.trim().parse().unwrap()
}

#[test]
fn no_key_is_lost_or_out_of_its_place_while_a_terminal_changes_hands() {
    let space = Workspace::with_sessions(1);
    let taker = "stty raw -echo; echo begun; exec dd bs=1 of=typed status=none";
    space.run(["start", "s1", "--", "sh", "-c", taker]).succeeds();
    let mut terminal = Terminal::run(&space, &["attach", "s1"]);
    terminal.until("begun");
    let client = u64::from(terminal.pid().as_raw_nonzero().get().unsigned_abs());
    until_lent(&mut terminal, &space, client);
    let mut typed = String::new();
    for round in 0..60 {
        // A cursor key whose bytes come by and by, a word, and the beginning of what may be the key that leaves.
        for keys in ["\x1b[", "1;5A", &format!("word{round} "), "\x1b", "[92", "u"] {
            terminal.type_in(keys);
            typed.push_str(keys);
        }
        terminal.signal(Signal::TSTP);
        terminal.signal(Signal::CONT);
    }
    let path = space.worktree("s1").join("typed");
    terminal.until_so("all keys have arrived", |terminal| {
        // One that came just before it stopped itself has passed.
        terminal.signal(Signal::CONT);
        std::thread::sleep(Duration::from_millis(5));
        fs::read(&path).is_ok_and(|bytes| bytes.len() >= typed.len())
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), typed);
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
    assert_in_order(&mut terminal, "it changed hands often");
}

#[test]
fn a_terminal_that_nobody_reads_holds_up_neither_the_program_nor_others() {
    let space = shell();
    let mut frozen = attached(&space);
    let mut other = Terminal::run(&space, &["attach", "s1", "--observe"]);
    other.until("$");
    // 8 MB are more than all queues and terminals can keep.
    space
        .run(["send", "s1", "yes 0123456789012345678 | head -400000; echo thr\"ough\"", "--enter"])
        .succeeds();
    other.until("\nthrough");
    frozen.until("\nthrough");
    frozen.type_in("echo usable\r");
    frozen.until("\nusable");
}

#[test]
fn a_holder_that_was_stuck_when_its_terminal_was_taken_back_gets_it_again() {
    let space = shell();
    let mut terminal = attached(&space);
    let holder = pid(holder(&space));
    kill_process(holder, Signal::STOP).unwrap();
    terminal.type_in("echo one-\"more\"\r");
    // Nobody else reads it, so the client has taken it back when it is gone from there.
    terminal.until_so("the keys are read", |terminal| {
        std::thread::sleep(Duration::from_millis(5));
        terminal.unread() == 0
    });
    kill_process(holder, Signal::CONT).unwrap();
    terminal.until("\none-more");
    for word in ["two", "three"] {
        terminal.type_in(&format!("echo {word}-\"more\"\r"));
        terminal.until(&format!("\n{word}-more"));
    }
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
    assert_in_order(&mut terminal, "lent again");
}

#[test]
fn a_terminal_is_given_back_also_while_the_program_reads_nothing() {
    let space = Workspace::with_sessions(1);
    let deaf = "stty raw -echo; echo $$; exec sleep 1000";
    space.run(["start", "s1", "--", "sh", "-c", deaf]).succeeds();
    space.run(["wait", "s1", "--for", "text:[0-9]"]).succeeds();
    let mut terminal = Terminal::run(&space, &["attach", "s1"]);
    let client = u64::from(terminal.pid().as_raw_nonzero().get().unsigned_abs());
    until_lent(&mut terminal, &space, client);
    let device = fs::read_link(format!("/proc/{client}/fd/0")).unwrap();
    let fds = format!("/proc/{}/fd", holder(&space));
    let has = |path: &Path| fs::read_link(path).is_ok_and(|it| it == device);

    let mut typist = Connection::open(&space.socket("s1")).unwrap();
    typist.send(&FromClient::Input(vec![b'x'; (1 << 20) + (64 << 10)])).unwrap();
    while {
        typist.send(&FromClient::Ask(Question::Info)).unwrap();
        typist.receive(Some(Duration::from_millis(300))).unwrap().is_some()
    } {}
    // It asks for its terminal, and stops.
    terminal.signal(Signal::TSTP);
    terminal.until_so("the terminal is given back", |_| {
        std::thread::sleep(Duration::from_millis(5));
        fs::read_dir(&fds).is_ok_and(|all| !all.flatten().any(|it| has(&it.path())))
    });
    terminal.signal(Signal::CONT);
    terminal.until_so("it lets every key through again", |terminal| {
        std::thread::sleep(Duration::from_millis(5));
        !terminal.modes().0.contains(LocalModes::ISIG)
    });
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
    assert_in_order(&mut terminal, "nothing was read");
}

#[test]
fn who_looks_on_types_nothing_also_at_a_terminal_that_is_lent() {
    let space = shell();
    let mut observer = Terminal::run(&space, &["attach", "s1", "--observe"]);
    observer.until("$");
    let client = u64::from(observer.pid().as_raw_nonzero().get().unsigned_abs());
    until_lent(&mut observer, &space, client);
    observer.type_in("echo not-\"typed\"\r");
    space.run(["send", "s1", "echo se\"nt\"", "--enter"]).succeeds();
    observer.until("\nsent");
    assert!(!observer.screen().text().contains("typed"));
    observer.type_in("\x03");
    assert_eq!(observer.ends().code(), Some(0));
    assert_in_order(&mut observer, "looked on");
}

#[test]
fn a_terminal_of_another_user_is_not_taken() {
    if !means::root() {
        return;
    }
    let space = shell();
    let mut terminal = Terminal::run(&space, &["attach", "s1", "--detach-key", "ctrl-a"]);
    terminal.until("$");
    let client = u64::from(terminal.pid().as_raw_nonzero().get().unsigned_abs());
    until_lent(&mut terminal, &space, client);
    terminal.type_in("\x01");
    assert_eq!(terminal.ends().code(), Some(0));

    let mut terminal = Terminal::owned_by(&space, &["attach", "s1"], 65_534);
    terminal.until("$");
    terminal.type_in("echo rel\"ayed\"\r");
    terminal.until("\nrelayed");
    let fds = fs::read_dir(format!("/proc/{}/fd", holder(&space))).unwrap().flatten();
    let device = fs::read_link(format!("/proc/{}/fd/0", terminal.pid().as_raw_nonzero())).unwrap();
    for file in fds {
        assert_ne!(fs::read_link(file.path()).unwrap_or_default(), device);
    }
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
}

#[test]
fn a_command_of_init_that_is_started_again_has_the_keyboard() {
    let space = Workspace::new();
    let script = "read -r line; echo got-$line; exit 1";
    let mut terminal = Terminal::run(&space, &["init", "--restart", "--", "sh", "-c", script]);
    terminal.type_in("one\r");
    terminal.until("got-one");
    terminal.type_in("two\r");
    terminal.until("got-two");
    terminal.signal(Signal::TERM);
    terminal.ends();
}

#[test]
fn init_in_the_background_of_a_shell_leaves_the_keyboard_to_it() {
    let script = "trap 'echo he\"ard\"' USR1; kill -USR1 $PPID; while :; do sleep 0.02; done";
    // In a container of its own the groups of the shell have no number that could be compared.
    let mut ways = vec!["wharf init"];
    if means::root() {
        ways.push("unshare --pid --fork --kill-child wharf init");
    }
    for way in ways {
        let space = Workspace::new();
        fs::write(space.root().join("command.sh"), script).unwrap();
        let mut terminal = Terminal::shell(&space);
        terminal.until("person>");
        terminal.type_in(&format!("{way} -- sh command.sh &\r"));
        // What it hands on it hears when its command has been begun.
        terminal.until_raw("heard");
        terminal.type_in("echo still-\"mine\"\r");
        terminal.until_raw("still-mine");
        terminal.type_in("kill -9 %1; wait; exit\r");
        terminal.ends();
    }
}

#[test]
fn init_before_a_shell_has_the_keyboard_to_give() {
    if !means::root() {
        return;
    }
    let space = Workspace::new();
    let mut terminal = Terminal::shell(&space);
    terminal.until("person>");
    let script = "echo re\"ady\"; read -r line; echo got-$line; read -r line; exit 0";
    fs::write(space.root().join("command.sh"), script).unwrap();
    terminal.type_in("unshare --pid --fork --kill-child wharf init -- sh command.sh\r");
    terminal.until_raw("ready");
    terminal.type_in("one\r");
    terminal.until_raw("got-one");
    terminal.type_in("two\r");
    terminal.until("person>");
    terminal.type_in("exit\r");
    terminal.ends();
}

#[test]
fn a_client_whose_pid_means_nothing_to_the_holder_is_served() {
    if !means::root() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let wharf = space.command();
    let mut apart = Command::new("unshare");
    apart.args(["--pid", "--fork", "--kill-child", "sh", "-c", "\"$0\" start s1 -- cat; exec sleep 60"]);
    apart.arg(wharf.get_program()).current_dir(space.root()).stdout(Stdio::null()).env_clear();
    for (key, value) in wharf.get_envs() {
        apart.env(key, value.unwrap());
    }
    let mut apart = apart.env("PATH", std::env::var("PATH").unwrap()).spawn().unwrap();
    let ask = || {
        let socket = space.sockets().pop().ok_or("it does not start")?;
        let mut connection = Connection::open(&socket).map_err(|error| format!("{error:?}"))?;
        connection.info().map_err(|error| format!("{error:?}"))
    };
    // Between its birth and its first listening, a socket refuses everybody.
    let deadline = Instant::now() + PATIENCE;
    let mut info = ask();
    while info.is_err() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
        info = ask();
    }
    apart.kill().unwrap();
    apart.wait().unwrap();
    assert!(info.is_ok(), "{info:?}");
}
