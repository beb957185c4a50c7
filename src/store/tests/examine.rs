//! Whether the place of the state file is looked at closely: lock, mount, mode, kept files.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::PathBuf,
    sync::Arc,
};

use super::support::{Place, Still, file, put, sessions};
use crate::{
    store::{
        Ailment, FileStore, Store as _, StoreError, backup, check,
        files::{self, Files},
    },
    workspace::Workspace,
};

#[test]
fn nothing_ails_a_table_that_wharf_wrote_nor_a_place_without_one() {
    let place = Place::new();
    assert_eq!(place.store().examine(), []);
    assert!(!place.beside("lock").exists());
    place.save(&sessions(1));
    assert_eq!(place.store().examine(), []);
}

#[test]
fn a_lock_that_excludes_nobody_ails_and_one_that_somebody_holds_does_not() {
    let place = Place::new();
    place.save(&sessions(1));
    let mut store = place.store();
    store.try_lock = |_| Ok(());
    assert_eq!(store.examine(), [Ailment::LockDoesNotExclude]);
    let mut holder = place.store();
    holder.begin().unwrap();
    assert_eq!(place.store().examine(), []);
}

#[test]
fn every_bit_beyond_reading_and_writing_by_the_owner_ails() {
    let place = Place::holding(file(&[]));
    for bits in [0o4600, 0o700, 0o640, 0o604, 0o601] {
        fs::set_permissions(place.state(), fs::Permissions::from_mode(bits)).unwrap();
        assert_eq!(place.store().examine(), [Ailment::Mode { path: place.state(), mode: bits }]);
    }
    for bits in [0o600, 0o400] {
        fs::set_permissions(place.state(), fs::Permissions::from_mode(bits)).unwrap();
        assert_eq!(place.store().examine(), []);
    }
}

#[test]
fn a_kept_file_ails_until_somebody_removes_it() {
    let place = Place::holding("broken");
    place.load_and_save();
    let path = place.path(".claude-container-sessions.json.corrupt.20251124T103000.000Z");
    assert_eq!(place.store().examine(), [Ailment::Kept { path: path.clone() }]);
    fs::remove_file(path).unwrap();
    assert_eq!(place.store().examine(), []);
}

#[test]
fn a_check_that_cannot_be_made_says_why() {
    let place = Place::new();
    symlink("elsewhere", place.beside("lock")).unwrap();
    assert!(place.store().lock_excludes().is_err());
    let ailments = place.store().examine();
    let [Ailment::Failed { message }] = ailments.as_slice() else {
        panic!("{ailments:?}");
    };
    let said = format!("cannot open {}: Too many levels of symbolic links", place.beside("lock").display());
    assert!(message.starts_with(&said), "{message}");
}

#[test]
fn a_workspace_that_is_gone_holds_nothing() {
    let place = Place::new();
    let mut store = FileStore::at(Workspace::at(&place.path("gone")), Arc::new(Still));
    assert_eq!(store.mode().unwrap(), None);
    assert_eq!(store.kept().unwrap(), [] as [PathBuf; 0]);
    assert_eq!(store.backups_valid().unwrap(), 0);
    assert!(!store.is_mounted_alone().unwrap());
    // That is no empty table: a volume may be missing.
    assert!(matches!(store.read(), Err(StoreError::Io { action: "look at", .. })));
}

#[test]
fn a_place_that_cannot_be_looked_at_is_an_error_and_not_an_absence() {
    let place = Place::holding("a file, where a folder should be");
    let mut store = FileStore::at(Workspace::at(&place.state()), Arc::new(Still));
    let action = |err: StoreError| {
        let StoreError::Io { action, .. } = err else {
            panic!("{err:?}");
        };
        action
    };
    assert_eq!(action(store.read().unwrap_err()), "look at");
    let files = Files { state: place.state().join("table.json") };
    assert_eq!(action(files::read(&files.state).unwrap_err()), "open");
    assert_eq!(action(check::is_mount_point(&files, b"").unwrap_err()), "look at");
    assert_eq!(action(backup::kept(&files).unwrap_err()), "list");
}

#[test]
fn a_backslash_in_the_mount_table_is_one_only_before_three_octal_digits() {
    let place = Place::new();
    let folder = fs::canonicalize(place.path(".")).unwrap();
    for (name, escaped) in [("a b", r"a\040b"), (r"a\b", r"a\134b"), (r"a\9", r"a\9"), (r"a\", r"a\")] {
        let files = Files { state: folder.join(name) };
        put(&files.state, "");
        let table = format!("23 22 8:1 /x {}/{escaped} rw - ext4 /dev/sda1 rw\n", folder.display());
        assert!(check::is_mount_point(&files, table.as_bytes()).unwrap(), "{name}");
    }
}

#[test]
fn a_link_or_a_socket_is_not_read() {
    let place = Place::holding(file(&[]));
    symlink(place.state(), place.path("link")).unwrap();
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    for name in ["link", "socket"] {
        let outcome = files::read(&place.path(name));
        assert!(matches!(outcome, Err(StoreError::NotAFile { .. })), "{outcome:?}");
    }
}
