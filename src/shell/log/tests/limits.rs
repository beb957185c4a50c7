//! Whether a disk that takes only a part of an event gets that part taken back.

use std::{
    fs,
    sync::{Arc, atomic::AtomicBool},
};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use super::{
    alone::{alone, inside},
    support::{Place, changes, end},
};
use crate::{
    limits::ShellLimits,
    shell::{Ground, ShellError, Stream, log::Late},
};

#[test]
fn an_event_that_does_not_fit_leaves_nothing_of_itself() {
    let name = "limits::an_event_that_does_not_fit_leaves_nothing_of_itself";
    let Some(folder) = inside() else {
        let place = Place::new();
        let output = alone(name, place.root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        return;
    };
    let place = Place::at(folder);
    let mut log = place.log();
    let first = log.input("bash", Ground::Kept, b"one").unwrap();
    end(&mut log, first, &changes(&[("a", "1")], &[]));
    let large = changes(&[("a", &"x".repeat(100_000))], &[]);
    log.checkpoint("bash", &large).unwrap();
    let before = place.read("commands.jsonl");
    // The signal would end the process; `wharf` ignores it in the same way.
    signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false))).unwrap();
    let unlimited = getrlimit(Resource::Fsize);
    for room in [0, 1, 60] {
        let limit = Rlimit { current: Some(before.len() as u64 + room), ..unlimited };
        setrlimit(Resource::Fsize, limit).unwrap();
        let input = log.input("bash", Ground::Fresh, b"two");
        assert!(matches!(input, Err(ShellError::Io { action: "write", .. })), "{input:?}");
        log.checkpoint("bash", &changes(&[("a", "2")], &[])).unwrap_err();
        assert!(place.read("commands.jsonl") == before, "with room for {room} bytes");
    }
    setrlimit(Resource::Fsize, unlimited).unwrap();
    assert_eq!(log.input("bash", Ground::Kept, b"two").unwrap(), first + 3);
    let loaded = place.plan();
    assert!(loaded.changes == large && loaded.cut_bytes == 0);
    // What did not get into the log may have changed something, so that even a large checkpoint is due.
    log.checkpoint("bash", &large).unwrap();
    assert_eq!(log.summary().unwrap().checkpoint_count, 2);
}

#[test]
fn an_event_that_nobody_could_read_again_is_refused() {
    let place = Place::new();
    let mut log = place.log();
    let text = vec![b'x'; 65 << 20];
    assert!(matches!(log.input("bash", Ground::Kept, &text), Err(ShellError::Io { action: "write", .. })));
    assert!(place.read("commands.jsonl").is_empty());
}

#[test]
fn a_line_that_is_too_long_is_one_damaged_line() {
    let place = Place::new();
    let mut log = place.log();
    let first = log.input("bash", Ground::Kept, b"one").unwrap();
    end(&mut log, first, &changes(&[("a", "1")], &[]));
    drop(log);
    let line = place.read("commands.jsonl");
    let file = fs::OpenOptions::new().write(true).open(place.path("commands.jsonl")).unwrap();
    let hole = line.len() as u64 + (65 << 20);
    file.set_len(hole).unwrap();
    drop(file);
    let mut file = fs::OpenOptions::new().append(true).open(place.path("commands.jsonl")).unwrap();
    std::io::Write::write_all(&mut file, &[b"\n", &line[..]].concat()).unwrap();
    let loaded = place.plan();
    assert_eq!((loaded.damaged_lines, loaded.applied, loaded.cut_bytes), (1, 2, 0));
    assert_eq!(place.newest_first().len(), 2);
}

#[test]
fn a_background_job_is_kept_up_to_the_bound_of_its_command() {
    let mut place = Place::new();
    place.limits = ShellLimits { output_kept_max: 5, ..ShellLimits::default() };
    let mut log = place.log();
    let number = log.input("bash", Ground::Kept, b"yes &").unwrap();
    end(&mut log, number, &changes(&[], &[]));
    for _ in 0..1_000 {
        log.late(number, Stream::Stdout, b"yes").unwrap();
    }
    let late = &place.newest_first()[0].late;
    let told: Vec<(&[u8], bool)> = late.iter().map(|Late { text, is_cut, .. }| (&**text, *is_cut)).collect();
    assert_eq!(told, [(&b"yes"[..], false), (b"ye", true)]);
}
