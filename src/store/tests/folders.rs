//! Whether the registry of folders outside a workspace is read, changed and set aside without a loss.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::support::{FULL, Still, entry, put, session};
use crate::{
    session::Binding,
    store::{BoundFolder, FOLDERS_FILE, FolderStore, StoreError, decode_record, encode_folder},
};

/// A registry in a folder that does not exist yet.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn with_file(bytes: impl AsRef<[u8]>) -> Self {
        let user = Self::new();
        fs::create_dir(user.folder()).unwrap();
        put(&user.file(), bytes);
        user
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("wharf")
    }

    fn file(&self) -> PathBuf {
        self.folder().join(FOLDERS_FILE)
    }

    fn store(&self) -> FolderStore {
        FolderStore::in_folder(&self.folder(), Arc::new(Still))
    }

    fn add(&self, bound: &BoundFolder) -> usize {
        let push = |folders: &mut Vec<BoundFolder>| {
            folders.push(bound.clone());
            folders.len()
        };
        self.store().change(push).unwrap()
    }

    fn kept(&self) -> Option<String> {
        fs::read_to_string(self.folder().join("folders.json.corrupt.20251124T103000.000Z")).ok()
    }
}

/// A folder with an issue and an editor.
fn bound(folder: &str) -> BoundFolder {
    let binding = decode_record(&entry(1, FULL)).unwrap().binding().unwrap().clone();
    BoundFolder { folder: Path::new(folder).to_owned(), binding }
}

#[test]
fn without_a_file_the_registry_is_empty_and_reading_makes_none() {
    let user = User::new();
    assert_eq!(user.store().read().unwrap(), []);
    assert!(!user.folder().exists());
}

#[test]
fn what_was_changed_is_read_again() {
    let user = User::new();
    assert_eq!(user.add(&bound("/one")), 1);
    assert_eq!(user.add(&bound("/two")), 2);
    assert_eq!(user.store().read().unwrap(), [bound("/one"), bound("/two")]);
    assert_eq!(user.kept(), None);
}

#[test]
fn a_change_that_changes_nothing_writes_nothing() {
    let user = User::new();
    assert_eq!(user.store().change(|folders| folders.len()).unwrap(), 0);
    assert!(!user.file().exists());
    user.add(&bound("/one"));
    let inode = fs::metadata(user.file()).unwrap().ino();
    assert_eq!(user.store().change(|folders| folders.len()).unwrap(), 1);
    assert_eq!(fs::metadata(user.file()).unwrap().ino(), inode);
}

#[test]
fn a_broken_registry_reads_as_empty_and_is_kept_by_the_next_change() {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for text in [
        "",
        "{",
        "[]",
        r#"{"folders":[]}"#,
        r#"{"version":"1.0"}"#,
        r#"{"version":"1.0","folders":[{}]}"#,
        &format!(r#"{{"version":"1.0","folders":[],"more":{deep}}}"#),
        &format!(r#"{{"version":"1.0","folders":[{}]}}"#, encode_folder(&bound("/a")).replace(":7,", ":0,")),
    ] {
        let user = User::with_file(text);
        assert_eq!(user.store().read().unwrap(), [], "{text}");
        assert_eq!(user.kept(), None);
        user.add(&bound("/one"));
        assert_eq!(user.kept().as_deref(), Some(text));
        assert_eq!(user.store().read().unwrap(), [bound("/one")]);
    }
}

#[test]
fn a_registry_of_another_major_version_is_left_alone() {
    for version in ["2.0", "0.9", "10.0"] {
        let text = format!(r#"{{"version":"{version}","folders":[]}}"#);
        let user = User::with_file(&text);
        for outcome in [user.store().read().map(drop), user.store().change(|_| ())] {
            let Err(StoreError::Newer { version: found, .. }) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(found, version);
        }
        assert_eq!(fs::read_to_string(user.file()).unwrap(), text);
        assert_eq!(user.kept(), None);
    }
}

#[test]
fn a_registry_of_a_newer_minor_version_is_read() {
    let one = encode_folder(&bound("/one"));
    let user = User::with_file(format!(r#"{{"version":"1.7","folders":[{one}]}}"#));
    assert_eq!(user.store().read().unwrap(), [bound("/one")]);
}

#[test]
fn what_a_newer_wharf_wrote_stays_to_the_letter() {
    let one = encode_folder(&bound("/one"));
    let more = r#""later":[12345678901234567890123,{"a":1,"a":2}]"#;
    let entry = one.replacen('{', r#"{"colour":"red\u0021","#, 1);
    let user = User::with_file(format!(r#"{{"version":"1.7",{more},"folders":[{entry}]}}"#));
    user.add(&bound("/two"));
    let text = fs::read_to_string(user.file()).unwrap();
    for kept in [r#""version": "1.7""#, r#""colour": "red\u0021""#, &more.replacen(':', ": ", 1)] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert_eq!(user.store().read().unwrap(), [bound("/one"), bound("/two")]);
    user.store().change(|folders| drop(folders.remove(0))).unwrap();
    assert!(!fs::read_to_string(user.file()).unwrap().contains("colour"), "it goes with its folder");
}

#[test]
fn a_folder_without_issue_and_editor_is_written_without_nulls() {
    let binding = Binding::begin(session(1).created_at());
    assert_eq!(
        encode_folder(&BoundFolder { folder: "/one".into(), binding }),
        r#"{"folder":"/one","startedAt":"2025-11-24T10:30:00.000Z","lastUpdated":"2025-11-24T10:30:00.000Z"}"#
    );
}
