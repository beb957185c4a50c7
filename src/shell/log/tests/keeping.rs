//! Whether what is kept is what is loaded and told again.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use super::support::{Place, changes, end, kept, moment};
use crate::shell::{
    Finish, Ground, ShellError, Stream,
    log::{Entry, Kept, Late, Loaded, Outcome, Written, history, summary},
};

#[test]
fn what_commands_changed_is_loaded_again() {
    let place = Place::new();
    let mut log = place.log();
    for (text, change) in [
        ("cd /tmp; A=1", changes(&[("directory", "/tmp"), ("variable:A", "1")], &[])),
        ("unset A; B=2", changes(&[("variable:B", "2")], &["variable:A"])),
    ] {
        let number = log.input("bash", Ground::Kept, text.as_bytes()).unwrap();
        end(&mut log, number, &change);
    }
    drop(log);
    let loaded = Loaded {
        interpreter: Some("bash".to_owned()),
        changes: changes(&[("directory", "/tmp"), ("variable:B", "2")], &["variable:A"]),
        applied: 2,
        later: ["directory", "variable:A", "variable:B"].map(str::to_owned).into(),
        is_index_rebuilt: true,
        ..Loaded::default()
    };
    assert_eq!(place.plan(), loaded);
    assert_eq!(place.open().1, loaded);
    assert_eq!(place.plan(), Loaded { is_index_rebuilt: false, ..loaded });
}

#[test]
fn a_load_begins_at_the_last_checkpoint() {
    let place = Place::new();
    let mut log = place.log();
    let first = log.input("bash", Ground::Kept, b"one").unwrap();
    end(&mut log, first, &changes(&[("a", "1")], &[]));
    log.checkpoint("bash", &changes(&[("a", "whole")], &[])).unwrap();
    let second = log.input("bash", Ground::Kept, b"two").unwrap();
    end(&mut log, second, &changes(&[("b", "1")], &[]));
    assert_eq!((first, second), (1, 4));
    let loaded = place.plan();
    assert_eq!((loaded.checkpoint, loaded.applied, loaded.is_index_rebuilt), (Some(3), 1, false));
    assert_eq!(loaded.changes, changes(&[("a", "whole"), ("b", "1")], &[]));
}

#[test]
fn a_fresh_context_forgets_what_was_before() {
    let place = Place::new();
    let mut log = place.log();
    let first = log.input("bash", Ground::Kept, b"one").unwrap();
    end(&mut log, first, &changes(&[("a", "1")], &[]));
    let second = log.input("python", Ground::Fresh, b"two").unwrap();
    let loaded = place.plan();
    assert_eq!((loaded.changes, loaded.unfinished), (changes(&[], &[]), Some(second)));
    assert_eq!((loaded.interpreter.as_deref(), loaded.checkpoint), (Some("python"), Some(second + 1)));
    end(&mut log, second, &changes(&[("b", "1")], &[]));
    let loaded = place.plan();
    assert_eq!((loaded.changes, loaded.unfinished), (changes(&[("b", "1")], &[]), None));
}

#[test]
fn the_history_has_every_command_with_all_that_came_of_it() {
    let place = Place::new();
    let mut log = place.log();
    let first = log.input("bash", Ground::Kept, b"one \xff").unwrap();
    let cut = Kept { head: b"be\n".to_vec(), tail: b"\xffnd".to_vec(), bytes: 1_000 };
    let ran = Written {
        code: 130,
        finish: Finish::Cancelled,
        session_ended: true,
        duration: Duration::from_micros(1_234),
        stdout: &cut,
        stderr: &kept("\u{1b}[1mno".as_bytes()),
        changes: &changes(&[("a", "1")], &["b"]),
        lost: &["function:f".to_owned()],
    };
    log.output(first, &ran).unwrap();
    let second = log.input("sh", Ground::Fresh, b"two").unwrap();
    log.late(first, Stream::Stderr, b"later").unwrap();
    log.late(first, Stream::Stdout, b"\xfe").unwrap();
    let outcome = Outcome {
        at: moment(1),
        code: 130,
        finish: Finish::Cancelled,
        session_ended: true,
        duration: Duration::from_micros(1_234),
        stdout: cut.clone(),
        stderr: kept("\u{1b}[1mno".as_bytes()),
        changes: changes(&[("a", "1")], &["b"]),
        lost: vec!["function:f".to_owned()],
    };
    let late = [
        Late { at: moment(3), stream: Stream::Stderr, text: b"later".to_vec(), is_cut: false },
        Late { at: moment(4), stream: Stream::Stdout, text: b"\xfe".to_vec(), is_cut: false },
    ];
    let one = Entry {
        number: first,
        at: moment(0),
        interpreter: "bash".to_owned(),
        ground: Ground::Kept,
        command: b"one \xff".to_vec(),
        outcome: Some(outcome),
        late: late.into(),
    };
    let two = Entry {
        number: second,
        at: moment(2),
        interpreter: "sh".to_owned(),
        ground: Ground::Fresh,
        command: b"two".to_vec(),
        outcome: None,
        late: Vec::new(),
    };
    assert_eq!(place.newest_first(), [two.clone(), one.clone()]);
    let forwards = history(&place.folder()).unwrap().oldest_first().unwrap();
    assert_eq!(forwards.map(Result::unwrap).collect::<Vec<_>>(), [one, two]);
}

#[test]
fn the_summary_is_the_same_with_and_without_the_writer() {
    let place = Place::new();
    assert_eq!(summary(&place.folder(), Place::id()).unwrap(), None);
    let mut log = place.log();
    assert_eq!(log.summary(), None);
    let first = log.input("bash", Ground::Kept, b"one").unwrap();
    end(&mut log, first, &changes(&[("a", "1")], &[]));
    log.checkpoint("bash", &changes(&[("a", "1")], &[])).unwrap();
    log.input("bash", Ground::Kept, b"two").unwrap();
    let own = log.summary().unwrap();
    assert_eq!((own.name.as_str(), own.interpreter.as_str()), ("demo", "bash"));
    assert_eq!((own.event_count, own.checkpoint_count), (4, 1));
    assert_eq!((own.created, own.last_accessed), (moment(0), moment(3)));
    assert_eq!(own.size, place.read("commands.jsonl").len() as u64);
    assert_eq!(summary(&place.folder(), Place::id()).unwrap(), Some(own.clone()));
    std::fs::remove_file(place.path("commands.index.json")).unwrap();
    assert_eq!(summary(&place.folder(), Place::id()).unwrap(), Some(own));
}

#[test]
fn the_files_are_private() {
    let place = Place::new();
    let mut log = place.log();
    log.input("bash", Ground::Kept, b"one").unwrap();
    log.checkpoint("bash", &changes(&[], &[])).unwrap();
    let mode = |name: &str| place.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(place.names(), ["commands.index.json", "commands.jsonl", "commands.lock"]);
    for name in place.names() {
        assert_eq!(mode(&name), 0o600, "{name}");
    }
    assert_eq!(mode("."), 0o700);
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let place = Place::new();
    let mut log = place.log();
    log.input("bash", Ground::Kept, b"one").unwrap();
    assert!(
        matches!(place.try_open(), Err(ShellError::Locked { path }) if path == place.path("commands.jsonl"))
    );
    assert_eq!(place.newest_first().len(), 1);
    drop(log);
    place.open();
}
