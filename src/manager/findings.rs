//! How each thing that can be wrong is said: its word, how bad it is, and the cure.

use std::{collections::HashSet, path::Path};

use super::{Finding, ManagerError, Severity};
use crate::{
    session::{CommitId, Session, SessionId},
    store::{Ailment, Origin, Reading},
    text,
    worktree::{HeadDamage, Scan, Unreadable, Worktree, WorktreeLock, WorktreeState},
};

/// The word for a state file that is a link to nowhere.
pub(super) const STATE_ADRIFT: &str = "state-adrift";

/// The word for a state file that cannot be read.
pub const STATE_UNREADABLE: &str = "state-unreadable";

const MEND: &str = "`wharf doctor --fix` puts it in order and touches none of its files";

/// A finding.
pub(super) fn finding(
    code: &'static str,
    severity: Severity,
    subject: &str,
    message: impl Into<String>,
    cure: &str,
) -> Finding {
    Finding { code, severity, subject: subject.to_owned(), message: message.into(), cure: cure.to_owned() }
}

/// The state file cannot be read.
pub(super) fn unreadable(err: &ManagerError) -> Finding {
    let cure = err.hint().unwrap_or_else(|| "see what the system says about the file".to_owned());
    finding(STATE_UNREADABLE, Severity::Error, "state file", text::because(err), &cure)
}

/// Git cannot work with a repository.
pub(super) fn unreadable_repository(unreadable: &Unreadable) -> Finding {
    finding(
        "repository-unreadable",
        Severity::Error,
        unreadable.repository.as_str(),
        format!("git cannot work with it: {}", unreadable.because),
        "see what `git status` says there; its sessions and their files stay until it can be read",
    )
}

/// Settings that do not parse, or say what cannot be.
pub(super) fn unusable_settings(because: &str) -> Finding {
    finding(
        "settings-unusable",
        Severity::Error,
        "settings",
        because,
        "correct the file; until then sessions come back with the defaults, and every other command refuses",
    )
}

/// The folder of all worktrees is none.
pub(super) fn unsafe_worktrees(path: &Path, because: &str) -> Finding {
    finding(
        "worktrees-unsafe",
        Severity::Error,
        &text::path(path),
        because,
        "move it away, so that wharf can have a folder of its own there; nothing is read or written through it",
    )
}

/// What ails the state file and its lock.
pub(super) fn ailment(ailment: Ailment) -> Finding {
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
        Ailment::DiskFull { path } => finding(
            "disk-full",
            Severity::Error,
            &text::path(&path),
            "the disk is full: nothing more can be written there",
            "make room, for example with `wharf trash empty`; until then sessions can be looked at and not changed",
        ),
        Ailment::Adrift { path } => finding(
            STATE_ADRIFT,
            Severity::Error,
            "state file",
            format!("it is a link to {}, whose folder is not there", text::path(&path)),
            "mount or make that folder; or remove the link, and `wharf restore` rebuilds the file from git",
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

/// What reading the state file told.
pub(super) fn state_findings(reading: &Reading) -> Vec<Finding> {
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
            &text::line(&quarantined.summary()),
            format!("this entry of the state file cannot be taken: {}", quarantined.because),
            if quarantined.is_in_the_way() {
                "let go of it with `wharf doctor --drop-quarantine`, or correct it and move it to `sessions`"
            } else {
                "correct it there, and the next command takes it; or let go of it with `wharf doctor --drop-quarantine`"
            },
        ));
    }
    findings
}

/// The repository of a session is gone.
pub(super) fn repository_gone(session: &Session) -> Finding {
    finding(
        "repository-gone",
        Severity::Error,
        session.name().as_str(),
        format!("its repository `{}` is gone", session.repository()),
        "mount it, or put it back in its place (`wharf restore` follows one that was moved within the workspace); or `wharf destroy` the session, whose files go into the trash",
    )
}

/// The commit that a worktree is at cannot be read.
pub(super) fn head_broken(session: &Session, folder: &Path, damage: &HeadDamage) -> Finding {
    finding(
        "head-broken",
        Severity::Error,
        session.name().as_str(),
        format!("its commit {} cannot be read", damage.head),
        &head_cure(folder, damage.sound.as_ref()),
    )
}

/// How a worktree whose commit cannot be read is worked in again.
pub(super) fn head_cure(folder: &Path, sound: Option<&CommitId>) -> String {
    let folder = text::word(folder);
    match sound {
        Some(sound) => format!(
            "`git -C {folder} reset {sound}` goes back to the last commit that can be read and touches no file"
        ),
        None => format!(
            "fetch that commit again, or `git -C {folder} reset` to one that can be read, which touches no file"
        ),
    }
}

/// How a worktree differs from what its session's record says.
pub(super) fn worktree_findings(session: &Session, worktree: &Worktree) -> Vec<Finding> {
    let name = session.name().as_str();
    if let Some((message, cure)) = broken_state(worktree.state) {
        return vec![finding("worktree-state", Severity::Error, name, message, cure)];
    }
    let mut findings = Vec::new();
    let is_on_its_own = worktree.branch.as_ref() == Some(session.branch());
    if worktree.head.is_none() && is_on_its_own && session.base().is_some() {
        findings.push(finding(
            "branch-gone",
            Severity::Error,
            name,
            format!("its branch `{}` leads to no commit", session.branch()),
            "`wharf restore` makes it again at the last commit that is remembered",
        ));
    }
    match &worktree.lock {
        WorktreeLock::Ours => (),
        WorktreeLock::None => findings.push(finding(
            "worktree-unlocked",
            Severity::Warning,
            name,
            "its worktree is not locked, so a prune elsewhere could delete git's files for it",
            MEND,
        )),
        WorktreeLock::Foreign(reason) => findings.push(finding(
            "worktree-locked",
            Severity::Note,
            name,
            format!("somebody else locked its worktree: {reason}"),
            "nothing has to be done; a destroy will be refused until they unlock it",
        )),
    }
    if !worktree.carried.is_empty() {
        findings.push(finding(
            "worktree-carried",
            Severity::Note,
            name,
            format!(
                "somebody had changed files in its worktree before the session began: {}",
                worktree.carried.join(", ")
            ),
            "look at them with `git status` there; they are as that person left them",
        ));
    }
    let moved = worktree.branch.as_ref().filter(|branch| *branch != session.branch());
    if let Some(branch) = moved.filter(|_| worktree.operation.is_none()) {
        findings.push(finding(
            "branch-moved",
            Severity::Warning,
            name,
            format!("its worktree is on `{branch}`, its record says `{}`", session.branch()),
            "`wharf restore` follows the worktree",
        ));
    }
    findings
}

/// What is wrong with a worktree in this condition, and its cure.
pub(super) fn broken_state(state: WorktreeState) -> Option<(&'static str, &'static str)> {
    const AGAIN: &str = "`wharf doctor --fix` checks its branch out again, or `wharf destroy` it";
    match state {
        WorktreeState::Present => None,
        WorktreeState::Missing => Some(("its folder is gone", AGAIN)),
        WorktreeState::Gone => Some(("neither its folder nor git's files for it are there", AGAIN)),
        WorktreeState::Unregistered => Some(("git does not know its folder any more", MEND)),
        WorktreeState::Unlinked => Some((
            "its folder and git's files for it do not point at each other",
            "`wharf doctor --fix` ties them together again; one that was moved away is brought back by `git worktree move -f -f`",
        )),
        WorktreeState::Emptied => Some((
            "files that git needs for it are empty, damaged or gone",
            "`wharf restore` repairs them; if its own files were emptied they are kept aside and checked out again",
        )),
        WorktreeState::Foreign => Some((
            "something else lies in the place of its folder",
            "move that away, then `wharf doctor --fix`",
        )),
    }
}

/// Worktrees that the table lacks, and what lies among them.
pub(super) fn strangers(sessions: &[Session], scan: &Scan) -> Vec<Finding> {
    let ids: HashSet<SessionId> = sessions.iter().map(Session::id).collect();
    let mut findings = Vec::new();
    for found in scan.found.iter().filter(|found| !ids.contains(&found.worktree.id)) {
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
