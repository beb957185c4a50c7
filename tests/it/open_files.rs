//! What a holder and its program have open: nothing of whoever started them; and what happens when nothing more goes in.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs::{self, File},
    io::Read as _,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Resource, Rlimit};
use wharf::terminal::{Attach, Connection, FromClient, FromHolder, PROTOCOL, Role};

use crate::support::{Workspace, pty::PATIENCE};

/// What the descriptors of a process stand for, by their numbers.
fn open_files(pid: u64) -> Vec<(u64, PathBuf)> {
    let listed = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap());
    let number = |entry: &fs::DirEntry| entry.file_name().to_str().unwrap().parse().unwrap();
    // One may be closed meanwhile.
    let mut found: Vec<_> =
        listed.filter_map(|entry| Some((number(&entry), fs::read_link(entry.path()).ok()?))).collect();
    found.sort_unstable();
    found
}

#[test]
fn nothing_of_whoever_starts_a_holder_is_open_in_it_or_in_its_program() {
    let space = Workspace::with_sessions(1);
    let file = space.path("somebodys-file");
    File::create(&file).unwrap();
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let wharf = space.command();
    let mut command = Command::new("sh");
    // Both stay open over an exec; the standard streams are closed altogether.
    command.args(["-c", "exec 7<>\"$0\" 9<&0 0<&- 1>&- 2>&-; exec \"$@\""]).arg(&file);
    command.arg(wharf.get_program()).args(["start", "s1", "--", "sleep", "3000"]);
    command.env_clear().current_dir(space.root()).stdin(OwnedFd::from(theirs));
    for (key, value) in wharf.get_envs() {
        command.env(key, value.unwrap());
    }
    let mut child = command.spawn().unwrap();
    // It is in this value too.
    drop(command);
    assert!(child.wait().unwrap().success());
    // Whoever waits for the end of what they handed over has it now.
    assert_eq!(ours.read(&mut [0; 1]).unwrap(), 0);

    let shown = space.json(["show", "s1"]);
    let (holder, program) = (shown["holder"]["pid"].as_u64().unwrap(), shown["ptyPid"].as_u64().unwrap());
    let program = open_files(program);
    assert_eq!(program.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2], "{program:?}");
    assert!(program.iter().all(|(_, what)| what.starts_with("/dev/pts")), "{program:?}");
    let holder = open_files(holder);
    for (number, what) in &holder {
        assert_ne!(what, &file, "{holder:?}");
        assert_eq!(*number < 3, what.to_str() == Some("/dev/null"), "{holder:?}");
    }
}

fn attached(space: &Workspace, role: Role) -> Connection {
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let size = (24, 80);
    let attach =
        Attach { protocol: PROTOCOL, role, rows: size.0, cols: size.1, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    until(&mut client, |message| matches!(message, FromHolder::Snapshot { is_last: true, .. }));
    client
}

#[track_caller]
fn until(client: &mut Connection, mut is_it: impl FnMut(FromHolder) -> bool) {
    while !is_it(client.receive(Some(PATIENCE)).unwrap().expect("it comes in time")) {}
}

/// Types a word, which comes back.
#[track_caller]
fn echoes(client: &mut Connection, word: &str) {
    client.send(&FromClient::Input(format!("{word}\n").into_bytes())).unwrap();
    let mut printed = Vec::new();
    until(client, |message| match message {
        FromHolder::Output { bytes, .. } => {
            printed.extend(bytes);
            String::from_utf8_lossy(&printed).contains(&format!("{word}\r\n{word}"))
        }
        _ => false,
    });
}

/// Lets a process open so many more.
fn leave_room(pid: u64, files: usize) {
    let taken: Vec<u64> = open_files(pid).into_iter().map(|(number, _)| number).collect();
    let most = (0..).filter(|number| !taken.contains(number)).nth(files).unwrap();
    let process = Pid::from_raw(i32::try_from(pid).unwrap());
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    rustix::process::prlimit(process, Resource::Nofile, limit).unwrap();
}

#[test]
fn a_holder_that_can_open_nothing_more_serves_those_it_has_and_others_wait() {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "cat"]).succeeds();
    let socket = space.socket("s1");
    let mut first = attached(&space, Role::Control);
    echoes(&mut first, "begun");
    let holder = space.json(["show", "s1"])["holder"]["pid"].as_u64().unwrap();
    space.until_attached("s1", 1);
    // By then the holder has let the connection of whoever looked go.
    echoes(&mut first, "settled");
    leave_room(holder, 1);
    let second = attached(&space, Role::Observe);

    let knocks = thread::Builder::new().name("third".to_owned());
    let third = knocks.spawn(move || Connection::open_within(&socket, PATIENCE)).unwrap();
    // Nobody is told that somebody knocks; the words are answered before, while and after that.
    for round in 0..20 {
        echoes(&mut first, &format!("round-{round}"));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!third.is_finished(), "there is no room for it");
    space.run(["screen", "s1"]).fails(7);
    drop(second);
    let third = third.join().unwrap().unwrap();
    echoes(&mut first, "there-again");
    drop(third);
    space.run(["screen", "s1"]).succeeds().says("there-again");
    space.run(["stop", "s1"]).succeeds();
}
