//! The hooks of agents go out of a worktree again: what we wrote, and nothing else.

use super::{HookChange, HookOutcome, ManagerError, SessionManager, checkout, journal::ensure_quiet};
use crate::{
    agent::{AgentError, HookFile, HookLock, HookRecord, Made, is_empty, without_hooks},
    session::{AgentName, Session},
    worktree::Loss,
};

/// What is left of a file without our hooks.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// All of it: there was nothing of ours.
    All,
    /// This.
    Text(String),
    /// Nothing, and the file was ours.
    Nothing,
}

/// An agent that may have hooks in a session.
struct Hooked {
    agent: AgentName,
    made: Made,
    /// Whether there is a record of it.
    is_known: bool,
}

impl SessionManager {
    /// Says what an uninstall would do.
    pub fn weigh_unhooking(&mut self, who: &str, program: &str) -> Result<Vec<HookChange>, ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        let record = HookRecord::load(&self.hook_record(&session))?;
        let mut changes = Vec::new();
        for hooked in self.hooked_agents(&record) {
            if let Some((file, rest)) = self.rest(&session, &hooked, program)?
                && (hooked.is_known || rest != Rest::All)
            {
                changes.push(removed(&session, hooked.agent, &file));
            }
        }
        Ok(changes)
    }

    /// Takes the hooks of all agents out of a session's worktree, with the files and folders that were made for them
    /// unless something else is in them. `program` is how hooks call wharf.
    pub fn uninstall_hooks(&mut self, who: &str, program: &str) -> Result<Vec<HookChange>, ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        let sessions = self.registry()?.all();
        let _lock = HookLock::take(&self.workspace.own_folder())?;
        let changes = self.unhook(&session, &sessions, program)?;
        tracing::info!(sessionId = %session.id(), agents = changes.len(), "hooks uninstalled");
        Ok(changes)
    }

    /// Leaves out of what a destroy would lose the files that hold nothing but hooks of ours.
    pub(super) fn spare_own_hooks(&self, session: &Session, losses: &mut Vec<Loss>) {
        let own = self.own_hook_files(session);
        for loss in losses.iter_mut() {
            if let Loss::Untracked(sample) | Loss::Ignored(sample) = loss {
                let before = sample.first.len();
                sample.first.retain(|path| !own.contains(path));
                sample.count -= before - sample.first.len();
            }
        }
        losses.retain(
            |loss| !matches!(loss, Loss::Untracked(sample) | Loss::Ignored(sample) if sample.count == 0),
        );
    }

    /// The files of a session, below its worktree, that hold nothing but hooks of ours.
    fn own_hook_files(&self, session: &Session) -> Vec<String> {
        let Ok(record) = HookRecord::load(&self.hook_record(session)) else {
            return Vec::new();
        };
        let program = self.terminals.program();
        let hooked = self.hooked_agents(&record).into_iter().filter(|hooked| hooked.is_known);
        let is_own = |hooked: &Hooked| {
            self.rest(session, hooked, &program)
                .is_ok_and(|found| found.is_some_and(|(_, rest)| rest == Rest::Nothing))
        };
        hooked.filter(is_own).map(|hooked| hooked.made.file).collect()
    }

    /// Whether an agent has hooks in a session, as far as is known.
    pub(super) fn has_hooks(&self, session: &Session, agent: &AgentName) -> bool {
        HookRecord::load(&self.hook_record(session)).is_ok_and(|record| record.get(agent).is_some())
    }

    fn unhook(
        &self,
        session: &Session,
        sessions: &[Session],
        program: &str,
    ) -> Result<Vec<HookChange>, ManagerError> {
        let path = self.hook_record(session);
        let mut record = HookRecord::load(&path)?;
        let own = self.workspace.session_folder(session.id());
        let mut changes = Vec::new();
        for hooked in self.hooked_agents(&record) {
            let Some((file, rest)) = self.rest(session, &hooked, program)? else {
                continue;
            };
            let Hooked { agent, made, is_known } = hooked;
            match &rest {
                Rest::All if !is_known => continue,
                Rest::All => (),
                Rest::Text(text) => file.write(text, &own)?,
                Rest::Nothing => file.remove()?,
            }
            file.remove_folders(&made.made_folders)?;
            record.unset(&agent);
            let stays = record.hides(&made.file) || self.is_hidden_elsewhere(session, sessions, &made.file);
            if made.hidden && !stays {
                self.worktrees.unhide(&checkout(session), &made.file)?;
            }
            // The record goes last: as long as it is there, all of this can be done again.
            record.save(&path)?;
            changes.push(removed(session, agent, &file));
        }
        Ok(changes)
    }

    /// The agents that may have hooks there: those that are known to, and, for the day that knowledge is lost, all that
    /// are described.
    fn hooked_agents(&self, record: &HookRecord) -> Vec<Hooked> {
        let known = record.agents().filter_map(|agent| {
            let made = record.get(&agent)?.clone();
            Some(Hooked { agent, made, is_known: true })
        });
        let mut agents: Vec<Hooked> = known.collect();
        for name in self.settings.agents.names() {
            let described = self.settings.agents.find(name);
            let file = described.and_then(|it| it.hook_file()).and_then(|file| file.to_str());
            if let (None, Some(file)) = (record.get(name), file) {
                let made = Made { file: file.to_owned(), ..Made::default() };
                agents.push(Hooked { agent: name.clone(), made, is_known: false });
            }
        }
        agents
    }

    /// The file with the hooks of an agent, and what is left of it without them; nothing where nobody knows of hooks and
    /// none can be read.
    fn rest(
        &self,
        session: &Session,
        hooked: &Hooked,
        program: &str,
    ) -> Result<Option<(HookFile, Rest)>, ManagerError> {
        let Hooked { agent, made, is_known } = hooked;
        let look = || {
            let file = HookFile::below(&self.workspace.worktree(session.id()), &made.file)?;
            let whole = self.settings.agents.find(agent).and_then(|it| it.whole_text(program));
            let rest = rest_of(agent, made, whole.as_deref(), &file)?;
            Ok::<_, AgentError>((file, rest))
        };
        let (file, rest) = match look() {
            Ok(found) => found,
            Err(err) if *is_known => return Err(err.into()),
            Err(_) => return Ok(None),
        };
        if rest != Rest::All && self.worktrees.is_tracked(&checkout(session), &made.file)? {
            return Err(ManagerError::HooksTracked { file: file.path().to_owned(), has_option: false });
        }
        Ok(Some((file, rest)))
    }
}

fn rest_of(agent: &AgentName, made: &Made, whole: Option<&str>, file: &HookFile) -> Result<Rest, AgentError> {
    let Some(before) = file.read()? else {
        return Ok(Rest::All);
    };
    if let Some(ours) = made.text.as_deref().or(whole) {
        return Ok(if before == ours { Rest::Nothing } else { Rest::All });
    }
    let text = without_hooks(agent, &before, &made.made_members, file.path())?;
    Ok(if made.made_file && is_empty(&text) {
        Rest::Nothing
    } else if text == before {
        Rest::All
    } else {
        Rest::Text(text)
    })
}

fn removed(session: &Session, agent: AgentName, file: &HookFile) -> HookChange {
    HookChange {
        session: session.clone(),
        agent,
        file: file.path().to_owned(),
        outcome: HookOutcome::Removed,
    }
}
