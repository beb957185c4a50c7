//! What installing hooks made in a worktree, so that uninstalling takes away that and nothing else.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::AgentError;
use crate::{
    atomic::{self, Durability},
    session::AgentName,
};

/// The longest record, in bytes.
const RECORD_BYTES_MAX: u64 = 1 << 20;
/// How long to wait for another process that changes hooks; that takes some milliseconds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(3);

/// How many folders of a workspace's own a record lies in.
const FOLDERS: usize = 3;

/// What was made for the hooks of the agents of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HookRecord {
    #[serde(default)]
    agents: BTreeMap<String, Made>,
}

/// What was made for the hooks of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The file, below the worktree.
    pub file: String,
    /// Whether the file was made.
    #[serde(default)]
    pub made_file: bool,
    /// The folders that were made for it, below the worktree, the outer ones first.
    #[serde(default)]
    pub made_folders: Vec<String>,
    /// The members that were made in it.
    #[serde(default)]
    pub made_members: Vec<String>,
    /// Whether git was told not to show it.
    #[serde(default)]
    pub hidden: bool,
    /// The whole file, where it is ours as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Who changes hooks in this workspace, until it is dropped.
#[derive(Debug)]
pub struct HookLock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

impl HookLock {
    /// Waits for the lock, a file in a folder of ours.
    pub fn take(folder: &Path) -> Result<Self, AgentError> {
        let path = folder.join("hooks.lock");
        let failed = |source| AgentError::Io { action: "lock", path: path.clone(), source };
        make_folders(folder, 1).map_err(failed)?;
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = File::options();
        let file = options.append(true).create(true).mode(0o600).custom_flags(flags).open(&path);
        let file = file.map_err(failed)?;
        atomic::give_to_owner_of(&file, folder).map_err(failed)?;
        let deadline = Instant::now() + LOCK_WAIT_MAX;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(failed(io::ErrorKind::WouldBlock.into())),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}

impl HookRecord {
    /// Reads a record; none is an empty one.
    pub fn load(path: &Path) -> Result<Self, AgentError> {
        let failed = |source| AgentError::Io { action: "read", path: path.to_owned(), source };
        match fs::symlink_metadata(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(failed(source)),
            Ok(found) if !found.is_file() || found.len() > RECORD_BYTES_MAX => {
                return Err(failed(io::ErrorKind::InvalidData.into()));
            }
            Ok(_) => (),
        }
        let bytes = fs::read(path).map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|err| failed(err.into()))
    }

    /// Replaces the record; an empty one is removed. The caller holds a lock.
    pub fn save(&self, path: &Path) -> Result<(), AgentError> {
        let outcome = if self.agents.is_empty() {
            match fs::remove_file(path) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
                Ok(()) | Err(_) => Ok(()),
            }
        } else {
            let bytes = serde_json::to_vec_pretty(self).expect("a record always has a JSON form");
            let folder = path.parent().unwrap_or(path);
            make_folders(folder, FOLDERS)
                .and_then(|()| atomic::replace(path, &bytes, Durability::PowerCut))
                .and_then(|()| atomic::give_to_owner_of(&File::open(path)?, folder))
        };
        outcome.map_err(|source| AgentError::Io { action: "keep", path: path.to_owned(), source })
    }

    /// What was made for an agent.
    pub fn get(&self, agent: &AgentName) -> Option<&Made> {
        self.agents.get(agent.as_str())
    }

    /// Notes what is made for an agent.
    pub fn set(&mut self, agent: &AgentName, made: Made) {
        self.agents.insert(agent.to_string(), made);
    }

    /// Forgets an agent.
    pub fn unset(&mut self, agent: &AgentName) {
        self.agents.remove(agent.as_str());
    }

    /// The agents in it, by names that can be names.
    pub fn agents(&self) -> impl Iterator<Item = AgentName> {
        self.agents.keys().filter_map(|name| name.parse().ok())
    }

    /// Whether git was told not to show a file.
    pub fn hides(&self, file: &str) -> bool {
        self.agents.values().any(|made| made.hidden && made.file == file)
    }
}

/// Makes the last folders of a path, each for the owner of the one it is in.
fn make_folders(path: &Path, count: usize) -> io::Result<()> {
    let mut folders: Vec<&Path> = path.ancestors().take(count).collect();
    folders.reverse();
    for folder in folders {
        match fs::create_dir(folder) {
            Ok(()) => atomic::give_to_owner_of(&File::open(folder)?, folder.parent().unwrap_or(folder))?,
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => (),
            Err(err) => return Err(err),
        }
    }
    Ok(())
}
