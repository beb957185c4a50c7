//! Whether commits replace the file, keep backups, and stop at a lock, a link, a pipe.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    thread,
    time::Duration,
};

use super::support::{Place, entry, file, put, session, sessions};
use crate::atomic;
use crate::store::{Note, Origin, STATE_FILE_MODE, Store as _, StoreError, check, files::Files};

#[test]
fn a_workspace_without_files_is_absent_and_stays_untouched() {
    let place = Place::new();
    let reading = place.read();
    assert_eq!(reading.origin, Origin::Absent);
    assert_eq!((reading.sessions.len(), reading.generation), (0, 0));
    assert!(place.names().is_empty());
    assert!(!place.beside("lock").exists());
}

#[test]
fn what_is_committed_is_read_again() {
    let place = Place::new();
    place.save(&sessions(4));
    let reading = place.read();
    assert_eq!(reading.sessions, sessions(4));
    assert_eq!((reading.origin, reading.generation), (Origin::File, 1));
    assert!(place.text().starts_with(
        "{\n  \"version\": \"1.0\",\n  \"sessions\": [\n    {\n      \"id\": \"00000000-0000-4000-8000-000000000001\",\n"
    ));
    assert!(place.text().ends_with("\n}\n"));
    assert_eq!(place.names(), [".claude-container-sessions.json"]);
    assert_eq!(place.store().mode().unwrap(), Some(STATE_FILE_MODE));
    let lock = fs::metadata(place.beside("lock")).unwrap();
    assert_eq!(lock.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_transaction_may_commit_more_than_once() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    store.commit(&sessions(1)).unwrap();
    store.commit(&sessions(2)).unwrap();
    assert_eq!(store.begin().unwrap().sessions, sessions(2));
    store.commit(&sessions(3)).unwrap();
    store.end();
    store.end();
    assert_eq!(place.read().generation, 3);
}

#[test]
fn what_goes_first_and_cannot_be_made_durable_leaves_the_old_table() {
    let place = Place::new();
    place.save(&sessions(1));
    let (before, names) = (place.text(), place.names());
    let elsewhere = tempfile::tempdir().unwrap();
    let looping = elsewhere.path().join("loop");
    symlink(&looping, &looping).unwrap();
    let mut store = place.store();
    store.begin().unwrap();
    for count in [1, 2] {
        let err = store.commit_after(&sessions(count), std::slice::from_ref(&looping)).unwrap_err();
        assert!(matches!(err, StoreError::Io { action: "sync", .. }), "{err}");
        assert_eq!((place.text(), place.names()), (before.clone(), names.clone()));
    }
    assert_eq!(store.place(&sessions(1)).unwrap(), Vec::<std::path::PathBuf>::new());
    assert_eq!(store.place(&sessions(2)).unwrap(), [place.store().files().unwrap().folder()]);
    assert_eq!(place.read().sessions, sessions(2));
}

#[test]
fn a_commit_outside_a_transaction_is_refused() {
    let place = Place::new();
    let mut store = place.store();
    assert!(matches!(store.commit(&[]), Err(StoreError::NotBegun { .. })));
    store.begin().unwrap();
    store.end();
    assert!(matches!(store.commit(&[]), Err(StoreError::NotBegun { .. })));
    assert!(place.names().is_empty());
}

#[test]
fn a_commit_that_changes_nothing_writes_nothing() {
    let place = Place::new();
    place.save(&sessions(2));
    let inode = fs::metadata(place.state()).unwrap().ino();
    place.load_and_save();
    assert_eq!(fs::metadata(place.state()).unwrap().ino(), inode);
    assert_eq!(place.names().len(), 1);
}

#[test]
fn backups_rotate_and_the_oldest_goes() {
    let place = Place::new();
    for count in 0..8 {
        place.save(&sessions(count));
    }
    assert_eq!(place.read().sessions, sessions(7));
    assert_eq!(place.store().backups_valid().unwrap(), 5);
    for (number, count) in (1..=5).zip([6, 5, 4, 3, 2]) {
        let backup = Place::holding(fs::read(place.beside(&format!("json.{number}"))).unwrap());
        assert_eq!(backup.read().sessions, sessions(count));
    }
    assert_eq!(place.names().len(), 6);
}

#[test]
fn a_hole_among_the_backups_costs_none_of_them() {
    let place = Place::new();
    for count in 0..7 {
        place.save(&sessions(count));
    }
    let oldest = fs::read(place.beside("json.5")).unwrap();
    fs::remove_file(place.beside("json.2")).unwrap();
    place.save(&sessions(7));
    assert_eq!(fs::read(place.beside("json.5")).unwrap(), oldest);
    assert_eq!(place.store().backups_valid().unwrap(), 5);
}

#[test]
fn a_leftover_temp_file_is_replaced_and_its_link_not_followed() {
    let place = Place::new();
    put(&place.beside("tmp"), "half of");
    place.save(&sessions(1));
    put(&place.path("victim"), "precious");
    symlink(place.path("victim"), place.beside("tmp")).unwrap();
    place.save(&sessions(2));
    assert_eq!(fs::read(place.path("victim")).unwrap(), b"precious");
    assert!(!place.beside("tmp").exists());
    assert_eq!(place.read().sessions, sessions(2));
}

#[test]
fn what_a_killed_writer_left_goes_even_when_nothing_is_written() {
    let place = Place::new();
    put(&place.beside("tmp"), "half of");
    place.store().begin().unwrap();
    assert!(place.names().is_empty());
}

#[test]
fn bytes_that_come_back_from_the_disk_are_compared() {
    let place = Place::holding("written");
    let file = File::open(place.state()).unwrap();
    atomic::read_back(&file, b"written").unwrap();
    for other in ["Written", "write", "written more"] {
        let outcome = atomic::read_back(&file, other.as_bytes());
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::InvalidData, "{other}");
    }
}

#[test]
fn a_commit_that_fails_leaves_the_old_file_and_no_temp() {
    let place = Place::new();
    place.save(&sessions(1));
    let before = place.bytes();
    fs::create_dir(place.beside("json.1")).unwrap();
    put(&place.beside("json.1").join("x"), "");
    for number in 2..=5 {
        fs::create_dir(place.beside(&format!("json.{number}"))).unwrap();
        put(&place.beside(&format!("json.{number}")).join("x"), "");
    }
    let outcome = place.try_save(&sessions(2));
    assert!(matches!(outcome, Err(StoreError::Io { action: "rename", .. })), "{outcome:?}");
    assert_eq!(place.bytes(), before);
    assert!(!place.beside("tmp").exists());
}

#[test]
fn a_failed_commit_that_is_repeated_shifts_no_backups() {
    let place = Place::new();
    for count in 0..7 {
        place.save(&sessions(count));
    }
    let mut store = place.store();
    store.begin().unwrap();
    let backups = || [1, 2, 3, 4, 5].map(|number| fs::read(place.beside(&format!("json.{number}"))).unwrap());
    let before = backups();
    place.put(file(&[entry(9, "")]));
    for _ in 0..4 {
        let outcome = store.commit(&sessions(1));
        assert!(matches!(outcome, Err(StoreError::LockBroken { .. })));
    }
    assert!(backups() == before);
    assert_eq!(place.text(), file(&[entry(9, "")]));
}

#[test]
fn of_writers_side_by_side_none_loses_a_change() {
    let place = Place::new();
    let write = &|writer: usize| {
        for turn in 0..10 {
            let mut store = place.store().waiting(Duration::MAX);
            let mut sessions = store.begin().unwrap().sessions;
            sessions.push(session(writer * 10 + turn));
            store.commit(&sessions).unwrap();
        }
    };
    thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || write(writer));
        }
    });
    let reading = place.read();
    assert_eq!((reading.sessions.len(), reading.generation), (40, 40));
    assert!(reading.quarantined.is_empty());
}

#[test]
fn a_held_lock_names_its_holder() {
    let place = Place::new();
    let mut holder = place.store();
    holder.begin().unwrap();
    let outcome = place.store().begin();
    let Err(StoreError::Locked { path, holder: pid }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((path, pid), (place.beside("lock"), Some(std::process::id())));
    assert_eq!(place.read().origin, Origin::Absent);
    holder.end();
    place.store().begin().unwrap();
    assert!(place.beside("lock").exists());
}

#[test]
fn a_lock_of_somebody_who_says_nothing_has_no_name() {
    let place = Place::new();
    let file = File::create(place.beside("lock")).unwrap();
    file.lock().unwrap();
    let outcome = place.store().begin();
    assert!(matches!(outcome, Err(StoreError::Locked { holder: None, .. })), "{outcome:?}");
}

#[test]
fn a_table_that_changed_under_the_lock_is_not_overwritten() {
    let place = Place::new();
    place.save(&sessions(1));
    let mut store = place.store();
    store.begin().unwrap();
    let other = Place::new();
    other.save(&sessions(1));
    other.save(&sessions(2));
    place.put(other.bytes());
    let outcome = store.commit(&sessions(3));
    let Err(StoreError::LockBroken { expected, found, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((expected, found), (1, 2));
    assert_eq!(place.bytes(), other.bytes());
    assert!(!place.beside("tmp").exists());
}

#[test]
fn a_file_that_a_person_edits_or_makes_meanwhile_is_not_overwritten() {
    let place = Place::new();
    let mut store = place.store();
    store.begin().unwrap();
    place.put(file(&[entry(1, "")]));
    let made = place.bytes();
    assert!(matches!(store.commit(&sessions(3)), Err(StoreError::LockBroken { .. })));
    assert_eq!(place.bytes(), made);
    assert_eq!(store.begin().unwrap().sessions, sessions(1));
    store.commit(&sessions(3)).unwrap();
    fs::remove_file(place.state()).unwrap();
    assert!(matches!(store.commit(&sessions(2)), Err(StoreError::LockBroken { found: 0, .. })));
    assert!(!place.state().exists());
}

#[test]
fn a_linked_state_file_is_replaced_where_it_lies() {
    let place = Place::new();
    fs::create_dir(place.path("data")).unwrap();
    symlink("data/table.json", place.path("hop")).unwrap();
    symlink("hop", place.state()).unwrap();
    place.save(&sessions(1));
    place.save(&sessions(2));
    assert!(fs::symlink_metadata(place.state()).unwrap().is_symlink());
    assert_eq!(place.read().sessions, sessions(2));
    for name in ["table.json", "table.json.1", "table.lock"] {
        assert!(place.path("data").join(name).is_file(), "{name}");
    }
    assert_eq!(place.names(), [".claude-container-sessions.json", "data", "hop"]);
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let refused = |place: &Place| {
        for outcome in [place.store().read(), place.store().begin()] {
            assert!(matches!(outcome, Err(StoreError::NotAFile { .. })), "{outcome:?}");
        }
        assert_eq!(place.store().mode().ok(), None);
    };
    let folder = Place::new();
    fs::create_dir(folder.state()).unwrap();
    refused(&folder);
    let pipe = Place::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        pipe.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    symlink("pipe", pipe.state()).unwrap();
    refused(&pipe);
    let device = Place::new();
    symlink("/dev/zero", device.state()).unwrap();
    refused(&device);
}

#[test]
fn links_in_a_ring_are_an_error() {
    let place = Place::new();
    symlink("ring", place.state()).unwrap();
    symlink(".claude-container-sessions.json", place.path("ring")).unwrap();
    assert!(matches!(place.store().read(), Err(StoreError::Io { action: "follow the link", .. })));
}

#[test]
fn a_lock_that_is_a_link_or_a_pipe_is_refused() {
    let place = Place::new();
    symlink("elsewhere", place.beside("lock")).unwrap();
    assert!(place.store().begin().is_err());
    assert!(!place.path("elsewhere").exists());
}

#[test]
fn a_table_that_could_not_be_read_again_is_not_written() {
    let place = Place::new();
    place.save(&sessions(1));
    let before = place.bytes();
    let mut long = session(2);
    let value = serde_json::value::to_raw_value(&"x".repeat(2 << 20)).unwrap();
    long.metadata_mut().set("long", value);
    assert!(matches!(place.try_save(&[long]), Err(StoreError::OutOfBounds { .. })));
    assert_eq!(place.bytes(), before);
    assert!(!place.beside("tmp").exists());
}

#[test]
fn the_lock_of_this_folder_excludes() {
    let place = Place::new();
    assert!(place.store().lock_excludes().unwrap());
    let mut store = place.store();
    store.begin().unwrap();
    assert!(store.lock_excludes().unwrap());
    assert!(matches!(place.store().begin(), Err(StoreError::Locked { .. })));
}

#[test]
fn a_lone_mount_is_found_in_the_mount_table() {
    let place = Place::holding(file(&[]));
    assert!(!place.store().is_mounted_alone().unwrap());
    let files = Files::resolve(&place.state()).unwrap();
    let at = fs::canonicalize(place.state()).unwrap();
    let at = at.to_str().unwrap().replace('-', "\\055");
    let table = format!("22 1 0:5 / / rw - ext4 a rw\n23 22 8:1 /x {at} rw,relatime - ext4 /dev/sda1 rw\n");
    assert!(check::is_mount_point(&files, table.as_bytes()).unwrap());
    let other = table.replace(".json", ".json.1");
    assert!(!check::is_mount_point(&files, other.as_bytes()).unwrap());
}

#[test]
fn a_wider_mode_is_shown_and_the_next_commit_narrows_it() {
    let place = Place::holding(file(&[]));
    fs::set_permissions(place.state(), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(place.store().mode().unwrap(), Some(0o644));
    place.save(&sessions(1));
    assert_eq!(place.store().mode().unwrap(), Some(STATE_FILE_MODE));
}

#[test]
fn reading_needs_no_lock_and_leaves_no_trace() {
    let place = Place::holding("broken");
    assert!(matches!(place.read().origin, Origin::Lost { .. }));
    assert_eq!(place.names().len(), 1);
    assert!(!place.beside("lock").exists());
    let kept = place.store().begin().unwrap().notes;
    assert!(matches!(kept.as_slice(), [Note::Kept { .. }]));
}
