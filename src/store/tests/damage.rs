//! Whether a damaged file costs more than what was damaged.

use std::fs::{self, File};

use super::support::{FULL, Place, entry, file, put, sessions};
use crate::{
    session::Session,
    store::{FILE_BYTES_MAX, Note, Origin, Quarantined, Store as _, StoreError, decode_record},
};

fn full() -> Vec<Session> {
    vec![decode_record(&entry(1, FULL)).unwrap()]
}

fn lost_because(bytes: impl AsRef<[u8]>) -> String {
    let origin = Place::holding(bytes).read().origin;
    let Origin::Lost { because } = origin else {
        panic!("{origin:?}");
    };
    because
}

#[test]
fn a_file_cut_at_any_byte_is_never_taken_for_whole() {
    let place = Place::new();
    place.save(&full());
    let whole = place.bytes();
    // The last byte is a line feed that says nothing.
    for length in 0..whole.len() - 1 {
        place.put(&whole[..length]);
        let origin = place.read().origin;
        assert!(matches!(origin, Origin::Lost { .. }), "{length}: {origin:?}");
    }
}

#[test]
fn no_flipped_bit_changes_a_session_in_silence() {
    let place = Place::new();
    place.save(&full());
    let whole = place.bytes();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            place.put(&flipped);
            match place.store().read() {
                Ok(reading) if reading.origin == Origin::File => {
                    assert_eq!(reading.sessions, full(), "byte {at} bit {bit}");
                }
                Ok(_) | Err(StoreError::Newer { .. }) => (),
                Err(err) => panic!("byte {at} bit {bit}: {err}"),
            }
        }
    }
}

#[test]
fn what_is_no_table_is_broken_with_a_reason() {
    let good = file(&[entry(1, "")]);
    assert_eq!(lost_because(""), "it is empty");
    for (bytes, start) in [
        (vec![0; 4096], "it is not a JSON object: "),
        (b"garbage".to_vec(), "it is not a JSON object: "),
        (b"[]".to_vec(), "it is not a JSON object: "),
        (format!("\u{feff}{good}").into_bytes(), "it is not a JSON object: "),
        (format!("{good}}}").into_bytes(), "it is not a JSON object: "),
        (format!("{good}\0").into_bytes(), "it is not a JSON object: "),
        ([good.as_bytes(), b"\xff"].concat(), "it is not UTF-8: "),
        (b"{\"version\":\"1.0\",\"sessions\":{}}".to_vec(), "it has no list of sessions"),
        (b"{\"version\":\"1.0\"}".to_vec(), "it has no list of sessions"),
        (good.replace(']', "],\"sessions\":[]").into_bytes(), "`sessions` stands in it twice"),
    ] {
        let because = lost_because(bytes);
        assert!(because.starts_with(start), "{because}");
    }
}

#[test]
fn a_missing_or_odd_version_is_broken() {
    for version in ["1", "1.", "1.x", "1.0.0", "v2", "", " 2.0", "-1.0"] {
        let text = file(&[]).replace("\"1.0\"", &format!("{version:?}"));
        assert_eq!(lost_because(&text), "it has no version that can be read", "{version}");
    }
    for version in ["1", "1.0", "null", "[2]"] {
        let text = file(&[]).replace("\"1.0\"", version);
        assert_eq!(lost_because(&text), "it has no version that can be read", "{version}");
    }
    assert_eq!(lost_because("{\"sessions\":[]}"), "it has no version that can be read");
}

#[test]
fn a_deep_or_huge_file_is_broken_and_not_a_crash() {
    let deep =
        format!(r#"{{"version":"1.0","sessions":[],"x":{}{}}}"#, "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert_eq!(lost_because(deep), "it nests too deep");
    let long = format!(r#"{{"version":"1.0","sessions":[],"x":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(lost_because(long), "it has a string of more than 1048576 bytes");
    let place = Place::new();
    let huge = File::create(place.state()).unwrap();
    huge.set_len(FILE_BYTES_MAX * 16).unwrap();
    let mut store = place.store();
    let reading = store.begin().unwrap();
    let because = "it is larger than 67108864 bytes".to_owned();
    assert_eq!(reading.origin, Origin::Lost { because });
    let Some(Note::Kept { path }) = reading.notes.first() else {
        panic!("{:?}", reading.notes);
    };
    store.commit(&sessions(1)).unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), FILE_BYTES_MAX * 16);
    assert_eq!(place.read().sessions, sessions(1));
}

#[test]
fn a_file_of_another_major_version_is_left_alone() {
    for version in [r#""2.0""#, r#""2""#, "2", "2.5", r#""0.9""#, r#""10.0-beta""#] {
        let place = Place::new();
        place.save(&sessions(1));
        place.save(&sessions(2));
        let text = format!(r#"{{"version":{version},"sessions":{{"by":"id"}}}}"#);
        place.put(&text);
        let names = place.names();
        for outcome in [place.store().read(), place.store().begin()] {
            assert!(matches!(outcome, Err(StoreError::Newer { .. })), "{outcome:?}");
        }
        assert!(place.try_save(&[]).is_err());
        assert_eq!(place.text(), text);
        assert_eq!(place.names(), names);
    }
}

#[test]
fn a_backup_of_another_major_version_is_not_rotated_away() {
    let place = Place::new();
    put(&place.beside("json.1"), r#"{"version":"2.0"}"#);
    assert!(matches!(place.try_save(&[]), Err(StoreError::Newer { .. })));
}

#[test]
fn a_newer_minor_version_is_kept() {
    let place = Place::holding(file(&[]).replace("1.0", "1.7"));
    place.save(&sessions(1));
    assert!(place.text().contains("\"version\": \"1.7\""));
}

#[test]
fn what_others_wrote_comes_back_to_the_letter() {
    let odd = r#"{"n":123456789012345678901234567890,"e":-1.50E+400,"d":1,"d":2,"s":"\ud800 \u00e9","l":[1 ,
 2]}"#;
    let text = format!(
        r#"{{"zeta":{odd},"version":"1.0","sessions":[{}],"alpha":{odd},"zeta":null}}"#,
        entry(1, &format!(r#","x":{odd},"metadata":{{"m":{odd}}},"x":{odd}"#))
    );
    let place = Place::holding(text);
    let read = place.load_and_save();
    assert_eq!(read.origin, Origin::Unsigned);
    let written = place.text();
    assert_eq!(written.matches(odd).count(), 5, "{written}");
    assert!(
        written.ends_with(&format!(",\n  \"zeta\": {odd},\n  \"alpha\": {odd},\n  \"zeta\": null\n}}\n"))
    );
    assert_eq!(place.read().sessions, read.sessions);
    assert_eq!(place.read().origin, Origin::File);
}

#[test]
fn a_file_that_another_tool_indented_anew_is_still_whole() {
    let place = Place::new();
    place.save(&sessions(3));
    let plain: String = place.text().lines().map(str::trim_start).collect();
    place.put(plain);
    assert_eq!(place.read().origin, Origin::File);
    assert_eq!(place.read().sessions, sessions(3));
}

#[test]
fn one_bad_session_among_four_costs_only_itself() {
    let bad = entry(3, r#","status":"busy","x":1e999 "#);
    let entries = [entry(1, ""), entry(2, ""), bad.clone(), entry(4, "")];
    let place = Place::holding(file(&entries));
    let reading = place.load_and_save();
    let names: Vec<&str> = reading.sessions.iter().map(|session| session.name().as_str()).collect();
    assert_eq!(names, ["s1", "s2", "s4"]);
    assert_eq!(reading.quarantined.len(), 1);
    assert_eq!(reading.quarantined[0].entry, bad);
    let text = place.text();
    assert!(text.contains(&bad), "{text}");
    place.save(&[]);
    assert_eq!(place.read().quarantined, reading.quarantined);
    assert_eq!(place.load_and_save().quarantined, reading.quarantined);
}

#[test]
fn entries_of_any_kind_are_quarantined_to_the_letter() {
    let odd = ["null", "1e400", "\"text\"", "[ ]", "{}", "{\"\\ud800\":1}"];
    let place = Place::holding(file(&odd.map(str::to_owned)));
    let reading = place.load_and_save();
    assert!(reading.sessions.is_empty());
    let again = place.read();
    assert_eq!(again.quarantined, reading.quarantined);
    for (kept, entry) in again.quarantined.iter().zip(odd) {
        assert_eq!(kept.entry, entry);
        assert!(!kept.because.is_empty());
    }
}

#[test]
fn a_quarantine_that_cannot_be_read_is_quarantined() {
    for (quarantine, kept) in [
        ("7", "7"),
        (r#"[{"entry":1}]"#, r#"{"entry":1}"#),
        (r#"[{"because":"b","entry":1,"more":2}]"#, r#"{"because":"b","entry":1,"more":2}"#),
    ] {
        let text = file(&[]).replace("[]", &format!("[],\"quarantine\":{quarantine}"));
        let place = Place::holding(text);
        place.save(&sessions(1));
        assert_eq!(place.read().quarantined[0].entry, kept);
        assert_eq!(place.read().sessions, sessions(1));
    }
}

#[test]
fn of_doubles_the_first_stays() {
    let same = |number: usize, from: &str, to: &str| entry(number, "").replace(from, to);
    let issue = r#","issue":{"repository":"a/b","number":1}"#;
    let entries = [
        entry(1, issue),
        same(1, "s1", "other"),
        same(3, "\"s3\"", "\"S1\""),
        same(4, "feature/s4", "feature/s1"),
        entry(5, &issue.replace("a/b", "A/B")),
        same(6, "feature/s6", "HEAD"),
        same(7, "feature/s7", "HEAD"),
        same(8, "feature/s8", "feature/s1").replace("\"branch\"", "\"repository\":\"web\",\"branch\""),
    ];
    let reading = Place::holding(file(&entries)).read();
    let names: Vec<&str> = reading.sessions.iter().map(|session| session.name().as_str()).collect();
    assert_eq!(names, ["s1", "s6", "s7", "s8"]);
    let why: Vec<&str> = reading.quarantined.iter().map(|kept| kept.because.as_str()).collect();
    assert_eq!(
        why,
        [
            "an earlier session has the id `00000000-0000-4000-8000-000000000001`",
            "an earlier session has the name `S1`",
            "an earlier session has the branch `feature/s1`",
            "an earlier session has the issue `a/b#1`",
        ]
    );
    assert!(reading.quarantined.iter().all(Quarantined::is_in_the_way));
    let odd = Place::holding(file(&[entry(1, ""), "7".to_owned()])).read();
    assert!(!odd.quarantined[0].is_in_the_way());
}

#[test]
fn a_stored_path_is_never_taken() {
    for path in [
        "/",
        "..",
        "",
        "/workspace",
        "/workspace/.worktrees/00000000-0000-4000-8000-000000000002",
        "/workspace/.worktrees/00000000-0000-4000-8000-000000000001/..",
    ] {
        let place = Place::holding(file(&[entry(1, &format!(r#","worktreePath":"{path}""#))]));
        let reading = place.load_and_save();
        let note = Note::PathIgnored { id: sessions(1)[0].id(), stored: path.to_owned() };
        assert_eq!(reading.notes, [note], "{path}");
        assert_eq!(reading.sessions, sessions(1));
        let derived = place.workspace.worktree(sessions(1)[0].id());
        assert!(place.text().contains(&format!("\"worktreePath\": \"{}\"", derived.display())));
    }
    let ours = ".worktrees/00000000-0000-4000-8000-000000000001";
    for moved in [format!("/old/place/{ours}"), format!("/old/place/{ours}/"), ours.to_owned()] {
        let stored = format!(r#","worktreePath":"{moved}""#);
        assert_eq!(Place::holding(file(&[entry(1, &stored)])).read().notes, [], "{moved}");
    }
}

#[test]
fn timestamps_out_of_range_cost_only_their_session() {
    for moment in ["99999-01-01T00:00:00.000Z", "-0001-01-01T00:00:00Z", "2025-02-30T00:00:00Z", ""] {
        let bad = entry(2, "").replace("2025-11-24T10:30:00.000Z", moment);
        let reading = Place::holding(file(&[entry(1, ""), bad])).read();
        assert_eq!((reading.sessions.len(), reading.quarantined.len()), (1, 1), "{moment}");
    }
}

#[test]
fn the_deepest_entry_that_is_read_can_be_quarantined() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let broken = |text: &str| matches!(Place::holding(text).read().origin, Origin::Lost { .. });
    for (text, depth) in [
        (r#"{"version":"1.0","sessions":[@]}"#, 125),
        (r#"{"version":"1.0","sessions":[],"quarantine":@}"#, 126),
        (r#"{"version":"1.0","sessions":[],"quarantine":{"x":@}}"#, 124),
        (r#"{"version":"1.0","sessions":[],"quarantine":[{"because":"b","entry":@}]}"#, 125),
        (r#"{"version":"1.0","sessions":[],"more":@}"#, 127),
    ] {
        let place = Place::holding(text.replace('@', &nested(depth)));
        assert_eq!(place.read().origin, Origin::Unsigned, "{text}");
        for count in 1..=3 {
            place.save(&sessions(count));
            let reading = place.read();
            assert_eq!((reading.origin, reading.sessions.len()), (Origin::File, count), "{text}");
        }
        assert!(broken(&text.replace('@', &nested(depth + 1))), "{text}");
    }
}

#[test]
fn a_long_value_that_is_refused_is_quoted_in_short() {
    let status = "\u{e9}".repeat(1 << 18);
    let place = Place::holding(file(&[entry(1, &format!(r#","status":"{status}""#))]));
    place.load_and_save();
    let reading = place.read();
    assert_eq!(reading.origin, Origin::File);
    assert_eq!(reading.quarantined[0].because.chars().count(), 500);
    assert!(reading.quarantined[0].entry.contains(&status));
}
