//! Chains on the disk: kept to the letter, whole after every damage, changed by one at a time.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{at, chain_of, id, members, said};
use crate::{
    atomic::{Durability, write_new},
    clock::{Clock, SystemClock, Timestamp},
    conversation::{
        Chain, ConversationError, Conversations, Excerpt, FormatError, Interaction,
        file::{decode, encode},
    },
    lock::LockError,
    session::SessionId,
    workspace::Workspace,
};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        at(0)
    }
}

struct Place {
    dir: TempDir,
    session: SessionId,
}

impl Place {
    fn new() -> Self {
        let session = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap();
        Self { dir: tempfile::tempdir().unwrap(), session }
    }

    fn with(count: i64) -> Self {
        let place = Self::new();
        for number in 1..=count {
            place.conversations().change(place.session, |chain| *chain = chain_of(number)).unwrap();
        }
        place
    }

    fn conversations(&self) -> Conversations {
        Conversations::of(Workspace::at(self.dir.path()), Arc::new(Fixed))
    }

    fn load(&self) -> Chain {
        self.conversations().load(self.session).unwrap()
    }

    fn say(&self, text: &str) -> Result<(), ConversationError> {
        self.conversations().change(self.session, |chain| chain.record(said(Some("c0"), text), at(0)))?
    }

    fn file(&self) -> PathBuf {
        self.folder().join("conversation.json")
    }

    fn folder(&self) -> PathBuf {
        Workspace::at(self.dir.path()).session_folder(self.session)
    }

    fn put(&self, bytes: &[u8]) {
        write_new(&self.file(), bytes, Durability::Crash).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_session_without_a_chain_has_an_empty_one_and_reading_writes_nothing() {
    let place = Place::new();
    assert_eq!(place.load(), Chain::default());
    assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0);
}

#[test]
fn a_chain_is_kept_with_one_backup_and_a_lock_that_stays() {
    let place = Place::with(3);
    assert_eq!(place.load(), chain_of(3));
    assert_eq!(place.names(), ["conversation.json", "conversation.json.1", "conversation.lock"]);
    assert_eq!(decode(&fs::read(place.folder().join("conversation.json.1")).unwrap()).unwrap(), chain_of(2));
    assert_eq!(fs::metadata(place.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::metadata(place.file()).unwrap().modified().unwrap();
    place.conversations().change(place.session, |_| ()).unwrap();
    assert_eq!(fs::metadata(place.file()).unwrap().modified().unwrap(), before, "no change is no write");
}

#[test]
fn what_others_added_comes_back_to_the_letter() {
    let text = r#"{
  "version": "1.4",
  "currentId": "c0",
  "interactionCount": 7,
  "theirs": {"big":123456789012345678901234567890, "x":1e400},
  "entries": [
    {"id":"c0","createdAt":"2025-11-24T10:30:00.000Z","interactionCount":7,"metadata":{"b":1.0,"a":-0},"mood":[1,{}]}
  ]
}
"#;
    let place = Place::with(1);
    place.put(text.as_bytes());
    place.say("hello").unwrap();
    let written = fs::read_to_string(place.file()).unwrap();
    for kept in [
        r#"{"big":123456789012345678901234567890, "x":1e400}"#,
        r#"{"b":1.0,"a":-0}"#,
        r#""mood":[1,{}]"#,
        r#""interactionCount": 8"#,
    ] {
        assert!(written.contains(kept), "{kept} is not in {written}");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let place = Place::with(1);
    let newer = br#"{"version":"2.0","entries":{}}"#;
    place.put(newer);
    assert!(matches!(place.say("hello"), Err(ConversationError::Newer { version, .. }) if version == "2.0"));
    let read = place.conversations().load(place.session);
    assert!(matches!(read, Err(ConversationError::Newer { .. })));
    assert_eq!(fs::read(place.file()).unwrap(), newer);
    // Also when it is the backup of a file that was damaged since.
    fs::copy(place.file(), place.folder().join("conversation.json.1")).unwrap();
    place.put(b"garbage");
    assert!(matches!(place.say("hello"), Err(ConversationError::Newer { .. })));
}

#[test]
fn a_file_cut_at_any_byte_is_kept_aside_and_the_backup_taken() {
    let place = Place::with(3);
    let whole = fs::read(place.file()).unwrap();
    let backup = fs::read(place.folder().join("conversation.json.1")).unwrap();
    for length in 0..whole.len() - 1 {
        place.put(&whole[..length]);
        assert_eq!(place.load(), chain_of(2), "{length}");
        place.say("on").unwrap();
        let kept = place.folder().join("conversation.json.corrupt.20251124T103000.000Z");
        assert_eq!(fs::read(&kept).unwrap(), &whole[..length]);
        fs::remove_file(kept).unwrap();
        assert_eq!(place.load().interactions(), 3, "{length}");
        write_new(&place.folder().join("conversation.json.1"), &backup, Durability::Crash).unwrap();
    }
    // Without its last line feed it is whole.
    place.put(&whole[..whole.len() - 1]);
    assert_eq!(place.load(), chain_of(3));
}

#[test]
fn every_other_damage_is_survived_too() {
    let deep = format!(r#"{{"version":"1.0","entries":[],"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let damages: [&[u8]; 8] = [
        &[0; 400],
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"{}",
        b"[]",
        br#"{"version":"1.0","entries":[{"id":"../x","createdAt":"2025-11-24T10:30:00.000Z","interactionCount":1}]}"#,
        br#"{"version":"1.0","entries":[]} trailing"#,
        deep.as_bytes(),
    ];
    for damage in damages {
        let place = Place::with(2);
        place.put(damage);
        assert_eq!(place.load(), chain_of(1), "{damage:?}");
        assert!(place.conversations().examine(place.session).unwrap().is_some());
        place.put(damage);
        place.say("on").unwrap();
        assert_eq!(place.load().interactions(), 2);
        fs::remove_file(place.folder().join("conversation.json.1")).unwrap();
        place.put(damage);
        assert_eq!(place.load(), Chain::default());
        place.say("anew").unwrap();
        assert_eq!(place.load().interactions(), 1);
        assert_eq!(place.names().iter().filter(|it| it.contains(".corrupt.")).count(), 2, "both are kept");
        assert!(place.conversations().examine(place.session).unwrap().is_none());
    }
}

#[test]
fn a_file_that_was_removed_leaves_its_backup() {
    let place = Place::with(2);
    fs::remove_file(place.file()).unwrap();
    assert_eq!(place.load(), chain_of(1));
    place.say("on").unwrap();
    assert_eq!(place.load().interactions(), 2);
    assert!(!place.names().iter().any(|it| it.contains(".corrupt.")));
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::with(1);
    fs::remove_file(place.file()).unwrap();
    symlink("/etc/passwd", place.file()).unwrap();
    assert!(matches!(place.say("x"), Err(ConversationError::NotAFile { .. })));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let place = Place::with(1);
    let before = fs::read(place.file()).unwrap();
    let deep = format!(r#"{{"deep":{}{}}}"#, "[".repeat(150), "]".repeat(150));
    let interaction = Interaction { metadata: members(&deep), ..said(Some("c0"), "x") };
    let refused = place.conversations().change(place.session, |chain| chain.record(interaction, at(0)));
    assert!(matches!(refused, Err(ConversationError::OutOfBounds { .. })));
    assert_eq!(fs::read(place.file()).unwrap(), before);
    assert!(!place.names().iter().any(|it| it.ends_with("tmp")));
}

#[test]
fn who_waits_too_long_is_told_whom_for() {
    let place = Place::with(1);
    let path = place.folder().join("conversation.lock");
    let _held = crate::lock::Lock::take(&path, Duration::ZERO).unwrap();
    let patient = place.conversations().waiting(Duration::from_millis(20));
    let refused = patient.change(place.session, Chain::reset);
    let own = std::process::id();
    assert!(
        matches!(refused, Err(ConversationError::Lock(LockError::Held { holder: Some(pid), .. })) if pid == own)
    );
    assert_eq!(place.load(), chain_of(1), "reading waits for nobody");
}

#[test]
fn threads_that_record_at_once_lose_nothing() {
    let place = Place::new();
    thread::scope(|scope| {
        for thread in 0..8 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..10 {
                    place.say(&format!("{thread}-{number}")).unwrap();
                }
            });
        }
    });
    let counts: Vec<u64> = place.load().entries().map(|it| it.interaction_count).collect();
    assert_eq!(counts, (1..=80).collect::<Vec<_>>());
}

#[test]
fn a_probe_leaves_nothing_and_says_when_nothing_can_be_kept() {
    let place = Place::new();
    place.conversations().probe().unwrap();
    let sessions = place.dir.path().join(".wharf/sessions");
    assert_eq!(fs::read_dir(&sessions).unwrap().count(), 0);
    let elsewhere = place.dir.path().join("file");
    File::create(&elsewhere).unwrap();
    let conversations = Conversations::of(Workspace::at(&elsewhere), Arc::new(SystemClock));
    assert!(matches!(conversations.probe(), Err(ConversationError::Io { .. })));
}

#[test]
fn a_message_about_a_file_says_what_is_wrong_with_it() {
    let text = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    assert_eq!(text(br#"{"version":"1.0"}"#), "`entries` is missing");
    assert_eq!(text(br#"{"version":7}"#), "`version` cannot be `7`");
    assert_eq!(text(br#"{"version":"1","entries":[],"agent":"Not One"}"#), "`agent` cannot be `Not One`");
    assert!(matches!(decode(b"\xff"), Err(FormatError::Encoding)));
}

fn interaction() -> impl Strategy<Value = (Interaction, bool)> {
    let text = proptest::option::of(".{0,260}");
    ("[a-z]{1,3}", text.clone(), text, "[a-z]{0,2}", "[ -~é]{0,9}", any::<bool>()).prop_map(
        |(name, prompt, response, key, value, responds)| {
            let excerpt = |text: Option<String>| text.map(|text| Excerpt::of(&text));
            let value = serde_json::to_string(&value).unwrap();
            let interaction = Interaction {
                id: Some(id(&name)),
                prompt: excerpt(prompt),
                response: excerpt(response),
                metadata: members(&format!(r#"{{"source":"wharf","{key}":{value}}}"#)),
            };
            (interaction, responds)
        },
    )
}

proptest! {
    #[test]
    fn a_chain_that_is_written_is_read_as_it_was(all in proptest::collection::vec(interaction(), 0..12)) {
        let mut chain = Chain::default();
        for (number, (interaction, responds)) in (0..).zip(all) {
            chain.record(interaction, at(number)).unwrap();
            if responds {
                chain.respond("\u{1f680}\u{0}\n");
            }
        }
        let text = encode(&chain);
        let read = decode(text.as_bytes()).unwrap();
        prop_assert_eq!(&read, &chain);
        prop_assert_eq!(encode(&read), text);
    }
}
