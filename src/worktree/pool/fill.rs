//! How a pool is filled: one process at a time, as far as the disk has room, and never while it holds the repository lock.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::statvfs;

use super::{
    Filled, PoolSize, Stopped, WhileFilled,
    freshen::Wanted,
    slot::{
        FILLING, forget_making, is_making, is_unwanted, note_making, reason, set_changed, unfit_file, want,
    },
    sweep::{filler_text, filling_file},
};
use crate::{
    atomic::{self, Durability},
    process,
    session::{CommitId, RepositoryPath, SessionId},
    worktree::{
        GitWorktrees, WorktreeError,
        command::GitCall,
        copy::{IndexFile, Registration, copy_files, reading_head, who},
        exclude::exclude_own_files,
        lock::RepositoryLock,
        pool::Condition,
        register::HeadAt,
        site::{Site, io_error, read_small},
        surroundings::Opened,
    },
};

/// How much of the disk stays free beside what a pool takes, in bytes and in files.
const FREE_BYTES_MIN: u64 = 1 << 30;
const FREE_FILES_MIN: u64 = 10_000;
/// What a file is taken for where nothing tells, in bytes: one block.
const FILE_BYTES: u64 = 4 << 10;
/// The lock on filling in a repository.
const LOCK: &str = "wharf.pool-lock";

impl GitWorktrees {
    /// Fills the pool of a repository up to a size; what is old in it is brought to the commit of today.
    pub(in crate::worktree) fn fill_pool(
        &self,
        repository: &RepositoryPath,
        size: &PoolSize,
        while_filled: WhileFilled,
    ) -> Result<Filled, WorktreeError> {
        let common = self.common_dir(repository)?;
        self.sweep_pool(repository)?;
        self.look_into_taken(repository)?;
        let mut filled = Filled { made: 0, ready: 0, stopped: None };
        let stop = |filled: Filled, why| Ok(Filled { stopped: Some(why), ..filled });
        let root = self.repository_folder(repository)?;
        let handle = self.open(&root)?;
        if self.commit_of(&handle, "HEAD")?.is_none() {
            return stop(filled, Stopped::Unborn);
        }
        {
            let _lock = self.lock_repository(&common)?;
            want(&common)?;
        }
        let Some(lock) = self.lock_pool_if(&common, while_filled)? else {
            filled.ready = self.count_ready(repository)?;
            return stop(filled, Stopped::Busy);
        };
        // While it was waited for, somebody may have left half a worktree, and the repository may have gone on.
        self.sweep_with(repository, Some(&lock))?;
        let Some(head) = self.commit_of(&handle, "HEAD")? else {
            return stop(filled, Stopped::Unborn);
        };
        // Settings that change while files are written are not those of the seal.
        let manner = self.manner(&self.look_around(Opened { handle: &handle, root: &root, common: &common }));
        let wanted = Wanted { commit: head.commit, manner: manner.as_deref(), lock: &lock };
        self.freshen(repository, &wanted)?;
        loop {
            filled.ready = self.count_ready(repository)?;
            // It can be set anew while a large worktree is written.
            let size = size.now();
            if filled.ready >= size || filled.made >= size {
                return Ok(filled);
            }
            let Some(manner) = wanted.manner.filter(|manner| !is_unfit(&common, &wanted.commit, manner))
            else {
                return stop(filled, Stopped::Unsure);
            };
            if is_unwanted(&common) {
                return stop(filled, Stopped::Drained);
            }
            if !self.has_room(&common) {
                return stop(filled, Stopped::NoRoom);
            }
            match self.make_slot(repository, &wanted, manner) {
                Ok(()) => filled.made += 1,
                Err(err @ WorktreeError::Unusable { .. }) => {
                    tracing::info!(error = %err, "no worktree of this commit is kept ready");
                    note_unfit(&common, &wanted.commit, manner)?;
                }
                Err(err) => return Err(err),
            }
        }
    }

    fn count_ready(&self, repository: &RepositoryPath) -> Result<usize, WorktreeError> {
        let slots = self.slots(repository)?;
        Ok(slots.iter().filter(|slot| slot.condition == Condition::Ready).count())
    }

    /// Whether the disk has room for one more checkout, and enough beside it.
    fn has_room(&self, common: &Path) -> bool {
        let Ok(disk) = statvfs(self.workspace.worktrees()).or_else(|_| statvfs(self.workspace.root())) else {
            return false;
        };
        let (bytes, files) = match IndexFile::read(&common.join("index")) {
            Some(index) => {
                let files = index.entries.len() as u64;
                (index.size() + files * FILE_BYTES, files)
            }
            None => (FREE_BYTES_MIN, FREE_FILES_MIN),
        };
        let has_files = disk.f_files == 0 || disk.f_favail >= files + FREE_FILES_MIN;
        // Whoever wants one more checkout than the pool has room as well.
        has_files && disk.f_bavail.saturating_mul(disk.f_frsize) >= 2 * bytes + FREE_BYTES_MIN
    }

    /// Makes one warm worktree. What an error leaves of it goes at once.
    fn make_slot(
        &self,
        repository: &RepositoryPath,
        wanted: &Wanted<'_>,
        manner: &str,
    ) -> Result<(), WorktreeError> {
        let Wanted { commit, lock, .. } = wanted;
        let site = self.site(SessionId::random(), repository)?;
        let made = self
            .at_work(&site, |working| {
                note_making(&site)?;
                self.register_slot(&site, commit, working)?;
                forget_making(&site)
            })
            .and_then(|()| self.fill_slot(&site, commit, lock))
            .and_then(|()| self.finish(&site, commit, manner, lock));
        let Err(err) = made else {
            tracing::info!(folder = %site.folder.display(), "a warm worktree is ready");
            return Ok(());
        };
        tracing::warn!(folder = %site.folder.display(), error = %err, "a warm worktree could not be made");
        self.at_work(&site, |working| {
            // As long as it was not registered whole, nobody can have worked in it.
            let is_new = is_making(&site);
            if !is_new && self.has_own_work(&site, [commit, commit], working)? {
                set_changed(&site)
            } else {
                self.remove_slot(&site)
            }
        })?;
        Err(err)
    }

    /// Registers a worktree of the pool, which is from its first moment locked as one and says who fills it.
    fn register_slot(
        &self,
        site: &Site,
        commit: &CommitId,
        working: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        self.make_worktrees_folder()?;
        if self.workspace.root().starts_with(&site.root) {
            exclude_own_files(&site.common)?;
        }
        let filler = process::own().map_err(io_error("look at", Path::new("/proc/self")))?;
        let (reason, note) = (reason(site.id), filler_text(&filler, [commit, commit]));
        let Some(plain) = self.plain(site) else {
            let add = ["worktree", "add", "--detach", "--no-checkout", "--lock", "--reason", &reason, "--"];
            let call = GitCall::tell(&site.root, &add, working).arg(&site.folder).arg(commit.as_str());
            self.run(&call)?;
            let file = filling_file(site);
            return atomic::replace(&file, note.as_bytes(), Durability::Crash)
                .map_err(io_error("write", &file));
        };
        let who = plain.keeps_logs.then(|| who(&plain.repository));
        let head = HeadAt::Commit(commit.clone());
        let also = [(FILLING, note.as_str())];
        let registration =
            Registration { site, reason: &reason, head: &head, commit, who: who.as_deref(), also: &also };
        registration.write().map(drop).map_err(io_error("make", &site.admin))
    }

    /// Writes its files, by a copy or by git; whoever takes another worktree meanwhile is not kept waiting.
    fn fill_slot(&self, site: &Site, commit: &CommitId, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let git_file = site.folder.join(".git");
        let now = fs::metadata(&git_file).map_err(io_error("look at", &git_file))?.mtime();
        let original = self.plain(site).and_then(|plain| {
            let source = self.find_source(site, &plain.repository, commit)?;
            Some((plain, source))
        });
        if let Some((plain, source)) = original {
            match copy_files(site, &plain.repository, source, now, || Ok(())) {
                Ok(0) => return Ok(()),
                Ok(_) => (),
                Err(err) => tracing::debug!(error = %err, "a copy was given up, git writes the files"),
            }
        }
        self.run(&reading_head(site, lock)).map(drop)
    }
}

/// Whether a checkout of a commit, made in this manner, was not clean right away.
fn is_unfit(common: &Path, commit: &CommitId, manner: &str) -> bool {
    read_small(&unfit_file(common)).is_some_and(|text| text == unfit_text(commit, manner))
}

fn note_unfit(common: &Path, commit: &CommitId, manner: &str) -> Result<(), WorktreeError> {
    let note = unfit_file(common);
    let text = unfit_text(commit, manner);
    atomic::replace(&note, text.as_bytes(), Durability::Crash).map_err(io_error("write", &note))
}

fn unfit_text(commit: &CommitId, manner: &str) -> String {
    format!("{commit}\n{manner}\n")
}

/// The lock on filling in a repository, if nobody has it. What git writes for a fill holds it too, so it outlives the
/// process that took it.
pub(super) fn try_lock_pool(common: &Path) -> Result<Option<RepositoryLock>, WorktreeError> {
    RepositoryLock::try_at(&common.join(LOCK), common)
}

impl GitWorktrees {
    /// Waits for the lock on filling in a repository.
    pub(super) fn lock_pool(&self, common: &Path) -> Result<RepositoryLock, WorktreeError> {
        self.wait_for_lock(&common.join(LOCK), common)
    }

    /// The same as long as that is wanted; nothing when somebody else still has it then.
    fn lock_pool_if(
        &self,
        common: &Path,
        while_filled: WhileFilled,
    ) -> Result<Option<RepositoryLock>, WorktreeError> {
        let WhileFilled::Wait(limit) = while_filled else {
            return try_lock_pool(common);
        };
        let limit = limit.min(self.settings.lock_limit);
        match self.wait_for_lock_within(&common.join(LOCK), common, limit) {
            Ok(lock) => Ok(Some(lock)),
            Err(WorktreeError::RepositoryLocked { .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }
}
