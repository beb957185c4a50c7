//! Taking control where as many are attached as may be.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::fs;

use rustix::termios::LocalModes;
use wharf::terminal::{Attach, Connection, FromClient, FromHolder, PROTOCOL, Refusal, Role};

use crate::support::{
    Workspace,
    contexts::eventually,
    pty::{PATIENCE, Terminal},
};

/// A session to which so many may be attached. Its program prints much when it is told to go on.
fn with_places(clients: usize) -> Workspace {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), format!("[terminal]\nclients = {clients}\n")).unwrap();
    space
        .run([
            "start",
            "s1",
            "--",
            "sh",
            "-c",
            "echo begun; read -r it; [ $it != go ] || seq 1 300000; echo $it; exec cat",
        ])
        .succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
    space
}

fn attach(space: &Workspace, role: Role) -> Connection {
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    client
}

/// Waits for its screen, or why it gets none.
fn outcome(client: &mut Connection) -> Result<(), Refusal> {
    loop {
        match client.receive(Some(PATIENCE)).unwrap().expect("it comes in time") {
            FromHolder::Snapshot { is_last: true, .. } => return Ok(()),
            FromHolder::Refused(refusal) => return Err(refusal),
            _ => (),
        }
    }
}

fn is_refused(client: &mut Connection) -> bool {
    outcome(client).is_err_and(|refusal| refusal.code == "full")
}

#[test]
fn who_takes_control_has_the_place_of_who_controlled() {
    let space = with_places(1);
    let mut first = Terminal::run(&space, &["attach", "s1"]);
    first.until("begun");
    space.run(["attach", "s1", "--observe"]).fails(4).says("--take");
    let mut second = Terminal::run(&space, &["attach", "s1", "--take"]);
    second.until("begun");
    second.type_in("second\r");
    second.until("second");
    assert!(first.ends().success());
    assert!(first.raw().contains("[s1: detached, somebody else took control, and no more may be attached]"));
    assert!(
        first.modes().0.contains(LocalModes::ICANON | LocalModes::ECHO),
        "the terminal is as it was before"
    );
    assert!(space.run(["screen", "s1"]).succeeds().stdout().contains("second"));
}

#[test]
fn who_takes_control_of_what_only_lookers_on_are_attached_to_has_the_place_of_the_oldest() {
    let space = with_places(2);
    let (mut oldest, mut newest) = (attach(&space, Role::Observe), attach(&space, Role::Observe));
    assert_eq!((outcome(&mut oldest), outcome(&mut newest)), (Ok(()), Ok(())));
    for role in [Role::Control, Role::Observe] {
        assert!(is_refused(&mut attach(&space, role)), "{role:?} takes nobody's place");
    }
    let mut taker = attach(&space, Role::Take);
    assert_eq!(outcome(&mut taker), Ok(()));
    assert!(is_refused(&mut oldest));
    taker.send(&FromClient::Input(b"typed\n".to_vec())).unwrap();
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("typed\r\ntyped") {
        match newest.receive(Some(PATIENCE)).unwrap().expect("who stays is shown what is typed") {
            FromHolder::Output { bytes, .. } | FromHolder::Snapshot { bytes, .. } => shown.extend(bytes),
            FromHolder::Refused(refusal) => panic!("{refusal:?}"),
            _ => (),
        }
    }
}

#[test]
fn who_does_not_read_learns_all_the_same_that_its_place_was_taken() {
    let space = with_places(1);
    let mut first = attach(&space, Role::Control);
    assert_eq!(outcome(&mut first), Ok(()));
    first.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    // Whoever waits for a text is attached too, and finds no place.
    let shown = || space.run(["screen", "s1"]).succeeds().stdout();
    eventually("the program is done", || shown().contains("300000"));
    let mut taker = attach(&space, Role::Take);
    assert_eq!(outcome(&mut taker), Ok(()));
    let mut controls = true;
    let refusal = loop {
        match first.receive(Some(PATIENCE)).unwrap().expect("it is told why") {
            FromHolder::Status(status) => controls = status.controls,
            FromHolder::Refused(refusal) => break refusal,
            _ => (),
        }
    };
    assert_eq!((refusal.code.as_str(), controls), ("full", false));
    // What it types now is nobody's.
    first.send(&FromClient::Input(b"typed in vain\n".to_vec())).unwrap();
    taker.send(&FromClient::Input(b"typed\n".to_vec())).unwrap();
    eventually("what is typed is shown", || shown().contains("typed\ntyped"));
    assert!(!shown().contains("in vain"));
}
