//! A folder with a log in it, and a clock that goes on by a second whenever it is looked at.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    clock::{Clock, Timestamp},
    interpreter::Changes,
    limits::ShellLimits,
    session::SessionId,
    shell::{
        Finish,
        log::{CommandLog, Entry, Kept, Loaded, Written, history},
    },
};

pub(super) const ID: &str = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";

#[derive(Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        moment(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// So many seconds after the first look.
pub(super) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_763_980_200_000 + seconds * 1_000).unwrap()
}

pub(super) struct Place {
    root: PathBuf,
    _dir: Option<TempDir>,
    clock: Arc<Ticking>,
    pub(super) limits: ShellLimits,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Self::at(dir.path().to_owned());
        Self { _dir: Some(dir), ..place }
    }

    /// One that somebody else made and removes.
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root, _dir: None, clock: Arc::default(), limits: ShellLimits::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn id() -> SessionId {
        ID.parse().unwrap()
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.root.join("sessions").join(ID)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(super) fn open(&self) -> (CommandLog, Loaded) {
        self.try_open().unwrap()
    }

    pub(super) fn try_open(&self) -> Result<(CommandLog, Loaded), crate::shell::ShellError> {
        let clock = Arc::<Ticking>::clone(&self.clock);
        CommandLog::open(&self.folder(), Self::id(), &"demo".parse().unwrap(), &self.limits, clock)
    }

    pub(super) fn log(&self) -> CommandLog {
        self.open().0
    }

    pub(super) fn plan(&self) -> Loaded {
        crate::shell::log::plan(&self.folder(), Self::id()).unwrap()
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.folder()).unwrap();
        put(&self.path(name), bytes);
    }

    pub(super) fn newest_first(&self) -> Vec<Entry> {
        history(&self.folder()).unwrap().map(Result::unwrap).collect()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[expect(clippy::disallowed_methods, reason = "a test damages a file in place")]
pub(super) fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// Changes that set and unset these keys.
pub(super) fn changes(set: &[(&str, &str)], unset: &[&str]) -> Changes {
    let set: BTreeMap<String, Vec<u8>> =
        set.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
    Changes { set, unset: unset.iter().map(|key| (*key).to_owned()).collect() }
}

pub(super) fn kept(text: &[u8]) -> Kept {
    Kept { head: text.to_vec(), tail: Vec::new(), bytes: text.len() as u64 }
}

/// Ends a command with code 0 and these changes, and `out` as its output.
pub(super) fn end(log: &mut CommandLog, number: u64, changes: &Changes) {
    let (stdout, stderr) = (kept(b"out\n"), Kept::default());
    let ran = Written {
        code: 0,
        finish: Finish::Done,
        session_ended: false,
        duration: Duration::from_micros(1_500),
        stdout: &stdout,
        stderr: &stderr,
        changes,
        lost: &[],
    };
    log.output(number, &ran).unwrap();
}
