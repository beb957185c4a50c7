//! What installing hooks made in a worktree, so that uninstalling takes away that and nothing else.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::AgentError;
use crate::{
    atomic::{self, Durability},
    session::AgentName,
};

/// The longest record, in bytes.
const RECORD_BYTES_MAX: u64 = 1 << 20;

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
            fs::create_dir_all(folder).and_then(|()| atomic::replace(path, &bytes, Durability::PowerCut))
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
