use std::{os::fd::AsFd as _, thread, time::Instant};

use super::support::{Door, Holder, PATIENCE, Pair};
use crate::{
    key::DetachKey,
    screen,
    terminal::{
        Connection, Departure, Exited, FromClient, FromHolder, Parting, Place, Refusal, Role, Status,
        TerminalError, Unfinished, View, attach,
    },
};

pub(super) const EXITED: Exited = Exited { code: Some(0), signal: None, asked: false };

/// Attaches in a thread of its own; the test is holder and person at once.
fn attached(role: Role, play: impl FnOnce(&mut Holder, &mut Pair)) -> (Result<Parting, TerminalError>, Pair) {
    attached_to(Door::greet_as_older, role, play)
}

pub(super) fn attached_to(
    greet: impl FnOnce(&Door) -> Holder,
    role: Role,
    play: impl FnOnce(&mut Holder, &mut Pair),
) -> (Result<Parting, TerminalError>, Pair) {
    let door = Door::open();
    let mut pair = Pair::open(30, 100);
    let before = pair.modes();
    let program = pair.program.try_clone().unwrap();
    let ended = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let place = Place { input: program.as_fd(), output: program.as_fd(), is_terminal: true };
            let view = View { role, key: DetachKey::default(), scrollback: 500 };
            attach(Connection::open(&door.socket()).unwrap(), place, view)
        });
        let mut holder = greet(&door);
        let Some(FromClient::Attach(request)) = holder.hear() else { panic!("it does not attach") };
        assert_eq!((request.rows, request.cols, request.role), (30, 100, role));
        assert!(request.is_terminal && request.scrollback == 500);
        play(&mut holder, &mut pair);
        drop(holder);
        client.join().unwrap()
    });
    let after = pair.modes();
    assert_eq!(
        (before.local_modes, before.input_modes, before.output_modes),
        (after.local_modes, after.input_modes, after.output_modes),
        "the modes are as they were"
    );
    (ended, pair)
}

pub(super) fn left(departure: Departure) -> Parting {
    Parting { departure, was_taken: false, was_shown: true }
}

#[test]
fn keys_go_in_and_output_comes_out_until_the_key_leaves() {
    let (ended, mut pair) = attached(Role::Control, |holder, pair| {
        holder.show("the screen");
        pair.until("the screen");
        pair.type_in(b"ls\r\x03");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"ls\r\x03".to_vec())));
        holder.print("a file");
        pair.until("a file");
        pair.type_in(b"x\x1cy");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"x".to_vec())));
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
        assert_eq!(holder.hear(), None);
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
    let reset = String::from_utf8(screen::RESET.to_vec()).unwrap();
    pair.until(&reset);
    pair.until("\x1b[999;1H\r\n");
}

#[test]
fn what_may_be_the_beginning_of_the_key_is_let_go_also_while_the_program_prints() {
    let (ended, _) = attached(Role::Control, |holder, pair| {
        holder.show("the screen");
        pair.type_in(b"\x1b[9");
        let deadline = Instant::now() + PATIENCE;
        while !holder.is_spoken_to() {
            assert!(Instant::now() < deadline, "it is kept back as long as something is printed");
            holder.print("more");
            pair.until("more");
        }
        assert_eq!(holder.hear(), Some(FromClient::Input(b"\x1b[9".to_vec())));
        holder.say(&FromHolder::Exit(EXITED));
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn the_cursor_is_left_below_the_last_row_that_has_something() {
    let (ended, mut pair) = attached(Role::Control, |holder, pair| {
        holder.show("screen");
        pair.until("screen");
        pair.type_in(b"\x1c");
        for answer in ["{}", "one\n\nthree\n"] {
            assert!(matches!(holder.hear(), Some(FromClient::Ask(_))));
            holder.print("more of it");
            holder.say(&FromHolder::Answer { bytes: answer.into(), is_last: true });
        }
        assert_eq!(holder.hear(), Some(FromClient::Detach));
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
    assert!(!pair.until("\x1b[3;1H\r\n").contains("more of it"));
}

#[test]
fn an_exit_shows_the_last_output_first() {
    let (ended, _) = attached(Role::Control, |holder, pair| {
        holder.show("screen");
        holder.print(&"line\r\n".repeat(2_000));
        holder.print("last words");
        holder.say(&FromHolder::Exit(EXITED));
        pair.until("last words");
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn a_holder_that_dies_is_noticed_and_the_terminal_is_put_back() {
    let (ended, _) = attached(Role::Control, |holder, pair| {
        holder.show("screen");
        pair.until("screen");
    });
    assert_eq!(ended.unwrap(), left(Departure::Gone));
}

#[test]
fn who_is_refused_is_told_why() {
    let (ended, mut pair) = attached(Role::Control, |holder, _| {
        let refusal = Refusal { code: "controlled".to_owned(), message: "somebody is there".to_owned() };
        holder.say(&FromHolder::Refused(refusal));
        holder.hear();
    });
    assert!(matches!(ended, Err(TerminalError::Refused { code, .. }) if code == "controlled"));
    assert_eq!(pair.seen_so_far(), "", "the screen is untouched");
}

#[test]
fn an_observer_types_nothing_and_leaves_by_the_key_or_by_ctrl_c() {
    for key in [b"\x1c", b"\x03"] {
        let (ended, _) = attached(Role::Observe, |holder, pair| {
            holder.show("screen");
            pair.until("screen");
            pair.type_in(b"rm -rf .\r");
            pair.type_in(key);
            assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
        });
        assert_eq!(ended.unwrap(), left(Departure::Detached));
    }
}

#[test]
fn who_lost_control_types_nothing_until_it_is_back() {
    let status = |controls| FromHolder::Status(Status { controls, rows: 24, cols: 80 });
    let (ended, _) = attached(Role::Take, |holder, pair| {
        holder.show("screen");
        holder.say(&status(true));
        holder.say(&status(false));
        pair.until("somebody else has taken control");
        pair.type_in(b"lost");
        holder.print("marker");
        pair.until("marker");
        holder.say(&status(true));
        holder.print("again");
        pair.until("again");
        pair.type_in(b"kept");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"kept".to_vec())));
        holder.say(&status(false));
        pair.until("somebody else has taken control");
        pair.type_in(b"\x1c");
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
    });
    assert_eq!(ended.unwrap(), Parting { departure: Departure::Detached, was_taken: true, was_shown: true });
}

#[test]
fn a_screen_that_comes_anew_replaces_what_was_shown() {
    let (_, mut pair) = attached(Role::Control, |holder, pair| {
        holder.show("first");
        let part = |text: &str, is_last| FromHolder::Snapshot { offset: 9, bytes: text.into(), is_last };
        holder.say(&part("sec", false));
        holder.say(&part("ond", true));
        let seen = pair.until("second");
        assert!(seen.contains("first") && seen.ends_with("\x1b[H\x1b[2Jsecond"), "{seen:?}");
        holder.say(&FromHolder::Exit(EXITED));
    });
    pair.until("\r\n");
}

#[test]
fn a_terminal_that_takes_nothing_does_not_keep_anybody_from_leaving() {
    let (ended, _) = attached(Role::Control, |holder, pair| {
        holder.show("screen");
        pair.until("screen");
        // More than a terminal keeps, and nobody looks at it.
        holder.print(&"x".repeat(64 << 10));
        pair.type_in(b"key\x1c");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"key".to_vec())));
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
}

#[test]
fn a_paste_larger_than_every_queue_arrives() {
    let (ended, _) = attached(Role::Control, |holder, pair| {
        holder.show("screen");
        pair.until("screen");
        thread::scope(|scope| {
            let person = &pair.person;
            scope.spawn(move || {
                let chunk = [b'p'; 1_000];
                for _ in 0..1_000 {
                    assert_eq!(rustix::io::write(person, &chunk), Ok(chunk.len()));
                }
            });
            let mut heard = 0;
            while heard < 1_000_000 {
                match holder.hear() {
                    Some(FromClient::Input(bytes)) => heard += bytes.len(),
                    other => panic!("{other:?}"),
                }
            }
        });
        holder.say(&FromHolder::Exit(EXITED));
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn without_a_terminal_what_is_printed_streams_out() {
    let door = Door::open();
    let (read, write) = std::io::pipe().unwrap();
    let nothing = std::fs::File::open("/dev/null").unwrap();
    let ended = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let place = Place { input: nothing.as_fd(), output: write.as_fd(), is_terminal: false };
            let view = View { role: Role::Observe, key: DetachKey::default(), scrollback: 0 };
            attach(Connection::open(&door.socket()).unwrap(), place, view)
        });
        let mut holder = door.greet();
        holder.hear();
        holder.show("screen ");
        let long = "x".repeat(1 << 20);
        let printer = scope.spawn(move || {
            holder.print(&long);
            holder.say(&FromHolder::Exit(EXITED));
        });
        let mut seen = vec![0; 7 + (1 << 20)];
        std::io::Read::read_exact(&mut &read, &mut seen).unwrap();
        assert!(seen.starts_with(b"screen xxx"));
        printer.join().unwrap();
        client.join().unwrap()
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn a_reader_that_closed_its_pipe_ends_it() {
    let door = Door::open();
    let (read, write) = std::io::pipe().unwrap();
    let nothing = std::fs::File::open("/dev/null").unwrap();
    let ended = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let place = Place { input: nothing.as_fd(), output: write.as_fd(), is_terminal: false };
            let view = View { role: Role::Observe, key: DetachKey::default(), scrollback: 0 };
            attach(Connection::open(&door.socket()).unwrap(), place, view)
        });
        let mut holder = door.greet();
        holder.hear();
        drop(read);
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
        client.join().unwrap()
    });
    assert_eq!(ended.unwrap(), Parting { was_shown: false, ..left(Departure::Detached) });
}

#[test]
fn a_terminal_that_is_not_taken_is_used_as_ever() {
    let (ended, _) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.print("meanwhile");
        holder.say(&FromHolder::Borrowed(false));
        pair.until("meanwhile");
        pair.type_in(b"key\x1c");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"key".to_vec())));
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
}

#[test]
fn a_holder_that_took_the_terminal_and_is_stuck_keeps_nobody() {
    let (ended, _) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.print("shown before it is handed over");
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        pair.until("handed over");
        pair.type_in(b"key\x1c");
        assert_eq!(holder.hear(), Some(FromClient::TakeBack));
        assert_eq!(holder.hear(), Some(FromClient::Input(b"key".to_vec())));
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
}

#[test]
fn what_was_not_shown_comes_back_with_the_terminal() {
    let (ended, mut pair) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        holder.say(&FromHolder::Undo(b"\x1b]104\x1b\\".to_vec()));
        holder.print("the rest");
        holder.say(&FromHolder::Returned { leaves: false, unfinished: Unfinished::default() });
        pair.until("the rest");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))), "it is lent again");
        holder.say(&FromHolder::Returned { leaves: true, unfinished: Unfinished::default() });
        assert_eq!(holder.hear_no_question(), Some(FromClient::Detach));
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
    pair.until("\x1b]104\x1b\\");
}

#[test]
fn a_terminal_that_is_given_back_late_is_not_lent_twice() {
    let (ended, _) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        pair.type_in(b"one");
        assert_eq!(holder.hear(), Some(FromClient::TakeBack));
        assert_eq!(holder.hear(), Some(FromClient::Input(b"one".to_vec())));
        holder.print("still here");
        pair.until("still here");
        pair.type_in(b"two");
        assert_eq!(holder.hear(), Some(FromClient::Input(b"two".to_vec())), "it is not offered meanwhile");
        holder.say(&FromHolder::Returned { leaves: false, unfinished: Unfinished::default() });
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))), "now it can be");
        holder.say(&FromHolder::Exit(EXITED));
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}
