//! The agent of a session: of which kind, with which arguments, and in which conversation.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{Command, Session, SessionId};

/// The most characters of an agent's name.
pub const AGENT_NAME_CHARS_MAX: usize = 32;
/// The most characters of a conversation's id.
pub const CONVERSATION_ID_CHARS_MAX: usize = 128;

/// What a kind of agent is called, such as `claude`: a lower-case letter, then lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentName(String);

/// Why a text is not the name of an agent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{}` is not the name of an agent: 1 to {AGENT_NAME_CHARS_MAX} of a-z 0-9 - _, beginning with a letter",
    text.escape_debug()
)]
pub struct AgentNameError {
    /// What was read.
    pub text: String,
}

/// What an agent calls one of its conversations. It becomes a word of a command line and a part of a file's name, so it
/// is only letters, digits, `-`, `_` and `.`, and begins with a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId(String);

/// Why a text is not the id of a conversation.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{}` is not the id of a conversation: 1 to {CONVERSATION_ID_CHARS_MAX} of A-Z a-z 0-9 - _ ., beginning with a \
     letter or digit",
    text.escape_debug()
)]
pub struct ConversationIdError {
    /// What was read.
    pub text: String,
}

/// The agent that works in a session, or worked there last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Which kind.
    pub name: AgentName,
    /// What its user adds to its command line.
    pub arguments: Vec<String>,
    /// The conversation to come back to: given on a command line or told by a hook, never guessed.
    pub conversation: Option<ConversationId>,
    /// Whether its hooks have told something since it was started. Then they say how the session is doing, and what its
    /// terminal shows does not.
    pub reports: bool,
}

/// What runs in a session: a command, and the agent that it is, if it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The command.
    pub command: Command,
    /// The agent.
    pub agent: Option<Agent>,
}

impl From<Command> for Program {
    fn from(command: Command) -> Self {
        Self { command, agent: None }
    }
}

impl AgentName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AgentName {
    type Err = AgentNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = text.len() <= AGENT_NAME_CHARS_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if is_name { Ok(Self(text.to_owned())) } else { Err(AgentNameError { text: text.to_owned() }) }
    }
}

impl ConversationId {
    /// A fresh id, a UUID.
    pub fn random() -> Self {
        Self(SessionId::random().to_string())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ConversationId {
    type Err = ConversationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_id = text.len() <= CONVERSATION_ID_CHARS_MAX
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
        if is_id { Ok(Self(text.to_owned())) } else { Err(ConversationIdError { text: text.to_owned() }) }
    }
}

impl Session {
    /// The agent that works in it, or worked there last.
    pub fn agent(&self) -> Option<&Agent> {
        self.0.agent.as_deref()
    }

    /// Its agent goes on in this conversation from now on; without an agent nothing changes.
    pub fn converse(&mut self, conversation: ConversationId) {
        if let Some(agent) = &mut self.parts_mut().agent {
            agent.conversation = Some(conversation);
        }
    }

    /// Its agent begins anew the next time; without an agent nothing changes.
    pub fn forget_conversation(&mut self) {
        if let Some(agent) = &mut self.parts_mut().agent {
            agent.conversation = None;
        }
    }

    /// A hook of its agent told something.
    pub fn hear(&mut self) {
        if let Some(agent) = &mut self.parts_mut().agent {
            agent.reports = true;
        }
    }

    /// Whether the hooks of its agent say how it is doing.
    pub fn is_reported(&self) -> bool {
        self.0.agent.as_ref().is_some_and(|agent| agent.reports)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::example, *};
    use crate::clock::Timestamp;

    #[test]
    fn an_agent_is_called_by_a_plain_lower_case_word() {
        for good in ["claude", "open-code", "a", "my_agent2", &"a".repeat(AGENT_NAME_CHARS_MAX)] {
            assert_eq!(good.parse::<AgentName>().unwrap().as_str(), good);
        }
        for bad in ["", "Claude", "-a", "2a", "a b", "a/b", "ä", &"a".repeat(AGENT_NAME_CHARS_MAX + 1)] {
            assert!(bad.parse::<AgentName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_safe_as_a_word_and_as_a_file_name() {
        let uuid = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";
        for good in [uuid, "ses_4f.1", "0", &"a".repeat(CONVERSATION_ID_CHARS_MAX)] {
            assert_eq!(good.parse::<ConversationId>().unwrap().to_string(), good);
        }
        let long = "a".repeat(CONVERSATION_ID_CHARS_MAX + 1);
        for bad in ["", "-x", ".", "..", "../x", "a/b", "a b", "a\n", "a*", "é", &long] {
            assert!(bad.parse::<ConversationId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_a_session_with_an_agent_has_a_conversation() {
        let mut session = example(Timestamp::from_unix_millis(0).unwrap());
        session.converse("x1".parse().unwrap());
        session.hear();
        assert_eq!((session.agent(), session.is_reported()), (None, false));
        session.parts_mut().agent = Some(Box::new(Agent {
            name: "claude".parse().unwrap(),
            arguments: Vec::new(),
            conversation: None,
            reports: false,
        }));
        session.converse("x1".parse().unwrap());
        assert!(!session.is_reported());
        session.hear();
        assert!(session.is_reported());
        assert_eq!(session.agent().unwrap().conversation.as_ref().unwrap().as_str(), "x1");
        session.forget_conversation();
        assert_eq!(session.agent().unwrap().conversation, None);
    }
}
