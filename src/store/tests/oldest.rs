//! What becomes of the file of the oldest backup.

use std::{
    fs::{self, File},
    io::Read as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::support::{Place, put, sessions};

/// With five backups, so that the next commit drops the oldest; that was replaced some time ago.
fn full() -> Place {
    let place = Place::new();
    for count in 0..7 {
        place.save(&sessions(count));
    }
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for number in 1..=5 {
        let backup = File::options().append(true).open(place.beside(&format!("json.{number}"))).unwrap();
        backup.set_modified(long_ago).unwrap();
    }
    place
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

#[test]
fn the_file_of_the_oldest_backup_is_the_next_table() {
    let place = full();
    let oldest = place.beside("json.5");
    put(&oldest, "x".repeat(1 << 16));
    let number = inode(&oldest);
    place.save(&sessions(2));
    assert_eq!(inode(&place.state()), number);
    assert_eq!(place.read().sessions, sessions(2));
    assert_eq!(place.store().backups_valid().unwrap(), 5);
}

#[test]
fn a_backup_that_others_may_read_is_not_written_over() {
    for mode in [0o644, 0o660, 0o400] {
        let place = full();
        let oldest = place.beside("json.5");
        fs::set_permissions(&oldest, fs::Permissions::from_mode(mode)).unwrap();
        let number = inode(&oldest);
        // Who opened it then still has it.
        let opened = File::open(&oldest).unwrap();
        place.save(&sessions(2));
        assert_ne!(inode(&place.state()), number);
        assert_eq!(fs::metadata(place.state()).unwrap().mode() & 0o7777, 0o600);
        drop(opened);
    }
}

#[test]
fn a_backup_that_has_another_name_or_is_a_link_is_not_written_over() {
    let place = full();
    fs::hard_link(place.beside("json.5"), place.path("mine")).unwrap();
    let mine = fs::read(place.path("mine")).unwrap();
    place.save(&sessions(7));
    assert_eq!(fs::read(place.path("mine")).unwrap(), mine);

    put(&place.path("victim"), "precious");
    fs::remove_file(place.beside("json.5")).unwrap();
    symlink(place.path("victim"), place.beside("json.5")).unwrap();
    place.save(&sessions(8));
    assert_eq!(fs::read(place.path("victim")).unwrap(), b"precious");
    assert_eq!(place.read().sessions, sessions(8));
    assert_eq!(place.store().backups_valid().unwrap(), 5);
}

#[test]
fn where_the_state_file_is_the_newest_backup_already_the_oldest_stays() {
    let place = full();
    let (newest, oldest) = (place.beside("json.1"), fs::read(place.beside("json.5")).unwrap());
    fs::remove_file(&newest).unwrap();
    fs::hard_link(place.state(), &newest).unwrap();
    place.save(&sessions(8));
    assert_eq!(fs::read(place.beside("json.5")).unwrap(), oldest);
    assert_eq!(place.read().sessions, sessions(8));
}

/// As a crash between two renames leaves it.
#[test]
fn where_a_number_is_free_the_oldest_stays() {
    let place = full();
    let oldest = fs::read(place.beside("json.5")).unwrap();
    fs::remove_file(place.beside("json.3")).unwrap();
    place.save(&sessions(8));
    assert_eq!(fs::read(place.beside("json.5")).unwrap(), oldest);
    assert_eq!(place.store().backups_valid().unwrap(), 5);
}

#[test]
fn a_pipe_is_no_oldest_backup() {
    let place = full();
    let oldest = place.beside("json.5");
    fs::remove_file(&oldest).unwrap();
    mkfifoat(CWD, &oldest, Mode::RUSR | Mode::WUSR).unwrap();
    place.save(&sessions(8));
    assert_eq!(place.read().sessions, sessions(8));
}

#[test]
fn what_was_replaced_at_a_time_to_come_may_have_been_so_a_moment_ago() {
    let place = full();
    let number = inode(&place.beside("json.5"));
    let next = File::options().append(true).open(place.beside("json.4")).unwrap();
    next.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(8_000_000_000)).unwrap();
    // Who has it open keeps its number from being given to another file.
    let _opened = File::open(place.beside("json.5")).unwrap();
    place.save(&sessions(8));
    assert_ne!(inode(&place.state()), number);
}

#[test]
fn who_opened_it_as_the_table_a_moment_ago_reads_it_to_its_end() {
    let place = full();
    let mut opened = File::open(place.beside("json.5")).unwrap();
    let (text, next) = (fs::read(place.beside("json.5")).unwrap(), place.beside("json.4"));
    // That is when the oldest was replaced.
    put(&next, fs::read(&next).unwrap());
    place.save(&sessions(8));
    let mut read = Vec::new();
    opened.read_to_end(&mut read).unwrap();
    assert!(read == text);
}
