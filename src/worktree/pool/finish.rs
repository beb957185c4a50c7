//! How a warm worktree is made ready: its index no longer racy, its names on the disk, its seal put on.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    thread,
    time::{Duration, Instant},
};

use super::{
    carried::keep_index,
    slot::{Seal, ready_file},
    sweep::filling_file,
};
use crate::{
    atomic::{self, Durability},
    session::{BranchName, CommitId},
    worktree::{
        GitWorktrees, WorktreeError,
        copy::{IndexFile, inside},
        durable::{last_written, sync_all, sync_file_system, sync_names},
        lock::RepositoryLock,
        register::remove_if_there,
        site::{Site, io_error},
    },
};

/// How long to wait for the next second at most, and how often to look.
const SECOND: Duration = Duration::from_millis(2_500);
const PAUSE: Duration = Duration::from_millis(50);

impl GitWorktrees {
    /// Makes a worktree whose files are written ready to be taken.
    pub(super) fn finish(
        &self,
        site: &Site,
        commit: &CommitId,
        manner: &str,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        self.settle_index(site, lock)?;
        sync_names(site, &BranchName::detached())?;
        sync_all(&last_written(site))?;
        // What is ready is taken without another look, also after a power cut; nobody waits for this.
        sync_file_system(&site.folder)?;
        if !self.is_untouched(site, commit)? {
            // Some attributes have git see changes in a checkout that it just made.
            let because = "git sees changes in a worktree that was just checked out";
            return Err(WorktreeError::Unusable { id: site.id, because });
        }
        let seal = Seal::of(site, commit, manner).map_err(io_error("look at", &site.folder))?;
        if let Err(err) = keep_index(site) {
            tracing::debug!(folder = %site.folder.display(), error = %err, "its index is not kept");
        }
        seal.put_on(site).map_err(io_error("write", &ready_file(site)))?;
        remove_if_there(&filling_file(site))
    }

    /// Git reads every file anew that is not older than the index, in whole seconds. So when there are such files, it
    /// gets to see them once more after that second. Whatever a repository tells it to pass over, it is to see all that a
    /// look at the files sees: else the worktree would be looked at in vain for ever.
    fn settle_index(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let path = site.admin.join("index");
        let vouches = |index: IndexFile| index.vouches_for_all(&site.folder);
        if IndexFile::read(&path).is_some_and(vouches) {
            return Ok(());
        }
        let written = fs::metadata(&path).map_err(io_error("look at", &path))?.mtime();
        let probe = site.admin.join("wharf.second");
        let deadline = Instant::now() + SECOND;
        // The time of the file system decides, whichever clock that has.
        loop {
            drop(atomic::write_new(&probe, b"", Durability::Crash).map_err(io_error("write", &probe))?);
            let now = fs::metadata(&probe).map_err(io_error("look at", &probe))?.mtime();
            if now > written || Instant::now() > deadline {
                break;
            }
            thread::sleep(PAUSE);
        }
        remove_if_there(&probe)?;
        let strictly = ["-c", "core.trustctime=true", "-c", "core.checkStat=default"];
        let status = [&strictly[..], &["status", "--porcelain", "--untracked-files=no"]].concat();
        let differing = self.run(&inside(site, &status, lock))?.stdout;
        // To git a file is the one it was that was touched within the second of before: then it has to forget all of them. An
        // index that is no tree has something that somebody staged.
        let is_in_order = |index: IndexFile| index.tree().is_none() || vouches(index);
        if !differing.is_empty() || IndexFile::read(&path).is_none_or(is_in_order) {
            return Ok(());
        }
        self.run(&inside(site, &["read-tree", "HEAD"], lock))?;
        self.run(&inside(site, &status, lock)).map(drop)
    }
}
