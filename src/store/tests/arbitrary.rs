//! Whether any bytes at all, and any table at all, survive being loaded and saved.

use proptest::{collection, option, prelude::*, sample};

use super::support::{FULL, Place, entry, file, uuid};
use crate::{
    session::Session,
    store::{Origin, Store as _, decode_record},
};

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
            collection::vec(("[a-c]", inner), 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn ended() -> impl Strategy<Value = String> {
    let cause = sample::select(vec!["itself", "asked", "shutdown", "restart", "lost", "a newer one"]);
    let how = prop_oneof![
        Just(String::new()),
        any::<i32>().prop_map(|code| format!(",\"code\":{code}")),
        any::<i32>().prop_map(|signal| format!(",\"signal\":{signal}")),
    ];
    (cause, how)
        .prop_map(|(cause, how)| format!(r#"{{"at":"2025-11-24T10:30:00.000Z","cause":"{cause}"{how}}}"#))
}

fn session() -> impl Strategy<Value = String> {
    let status = sample::select(vec!["active", "waiting", "idle", "error", "stopped"]);
    let object = collection::vec(json(), 0..3).prop_map(|values| {
        let members: Vec<String> = values.iter().map(|value| format!("\"k\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    let fields = (
        0_usize..6,
        option::of(status),
        option::of(any::<i64>()),
        option::of(object),
        option::of(json()),
        option::of(ended()),
        option::of(collection::vec(any::<String>(), 0..4)),
        any::<bool>(),
    );
    fields.prop_map(|(number, status, pid, metadata, unknown, ended, arguments, full)| {
        if full {
            return entry(number, FULL).replace("\"number\":7", &format!("\"number\":{}", number + 1));
        }
        let mut more = String::new();
        more.extend(status.map(|status| format!(",\"status\":\"{status}\"")));
        more.extend(pid.map(|pid| format!(",\"ptyPid\":{pid}")));
        more.extend(metadata.map(|metadata| format!(",\"metadata\":{metadata}")));
        more.extend(ended.map(|ended| format!(",\"ended\":{ended}")));
        more.extend(arguments.map(|arguments| {
            let mut command = vec!["sh".to_owned()];
            command.extend(arguments.into_iter().map(|word| word.replace('\0', "")));
            format!(",\"command\":{}", serde_json::to_string(&command).unwrap())
        }));
        more.extend(unknown.map(|unknown| format!(",\"x y\":{unknown}")));
        entry(number, &more)
    })
}

/// A table whose ids are all different.
pub(super) fn table() -> impl Strategy<Value = Vec<Session>> {
    collection::vec(session(), 0..6).prop_map(|entries| {
        let mut entries: Vec<Session> = entries.iter().map(|text| decode_record(text).unwrap()).collect();
        entries.sort_by_key(Session::id);
        entries.dedup_by_key(|session| session.id());
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back_as_it_was(sessions in table()) {
        let place = Place::new();
        place.save(&sessions);
        let reading = place.read();
        prop_assert_eq!(reading.origin, Origin::File);
        prop_assert_eq!(reading.sessions, sessions);
        prop_assert!(reading.quarantined.is_empty() && reading.notes.is_empty());
    }

    #[test]
    fn any_file_is_loaded_saved_and_loaded_alike(
        entries in collection::vec(prop_oneof![3 => session(), 1 => json()], 0..8),
        unknown in json(),
    ) {
        let text = file(&entries).replacen('{', &format!("{{\"other\":{unknown},"), 1);
        let place = Place::holding(text);
        let first = place.load_and_save();
        let second = place.load_and_save();
        prop_assert_eq!(first.sessions.len() + first.quarantined.len(), entries.len());
        prop_assert_eq!(second.origin, Origin::File);
        prop_assert_eq!(&second.sessions, &first.sessions);
        prop_assert_eq!(&second.quarantined, &first.quarantined);
        prop_assert!(place.text().contains(&unknown));
    }

    #[test]
    fn any_bytes_are_kept_or_loaded(bytes in collection::vec(any::<u8>(), 0..200)) {
        let place = Place::holding(&bytes);
        let reading = place.load_and_save();
        prop_assert!(matches!(reading.origin, Origin::Lost { .. }), "{:?}", reading.origin);
        let kept = place.store().kept().unwrap();
        prop_assert_eq!(std::fs::read(&kept[0]).unwrap(), bytes);
        prop_assert_eq!(place.read().origin, Origin::File);
    }

    #[test]
    fn any_damage_is_seen_or_harmless(
        sessions in table(),
        damage in collection::vec((any::<sample::Index>(), any::<u8>()), 1..6),
        cut in option::of(any::<sample::Index>()),
    ) {
        let place = Place::new();
        place.save(&sessions);
        let mut bytes = place.bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        place.put(&bytes);
        let Ok(reading) = place.store().begin() else {
            // Another major version, left alone.
            prop_assert_eq!(place.bytes(), bytes);
            return Ok(());
        };
        if reading.origin == Origin::File {
            prop_assert_eq!(reading.sessions, sessions);
        }
    }

    #[test]
    fn any_text_is_a_record_or_an_error(text in any::<String>(), value in json()) {
        prop_assert!(decode_record(&text).is_err());
        let fields = [
            "status", "ptyPid", "metadata", "repository", "base", "command", "process", "holder", "ended", "issue",
            "editor", "pending",
        ];
        for field in fields {
            if let Ok(session) = decode_record(&entry(1, &format!(",\"{field}\":{value}"))) {
                prop_assert_eq!(session.id().to_string(), uuid(1));
            }
        }
    }
}
