//! What changed in a worktree, and how far its branch is from where it began; in the usual case without a process.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use git2::{
    AttrCheckFlags, Index, IndexEntryExtendedFlag, Repository, Status as FileStatus, StatusOptions,
    StatusShow, Statuses,
};

use super::{
    GitWorktrees, Worktree, WorktreeError, WorktreeState,
    copy::{IndexFile, replaces_objects},
    distances::{Distances, Upstream},
    handle::Handle,
    library::Library,
};
use crate::session::Base;

/// Attributes that make git run a program or change an encoding before it compares a file; libgit2 does neither.
const FOREIGN_ATTRIBUTES: [&str; 2] = ["filter", "working-tree-encoding"];

/// How a worktree differs from what was committed, and its branch from where it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Tracked files that differ from the last commit, staged or not.
    pub modified: usize,
    /// Files git does not know and does not ignore (an untracked folder counts once).
    pub untracked: usize,
    /// Commits that the upstream or base has not; none when there is nothing to compare with.
    pub ahead: Option<usize>,
    /// Commits of the upstream or base that this has not.
    pub behind: Option<usize>,
}

impl GitWorktrees {
    /// What changed in a worktree that is present, and how far its branch is from its upstream, or else from its base.
    /// Libgit2 counts, in the open repository if there is one, and git where that cannot.
    pub(super) fn count_changes(
        &self,
        worktree: &Worktree,
        base: Option<&Base>,
        library: Option<&mut Library>,
    ) -> Result<Changes, WorktreeError> {
        // Git reads other objects in the place of some that are replaced, libgit2 does not.
        if let Handle::Library(repository) = self.open(&worktree.path)?
            && (library.is_some() || replaces_objects(repository.commondir()) == Some(false))
        {
            match counted(&repository, worktree, base, library) {
                Ok(Some(changes)) => return Ok(changes),
                Ok(None) => {}
                Err(err) => {
                    tracing::debug!(session = %worktree.id, error = %err, "libgit2 has no status, git is asked");
                }
            }
        }
        self.counted_by_git(worktree, base)
    }

    fn counted_by_git(&self, worktree: &Worktree, base: Option<&Base>) -> Result<Changes, WorktreeError> {
        let status = self.git_status(&worktree.path, &["--untracked-files=normal"])?;
        let distance = match status.upstream {
            Some(distance) => Some(distance),
            None => self.distance_from_base(&worktree.path, base)?,
        };
        Ok(Changes::counted(status.modified.count, status.untracked.count, distance))
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

impl Changes {
    /// So many files, and commits ahead and behind.
    pub(super) fn counted(modified: usize, untracked: usize, distance: Option<(usize, usize)>) -> Self {
        Self {
            modified,
            untracked,
            ahead: distance.map(|(ahead, _)| ahead),
            behind: distance.map(|(_, behind)| behind),
        }
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
    library: Option<&mut Library>,
) -> Result<Option<Changes>, git2::Error> {
    let statuses = statuses(repository)?;
    if has_foreign_attributes(repository, &statuses)? {
        return Ok(None);
    }
    let index = repository.index()?;
    let (mut modified, mut untracked) = (0, 0);
    for entry in statuses.iter() {
        // What was taken out of the index alone is both.
        let (is_new, tracked) = (entry.status().is_wt_new(), entry.status().difference(FileStatus::WT_NEW));
        untracked += usize::from(is_new);
        let is_left_out = || tracked == FileStatus::WT_DELETED && is_left_out(&index, entry.path_bytes());
        modified += usize::from(!tracked.is_empty() && !is_left_out());
    }
    let distance = match library {
        Some(library) => library.distance(worktree, base)?,
        None => Distances::default().of(repository, worktree, base, Upstream::Perhaps)?,
    };
    Ok(Some(Changes::counted(modified, untracked, distance)))
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
