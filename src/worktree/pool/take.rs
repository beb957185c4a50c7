//! How a session takes a warm worktree: branch, claim, HEAD, lock and record; its files are there.

use std::path::PathBuf;

use super::slot::{Seal, TAKING, is_ready, ready_file, sealed, set_changed};
use crate::{
    atomic,
    session::{CommitId, RepositoryPath, SessionId},
    worktree::{
        AddEnd, Addition, GitWorktrees, Start, WorktreeError, WorktreeLock,
        add::write_record,
        admin::{Admin, Head, LockReason},
        copy::{self, Logged, Plain, difference, inside, log, put_on_branch, tree_of, who},
        dead_locks::clear_dead_locks,
        durable::replace_shared,
        fill::files_of,
        handle::Handle,
        lock::RepositoryLock,
        register::remove_if_there,
        site::{Site, io_error, is_there},
    },
};

/// Of how many of its files one may differ, so that a worktree is near enough: git writes those, and a cold checkout
/// writes all.
const NEAR_SHARE: usize = 2;
/// Why a worktree that was chosen is not taken.
const CHANGED_MEANWHILE: &str = "the warm worktree is not what it was";
/// How many warm worktrees are looked at for one create.
const LOOKED_AT_MAX: usize = 16;

impl GitWorktrees {
    /// The warm worktrees that a create could take, the nearest first.
    pub(in crate::worktree) fn warm_for(&self, repository: &RepositoryPath, start: &Start) -> Vec<SessionId> {
        let Ok(common) = self.common_dir(repository) else {
            return Vec::new();
        };
        let mut near: Vec<(usize, SessionId)> = Vec::new();
        for id in sealed(&common).into_iter().take(LOOKED_AT_MAX) {
            let Ok(site) = self.site(id, repository) else {
                continue;
            };
            let Some(seal) = Seal::read(&site).filter(|seal| seal.holds(&site)) else {
                continue;
            };
            if let Some(different) = self.is_near(&site, &seal, start) {
                near.push((different, id));
            }
        }
        near.sort_unstable();
        near.into_iter().map(|(_, id)| id).collect()
    }

    /// In how many files the worktree differs from what is wanted; nothing when a cold checkout is less work.
    fn is_near(&self, site: &Site, seal: &Seal, start: &Start) -> Option<usize> {
        let (at, wanted) = (seal.commit()?, &start.base.commit);
        if at == *wanted {
            return Some(0);
        }
        let files = usize::try_from(files_of(&site.admin).ok()?).ok()?;
        let different = match self.open(&site.root).ok()? {
            Handle::Library(repository) => {
                let (one, other) = (tree_of(&repository, &at)?, tree_of(&repository, wanted)?);
                // Where attributes differ git still gets it right, and what that costs cannot be told by counting.
                if one.id() == other.id() { 0 } else { difference(&repository, &one, &other)? }
            }
            Handle::Command(folder) => {
                let args =
                    ["diff-tree", "-r", "-z", "--no-renames", "--name-only", at.as_str(), wanted.as_str()];
                self.git(&folder, &args).ok()?.split(|&byte| byte == 0).count() - 1
            }
        };
        (different <= files / NEAR_SHARE).then_some(different)
    }

    /// Takes a warm worktree for a session; answers what has to be durable before the create is acknowledged. After an
    /// error the worktree is in the pool as before, is set aside with what somebody changed in it, or is gone.
    pub(in crate::worktree) fn take_warm(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<Vec<PathBuf>, WorktreeError> {
        let lost = || WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE };
        let seal = Seal::read(site).filter(|seal| seal.holds(site)).ok_or_else(lost)?;
        let at = seal.commit().ok_or_else(lost)?;
        let plain = if at == addition.start.base.commit && addition.start.branch_is_new {
            self.plain(site)
        } else {
            None
        };
        let outcome = match plain {
            Some(plain) => self.take_by_files(addition, site, &plain, &at),
            None => self.take_by_git(addition, site, &seal, lock),
        };
        let outcome = outcome.and_then(|()| self.dress(addition, site, lock));
        match outcome {
            Ok(()) => Ok(names(addition, site)),
            Err(err) => {
                self.give_back_warm(addition, site, &err)?;
                Err(err)
            }
        }
    }

    /// Branch and HEAD as files, where nothing can make a difference. The branch comes first: when that fails the
    /// worktree is still in the pool.
    fn take_by_files(
        &self,
        addition: &Addition,
        site: &Site,
        plain: &Plain,
        at: &CommitId,
    ) -> Result<(), WorktreeError> {
        let branch = &addition.branch;
        let reference = site.common.join(branch.reference());
        let made = copy::make_branch_logged(plain, site, branch, at);
        if !made.map_err(io_error("make", &reference))? {
            return Err(WorktreeError::BranchExists { branch: branch.clone() });
        }
        let claimed = claim(site).and_then(|()| {
            let head = site.admin.join("HEAD");
            put_on_branch(&site.admin, branch).map_err(io_error("replace", &head))
        });
        if let Err(err) = claimed {
            self.delete_branch_at(site, branch, at)?;
            return Err(err);
        }
        if plain.keeps_logs {
            let path = site.admin.join("logs/HEAD");
            let because = format!("checkout: moving from {at} to {branch}");
            let line = Logged { from: Some(at), to: at, because: &because };
            log(&path, &who(&plain.repository), &line).map_err(io_error("write", &path))?;
        }
        Ok(())
    }

    /// Everything else is one command of git, which writes no more than what differs.
    fn take_by_git(
        &self,
        addition: &Addition,
        site: &Site,
        seal: &Seal,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let is_moving = seal.commit != addition.start.base.commit.as_str();
        // Where refs are no files, only git knows whether HEAD is where it was.
        let is_known = Admin::read(&site.admin)?.is_some_and(|it| it.head != Head::ElsewhereInGit);
        if !is_known && !self.is_at(site, seal) {
            return Err(WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE });
        }
        if is_moving && !self.is_untouched_at_rest(site)? {
            return Err(WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE });
        }
        claim(site)?;
        let mut call = inside(site, &["switch", "--quiet", "--no-track"]);
        if addition.start.branch_is_new {
            call = call.arg("-c").arg(addition.branch.as_str());
            // Without a start point git does not look at a single file.
            if is_moving {
                call = call.arg(addition.start.base.commit.as_str());
            }
        } else {
            call = inside(site, &["switch", "--quiet"]).arg(addition.branch.as_str());
        }
        // The hook that follows a checkout is run afterwards, as for every other create.
        let call = call.configured("core.hooksPath", "/dev/null").holding(lock.file());
        self.run(&call).map(drop).map_err(|err| self.named(err, &addition.branch, site))
    }

    fn is_at(&self, site: &Site, seal: &Seal) -> bool {
        let head = self.line(&site.folder, &["rev-parse", "--verify", "--quiet", "HEAD"]);
        matches!(head, Ok(Some(head)) if head == seal.commit)
    }

    /// Makes a taken worktree that of a session.
    fn dress(&self, addition: &Addition, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        let base = &addition.start.base.commit;
        // What a hook writes cannot be told afterwards from what a person wrote before.
        if self.settings.trust_hooks && !self.is_untouched(site, base)? {
            return Err(WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE });
        }
        let locked = site.admin.join("locked");
        let reason = LockReason::encode(addition.id, &addition.name);
        replace_shared(&locked, &site.admin.join("locked.wharf"), reason.as_bytes())?;
        remove_if_there(&site.admin.join(TAKING))?;
        self.run_post_checkout(site, base, lock)?;
        write_record(site, &addition.record)
    }

    /// After a take that failed: into the pool again when nothing was touched yet, else it goes like any create that failed.
    fn give_back_warm(
        &self,
        addition: &Addition,
        site: &Site,
        err: &WorktreeError,
    ) -> Result<(), WorktreeError> {
        tracing::debug!(session = %addition.id, error = %err, "a warm worktree was not taken");
        // Git looks at names before it touches anything.
        let is_refused =
            matches!(err, WorktreeError::BranchExists { .. } | WorktreeError::BranchInUse { .. });
        let taking = site.admin.join(TAKING);
        if is_refused && is_there(&taking) {
            return atomic::rename(&taking, &ready_file(site)).map_err(io_error("replace", &taking));
        }
        // Without the note it is a session's by now, or it is somebody else's.
        let is_dressed = site.lock() == WorktreeLock::Ours;
        if is_ready(site) || !(is_there(&taking) || is_dressed) {
            return Ok(());
        }
        clear_dead_locks(site);
        let ended = if is_dressed {
            self.take_back(addition, site, addition.start.branch_is_new)
        } else {
            self.end_take(addition, site).map(drop)
        };
        ended.map_err(|err| WorktreeError::LeftBehind { source: Box::new(err) })
    }

    /// Ends a take that did not come to its end; the caller has the repository lock. What somebody changed in the worktree
    /// stays.
    pub(in crate::worktree) fn end_take(
        &self,
        addition: &Addition,
        site: &Site,
    ) -> Result<AddEnd, WorktreeError> {
        let branch_is_ours = addition.start.branch_is_new;
        let base = &addition.start.base.commit;
        if is_ready(site) {
            // Not claimed yet: at most the branch was made.
            if branch_is_ours {
                self.delete_branch_at(site, &addition.branch, base)?;
            }
            return Ok(AddEnd::TakenBack);
        }
        // Where git had to write a difference, all files were looked at before, and what differs now is its work.
        let was_moving = Seal::of_taken(site).is_some_and(|seal| seal.commit != base.as_str());
        if was_moving || self.is_untouched(site, base)? {
            self.take_back(addition, site, branch_is_ours)?;
            return Ok(AddEnd::TakenBack);
        }
        set_changed(site)?;
        let (locked, reason) = (site.admin.join("locked"), super::slot::reason(site.id));
        replace_shared(&locked, &site.admin.join("locked.wharf"), reason.as_bytes())?;
        Ok(AddEnd::TakenBack)
    }
}

/// Claims a worktree: of several who try, one renames the seal.
fn claim(site: &Site) -> Result<(), WorktreeError> {
    let (seal, taking) = (ready_file(site), site.admin.join(TAKING));
    atomic::rename(&seal, &taking).map_err(|_| WorktreeError::Unusable {
        id: site.id,
        because: "the warm worktree was taken by somebody else",
    })
}

/// What a take has written, and the folders that name it. What was there before is durable since the worktree is ready.
fn names(addition: &Addition, site: &Site) -> Vec<PathBuf> {
    let mut paths = addition.durable_first.clone();
    paths.extend(["HEAD", "locked", "index", "session.json"].map(|name| site.admin.join(name)));
    paths.push(site.admin.clone());
    let reference = site.common.join(addition.branch.reference());
    if !reference.is_file() {
        return paths;
    }
    let heads = site.common.join("refs/heads");
    paths.extend(reference.ancestors().skip(1).take_while(|at| at.starts_with(&heads)).map(PathBuf::from));
    paths.push(reference);
    paths
}
