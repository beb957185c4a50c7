//! How what was cut short in a pool goes, and how a pool is emptied, without anything that a person changed.

use std::path::PathBuf;

use super::{
    Condition, Drained, Slot,
    fill::try_lock_pool,
    moved::lives_elsewhere,
    slot::{
        CHANGED, FILLING, Seal, TAKING, all_making, forget_making, has_pool, is_making, is_ready, is_slot,
        lost_file, note_making, ready_file, sealed, set_changed, unwant,
    },
};
use crate::{
    atomic, process,
    session::{CommitId, ProcessId, RepositoryPath, SessionId},
    worktree::{
        GitWorktrees, WorktreeError, WorktreeLock,
        admin::{Admin, Head},
        copy::clear_making,
        delete::delete_tree,
        files::names_in,
        lock::RepositoryLock,
        register::remove_if_there,
        site::{Site, io_error, is_there, read_small},
        start::ADMINS_MAX,
    },
};

impl GitWorktrees {
    /// All warm worktrees of a repository, in whichever condition.
    pub(in crate::worktree) fn slots(&self, repository: &RepositoryPath) -> Result<Vec<Slot>, WorktreeError> {
        let common = self.common_dir(repository)?;
        if !has_pool(&common) {
            return Ok(Vec::new());
        }
        let mut slots = Vec::new();
        for name in names_in(&common.join("worktrees"), ADMINS_MAX)? {
            let Some(id) = name.to_str().and_then(|name| name.parse::<SessionId>().ok()) else {
                continue;
            };
            let site = self.site_in(common.clone(), id, repository);
            // Most are sessions, and their lock says so.
            if site.lock() == WorktreeLock::Ours && !is_making(&site) {
                continue;
            }
            let admin = Admin::read(&site.admin)?.filter(|admin| is_slot(admin, id, &common));
            // Another workspace may have its own worktrees of the same repository.
            let Some(admin) = admin.filter(|admin| admin.names(&site.folder)) else {
                continue;
            };
            slots.push(Slot {
                id,
                path: site.folder.clone(),
                commit: match &admin.head {
                    Head::Detached(commit) => Some(commit.clone()),
                    Head::Reference(_) | Head::Garbage | Head::Emptied | Head::ElsewhereInGit => None,
                },
                condition: condition(&site),
            });
        }
        Ok(slots)
    }

    /// Clears away what was cut short in a pool; leaves what somebody is at work with, and what was changed.
    pub(in crate::worktree) fn sweep_pool(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        self.sweep_with(repository, None)
    }

    /// The same, for whoever has the lock on filling.
    pub(super) fn sweep_with(
        &self,
        repository: &RepositoryPath,
        filling: Option<&RepositoryLock>,
    ) -> Result<(), WorktreeError> {
        let common = self.common_dir(repository)?;
        if !has_pool(&common) {
            return Ok(());
        }
        for id in all_making(&common) {
            let site = self.site(id, repository)?;
            // Under the lock nobody is at work with it any more.
            let swept =
                self.at_work(&site, |_| if is_making(&site) { self.remove_slot(&site) } else { Ok(()) });
            one_alone(&site, swept)?;
        }
        self.tie_moved(repository)?;
        self.drop_stray_seals(repository)?;
        let broken: Vec<Slot> =
            self.slots(repository)?.into_iter().filter(|it| it.condition == Condition::Broken).collect();
        if broken.is_empty() {
            return Ok(());
        }
        // A git that a dead wharf started may still write there, and holds this as long as it does.
        let own = if filling.is_none() { try_lock_pool(&common)? } else { None };
        if filling.or(own.as_ref()).is_none() {
            return Ok(());
        }
        for slot in broken {
            let site = self.site(slot.id, repository)?;
            let swept = self.at_work(&site, |lock| {
                // It may have become a session while we waited for the lock.
                if !is_still_slot(&site)? || condition(&site) != Condition::Broken {
                    return Ok(());
                }
                self.clear_broken(&site, lock)
            });
            one_alone(&site, swept)?;
        }
        Ok(())
    }

    /// Seals without a worktree: somebody removed that.
    fn drop_stray_seals(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        let common = self.common_dir(repository)?;
        for id in sealed(&common) {
            let site = self.site(id, repository)?;
            let is_in_order = site.is_linked() || !site.has_folder() || lives_elsewhere(&site);
            if site.has_admin() && is_in_order {
                continue;
            }
            let seal = ready_file(&site);
            if site.has_admin() {
                set_changed(&site)?;
            } else if site.has_folder() {
                // Without git's files nobody can say whether something in it changed, so it stays.
                let lost = lost_file(&common, id);
                atomic::rename(&seal, &lost).map_err(io_error("replace", &seal))?;
            } else {
                remove_if_there(&seal)?;
            }
        }
        Ok(())
    }

    /// Removes a worktree whose filling or taking was cut short; the caller has both locks.
    fn clear_broken(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let is_taking = is_there(&site.admin.join(TAKING));
        if !is_taking && self.put_back_retired(site)? && is_ready(site) {
            return Ok(());
        }
        let has_work = if is_taking {
            self.has_work_in_taken(site, lock)?
        } else if is_there(&site.admin.join(FILLING)) {
            self.has_work_in_filling(site, lock)?
        } else {
            // Nothing says how it came to be as it is, so nothing says that it is nobody's work.
            site.has_folder()
        };
        if has_work {
            return set_changed(site);
        }
        tracing::info!(folder = %site.folder.display(), "a warm worktree that was cut short was cleared away");
        self.remove_slot(site)
    }

    /// Removes a worktree of the pool; the caller has the repository lock. A note says so until nothing is left.
    pub(super) fn remove_slot(&self, site: &Site) -> Result<(), WorktreeError> {
        note_making(site)?;
        remove_if_there(&ready_file(site))?;
        self.throw_away(site)?;
        clear_making(site)?;
        delete_tree(&site.admin)?;
        forget_making(site)
    }

    /// Empties the pool of a repository, once whoever fills it has ended. What somebody changed stays, as it is.
    pub(in crate::worktree) fn drain_pool(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Drained, WorktreeError> {
        let mut drained = Drained::default();
        let common = self.common_dir(repository)?;
        if !has_pool(&common) {
            return Ok(drained);
        }
        // Who fills sees this before the next worktree, and who is about to begin does not.
        unwant(&common)?;
        let filling = self.lock_pool(&common)?;
        self.sweep_with(repository, Some(&filling))?;
        for slot in self.slots(repository)? {
            let site = self.site(slot.id, repository)?;
            let removed = match slot.condition {
                Condition::Ready => self.at_work(&site, |_| self.drain_one(&site))?,
                Condition::Changed => false,
                Condition::Filling | Condition::Broken => continue,
            };
            if removed {
                drained.removed += 1;
            } else {
                drained.kept += 1;
            }
        }
        Ok(drained)
    }

    fn drain_one(&self, site: &Site) -> Result<bool, WorktreeError> {
        // Looked at under the lock: it may have been taken meanwhile.
        let seal = Seal::read(site);
        let Some(commit) = seal.as_ref().and_then(Seal::commit) else {
            return Ok(false);
        };
        if !self.is_at_rest(site, &commit)? {
            set_changed(site)?;
            return Ok(false);
        }
        if !self.retire(site, seal.as_ref())? {
            return Ok(false);
        }
        self.remove_slot(site)?;
        Ok(true)
    }
}

/// Whether an administrative folder is that of a warm worktree now; to be asked under the repository lock.
pub(in crate::worktree) fn is_still_slot(site: &Site) -> Result<bool, WorktreeError> {
    Ok(Admin::read(&site.admin)?.is_some_and(|admin| is_slot(&admin, site.id, &site.common)))
}

/// In which condition a worktree of the pool is.
fn condition(site: &Site) -> Condition {
    let has = |name: &str| is_there(&site.admin.join(name));
    if is_making(site) {
        return Condition::Broken;
    }
    if has(CHANGED) {
        return Condition::Changed;
    }
    if is_there(&ready_file(site)) {
        return if site.has_folder() { Condition::Ready } else { Condition::Broken };
    }
    let filler = filler(site);
    if filler.is_some_and(|filler| process::is_alive(&filler)) {
        Condition::Filling
    } else {
        Condition::Broken
    }
}

/// Who fills a worktree, as far as that is written down.
fn filler(site: &Site) -> Option<ProcessId> {
    let text = read_small(&site.admin.join(FILLING))?;
    let mut lines = text.lines();
    let (pid, started, boot) = (lines.next()?, lines.next()?, lines.next()?);
    Some(ProcessId { pid: pid.parse().ok()?, started: started.parse().ok()?, boot: boot.to_owned() })
}

/// Passes on what stops the work on all worktrees; what one of them alone is in the way of is told, and the others go on.
pub(super) fn one_alone(site: &Site, outcome: Result<(), WorktreeError>) -> Result<(), WorktreeError> {
    match outcome {
        Ok(()) => Ok(()),
        Err(err @ (WorktreeError::RepositoryLocked { .. } | WorktreeError::NoGit { .. })) => Err(err),
        Err(err) => {
            tracing::warn!(folder = %site.folder.display(), error = %err, "a warm worktree was passed over");
            Ok(())
        }
    }
}

/// Of which commit the files of a worktree were when its filling began, and of which they are to be.
pub(super) fn between(site: &Site) -> Option<[CommitId; 2]> {
    let text = read_small(&site.admin.join(FILLING))?;
    let mut lines = text.lines().skip(3);
    Some([lines.next()?.parse().ok()?, lines.next()?.parse().ok()?])
}

/// What is written down of who fills a worktree, and of the commits that it goes from and to; both are the same in a new one.
pub(super) fn filler_text(filler: &ProcessId, between: [&CommitId; 2]) -> String {
    let mut text = format!("{}\n{}\n{}\n", filler.pid, filler.started, filler.boot);
    for commit in between {
        text.push_str(commit.as_str());
        text.push('\n');
    }
    text
}

/// The file that says who fills.
pub(super) fn filling_file(site: &Site) -> PathBuf {
    site.admin.join(FILLING)
}
