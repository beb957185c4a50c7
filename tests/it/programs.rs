//! Real programs in real terminals: whoever comes back sees what was there, cell by cell, and the person's own terminal is
//! left as it was found.

use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Ran, Workspace,
    pty::Terminal,
    shown::{agreed, lines, odd_modes},
};

/// A workspace with a session in which a program runs; nothing, and a word about it, when it is not installed.
fn running(command: &[&str], prepare: impl FnOnce(&Workspace)) -> Option<Workspace> {
    let paths = env::var_os("PATH").unwrap();
    if !env::split_paths(&paths).any(|folder| folder.join(command[0]).is_file()) {
        eprintln!("left out: `{}` is not installed", command[0]);
        return None;
    }
    let space = Workspace::with_sessions(1);
    prepare(&space);
    let mut args = vec!["start", "s1", "--"];
    args.extend(command);
    let output = space.command().env("LC_ALL", "C.UTF-8").args(args).output().unwrap();
    Ran { output }.succeeds();
    Some(space)
}

fn with_long_file(space: &Workspace) {
    let line = |number: usize| format!("line {number} \u{4e16}\u{754c} {}\n", "x".repeat(number % 150));
    let lines: Vec<String> = (1..=5_000).map(line).collect();
    fs::write(space.worktree("s1").join("long"), lines.concat()).unwrap();
}

/// Waits until a program has drawn its first picture: another size while it begins is more than some bear.
#[track_caller]
fn begun(space: &Workspace, mark: &str) {
    space.run(["wait", "s1", "--for", &format!("text:{mark}"), "--timeout", "30s"]).succeeds();
}

fn attach(space: &Workspace) -> Terminal {
    Terminal::run(space, &["attach", "s1"])
}

/// Leaves, and makes sure that the terminal is an ordinary one again.
#[track_caller]
fn leave(mut terminal: Terminal) {
    terminal.type_in("\x1c");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.raw());
    let screen = terminal.screen();
    assert!(!screen.is_alternate() && screen.cursor().visible, "{}", screen.text());
    assert_eq!(odd_modes(screen), Vec::<String>::new());
}

/// Leaves and comes back: the picture and all modes are those that were there before.
#[track_caller]
fn leave_and_return(mut terminal: Terminal, space: &Workspace) -> Terminal {
    let before = agreed(&mut terminal, space, "s1");
    let modes = odd_modes(terminal.screen());
    let size = terminal.screen().size();
    leave(terminal);
    assert_eq!(space.json(["screen", "s1"]), before, "leaving changed the screen");
    let mut terminal = Terminal::run_in(space, &["attach", "s1"], size);
    assert_eq!(agreed(&mut terminal, space, "s1"), before);
    assert_eq!(odd_modes(terminal.screen()), modes);
    terminal
}

/// Sends a signal to the program of the session.
fn signal(space: &Workspace, signal: Signal) {
    let pid = space.json(["show", "s1"])["ptyPid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_shell_is_there_again_with_the_line_that_was_begun() {
    let Some(space) = running(&["bash", "--norc", "--noprofile"], |_| ()) else {
        return;
    };
    let mut terminal = attach(&space);
    terminal.type_in("PS1='\\[\\033[1;32m\\]ready\\[\\033[0m\\]> '; clear\r");
    terminal.until("ready>");
    terminal.type_in("printf '\\033]2;the title\\007'; ls --color=always /\r");
    terminal.until("usr");
    terminal.type_in("echo \u{4e16}\u{754c} one two three\x01\x1bf\x1bf");
    terminal.until("echo \u{4e16}\u{754c} one two three");
    let mut terminal = leave_and_return(terminal, &space);
    assert_eq!(terminal.screen().title(), Some("the title"));
    assert!(terminal.screen().takes_bracketed_paste());
    terminal.type_in("\u{e9}\r");
    terminal.until("\n\u{4e16}\u{754c}\u{e9} one two three");
    // A search in the history that is left open, at a line that is longer than the terminal is wide.
    terminal.type_in(&format!(": {}\r\x12: aaa", "a".repeat(250)));
    terminal.until("(reverse-i-search)`: aaa'");
    let mut terminal = leave_and_return(terminal, &space);
    terminal.type_in("\x07echo found\r");
    terminal.until("\nfound");
    leave(terminal);
}

#[test]
fn a_shell_keeps_its_rows_when_the_size_changes() {
    let Some(space) = running(&["bash", "--norc", "--noprofile"], |_| ()) else {
        return;
    };
    let mut terminal = attach(&space);
    terminal.type_in("PS1='ready> '; clear; seq -f 'row %g of some' 40\r");
    terminal.until("row 40 of some\nready>");
    for (rows, cols) in [(40, 120), (12, 60), (50, 30), (30, 100)] {
        agreed(&mut terminal, &space, "s1");
        terminal.resize(rows, cols);
        terminal.type_in(&format!("stty size | sed 's/ / times /' # {rows}\r"));
        terminal.until(&format!("{rows} times {cols}\nready>"));
        agreed(&mut terminal, &space, "s1");
        terminal = leave_and_return(terminal, &space);
    }
    leave(terminal);
}

/// Has the pager find a text; returns when it has drawn all of it and waits for the next key.
fn find(terminal: &mut Terminal, text: &str) {
    terminal.type_in(&format!("/{text}\r"));
    let first = format!("{text} \u{4e16}");
    terminal.until_so(text, |terminal| {
        let shown = terminal.seen().text();
        shown.contains(&first) && shown.trim_end().ends_with("\n:")
    });
}

#[test]
fn a_pager_is_there_again() {
    let Some(space) = running(&["less", "-R", "long"], with_long_file) else {
        return;
    };
    begun(&space, "line 1 ");
    let mut terminal = attach(&space);
    // A key that comes before it has drawn anew is lost to it.
    terminal.until_so("the picture in this terminal's size", |terminal| terminal.seen().cursor().row == 29);
    find(&mut terminal, "line 2500");
    let mut terminal = leave_and_return(terminal, &space);
    assert!(terminal.screen().is_alternate());
    terminal.resize(45, 70);
    terminal.until_so("the picture in its new size", |terminal| terminal.seen().cursor().row == 44);
    terminal.type_in("g");
    terminal.until("line 1 ");
    find(&mut terminal, "line 4000");
    let mut terminal = leave_and_return(terminal, &space);
    terminal.type_in("q");
    assert_eq!(terminal.ends().code(), Some(0));
    assert!(!terminal.screen().is_alternate());
    assert_eq!(odd_modes(terminal.screen()), Vec::<String>::new());
}

#[test]
fn an_editor_is_there_again_with_what_was_typed() {
    let command = ["vim", "-u", "NONE", "-i", "NONE", "-N", "-n", "long"];
    let Some(space) = running(&command, with_long_file) else {
        return;
    };
    begun(&space, "line 1 ");
    let mut terminal = attach(&space);
    terminal.until("line 29 ");
    terminal.type_in(":set number mouse=a hlsearch ruler showmode title\r:split\r:2500\r/x\\{9}\r");
    terminal.until(" 2500 ");
    terminal.type_in("Otyped \u{4e16}\u{754c} by a person");
    terminal.until("typed \u{4e16}\u{754c} by a person");
    let mut terminal = leave_and_return(terminal, &space);
    assert!(terminal.screen().is_alternate());
    let modes = odd_modes(terminal.screen());
    assert!(modes.iter().any(|mode| mode == "[?1006h"), "the mouse is the editor's: {modes:?}");
    terminal.resize(50, 140);
    terminal.type_in(", twice\x1b:vsplit\r");
    terminal.until(", twice");
    let mut terminal = leave_and_return(terminal, &space);
    terminal.resize(15, 50);
    terminal.type_in("Vjj");
    terminal.until("VISUAL LINE");
    let mut terminal = leave_and_return(terminal, &space);
    terminal.type_in("\x1b:wqa\r");
    assert_eq!(terminal.ends().code(), Some(0), "{}", terminal.raw());
    let written = fs::read_to_string(space.worktree("s1").join("long")).unwrap();
    assert!(written.contains("\ntyped \u{4e16}\u{754c} by a person, twice\n"));
}

#[test]
fn what_draws_by_itself_is_there_again() {
    let watch = ["watch", "-n", "0.5", "-t", "date +%s.%N; ls -la / | head -20"];
    for (command, mark) in [(&["top", "-d", "0.5"][..], "PID"), (&watch, "drwx")] {
        let Some(space) = running(command, |_| ()) else {
            continue;
        };
        begun(&space, mark);
        let mut terminal = attach(&space);
        // It goes on while the sizes change and people come and go; held still, everybody has the same picture.
        for (rows, cols) in [(40, 130), (20, 80)] {
            terminal.resize(rows, cols);
            terminal.until(mark);
            signal(&space, Signal::STOP);
            terminal = leave_and_return(terminal, &space);
            signal(&space, Signal::CONT);
            let before = terminal.screen().rows();
            terminal.until_so("the next picture", |terminal| terminal.seen().rows() != before);
        }
        leave(terminal);
    }
}

#[test]
fn ten_thousand_rows_of_scrollback_come_back() {
    let Some(space) = running(&["bash", "--norc", "--noprofile"], |_| ()) else {
        return;
    };
    let mut terminal = attach(&space);
    terminal.type_in("PS1='ready> '; clear; seq 10000\r");
    terminal.until("\n10000\nready>");
    leave(terminal);
    for _ in 0..2 {
        let mut terminal = attach(&space);
        terminal.until("\n10000\nready>");
        agreed(&mut terminal, &space, "s1");
        let kept = lines(terminal.screen());
        let first = kept.iter().position(|line| line == "1").expect("the first line is there");
        let numbers: Vec<String> = (1..=10_000).map(|number: u32| number.to_string()).collect();
        assert_eq!(kept[first..first + 10_000], numbers);
        leave(terminal);
    }
}

#[test]
fn a_person_comes_and_goes_in_one_terminal_which_stays_as_it_was() {
    let Some(space) = running(&["bash", "--norc", "--noprofile"], with_long_file) else {
        return;
    };
    let mut terminal = Terminal::shell(&space);
    terminal.until("person>");
    terminal.type_in("stty -ixon intr ^Y; echo typed before\r");
    terminal.until("\ntyped before\nperson>");
    let told = |terminal: &mut Terminal| {
        terminal.type_in("clear; stty -a\r");
        terminal.until("-echoprt");
        terminal.until("\nperson>")
    };
    let before = told(&mut terminal);
    let modes_at_a_prompt = odd_modes(terminal.screen());
    for setting in [
        "less long",
        "printf '\\033[?1000h\\033[?1002h\\033[?1003h\\033[?1006h\\033[?2004h\\033[?1004h\\033[>7u\\033[>4;1m\\033[?25l\\033[?7l\\033[5;9r\\033[?1h\\033='; cat",
        "printf '\\033[?1049h\\033[>7u\\033[2;20r\\033[?6h\\033[?2026h\\033(0half'; cat",
    ] {
        terminal.type_in("clear; wharf attach s1\r");
        terminal.until_raw("\x1b[H\x1b[2J");
        space.until_attached("s1", 1);
        terminal.type_in(&format!("{setting}\r"));
        let set = |terminal: &Terminal| terminal.seen().is_alternate() || !terminal.seen().cursor().visible;
        terminal.until_so(setting, set);
        agreed(&mut terminal, &space, "s1");
        assert_ne!(odd_modes(terminal.screen()), modes_at_a_prompt, "{setting}");
        terminal.type_in("\x1c");
        terminal.until("[s1: detached]\nperson>");
        assert_eq!(told(&mut terminal), before, "after {setting}");
        assert_eq!(odd_modes(terminal.screen()), modes_at_a_prompt, "after {setting}");
        assert!(!terminal.screen().is_alternate() && terminal.screen().cursor().visible);
        space.run(["restart", "s1"]).succeeds();
    }
    space.until_attached("s1", 0);
}
