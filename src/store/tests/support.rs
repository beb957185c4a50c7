//! A workspace in a temporary folder, a clock that stands still, and sessions with every field filled.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    clock::{Clock, Timestamp},
    session::Session,
    store::{FileStore, Reading, Store as _, StoreError, decode_record},
    workspace::Workspace,
};

/// A clock that always shows the same moment.
pub(super) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2025-11-24T10:30:00.000Z".parse().unwrap()
    }
}

pub(super) struct Place {
    folder: TempDir,
    pub(super) workspace: Workspace,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        Self { folder, workspace }
    }

    /// A workspace whose state file has these bytes.
    pub(super) fn holding(bytes: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.put(bytes);
        place
    }

    /// It waits a moment for a lock: a process that another test starts has ours between fork and exec.
    pub(super) fn store(&self) -> FileStore {
        FileStore::at(self.workspace.clone(), Arc::new(Still)).waiting(Duration::from_secs(1))
    }

    pub(super) fn state(&self) -> PathBuf {
        self.workspace.state_file()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file with this ending beside the state file.
    pub(super) fn beside(&self, ending: &str) -> PathBuf {
        self.path(&format!(".claude-container-sessions.{ending}"))
    }

    pub(super) fn put(&self, bytes: impl AsRef<[u8]>) {
        put(&self.state(), bytes);
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        fs::read(self.state()).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    pub(super) fn read(&self) -> Reading {
        self.store().read().unwrap()
    }

    pub(super) fn save(&self, sessions: &[Session]) {
        self.try_save(sessions).unwrap();
    }

    pub(super) fn try_save(&self, sessions: &[Session]) -> Result<(), StoreError> {
        let mut store = self.store();
        store.begin()?;
        store.commit(sessions)
    }

    /// Reads the table under the lock and writes it as it was read.
    pub(super) fn load_and_save(&self) -> Reading {
        let mut store = self.store();
        let reading = store.begin().unwrap();
        store.commit(&reading.sessions).unwrap();
        reading
    }

    /// Every name in the folder but the lock, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".claude-container-sessions.lock")
            .collect();
        names.sort();
        names
    }
}

#[expect(clippy::disallowed_methods, reason = "a test plays the careless writer")]
pub(super) fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
}

pub(super) fn uuid(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

/// The entry of a session with what it cannot do without, and these members.
pub(super) fn entry(number: usize, more: &str) -> String {
    let id = uuid(number);
    format!(
        r#"{{"id":"{id}","name":"s{number}","branch":"feature/s{number}","createdAt":"2025-11-24T10:30:00.000Z"{more}}}"#
    )
}

pub(super) fn session(number: usize) -> Session {
    decode_record(&entry(number, "")).unwrap()
}

pub(super) fn sessions(count: usize) -> Vec<Session> {
    (1..=count).map(session).collect()
}

/// A state file, as another tool would write it.
pub(super) fn file(entries: &[String]) -> String {
    format!(r#"{{"version":"1.0","sessions":[{}]}}"#, entries.join(","))
}

/// Members for [`entry`] that fill every other field of ours.
pub(super) const FULL: &str = r#","status":"waiting","lastActivity":"2025-11-25T00:00:00.001Z","ptyPid":77,"currentPhase":"testing","metadata":{"n":1e400,"n":2},"repository":"apps/web","base":{"commit":"0123456789012345678901234567890123456789","reference":"refs/heads/main"},"command":["sh","-c","echo \"x\""],"process":{"pid":77,"started":18446744073709551615,"boot":"b/1"},"holder":{"pid":76,"started":5,"boot":"b/1"},"ended":{"at":"2025-11-24T12:30:00.000Z","signal":9,"cause":"asked"},"issue":{"repository":"Owner/repo","number":7,"label":"status-07:code-review","intervention":true},"editor":{"name":"code","pid":5,"started":6,"boot":"b/1"},"startedAt":"2025-11-24T11:00:00.000Z","lastUpdated":"2025-11-24T12:00:00.000Z","pending":{"action":"destroying","deleteBranch":true,"worker":{"pid":1,"started":2,"boot":"b/1"},"since":"2025-11-24T13:00:00.000Z"},"x-num":123456789012345678901234567890.10,"x-dup":1,"x-dup":{"deep":[1 , 2]}"#;
