//! How a pool is filled: one process at a time, as far as the disk has room, and never while it holds the repository lock.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::fs::statvfs;

use super::{
    Filled, Stopped,
    slot::{FILLING, forget_making, note_making, reason, want},
    sweep::{filler_text, filling_file},
};
use crate::{
    process,
    session::{CommitId, RepositoryPath, SessionId},
    worktree::{
        GitWorktrees, WorktreeError,
        admin::{Admin, Head},
        command::GitCall,
        copy::{IndexFile, Registration, copy_files, inside, reading_head, who},
        exclude::exclude_own_files,
        lock::RepositoryLock,
        pool::Condition,
        register::HeadAt,
        site::{Site, io_error, is_there},
    },
};

/// How much of the disk stays free beside what a pool takes, in bytes and in files.
const FREE_BYTES_MIN: u64 = 1 << 30;
const FREE_FILES_MIN: u64 = 10_000;
/// What a file is taken for where nothing tells, in bytes: one block.
const FILE_BYTES: u64 = 4 << 10;

impl GitWorktrees {
    /// Fills the pool of a repository up to a size; what is old in it is brought to the commit of today.
    pub(in crate::worktree) fn fill_pool(
        &self,
        repository: &RepositoryPath,
        size: usize,
    ) -> Result<Filled, WorktreeError> {
        let common = self.common_dir(repository)?;
        self.sweep_pool(repository)?;
        let mut filled = Filled { made: 0, ready: 0, stopped: None };
        let root = self.repository_folder(repository)?;
        let handle = self.open(&root)?;
        let Some(head) = self.commit_of(&handle, "HEAD")? else {
            filled.stopped = Some(Stopped::Unborn);
            return Ok(filled);
        };
        {
            let _lock = self.lock_repository(&common)?;
            want(&common)?;
        }
        let Some(lock) = try_lock_pool(&common)? else {
            filled.ready = self.count_ready(repository)?;
            filled.stopped = Some(Stopped::Busy);
            return Ok(filled);
        };
        self.freshen(repository, &head.commit, &lock)?;
        loop {
            filled.ready = self.count_ready(repository)?;
            if filled.ready >= size {
                return Ok(filled);
            }
            if !self.has_room(&common) {
                filled.stopped = Some(Stopped::NoRoom);
                return Ok(filled);
            }
            self.make_slot(repository, &head.commit, &lock)?;
            filled.made += 1;
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
        has_files && disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes + FREE_BYTES_MIN
    }

    /// Makes one warm worktree. What an error leaves of it goes at once.
    fn make_slot(
        &self,
        repository: &RepositoryPath,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let site = self.site(SessionId::random(), repository)?;
        let made = self
            .at_work(&site, |working| {
                note_making(&site)?;
                self.register_slot(&site, commit, working)?;
                forget_making(&site)
            })
            .and_then(|()| self.fill_slot(&site, commit, lock))
            .and_then(|()| self.finish(&site, commit));
        let Err(err) = made else {
            tracing::info!(folder = %site.folder.display(), "a warm worktree is ready");
            return Ok(());
        };
        tracing::warn!(folder = %site.folder.display(), error = %err, "a warm worktree could not be made");
        self.at_work(&site, |_| self.remove_slot(&site))?;
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
        let (reason, note) = (reason(site.id), filler_text(&filler));
        let Some(plain) = self.plain(site) else {
            let add = ["worktree", "add", "--detach", "--no-checkout", "--lock", "--reason", &reason, "--"];
            let call = GitCall::tell(&site.root, &add).arg(&site.folder).arg(commit.as_str());
            self.run(&call.holding(working.file()))?;
            let file = filling_file(site);
            return crate::atomic::replace(&file, note.as_bytes(), crate::atomic::Durability::Crash)
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
        let source = self.plain(site).and_then(|plain| self.find_source(site, &plain.repository, commit));
        if let Some(source) = source {
            match copy_files(site, source, now, || Ok(())) {
                Ok(0) => return Ok(()),
                Ok(_) => (),
                Err(err) => tracing::debug!(error = %err, "a copy was given up, git writes the files"),
            }
        }
        self.run(&reading_head(site, lock)).map(drop)
    }

    /// Brings worktrees that are at an older commit to the one that the next create will most likely begin at.
    fn freshen(
        &self,
        repository: &RepositoryPath,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        for slot in self.slots(repository)? {
            if slot.condition != Condition::Ready {
                continue;
            }
            let site = self.site(slot.id, repository)?;
            self.at_work(&site, |_| self.reopen(&site, commit))?;
            if is_there(&filling_file(&site)) {
                let moved = self.move_slot(&site, commit, lock).and_then(|()| self.finish(&site, commit));
                if let Err(err) = moved {
                    tracing::warn!(folder = %site.folder.display(), error = %err, "a warm worktree was given up");
                    self.at_work(&site, |_| self.remove_slot(&site))?;
                }
            }
        }
        Ok(())
    }

    fn move_slot(&self, site: &Site, commit: &CommitId, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let admin = Admin::read(&site.admin)?;
        if admin.is_some_and(|admin| matches!(&admin.head, Head::Detached(at) if at == commit)) {
            return Ok(());
        }
        let call = inside(site, &["switch", "--quiet", "--detach"]);
        let call = call.arg(commit.as_str()).configured("core.hooksPath", "/dev/null").holding(lock.file());
        self.run(&call).map(drop)
    }
}

/// The lock on filling in a repository, if nobody has it. What git writes for a fill holds it too, so it outlives the
/// process that took it.
pub(super) fn try_lock_pool(common: &Path) -> Result<Option<RepositoryLock>, WorktreeError> {
    RepositoryLock::try_at(&common.join("wharf.pool-lock"), common)
}
