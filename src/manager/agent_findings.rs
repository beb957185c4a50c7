//! What may be wrong with the agents of sessions: whether they can be run, whether they tell, whether what they said stays.

use super::{Finding, SessionManager, Severity, findings::finding, transcripts::is_elsewhere};
use crate::{agent::Search, config::KeepTranscripts, session::Session, text};

impl SessionManager {
    /// What may be wrong with the agents of these sessions.
    pub(super) fn agent_findings(&self, sessions: &[Session]) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for session in sessions {
            let found = [
                self.chain_finding(session),
                self.unknown_agent(session),
                self.mute_agent(session),
                self.gone_transcript(session),
                self.fleeting_transcripts(session),
            ];
            for finding in found.into_iter().flatten() {
                // What is said of an agent is said once, in however many sessions it works.
                if !findings.iter().any(|it| (it.code, &it.subject) == (finding.code, &finding.subject)) {
                    findings.push(finding);
                }
            }
        }
        findings
    }

    fn chain_finding(&self, session: &Session) -> Option<Finding> {
        let because = match self.conversations().examine(session.id()) {
            Ok(None) => return None,
            Ok(Some(broken)) => broken.to_string(),
            Err(err) => err.to_string(),
        };
        Some(finding(
            "conversation-damaged",
            Severity::Warning,
            session.name().as_str(),
            format!("the chain of its conversations cannot be read: {because}"),
            "nothing has to be done: the next change keeps the file as `.corrupt.<time>` and goes on with its backup",
        ))
    }

    fn unknown_agent(&self, session: &Session) -> Option<Finding> {
        let agent = &session.agent()?.name;
        let is_known = self.settings.agents.find(agent).is_some();
        (!is_known).then(|| {
            finding(
                "agent-unknown",
                Severity::Warning,
                session.name().as_str(),
                format!("its agent `{agent}` is not described, so it cannot be resumed"),
                "describe it below `[agents.NAME]` in your own settings; `wharf agent list` shows those there are",
            )
        })
    }

    /// An agent that takes its hooks only from files of the worktree, and has none there.
    fn mute_agent(&self, session: &Session) -> Option<Finding> {
        let agent = &session.agent()?.name;
        let description = self.settings.agents.find(agent)?;
        let is_mute = description.hook_file().is_some()
            && !description.reads_settings()
            && !self.has_hooks(session, agent);
        is_mute.then(|| {
            finding(
                "agent-mute",
                Severity::Note,
                session.name().as_str(),
                format!(
                    "`{agent}` has no hooks there, so it tells neither its conversation nor whether it waits"
                ),
                "`wharf agent install` writes them",
            )
        })
    }

    fn gone_transcript(&self, session: &Session) -> Option<Finding> {
        let agent = session.agent()?;
        let description = self.settings.agents.find(&agent.name)?;
        let id = agent.conversation.as_ref().filter(|id| self.was_used(session, id))?;
        match self.search(session, description, id) {
            Search::Gone if !self.has_copy(session, &agent.name, id) => Some(finding(
                "transcript-gone",
                Severity::Warning,
                session.name().as_str(),
                format!("the transcript of its conversation {id} is gone"),
                "bring it back from where you keep copies; else `wharf resume` begins a new conversation",
            )),
            Search::Gone | Search::Found(_) | Search::NotKept | Search::Unknown(_) => None,
        }
    }

    /// Transcripts that are likely to go with the container.
    fn fleeting_transcripts(&self, session: &Session) -> Option<Finding> {
        let agent = &session.agent()?.name;
        let home = self.home_of(session, agent)?;
        if !is_elsewhere(&home, self.workspace.root()) {
            return None;
        }
        let where_to = format!(
            "its transcripts lie in {}, on another file system than the workspace, and may go with the container",
            text::path(&home)
        );
        Some(match self.settings.keep_transcripts {
            KeepTranscripts::Never => finding(
                "transcripts-fleeting",
                Severity::Warning,
                agent.as_str(),
                where_to,
                "mount that folder, or set `transcripts.keep` to \"elsewhere\"",
            ),
            KeepTranscripts::Always | KeepTranscripts::Elsewhere => finding(
                "transcripts-copied",
                Severity::Note,
                agent.as_str(),
                where_to,
                "nothing has to be done: copies are kept in the workspace and put back",
            ),
        })
    }
}
