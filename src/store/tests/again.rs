//! Whether a store that wrote the table itself takes it for what it wrote, and for nothing else.

use std::path::Path;

use super::support::{Place, sessions};
use crate::store::{Origin, Store as _, StoreError, files::Trace};

#[test]
fn what_it_wrote_is_the_same_as_what_is_read() {
    let place = Place::new();
    let mut store = place.store();
    for count in [2, 3] {
        store.begin().unwrap();
        drop(store.place(&sessions(count)).unwrap());
        store.end();
        let known = store.begin().unwrap();
        let read = place.store().read().unwrap();
        assert_eq!(format!("{known:?}"), format!("{read:?}"));
        assert_eq!((known.sessions, known.origin), (sessions(count), Origin::File));
        store.end();
    }
}

#[test]
fn a_table_that_was_only_put_in_its_place_is_written_again_by_the_next_commit() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    drop(store.place(&sessions(1)).unwrap());
    store.end();
    let before = store.begin().unwrap().generation;
    store.commit(&sessions(1)).unwrap();
    store.end();
    assert_eq!(store.begin().unwrap().generation, before + 1, "it was not durable yet");
    store.commit(&sessions(1)).unwrap();
    assert_eq!(place.read().generation, before + 1, "now it is");
}

#[test]
fn what_somebody_else_did_meanwhile_is_read() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    store.commit(&sessions(1)).unwrap();
    store.end();
    place.save(&sessions(3));
    assert_eq!(store.begin().unwrap().sessions, sessions(3));
    store.commit(&sessions(2)).unwrap();
    store.end();
    std::fs::remove_file(place.state()).unwrap();
    assert!(matches!(store.begin().unwrap().origin, Origin::Backup { .. }));
    store.end();
    place.put("{");
    let reading = store.begin().unwrap();
    assert!(matches!(reading.origin, Origin::Backup { .. }), "{:?}", reading.origin);
}

#[test]
fn what_is_to_be_told_of_a_table_is_told_at_each_reading() {
    let place = Place::new();
    let table = r#"{"version":"1.0","sessions":[]}"#;
    place.put(table);
    let mut store = place.store();
    for _ in 0..2 {
        assert_eq!(store.read().unwrap().origin, Origin::Unsigned, "it has no checksum");
    }
}

/// Within one tick of its clock a file system says the same of a file that somebody writes into.
#[test]
fn an_edit_in_place_that_shows_nowhere_is_not_overwritten() {
    let place = Place::new();
    place.save(&sessions(2));
    let mut store = place.store();
    store.ask = |_| Trace::of(Path::new("/"));
    store.begin().unwrap();
    let edited = place.text().replace("\"s2\"", "\"x2\"");
    place.put(&edited);
    for _ in 0..3 {
        let outcome = store.commit(&sessions(3));
        assert!(matches!(outcome, Err(StoreError::LockBroken { .. })), "{outcome:?}");
        assert_eq!(place.text(), edited);
        assert!(!place.beside("tmp").exists());
    }
}
