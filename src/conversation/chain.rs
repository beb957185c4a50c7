//! The chain of a session: its interactions in their order, and the conversation that is the current one.

use std::{
    collections::{HashSet, VecDeque},
    path::{Path, PathBuf},
};

use super::{
    ConversationError, Entry, Excerpt, Interaction, METADATA_BYTES_MAX,
    entry::{self, CONFIRM_SECONDS_MAX, TWICE_SECONDS_MAX},
    exchange::Incoming,
};
use crate::{
    clock::Timestamp,
    json::Members,
    session::{AgentName, ConversationId},
};

/// The most entries of a chain; beyond it the oldest go.
pub const ENTRIES_MAX: usize = 10_000;

/// The most conversations that are known as somebody else's; beyond it the oldest are forgotten.
const ASIDE_MAX: usize = 100;

/// What an agent was asked in a session, turn by turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    pub(super) agent: Option<AgentName>,
    pub(super) current: Option<ConversationId>,
    pub(super) current_since: Option<Timestamp>,
    pub(super) transcript: Option<PathBuf>,
    pub(super) interactions: u64,
    pub(super) dropped: u64,
    pub(super) entries: VecDeque<Entry>,
    /// Conversations of agents that the session's agent started itself.
    pub(super) aside: Vec<ConversationId>,
    /// Fields of the file that somebody else added.
    pub(super) unknown: Members,
}

/// A chain in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Who.
    pub agent: Option<AgentName>,
    /// How many interactions there were, also those whose entries went.
    pub interactions: u64,
    /// The conversations, each once, in the order in which they came.
    pub ids: Vec<ConversationId>,
    /// The current one.
    pub current: Option<ConversationId>,
}

/// A chain in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How many interactions there were, also those whose entries went.
    pub interactions: u64,
    /// When the first one was that is still kept.
    pub first: Option<Timestamp>,
    /// When the last one was.
    pub last: Option<Timestamp>,
}

impl Chain {
    /// The agent.
    pub fn agent(&self) -> Option<&AgentName> {
        self.agent.as_ref()
    }

    /// The current conversation.
    pub fn current(&self) -> Option<&ConversationId> {
        self.current.as_ref()
    }

    /// Since when that is the current one, as far as it is known.
    pub fn current_since(&self) -> Option<Timestamp> {
        self.current_since
    }

    /// Where the agent keeps what was said in the current conversation, as far as it told.
    pub fn transcript(&self) -> Option<&Path> {
        self.transcript.as_deref()
    }

    /// How many interactions there were, also those whose entries went.
    pub fn interactions(&self) -> u64 {
        self.interactions
    }

    /// How many entries went because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The interactions that are kept, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Notes which agent works in the session. The conversation of another one is none that it could go on with.
    pub fn works(&mut self, agent: &AgentName) {
        match &self.agent {
            Some(own) if own == agent => return,
            Some(_) => self.leave(),
            None => (),
        }
        self.agent = Some(agent.clone());
    }

    /// No conversation is the current one: the agent began another, and did not say yet which.
    pub fn leave(&mut self) {
        self.current = None;
        self.current_since = None;
        self.transcript = None;
    }

    /// The agent began or resumed a conversation; nothing was asked in it yet.
    pub fn begin(&mut self, id: ConversationId, transcript: Option<PathBuf>, now: Timestamp) {
        self.go_on(id, now);
        // A path that is not absolute would mean another file wherever it is read.
        if let Some(transcript) = transcript.filter(|path| path.is_absolute()) {
            self.transcript = Some(transcript);
        }
    }

    /// Keeps an interaction, and makes its conversation the current one. A prompt that wharf typed a moment ago and the
    /// agent now tells of is one interaction, not two.
    pub fn record(&mut self, interaction: Interaction, now: Timestamp) -> Result<(), ConversationError> {
        let id = interaction.id.clone().or_else(|| self.current.clone());
        let id = id.ok_or(ConversationError::NoConversation)?;
        let typed = self.typed_before(&interaction, now);
        let beside = typed.map_or(0, |at| entry::bytes(&self.entries[at].metadata));
        if entry::bytes(&interaction.metadata) + beside > METADATA_BYTES_MAX {
            return Err(ConversationError::MetadataTooLong);
        }
        self.go_on(id.clone(), now);
        if let Some(at) = typed {
            self.entries[at].confirm(id, interaction);
            return Ok(());
        }
        self.interactions = self.interactions.saturating_add(1);
        self.entries.push_back(Entry {
            id,
            created_at: now,
            interaction_count: self.interactions,
            last_prompt: interaction.prompt,
            last_response: interaction.response,
            metadata: interaction.metadata,
            unknown: Members::new(),
        });
        self.cut();
        Ok(())
    }

    /// Whether wharf typed the newest prompt, and the agent has not told of it yet.
    pub fn has_untold_prompt(&self) -> bool {
        self.entries.back().is_some_and(Entry::is_unconfirmed)
    }

    /// Keeps a prompt that a hook tells of. An agent with our hooks in two places tells of everything twice, and nobody
    /// asks the same twice in a moment without an answer in between.
    pub fn hear(&mut self, interaction: Interaction, now: Timestamp) -> Result<(), ConversationError> {
        let is_told = self.entries.back().is_some_and(|newest| {
            let seconds_max =
                if entry::is_from_wharf(&newest.metadata) { CONFIRM_SECONDS_MAX } else { TWICE_SECONDS_MAX };
            !newest.is_unconfirmed()
                && newest.last_response.is_none()
                && interaction.prompt.is_some()
                && newest.last_prompt == interaction.prompt
                && interaction.id.as_ref() == Some(&newest.id)
                && now.seconds_since(newest.created_at) < seconds_max
        });
        if is_told { Ok(()) } else { self.record(interaction, now) }
    }

    /// Keeps what the agent answered in the current conversation; says whether anything was asked in it.
    pub fn respond(&mut self, text: &str) -> bool {
        let current = self.current.as_ref();
        let newest = self.entries.iter_mut().rev().find(|it| Some(&it.id) == current);
        let Some(newest) = newest else {
            return false;
        };
        newest.last_response = Some(Excerpt::of(text));
        true
    }

    /// Whether a conversation is one of this chain.
    pub fn contains(&self, id: &ConversationId) -> bool {
        self.current.as_ref() == Some(id) || self.entries.iter().any(|it| it.id == *id)
    }

    /// Notes that a conversation is one of an agent that the session's agent started itself: not one to come back to.
    pub fn set_aside(&mut self, id: ConversationId) {
        if !self.is_aside(&id) {
            self.aside.push(id);
            let surplus = self.aside.len().saturating_sub(ASIDE_MAX);
            self.aside.drain(..surplus);
        }
    }

    /// Whether a conversation was set aside.
    pub fn is_aside(&self, id: &ConversationId) -> bool {
        self.aside.contains(id)
    }

    /// The chain in short.
    pub fn summary(&self) -> Summary {
        let mut seen = HashSet::new();
        let said = self.entries.iter().map(|it| &it.id).chain(&self.current);
        Summary {
            agent: self.agent.clone(),
            interactions: self.interactions,
            ids: said.filter(|id| seen.insert(*id)).cloned().collect(),
            current: self.current.clone(),
        }
    }

    /// The chain in numbers.
    pub fn stats(&self) -> Stats {
        Stats {
            interactions: self.interactions,
            first: self.entries.front().map(|it| it.created_at),
            last: self.entries.back().map(|it| it.created_at),
        }
    }

    /// Begins anew: no entries, no conversation. What others keep in the file stays, and whose conversations are none of it.
    pub fn reset(&mut self) {
        let Self { agent, aside, unknown, .. } = std::mem::take(self);
        *self = Self { agent, aside, unknown, ..Self::default() };
    }

    /// Drops the entries that are older than some days, but none of the current conversation or of `kept`; answers how
    /// many went. The count of interactions stays.
    pub fn clean(&mut self, days: u32, now: Timestamp, kept: Option<&ConversationId>) -> usize {
        let before = self.entries.len();
        let current = self.current.clone();
        self.entries.retain(|it| {
            it.created_at.plus_days(days) >= now || current.as_ref() == Some(&it.id) || kept == Some(&it.id)
        });
        before - self.entries.len()
    }

    /// Takes in the entries that are not there yet, in the order of their times; answers how many. A current
    /// conversation that is there stays.
    pub fn take_in(&mut self, incoming: &Incoming) -> usize {
        let mut known: HashSet<_> = self.entries.iter().map(Entry::key).collect();
        let mut new: Vec<Entry> =
            incoming.entries.iter().filter(|it| known.insert(it.key())).cloned().collect();
        if self.entries.len() + new.len() > ENTRIES_MAX {
            // Those that would go at once are not taken in, so that a second time is like the first.
            let mut keys: Vec<_> = self.entries.iter().chain(&new).map(Entry::key).collect();
            keys.sort_unstable();
            let oldest = &keys[keys.len() - ENTRIES_MAX];
            new.retain(|it| it.key() >= *oldest);
        }
        if !new.is_empty() {
            self.entries.extend(new.iter().cloned());
            self.entries.make_contiguous().sort_by_cached_key(Entry::key);
            self.cut();
        }
        let total = incoming.interactions.max(self.entries.len() as u64);
        self.interactions = self.interactions.max(total);
        let is_same_agent = self.agent.is_none() || incoming.agent.is_none() || self.agent == incoming.agent;
        if self.current.is_none() && is_same_agent {
            self.current.clone_from(&incoming.current);
        }
        if self.agent.is_none() {
            self.agent.clone_from(&incoming.agent);
        }
        new.len()
    }

    /// Makes a conversation the current one. What is known of another one's transcript does not hold for it.
    fn go_on(&mut self, id: ConversationId, now: Timestamp) {
        if self.current.as_ref() != Some(&id) {
            self.current = Some(id);
            self.current_since = Some(now);
            self.transcript = None;
        }
    }

    /// The entry of a prompt that wharf typed a moment ago, if this interaction tells of it.
    fn typed_before(&self, interaction: &Interaction, now: Timestamp) -> Option<usize> {
        let prompt = interaction.prompt.as_ref().filter(|_| !entry::is_from_wharf(&interaction.metadata))?;
        self.entries.iter().rposition(|it| {
            it.is_unconfirmed()
                && it.last_prompt.as_ref() == Some(prompt)
                && now.seconds_since(it.created_at) < CONFIRM_SECONDS_MAX
        })
    }

    /// Lets the oldest go beyond the bound, and counts them.
    fn cut(&mut self) {
        while self.entries.len() > ENTRIES_MAX {
            self.entries.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}
