//! `conversation export`, `import` and `clean`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;

use super::{Context, Failure, answer, locate, who};
use crate::{
    atomic::{self, Durability},
    manager::Tally,
    text,
};

#[derive(Serialize)]
struct ExportView {
    path: String,
    bytes: usize,
}

#[derive(Serialize)]
struct ImportView {
    imported: Vec<TallyView>,
    entries: usize,
    unclaimed: Vec<String>,
}

#[derive(Serialize)]
struct CleanView {
    days: u32,
    removed: Vec<TallyView>,
    entries: usize,
}

#[derive(Serialize)]
struct TallyView {
    session: String,
    name: String,
    entries: usize,
}

pub(super) fn export(context: &mut Context, names: &[String], out: Option<&Path>) -> Result<(), Failure> {
    let text = context.manager.export_conversations(names)?;
    let Some(out) = out else {
        return Ok(context.output.exactly(text.as_bytes())?);
    };
    let path = locate::absolute(out)?;
    let failed = |source| Failure::Io { action: "write", path: path.clone(), source };
    atomic::replace(&path, text.as_bytes(), Durability::PowerCut).map_err(failed)?;
    let view = ExportView { path: path.to_string_lossy().into_owned(), bytes: text.len() };
    Ok(context.output.data(&view, || format!("{}\n", text::path(&path)))?)
}

/// Exit code 1 when something belongs to no session here.
pub(super) fn import(context: &mut Context, files: &[PathBuf]) -> Result<ExitCode, Failure> {
    let files = files.iter().map(|path| locate::absolute(path)).collect::<Result<Vec<_>, _>>()?;
    let imported = context.manager.import_conversations(&files)?;
    let view = ImportView {
        entries: imported.taken.iter().map(|it| it.entries).sum(),
        imported: imported.taken.iter().map(TallyView::of).collect(),
        unclaimed: imported.unclaimed,
    };
    context.output.data(&view, || {
        let mut words = lines(&view.imported, "taken in");
        words.extend(view.unclaimed.iter().map(|it| format!("{}: no such session\n", text::line(it))));
        words
    })?;
    Ok(answer(view.unclaimed.is_empty()))
}

pub(super) fn clean(context: &mut Context, names: &[String], days: u32) -> Result<(), Failure> {
    let cleaned = context.manager.clean_conversations(names, days)?;
    let view = CleanView {
        days,
        entries: cleaned.iter().map(|it| it.entries).sum(),
        removed: cleaned.iter().map(TallyView::of).collect(),
    };
    Ok(context.output.data(&view, || lines(&view.removed, "dropped"))?)
}

fn lines(all: &[TallyView], what: &str) -> String {
    all.iter().map(|it| format!("{}: {} {what}\n", it.name, it.entries)).collect()
}

impl TallyView {
    fn of(tally: &Tally) -> Self {
        let (session, name) = who(&tally.session);
        Self { session, name, entries: tally.entries }
    }
}
