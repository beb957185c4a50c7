//! How the files of a new worktree get there, while what names it goes onto the disk (RELIABILITY G4).

use std::{
    io::{self, Read as _},
    num::NonZeroUsize,
    path::Path,
    thread,
};

use git2::Repository;

use super::{
    Addition, GitWorktrees, WorktreeError, copy::reading_head, durable::sync_names, lock::RepositoryLock,
    regular::open_regular, site::Site,
};

/// From how many files on it pays that git writes with several processes; each of them takes a while to start.
const FILES_MIN: u32 = 1_000;
/// How many processes of git write at most.
const WORKERS_MAX: usize = 8;
const WORKERS: &str = "checkout.workers";

impl GitWorktrees {
    /// Does what is left of `git worktree add`, the checkout, and meanwhile makes durable what names the work.
    pub(super) fn fill_and_sync(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
        workers: Option<usize>,
    ) -> Result<(), WorktreeError> {
        let mut fill = reading_head(site, lock);
        if let Some(workers) = workers {
            fill = fill.configured(WORKERS, &workers.to_string());
        }
        // Git first: what it takes to start, the disk has for the names.
        let (_, named) = self.run_beside(&fill, || sync_names(site, &addition.branch))?;
        named
    }
}

/// How many processes git is to write the files of a large repository with, unless somebody has configured that.
pub(super) fn workers(common: &Path) -> Option<usize> {
    if files_of(common).ok()? < FILES_MIN {
        return None;
    }
    let available = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    if available < 2 {
        return None;
    }
    let config = Repository::open(common).ok()?.config().ok()?;
    let is_free = config.get_entry(WORKERS).is_err();
    is_free.then_some(available.min(WORKERS_MAX))
}

/// How many files the main worktree has, as its index says; a new one has about as many.
pub(super) fn files_of(common: &Path) -> io::Result<u32> {
    let mut header = [0; 12];
    let index = open_regular(&common.join("index"))?;
    index.ok_or(io::ErrorKind::NotFound)?.read_exact(&mut header)?;
    let [.., a, b, c, d] = header;
    Ok(u32::from_be_bytes([a, b, c, d]))
}
