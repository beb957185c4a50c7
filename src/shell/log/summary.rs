//! What is known of a log in short.

use std::{fs, path::Path};

use super::{
    files::Files,
    load::{self, Survey},
    tally::Tally,
};
use crate::{
    session::SessionId,
    shell::{ShellError, Summary},
};

/// What the log in the folder of a session says of its context; none where nothing was ever run. Needs no lock.
pub fn summary(folder: &Path, id: SessionId) -> Result<Option<Summary>, ShellError> {
    let files = Files::in_folder(folder);
    let Survey { tally, .. } = load::survey(&files, id)?;
    Ok(of(&tally, &files, id))
}

pub(super) fn of(tally: &Tally, files: &Files, id: SessionId) -> Option<Summary> {
    let created = tally.created?;
    let size = [files.log(), files.older()];
    Some(Summary {
        id,
        name: tally.name.clone(),
        created,
        last_accessed: tally.last_accessed.unwrap_or(created),
        event_count: tally.number,
        checkpoint_count: tally.checkpoint_count,
        size: size.iter().filter_map(|path| fs::metadata(path).ok()).map(|it| it.len()).sum(),
        interpreter: tally.interpreter.clone().unwrap_or_default(),
        is_live: false,
    })
}
