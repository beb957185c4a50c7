//! Whether what is damaged costs nothing but itself, and is told.

use std::fs;

use super::support::{Place, changes, end};
use crate::{
    interpreter::Changes,
    shell::{
        Ground,
        log::{CommandLog, Loaded, record::sealed},
    },
};

/// A command that sets a key.
fn set(log: &mut CommandLog, key: &str) -> u64 {
    let number = log.input("bash", Ground::Kept, key.as_bytes()).unwrap();
    end(log, number, &one(key));
    number
}

fn one(key: &str) -> Changes {
    changes(&[(key, "1")], &[])
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn a_torn_end_is_kept_aside_cut_and_told_once() {
    for torn in ["{\"type\":\"inp", "\0\0\0\0", "x\ny\nz\n", "\n", "{\"type\":\"input\",\"number\":9}\n"] {
        let place = Place::new();
        set(&mut place.log(), "a");
        let whole = place.read("commands.jsonl");
        place.put("commands.jsonl", &[&whole, torn.as_bytes()].concat());
        assert_eq!(place.plan().cut_bytes, torn.len() as u64);
        assert_eq!(
            place.names().len(),
            3 - usize::from(!place.path("commands.index.json").exists()),
            "a plan writes nothing"
        );
        let (mut log, loaded) = place.open();
        assert_eq!(
            (loaded.cut_bytes, loaded.changes, loaded.damaged_lines),
            (torn.len() as u64, one("a"), 0)
        );
        assert_eq!(place.read("commands.jsonl"), whole);
        let kept = place.names().into_iter().find(|name| name.starts_with("commands.torn.")).unwrap();
        assert_eq!(place.read(&kept), torn.as_bytes());
        assert_eq!(set(&mut log, "b"), 3);
        drop(log);
        assert_eq!(place.open().1.cut_bytes, 0);
    }
}

#[test]
fn an_event_without_its_line_feed_was_never_answered_for() {
    let place = Place::new();
    set(&mut place.log(), "a");
    let whole = place.read("commands.jsonl");
    place.put("commands.jsonl", &whole[..whole.len() - 1]);
    let (_log, loaded) = place.open();
    let input = lines(&whole).remove(0);
    assert_eq!(place.read("commands.jsonl"), input);
    assert_eq!((loaded.changes.is_empty(), loaded.unfinished), (true, Some(1)));
}

#[test]
fn only_the_last_torn_ends_are_kept() {
    let place = Place::new();
    set(&mut place.log(), "a");
    let whole = place.read("commands.jsonl");
    for number in 0..12 {
        place.put("commands.jsonl", &[&whole[..], format!("torn {number}").as_bytes()].concat());
        drop(place.open());
    }
    let kept: Vec<String> =
        place.names().into_iter().filter(|name| name.starts_with("commands.torn.")).collect();
    assert_eq!(kept.len(), 8);
    let mut texts: Vec<_> = kept.iter().map(|name| String::from_utf8(place.read(name)).unwrap()).collect();
    texts.sort();
    assert!(texts.contains(&"torn 11".to_owned()), "{texts:?}");
}

#[test]
fn a_damaged_line_in_the_middle_is_passed_over_and_stays() {
    let place = Place::new();
    let mut log = place.log();
    set(&mut log, "a");
    set(&mut log, "b");
    set(&mut log, "c");
    drop(log);
    let mut all = lines(&place.read("commands.jsonl"));
    all[3] = b"{\"type\":\"output\",\"num\0\n".to_vec();
    place.put("commands.jsonl", &all.concat());
    let (log, loaded) = place.open();
    assert_eq!((loaded.damaged_lines, loaded.cut_bytes, loaded.applied), (1, 0, 2));
    assert_eq!(loaded.changes, changes(&[("a", "1"), ("c", "1")], &[]));
    assert_eq!(log.summary().unwrap().event_count, 6);
    assert_eq!(place.read("commands.jsonl"), all.concat());
    let told: Vec<bool> = place.newest_first().iter().map(|entry| entry.outcome.is_some()).collect();
    assert_eq!(told, [true, false, true]);
}

#[test]
fn a_damaged_checkpoint_costs_nothing_but_time() {
    for first_too in [false, true] {
        let place = Place::new();
        let mut log = place.log();
        set(&mut log, "a");
        log.checkpoint("bash", &one("a")).unwrap();
        set(&mut log, "b");
        log.checkpoint("bash", &changes(&[("a", "1"), ("b", "1")], &[])).unwrap();
        set(&mut log, "c");
        let own = log.summary().unwrap();
        drop(log);
        let mut all = lines(&place.read("commands.jsonl"));
        all[5][40] ^= 1;
        if first_too {
            all[2][40] ^= 1;
        }
        place.put("commands.jsonl", &all.concat());
        let (log, loaded) = place.open();
        assert_eq!(loaded.changes, changes(&[("a", "1"), ("b", "1"), ("c", "1")], &[]));
        assert_eq!(loaded.checkpoint, (!first_too).then_some(3));
        assert!(loaded.is_index_rebuilt);
        assert_eq!(log.summary().unwrap().event_count, own.event_count);
    }
}

#[test]
fn what_a_newer_wharf_wrote_is_counted_and_stays() {
    let place = Place::new();
    set(&mut place.log(), "a");
    let mut all = lines(&place.read("commands.jsonl"));
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    all.push(sealed(&value(r#"{"type":"snapshot","number":3,"of":1,"what":[1,2,{"a":null}]}"#)));
    all.push(sealed(&value(r#"{"type":"fork","number":4,"at":17,"name":{"odd":true},"changes":"none"}"#)));
    let more = r#"{"type":"output","number":5,"of":1,"at":"2025-11-24T10:31:00.000Z","code":0,"finish":"done","durationUs":1,
        "stdout":{"bytes":0,"colour":"red"},"stderr":{"bytes":0},"changes":{"set":{"b":"1"},"moved":{}},"cpu":1.5}"#;
    all.push(sealed(&value(more)));
    place.put("commands.jsonl", &all.concat());
    let (mut log, loaded) = place.open();
    let expected = Loaded {
        interpreter: Some("bash".to_owned()),
        changes: changes(&[("a", "1"), ("b", "1")], &[]),
        applied: 2,
        later: ["a", "b"].map(str::to_owned).into(),
        unknown_events: 2,
        is_index_rebuilt: true,
        ..Loaded::default()
    };
    assert_eq!(loaded, expected);
    assert_eq!(log.input("bash", Ground::Kept, b"next").unwrap(), 6);
    assert!(place.read("commands.jsonl").starts_with(&all.concat()));
}

#[test]
fn a_log_that_was_removed_meanwhile_is_there_again_with_the_next_checkpoint() {
    let place = Place::new();
    let mut log = place.log();
    set(&mut log, "a");
    fs::remove_file(place.path("commands.jsonl")).unwrap();
    set(&mut log, "b");
    log.checkpoint("bash", &changes(&[("a", "1"), ("b", "1")], &[])).unwrap();
    set(&mut log, "c");
    let loaded = place.plan();
    assert_eq!(loaded.changes, changes(&[("a", "1"), ("b", "1"), ("c", "1")], &[]));
    assert_eq!((loaded.checkpoint, loaded.is_index_rebuilt), (Some(5), false));
}

#[test]
fn what_is_no_regular_file_is_refused() {
    for name in ["commands.jsonl", "commands.lock"] {
        let place = Place::new();
        fs::create_dir_all(place.path(name)).unwrap();
        assert!(place.try_open().is_err(), "{name}");
    }
    let place = Place::new();
    fs::create_dir_all(place.folder()).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.path("commands.jsonl")).unwrap();
    assert!(place.try_open().is_err());
}
