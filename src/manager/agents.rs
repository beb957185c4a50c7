//! Which program an agent is: one that begins a conversation, or one that goes on with the conversation it had.

use std::{fs, io, path::PathBuf};

use thiserror::Error;

use super::{Code, ManagerError, SessionManager};
use crate::{
    agent::{AgentError, Description, Invocation, Search},
    atomic::{self, Durability},
    session::{Agent, AgentName, Command, ConversationId, Program, Session, SessionName},
};

/// Which agent is to be started, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentRequest {
    /// Which kind.
    pub name: AgentName,
    /// What its user adds to its command line.
    pub arguments: Vec<String>,
    /// What it is asked at once.
    pub prompt: Option<String>,
    /// The conversation it works in.
    pub conversation: Opening,
}

/// With which conversation an agent is started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// A new one.
    #[default]
    New,
    /// The last one of the session.
    Last,
    /// The one with this id.
    Given(ConversationId),
}

/// Why an agent is not started.
#[derive(Debug, Error)]
pub enum OpeningError {
    /// It cannot be told anything on its command line.
    #[error("`{name}` takes no prompt when it starts")]
    NoPrompt {
        /// Which.
        name: AgentName,
    },
    /// Nobody knows of a conversation in the session.
    #[error("session `{name}` has no conversation yet")]
    NoConversation {
        /// Which session.
        name: SessionName,
    },
    /// The conversation that was asked for is not there any more.
    #[error("the transcript of conversation {id} is gone")]
    Gone {
        /// Which.
        id: ConversationId,
    },
    /// What it is to be told about its hooks cannot be written.
    #[error("cannot write {}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl OpeningError {
    /// What went wrong, as a stable word.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::NoConversation { .. } | Self::Gone { .. } => Code::NotFound,
            Self::NoPrompt { .. } => Code::InvalidValue,
            Self::Settings { .. } => Code::IoFailed,
        }
    }

    /// What to do next.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPrompt { .. } => "start it, and hand it over with `wharf prompt`".to_owned(),
            Self::NoConversation { .. } | Self::Gone { .. } => {
                "`wharf conversation chain` shows the ones there were; without `--continue` and `--conversation` a new one begins"
                    .to_owned()
            }
            Self::Settings { .. } => return None,
        })
    }
}

/// What became of the conversation an agent was to come back to.
enum Found {
    /// It can go on.
    There,
    /// It is gone, or never was.
    Gone,
}

impl SessionManager {
    /// The agent that is asked for, as a program.
    pub(super) fn open_agent(
        &self,
        session: &Session,
        request: &AgentRequest,
    ) -> Result<Program, ManagerError> {
        let description = self.description(&request.name)?;
        let prompt = request.prompt.as_deref();
        if prompt.is_some() && !description.reads_prompt() {
            return Err(OpeningError::NoPrompt { name: request.name.clone() }.into());
        }
        let agent = |conversation| Agent {
            name: request.name.clone(),
            arguments: request.arguments.clone(),
            conversation,
            reports: false,
        };
        let id = match &request.conversation {
            Opening::New => return self.begin_agent(session, agent(None), prompt),
            Opening::Given(id) => id.clone(),
            Opening::Last => self
                .conversation_of(session, &request.name)
                .ok_or_else(|| OpeningError::NoConversation { name: session.name().clone() })?,
        };
        if !description.has_conversations() {
            return Err(AgentError::NoConversations { agent: request.name.clone() }.into());
        }
        match self.look_for(session, description, &id) {
            Found::There => self.resume_agent(session, agent(Some(id)), prompt),
            Found::Gone => Err(OpeningError::Gone { id }.into()),
        }
    }

    /// The agent of a session goes on in its conversation. When the transcript of that is really gone, a new one begins,
    /// and the log says so.
    pub(super) fn continue_agent(&self, session: &Session, agent: &Agent) -> Result<Program, ManagerError> {
        let description = self.description(&agent.name)?;
        let agent = Agent { reports: false, ..agent.clone() };
        if !description.has_conversations() {
            return self.begin_agent(session, agent, None);
        }
        let Some(id) = self.conversation_of(session, &agent.name) else {
            tracing::warn!(
                sessionId = %session.id(), name = %session.name(), agent = %agent.name,
                "the agent never said which conversation it is in; a new one begins"
            );
            return self.begin_agent(session, agent, None);
        };
        match self.look_for(session, description, &id) {
            Found::There => self.resume_agent(session, Agent { conversation: Some(id), ..agent }, None),
            Found::Gone if self.was_used(session, &id) => {
                tracing::warn!(
                    sessionId = %session.id(), name = %session.name(), conversation = %id,
                    "the transcript of the conversation is gone; a new one begins"
                );
                self.begin_agent(session, agent, None)
            }
            // Nothing was said in it, so nothing is lost.
            Found::Gone => self.begin_agent(session, agent, None),
        }
    }

    /// How an agent is run.
    pub(super) fn description(&self, name: &AgentName) -> Result<&Description, ManagerError> {
        let found = self.settings.agents.find(name);
        found.ok_or_else(|| ManagerError::UnknownAgent { agent: name.clone() })
    }

    /// Whether an agent has conversations; of one that nobody describes any more, that is not known to be otherwise.
    pub(super) fn converses(&self, name: &AgentName) -> bool {
        self.settings.agents.find(name).is_none_or(Description::has_conversations)
    }

    /// The last conversation of an agent in a session, as the record or else the chain says. That of another agent is
    /// not meant.
    fn conversation_of(&self, session: &Session, agent: &AgentName) -> Option<ConversationId> {
        let own = session.agent().filter(|own| own.name == *agent);
        own.and_then(|own| own.conversation.clone()).or_else(|| {
            let chain = self.chain(session)?;
            chain.current().filter(|_| chain.agent().is_none_or(|it| it == agent)).cloned()
        })
    }

    /// Whether anything was said in a conversation; without a chain to tell, it was.
    pub(super) fn was_used(&self, session: &Session, id: &ConversationId) -> bool {
        self.chain(session).is_none_or(|chain| chain.entries().any(|entry| entry.id == *id))
    }

    /// Looks for the transcript of a conversation, and puts it back first where only its copy is left. What could not be
    /// looked at is there: the agent itself knows better.
    fn look_for(&self, session: &Session, description: &Description, id: &ConversationId) -> Found {
        self.put_back_transcripts(session, description.name());
        match self.search(session, description, id) {
            Search::Gone if self.told_transcript(session, id).is_some() => {
                tracing::warn!(
                    sessionId = %session.id(), conversation = %id,
                    "the transcript is where the agent said, but not where its environment now says; the agent is asked \
                     to go on with it"
                );
                Found::There
            }
            Search::Found(_) | Search::NotKept => Found::There,
            Search::Gone => Found::Gone,
            Search::Unknown(because) => {
                tracing::warn!(
                    sessionId = %session.id(), conversation = %id, error = %because,
                    "nobody can say whether the transcript is there; the agent is asked to go on with it"
                );
                Found::There
            }
        }
    }

    fn begin_agent(
        &self,
        session: &Session,
        agent: Agent,
        prompt: Option<&str>,
    ) -> Result<Program, ManagerError> {
        let description = self.description(&agent.name)?;
        let agent = Agent { conversation: description.mints_id().then(ConversationId::random), ..agent };
        self.program(session, agent, prompt, Description::start)
    }

    fn resume_agent(
        &self,
        session: &Session,
        agent: Agent,
        prompt: Option<&str>,
    ) -> Result<Program, ManagerError> {
        self.program(session, agent, prompt, Description::resume)
    }

    /// The program that an agent is, told where its hooks are written down where it can be told that.
    fn program(
        &self,
        session: &Session,
        agent: Agent,
        prompt: Option<&str>,
        verb: impl FnOnce(&Description, &Invocation<'_>) -> Result<Command, AgentError>,
    ) -> Result<Program, ManagerError> {
        let description = self.description(&agent.name)?;
        let settings = self.write_settings(session, description).map_err(ManagerError::from)?;
        let invocation = Invocation {
            id: agent.conversation.as_ref(),
            arguments: &agent.arguments,
            prompt,
            settings: settings.as_deref(),
        };
        let command = verb(description, &invocation)?;
        Ok(Program { command, agent: Some(agent) })
    }

    /// Writes the hooks of an agent down beside what the session leaves, for an agent that takes such a file.
    fn write_settings(
        &self,
        session: &Session,
        description: &Description,
    ) -> Result<Option<PathBuf>, OpeningError> {
        if !description.reads_settings() {
            return Ok(None);
        }
        let Some(text) = description.settings_text(&self.terminals.program()) else {
            return Ok(None);
        };
        let folder = self.workspace.session_folder(session.id());
        let path = folder.join(format!("{}.settings.json", description.name()));
        let written = fs::create_dir_all(&folder)
            .and_then(|()| atomic::replace(&path, text.as_bytes(), Durability::Crash));
        written.map_err(|source| OpeningError::Settings { path: path.clone(), source })?;
        Ok(Some(path))
    }
}
