//! What is wrong with a workspace, and the cure for each: file, git, folders and processes held against each other.

use std::{collections::HashSet, path::PathBuf};

use super::{
    ManagerError, Scope, SessionManager, checkout,
    findings::{
        STATE_ADRIFT, ailment, finding, head_broken, repository_gone, state_findings, strangers, unreadable,
        unreadable_repository, unsafe_worktrees, unusable_settings, worktree_findings,
    },
    journal::is_abandoned,
    leftovers::Leftovers,
};
use crate::{
    process,
    session::{Cause, Session, SessionStatus},
    store::StoreError,
    text,
    worktree::{Scan, Unreadable, WorktreeError},
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Something is not as it should be, and work goes on.
    Warning,
    /// Sessions cannot be kept, or a session cannot be worked in.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable word for it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a session's name, a path.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub cure: String,
}

impl SessionManager {
    /// Whether sessions can be read and kept: the settings, the state file and its lock. Asks git nothing; for a health
    /// check.
    pub fn check_up(&mut self) -> Vec<Finding> {
        let unusable = self.settings.unusable.as_deref();
        let mut findings: Vec<Finding> = unusable.map(unusable_settings).into_iter().collect();
        findings.extend(self.store.examine().into_iter().map(ailment));
        match self.store.read() {
            Ok(reading) => findings.extend(state_findings(&reading)),
            // That is found already.
            Err(StoreError::Adrift { .. }) => (),
            Err(err) => findings.push(unreadable(&err.into())),
        }
        findings
    }

    fn trash_findings(&self) -> Vec<Finding> {
        let days = self.settings.trash_days;
        let mut findings = Vec::new();
        for discarded in self.discarded().unwrap_or_default() {
            let name = discarded.session.name();
            if self.is_expired(&discarded) {
                findings.push(finding(
                    "trash-expired",
                    Severity::Note,
                    name.as_str(),
                    format!("it has been in the trash for more than {days} days"),
                    "`wharf doctor --fix`, or the next `wharf restore`, deletes it",
                ));
            }
            if self.lacks_repository(&discarded.session) {
                findings.push(finding(
                    "undo-blocked",
                    Severity::Note,
                    name.as_str(),
                    format!(
                        "it was destroyed, and its repository `{}` is gone",
                        discarded.session.repository()
                    ),
                    "put that back in its place, or `wharf undo` cannot bring the session back",
                ));
            }
            let folder = self.workspace.worktree(discarded.trashed.id);
            if folder.symlink_metadata().is_ok() {
                findings.push(finding(
                    "undo-blocked",
                    Severity::Warning,
                    name.as_str(),
                    format!("it was destroyed, and {} is in its place since", text::path(&folder)),
                    "move that away, or `wharf undo` cannot bring the session back",
                ));
            }
        }
        findings
    }

    /// Everything that is wrong, worst first. Writes nothing.
    pub fn examine(&mut self) -> Vec<Finding> {
        let mut findings = self.check_up();
        let git = self.worktrees.git_version();
        if let Err(err) = &git {
            findings.push(finding(
                "git-unusable",
                Severity::Error,
                "git",
                text::because(err),
                "install git 2.36 or newer",
            ));
        }
        let read = self.store.read().map(|reading| reading.sessions);
        let is_read = read.is_ok() && findings.iter().all(|it| it.code != STATE_ADRIFT);
        let sessions = self.observed(read.unwrap_or_default());
        let searched = self.ask_git(&sessions);
        for session in &sessions {
            findings.extend(session_findings(session));
        }
        let scan = match searched {
            Err(WorktreeError::UnsafePath { path, because }) => {
                findings.push(unsafe_worktrees(&path, because));
                Scan::default()
            }
            searched => {
                for session in &sessions {
                    findings.extend(self.look_into(session));
                }
                searched.unwrap_or_else(|err| {
                    tracing::warn!(error = %text::because(&err), "git's worktrees cannot be read");
                    Scan::default()
                })
            }
        };
        // Without the table nobody knows which worktree or context has no session.
        if is_read {
            findings.extend(self.agent_findings(&sessions));
            findings.extend(self.context_findings(&sessions));
            findings.extend(self.leftovers(&sessions).into_iter().map(Leftovers::finding));
            findings.extend(strangers(&sessions, &self.without_known(&scan, &sessions)));
        }
        if git.is_ok() {
            // Each session of one that is gone says so itself.
            let is_gone = |it: &&Unreadable| {
                sessions.iter().any(|one| *one.repository() == it.repository && self.lacks_repository(one))
            };
            let unreadable = scan.unreadable.iter().filter(|it| !is_gone(it));
            findings.extend(unreadable.map(unreadable_repository));
        }
        findings.extend(self.trash_findings());
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// Cures what can be cured without losing anything. Answers what was wrong, each with whether it is cured.
    pub fn cure(&mut self) -> Result<Vec<(Finding, bool)>, ManagerError> {
        let before = self.examine();
        self.restore(Scope::Thorough)?;
        let mut transaction = self.begin()?;
        for session in transaction.registry.all() {
            if claims_dead_process(&session) {
                transaction.registry.update(session.id(), Session::rest);
            }
        }
        transaction.commit()?;
        drop(transaction);
        self.sweep_leftovers()?;
        self.mend_contexts()?;
        let after: HashSet<(&str, String)> =
            self.examine().into_iter().map(|it| (it.code, it.subject)).collect();
        Ok(before
            .into_iter()
            .map(|finding| {
                let cured = !after.contains(&(finding.code, finding.subject.clone()));
                (finding, cured)
            })
            .collect())
    }

    /// Takes everything out of the quarantine. Answers how many entries those were, and where the state file with them
    /// in it is kept, if there was one.
    pub fn drop_quarantine(&mut self) -> Result<Option<(usize, PathBuf)>, ManagerError> {
        let mut transaction = self.begin()?;
        let dropped = transaction.store.drop_quarantine()?;
        transaction.commit()?;
        if let Some((count, kept)) = &dropped {
            tracing::info!(count, kept = %kept.display(), "quarantine emptied");
        }
        Ok(dropped)
    }

    /// Whether the repository of a session is not there any more.
    pub fn lacks_repository(&self, session: &Session) -> bool {
        let inspected = self.worktrees.inspect(session.id(), session.repository());
        matches!(inspected, Err(WorktreeError::RepositoryGone { .. }))
    }

    /// What git shows without what is told of otherwise: what lies in the trash, since a repository that was gone can come back
    /// with git's files for it, and the folders of sessions whose repository is gone.
    fn without_known(&self, scan: &Scan, sessions: &[Session]) -> Scan {
        let trash = self.worktrees.trash().unwrap_or_default();
        let mut scan = scan.clone();
        let orphaned: Vec<PathBuf> = sessions
            .iter()
            .filter(|session| self.lacks_repository(session))
            .map(|session| self.workspace.worktree(session.id()))
            .collect();
        scan.left_alone.retain(|left| !orphaned.contains(&left.path));
        scan.found.retain(|found| trash.iter().all(|trashed| trashed.id != found.worktree.id));
        scan
    }

    /// What is wrong with the worktree of a session.
    fn look_into(&self, session: &Session) -> Vec<Finding> {
        match self.worktrees.inspect(session.id(), session.repository()) {
            Ok(worktree) if session.pending().is_none() => {
                let mut findings = worktree_findings(session, &worktree);
                match self.worktrees.head_damage(&checkout(session)) {
                    Ok(damage) => {
                        findings.extend(damage.map(|it| head_broken(session, &worktree.path, &it)));
                    }
                    Err(err) => {
                        let because = text::because(&err);
                        tracing::warn!(sessionId = %session.id(), error = %because, "its commit cannot be looked at");
                    }
                }
                findings
            }
            Ok(_) => Vec::new(),
            Err(WorktreeError::RepositoryGone { .. }) => vec![repository_gone(session)],
            Err(err) => vec![finding(
                "worktree-unreadable",
                Severity::Error,
                session.name().as_str(),
                text::because(&err),
                "see whether its repository can be read",
            )],
        }
    }
}

/// What is wrong with a session, as far as its record tells.
fn session_findings(session: &Session) -> Vec<Finding> {
    let name = session.name().as_str();
    let mut findings = Vec::new();
    if is_abandoned(session) {
        findings.push(finding(
            "abandoned",
            Severity::Warning,
            name,
            "something was begun with it by a process that is gone",
            "`wharf restore` finishes or undoes it",
        ));
    }
    if session.ending().is_some_and(|ending| ending.cause == Cause::Lost)
        && session.status() == SessionStatus::Error
    {
        findings.push(finding(
            "session-lost",
            Severity::Note,
            name,
            "its holder was killed; its files are as they were",
            "`wharf start` begins anew, `wharf resume --all` with all others that were interrupted",
        ));
    }
    if claims_dead_process(session) {
        findings.push(finding(
            "process-gone",
            Severity::Warning,
            name,
            "its process is not running any more",
            "`wharf doctor --fix` makes it idle, as the next `wharf restore` does",
        ));
    }
    findings
}

/// Whether the record says that something runs which does not.
fn claims_dead_process(session: &Session) -> bool {
    match session.process() {
        Some(process) => !process::is_alive(process),
        None => session.pty_pid().is_some() && session.status() != SessionStatus::Error,
    }
}
