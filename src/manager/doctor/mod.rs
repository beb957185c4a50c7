//! What is wrong with a workspace, and the cure for each: file, git, folders and processes held against each other.

use std::collections::HashSet;

use super::{ManagerError, Scope, SessionManager, settle::is_abandoned};
use crate::session::Session;

mod findings;

pub use self::findings::{Finding, Severity};
use self::findings::{
    ailment, claims_dead_process, finding, state_findings, strangers, unreadable, worktree_findings,
};

impl SessionManager {
    /// Whether sessions can be read and kept: the state file and its lock. Asks git nothing; for a health check.
    pub fn check_up(&mut self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.store.examine().into_iter().map(ailment).collect();
        match self.store.read() {
            Ok(reading) => findings.extend(state_findings(&reading)),
            Err(err) => findings.push(unreadable(&err.into())),
        }
        findings
    }

    /// Everything that is wrong, worst first. Writes nothing.
    pub fn examine(&mut self) -> Vec<Finding> {
        let mut findings = self.check_up();
        if let Err(err) = self.worktrees.git_version() {
            findings.push(finding(
                "git-unusable",
                Severity::Error,
                "git",
                err.to_string(),
                "install git 2.36 or newer",
            ));
        }
        let sessions = self
            .store
            .read()
            .map(|reading| reading.sessions)
            .unwrap_or_default();
        let scan = self.scan(&sessions);
        for session in &sessions {
            findings.extend(self.session_findings(session));
        }
        findings.extend(strangers(&sessions, &scan));
        let days = self.settings.trash_days;
        let now = self.clock.now();
        for discarded in self
            .discarded()
            .unwrap_or_default()
            .iter()
            .filter(|it| it.expires(days) <= now)
        {
            findings.push(finding(
                "trash-expired",
                Severity::Note,
                discarded.session.name().as_str(),
                format!("it has been in the trash for more than {days} days"),
                "`wharf doctor --fix`, or the next `wharf restore`, deletes it",
            ));
        }
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
        let after: HashSet<(&str, String)> = self
            .examine()
            .into_iter()
            .map(|it| (it.code, it.subject))
            .collect();
        Ok(before
            .into_iter()
            .map(|finding| {
                let cured = !after.contains(&(finding.code, finding.subject.clone()));
                (finding, cured)
            })
            .collect())
    }

    fn session_findings(&self, session: &Session) -> Vec<Finding> {
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
        if claims_dead_process(session) {
            findings.push(finding(
                "process-gone",
                Severity::Warning,
                name,
                "its process is not running any more",
                "`wharf doctor --fix` makes it idle, as the next `wharf restore` does",
            ));
        }
        match self.worktrees.inspect(session.id(), session.repository()) {
            Ok(worktree) if session.pending().is_none() => {
                findings.extend(worktree_findings(session, &worktree));
            }
            Ok(_) => (),
            Err(err) => findings.push(finding(
                "worktree-unreadable",
                Severity::Error,
                name,
                err.to_string(),
                "see whether its repository can be read",
            )),
        }
        findings
    }
}
