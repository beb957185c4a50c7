//! What changed in a worktree, and how far its branch is from where it began; in the usual case without a process.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use git2::{
    AttrCheckFlags, BranchType, ErrorCode, Index, IndexEntryExtendedFlag, Oid, Repository,
    Status as FileStatus, StatusOptions, StatusShow, Statuses,
};

use super::{
    Changes, Checkout, GitWorktrees, Worktree, WorktreeError, WorktreeState, copy::IndexFile, handle::Handle,
};
use crate::session::{Base, CommitId};

/// Attributes that make git run a program or change an encoding before it compares a file; libgit2 does neither.
const FOREIGN_ATTRIBUTES: [&str; 2] = ["filter", "working-tree-encoding"];

impl GitWorktrees {
    /// What changed in a worktree, and how far its branch is from its upstream, or else from its base.
    pub(super) fn count_changes(&self, of: &Checkout) -> Result<Changes, WorktreeError> {
        let worktree = self.inspect_one(of.id, &of.repository)?;
        if let Some(because) = unusable(worktree.state) {
            return Err(WorktreeError::Unusable { id: of.id, because });
        }
        if let Handle::Library(repository) = self.open(&worktree.path)? {
            match counted(&repository, &worktree, of.base.as_ref()) {
                Ok(Some(changes)) => return Ok(changes),
                Ok(None) => {}
                Err(err) => {
                    tracing::debug!(session = %of.id, error = %err, "libgit2 has no status, git is asked");
                }
            }
        }
        self.counted_by_git(&worktree, of.base.as_ref())
    }

    fn counted_by_git(&self, worktree: &Worktree, base: Option<&Base>) -> Result<Changes, WorktreeError> {
        let status = self.git_status(&worktree.path, &["--untracked-files=normal"])?;
        let distance = match status.upstream {
            Some(distance) => Some(distance),
            None => self.distance_from_base(&worktree.path, base)?,
        };
        Ok(Changes {
            modified: status.modified.count,
            untracked: status.untracked.count,
            ahead: distance.map(|(ahead, _)| ahead),
            behind: distance.map(|(_, behind)| behind),
        })
    }

    fn distance_from_base(
        &self,
        worktree: &Path,
        base: Option<&Base>,
    ) -> Result<Option<(usize, usize)>, WorktreeError> {
        let Some(base) = base else {
            return Ok(None);
        };
        let starts = [base.reference.as_deref(), Some(base.commit.as_str())];
        for start in starts.into_iter().flatten() {
            let range = format!("HEAD...{start}");
            let args = ["rev-list", "--count", "--left-right", range.as_str(), "--"];
            if let Some(line) = self.line(worktree, &args)? {
                let mut counts = line.split_whitespace().map(str::parse);
                if let (Some(Ok(ahead)), Some(Ok(behind))) = (counts.next(), counts.next()) {
                    return Ok(Some((ahead, behind)));
                }
            }
        }
        Ok(None)
    }
}

/// Why a worktree in this state cannot be asked for its changes.
pub(super) fn unusable(state: WorktreeState) -> Option<&'static str> {
    match state {
        WorktreeState::Present => None,
        WorktreeState::Missing | WorktreeState::Gone => Some("its folder is missing"),
        WorktreeState::Unregistered => Some("git does not know its folder any more"),
        WorktreeState::Unlinked => Some("its folder and git's files do not point at each other"),
        WorktreeState::Emptied => Some("a power cut emptied files that git needs"),
        WorktreeState::Foreign => Some("something else lies in its place"),
    }
}

/// Counts with libgit2; `None` when it cannot know.
fn counted(
    repository: &Repository,
    worktree: &Worktree,
    base: Option<&Base>,
) -> Result<Option<Changes>, git2::Error> {
    let statuses = statuses(repository)?;
    if has_foreign_attributes(repository, &statuses)? {
        return Ok(None);
    }
    let index = repository.index()?;
    let (mut modified, mut untracked) = (0, 0);
    for entry in statuses.iter() {
        if entry.status() == FileStatus::WT_NEW {
            untracked += 1;
        } else if entry.status() != FileStatus::WT_DELETED || !is_left_out(&index, entry.path_bytes()) {
            modified += 1;
        }
    }
    let distance = match &worktree.head {
        Some(head) => distance(repository, worktree, head, base)?,
        None => None,
    };
    Ok(Some(Changes {
        modified,
        untracked,
        ahead: distance.map(|(ahead, _)| ahead),
        behind: distance.map(|(_, behind)| behind),
    }))
}

/// Most often nothing is staged, and then no tree has to be read.
fn statuses(repository: &Repository) -> Result<Statuses<'_>, git2::Error> {
    if is_at_head(repository) {
        let statuses = statuses_in(repository, StatusShow::Workdir)?;
        // What was staged meanwhile shows.
        if is_at_head(repository) {
            return Ok(statuses);
        }
    }
    statuses_in(repository, StatusShow::IndexAndWorkdir)
}

fn statuses_in(repository: &Repository, show: StatusShow) -> Result<Statuses<'_>, git2::Error> {
    let mut options = StatusOptions::new();
    options
        .show(show)
        .include_untracked(true)
        .recurse_untracked_dirs(false)
        .include_ignored(false)
        .exclude_submodules(false)
        .renames_head_to_index(false)
        .renames_index_to_workdir(false)
        .update_index(false);
    repository.statuses(Some(&mut options))
}

/// Whether the index says itself that it is the tree of HEAD; where it says nothing, one has to compare.
fn is_at_head(repository: &Repository) -> bool {
    let staged = IndexFile::read(&repository.path().join("index"));
    let head = repository.head().and_then(|head| head.peel_to_tree()).map(|tree| tree.id());
    let (Some(staged), Ok(head)) = (staged, head) else {
        return false;
    };
    staged.tree() == Some(head.as_bytes())
}

/// Whether a sparse checkout left this file out; libgit2 takes it for deleted.
fn is_left_out(index: &Index, path: &[u8]) -> bool {
    let entry = index.get_path(Path::new(OsStr::from_bytes(path)), 0);
    entry.is_some_and(|entry| entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0)
}

fn has_foreign_attributes(repository: &Repository, statuses: &Statuses<'_>) -> Result<bool, git2::Error> {
    for entry in statuses.iter() {
        if !entry.status().contains(FileStatus::WT_MODIFIED) {
            continue;
        }
        let Ok(path) = entry.path() else {
            continue;
        };
        for attribute in FOREIGN_ATTRIBUTES {
            let value = repository.get_attr(Path::new(path), attribute, AttrCheckFlags::FILE_THEN_INDEX)?;
            if value.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Commits ahead and behind: of the upstream if it is there, else of the ref the branch began at, else of the commit.
fn distance(
    repository: &Repository,
    worktree: &Worktree,
    head: &CommitId,
    base: Option<&Base>,
) -> Result<Option<(usize, usize)>, git2::Error> {
    let head = Oid::from_str(head.as_str())?;
    let upstream = worktree.branch.as_ref().and_then(|branch| {
        let branch = repository.find_branch(branch.as_str(), BranchType::Local).ok()?;
        branch.upstream().ok()?.get().peel_to_commit().ok()
    });
    let start = upstream.map(|commit| commit.id()).or_else(|| {
        let base = base?;
        let reference = base.reference.as_deref();
        reference
            .and_then(|name| repository.find_reference(name).ok()?.peel_to_commit().ok())
            .map(|commit| commit.id())
            .or_else(|| Oid::from_str(base.commit.as_str()).ok())
    });
    let Some(start) = start else {
        return Ok(None);
    };
    match repository.graph_ahead_behind(head, start) {
        Ok(distance) => Ok(Some(distance)),
        Err(err) if err.code() == ErrorCode::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}
