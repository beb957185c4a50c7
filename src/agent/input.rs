//! What an agent gives to one of its hooks: one JSON object, of which a few fields are read.

use std::path::PathBuf;

use serde_json::value::RawValue;

use super::{AgentError, Description};
use crate::{json::Members, session::ConversationId};

/// What a hook was given. A field that is missing, or is not what it should be, is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookInput {
    /// The conversation.
    pub id: Option<ConversationId>,
    /// Its transcript, by its absolute path.
    pub transcript: Option<PathBuf>,
    /// What a person asked.
    pub prompt: Option<String>,
    /// What the agent answered.
    pub response: Option<String>,
    /// Where the agent works, by its absolute path.
    pub cwd: Option<PathBuf>,
    /// Why the conversation begins.
    pub source: Option<String>,
}

impl HookInput {
    /// Reads the input of a hook of this agent.
    pub fn parse(agent: &Description, bytes: &[u8]) -> Result<Self, AgentError> {
        let object: Members = serde_json::from_slice(bytes).map_err(|source| AgentError::Input { source })?;
        let fields = agent.fields();
        let text = |path: &Option<String>| text_at(&object, path.as_deref()?);
        let path = |field| text(field).map(PathBuf::from).filter(|path| path.is_absolute());
        Ok(Self {
            id: text(&fields.id).and_then(|id| id.parse().ok()),
            transcript: path(&fields.transcript),
            prompt: text(&fields.prompt),
            response: text(&fields.response),
            cwd: path(&fields.cwd),
            source: text(&fields.source),
        })
    }
}

/// The text at `a.b.c`.
fn text_at(object: &Members, path: &str) -> Option<String> {
    match path.split_once('.') {
        None => read(object.get(path)?),
        Some((first, rest)) => text_at(&read(object.get(first)?)?, rest),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}
