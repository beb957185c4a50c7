//! How what was said with an agent looks.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    conversation::{self, Entry},
    manager::Talk,
};

/// The conversation to come back to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentView {
    /// The id of the session.
    pub session: String,
    /// Its name.
    pub name: String,
    /// The agent.
    pub agent: Option<String>,
    /// The conversation.
    pub current_id: Option<String>,
    /// How many turns there were.
    pub interaction_count: u64,
}

/// All that was said, turn by turn.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainView {
    #[serde(flatten)]
    current: CurrentView,
    current_since: Option<String>,
    transcript: Option<String>,
    dropped: u64,
    entries: Vec<Box<RawValue>>,
}

impl CurrentView {
    /// Of a session.
    pub fn of(talk: &Talk) -> Self {
        let recorded = talk.session.agent().map(|agent| &agent.name);
        Self {
            session: talk.session.id().to_string(),
            name: talk.session.name().to_string(),
            agent: recorded.or_else(|| talk.chain.agent()).map(ToString::to_string),
            current_id: talk.current().map(ToString::to_string),
            interaction_count: talk.chain.interactions(),
        }
    }
}

impl ChainView {
    /// Of a session.
    pub fn of(talk: &Talk) -> Self {
        Self {
            current: CurrentView::of(talk),
            current_since: talk.chain.current_since().map(|it| it.to_string()),
            transcript: talk.chain.transcript().map(|it| it.to_string_lossy().into_owned()),
            dropped: talk.chain.dropped(),
            entries: talk.chain.entries().map(entry).collect(),
        }
    }
}

fn entry(entry: &Entry) -> Box<RawValue> {
    RawValue::from_string(conversation::encode_entry(entry)).expect("an entry that is written is JSON")
}
