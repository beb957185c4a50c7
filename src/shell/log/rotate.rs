//! How a log that became too large begins anew, so that it may be killed between any two steps.
//!
//! The checkpoint that stands at the end of the log is written into a file of its own; then the log becomes the older
//! part, and that file the log. Between the two renames there is no log, and the older part has all of it.

use std::{fs, io};

use super::files::{Files, failed};
use crate::{
    atomic::{self, Durability},
    shell::ShellError,
};

/// Begins the log anew with the line of a checkpoint; the old one becomes the older part, in the place of the one before.
pub(super) fn turn(files: &Files, line: &[u8]) -> Result<(), ShellError> {
    write_next(files, line)?;
    let (log, older) = (files.log(), files.older());
    atomic::rename(&log, &older).map_err(failed("rename", &log))?;
    place_next(files)
}

/// Ends what `turn` began: there is an older part, and no log of any use.
pub(super) fn complete(files: &Files, line: &[u8]) -> Result<(), ShellError> {
    write_next(files, line)?;
    place_next(files)
}

/// Removes what a killed writer left half.
pub(super) fn tidy(files: &Files) -> Result<(), ShellError> {
    let next = files.next();
    match fs::remove_file(&next) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failed("remove", &next)(err)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write_next(files: &Files, line: &[u8]) -> Result<(), ShellError> {
    let next = files.next();
    let written = atomic::write_new(&next, line, Durability::PowerCut)
        .and_then(|file| atomic::give_to_owner_of(&file, &files.folder));
    written.map_err(failed("write", &next)).inspect_err(|_| drop(tidy(files)))
}

fn place_next(files: &Files) -> Result<(), ShellError> {
    let next = files.next();
    atomic::rename(&next, &files.log()).map_err(failed("rename", &next))?;
    atomic::sync_folder(&files.folder).map_err(failed("sync", &files.folder))
}
