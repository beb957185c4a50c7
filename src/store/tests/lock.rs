//! Whether the lock lies where the table does, and says who holds it only while somebody does.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    time::Duration,
};

use super::support::{Place, put, sessions};
use crate::{
    lock,
    store::{Store as _, StoreError},
};

#[test]
fn a_lock_that_was_given_back_names_nobody() {
    let place = Place::new();
    let mut holder = place.store();
    holder.begin().unwrap();
    assert_eq!(fs::read_to_string(place.beside("lock")).unwrap(), format!("{}\n", std::process::id()));
    holder.end();
    assert_eq!(fs::read_to_string(place.beside("lock")).unwrap(), "");
}

#[test]
fn a_link_that_leads_elsewhere_meanwhile_needs_another_lock() {
    let place = Place::new();
    symlink("one.json", place.state()).unwrap();
    let mut store = place.store();
    store.begin().unwrap();
    fs::remove_file(place.state()).unwrap();
    symlink("two.json", place.state()).unwrap();
    store.begin().unwrap();
    assert!(
        matches!(place.store().begin(), Err(StoreError::Locked { path, .. }) if path == place.path("two.lock"))
    );
}

#[test]
fn only_the_ending_json_gives_way_to_that_of_the_lock() {
    let place = Place::new();
    symlink("table.v1", place.state()).unwrap();
    place.save(&sessions(1));
    assert_eq!(place.names(), [".claude-container-sessions.json", "table.v1", "table.v1.lock"]);
}

#[test]
fn a_lock_on_a_file_that_was_removed_is_not_taken() {
    let place = Place::new();
    let path = place.beside("lock");
    let mut file = lock::open(&path).unwrap();
    assert!(lock::try_take(&mut file, &path).unwrap());
    fs::remove_file(&path).unwrap();
    assert!(!lock::try_take(&mut file, &path).unwrap());
}

#[test]
fn a_file_that_was_removed_or_replaced_is_no_longer_at_its_path() {
    let place = Place::holding("one");
    let file = File::open(place.state()).unwrap();
    assert!(lock::is_at(&file, &place.state()));
    fs::remove_file(place.state()).unwrap();
    assert!(!lock::is_at(&file, &place.state()));
    put(&place.state(), "one");
    assert!(!lock::is_at(&file, &place.state()));
}

#[test]
fn who_only_looks_at_a_lock_takes_nothing_and_makes_no_file() {
    let place = Place::new();
    let path = place.beside("lock");
    lock::ensure_free(&path, Duration::ZERO).unwrap();
    assert!(!path.exists());
    let held = lock::Lock::take(&path, Duration::ZERO).unwrap();
    let err = lock::ensure_free(&path, Duration::ZERO).unwrap_err();
    assert!(
        matches!(err, lock::LockError::Held { holder: Some(pid), .. } if pid == std::process::id()),
        "{err}"
    );
    drop(held);
    lock::ensure_free(&path, Duration::ZERO).unwrap();
    drop(lock::Lock::take(&path, Duration::ZERO).unwrap());
}
