//! How sessions and what became of them look to whoever asks: the JSON for scripts and the web, and the words for people.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

mod entry;
mod obstacle;
mod outcome;
mod talk;

pub use self::{
    entry::{EntryView, Wanted},
    obstacle::{LossView, ObstacleView, describe},
    outcome::{
        ContextView, DoneView, Gathered, OUTPUT_BYTES_MAX, PieceView, Pieces, finish_word, millis,
        stream_word, text_of,
    },
    talk::{ChainView, CurrentView, Newest},
};
use crate::{
    json::Members,
    manager::{Discarded, Finding, Overview, Severity},
    session::Session,
    store, text,
    workspace::Workspace,
    worktree::{Mended, WorktreeState},
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
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView {
    /// The stable word.
    code: &'static str,
    /// `note`, `warning` or `error`.
    severity: &'static str,
    /// What it is about.
    subject: String,
    /// What is wrong.
    message: String,
    /// What to do about it.
    cure: String,
    /// Whether it was cured, where that was tried.
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
