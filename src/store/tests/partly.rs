//! Whether a list of which only the changes are written anew is what it would be if all of it were, and whether what is read
//! straight from the text is what the JSON parser reads.

use proptest::{collection, prelude::*, sample};
use serde::Serialize;

use super::{
    arbitrary::table,
    support::{FULL, Place, entry, session},
};
use crate::{
    session::{Session, SessionStatus},
    store::{
        Origin, Record, Store as _, decode_record,
        files::Content,
        record,
        schema::{self, Parsed, Seal},
    },
    workspace::Workspace,
};

#[derive(Serialize)]
struct Sessions<'a> {
    sessions: Vec<Record<'a>>,
}

/// The list of sessions, all of it written anew.
fn whole(sessions: &[Session], workspace: &Workspace) -> String {
    let sessions = sessions.iter().map(|session| record(session, workspace)).collect();
    let text = serde_json::to_string_pretty(&Sessions { sessions }).unwrap();
    text.strip_prefix("{\n  ").unwrap().strip_suffix("\n}").unwrap().to_owned()
}

/// The list in the file.
fn list(place: &Place) -> String {
    let text = place.text();
    let begin = text.find("\"sessions\": ").unwrap();
    text[begin..text.find(",\n  \"generation\"").unwrap()].to_owned()
}

fn content(bytes: &[u8]) -> Content {
    Content::of(bytes.to_vec())
}

fn worktrees(workspace: &Workspace) -> String {
    workspace.worktrees().to_string_lossy().into_owned()
}

#[derive(Clone, Debug)]
enum Edit {
    Touch(sample::Index),
    Note(sample::Index),
    Remove(sample::Index),
    Swap(sample::Index, sample::Index),
    Add(usize),
    Nothing,
}

impl Edit {
    fn on(&self, sessions: &mut Vec<Session>) {
        if let Self::Add(number) = self {
            let new = session(10 + number);
            if sessions.iter().all(|session| session.id() != new.id()) {
                sessions.insert(sessions.len() / 2, new);
            }
        }
        let count = sessions.len();
        match self {
            _ if count == 0 => (),
            Self::Touch(at) => {
                let now = "2026-01-01T00:00:00.000Z".parse().unwrap();
                sessions[at.index(count)].set_status(SessionStatus::Waiting, now);
            }
            Self::Note(at) => {
                let value = serde_json::value::RawValue::from_string("[1 , 2]".to_owned()).unwrap();
                sessions[at.index(count)].metadata_mut().set("note", value);
            }
            Self::Remove(at) => drop(sessions.remove(at.index(count))),
            Self::Swap(one, other) => sessions.swap(one.index(count), other.index(count)),
            Self::Add(_) | Self::Nothing => (),
        }
    }
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<sample::Index>;
    prop_oneof![
        at().prop_map(Edit::Touch),
        at().prop_map(Edit::Note),
        at().prop_map(Edit::Remove),
        (at(), at()).prop_map(|(one, other)| Edit::Swap(one, other)),
        (0_usize..1_000).prop_map(Edit::Add),
        Just(Edit::Nothing),
    ]
}

/// Everything of a reading but the list as text, of which the general reader keeps nothing.
fn shown(parsed: &Parsed) -> String {
    let Parsed { document, sessions, notes, seal, .. } = parsed;
    format!("{document:?} {sessions:?} {notes:?} {seal:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_list_of_which_a_part_is_written_is_what_a_whole_one_is(
        sessions in table(),
        plain in 0_usize..12,
        edits in collection::vec((any::<bool>(), collection::vec(edit(), 0..3)), 1..6),
    ) {
        let place = Place::new();
        let mut sessions: Vec<Session> = sessions.into_iter().chain((10_000..10_000 + plain).map(session)).collect();
        place.save(&sessions);
        prop_assert_eq!(list(&place), whole(&sessions, &place.workspace));
        let mut store = place.store();
        for (is_read_anew, edits) in edits {
            if is_read_anew {
                store = place.store();
            }
            sessions = store.begin().unwrap().sessions;
            for edit in edits {
                edit.on(&mut sessions);
            }
            store.commit(&sessions).unwrap();
            prop_assert_eq!(list(&place), whole(&sessions, &place.workspace));
            store.end();
            let read = place.read();
            prop_assert_eq!((read.origin, read.sessions), (Origin::File, sessions.clone()));
            prop_assert_eq!(schema::decode_bytes(&place.bytes()).unwrap().seal, Seal::Whole);
        }
    }

    #[test]
    fn what_is_read_from_the_text_is_what_a_parser_reads(
        sessions in table(),
        usual in collection::vec(usual(), 0..6),
        damage in collection::vec(damage(), 0..4),
    ) {
        let place = Place::new();
        let usual = usual.iter().enumerate().map(|(at, more)| decode_record(&entry(10_000 + at, more)).unwrap());
        place.save(&sessions.into_iter().chain(usual).collect::<Vec<_>>());
        let mut text = place.text();
        for damage in damage {
            damage.on(&mut text);
        }
        let of = worktrees(&place.workspace);
        for text in [resealed(&text), Some(text)].into_iter().flatten() {
            let read = schema::decode(&content(text.as_bytes()), &of);
            let parsed = schema::decode_bytes(text.as_bytes());
            let sums = |parsed: &Parsed| (shown(parsed), parsed.written.checksum());
            prop_assert_eq!(
                read.as_ref().map(sums).map_err(ToString::to_string),
                parsed.as_ref().map(sums).map_err(ToString::to_string)
            );
        }
    }
}

/// The same text with the checksum that its list has now, as somebody can write it who knows how.
fn resealed(text: &str) -> Option<String> {
    let checksum = schema::decode_bytes(text.as_bytes()).ok()?.written.checksum();
    let at = text.rfind("crc32:")?;
    Some(format!("{}{checksum}{}", &text[..at], text.get(at + checksum.len()..)?))
}

/// What somebody who edits, or a disk that fails, can do to a text.
#[derive(Clone, Debug)]
enum Damage {
    Put(sample::Index, char),
    Cut(sample::Index, usize),
    Double(sample::Index, usize, sample::Index),
}

impl Damage {
    fn on(&self, text: &mut String) {
        if !text.is_ascii() || text.is_empty() {
            return;
        }
        let range = |at: &sample::Index, length: usize| {
            let at = at.index(text.len());
            at..(at + length).min(text.len())
        };
        match self {
            Self::Put(at, sign) => text.replace_range(range(at, 1), &sign.to_string()),
            Self::Cut(at, length) => text.replace_range(range(at, *length), ""),
            Self::Double(from, length, at) => {
                let part = text[range(from, *length)].to_owned();
                text.insert_str(at.index(text.len()), &part);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<sample::Index>;
    prop_oneof![
        (at(), sample::select("\n \"\\:,{}[]0129abfzAZ-_./é\u{1}\u{7f}".chars().collect::<Vec<_>>()))
            .prop_map(|(at, sign)| Damage::Put(at, sign)),
        (at(), 1_usize..80).prop_map(|(at, length)| Damage::Cut(at, length)),
        (at(), 1_usize..600, at()).prop_map(|(from, length, at)| Damage::Double(from, length, at)),
    ]
}

/// The members of sessions as there are most of them.
fn usual() -> impl Strategy<Value = String> {
    let base =
        r#","base":{"commit":"0123456789012345678901234567890123456789","reference":"refs/heads/main"}"#;
    let others = base.replace("0123456789", "abcdef0123").replace("main", "other");
    sample::select(vec![String::new(), base.to_owned(), others, RUNNING.to_owned(), ENDED.to_owned()])
}

const RUNNING: &str = r#","ptyPid":77,"currentPhase":"testing","base":{"commit":"0123456789012345678901234567890123456789","reference":"refs/heads/main"},"command":["claude","-p","a b"],"agent":{"name":"claude","arguments":["-p"],"conversation":"a-b","reports":true},"process":{"pid":77,"started":5,"boot":"b/1"},"holder":{"pid":76,"started":5,"boot":"b/1"}"#;
const ENDED: &str = r#","status":"stopped","base":{"commit":"0123456789012345678901234567890123456789"},"command":["sh"],"ended":{"at":"2025-11-24T12:30:00.000Z","signal":9,"cause":"asked"}"#;

#[test]
fn the_text_of_usual_sessions_is_kept_and_that_of_all_others_is_not() {
    for (more, is_kept) in [
        ("", true),
        (RUNNING, true),
        (ENDED, true),
        (FULL, false),
        (r#","currentPhase":"é \" \\""#, false),
        (r#","metadata":{"n":1}"#, false),
        (r#","other":1"#, false),
    ] {
        let place = Place::new();
        place.save(&[decode_record(&entry(1, more)).unwrap(), session(2)]);
        let read = schema::decode(&content(&place.bytes()), &worktrees(&place.workspace)).unwrap();
        assert_eq!(read.written.kept(), if is_kept { 2 } else { 1 }, "{more}");
        let elsewhere = schema::decode(&content(&place.bytes()), "/elsewhere/.worktrees").unwrap();
        assert_eq!((elsewhere.written.kept(), elsewhere.sessions.len()), (0, 2), "{more}");
    }
}

/// A workspace that is seen under another path, and a table that somebody indented anew.
#[test]
fn what_stands_there_in_another_way_is_written_in_ours() {
    let place = Place::new();
    let sessions = [session(1), session(2), session(3)];
    place.save(&sessions);
    let text = place.text();
    let path = place.workspace.root().display().to_string();
    for other in
        [text.replace(&path, "/elsewhere"), text.replace("      ", "\t"), text.replace("\": ", "\":")]
    {
        assert_ne!(other, text);
        place.put(&other);
        let mut store = place.store();
        let mut read = store.begin().unwrap().sessions;
        assert_eq!(read, sessions, "{other}");
        read[0].end_setup();
        read.push(session(4));
        store.commit(&read).unwrap();
        assert_eq!(list(&place), whole(&read, &place.workspace));
    }
}

#[test]
fn what_our_hand_would_not_write_is_left_to_the_parser() {
    let place = Place::new();
    place.save(&[decode_record(&entry(1, RUNNING)).unwrap()]);
    let text = place.text();
    let of = worktrees(&place.workspace);
    assert_eq!(schema::decode(&content(text.as_bytes()), &of).unwrap().written.kept(), 1);
    for (ours, other) in [
        ("\"ptyPid\": 77", "\"ptyPid\": 78"),
        ("\"started\": 5", "\"started\": 05"),
        ("\"pid\": 76", "\"pid\": 0"),
        ("refs/heads/main", "refs\\/heads\\/main"),
        ("refs/heads/main", "refs/heads/\x01"),
        ("\"name\": \"s1\"", "\"name\": \"\\u00731\""),
        ("\"reports\": true", "\"reports\": false"),
        ("T10:30:00.000Z", "T10:30:00.000z"),
        ("T10:30:00.000Z", "T10:30:00Z"),
        ("/.worktrees/", "/other/"),
        ("\"createdAt\"", "\"other\": 1,\n      \"createdAt\""),
    ] {
        let other = text.replace(ours, other);
        assert_ne!(other, text);
        let read = schema::decode(&content(other.as_bytes()), &of).map(|it| {
            assert_eq!(it.written.kept(), 0, "{other}");
            shown(&it)
        });
        let parsed = schema::decode_bytes(other.as_bytes()).map(|it| shown(&it));
        assert_eq!(read.map_err(|err| err.to_string()), parsed.map_err(|err| err.to_string()), "{other}");
    }
}

/// As somebody leaves it who takes out the lines behind the list.
#[test]
fn a_comma_behind_which_nothing_comes_is_no_table_in_our_hand_either() {
    let place = Place::new();
    place.save(&[session(1)]);
    let text = place.text();
    let of = worktrees(&place.workspace);
    let list = &text[..text.rfind("\n  ]").unwrap()];
    for end in ["\n  ],}", "\n  ],\n}\n", "\n  ], \t}"] {
        let other = format!("{list}{end}");
        let read = schema::decode(&content(other.as_bytes()), &of).map(|it| shown(&it));
        let parsed = schema::decode_bytes(other.as_bytes()).map(|it| shown(&it));
        assert!(parsed.is_err(), "{other}");
        assert_eq!(read.map_err(|err| err.to_string()), parsed.map_err(|err| err.to_string()), "{other}");
    }
}

#[test]
fn sessions_in_our_hand_with_something_in_common_are_judged_as_any_others() {
    let place = Place::new();
    place.save(&[session(1), session(2)]);
    let of = worktrees(&place.workspace);
    for (ours, other) in [("s2", "s1"), ("\"name\": \"s2\"", "\"name\": \"S1\""), ("000002", "000001")] {
        let text = place.text().replace(ours, other);
        let read = schema::decode(&content(text.as_bytes()), &of).unwrap();
        assert_eq!((read.sessions.len(), read.document.quarantine.len()), (1, 1), "{text}");
        assert_eq!(shown(&read), shown(&schema::decode_bytes(text.as_bytes()).unwrap()));
    }
}
