//! How what was said with an agent looks.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    conversation::{self, Entry},
    manager::Talk,
};

/// The conversation to come back to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
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
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversations)]
pub struct ChainView {
    #[serde(flatten)]
    current: CurrentView,
    /// Since when it is the current one.
    current_since: Option<String>,
    /// Where the agent writes all of it down.
    transcript: Option<String>,
    /// How many turns are not kept any more.
    dropped: u64,
    /// The number of the first of these turns, where there are only some of them: how many there were before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    /// The turns, oldest first.
    #[schema(value_type = Vec<TurnDoc>)]
    entries: Vec<Box<RawValue>>,
}

/// A turn, as `conversation` writes it. More members may come.
#[derive(ToSchema)]
#[schema(as = Turn, rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes what is written elsewhere")]
struct TurnDoc {
    /// In which conversation.
    id: String,
    created_at: String,
    /// How many turns there had been, with this one.
    interaction_count: u64,
    /// How the prompt begins.
    last_prompt: Option<String>,
    /// How the answer begins.
    last_response: Option<String>,
    /// What is kept with it.
    metadata: Option<BTreeMap<String, serde_json::Value>>,
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
            first: None,
            entries: talk.chain.entries().map(entry).collect(),
        }
    }

    /// The same with the newest turns only: at most so many, of those with a smaller number if one is given, and none more
    /// once they have so many bytes.
    pub fn part(talk: &Talk, turns_max: usize, before: Option<u64>, bytes_max: usize) -> Self {
        let mut all = Self::of(talk);
        let before = before.map_or(u64::MAX, |before| before.saturating_sub(all.dropped));
        all.entries.truncate(usize::try_from(before).unwrap_or(usize::MAX));
        let (mut first, mut bytes) = (all.entries.len(), 0);
        while first > 0 && all.entries.len() - first < turns_max && bytes < bytes_max {
            first -= 1;
            bytes += all.entries[first].get().len();
        }
        all.entries.drain(..first);
        all.first = Some(all.dropped + first as u64);
        all
    }
}

fn entry(entry: &Entry) -> Box<RawValue> {
    RawValue::from_string(conversation::encode_entry(entry)).expect("an entry that is written is JSON")
}
