//! What is wrong with a workspace, and the cure for each: file, git, folders and processes held against each other.

use std::collections::HashSet;

use super::{ManagerError, Scope, SessionManager, settle::is_abandoned};
use crate::{
    process,
    session::{Session, SessionId, SessionStatus},
    store::{Ailment, Origin, Reading},
    text,
    worktree::{Scan, Worktree, WorktreeLock, WorktreeState},
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
                findings.extend(worktree_findings(session, &worktree))
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

fn finding(
    code: &'static str,
    severity: Severity,
    subject: &str,
    message: impl Into<String>,
    cure: &str,
) -> Finding {
    Finding {
        code,
        severity,
        subject: subject.to_owned(),
        message: message.into(),
        cure: cure.to_owned(),
    }
}

fn unreadable(err: &ManagerError) -> Finding {
    let cure = err
        .hint()
        .unwrap_or_else(|| "see what the system says about the file".to_owned());
    finding(
        "state-unreadable",
        Severity::Error,
        "state file",
        err.to_string(),
        &cure,
    )
}

fn ailment(ailment: Ailment) -> Finding {
    match ailment {
        Ailment::LockDoesNotExclude => finding(
            "lock-broken",
            Severity::Error,
            "state lock",
            "two processes can hold the lock at once on this file system",
            "keep the workspace on a local volume, or let one process at a time work with it",
        ),
        Ailment::MountedAlone { path } => finding(
            "state-mounted",
            Severity::Error,
            &text::path(&path),
            "the state file alone is mounted, so it cannot be replaced",
            "mount the directory, not the file alone",
        ),
        Ailment::Mode { path, mode } => finding(
            "state-mode",
            Severity::Warning,
            &text::path(&path),
            format!("its mode is {mode:04o}; others may read or write it"),
            "`chmod 600` it; the next change writes it anew with that mode",
        ),
        Ailment::Kept { path } => finding(
            "state-kept",
            Severity::Note,
            &text::path(&path),
            "a broken state file is kept here",
            "delete it once you have looked at it",
        ),
        Ailment::Failed { message } => finding(
            "state-unchecked",
            Severity::Error,
            "state file",
            message,
            "see whether the workspace can be written",
        ),
    }
}

fn state_findings(reading: &Reading) -> Vec<Finding> {
    let cure = "`wharf restore` rebuilds it from backups and git; the broken file is kept";
    let mut findings = Vec::new();
    match &reading.origin {
        Origin::Absent | Origin::File => (),
        Origin::Unsigned => findings.push(finding(
            "state-unsigned",
            Severity::Note,
            "state file",
            "it has no checksum: it was written by hand or by another tool",
            "nothing has to be done; the next change signs it",
        )),
        Origin::Suspect => findings.push(finding(
            "state-suspect",
            Severity::Warning,
            "state file",
            "its checksum does not fit: it was edited or damaged",
            "`wharf restore` checks it against git and the backups",
        )),
        Origin::Backup { number, because } => findings.push(finding(
            "state-corrupt",
            Severity::Warning,
            "state file",
            format!("{because}; backup {number} stands in for it"),
            cure,
        )),
        Origin::Lost { because } => findings.push(finding(
            "state-lost",
            Severity::Warning,
            "state file",
            format!("{because}; no backup helps"),
            cure,
        )),
    }
    for quarantined in &reading.quarantined {
        findings.push(finding(
            "quarantined",
            Severity::Warning,
            &shortened(&quarantined.entry),
            format!(
                "this entry of the state file cannot be taken: {}",
                quarantined.because
            ),
            "correct it in the state file, or take it out of `quarantine` there",
        ));
    }
    findings
}

fn worktree_findings(session: &Session, worktree: &Worktree) -> Vec<Finding> {
    let name = session.name().as_str();
    let fix = "`wharf doctor --fix` puts it in order and touches none of its files";
    let state =
        |message: &str, cure: &str| vec![finding("worktree-state", Severity::Error, name, message, cure)];
    match worktree.state {
        WorktreeState::Present => (),
        WorktreeState::Missing => {
            return state(
                "its folder is gone",
                "`wharf doctor --fix` checks its branch out again, or `wharf destroy` it",
            );
        }
        WorktreeState::Gone => {
            return state(
                "neither its folder nor git's files for it are there",
                "`wharf doctor --fix` checks its branch out again, or `wharf destroy` it",
            );
        }
        WorktreeState::Unregistered => return state("git does not know its folder any more", fix),
        WorktreeState::Unlinked => {
            return state(
                "its folder and git's files for it do not point at each other",
                fix,
            );
        }
        WorktreeState::Emptied => {
            return state(
                "a power cut left empty files in it",
                "`wharf restore` sets it aside and checks it out again",
            );
        }
        WorktreeState::Foreign => {
            return state(
                "something else lies in the place of its folder",
                "move that away, then `wharf doctor --fix`",
            );
        }
    }
    let mut findings = Vec::new();
    match &worktree.lock {
        WorktreeLock::Ours => (),
        WorktreeLock::None => findings.push(finding(
            "worktree-unlocked",
            Severity::Warning,
            name,
            "its worktree is not locked, so a prune elsewhere could delete git's files for it",
            fix,
        )),
        WorktreeLock::Foreign(reason) => findings.push(finding(
            "worktree-locked",
            Severity::Note,
            name,
            format!("somebody else locked its worktree: {}", text::line(reason)),
            "nothing has to be done; a destroy will be refused until they unlock it",
        )),
    }
    if let Some(branch) = worktree
        .branch
        .as_ref()
        .filter(|branch| *branch != session.branch())
    {
        if worktree.operation.is_none() {
            findings.push(finding(
                "branch-moved",
                Severity::Warning,
                name,
                format!(
                    "its worktree is on `{branch}`, its record says `{}`",
                    session.branch()
                ),
                "`wharf restore` follows the worktree",
            ));
        }
    }
    findings
}

/// Worktrees that the table lacks, and what lies among them.
fn strangers(sessions: &[Session], scan: &Scan) -> Vec<Finding> {
    let ids: HashSet<SessionId> = sessions.iter().map(Session::id).collect();
    let mut findings = Vec::new();
    for found in scan
        .found
        .iter()
        .filter(|found| !ids.contains(&found.worktree.id))
    {
        findings.push(finding(
            "no-record",
            Severity::Warning,
            &text::path(&found.worktree.path),
            "this worktree has no session",
            "`wharf recover` takes it in",
        ));
    }
    for left in &scan.left_alone {
        findings.push(finding(
            "left-alone",
            Severity::Note,
            &text::path(&left.path),
            left.because.clone(),
            "nothing has to be done; wharf does not touch it",
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

fn shortened(entry: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line: String = entry.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARS_MAX {
        return text::line(&line);
    }
    let head: String = line.chars().take(CHARS_MAX).collect();
    format!("{}…", text::line(&head))
}
