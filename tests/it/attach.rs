use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use rustix::{
    process::{Pid, Signal, kill_process},
    termios::LocalModes,
};
use serde_json::Value;

use crate::support::{Workspace, pty::Terminal};

/// A workspace with a session in which a plain shell runs.
fn shell() -> Workspace {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "--norc", "--noprofile"]).succeeds();
    space.run(["send", "s1", "PS1='$ '; clear", "--enter"]).succeeds();
    space
}

fn attached(space: &Workspace) -> Terminal {
    let mut terminal = Terminal::run(space, &["attach", "s1"]);
    terminal.until("$");
    terminal
}

fn leave(terminal: &mut Terminal) {
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
    assert!(terminal.raw().contains("[s1: detached"), "{}", terminal.raw());
}

fn holder(space: &Workspace) -> Pid {
    let shown = space.json(["ps", "s1"]);
    let pid = shown[0]["terminal"]["holder"].as_i64().unwrap();
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// The screen as the holder has it, row by row.
fn cells(space: &Workspace) -> Vec<String> {
    let screen = space.json(["screen", "s1"]);
    let text = |cell: &Value| cell["text"].as_str().unwrap().to_owned();
    let row = |row: &Value| row.as_array().unwrap().iter().map(text).collect::<String>();
    screen["cells"].as_array().unwrap().iter().map(|it| row(it).trim_end().to_owned()).collect()
}

/// The screen as the person has it, row by row.
fn seen(terminal: &mut Terminal) -> Vec<String> {
    let rows = terminal.screen().rows();
    let text = |row: &Vec<wharf::screen::Cell>| row.iter().map(|cell| &*cell.text).collect::<String>();
    rows.iter().map(|row| text(row).trim_end().to_owned()).collect()
}

#[test]
fn what_a_program_says_that_ends_at_once_is_shown() {
    let space = Workspace::with_sessions(1);
    let mut shown = 0;
    for number in 0..6 {
        let program = format!("echo said {number}; exit 3");
        let mut terminal = Terminal::run(&space, &["start", "s1", "--attach", "--", "sh", "-c", &program]);
        assert_eq!(terminal.ends().code(), Some(0));
        let raw = terminal.raw();
        assert!(raw.contains("[s1: exited with 3"), "{raw}");
        // Where this machine was too slow to look in time, the way to it is said.
        let is_shown = raw.contains(&format!("said {number}"));
        assert!(is_shown || raw.contains("`wharf logs s1`"), "{raw}");
        space.run(["logs", "s1"]).succeeds().says(&format!("said {number}"));
        shown += usize::from(is_shown);
    }
    assert!(shown > 0);
}

#[test]
fn who_leaves_finds_the_program_as_it_was() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.type_in("secret=kept; echo begun\r");
    terminal.until("\nbegun");
    leave(&mut terminal);
    let mut terminal = attached(&space);
    terminal.until("\nbegun");
    terminal.type_in("echo \"<$secret>\"\r");
    terminal.until("<kept>");
}

#[test]
fn the_screen_is_the_same_cell_by_cell_and_the_scrollback_is_there() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal
        .type_in("for i in $(seq 500); do printf '\\033[3%dmline %d 世界\\033[0m\\n' $((i%8)) $i; done\r");
    terminal.until("line 500");
    leave(&mut terminal);
    let mut terminal = attached(&space);
    terminal.until("line 500");
    assert_eq!(seen(&mut terminal), cells(&space));
    let rows = terminal.screen().scrollback_rows();
    assert!(rows >= 470, "{rows} rows of scrollback");
}

#[test]
fn the_terminal_is_as_it_was_after_every_way_out() {
    let space = shell();
    for way in ["key", "TERM", "HUP", "kill the holder"] {
        let mut terminal = Terminal::run(&space, &["attach", "s1"]);
        // These are the modes before, for setsid and the start of wharf take some time; raw ones would differ below.
        terminal.until("$");
        terminal.type_in("printf '\\033[?1049h\\033[?1000h\\033[?2004h\\033[?25l'; echo in-full-screen\r");
        terminal.until("\nin-full-screen");
        let code = match way {
            "key" => {
                terminal.type_in("\x1c");
                0
            }
            "TERM" => {
                terminal.signal(Signal::TERM);
                128 + 15
            }
            "HUP" => {
                terminal.signal(Signal::HUP);
                128 + 1
            }
            _ => {
                kill_process(holder(&space), Signal::KILL).unwrap();
                7
            }
        };
        assert_eq!(terminal.ends().code(), Some(code), "{way}\n{}", terminal.raw());
        let (local, input) = terminal.modes();
        assert!(local.contains(LocalModes::ICANON | LocalModes::ECHO), "{way}");
        assert!(input.contains(rustix::termios::InputModes::ICRNL), "{way}");
        let screen = terminal.screen();
        assert!(!screen.is_alternate() && !screen.takes_bracketed_paste(), "{way}");
        assert!(screen.cursor().visible, "{way}");
    }
}

#[test]
fn the_death_of_the_holder_is_told() {
    let space = shell();
    let mut terminal = attached(&space);
    kill_process(holder(&space), Signal::KILL).unwrap();
    assert_eq!(terminal.ends().code(), Some(7));
    assert!(terminal.raw().contains("session `s1`: its holder went away"), "{}", terminal.raw());
}

#[test]
fn the_program_has_the_size_of_the_terminal() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.type_in("stty size\r");
    terminal.until("30 100");
    terminal.resize(40, 120);
    terminal.type_in("until [ \"$(stty size)\" = '40 120' ]; do :; done; echo larger\r");
    terminal.until("\nlarger");
    leave(&mut terminal);
    assert_eq!(cells(&space).len(), 40);
}

#[test]
fn one_controls_and_taking_over_is_said_aloud() {
    let space = shell();
    let mut first = attached(&space);
    let mut second = Terminal::run(&space, &["attach", "s1"]);
    assert_eq!(second.ends().code(), Some(4));
    assert!(second.raw().contains("--take"), "{}", second.raw());

    let mut second = Terminal::run(&space, &["attach", "s1", "--take"]);
    second.until("$");
    first.until_raw("somebody else has taken control");
    first.type_in("echo from the first\r");
    second.type_in("echo from the second\r");
    second.until("\nfrom the second");
    first.until("from the second");
    assert!(!first.screen().text().contains("from the first"));
    leave(&mut first);
    assert!(first.raw().contains("somebody else controls it"));
    leave(&mut second);
}

#[test]
fn an_observer_changes_nothing() {
    let space = shell();
    let mut first = attached(&space);
    let mut observer = Terminal::run(&space, &["attach", "s1", "--observe"]);
    observer.until("$");
    observer.resize(10, 40);
    observer.type_in("echo typed by an observer\r");
    first.type_in("echo seen by both; stty size\r");
    observer.until("seen by both");
    first.until("30 100");
    assert!(!first.screen().text().contains("typed by an observer"));
    observer.type_in("\x03");
    assert_eq!(observer.ends().code(), Some(0));
}

#[test]
fn the_end_of_the_program_is_the_end_of_the_attachment() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.type_in("echo last words; exit 7\r");
    assert_eq!(terminal.ends().code(), Some(0));
    let raw = terminal.raw();
    assert!(raw.contains("last words\r\n") && raw.contains("[s1: exited with 7]"), "{raw}");
}

#[test]
fn the_key_can_be_another_one() {
    let space = shell();
    let mut terminal = Terminal::run(&space, &["attach", "s1", "--detach-key", "ctrl-a"]);
    terminal.until("$");
    terminal.type_in("stty -isig; echo ready; cat -v\r");
    terminal.until("\nready");
    terminal.type_in("<\x1c>\r");
    terminal.until("\n<^\\>");
    terminal.type_in("\x04stty isig\r\x01");
    assert_eq!(terminal.ends().code(), Some(0));

    std::fs::write(space.path(".wharf/config.toml"), "[terminal]\ndetach_key = \"ctrl-]\"\n").unwrap();
    let mut terminal = attached(&space);
    terminal.type_in("\x1d");
    assert_eq!(terminal.ends().code(), Some(0));
    space.run(["attach", "s1", "--observe", "--detach-key", "ctrl-m"]).fails(2).says("ctrl-m");
}

#[test]
fn a_stopped_client_holds_nothing_up_and_finds_the_screen_of_now() {
    let space = shell();
    let mut terminal = attached(&space);
    terminal.signal(Signal::STOP);
    // 20 MB are more than all queues and pipes can keep.
    space.run(["send", "s1", "yes 0123456789012345678 | head -1000000; echo through", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:^through", "--timeout", "60s"]).succeeds();
    terminal.signal(Signal::CONT);
    terminal.until("\nthrough");
    terminal.until("$");
    assert_eq!(seen(&mut terminal), cells(&space));
    leave(&mut terminal);
}

#[test]
fn without_a_terminal_one_can_only_look_on() {
    let space = shell();
    space.run(["attach", "s1"]).fails(2).says("no terminal").says("--observe");
    space.run(["start", "s1", "--attach"]).fails(2).says("no terminal");
    let observer = space.spawn(["attach", "s1", "--observe"]);
    space.until_attached("s1", 1);
    space.run(["send", "s1", "echo streamed-$((1+1)); exit", "--enter"]).succeeds();
    let output = observer.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("streamed-2"), "{text}");
}

#[test]
fn a_session_is_not_shown_in_itself() {
    let space = shell();
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let mut command = space.command();
    command.env("WHARF_SESSION", id).args(["attach", "s1", "--observe"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this terminal is that of session `s1`"));
}

#[test]
fn coming_and_going_leaves_nothing_behind() {
    let space = shell();
    for round in 0..20 {
        let mut terminal = attached(&space);
        terminal.type_in(&format!("echo round-{round}\r"));
        terminal.until(&format!("\nround-{round}"));
        leave(&mut terminal);
    }
    space.until_attached("s1", 0);
    assert_eq!(space.json(["ps", "s1"])[0]["processes"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_looked_on_goes_into_a_file_at_full_length() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "read go; seq 100000"]).succeeds();
    let file = space.path("seen.log");
    let mut command = space.command();
    command.args(["attach", "s1", "--observe"]).stdout(std::fs::File::create(&file).unwrap());
    let mut observer = command.spawn().unwrap();
    space.until_attached("s1", 1);
    space.run(["send", "s1", "--enter"]).succeeds();
    assert!(observer.wait().unwrap().success());
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with("\r\n99999\r\n100000\r\n"), "{}", text.len());
}

#[test]
fn where_nothing_runs_that_is_said() {
    let space = Workspace::with_sessions(1);
    for args in [&["attach", "s1", "--observe"][..], &["screen", "s1"], &["send", "s1", "text"]] {
        space.run(args).fails(3).says("nothing runs in it").says("wharf start");
    }
}

#[test]
fn a_session_is_created_started_and_shown_in_one_go() {
    let space = Workspace::new();
    let mut terminal = Terminal::run(&space, &["create", "new", "--attach", "--", "cat"]);
    terminal.until_raw("\x1b[H\x1b[2J");
    terminal.type_in("into the cat\r\x04");
    assert_eq!(terminal.ends().code(), Some(0));
    assert!(terminal.raw().contains("[new: exited with 0]"), "{}", terminal.raw());
    assert_eq!(space.json(["show", "new"])["status"], "stopped");
}

#[test]
fn a_full_screen_program_is_there_again() {
    let space = shell();
    let lines = (1..=200).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
    std::fs::write(space.path("long"), lines).unwrap();
    let mut terminal = attached(&space);
    terminal.type_in(&format!("less {}\r", space.path("long").display()));
    terminal.until("line 29");
    terminal.type_in("\x20");
    terminal.until("line 58");
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0));
    assert!(!terminal.screen().is_alternate());
    let mut terminal = Terminal::run(&space, &["attach", "s1"]);
    terminal.until("line 58");
    assert!(terminal.screen().is_alternate());
    assert_eq!(seen(&mut terminal), cells(&space));
    terminal.type_in("q");
    terminal.until("$");
    assert!(!terminal.screen().is_alternate());
}

#[test]
fn colours_and_the_wheel_go_back_at_a_detach_and_come_again() {
    let space = shell();
    let mut terminal = attached(&space);
    leave(&mut terminal);
    for untouched in ["\x1b]104", "\x1b]110", "\x1b]111", "\x1b]112", "\x1b[?1007"] {
        assert!(!terminal.raw().contains(untouched), "{untouched:?}");
    }
    let set = [
        ("]4;1;rgb:ff/00/00", "]104"),
        ("]10;rgb:ee/ee/ee", "]110"),
        ("]11;rgb:10/20/30", "]111"),
        ("]12;rgb:0f/f0/0f", "]112"),
        ("[?1007h", "[?1007l"),
    ];
    let mut terminal = attached(&space);
    let script = set.map(|(on, _)| format!("\\033{on}\\033\\\\")).concat();
    terminal.type_in(&format!("printf '{script}'; echo they are \"s\"et\r"));
    terminal.until("they are set");
    leave(&mut terminal);
    let first = terminal.raw();
    let mut terminal = attached(&space);
    terminal.until("they are set");
    for (on, off) in set {
        assert!(first.contains(&format!("\x1b{off}")), "{off} is not sent at a detach");
        assert!(
            terminal.raw().contains(&format!("\x1b{on}")),
            "{on} does not come again: {:?}",
            terminal.raw()
        );
    }
    leave(&mut terminal);
    assert!(set.iter().all(|(_, off)| terminal.raw().contains(&format!("\x1b{off}"))));
}

#[test]
fn the_key_leaves_at_whatever_moment_it_is_pressed() {
    let space = shell();
    for moment in 0..24 {
        let mut terminal = Terminal::run(&space, &["attach", "s1", "--take"]);
        // Before the terminal is raw, and in the first screen, and while it is lent; what it is is chance.
        terminal.look_on(Duration::from_millis(2 * moment));
        terminal.type_in("\x1c");
        let status = terminal.ends();
        // At first the key is a signal, which ends whoever does not hear it yet.
        let is_end = matches!(status.code(), Some(0 | 131)) || status.signal() == Some(Signal::QUIT.as_raw());
        assert!(is_end, "{status}: {}", terminal.raw());
        assert!(terminal.modes().0.contains(LocalModes::ISIG), "the terminal stays as it was made");
    }
    leave(&mut attached(&space));
}
