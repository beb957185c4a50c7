//! What was said with the agent of a session: note it, ask for it, forget it, and check what the agent wrote down itself.

use std::{path::PathBuf, sync::Arc};

use super::{Code, ManagerError, SessionManager};
use crate::{
    conversation::{self, Chain, ConversationError, Conversations, Interaction, Transcript},
    lock::LockError,
    session::{ConversationId, Session},
};

/// A session and what was said in it.
#[derive(Clone, Debug)]
pub struct Talk {
    /// The session.
    pub session: Session,
    /// The chain of its conversations.
    pub chain: Chain,
}

impl Talk {
    /// The conversation to come back to: the record of the session says it, else the chain.
    pub fn current(&self) -> Option<&ConversationId> {
        let recorded = self.session.agent().and_then(|agent| agent.conversation.as_ref());
        recorded.or_else(|| self.chain.current())
    }

    /// Whether a conversation is one of this session.
    pub fn contains(&self, id: &ConversationId) -> bool {
        self.current() == Some(id) || self.chain.contains(id)
    }
}

impl SessionManager {
    /// Keeps an interaction. A conversation that is new to the session is written into its record first, because that is
    /// where a restart looks.
    pub fn record_interaction(
        &mut self,
        who: &str,
        mut interaction: Interaction,
    ) -> Result<Talk, ManagerError> {
        let mut session = self.session(who)?;
        let recorded = session.agent().map(|agent| agent.conversation.clone());
        match (&interaction.id, recorded) {
            (Some(id), Some(recorded)) if recorded.as_ref() != Some(id) => {
                let id = id.clone();
                // What the chain would refuse changes no record either.
                let mut chain = self.talk_of(session.clone())?.chain;
                chain.record(interaction.clone(), self.clock.now()).map_err(of(&session))?;
                let change = self.change(&session.id().to_string(), |session, now| {
                    session.converse(id);
                    session.touch(now);
                });
                session = change?.0;
            }
            (None, Some(recorded)) => interaction.id = recorded,
            (Some(_) | None, _) => (),
        }
        let now = self.clock.now();
        let chain = self.change_chain(&session, |chain| {
            chain.record(interaction, now)?;
            Ok(chain.clone())
        })?;
        Ok(Talk { session, chain })
    }

    /// What was said in a session.
    pub fn talk(&mut self, who: &str) -> Result<Talk, ManagerError> {
        let session = self.session(who)?;
        self.talk_of(session)
    }

    /// What was said in several sessions; in all of them when none is named.
    pub fn talks(&mut self, who: &[String]) -> Result<Vec<Talk>, ManagerError> {
        let registry = self.registry()?;
        let sessions = if who.is_empty() {
            registry.all()
        } else {
            who.iter().map(|text| registry.find(text).cloned()).collect::<Result<_, _>>()?
        };
        sessions.into_iter().map(|session| self.talk_of(session)).collect()
    }

    /// Begins the chain of a session anew. Its record forgets the conversation first: a restart begins a new one.
    pub fn reset_conversation(&mut self, who: &str) -> Result<Talk, ManagerError> {
        let mut session = self.session(who)?;
        if session.agent().is_some_and(|agent| agent.conversation.is_some()) {
            let id = session.id().to_string();
            session = self.change(&id, |session, _| session.forget_conversation())?.0;
        }
        let chain = self.change_chain(&session, |chain| {
            chain.reset();
            Ok(chain.clone())
        })?;
        Ok(Talk { session, chain })
    }

    /// Looks through the transcript of a session, or another one that is named. Without one it is missing.
    pub fn check_transcript(
        &mut self,
        who: &str,
        named: Option<PathBuf>,
    ) -> Result<(Option<PathBuf>, Transcript), ManagerError> {
        let session = self.session(who)?;
        let path = match named {
            Some(path) => Some(path),
            None => self.transcript_of(&session),
        };
        let transcript = match &path {
            Some(path) => conversation::check(path).map_err(of(&session))?,
            None => Transcript::absent(),
        };
        Ok((path, transcript))
    }

    /// The chains of this workspace.
    pub(super) fn conversations(&self) -> Conversations {
        Conversations::of(self.workspace.clone(), Arc::clone(&self.clock))
    }

    /// Changes the chain of a session, and notes its agent there if that has conversations.
    pub(super) fn change_chain<T>(
        &self,
        session: &Session,
        change: impl FnOnce(&mut Chain) -> Result<T, ConversationError>,
    ) -> Result<T, ManagerError> {
        let changed = self.conversations().change(session.id(), |chain| {
            if let Some(agent) = session.agent().filter(|agent| self.converses(&agent.name)) {
                chain.works(&agent.name);
            }
            change(chain)
        });
        changed.and_then(|answer| answer).map_err(of(session))
    }

    /// What was said in this session.
    pub(super) fn talk_of(&self, session: Session) -> Result<Talk, ManagerError> {
        let chain = self.conversations().load(session.id()).map_err(of(&session))?;
        Ok(Talk { session, chain })
    }
}

/// Says whose chain it is.
fn of(session: &Session) -> impl Fn(ConversationError) -> ManagerError + use<> {
    let name = session.name().clone();
    move |source| ManagerError::Chain { name: name.clone(), source }
}

/// What went wrong with a chain, as a stable word.
pub(super) fn code(err: &ConversationError) -> Code {
    match err {
        ConversationError::Lock(LockError::Held { .. }) => Code::StateLocked,
        ConversationError::Newer { .. } => Code::StateNewer,
        ConversationError::Lock(LockError::NotAFile { .. })
        | ConversationError::NotAFile { .. }
        | ConversationError::TooLarge { .. } => Code::StateUnwritable,
        ConversationError::OutOfBounds { .. }
        | ConversationError::MetadataTooLong
        | ConversationError::Foreign { .. } => Code::InvalidValue,
        ConversationError::NoConversation => Code::NotFound,
        ConversationError::Io { .. }
        | ConversationError::Lock(LockError::Io { .. })
        | ConversationError::Uncertain { .. } => Code::IoFailed,
    }
}

/// What to do next about a chain.
pub(super) fn hint(err: &ConversationError) -> Option<String> {
    let text = match err {
        ConversationError::Lock(LockError::Held { .. }) => {
            "try again; a lock goes with the process that holds it"
        }
        ConversationError::Newer { .. } => "use the newer wharf that wrote it; nothing was changed",
        ConversationError::Lock(LockError::NotAFile { .. }) | ConversationError::NotAFile { .. } => {
            "a regular file is needed there"
        }
        ConversationError::TooLarge { .. } => "`wharf conversation clean` drops what is old",
        ConversationError::OutOfBounds { .. } | ConversationError::MetadataTooLong => {
            "give shorter values; nothing was changed"
        }
        ConversationError::Foreign { .. } => "nothing was imported, from no file",
        ConversationError::NoConversation => {
            "`wharf start --agent` begins one, `wharf conversation record --id` names one"
        }
        ConversationError::Uncertain { .. } => {
            "look with `wharf conversation chain`; the disk may be failing"
        }
        ConversationError::Io { .. } | ConversationError::Lock(LockError::Io { .. }) => return None,
    };
    Some(text.to_owned())
}
