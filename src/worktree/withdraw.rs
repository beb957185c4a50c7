//! How an add that did not end is taken back, wherever it stopped.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    AddEnd, Addition, GitWorktrees, WorktreeError,
    admin::Admin,
    command::GitCall,
    copy::clear_making,
    delete::delete_tree,
    lock::RepositoryLock,
    pool, refs,
    site::{Site, io_error, is_folder, is_there, make_folder, pointer_of},
};
use crate::{
    atomic,
    session::{BranchName, CommitId},
};

impl GitWorktrees {
    pub(super) fn withdraw_one(&self, addition: &Addition) -> Result<AddEnd, WorktreeError> {
        let site = self.site(addition.id, &addition.repository)?;
        // Held until every git command of the add has ended, also when its wharf was killed.
        self.at_work(&site, |lock| {
            // Its last step can be a hook that took minutes, in which somebody began to work.
            if self.is_worked_in(addition, &site, lock)? {
                return Ok(AddEnd::Complete);
            }
            self.take_back_unless_slot(addition, &site, lock)?;
            Ok(AddEnd::TakenBack)
        })
    }

    /// Takes an add back. A worktree of the pool that was reserved and never taken is none of it: it can be ready for
    /// somebody else, or hold the work of a person.
    pub(super) fn take_back_unless_slot(
        &self,
        addition: &Addition,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        let branch_is_ours = addition.start.branch_is_new;
        if !pool::is_still_slot(site)? {
            if pool::was_taken(site) {
                return self.take_back_taken(addition, site, lock);
            }
            return self.take_back(addition, site, branch_is_ours, lock);
        }
        // One that was set aside after its branch was made is on that branch.
        let is_on_it = Admin::read(&site.admin)?
            .is_some_and(|admin| admin.head.branch() == Some(&*addition.branch.reference()));
        if branch_is_ours && !is_on_it {
            self.delete_branch_at(site, &addition.branch, &addition.start.base.commit, lock)?;
        }
        Ok(())
    }

    /// Removes folder, administrative folder and branch, whatever is in them; the caller has the repository lock and
    /// has seen that nobody's work is. All three are tried, and the first error is returned.
    pub(super) fn take_back(
        &self,
        addition: &Addition,
        site: &Site,
        branch_is_ours: bool,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        self.check_is_ours(site)?;
        let folder = self.throw_away(site);
        let admin = clear_making(site).and(delete_tree(&site.admin));
        let branch = if branch_is_ours {
            self.delete_branch_at(site, &addition.branch, &addition.start.base.commit, lock)
        } else {
            Ok(())
        };
        folder.and(admin).and(branch)
    }

    /// Refuses when folder or administrative folder belong to something else.
    fn check_is_ours(&self, site: &Site) -> Result<(), WorktreeError> {
        let refuse = |because| Err(WorktreeError::UnsafePath { path: site.folder.clone(), because });
        if !is_there(&self.workspace.worktrees()) {
            return Ok(());
        }
        if !is_folder(&self.workspace.worktrees()) {
            return refuse("is not below a real folder");
        }
        if is_there(&site.folder) && !site.has_folder() {
            return refuse("is not a real folder");
        }
        if is_folder(&site.folder.join(".git")) {
            return refuse("is a repository of its own");
        }
        let names_us = |to: &Path| to.file_name() == site.admin.file_name();
        if pointer_of(&site.folder).is_some_and(|to| !names_us(&to)) {
            return refuse("belongs to another worktree");
        }
        let git_file = site.folder.join(".git");
        let is_our_folder =
            |to: &Path| to.ends_with(Path::new(&site.id.to_string()).join(".git")) || to == git_file;
        if site.backward().is_some_and(|to| !is_our_folder(&to)) {
            return refuse("is not the folder its administrative folder names");
        }
        Ok(())
    }

    /// Renames the folder out of the way first, so that a half deleted one is never taken for a worktree.
    pub(super) fn throw_away(&self, site: &Site) -> Result<(), WorktreeError> {
        let aside = self.withdrawn(site);
        if site.has_folder() {
            make_folder(&self.workspace.trash())?;
            delete_tree(&aside)?;
            atomic::rename(&site.folder, &aside).map_err(io_error("move", &site.folder))?;
        }
        delete_tree(&aside)
    }

    /// Where a folder lies that is about to be deleted.
    pub(super) fn withdrawn(&self, site: &Site) -> PathBuf {
        self.workspace.trash().join(format!("withdrawn-{}", site.id))
    }

    /// Deletes a branch that still is at this commit and that no worktree uses.
    pub(super) fn delete_branch_at(
        &self,
        site: &Site,
        branch: &BranchName,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if branch.is_detached() || self.other_user_of(site, branch)?.is_some() {
            return Ok(());
        }
        if emptied(&site.common.join(branch.reference()))? {
            return Ok(());
        }
        if self.tip(site, &branch.reference())?.as_ref() != Some(commit) {
            return Ok(());
        }
        self.delete_ref(site, &branch.reference(), Some(commit), lock)
    }

    /// The commit a ref is at.
    pub(super) fn tip(&self, site: &Site, reference: &str) -> Result<Option<CommitId>, WorktreeError> {
        if let Some(commit) = refs::commit_of(&site.common, reference) {
            return Ok(Some(commit));
        }
        let name = format!("{reference}^{{commit}}");
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", &name];
        let answer = self.run(&GitCall::ask(&site.root, &args).allow(&[1, 128]))?;
        let text = String::from_utf8_lossy(&answer.stdout);
        Ok(text.trim().parse().ok())
    }
}

/// Removes a ref file that a power cut left without a byte; git itself refuses to touch such a one.
fn emptied(reference: &Path) -> Result<bool, WorktreeError> {
    match fs::symlink_metadata(reference) {
        Ok(found) if found.is_file() && found.len() == 0 => match fs::remove_file(reference) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(io_error("remove", reference)(err)),
            Ok(()) | Err(_) => Ok(true),
        },
        Ok(_) | Err(_) => Ok(false),
    }
}
