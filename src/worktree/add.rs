//! How a session gets its worktree: branch, folder, lock and record, all of it or nothing (RELIABILITY G2 to G4).

use std::path::PathBuf;

use super::{
    AddEnd, Addition, GitWorktrees, WorktreeError, WorktreeLock,
    admin::{Admin, Head, LockReason, RECORD_BYTES_MAX, RECORD_FILE},
    command::GitCall,
    copy::Original,
    dead_locks::clear_dead_locks,
    durable::{exists_with_bytes, last_written, sync_all, sync_names, unsynced},
    exclude::exclude_own_files,
    fill::workers,
    lock::RepositoryLock,
    pool,
    regular::read_regular,
    remember::write_reason,
    site::{Site, io_error, is_there, make_folder},
    ties::heal_ties,
};
use crate::{
    atomic::{self, Durability},
    session::BranchName,
};

/// How often an add begins again when a `git worktree prune` took its administrative folder before it was locked.
const TRIES_MAX: usize = 20;

impl GitWorktrees {
    pub(super) fn add_one(&self, addition: &Addition) -> Result<Vec<PathBuf>, WorktreeError> {
        let site = self.site(addition.id, &addition.repository)?;
        self.at_work(&site, |lock| {
            if pool::is_ready(&site) {
                return self.take_warm(addition, &site, lock);
            }
            for _ in 1..TRIES_MAX {
                match self.add_locked(addition, &site, lock) {
                    Err(err) if was_pruned(&err, &site) => {
                        tracing::debug!(session = %addition.id, error = %err, "somebody pruned a worktree in the making");
                    }
                    outcome => return outcome,
                }
            }
            self.add_locked(addition, &site, lock)
        })
    }

    fn add_locked(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<Vec<PathBuf>, WorktreeError> {
        // What only reads need not wait until what is reserved is durable.
        let (ready, synced) = atomic::sync_beside(&addition.durable_first, || {
            self.make_ready(site).map(|()| self.find_original(addition, site))
        });
        let original = ready?;
        synced.map_err(unsynced)?;
        let outcome = self.check_out(addition, site, original, lock).and_then(|()| {
            // After everything that makes it a session: what has it is complete. It is not durable yet.
            write_record(site, &addition.record)?;
            self.follow_checkout(addition, site, lock)
        });
        let err = match outcome {
            Ok(()) => return Ok(last_written(site)),
            Err(kept @ WorktreeError::Kept { .. }) => return Err(kept),
            Err(err) => err,
        };
        // A branch that was there before git began is somebody else's, even if it is at the same commit.
        let branch_is_ours =
            addition.start.branch_is_new && !matches!(err, WorktreeError::BranchExists { .. });
        if matches!(err, WorktreeError::NoGit { .. }) && !site.has_admin() {
            return Err(err);
        }
        // A git that was killed leaves its locks behind, and the branch could not be deleted.
        clear_dead_locks(site);
        match self.take_back(addition, site, branch_is_ours, lock) {
            Ok(()) => Err(err),
            Err(undo) => {
                tracing::warn!(session = %addition.id, error = %undo, "a failed create could not be taken back");
                Err(WorktreeError::LeftBehind { source: Box::new(err) })
            }
        }
    }

    /// Runs the hook that follows a checkout. It can take minutes, in which somebody may begin to work: when it fails after
    /// that, the worktree is not to be taken back.
    pub(super) fn follow_checkout(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let base = &addition.start.base.commit;
        self.run_post_checkout(site, base, lock).map_err(|err| {
            clear_dead_locks(site);
            // What cannot be looked at may be work as well.
            if self.has_own_work(site, [base, base], lock).unwrap_or(true) {
                WorktreeError::Kept { source: Box::new(err) }
            } else {
                err
            }
        })
    }

    /// Makes the branch and the worktree with its files: by a copy of another checkout, else by git.
    fn check_out(
        &self,
        addition: &Addition,
        site: &Site,
        original: Option<Original>,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if let Some(original) = original
            && self.add_copied(addition, site, original, lock)?
        {
            return Ok(());
        }
        let workers = self.register_new(addition, site, lock)?;
        // A prune that looked before git had locked the new folder can take the lock alone with it.
        write_reason(site, &addition.name)?;
        self.fill_and_sync(addition, site, lock, workers)
    }

    /// Sees that the places of a new worktree are free, and readies the repository for it.
    fn make_ready(&self, site: &Site) -> Result<(), WorktreeError> {
        self.make_worktrees_folder()?;
        for place in [&site.folder, &site.admin] {
            if is_there(place) {
                return Err(WorktreeError::UnsafePath { path: place.clone(), because: "is already there" });
            }
        }
        if self.workspace.root().starts_with(&site.root) {
            exclude_own_files(&site.common)?;
        }
        heal_ties(&site.common).map(drop)
    }

    pub(super) fn settle_one(&self, addition: &Addition) -> Result<AddEnd, WorktreeError> {
        let site = self.site(addition.id, &addition.repository)?;
        self.at_work(&site, |lock| {
            // Looked up again, because the add may have ended while we waited for the lock.
            let site = self.site(addition.id, &addition.repository)?;
            if is_added(&site)? {
                // Whoever made it may have been killed before it was on the disk.
                sync_names(&site, &addition.branch)?;
                sync_all(&last_written(&site))?;
                pool::end_taken(&site)?;
                return Ok(AddEnd::Complete);
            }
            if pool::is_take(&site) {
                return self.end_take(addition, &site, lock);
            }
            if self.is_worked_in(addition, &site, lock)? {
                tracing::warn!(session = %addition.id, "somebody works in what a killed create has left, so it stays");
                write_record(&site, &addition.record)?;
                sync_names(&site, &addition.branch)?;
                sync_all(&last_written(&site))?;
                return Ok(AddEnd::Complete);
            }
            self.take_back_unless_slot(addition, &site, lock)?;
            Ok(AddEnd::TakenBack)
        })
    }

    /// Whether an add has made everything, but perhaps its record, and somebody has done something in it already. He may
    /// have unlocked it, too.
    pub(super) fn is_worked_in(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        // What was in a worktree of the pool before it was taken is set aside.
        let is_judged = !pool::was_taken(site) || self.settings.trust_hooks;
        let base = &addition.start.base.commit;
        Ok(is_judged && is_made(site)? && self.has_own_work(site, [base, base], lock)?)
    }

    /// Makes `.worktrees`, which must be a real folder.
    pub(super) fn make_worktrees_folder(&self) -> Result<(), WorktreeError> {
        if make_folder(&self.workspace.worktrees())? {
            sync_all(&[self.workspace.root().to_owned()])?;
        }
        Ok(())
    }

    /// Makes the branch, if it is new, and a locked worktree without files on it. Answers with how many processes git is
    /// to write the files, which is found out meanwhile.
    fn register_new(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<Option<usize>, WorktreeError> {
        let reason = LockReason::encode(addition.id, &addition.name);
        let add = ["worktree", "add", "--no-checkout", "--lock", "--reason", &reason];
        let mut call = GitCall::tell(&site.root, &add, lock);
        let start = if addition.start.branch_is_new {
            call = call.arg("--no-track").arg("-b").arg(addition.branch.as_str());
            addition.start.base.commit.as_str()
        } else {
            addition.branch.as_str()
        };
        let call = call.arg("--").arg(&site.folder).arg(start);
        let made = self.run_beside(&call, || workers(&site.common));
        made.map(|(_, workers)| workers).map_err(|err| self.named(err, &addition.branch, site))
    }
}

/// Whether git failed because its new administrative folder went away under its hands.
fn was_pruned(err: &WorktreeError, site: &Site) -> bool {
    let WorktreeError::Git { stderr, .. } = err else {
        return false;
    };
    let gone = ["No such file or directory", "could not find created worktree"];
    stderr.contains(&site.id.to_string()) && gone.iter().any(|word| stderr.contains(word))
}

/// Whether everything that an add writes is there: the record is written after git has ended. On which branch it is does
/// not matter, because somebody may have switched to another one since.
fn is_added(site: &Site) -> Result<bool, WorktreeError> {
    let is_ours = site.lock() == WorktreeLock::Ours;
    Ok(is_ours && is_made(site)? && exists_with_bytes(&site.admin.join(RECORD_FILE)))
}

/// The same without lock and record.
fn is_made(site: &Site) -> Result<bool, WorktreeError> {
    let admin = Admin::read(&site.admin)?;
    Ok(site.is_linked()
        && admin.is_some_and(|admin| !matches!(admin.head, Head::Garbage | Head::Emptied))
        && exists_with_bytes(&site.admin.join("index")))
}

/// Whether the administrative folder has exactly this record.
pub(super) fn has_record(site: &Site, record: &str) -> bool {
    let found = read_regular(&site.admin.join(RECORD_FILE), RECORD_BYTES_MAX);
    found.is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes == record.as_bytes()))
}

/// Puts the session's record into the administrative folder.
pub(super) fn write_record(site: &Site, record: &str) -> Result<(), WorktreeError> {
    let path = site.admin.join(RECORD_FILE);
    atomic::replace(&path, record.as_bytes(), Durability::Crash).map_err(io_error("replace", &path))
}

impl GitWorktrees {
    /// Gives git's complaints about a branch their own names.
    pub(super) fn named(&self, err: WorktreeError, branch: &BranchName, site: &Site) -> WorktreeError {
        let WorktreeError::Git { stderr, .. } = &err else {
            return err;
        };
        let branch = branch.clone();
        if stderr.contains("already used by worktree at") || stderr.contains("already checked out at") {
            let user = self.other_user_of(site, &branch).ok().flatten();
            let path = user.unwrap_or_else(|| site.root.clone());
            return WorktreeError::BranchInUse { branch, path };
        }
        let taken = stderr.contains("a branch named") && stderr.contains("already exists");
        let blocked = stderr.contains("cannot lock ref") && stderr.contains("exists");
        if taken || blocked {
            return WorktreeError::BranchExists { branch };
        }
        err
    }
}
