//! `pool`: the worktrees that are kept ready; and the process in the background that makes the next one.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;

use super::{
    Context, Failure, args, context, locate,
    logs::{self, Talk},
    output::Output,
    table,
};
use crate::{
    process,
    session::RepositoryPath,
    socket, text,
    workspace::Workspace,
    worktree::{Condition, Stopped},
};

/// What this program is called as when it fills the pool of one repository. Nobody types it.
pub(super) const FILL: &str = "fill-pool";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SlotView {
    id: String,
    repository: String,
    path: String,
    commit: Option<String>,
    condition: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusView {
    size: usize,
    slots: Vec<SlotView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FilledView {
    repository: String,
    made: usize,
    ready: usize,
    stopped: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DrainedView {
    repository: String,
    removed: usize,
    kept: usize,
}

/// Does what is asked about the pool.
pub(super) fn pool(context: &Context, args: &args::Pool) -> Result<(), Failure> {
    let (args::Pool::Status { repo } | args::Pool::Fill { repo, .. } | args::Pool::Drain { repo }) = args;
    let only = match repo {
        Some(path) => Some(context.manager.repository_at(&locate::absolute(path)?)?),
        None => None,
    };
    match args {
        args::Pool::Status { .. } => status(context, only.as_ref()),
        args::Pool::Fill { size, .. } => fill(context, only.as_ref(), *size),
        args::Pool::Drain { .. } => drain(context, only.as_ref()),
    }
}

fn status(context: &Context, only: Option<&RepositoryPath>) -> Result<(), Failure> {
    let mut slots = Vec::new();
    for (repository, found) in context.manager.pool(only)? {
        slots.extend(found.into_iter().map(|slot| SlotView {
            id: slot.id.to_string(),
            repository: repository.to_string(),
            path: slot.path.display().to_string(),
            commit: slot.commit.map(|commit| commit.to_string()),
            condition: word(slot.condition),
        }));
    }
    let view = StatusView { size: context.manager.settings().pool_size, slots };
    Ok(context.output.data(&view, || match view.slots.as_slice() {
        [] => format!("no worktree is kept ready; {} for each repository are wanted\n", view.size),
        slots => table::pool(&slots.iter().map(row).collect::<Vec<_>>()),
    })?)
}

fn row(slot: &SlotView) -> [String; 4] {
    let commit = slot.commit.as_deref().map_or("-", |commit| &commit[..commit.len().min(12)]);
    [slot.condition.to_owned(), slot.repository.clone(), commit.to_owned(), text::line(&slot.path)]
}

fn fill(context: &Context, only: Option<&RepositoryPath>, size: Option<usize>) -> Result<(), Failure> {
    let size = size.unwrap_or(context.manager.settings().pool_size);
    let filled = context.manager.fill_pool(only, size)?;
    let views: Vec<FilledView> = filled
        .into_iter()
        .map(|(repository, filled)| FilledView {
            repository: repository.to_string(),
            made: filled.made,
            ready: filled.ready,
            stopped: filled.stopped.map(because),
        })
        .collect();
    let line = |it: &FilledView| {
        let because = it.stopped.map(|because| format!("; {because}")).unwrap_or_default();
        format!("{}: {} made, {} ready{because}\n", text::line(&it.repository), it.made, it.ready)
    };
    Ok(context.output.data(&views, || views.iter().map(line).collect())?)
}

fn drain(context: &Context, only: Option<&RepositoryPath>) -> Result<(), Failure> {
    let views: Vec<DrainedView> = context
        .manager
        .drain_pool(only)?
        .into_iter()
        .map(|(repository, drained)| DrainedView {
            repository: repository.to_string(),
            removed: drained.removed,
            kept: drained.kept,
        })
        .collect();
    let line = |it: &DrainedView| {
        let kept = match it.kept {
            0 => String::new(),
            kept => format!("; {kept} kept, because something in them changed"),
        };
        format!("{}: {} removed{kept}\n", text::line(&it.repository), it.removed)
    };
    Ok(context.output.data(&views, || views.iter().map(line).collect())?)
}

fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Filling => "filling",
        Condition::Ready => "ready",
        Condition::Changed => "changed",
        Condition::Broken => "broken",
    }
}

fn because(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::Busy => "another process fills it",
        Stopped::NoRoom => "the disk has not enough room to spare",
        Stopped::Unborn => "the repository has no commit yet",
    }
}

/// Has the worktree that was just taken replaced, by a process that nobody waits for. That there is none yet is no failure
/// of what was asked.
pub(super) fn refill(context: &Context, repository: &RepositoryPath) {
    let size = context.manager.settings().pool_size;
    if size == 0 {
        return;
    }
    let size = size.to_string();
    let root = context.manager.workspace().root().as_os_str();
    let args = [OsStr::new(FILL), root, OsStr::new(&size), OsStr::new(repository.as_str())];
    let sent = socket::own_program().and_then(|wharf| socket::send_off(&wharf, &args));
    if let Err(err) = sent {
        tracing::warn!(error = %err, "no worktree is made ready for the next session");
    }
}

/// Fills the pool of one repository, behind everything else that the machine has to do.
pub(super) fn fill_in_background(args: &[OsString]) -> ExitCode {
    let order = match args {
        [_, _, root, size, repository] => size
            .to_str()
            .and_then(|size| size.parse::<usize>().ok())
            .zip(repository.to_str().and_then(|it| it.parse::<RepositoryPath>().ok()))
            .map(|(size, repository)| (root, size, repository)),
        _ => None,
    };
    let Some((root, size, repository)) = order.filter(|(root, ..)| Path::new(root).is_absolute()) else {
        Output::new(true).talk("wharf fill-pool is started by wharf itself; use `wharf pool fill`\n");
        return ExitCode::from(2);
    };
    process::step_back();
    let workspace = Workspace::at(Path::new(root));
    let settings = context::settings(&workspace).unwrap_or_default();
    let talk = Talk { quiet: true, verbose: 0, json: false };
    logs::begin(Some(workspace.logs()), settings.log_days.get(), talk);
    let manager = context::manager(workspace, settings);
    match manager.fill_pool(Some(&repository), size) {
        Ok(_) => ExitCode::SUCCESS,
        Err(err) => {
            tracing::warn!(error = %err, "no worktree is made ready for the next session");
            ExitCode::FAILURE
        }
    }
}
