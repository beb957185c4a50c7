//! How a session takes a warm worktree: branch, claim, HEAD, lock and record; its files are there.

use std::path::PathBuf;

use super::{
    carried::forget_index,
    slot::{
        Seal, TAKEN, TAKING, forget_target, has_pool, is_ready, is_unwanted, note_target, ready_file, sealed,
        set_changed,
    },
};
use crate::{
    atomic::{self, Durability},
    session::{Base, CommitId, RepositoryPath, SessionId},
    worktree::{
        AddEnd, Addition, GitWorktrees, Start, WorktreeError, WorktreeLock,
        add::write_record,
        admin::{Admin, Head, LockReason},
        command::GitCall,
        copy::{self, Logged, Plain, difference, inside, log, put_on_branch, tree_of, who},
        dead_locks::clear_dead_locks,
        durable::{put_shared, replace_shared, unsynced},
        fill::files_of,
        handle::Handle,
        lock::RepositoryLock,
        site::{Site, io_error, is_there},
        surroundings::Opened,
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
    pub(in crate::worktree) fn warm_for(
        &self,
        repository: &RepositoryPath,
        of: Opened<'_>,
        start: &Start,
    ) -> Vec<SessionId> {
        let mut near: Vec<(usize, SessionId)> = Vec::new();
        // Its files are looked at when it is taken.
        for (site, seal) in self.fit(repository, of, Seal::seems_to_hold) {
            if let Some(different) = self.is_near(&site, &seal, start) {
                near.push((different, site.id));
            }
        }
        near.sort_unstable();
        near.into_iter().map(|(_, id)| id).collect()
    }

    /// The warm worktrees that hold and are written as git would write them now.
    fn fit(
        &self,
        repository: &RepositoryPath,
        of: Opened<'_>,
        holds: impl Fn(&Seal, &Site) -> bool,
    ) -> Vec<(Site, Seal)> {
        let mut fit = Vec::new();
        let mut now: Option<Option<String>> = None;
        for id in sealed(of.common).into_iter().take(LOOKED_AT_MAX) {
            let site = self.site_in(of.common.to_owned(), id, repository);
            let Some(seal) = Seal::read(&site).filter(|seal| holds(seal, &site)) else {
                continue;
            };
            let manner = now.get_or_insert_with(|| self.manner(&self.look_around(of)));
            if seal.is_in(manner.as_deref()) {
                fit.push((site, seal));
            }
        }
        fit
    }

    /// Whether a repository has fewer than so many that a create from HEAD could take.
    pub(in crate::worktree) fn lacks_warm_for_head(
        &self,
        repository: &RepositoryPath,
        size: usize,
    ) -> Result<bool, WorktreeError> {
        let (folder, common) = self.places(repository)?;
        if !has_pool(&common) || is_unwanted(&common) {
            return Ok(false);
        }
        let handle = self.open(&folder)?;
        let Some(head) = self.commit_of(&handle, "HEAD")? else {
            return Ok(false);
        };
        let start =
            Start { base: Base { commit: head.commit, reference: head.reference }, branch_is_new: true };
        let fit =
            self.fit(repository, Opened { handle: &handle, root: &folder, common: &common }, Seal::holds);
        Ok(fit.iter().filter(|(site, seal)| self.is_near(site, seal, &start).is_some()).count() < size)
    }

    /// In how many files the worktree differs from what is wanted; nothing when a cold checkout is less work.
    fn is_near(&self, site: &Site, seal: &Seal, start: &Start) -> Option<usize> {
        let (at, wanted) = (seal.commit()?, &start.base.commit);
        if at == *wanted {
            return Some(0);
        }
        let files = usize::try_from(files_of(&site.admin).ok()?).ok()?;
        self.differing(site, &at, wanted).filter(|different| *different <= files / NEAR_SHARE)
    }

    /// In how many files two commits differ; nothing when attributes or submodules are among them, because git then
    /// leaves files as they are that a new checkout has otherwise.
    pub(super) fn differing(&self, site: &Site, one: &CommitId, other: &CommitId) -> Option<usize> {
        match self.open(&site.root).ok()? {
            Handle::Library(repository) => {
                let (one, other) = (tree_of(&repository, one)?, tree_of(&repository, other)?);
                if one.id() == other.id() { Some(0) } else { difference(&repository, &one, &other) }
            }
            Handle::Command(folder) => {
                let args = ["diff-tree", "-r", "-z", "--no-renames", one.as_str(), other.as_str()];
                let answer = self.git(&folder, &args).ok()?;
                let fields: Vec<&[u8]> =
                    answer.split(|&byte| byte == 0).filter(|it| !it.is_empty()).collect();
                let is_special = |pair: &[&[u8]]| {
                    pair[0].windows(6).any(|mode| mode == b"160000")
                        || pair.last().is_some_and(|name| name.ends_with(b".gitattributes"))
                };
                (!fields.chunks(2).any(is_special)).then_some(fields.len() / 2)
            }
        }
    }

    /// Takes a warm worktree for a session; answers what has to be durable before the create is acknowledged. After an
    /// error the worktree is in the pool as before, is set aside with what somebody changed in it, or is gone.
    pub(in crate::worktree) fn take_warm(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<Vec<PathBuf>, WorktreeError> {
        // What is reserved is durable before there is a branch: a power cut leaves none that nobody asked for.
        let (found, synced) =
            atomic::sync_beside(&addition.durable_first, || self.look_before_take(addition, site));
        synced.map_err(unsynced)?;
        let lost = || WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE };
        let (seal, plain) = found.ok_or_else(lost)?;
        let by_files = plain.map_or(Ok(false), |plain| self.take_by_files(addition, site, &plain, lock));
        let outcome = match by_files {
            Ok(true) => Ok(()),
            Ok(false) => self.take_by_git(addition, site, &seal, lock),
            Err(err) => Err(err),
        };
        let outcome = outcome.and_then(|()| self.dress(addition, site, lock));
        match outcome {
            Ok(()) => Ok(names(addition, site)),
            Err(kept @ WorktreeError::Kept { .. }) => Err(kept),
            Err(err) => {
                self.give_back_warm(addition, site, &err, lock)?;
                Err(err)
            }
        }
    }

    /// Whether a worktree is what it was; and whether files are enough to put a branch on it, by the same look at the
    /// repository.
    fn look_before_take(&self, addition: &Addition, site: &Site) -> Option<(Seal, Option<Plain>)> {
        let seal = Seal::read(site).filter(|seal| seal.holds(site))?;
        let at = seal.commit()?;
        let handle = self.open(&site.root).ok()?;
        let around = self.look_around(site.opened(&handle));
        if !seal.is_in(self.manner(&around).as_deref()) {
            return None;
        }
        let is_there_already = at == addition.start.base.commit && addition.start.branch_is_new;
        let logging = if is_there_already { self.logging_if_plain(&around) } else { None };
        let plain = logging.and_then(|logging| Plain::of(handle, logging));
        Some((seal, plain))
    }

    /// Branch and HEAD as files, where nothing can make a difference. The branch comes first: when that cannot be made so,
    /// nothing was touched, and it is for git to make it or to say what is in the way.
    fn take_by_files(
        &self,
        addition: &Addition,
        site: &Site,
        plain: &Plain,
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        let (branch, at) = (&addition.branch, &addition.start.base.commit);
        match copy::make_branch_logged(plain, site, branch, at) {
            Ok(true) => (),
            Ok(false) => return Ok(false),
            Err(err) => {
                tracing::debug!(session = %addition.id, error = %err, "git is to make the branch");
                return Ok(false);
            }
        }
        let claimed = claim(site).and_then(|()| {
            let head = site.admin.join("HEAD");
            put_on_branch(&site.admin, branch).map_err(io_error("replace", &head))
        });
        if let Err(err) = claimed {
            self.delete_branch_at(site, branch, at, lock)?;
            return Err(err);
        }
        if plain.keeps_logs {
            let path = site.admin.join("logs/HEAD");
            let because = format!("checkout: moving from {at} to {branch}");
            let line = Logged { from: Some(at), to: at, because: &because };
            log(&path, &who(&plain.repository), &line).map_err(io_error("write", &path))?;
        }
        Ok(true)
    }

    /// Everything else is one command of git, which writes no more than what differs; and another one before it, where
    /// hooks are trusted that are to hear of the branch.
    fn take_by_git(
        &self,
        addition: &Addition,
        site: &Site,
        seal: &Seal,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let Addition { branch, start, .. } = addition;
        let is_moving = seal.commit != start.base.commit.as_str();
        // Where refs are no files, only git knows whether HEAD is where it was.
        let is_known = Admin::read(&site.admin)?.is_some_and(|it| it.head != Head::ElsewhereInGit);
        if !is_known && !self.is_at(site, seal) {
            return Err(WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE });
        }
        if is_moving && !self.is_untouched_at_rest(site)? {
            return Err(WorktreeError::Unusable { id: site.id, because: CHANGED_MEANWHILE });
        }
        if is_moving {
            forget_index(site)?;
            note_target(site, &start.base.commit)?;
        }
        let named = |err| self.named(err, branch, site);
        let makes_branch = start.branch_is_new && self.settings.trust_hooks;
        if makes_branch {
            let make = ["branch", "--no-track", "--", branch.as_str(), start.base.commit.as_str()];
            self.run(&GitCall::tell(&site.root, &make, lock)).map_err(named)?;
        }
        let mut call = inside(site, &["switch", "--quiet", "--no-track"], lock);
        if start.branch_is_new && !makes_branch {
            call = call.arg("-c").arg(branch.as_str());
            // Without a start point git does not look at a single file.
            if is_moving {
                call = call.arg(start.base.commit.as_str());
            }
        } else {
            call = inside(site, &["switch", "--quiet"], lock).arg(branch.as_str());
        }
        // The hook that follows a checkout is run afterwards, as for every other create.
        let call = call.configured("core.hooksPath", "/dev/null");
        let switched = claim(site).and_then(|()| self.run(&call).map(drop).map_err(named));
        if switched.is_err() && makes_branch {
            self.delete_branch_at(site, branch, &start.base.commit, lock)?;
        }
        switched
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
        // It is durable with everything else that names the session; until then a start takes this back, whatever it says.
        // What a hook wrote is not taken back, so its session must have a lock.
        let durability = if self.settings.trust_hooks { Durability::PowerCut } else { Durability::Crash };
        put_shared(&locked, &site.admin.join("locked.wharf"), reason.as_bytes(), durability)?;
        let (taking, taken) = (site.admin.join(TAKING), site.admin.join(TAKEN));
        atomic::rename(&taking, &taken).map_err(io_error("replace", &taking))?;
        forget_target(site)?;
        // A hook can take minutes: what has its record is a session.
        write_record(site, &addition.record)?;
        self.follow_checkout(addition, site, lock)
    }

    /// After a take that failed: into the pool again when nothing was touched yet, else it goes like any create that failed.
    fn give_back_warm(
        &self,
        addition: &Addition,
        site: &Site,
        err: &WorktreeError,
        lock: &RepositoryLock,
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
            self.take_back_taken(addition, site, lock)
        } else {
            self.end_take(addition, site, lock).map(drop)
        };
        ended.map_err(|err| WorktreeError::LeftBehind { source: Box::new(err) })
    }

    /// Ends a take that did not come to its end; the caller has the repository lock. What somebody changed in the worktree
    /// stays.
    pub(in crate::worktree) fn end_take(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<AddEnd, WorktreeError> {
        let branch_is_ours = addition.start.branch_is_new;
        let base = &addition.start.base.commit;
        if is_ready(site) {
            // Not claimed yet: at most the branch was made.
            if branch_is_ours {
                self.delete_branch_at(site, &addition.branch, base, lock)?;
            }
            return Ok(AddEnd::TakenBack);
        }
        let from = Seal::of_taken(site).and_then(|seal| seal.commit());
        if self.has_own_work(site, [from.as_ref().unwrap_or(base), base], lock)? {
            set_taken_aside(site)?;
        } else {
            self.take_back(addition, site, branch_is_ours, lock)?;
        }
        Ok(AddEnd::TakenBack)
    }

    /// Takes back what was a worktree of the pool and is a session's that never was acknowledged. What somebody changed in
    /// it before it was taken stays.
    pub(in crate::worktree) fn take_back_taken(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        // With hooks it was looked at before they ran, and what is in it now is theirs.
        if !self.settings.trust_hooks && !self.is_untouched(site, &addition.start.base.commit)? {
            return set_taken_aside(site);
        }
        self.take_back(addition, site, addition.start.branch_is_new, lock)
    }
}

/// Sets a worktree that was taken aside as changed, with the branch that is checked out in it.
fn set_taken_aside(site: &Site) -> Result<(), WorktreeError> {
    set_changed(site)?;
    let (locked, reason) = (site.admin.join("locked"), super::slot::reason(site.id));
    replace_shared(&locked, &site.admin.join("locked.wharf"), reason.as_bytes())
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
/// First comes what is new and was never given a place on the disk: a journal that is written while that is missing has to
/// be written twice.
fn names(addition: &Addition, site: &Site) -> Vec<PathBuf> {
    let mut paths = vec![site.admin.join("session.json")];
    let reference = site.common.join(addition.branch.reference());
    let is_file = reference.is_file();
    if is_file {
        paths.push(reference.clone());
    }
    paths.extend(["HEAD", "locked", "index"].map(|name| site.admin.join(name)));
    paths.push(site.admin.clone());
    if is_file {
        let heads = site.common.join("refs/heads");
        let folders = reference.ancestors().skip(1).take_while(|at| at.starts_with(&heads));
        paths.extend(folders.map(PathBuf::from));
    }
    paths
}
