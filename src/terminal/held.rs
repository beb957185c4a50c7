//! What a holder leaves beside its socket while it lives, so that a table that lost its program finds it again.

use serde::{Deserialize, Serialize};

use super::{Launch, Started};
use crate::{
    clock::Timestamp,
    session::{Agent, Command, CommandError, ProcessId, Program},
};

/// A program and its holder, as the holder itself wrote them down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The agent that the program is.
    pub agent: Option<Agent>,
    /// Both processes.
    pub started: Started,
    /// Since when.
    pub since: Timestamp,
}

/// The same as it lies on the disk.
#[derive(Debug, Deserialize, Serialize)]
struct Note {
    command: Vec<String>,
    agent: Option<Assigned>,
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
    /// What a holder holds that was launched like this.
    pub fn of(launch: &Launch, started: Started, since: Timestamp) -> Self {
        Self { command: launch.command.clone(), agent: launch.agent.clone(), started, since }
    }

    /// What runs, for the record.
    pub fn program(&self) -> Result<Program, CommandError> {
        Ok(Program { command: Command::of(self.command.clone())?, agent: self.agent.clone() })
    }

    /// The bytes to keep.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let note = Note {
            command: self.command.clone(),
            agent: self.agent.as_ref().map(Assigned::from),
            process: (&self.started.process).into(),
            holder: (&self.started.holder).into(),
            since: self.since.unix_millis(),
        };
        serde_json::to_vec(&note).expect("plain values always have a JSON form")
    }

    /// What was kept; nothing when it makes no sense.
    pub(super) fn of_json(bytes: &[u8]) -> Option<Self> {
        let Note { command, agent, process, holder, since } = serde_json::from_slice(bytes).ok()?;
        let agent = match agent {
            Some(assigned) => Some(assigned.into_agent()?),
            None => None,
        };
        let started = Started { process: process.into(), holder: holder.into() };
        Some(Self { command, agent, started, since: Timestamp::from_unix_millis(since)? })
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

/// An agent as it travels.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Assigned {
    name: String,
    arguments: Vec<String>,
    conversation: Option<String>,
}

impl From<&Agent> for Assigned {
    fn from(agent: &Agent) -> Self {
        Self {
            name: agent.name.to_string(),
            arguments: agent.arguments.clone(),
            conversation: agent.conversation.as_ref().map(ToString::to_string),
        }
    }
}

impl Assigned {
    /// One that has told nothing yet.
    pub(super) fn into_agent(self) -> Option<Agent> {
        let conversation = self.conversation.map(|id| id.parse()).transpose().ok()?;
        Some(Agent { name: self.name.parse().ok()?, arguments: self.arguments, conversation, reports: false })
    }
}
