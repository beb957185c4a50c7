//! How a client lends its terminal, and has it back also from a holder that is slow.

use std::{os::fd::AsRawFd as _, time::Instant};

use rustix::{
    fs::{Mode, OFlags},
    termios::LocalModes,
};

use super::{
    attaching::{EXITED, attached_to, left},
    support::{Door, PATIENCE},
};
use crate::{
    limits::FRAME_BYTES_MAX,
    screen,
    socket::Frame,
    terminal::{Departure, FromClient, FromHolder, Role, Unfinished},
};

fn returned() -> FromHolder {
    FromHolder::Returned { leaves: false, unfinished: Unfinished::default() }
}

#[test]
fn a_terminal_that_is_taken_and_given_back_late_can_be_lent_again() {
    let (ended, _) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        // The holder is stuck before it answers.
        pair.type_in(b"one");
        assert_eq!(holder.hear(), Some(FromClient::TakeBack));
        assert_eq!(holder.hear(), Some(FromClient::Input(b"one".to_vec())));
        let mut late = Vec::new();
        FromHolder::Borrowed(true).push(&mut late, FRAME_BYTES_MAX);
        returned().push(&mut late, FRAME_BYTES_MAX);
        holder.write(&late);
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))), "the answer was to the offer before");
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        holder.say(&returned());
        holder.print("alive");
        pair.until("alive");
        holder.say(&FromHolder::Exit(EXITED));
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn who_leaves_a_stuck_holder_takes_the_terminal_from_it_before_anything_is_written() {
    let (ended, mut pair) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        pair.until("screen");
        // Nobody reads, so that what is written when it is left has to wait.
        let nonblocking = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY;
        let path = format!("/proc/self/fd/{}", pair.program.as_raw_fd());
        let full = rustix::fs::open(path, nonblocking, Mode::empty()).unwrap();
        while rustix::io::write(&full, &[b'x'; 64]).is_ok() {}
        pair.type_in(b"\x1c");
        assert_eq!(holder.hear(), Some(FromClient::TakeBack));
        let deadline = Instant::now() + PATIENCE;
        while !pair.modes().local_modes.contains(LocalModes::ICANON) {
            assert!(Instant::now() < deadline, "the modes are not set");
        }
        pair.until(str::from_utf8(screen::RESET).unwrap());
    });
    assert_eq!(ended.unwrap(), left(Departure::Detached));
    pair.until("\x1b[999;1H");
}

#[test]
fn a_paste_goes_on_where_the_terminal_comes_back_in_its_middle() {
    let (ended, _) = attached_to(Door::greet, Role::Control, |holder, pair| {
        holder.show("screen");
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))));
        holder.say(&FromHolder::Borrowed(true));
        assert_eq!(holder.hear(), Some(FromClient::GoAhead));
        let unfinished = Unfinished { is_pasting: true, begun: b"\x1b[20".to_vec() };
        holder.say(&FromHolder::Returned { leaves: false, unfinished });
        holder.print("back");
        pair.until("back");
        pair.type_in(b"x \x1c the rest\x1b[201~");
        let rest = b"x \x1c the rest\x1b[201~".to_vec();
        assert_eq!(holder.hear(), Some(FromClient::Input(rest)));
        assert!(matches!(holder.hear(), Some(FromClient::Lend(_))), "now it can be lent again");
        holder.say(&FromHolder::Exit(EXITED));
    });
    assert_eq!(ended.unwrap(), left(Departure::Exited(EXITED)));
}

#[test]
fn an_older_holder_that_gives_a_terminal_back_says_less() {
    for (payload, unfinished) in [
        (&b"\x00"[..], Unfinished::default()),
        (b"\x00\x01\x1b[", Unfinished { is_pasting: true, begun: b"\x1b[".to_vec() }),
    ] {
        let frame = Frame { kind: b'r', payload: payload.to_vec() };
        assert_eq!(FromHolder::of(&frame), Ok(Some(FromHolder::Returned { leaves: false, unfinished })));
    }
}
