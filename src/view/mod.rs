//! How sessions and what became of them look to whoever asks: the JSON for scripts and the web, and the words for people.

use serde::Serialize;
use serde_json::value::RawValue;

mod entry;
mod outcome;
mod talk;

pub use self::{
    entry::{EntryView, Wanted},
    outcome::{
        ContextView, DoneView, Gathered, OUTPUT_BYTES_MAX, PieceView, Pieces, finish_word, millis,
        stream_word, text_of,
    },
    talk::{ChainView, CurrentView},
};
use crate::{
    json::Members,
    manager::{Discarded, Finding, Obstacle, Overview, Severity},
    process::Occupant,
    session::Session,
    store, text,
    workspace::Workspace,
    worktree::{Loss, Mended, Operation, Sample, WorktreeState},
};

/// The record of a session, exactly as the state file has it.
pub fn record(workspace: &Workspace, session: &Session) -> Members {
    let text = store::encode_record(session, workspace);
    serde_json::from_str(&text).expect("a record that was just written is a JSON object")
}

/// The record of a session in the trash, and since when it is there.
pub fn discarded(workspace: &Workspace, discarded: &Discarded) -> Members {
    let mut members = record(workspace, &discarded.session);
    members.push("destroyedAt".to_owned(), raw(&discarded.trashed.destroyed.to_string()));
    members
}

/// The record with what its worktree looks like beside it.
pub fn overview(workspace: &Workspace, overview: &Overview) -> Members {
    let mut members = record(workspace, &overview.session);
    members.push("worktreeState".to_owned(), raw(&overview.worktree.as_ref().map(|it| state_word(it.state))));
    let changes = overview.changes.as_ref();
    members.push("modified".to_owned(), raw(&changes.map(|it| it.modified)));
    members.push("untracked".to_owned(), raw(&changes.map(|it| it.untracked)));
    members.push("ahead".to_owned(), raw(&changes.and_then(|it| it.ahead)));
    members.push("behind".to_owned(), raw(&changes.and_then(|it| it.behind)));
    members
}

/// A value as JSON text.
pub fn raw<T: Serialize>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("plain values always have a JSON form")
}

/// The stable word for the condition of a worktree.
pub fn state_word(state: WorktreeState) -> &'static str {
    match state {
        WorktreeState::Present => "present",
        WorktreeState::Missing => "missing",
        WorktreeState::Unregistered => "unregistered",
        WorktreeState::Unlinked => "unlinked",
        WorktreeState::Emptied => "emptied",
        WorktreeState::Foreign => "foreign",
        WorktreeState::Gone => "gone",
    }
}

/// An obstacle, for scripts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObstacleView {
    kind: &'static str,
    flag: Option<String>,
    count: Option<usize>,
    examples: Vec<String>,
    message: String,
}

impl From<&Obstacle> for ObstacleView {
    fn from(obstacle: &Obstacle) -> Self {
        let (kind, count, examples) = match obstacle {
            Obstacle::Loss(Loss::Modified(sample)) => ("modified", Some(sample.count), sample.first.clone()),
            Obstacle::Loss(Loss::Untracked(sample)) => {
                ("untracked", Some(sample.count), sample.first.clone())
            }
            Obstacle::Loss(Loss::Ignored(sample)) => ("ignored", Some(sample.count), sample.first.clone()),
            Obstacle::Loss(Loss::Commits { count }) => ("unmerged", Some(*count), Vec::new()),
            Obstacle::Loss(Loss::Submodule { path, count }) => ("unmerged", *count, vec![text::line(path)]),
            Obstacle::Loss(Loss::InProgress(operation)) => {
                ("in-progress", None, vec![operation_word(*operation).to_owned()])
            }
            Obstacle::Loss(Loss::Locked(reason)) => ("locked", None, vec![reason.clone()]),
            Obstacle::Loss(Loss::Mounted(mounts)) => (
                "mounted",
                Some(mounts.len()),
                mounts.iter().map(|it| it.to_string_lossy().into_owned()).collect(),
            ),
            Obstacle::Occupied(occupants) => {
                ("occupied", Some(occupants.len()), occupants.iter().map(|it| it.pid.to_string()).collect())
            }
            Obstacle::Running { pid } => ("running", None, vec![pid.to_string()]),
            Obstacle::Executing => ("running", None, Vec::new()),
        };
        let flag = obstacle.permit().map(|permit| format!("--{}", permit.flag()));
        Self { kind, flag, count, examples, message: describe(obstacle) }
    }
}

/// An obstacle in words, with the flag that lifts it.
pub fn describe(obstacle: &Obstacle) -> String {
    let what = match obstacle {
        Obstacle::Loss(Loss::Modified(sample)) => files(sample, "modified"),
        Obstacle::Loss(Loss::Untracked(sample)) => files(sample, "untracked"),
        Obstacle::Loss(Loss::Ignored(sample)) => files(sample, "ignored"),
        Obstacle::Loss(Loss::Commits { count: 1 }) => {
            "1 commit that is on no other branch and no remote".to_owned()
        }
        Obstacle::Loss(Loss::Commits { count }) => {
            format!("{count} commits that are on no other branch and no remote")
        }
        Obstacle::Loss(Loss::Submodule { path, count }) => {
            let commits = match count {
                None => "an unknown number of commits".to_owned(),
                Some(1) => "1 commit".to_owned(),
                Some(count) => format!("{count} commits"),
            };
            format!("{commits} in submodule `{}`, on no remote of it", text::line(path))
        }
        Obstacle::Loss(Loss::InProgress(operation)) => {
            format!("a {} in progress", operation_word(*operation))
        }
        Obstacle::Loss(Loss::Locked(reason)) => format!("locked by somebody else: {}", text::line(reason)),
        Obstacle::Loss(Loss::Mounted(mounts)) => {
            let paths: Vec<String> = mounts.iter().map(|path| text::path(path)).collect();
            format!("mounted inside: {}", paths.join(", "))
        }
        Obstacle::Occupied(occupants) => {
            let name = |it: &Occupant| format!("{} ({})", it.pid, text::line(&it.name));
            format!("processes inside: {}", occupants.iter().map(name).collect::<Vec<_>>().join(", "))
        }
        Obstacle::Running { pid } => format!("its program runs, process {pid}"),
        Obstacle::Executing => "a command, or something that one left running, is at work in it".to_owned(),
    };
    match obstacle.permit() {
        Some(permit) => format!("{what} (--{})", permit.flag()),
        None => format!("{what} (no flag goes over this)"),
    }
}

fn files(sample: &Sample, kind: &str) -> String {
    let noun = if sample.count == 1 { "file" } else { "files" };
    let mut names: Vec<String> = sample.first.iter().map(|path| text::line(path)).collect();
    if sample.count > names.len() {
        names.push("…".to_owned());
    }
    format!("{} {kind} {noun}: {}", sample.count, names.join(", "))
}

fn operation_word(operation: Operation) -> &'static str {
    match operation {
        Operation::Rebase => "rebase",
        Operation::Merge => "merge",
        Operation::CherryPick => "cherry-pick",
        Operation::Revert => "revert",
        Operation::Bisect => "bisect",
        Operation::ApplyMailbox => "am",
    }
}

/// What was put in order, in words.
pub fn mended(mended: &Mended) -> String {
    match mended {
        Mended::Locked => "locked".to_owned(),
        Mended::Remembered => "record written".to_owned(),
        Mended::Repaired => "ties to git repaired".to_owned(),
        Mended::Adopted => "registered with git again, files untouched".to_owned(),
        Mended::CheckedOut => "checked out again".to_owned(),
        Mended::SetAside(path) => format!("checked out again, the damaged folder is {}", text::path(path)),
        Mended::BranchRestored(commit) => format!("branch made again at {commit}"),
    }
}

/// A finding, for scripts.
#[derive(Serialize)]
pub struct FindingView {
    code: &'static str,
    severity: &'static str,
    subject: String,
    message: String,
    cure: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cured: Option<bool>,
}

impl FindingView {
    /// A finding, and whether it was cured if that was tried.
    pub fn of(finding: &Finding, cured: Option<bool>) -> Self {
        let Finding { code, severity, subject, message, cure } = finding.clone();
        Self { code, severity: severity_word(severity), subject, message, cure, cured }
    }

    /// The finding in words.
    pub fn to_text(&self) -> String {
        let head =
            format!("{:<7}  {}: {}\n", self.severity, text::line(&self.subject), text::lines(&self.message));
        match self.cured {
            Some(true) => format!("{head}         cured\n"),
            Some(false) | None => format!("{head}         {}\n", text::lines(&self.cure)),
        }
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
