//! The hooks of an agent come into a worktree, so that it tells wharf how it is doing.

use std::path::PathBuf;

use super::{ManagerError, SessionManager, checkout, journal::ensure_quiet};
use crate::{
    agent::{AgentError, Description, HookFile, HookLock, HookRecord, Made},
    session::{AgentName, Session},
    worktree::WorktreeState,
};

/// What became of the hooks of one agent in one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookChange {
    /// The session.
    pub session: Session,
    /// The agent.
    pub agent: AgentName,
    /// The file with its hooks.
    pub file: PathBuf,
    /// What was done, or would be.
    pub outcome: HookOutcome,
}

/// What is done with hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// They are written.
    Installed,
    /// They are there already.
    Unchanged,
    /// They are taken out.
    Removed,
}

/// What an install would write.
struct Plan {
    text: String,
    made: Made,
    outcome: HookOutcome,
}

impl SessionManager {
    /// Says what an install would do.
    pub fn weigh_hooks(
        &mut self,
        who: &str,
        agent: Option<&AgentName>,
        program: &str,
    ) -> Result<HookChange, ManagerError> {
        let (session, description) = self.hookable(who, agent)?;
        let (file, plan) = self.plan_hooks(&session, &description, program)?;
        Ok(change(session, &description, &file, plan.outcome))
    }

    /// Writes the hooks of an agent (of the session's own, if none is named) into its settings below the worktree.
    /// `program` is how the hooks call wharf. Everything else in that file stays; a file that git tracks is not touched.
    pub fn install_hooks(
        &mut self,
        who: &str,
        agent: Option<&AgentName>,
        program: &str,
    ) -> Result<HookChange, ManagerError> {
        let (session, description) = self.hookable(who, agent)?;
        // Before anything is written: whether it can be.
        let (_, plan) = self.plan_hooks(&session, &description, program)?;
        let of = checkout(&session);
        let hides = self.worktrees.hide(&of, &plan.made.file)?;
        match self.write_hooks(&session, &description, program, hides) {
            Ok((file, outcome)) => {
                tracing::info!(sessionId = %session.id(), agent = %description.name(), ?outcome, "hooks installed");
                Ok(change(session, &description, &file, outcome))
            }
            Err(err) => {
                if hides && let Err(err) = self.worktrees.unhide(&of, &plan.made.file) {
                    tracing::warn!(sessionId = %session.id(), error = %err, "a line in git's exclusions is left over");
                }
                Err(err)
            }
        }
    }

    fn write_hooks(
        &mut self,
        session: &Session,
        description: &Description,
        program: &str,
        hides: bool,
    ) -> Result<(HookFile, HookOutcome), ManagerError> {
        let sessions = self.registry()?.all();
        let _lock = HookLock::take(&self.workspace.own_folder())?;
        let (file, mut plan) = self.plan_hooks(session, description, program)?;
        plan.made.hidden |= hides || self.is_hidden_elsewhere(session, &sessions, &plan.made.file);
        let path = self.hook_record(session);
        let mut record = HookRecord::load(&path)?;
        // The record goes first: what is made after it can be taken back, however far this comes.
        if record.get(description.name()) != Some(&plan.made) {
            record.set(description.name(), plan.made);
            record.save(&path)?;
        }
        if plan.outcome == HookOutcome::Installed {
            file.write(&plan.text, &self.workspace.session_folder(session.id()))?;
        }
        Ok((file, plan.outcome))
    }

    /// The session, and the agent whose hooks belong there.
    fn hookable(
        &mut self,
        who: &str,
        agent: Option<&AgentName>,
    ) -> Result<(Session, Description), ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        let own = session.agent().map(|agent| &agent.name);
        let agent = agent.or(own).ok_or_else(|| ManagerError::NoAgent { name: session.name().clone() })?;
        let description = self.description(agent)?.clone();
        let worktree = self.worktrees.inspect(session.id(), session.repository())?;
        if worktree.state != WorktreeState::Present {
            return Err(ManagerError::NoWorktree { name: session.name().clone() });
        }
        let file = description.hook_file().and_then(|file| file.to_str());
        let file = file.ok_or_else(|| AgentError::NoHooks { agent: agent.clone() })?;
        if self.worktrees.is_tracked(&checkout(&session), file)? {
            let file = self.workspace.worktree(session.id()).join(file);
            return Err(ManagerError::HooksTracked { file, has_option: description.reads_settings() });
        }
        Ok((session, description))
    }

    fn plan_hooks(
        &self,
        session: &Session,
        description: &Description,
        program: &str,
    ) -> Result<(HookFile, Plan), ManagerError> {
        let name = description.hook_file().and_then(|file| file.to_str()).unwrap_or_default();
        let file = HookFile::below(&self.workspace.worktree(session.id()), name)?;
        let record = HookRecord::load(&self.hook_record(session))?;
        let known = record.get(description.name()).cloned().unwrap_or_default();
        if !known.file.is_empty() && known.file != name {
            // Its description changed; what the old one made would be forgotten.
            return Err(AgentError::Elsewhere { agent: description.name().clone(), file: known.file }.into());
        }
        let plan = plan(description, program, &file, Made { file: name.to_owned(), ..known })?;
        Ok((file, plan))
    }

    /// Where is kept what was made for the hooks of a session.
    pub(super) fn hook_record(&self, session: &Session) -> PathBuf {
        self.workspace.session_folder(session.id()).join("hooks.json")
    }

    /// Whether another session of the same repository had git told not to show this file.
    pub(super) fn is_hidden_elsewhere(&self, session: &Session, sessions: &[Session], file: &str) -> bool {
        let mut others = sessions
            .iter()
            .filter(|other| other.id() != session.id() && other.repository() == session.repository());
        others.any(|other| HookRecord::load(&self.hook_record(other)).is_ok_and(|record| record.hides(file)))
    }
}

fn plan(
    description: &Description,
    program: &str,
    file: &HookFile,
    mut made: Made,
) -> Result<Plan, AgentError> {
    let before = file.read()?;
    let is_new = before.is_none();
    let text = if let Some(whole) = description.whole_text(program) {
        if before.as_ref().is_some_and(|text| *text != whole && made.text.as_ref() != Some(text)) {
            return Err(AgentError::NotOurs { path: file.path().to_owned() });
        }
        made.made_file = true;
        made.text = Some(whole.clone());
        whole
    } else {
        let hooked = description.with_hooks(program, before.as_deref().unwrap_or("{}\n"), file.path())?;
        if is_new {
            made.made_members.clear();
        }
        made.made_file |= is_new;
        made.made_members.extend(hooked.made);
        made.made_members.sort();
        made.made_members.dedup();
        hooked.text
    };
    made.made_folders.extend(file.missing_folders().iter().cloned());
    made.made_folders.sort();
    made.made_folders.dedup();
    let outcome =
        if before.as_ref() == Some(&text) { HookOutcome::Unchanged } else { HookOutcome::Installed };
    Ok(Plan { text, made, outcome })
}

fn change(session: Session, description: &Description, file: &HookFile, outcome: HookOutcome) -> HookChange {
    HookChange { session, agent: description.name().clone(), file: file.path().to_owned(), outcome }
}
