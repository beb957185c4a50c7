//! The chain of a session's conversations, as the other verbs read and write it.

use serde_json::value::RawValue;

use super::SessionManager;
use crate::{
    conversation::{Chain, Excerpt, Interaction},
    session::{ConversationId, Session},
};

impl SessionManager {
    /// The chain of a session; nothing when it cannot be read, which is told.
    pub(super) fn chain(&self, session: &Session) -> Option<Chain> {
        match self.conversations().load(session.id()) {
            Ok(chain) => Some(chain),
            Err(err) => {
                tracing::warn!(sessionId = %session.id(), error = %err, "the chain of conversations cannot be read");
                None
            }
        }
    }

    /// Writes down in which conversation an agent was started, and what it was asked; `before` is the one that was the
    /// current one until then. The record has the id already, so a failure is told and not fatal.
    pub(super) fn chain_start(
        &self,
        session: &Session,
        prompt: Option<&str>,
        before: Option<&ConversationId>,
    ) {
        let Some(agent) = session.agent().filter(|agent| self.converses(&agent.name)) else {
            return;
        };
        let now = self.clock.now();
        let changed = self.change_chain(session, |chain| {
            let Some(id) = &agent.conversation else {
                // Which one it began it says later, or has said meanwhile; it is not the one before.
                if chain.current() == before {
                    chain.leave();
                }
                return Ok(());
            };
            chain.begin(id.clone(), None, now);
            // An agent that is fast has told of it already.
            let is_told = chain.entries().any(|entry| entry.id == *id);
            match prompt.filter(|_| !is_told) {
                Some(prompt) => chain.record(typed(id, prompt), now),
                None => Ok(()),
            }
        });
        if let Err(err) = changed {
            tracing::warn!(sessionId = %session.id(), error = %err, "the chain of conversations was not written");
        }
    }

    /// Writes down what wharf is about to type into a conversation. A failure is told and does not keep it from the agent.
    pub(super) fn chain_prompt(&self, session: &Session, id: &ConversationId, prompt: &str) {
        let now = self.clock.now();
        let changed = self.change_chain(session, |chain| chain.record(typed(id, prompt), now));
        if let Err(err) = changed {
            tracing::warn!(sessionId = %session.id(), error = %err, "the prompt was not recorded");
        }
    }

    /// Remembers that a conversation is one of an agent within the session's agent.
    pub(super) fn set_aside(&self, session: &Session, id: &ConversationId) {
        if let Err(err) = self.conversations().change(session.id(), |chain| chain.set_aside(id.clone())) {
            tracing::warn!(sessionId = %session.id(), error = %err, "the chain of conversations was not written");
        }
    }
}

/// A prompt that wharf types; the agent tells of it later.
fn typed(id: &ConversationId, prompt: &str) -> Interaction {
    let wharf = RawValue::from_string("\"wharf\"".to_owned()).expect("a quoted word is JSON");
    let metadata = [("source".to_owned(), wharf)].into_iter().collect();
    Interaction {
        id: Some(id.clone()),
        prompt: Some(Excerpt::of(prompt)),
        metadata,
        ..Interaction::default()
    }
}
