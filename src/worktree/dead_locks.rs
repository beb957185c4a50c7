//! How lock files go that a killed git left behind: nobody would ever remove them, and git refuses to work around them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    GitWorktrees, WorktreeError,
    lock::RepositoryLock,
    site::{Site, io_error, read_small},
    snapshot::TEMPORARY_INDEX,
};
use crate::{
    atomic::{self, Durability},
    process,
    session::{RepositoryPath, SessionId},
};

/// Lies in the repository while wharf has git write there, and holds the id of the session it is about. What finds it
/// under the repository lock knows that work was cut short, and when that began.
const MARK: &str = "wharf.busy";
/// How long a lock must stay as it is before nobody can be behind it.
const STILL: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);
/// How deep branch names are searched.
const DEPTH_MAX: usize = 32;
/// The log of a branch on its way to a copy of the branch; git makes no other copy as long as it is there.
const COPIED_LOG: &str = "logs/refs/.tmp-renamed-log";

impl GitWorktrees {
    /// Works on a session's repository under its lock, after what killed gits left there is cleared away. A mark stays
    /// behind when the work fails or is cut short.
    pub(super) fn at_work<T>(
        &self,
        site: &Site,
        work: impl FnOnce(&RepositoryLock) -> Result<T, WorktreeError>,
    ) -> Result<T, WorktreeError> {
        let lock = self.lock_repository(&site.common)?;
        let mark = site.common.join(MARK);
        let is_clear = clear_dead_locks(site);
        if is_clear {
            // Its time is the beginning of this work: a lock that is older is not ours.
            let id = site.id.to_string();
            drop(
                atomic::write_new(&mark, id.as_bytes(), Durability::Crash)
                    .map_err(io_error("write", &mark))?,
            );
        }
        let done = work(&lock)?;
        if is_clear && let Err(err) = fs::remove_file(&mark) {
            tracing::debug!(error = %err, "the mark of work in a repository stays");
        }
        Ok(done)
    }
}

impl GitWorktrees {
    /// Clears a repository in which work was cut short.
    pub(super) fn tidy_one(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        let common = self.common_dir(repository)?;
        let mark = common.join(MARK);
        let Some(text) = read_small(&mark) else {
            return Ok(());
        };
        let Ok(id) = text.trim().parse() else {
            return fs::remove_file(&mark).map_err(io_error("remove", &mark));
        };
        let site = self.site(id, repository)?;
        self.at_work(&site, |_| Ok(()))
    }
}

/// Removes the locks that were made since the work began that was cut short; the caller has the repository lock. Says
/// whether none is left.
pub(super) fn clear_dead_locks(site: &Site) -> bool {
    let mark = site.common.join(MARK);
    let Some(since) = changed(&mark) else {
        return true;
    };
    let marked = read_small(&mark).and_then(|text| text.trim().parse::<SessionId>().ok());
    let mut locks: Vec<PathBuf> =
        ["packed-refs.lock", "config.lock", COPIED_LOG].iter().map(|name| site.common.join(name)).collect();
    locks_below(&site.common.join("refs/heads"), DEPTH_MAX, &mut locks);
    for id in [Some(site.id), marked].into_iter().flatten() {
        locks.push(site.common.join(format!("refs/wharf/trash/{id}.lock")));
        let admin = site.common.join("worktrees").join(id.to_string());
        locks_below(&admin, 0, &mut locks);
        locks.push(admin.join(TEMPORARY_INDEX));
    }
    locks.retain(|lock| changed(lock).is_some_and(|time| time >= since));
    if locks.is_empty() {
        return true;
    }
    // Each of them is tried, also after one that stays.
    locks.retain(|lock| !clear(site, lock));
    locks.is_empty()
}

/// Removes what git had written of objects for which the disk had no room, so that there is room again for what needs
/// less; the caller has the repository lock, and began this work with a mark. What another git is at work with stays.
pub(super) fn clear_half_objects(site: &Site) {
    let Some(since) = changed(&site.common.join(MARK)) else {
        return;
    };
    let objects = site.common.join("objects");
    let folders =
        fs::read_dir(&objects).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let files = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok));
    let is_half = |name: &str| name.starts_with("tmp_obj_") || name.starts_with("tmp_pack_");
    let halves: Vec<PathBuf> = files
        .filter(|entry| entry.file_name().to_str().is_some_and(is_half))
        .map(|entry| entry.path())
        .filter(|path| changed(path).is_some_and(|time| time >= since))
        .collect();
    if halves.is_empty() || is_git_at_work(site) {
        return;
    }
    for path in halves {
        match fs::remove_file(&path) {
            Ok(()) => {
                tracing::info!(path = %path.display(), "an object that git could not write was removed");
            }
            Err(err) => tracing::warn!(path = %path.display(), error = %err, "a half written object stays"),
        }
    }
}

/// Removes a lock, unless a git that can be seen is at work or the lock changes while we look.
fn clear(site: &Site, lock: &Path) -> bool {
    let mut seen = changed(lock);
    let mut still_since = Instant::now();
    let deadline = still_since + STILL * 4;
    loop {
        let now = changed(lock);
        if now.is_none() {
            return true;
        }
        if now != seen || is_git_at_work(site) {
            seen = now;
            still_since = Instant::now();
        }
        if still_since.elapsed() >= STILL {
            break;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(PAUSE);
    }
    match fs::remove_file(lock) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %lock.display(), error = %err, "a lock of a killed git stays");
            false
        }
        Ok(()) | Err(_) => {
            tracing::warn!(path = %lock.display(), "a lock that a killed git left was removed");
            true
        }
    }
}

/// A git in the repository or in a worktree of the workspace, also one that somebody else started.
fn is_git_at_work(site: &Site) -> bool {
    let worktrees = site.folder.parent().unwrap_or(&site.folder);
    // A repository that is the workspace has them below it.
    let beside = (!worktrees.starts_with(&site.root)).then_some(worktrees);
    [Some(&*site.root), beside]
        .into_iter()
        .flatten()
        .flat_map(|folder| process::living_in(folder).unwrap_or_default())
        .any(|occupant| occupant.name.starts_with("git"))
}

fn locks_below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            locks_below(&entry.path(), depth - 1, found);
        } else if !is_folder && entry.path().extension().is_some_and(|it| it == "lock") {
            found.push(entry.path());
        }
    }
}

/// When a regular file was written; nothing when there is none.
fn changed(path: &Path) -> Option<SystemTime> {
    let about = fs::symlink_metadata(path).ok()?;
    if about.is_file() { about.modified().ok() } else { None }
}
