//! Whether a store that wrote the table itself takes it for what it wrote, and for nothing else.

use std::{
    fs::File,
    os::unix::fs::MetadataExt as _,
    time::{Duration, UNIX_EPOCH},
};

use super::support::{Place, entry, file, session, sessions};
use crate::store::{Origin, Store as _, StoreError};

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

/// The file has them still, so whoever reads it again in the same process hears of them.
#[test]
fn what_was_to_be_dropped_is_there_until_it_is_written() {
    let place = Place::holding(file(&[entry(1, ""), entry(1, "")]));
    let mut store = place.store();
    store.begin().unwrap();
    store.commit(&sessions(1)).unwrap();
    store.end();
    assert_eq!(store.begin().unwrap().quarantined.len(), 1);
    assert_eq!(store.drop_quarantine().unwrap().map(|(count, _)| count), Some(1));
    let mut long = session(2);
    let value = serde_json::value::to_raw_value(&"x".repeat(2 << 20)).unwrap();
    long.metadata_mut().set("long", value);
    assert!(matches!(store.commit(&[long]), Err(StoreError::OutOfBounds { .. })));
    store.end();
    assert_eq!(store.read().unwrap().quarantined.len(), 1);
    assert_eq!(store.begin().unwrap().quarantined.len(), 1);
}

#[test]
fn what_somebody_wrote_into_the_file_is_read_also_where_it_is_as_long() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    store.commit(&sessions(1)).unwrap();
    store.end();
    assert_eq!(store.begin().unwrap().origin, Origin::File);
    store.end();
    place.put(place.text().replace("\"idle\"", "\"busy\"").replace("\"active\"", "\"paused\""));
    // However coarse the clock of the file system is.
    let written = File::options().append(true).open(place.state()).unwrap();
    written.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    assert_eq!(store.begin().unwrap().origin, Origin::Suspect);
}

#[test]
fn who_gives_a_file_its_old_time_hides_nothing() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    store.commit(&sessions(1)).unwrap();
    store.end();
    let written = File::options().append(true).open(place.state()).unwrap();
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    written.set_modified(long_ago).unwrap();
    assert_eq!(store.begin().unwrap().origin, Origin::File);
    store.end();
    // The clock of a file system may stand still for some milliseconds.
    let before = changed(&written);
    while changed(&written) == before {
        place.put(place.text().replace("\"idle\"", "\"busy\""));
        written.set_modified(long_ago).unwrap();
    }
    assert_eq!(store.begin().unwrap().origin, Origin::Suspect);
}

fn changed(file: &File) -> (i64, i64) {
    let about = file.metadata().unwrap();
    (about.ctime(), about.ctime_nsec())
}
