//! What a holder leaves beside its socket while it lives, so that a table that lost its program finds it again.

use serde::{Deserialize, Serialize};

use super::Started;
use crate::{clock::Timestamp, session::ProcessId};

/// A program and its holder, as the holder itself wrote them down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Both processes.
    pub started: Started,
    /// Since when.
    pub since: Timestamp,
}

/// The same as it lies on the disk.
#[derive(Debug, Deserialize, Serialize)]
struct Note {
    command: Vec<String>,
    process: Identity,
    holder: Identity,
    since: i64,
}

/// A process as it is told to others.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Identity {
    pid: u32,
    started: u64,
    boot: String,
}

impl Held {
    /// The bytes to keep.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let note = Note {
            command: self.command.clone(),
            process: (&self.started.process).into(),
            holder: (&self.started.holder).into(),
            since: self.since.unix_millis(),
        };
        serde_json::to_vec(&note).expect("plain values always have a JSON form")
    }

    /// What was kept; nothing when it makes no sense.
    pub(super) fn of_json(bytes: &[u8]) -> Option<Self> {
        let Note { command, process, holder, since } = serde_json::from_slice(bytes).ok()?;
        let started = Started { process: process.into(), holder: holder.into() };
        Some(Self { command, started, since: Timestamp::from_unix_millis(since)? })
    }
}

impl From<&ProcessId> for Identity {
    fn from(process: &ProcessId) -> Self {
        Self { pid: process.pid, started: process.started, boot: process.boot.clone() }
    }
}

impl From<Identity> for ProcessId {
    fn from(identity: Identity) -> Self {
        Self { pid: identity.pid, started: identity.started, boot: identity.boot }
    }
}
