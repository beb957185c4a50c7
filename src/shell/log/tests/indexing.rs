//! Whether the index is used where it is right, and made anew where it is not.

use serde_json::{Value, json};

use super::support::{Place, changes, end};
use crate::shell::{
    Ground,
    log::{Loaded, record::sealed},
};

const INDEX: &str = "commands.index.json";

/// A log with two checkpoints, something behind them, and an index that ends with the second.
fn place() -> (Place, Loaded) {
    let place = Place::new();
    let mut log = place.log();
    for key in ["a", "b", "c"] {
        let number = log.input("bash", Ground::Kept, key.as_bytes()).unwrap();
        end(&mut log, number, &changes(&[(key, "1")], &[]));
        if key != "c" {
            log.checkpoint("bash", &changes(&[("a", "1"), (key, "1")], &[])).unwrap();
        }
    }
    let loaded = place.plan();
    assert!(!loaded.is_index_rebuilt);
    assert_eq!(loaded.changes, changes(&[("a", "1"), ("b", "1"), ("c", "1")], &[]));
    (place, loaded)
}

fn index(place: &Place) -> Value {
    serde_json::from_slice(&place.read(INDEX)).unwrap()
}

#[test]
fn the_index_says_where_everything_stands() {
    let (place, _) = place();
    let index = index(&place);
    let log = place.read("commands.jsonl");
    let ends: Vec<u64> = (0..).zip(&log).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(index["version"], "1.0");
    assert_eq!((&index["name"], &index["interpreter"]), (&json!("demo"), &json!("bash")));
    assert_eq!((&index["eventCount"], &index["checkpointCount"]), (&json!(6), &json!(2)));
    assert_eq!(index["bytes"], json!(ends[5]));
    let checkpoints = json!([{"number": 3, "offset": ends[1]}, {"number": 6, "offset": ends[4]}]);
    assert_eq!(index["checkpoints"], checkpoints);
    assert_eq!(index["events"], json!([{"number": 1, "offset": 0}]));
}

#[test]
fn an_index_that_is_wrong_in_any_way_is_made_anew() {
    let other = "00000000-0000-4000-8000-000000000000";
    let (first, _) = place();
    let right = index(&first);
    let (bytes, offset) = (right["bytes"].as_u64().unwrap(), right["lastLine"]["offset"].as_u64().unwrap());
    let wrong: Vec<(&str, Value)> = vec![
        ("/bytes", json!(bytes + 1_000_000)),
        ("/bytes", json!(bytes - 1)),
        ("/bytes", json!(offset)),
        ("/bytes", json!(0)),
        ("/lastLine", Value::Null),
        ("/lastLine/offset", json!(offset + 1)),
        ("/lastLine/offset", json!(0)),
        ("/lastLine/offset", json!(u64::MAX)),
        ("/lastLine/crc", json!(1)),
        ("/checkpoints/1/offset", json!(offset + 1)),
        ("/checkpoints/1/offset", json!(0)),
        ("/checkpoints/1/offset", json!(u64::MAX)),
        ("/checkpoints/1/number", json!(5)),
        ("/id", json!(other)),
        ("/version", json!("2.0")),
        ("/version", json!(1)),
        ("/eventCount", json!(-1)),
    ];
    for (pointer, value) in wrong {
        let (place, expected) = place();
        let mut index = index(&place);
        *index.pointer_mut(pointer).unwrap() = value.clone();
        index.as_object_mut().unwrap().remove("crc");
        place.put(INDEX, &sealed(&index));
        check(&place, &expected, &format!("{pointer}: {value}"));
    }
}

#[test]
fn an_index_that_is_missing_or_no_index_is_made_anew() {
    let (place, expected) = place();
    let right = place.read(INDEX);
    let mut flipped = right.clone();
    flipped[100] ^= 4;
    let log = place.read("commands.jsonl");
    for text in [&b""[..], b"{}", b"\n", &right[..right.len() - 1], &flipped, &log] {
        place.put(INDEX, text);
        check(&place, &expected, &String::from_utf8_lossy(text));
    }
    std::fs::remove_file(place.path(INDEX)).unwrap();
    check(&place, &expected, "none");
}

#[test]
fn an_index_with_a_field_of_a_newer_wharf_is_used() {
    let (place, expected) = place();
    let mut index = index(&place);
    index.as_object_mut().unwrap().remove("crc");
    index["version"] = json!("1.7");
    index["colour"] = json!("red");
    place.put(INDEX, &sealed(&index));
    assert_eq!(place.plan(), expected);
}

#[test]
fn a_folder_in_the_place_of_the_index_is_no_reason_to_refuse_commands() {
    let (place, expected) = place();
    std::fs::remove_file(place.path(INDEX)).unwrap();
    std::fs::create_dir(place.path(INDEX)).unwrap();
    let (mut log, loaded) = place.open();
    assert_eq!(loaded.changes, expected.changes);
    log.checkpoint("bash", &expected.changes).unwrap();
}

#[test]
fn with_many_events_the_index_stays_small() {
    let place = Place::new();
    let mut log = place.log();
    for number in 0..30_000_u32 {
        log.input("bash", Ground::Kept, &number.to_be_bytes()).unwrap();
        if number % 1_000 == 0 {
            log.checkpoint("bash", &changes(&[], &[])).unwrap();
        }
    }
    log.checkpoint("bash", &changes(&[], &[])).unwrap();
    let index = index(&place);
    assert_eq!(index["checkpoints"].as_array().unwrap().len(), 16);
    assert!(index["events"].as_array().unwrap().len() <= 1_024);
    assert!(place.read(INDEX).len() < 64 << 10);
}

/// A plan and a load from the log alone are right and say so; the load makes the index anew.
fn check(place: &Place, expected: &Loaded, what: &str) {
    let rebuilt = Loaded { is_index_rebuilt: true, ..expected.clone() };
    assert_eq!(place.plan(), rebuilt, "{what}");
    let (log, loaded) = place.open();
    assert_eq!(loaded, rebuilt, "{what}");
    assert_eq!(log.summary().unwrap().event_count, 8, "{what}");
    assert_eq!(place.plan(), *expected, "{what}");
}
