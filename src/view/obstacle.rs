//! What stands between a session and its end: for scripts, for the web, and in words.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    manager::{Obstacle, Permit},
    process::Occupant,
    text,
    worktree::{Loss, Operation, Sample},
};

/// An obstacle, for scripts of the command line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObstacleView {
    kind: &'static str,
    flag: Option<String>,
    count: Option<usize>,
    examples: Vec<String>,
    message: String,
}

/// What a destroy would lose, for the web.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Loss)]
pub struct LossView {
    /// `modified`, `untracked`, `ignored`, `unmerged`, `in-progress`, `locked`, `mounted`, `occupied` or `running`.
    kind: &'static str,
    /// The word that lets it go; nothing lets the rest go.
    permit: Option<&'static str>,
    /// How much of it there is, where it can be counted.
    count: Option<usize>,
    /// Some of it: paths, processes, or what git is in the middle of.
    examples: Vec<String>,
    /// All of it in words.
    detail: String,
}

impl From<&Obstacle> for ObstacleView {
    fn from(obstacle: &Obstacle) -> Self {
        let (kind, count, examples) = facts(obstacle);
        let flag = obstacle.permit().map(|permit| format!("--{}", permit.flag()));
        Self { kind, flag, count, examples, message: describe(obstacle) }
    }
}

impl From<&Obstacle> for LossView {
    fn from(obstacle: &Obstacle) -> Self {
        let (kind, count, examples) = facts(obstacle);
        Self { kind, permit: obstacle.permit().map(Permit::flag), count, examples, detail: words(obstacle) }
    }
}

/// Of which kind it is, how much there is of it, and some of it.
fn facts(obstacle: &Obstacle) -> (&'static str, Option<usize>, Vec<String>) {
    match obstacle {
        Obstacle::Loss(Loss::Modified(sample)) => ("modified", Some(sample.count), sample.first.clone()),
        Obstacle::Loss(Loss::Untracked(sample)) => ("untracked", Some(sample.count), sample.first.clone()),
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
    }
}

/// An obstacle in words, with the flag that lifts it.
pub fn describe(obstacle: &Obstacle) -> String {
    let what = words(obstacle);
    match obstacle.permit() {
        Some(permit) => format!("{what} (--{})", permit.flag()),
        None => format!("{what} (no flag goes over this)"),
    }
}

/// An obstacle in words.
fn words(obstacle: &Obstacle) -> String {
    match obstacle {
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
