//! The log of what was executed in a session: every command, its output and what it changed, and the state that a context
//! is loaded from.
//!
//! `commands.jsonl` has one event a line, `commands.1.jsonl` those before it where they were too many; `commands.index.json`
//! says where the last checkpoint stands. A line is whole when its checksum is right. Only the holder of `commands.lock`
//! writes; readers need no lock. Nothing is ever run to read a log.

use std::path::Path;

use super::ShellError;
use crate::session::SessionId;

mod append;
mod bytes;
mod event;
mod files;
mod history;
mod index;
mod kept;
mod late;
mod lines;
mod load;
mod read;
mod record;
mod rotate;
mod summary;
mod tally;
mod torn;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    event::{Entry, Late, Loaded, Outcome, Written},
    history::{History, history},
    kept::{Keeper, Kept},
    summary::summary,
    writer::{CommandLog, LOCK_WAIT_MAX},
};

/// What a load of the log in the folder of a session would give, without the lock and without changing anything.
pub fn plan(folder: &Path, id: SessionId) -> Result<Loaded, ShellError> {
    load::survey(&files::Files::in_folder(folder), id).map(|survey| survey.loaded)
}
