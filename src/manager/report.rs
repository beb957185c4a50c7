//! What the hooks of an agent tell: in which conversation it is, what it was asked and answered, whether it waits.

use thiserror::Error;

use super::{ManagerError, SessionManager, observe::runs};
use crate::{
    agent::{AgentError, HookInput, Report},
    atomic::Durability,
    clock::Timestamp,
    conversation::{Chain, ConversationError, Excerpt, Interaction},
    session::{AgentName, AgentNameError, ConversationId, Session, SessionId, SessionStatus},
};

/// How often a session that is active is noted as such at most.
const ACTIVITY_SECONDS_MIN: u64 = 5;
/// What a hook calls the beginning of a conversation by a program that was just started.
const STARTUP: &str = "startup";

/// What a report changes in how a session is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Noted {
    status: Option<SessionStatus>,
    /// Whether it says how the agent is doing, for the first time.
    is_heard: bool,
}

impl Noted {
    /// Whether the record would say something else, or its last activity is too long ago.
    fn is_worth_writing(&self, session: &Session, now: Timestamp) -> bool {
        let last = session.last_activity();
        let is_due = now < last || now.seconds_since(last) >= ACTIVITY_SECONDS_MIN;
        self.is_heard
            || self.status.is_some_and(|status| status != session.status())
            || self.status == Some(SessionStatus::Active) && is_due
    }
}

/// Why what a hook told was not taken in.
#[derive(Debug, Error)]
pub enum ReportError {
    /// It does not say whose hook it is, and which.
    #[error("a hook is told as `AGENT EVENT`")]
    Words,
    /// Nobody says what the event means.
    #[error("the description of `{agent}` does not say what `{event}` means")]
    Event {
        /// Whose.
        agent: AgentName,
        /// Which.
        event: String,
    },
    /// It does not say in which conversation.
    #[error("it names no conversation")]
    NoConversation,
    /// That is no agent's name.
    #[error(transparent)]
    Name(#[from] AgentNameError),
    /// What the agent says makes no sense.
    #[error(transparent)]
    Input(#[from] AgentError),
    /// It cannot be written down.
    #[error(transparent)]
    Manager(#[from] ManagerError),
}

impl SessionManager {
    /// Takes in what a hook tells: a line with agent and event, and behind it what the agent gave to the hook.
    pub fn hear(&mut self, id: SessionId, told: &[u8]) -> Result<(), ReportError> {
        let end = told.iter().position(|byte| *byte == b'\n').ok_or(ReportError::Words)?;
        let (words, input) = (&told[..end], &told[end + 1..]);
        let words = std::str::from_utf8(words).map_err(|_| ReportError::Words)?;
        let (agent, event) = words.split_once(' ').ok_or(ReportError::Words)?;
        let agent: AgentName = agent.parse()?;
        let description = self.description(&agent)?;
        let unknown = || ReportError::Event { agent: agent.clone(), event: event.escape_debug().to_string() };
        let report = description.report(event).ok_or_else(unknown)?;
        let told = HookInput::parse(description, input)?;
        if told.id.is_none() && description.fields().id.is_some() {
            return Err(ReportError::NoConversation);
        }
        Ok(self.report(id, &agent, report, &told)?)
    }

    /// Takes in what a hook tells. An agent that another one started in the same session is told apart, and changes
    /// nothing: its conversation is not the one to come back to.
    pub fn report(
        &mut self,
        id: SessionId,
        agent: &AgentName,
        report: Report,
        told: &HookInput,
    ) -> Result<(), ManagerError> {
        let session = self.stored_registry()?.session(id).cloned().ok_or(ManagerError::Vanished { id })?;
        if self.is_of_another(&session, agent, report, told) {
            tracing::info!(sessionId = %id, agent = %agent, "an agent within the agent was not listened to");
            return Ok(());
        }
        // First the copy: who sees that the agent waits may end everything.
        match report {
            Report::Active => (),
            Report::Begin | Report::Prompt | Report::Waiting | Report::Answer | Report::End => {
                let durability = if report == Report::End { Durability::PowerCut } else { Durability::Crash };
                self.keep_transcript(&session, agent, told, durability);
            }
        }
        // Then where a resume looks first, then the chain; and last of all that somebody is waited for.
        if new_conversation(&session, report, told).is_some() {
            self.change(&id.to_string(), |session, _| {
                if let Some(conversation) = new_conversation(session, report, told) {
                    session.converse(conversation);
                }
            })?;
        }
        self.chain_report(&session, agent, report, told)?;
        self.note_status(&session, report)
    }

    /// Whether a report comes from an agent that runs inside the session's own, or outlived it: one of another kind, or
    /// one that begins a conversation of its own while the session's agent is at work, or goes on in such a conversation.
    fn is_of_another(&self, session: &Session, agent: &AgentName, report: Report, told: &HookInput) -> bool {
        let Some(own) = session.agent() else {
            return false;
        };
        if own.name != *agent {
            return true;
        }
        let Some(id) = told.id.as_ref().filter(|id| own.conversation.as_ref() != Some(*id)) else {
            return false;
        };
        let is_startup = report == Report::Begin && told.source.as_deref() == Some(STARTUP);
        if is_startup && own.reports && runs(session) {
            self.set_aside(session, id);
            return true;
        }
        self.chain(session).is_some_and(|chain| chain.is_aside(id))
    }

    /// Writes into the record how the session is doing, when that is new. What that is is decided once more under the lock.
    fn note_status(&mut self, session: &Session, report: Report) -> Result<(), ManagerError> {
        let (id, now) = (session.id(), self.clock.now());
        if !noted(session, report).is_worth_writing(session, now) {
            return Ok(());
        }
        let mut transaction = self.begin()?;
        let changed = transaction.registry.update(id, |session| {
            let noted = noted(session, report);
            match noted.status {
                Some(SessionStatus::Active) => session.set_status(SessionStatus::Active, now),
                // To wait is nobody's work.
                Some(status) => session.set_status(status, session.last_activity()),
                None => (),
            }
            if noted.is_heard {
                session.hear();
            }
        });
        changed.ok_or(ManagerError::Vanished { id })?;
        transaction.commit()
    }

    /// Writes into the chain what was said.
    fn chain_report(
        &self,
        session: &Session,
        agent: &AgentName,
        report: Report,
        told: &HookInput,
    ) -> Result<(), ManagerError> {
        let now = self.clock.now();
        // These say nothing that was said.
        match report {
            Report::Active | Report::Waiting | Report::End => return Ok(()),
            Report::Begin | Report::Prompt | Report::Answer => (),
        }
        self.conversations().change(session.id(), |chain| {
            chain.works(agent);
            take_in(chain, report, told, now)
        })??;
        Ok(())
    }

    /// Notes that a prompt is on its way to what runs in a session: it works from now on. A disk that refuses is told and
    /// does not keep the prompt from it.
    pub fn note_prompt(&mut self, who: &str, text: &str) -> Result<Session, ManagerError> {
        let session = match self.set_status(who, SessionStatus::Active) {
            Err(ManagerError::Store(err)) => {
                let session = self.session(who)?;
                tracing::warn!(sessionId = %session.id(), error = %err, "that a prompt was given was not recorded");
                session
            }
            noted => noted?,
        };
        let conversation = session.agent().and_then(|agent| agent.conversation.clone());
        if let Some(id) = conversation {
            self.chain_prompt(&session, &id, text);
        }
        Ok(session)
    }

    /// Whether the agent of a session has told of the last prompt that was handed to it.
    pub fn is_prompt_told(&self, session: &Session) -> bool {
        self.chain(session).is_none_or(|chain| !chain.has_untold_prompt())
    }
}

/// Takes what was said into the chain.
fn take_in(
    chain: &mut Chain,
    report: Report,
    told: &HookInput,
    now: Timestamp,
) -> Result<(), ConversationError> {
    let is_current = told.id.is_none() || told.id.as_ref() == chain.current();
    if let (Report::Begin | Report::Prompt, Some(id)) = (report, &told.id) {
        chain.begin(id.clone(), told.transcript.clone(), now);
    }
    match report {
        Report::Prompt => {
            let prompt = told.prompt.as_deref().map(Excerpt::of);
            chain.hear(Interaction { id: told.id.clone(), prompt, ..Interaction::default() }, now)?;
        }
        Report::Answer => {
            if let Some(response) = told.response.as_deref().filter(|_| is_current) {
                chain.respond(response);
            }
        }
        Report::Begin | Report::Active | Report::Waiting | Report::End => (),
    }
    Ok(())
}

/// What a report says about how a session is doing.
fn noted(session: &Session, report: Report) -> Noted {
    let status = match report {
        // One that goes on after an end (its user cleared it) waits; one that was just started may have a prompt already.
        Report::Begin => {
            Some(SessionStatus::Waiting).filter(|_| session.status() == SessionStatus::Idle && runs(session))
        }
        Report::Prompt | Report::Active => Some(SessionStatus::Active),
        Report::Waiting | Report::Answer => Some(SessionStatus::Waiting),
        Report::End => Some(SessionStatus::Idle),
    };
    // A hook that comes late says nothing about what ended meanwhile.
    let is_over = session.ending().is_some() && !runs(session);
    let status = status.filter(|_| !is_over);
    // That it began does not say how it is doing: until it does, its screen is asked.
    let is_heard = session.agent().is_some_and(|own| !own.reports) && report != Report::Begin;
    Noted { status, is_heard }
}

/// The conversation that the agent of a session is in from now on, if that is another one.
fn new_conversation(session: &Session, report: Report, told: &HookInput) -> Option<ConversationId> {
    let own = session.agent()?;
    // A late word on a conversation that was left does not lead back into it.
    let leads = match report {
        Report::Begin | Report::Prompt => true,
        Report::Active | Report::Waiting | Report::Answer | Report::End => own.conversation.is_none(),
    };
    told.id.clone().filter(|_| leads && own.conversation != told.id)
}
