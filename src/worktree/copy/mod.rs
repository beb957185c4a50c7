//! How a new worktree gets its files by copying a checkout of nearly the same tree, and the rest from the objects of the
//! repository, without git where that is safe.
//!
//! Everything here may say no, and then nothing is left of the try and git makes the worktree. So each guard is one-sided:
//! in any doubt git does it.

mod attributes;
mod index_file;
mod plain;
mod ref_file;
mod register_files;
mod source;
mod tree_copy;
mod tree_index;

use std::{fs, io};

use git2::Repository;
use thiserror::Error;

use self::{index_file::write_index, ref_file::make_branch, source::Source, tree_copy::Copying};
use super::{
    Addition, GitWorktrees, WorktreeError, admin::LockReason, command::GitCall, durable::sync_names,
    lock::RepositoryLock, register::HeadAt, site::Site,
};
use crate::session::{BranchName, CommitId};

pub(super) use self::{
    index_file::{Entry, IndexFile, Kind, content_id},
    plain::{Plain, outer_attributes, own_etc, replaces_objects},
    ref_file::{Logged, log, put_on_branch, who},
    register_files::{Registration, clear_making},
    source::{difference, tree_of},
};

/// Why a copy was not made; git gets the word then.
#[derive(Debug, Error)]
pub(super) enum Stopped {
    /// The branch, or something in its way, is there.
    #[error("something of the name of the branch is there")]
    Branch,
    /// The disk, or a file that is not what it seemed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Git, which was to write the difference, or a file that could not be made durable.
    #[error("{0}")]
    Git(#[from] WorktreeError),
}

/// What a worktree can be copied from.
pub(super) struct Original {
    plain: Plain,
    source: Source,
}

impl GitWorktrees {
    /// Looks for what a new worktree can be copied from; nothing when git has to make it. Writes nothing.
    pub(super) fn find_original(&self, addition: &Addition, site: &Site) -> Option<Original> {
        // A branch that is there can be checked out elsewhere, which git knows best.
        if !addition.start.branch_is_new {
            return None;
        }
        let plain = self.plain(site)?;
        let source = self.find_source(site, &plain.repository, &addition.start.base.commit)?;
        Some(Original { plain, source })
    }

    /// Makes a worktree by copying, durable as far as names go, and says whether it did. If not, git has to make it, and
    /// nothing is left of the try.
    pub(super) fn add_copied(
        &self,
        addition: &Addition,
        site: &Site,
        Original { plain, source }: Original,
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        let commit = &addition.start.base.commit;
        let mut has_branch = false;
        let made = make_branch_logged(&plain, site, &addition.branch, commit).map_err(Stopped::Io);
        let outcome = made.and_then(|made| {
            has_branch = made;
            if !made {
                return Err(Stopped::Branch);
            }
            let reason = LockReason::encode(addition.id, &addition.name);
            let head = HeadAt::Branch(addition.branch.clone());
            let who = plain.keeps_logs.then(|| who(&plain.repository));
            let registration =
                Registration { site, reason: &reason, head: &head, commit, who: who.as_deref(), also: &[] };
            let now = registration.write()?;
            let beside = || sync_names(site, &addition.branch);
            let left_out = copy_files(site, &plain.repository, source, now, beside)?;
            if left_out > 0 {
                self.run(&reading_head(site, lock))?;
            }
            Ok(())
        });
        let Err(stopped) = outcome else {
            return Ok(true);
        };
        tracing::debug!(session = %addition.id, because = %stopped, "a copy was given up, git makes the worktree");
        match self.take_back(addition, site, has_branch, lock) {
            Ok(()) => Ok(false),
            Err(err) => Err(WorktreeError::LeftBehind { source: Box::new(err) }),
        }
    }

    /// Runs the hook that follows a checkout, if hooks are trusted.
    pub(super) fn run_post_checkout(
        &self,
        site: &Site,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if !self.settings.trust_hooks {
            return Ok(());
        }
        let none = "0".repeat(commit.as_str().len());
        let hook = ["hook", "run", "--ignore-missing", "post-checkout", "--"];
        let call = inside(site, &hook, lock).arg(none).arg(commit.as_str()).arg("1");
        self.run(&call).map(drop)
    }
}

/// Fills a registered worktree from another checkout and from the objects of the repository, with its index; does `beside`
/// meanwhile. Answers how many files are left to git. `now` is what the file system takes for the time, in seconds.
pub(super) fn copy_files(
    site: &Site,
    repository: &Repository,
    source: Source,
    now: i64,
    beside: impl FnOnce() -> Result<(), WorktreeError> + Send,
) -> Result<usize, Stopped> {
    let objects = repository.odb().map_err(io::Error::other)?;
    let (copied, synced) = Copying::of(&source, &objects, &site.folder, now)?.run(beside)?;
    synced?;
    let mut index = source.wanted;
    let mut left_out = 0;
    for (number, found) in copied.into_iter().enumerate() {
        if let Some(found) = found {
            index.note(number, &found);
        } else {
            index.forget(number);
            left_out += 1;
        }
    }
    write_index(&site.admin, &index.into_bytes())?;
    Ok(left_out)
}

/// Has git write what of HEAD is not in the folder yet.
pub(super) fn reading_head<'a>(site: &'a Site, lock: &'a RepositoryLock) -> GitCall<'a> {
    inside(site, &["read-tree", "--reset", "-u", "--no-recurse-submodules", "HEAD"], lock)
}

/// A command of git that works on a worktree whatever its own configuration says.
pub(super) fn inside<'a>(site: &'a Site, args: &[&str], lock: &'a RepositoryLock) -> GitCall<'a> {
    let call = GitCall::tell(&site.folder, args, lock);
    call.env("GIT_DIR", &site.admin).env("GIT_WORK_TREE", &site.folder)
}

/// Makes the branch of a session, with the first line of its log. Says whether it did: not when something of that name,
/// or in its way, is there.
pub(super) fn make_branch_logged(
    plain: &Plain,
    site: &Site,
    branch: &BranchName,
    commit: &CommitId,
) -> io::Result<bool> {
    if !make_branch(&site.common, branch, commit)? {
        return Ok(false);
    }
    if plain.keeps_logs {
        let because = format!("branch: Created from {commit}");
        let path = site.common.join("logs").join(branch.reference());
        let line = Logged { from: None, to: commit, because: &because };
        if let Err(err) = log(&path, &who(&plain.repository), &line) {
            fs::remove_file(site.common.join(branch.reference()))?;
            return Err(err);
        }
    }
    Ok(true)
}
