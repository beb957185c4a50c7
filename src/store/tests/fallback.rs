//! Whether backups and kept copies step in when the state file is missing, broken or suspect.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use super::support::{Place, entry, file, put, sessions};
use crate::store::{Note, Origin, Reading, Store as _};

/// A workspace with one backup for each of the tables of 1 to 3 sessions, the state file holding 4.
fn with_backups() -> Place {
    let place = Place::new();
    for count in 1..=4 {
        place.save(&sessions(count));
    }
    place
}

fn kept(reading: &Reading) -> Vec<PathBuf> {
    let path = |note: &Note| match note {
        Note::Kept { path } => Some(path.clone()),
        Note::PathIgnored { .. } => None,
    };
    reading.notes.iter().filter_map(path).collect()
}

fn backup(number: u8, because: &str) -> Origin {
    let because = because.to_owned();
    Origin::Backup { number, because }
}

#[test]
fn a_broken_file_gives_way_to_the_newest_backup() {
    let place = with_backups();
    place.put("");
    let reading = place.read();
    assert_eq!(reading.origin, backup(1, "it is empty"));
    assert_eq!(reading.sessions, sessions(3));
}

#[test]
fn a_missing_file_gives_way_to_the_newest_backup() {
    let place = with_backups();
    fs::remove_file(place.state()).unwrap();
    let mut store = place.store();
    let reading = store.begin().unwrap();
    assert_eq!(reading.origin, backup(1, "it is missing"));
    assert!(kept(&reading).is_empty());
    store.commit(&reading.sessions).unwrap();
    assert_eq!(place.read().origin, Origin::File);
    assert_eq!(place.read().sessions, sessions(3));
}

#[test]
fn a_backup_that_is_damaged_itself_is_passed_over() {
    let place = with_backups();
    place.put("{");
    let edited = fs::read_to_string(place.beside("json.1")).unwrap().replace("s3", "s9");
    put(&place.beside("json.1"), edited);
    put(&place.beside("json.2"), "\0\0\0");
    let reading = place.read();
    assert!(matches!(reading.origin, Origin::Backup { number: 3, .. }));
    assert_eq!(reading.sessions, sessions(1));
    assert_eq!(place.store().backups_valid().unwrap(), 1);
}

#[test]
fn an_unsigned_backup_serves() {
    let place = Place::holding("{");
    put(&place.beside("json.4"), file(&[entry(1, "")]));
    fs::create_dir(place.beside("json.2")).unwrap();
    assert_eq!(place.read().sessions, sessions(1));
}

#[test]
fn a_link_serves_as_no_backup() {
    let place = Place::holding("{");
    put(&place.path("elsewhere"), file(&[entry(1, "")]));
    symlink("elsewhere", place.beside("json.1")).unwrap();
    assert!(matches!(place.read().origin, Origin::Lost { .. }));
}

#[test]
fn broken_backups_only_are_a_loss_and_not_an_absence() {
    let place = with_backups();
    for number in 1..=3 {
        put(&place.beside(&format!("json.{number}")), "x");
    }
    place.put("x");
    assert!(matches!(place.read().origin, Origin::Lost { .. }));
    fs::remove_file(place.state()).unwrap();
    let because = "it is missing".to_owned();
    assert_eq!(place.read().origin, Origin::Lost { because });
}

#[test]
fn a_broken_file_is_kept_before_it_is_replaced() {
    let place = with_backups();
    place.put("half a {");
    let reading = place.load_and_save();
    let at = place.path(".claude-container-sessions.json.corrupt.20251124T103000.000Z");
    assert_eq!(kept(&reading), [at.as_path()]);
    assert_eq!(fs::read(&at).unwrap(), b"half a {");
    assert_eq!(place.store().kept().unwrap(), [at]);
    assert_eq!(place.read().origin, Origin::File);
    assert_eq!(place.read().sessions, sessions(3));
    // The broken file did not push a good one out of the backups.
    assert_eq!(place.store().backups_valid().unwrap(), 3);
}

#[test]
fn the_same_broken_file_is_kept_once_and_another_beside_it() {
    let place = Place::holding("one");
    let first = kept(&place.store().begin().unwrap());
    assert_eq!(kept(&place.store().begin().unwrap()), first);
    place.put("two");
    let second = kept(&place.store().begin().unwrap());
    assert_eq!(second, [PathBuf::from(format!("{}.2", first[0].display()))]);
    assert_eq!(fs::read(&first[0]).unwrap(), b"one");
    assert_eq!(fs::read(&second[0]).unwrap(), b"two");
    assert_eq!(place.store().kept().unwrap().len(), 2);
    place.put("six");
    let third = kept(&place.store().begin().unwrap());
    assert_eq!(third, [PathBuf::from(format!("{}.3", first[0].display()))]);
}

#[test]
fn large_broken_files_are_compared_to_the_last_byte() {
    let mut bytes = vec![b'x'; (1 << 20) + 1];
    let place = Place::holding(&bytes);
    place.store().begin().unwrap();
    bytes[1 << 20] = b'y';
    place.put(&bytes);
    place.store().begin().unwrap();
    assert_eq!(place.store().kept().unwrap().len(), 2);
}

#[test]
fn a_kept_file_does_not_change_with_the_one_it_was_copied_from() {
    let place = Place::holding("broken");
    let kept = kept(&place.store().begin().unwrap());
    place.put("edited in place");
    assert_eq!(fs::read(&kept[0]).unwrap(), b"broken");
}

#[test]
fn a_link_to_a_broken_file_is_no_copy_of_it() {
    let name = ".claude-container-sessions.json";
    // A link is as long as the name it leads to.
    let place = Place::holding("x".repeat(name.len()));
    symlink(name, place.beside("json.corrupt.link")).unwrap();
    let kept = kept(&place.store().begin().unwrap());
    assert!(fs::symlink_metadata(&kept[0]).unwrap().is_file());
}

#[test]
fn an_edited_file_is_suspect_and_comes_with_a_witness() {
    let place = with_backups();
    let edited = place.text().replace("\"s4\"", "\"mine\"");
    place.put(&edited);
    let reading = place.load_and_save();
    assert_eq!(reading.origin, Origin::Suspect);
    assert_eq!(reading.sessions[3].name().as_str(), "mine");
    assert_eq!(reading.witness, sessions(3));
    assert_eq!(fs::read_to_string(&kept(&reading)[0]).unwrap(), edited);
    let after = place.read();
    assert_eq!((after.origin, after.sessions), (Origin::File, reading.sessions));
    assert!(after.witness.is_empty());
}

#[test]
fn an_odd_generation_or_checksum_is_suspect() {
    let place = Place::new();
    place.save(&sessions(1));
    let whole = place.text();
    for (from, to) in [
        ("\"generation\": 1", "\"generation\": -1"),
        ("\"generation\": 1", "\"generation\": \"1\""),
        ("crc32:", "md5:"),
        ("\"checksum\": \"", "\"checksum\": 7, \"old\": \""),
    ] {
        place.put(whole.replace(from, to));
        assert_eq!(place.read().origin, Origin::Suspect, "{to}");
    }
    place.put(whole.replace("\"generation\": 1,\n", ""));
    assert_eq!(place.read().origin, Origin::File);
}

#[test]
fn a_file_without_checksum_is_signed_by_the_next_commit() {
    let place = Place::holding(file(&[entry(1, "")]));
    let reading = place.load_and_save();
    assert_eq!(reading.origin, Origin::Unsigned);
    assert!(reading.notes.is_empty());
    assert_eq!(place.read().origin, Origin::File);
    assert_eq!(fs::read_to_string(place.beside("json.1")).unwrap(), file(&[entry(1, "")]));
}

#[test]
fn a_list_that_stayed_as_it_was_is_signed_too() {
    let place = Place::new();
    place.save(&sessions(1));
    let whole = place.text();
    for checksum in ["\"other\": \"", "\"checksum\": \"x"] {
        place.put(whole.replace("\"checksum\": \"", checksum));
        assert_ne!(place.load_and_save().origin, Origin::File);
        assert_eq!(place.read().origin, Origin::File);
    }
}

#[test]
fn a_whole_file_that_others_may_read_is_narrowed_by_the_next_commit() {
    let place = Place::new();
    place.save(&sessions(1));
    fs::set_permissions(place.state(), fs::Permissions::from_mode(0o640)).unwrap();
    place.load_and_save();
    assert_eq!(place.store().mode().unwrap(), Some(0o600));
}
