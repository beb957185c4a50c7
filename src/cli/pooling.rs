//! `pool`: the worktrees that are kept ready.

use serde::Serialize;

use super::{Context, Failure, args, locate, table};
use crate::{
    config::POOL_SIZE_MAX,
    session::RepositoryPath,
    text,
    worktree::{Condition, Filled, Stopped},
};

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
        [] => format!("no worktree is kept ready; wanted for each repository: {}\n", view.size),
        slots => table::pool(&slots.iter().map(row).collect::<Vec<_>>()),
    })?)
}

fn row(slot: &SlotView) -> [String; 4] {
    let commit = slot.commit.as_deref().map_or("-", |commit| &commit[..commit.len().min(12)]);
    [slot.condition.to_owned(), slot.repository.clone(), commit.to_owned(), text::line(&slot.path)]
}

fn fill(context: &Context, only: Option<&RepositoryPath>, size: Option<usize>) -> Result<(), Failure> {
    let size = size.unwrap_or(context.manager.settings().pool_size);
    if size > POOL_SIZE_MAX {
        let wanted = "a number of worktrees from 0 to 16 (`--size`)";
        return Err(Failure::Value { given: size.to_string(), wanted });
    }
    let filled = context.manager.fill_pool(only, size)?;
    let is_busy = |(_, filled): &&(RepositoryPath, Filled)| filled.stopped == Some(Stopped::Busy);
    let busy = filled.iter().find(is_busy).map(|(repository, _)| repository.to_string());
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
    context.output.data(&views, || views.iter().map(line).collect())?;
    // What was made is told all the same.
    busy.map_or(Ok(()), |repository| Err(Failure::PoolBusy { repository }))
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
        Stopped::Drained => "it was emptied meanwhile",
        Stopped::NoRoom => "the disk has not enough room to spare",
        Stopped::Unborn => "the repository has no commit yet",
        Stopped::Unsure => "what git would write later cannot be told now",
    }
}
