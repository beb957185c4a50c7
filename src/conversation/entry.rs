//! One interaction with an agent: in which conversation, when, and how prompt and response begin.

use crate::{clock::Timestamp, json::Members, session::ConversationId};

/// How much is kept of a prompt and of a response.
pub const EXCERPT_CHARS_MAX: usize = 200;
/// How much may be kept beside an interaction.
pub const METADATA_BYTES_MAX: usize = 4 << 10;
/// How old a prompt that wharf sent may be when the agent confirms it.
pub const CONFIRM_SECONDS_MAX: u64 = 60;
/// How long after a prompt the same prompt is told by a second hook, and not asked again.
pub(super) const TWICE_SECONDS_MAX: u64 = 2;

const SOURCE: &str = "source";
const CONFIRMED: &str = "confirmed";

/// The first 200 characters of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

/// Something an agent was asked, or answered, and now is to be kept.
#[derive(Clone, Debug, Default)]
pub struct Interaction {
    /// In which conversation; the current one when nothing is said.
    pub id: Option<ConversationId>,
    /// What was asked.
    pub prompt: Option<Excerpt>,
    /// What was answered.
    pub response: Option<Excerpt>,
    /// What else is to be kept. `"source":"wharf"` says that wharf typed the prompt and the agent has not told of it.
    pub metadata: Members,
}

/// An interaction that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// In which conversation.
    pub id: ConversationId,
    /// When.
    pub created_at: Timestamp,
    /// How many interactions the session had by then, with this one.
    pub interaction_count: u64,
    /// What was asked.
    pub last_prompt: Option<Excerpt>,
    /// What was answered.
    pub last_response: Option<Excerpt>,
    /// What else is kept, to the letter.
    pub metadata: Members,
    /// Fields that somebody else added.
    pub(super) unknown: Members,
}

impl Excerpt {
    /// The beginning of a text.
    pub fn of(text: &str) -> Self {
        let end = text.char_indices().nth(EXCERPT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
        Self(text[..end].to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Entry {
    /// Whether this is a prompt that wharf typed, of which the agent has not told yet.
    pub(super) fn is_unconfirmed(&self) -> bool {
        is_from_wharf(&self.metadata)
            && self.metadata.get(CONFIRMED).is_none()
            && self.last_response.is_none()
    }

    /// The agent told of the prompt: in which conversation it was, and what is to be kept with it. Where it came from
    /// stays.
    pub(super) fn confirm(&mut self, id: ConversationId, interaction: Interaction) {
        self.id = id;
        self.last_response = interaction.response;
        for (key, value) in interaction.metadata {
            if key != SOURCE {
                self.metadata.set(&key, value);
            }
        }
        let yes = serde_json::value::to_raw_value(&true).expect("a plain value has a JSON form");
        self.metadata.set(CONFIRMED, yes);
    }

    /// What makes it the same entry in another file, and its place in a chain.
    pub(super) fn key(&self) -> (Timestamp, u64, ConversationId) {
        (self.created_at, self.interaction_count, self.id.clone())
    }
}

/// Whether an interaction was noted by wharf, which typed the prompt, and not told by the agent.
pub(super) fn is_from_wharf(metadata: &Members) -> bool {
    metadata.get(SOURCE).is_some_and(|source| source.get() == "\"wharf\"")
}

/// How many bytes are kept beside an interaction.
pub(super) fn bytes(metadata: &Members) -> usize {
    metadata.iter().map(|(key, value)| key.len() + value.get().len()).sum()
}
