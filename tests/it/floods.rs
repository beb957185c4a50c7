//! What a session does while its program prints without end: another thread takes that in, and nobody notices but by the
//! time it takes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test waits for one message and passes over the others"
)]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use wharf::terminal::{Attach, Connection, FromClient, FromHolder, Mood, PROTOCOL, Question, Role};

use crate::support::Workspace;

const LIMIT: Duration = Duration::from_mins(1);

/// A session `s1` whose program does something when it is told to go on.
fn waiting_to(script: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[terminal]\nquiet = 0\n").unwrap();
    let script = format!("stty -echo; echo begun; read go; {script}");
    space.run(["start", "s1", "--", "sh", "-c", &script]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "60s"]).succeeds();
    space
}

/// Somebody who is shown everything, and says that the program is to go on.
fn go(space: &Workspace) -> Connection {
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    let role = Role::Control;
    let attach = Attach { protocol: PROTOCOL, role, rows: 24, cols: 80, scrollback: 0, is_terminal: false };
    client.send(&FromClient::Attach(attach)).unwrap();
    client.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    client
}

/// Reads until some text is shown, or the program ends.
fn until(client: &mut Connection, text: &str) {
    let mut last = Vec::new();
    while !String::from_utf8_lossy(&last).contains(text) {
        match client.receive(Some(LIMIT)).unwrap().expect("the holder says something") {
            FromHolder::Output { bytes, .. } | FromHolder::Snapshot { bytes, .. } => {
                last.drain(..last.len().saturating_sub(text.len()));
                last.extend(bytes);
            }
            FromHolder::Exit(_) => return,
            _ => (),
        }
    }
}

/// Waits until the holder has such a thread, or has none.
#[track_caller]
fn until_threaded(holder: u32, is_wanted: bool) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let tasks = fs::read_dir(format!("/proc/{holder}/task")).unwrap();
        // One that ends meanwhile has no name any more.
        let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let names: Vec<String> = names.collect();
        if names.iter().any(|name| name.trim() == "intake") == is_wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{names:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_flood_has_a_thread_of_its_own_which_ends_when_the_program_rests() {
    let space = waiting_to("until [ -e enough ]; do seq 1 20000; done; echo all-printed; exec cat");
    let holder = Connection::open(&space.socket("s1")).unwrap().info().unwrap().holder;
    until_threaded(holder, false);
    let mut client = go(&space);
    let reader = thread::spawn(move || {
        until(&mut client, "all-printed");
        client
    });
    until_threaded(holder, true);
    // What is asked meanwhile is answered.
    let shown = Connection::open(&space.socket("s1")).unwrap().ask(Question::Text).unwrap();
    assert!(!shown.is_empty());
    fs::write(space.worktree("s1").join("enough"), "").unwrap();
    let client = reader.join().unwrap();
    until_threaded(holder, false);
    let shown = Connection::open(&space.socket("s1")).unwrap().ask(Question::Text).unwrap();
    assert!(String::from_utf8(shown).unwrap().ends_with("19999\n20000\nall-printed"));
    drop(client);
}

#[test]
fn what_a_program_asks_in_a_flood_is_answered_when_it_pauses() {
    let asks = "stty raw min 1 time 0; seq 1 60000; printf '\\r\\033[6n'; seq 1 60000";
    let space = waiting_to(&format!(
        "{asks}; dd bs=32 count=1 of=answer 2>/dev/null; mv answer answered; sleep 3000"
    ));
    // Somebody who only types is no terminal, and answers nothing.
    let mut client = Connection::open(&space.socket("s1")).unwrap();
    client.send(&FromClient::Input(b"go\n".to_vec())).unwrap();
    let answered = space.worktree("s1").join("answered");
    let deadline = Instant::now() + LIMIT;
    while !answered.exists() {
        assert!(Instant::now() < deadline, "nobody answers");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(fs::read_to_string(answered).unwrap(), "\x1b[24;1R");
}

#[test]
fn a_bell_behind_a_flood_is_a_wait() {
    let space = waiting_to("seq 1 100000; printf 'all-printed\\a'; exec cat");
    let mut client = go(&space);
    until(&mut client, "all-printed\x07");
    assert_eq!(client.info().unwrap().mood, Some(Mood::Waiting));
}

#[test]
fn all_of_a_flood_is_on_the_disk_when_its_end_is_told() {
    let space = waiting_to("seq 1 300000");
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let mut client = go(&space);
    until(&mut client, "no such text");
    let log = fs::read_to_string(space.path(&format!(".wharf/sessions/{id}/output.log"))).unwrap();
    let expected = (1..=300_000).map(|number| format!("{number}\r\n")).collect::<Vec<_>>().concat();
    let expected = format!("begun\r\n{expected}");
    assert!(log == expected, "{} bytes of {}", log.len(), expected.len());
}
