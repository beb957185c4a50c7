//! What a destroy of a worktree would lose, and what stands in its way (RELIABILITY G7).

use std::{
    ffi::OsString,
    fs, io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use git2::{IndexEntryExtendedFlag, Oid, Repository};

use super::{
    Checkout, GitWorktrees, Loss, Sample, Worktree, WorktreeError, WorktreeLock, WorktreeState,
    files::settled,
    handle::{Handle, unreadable},
    mounts,
    pristine::Ignored,
};
use crate::session::{BranchFate, BranchName, CommitId, RepositoryPath};

/// How many files of a folder that git cannot be asked about are counted.
const COUNTED_FILES_MAX: usize = 100_000;
/// The bit of an index entry that hides its file from a status.
const ASSUME_UNCHANGED: u16 = 0x8000;

impl GitWorktrees {
    /// What a destroy of this worktree would lose, and what stands in its way.
    pub(super) fn find_losses(&self, of: &Checkout, branch: BranchFate) -> Result<Vec<Loss>, WorktreeError> {
        let site = match self.site(of.id, &of.repository) {
            Err(WorktreeError::RepositoryGone { .. }) => return self.orphan_losses(of),
            site => site?,
        };
        let worktree = self.inspect_one(of.id, &of.repository)?;
        if worktree.state == WorktreeState::Foreign {
            let because = "is not this session's worktree";
            return Err(WorktreeError::UnsafePath { path: worktree.path, because });
        }
        let mounted = mounts::at_or_below(&settled(&worktree.path))?;
        // What is mounted over a worktree hides how it is linked, and is what to say.
        if mounted.is_empty() {
            self.check_ours(&site, of, branch)?;
        }
        let mut losses = self.file_losses(&worktree, of).map_err(|err| self.because_of_damage(of, err))?;
        let count = self.lost_commits(&worktree, of, branch)?;
        if count > 0 {
            losses.push(Loss::Commits { count });
        }
        losses.extend(self.submodule_losses(&site.admin)?);
        losses.extend(worktree.operation.map(Loss::InProgress));
        if let WorktreeLock::Foreign(reason) = &worktree.lock {
            losses.push(Loss::Locked(reason.clone()));
        }
        if !mounted.is_empty() {
            losses.push(Loss::Mounted(mounted));
        }
        Ok(losses)
    }

    fn file_losses(&self, worktree: &Worktree, of: &Checkout) -> Result<Vec<Loss>, WorktreeError> {
        let path = &worktree.path;
        match worktree.state {
            WorktreeState::Gone | WorktreeState::Missing | WorktreeState::Foreign => Ok(Vec::new()),
            // Git cannot say which of these files are committed, so each of them may be the only copy.
            WorktreeState::Unregistered | WorktreeState::Unlinked | WorktreeState::Emptied => {
                let files = files_below(path)?;
                Ok(some(files, Loss::Untracked).into_iter().collect())
            }
            WorktreeState::Present if self.commit_of_untouched(of, Ignored::Counted).is_some() => {
                Ok(Vec::new())
            }
            WorktreeState::Present => {
                let mut status = self.git_status(path, &["--untracked-files=all", "--ignored=matching"])?;
                self.add_hidden(path, &mut status.modified)?;
                Ok([
                    some(status.modified, Loss::Modified),
                    some(status.untracked, Loss::Untracked),
                    some(status.ignored, Loss::Ignored),
                ]
                .into_iter()
                .flatten()
                .collect())
            }
        }
    }

    /// Adds files whose changes a status does not show, because somebody told the index not to look at them.
    fn add_hidden(&self, worktree: &Path, modified: &mut Sample) -> Result<(), WorktreeError> {
        if let Handle::Library(repository) = self.open(worktree)?
            && let Ok(index) = repository.index()
        {
            for entry in index.iter() {
                let skipped = entry.flags_extended & IndexEntryExtendedFlag::SKIP_WORKTREE.bits() != 0;
                if (entry.flags & ASSUME_UNCHANGED == 0 && !skipped) || entry.mode & 0o170_000 == 0o160_000 {
                    continue;
                }
                let path = worktree.join(std::ffi::OsStr::from_bytes(&entry.path));
                let is_other = fs::symlink_metadata(path).map_or(!skipped, |about| {
                    about.size() != u64::from(entry.file_size)
                        || about.mtime() != i64::from(entry.mtime.seconds())
                });
                if is_other {
                    modified.add(&entry.path);
                }
            }
            return Ok(());
        }
        let answer = self.git(worktree, &["ls-files", "-v", "-z"])?;
        for line in answer.split(|byte| *byte == 0) {
            let [tag, b' ', path @ ..] = line else {
                continue;
            };
            let is_there = || fs::symlink_metadata(worktree.join(std::ffi::OsStr::from_bytes(path))).is_ok();
            if tag.is_ascii_lowercase() || (*tag == b'S' && is_there()) {
                modified.add(path);
            }
        }
        Ok(())
    }

    /// How many commits would be on no branch, remote or tag any more.
    fn lost_commits(
        &self,
        worktree: &Worktree,
        of: &Checkout,
        fate: BranchFate,
    ) -> Result<usize, WorktreeError> {
        let doomed = match fate {
            BranchFate::Delete if !of.branch.is_detached() => Some(&of.branch),
            BranchFate::Delete | BranchFate::Keep => None,
        };
        // A commit on the branch that stays is found by the walk to be there; so HEAD can always be asked for.
        let head = worktree.head.as_ref();
        if doomed.is_none() && head.is_none() {
            return Ok(0);
        }
        let folder = self.repository_folder(&of.repository)?;
        if let Handle::Library(repository) = self.open(&folder)? {
            match walk(&repository, head, doomed) {
                Ok(count) => return Ok(count),
                Err(source) => {
                    let err = unreadable(&repository)(source);
                    tracing::debug!(session = %of.id, error = %err, "libgit2 cannot walk the commits, git is asked");
                }
            }
        }
        self.walk_by_git(&of.repository, head, doomed)
    }

    fn walk_by_git(
        &self,
        repository: &RepositoryPath,
        head: Option<&CommitId>,
        doomed: Option<&BranchName>,
    ) -> Result<usize, WorktreeError> {
        let folder = self.repository_folder(repository)?;
        let mut args = vec!["rev-list".to_owned(), "--count".to_owned()];
        args.extend(head.map(ToString::to_string));
        if let Some(branch) = doomed {
            let reference = branch.reference();
            if self.line(&folder, &["rev-parse", "--verify", "--quiet", &reference])?.is_some() {
                args.push(reference);
            }
        }
        if args.len() == 2 {
            return Ok(0);
        }
        args.push("--not".to_owned());
        args.extend(doomed.map(|branch| format!("--exclude={branch}")));
        args.extend(["--branches", "--remotes", "--tags", "--"].map(str::to_owned));
        let answer = self.git(&folder, &args)?;
        let text = String::from_utf8_lossy(&answer);
        text.trim().parse().map_err(|_| WorktreeError::GitAnswer { verb: "rev-list".to_owned() })
    }
}

fn walk(
    repository: &Repository,
    head: Option<&CommitId>,
    doomed: Option<&BranchName>,
) -> Result<usize, git2::Error> {
    let doomed = doomed.map(BranchName::reference);
    let mut walk = repository.revwalk()?;
    let mut pushed = false;
    if let Some(head) = head {
        walk.push(Oid::from_str(head.as_str())?)?;
        pushed = true;
    }
    for reference in repository.references()? {
        let reference = reference?;
        let Ok(name) = reference.name() else {
            continue;
        };
        let is_shared =
            ["refs/heads/", "refs/remotes/", "refs/tags/"].iter().any(|prefix| name.starts_with(prefix));
        let Ok(commit) = reference.peel_to_commit() else {
            continue;
        };
        if doomed.as_deref() == Some(name) {
            walk.push(commit.id())?;
            pushed = true;
        } else if is_shared {
            walk.hide(commit.id())?;
        }
    }
    if !pushed {
        return Ok(0);
    }
    walk.try_fold(0, |count, commit| commit.map(|_| count + 1))
}

/// A loss, if it is one.
pub(super) fn some(sample: Sample, loss: impl FnOnce(Sample) -> Loss) -> Option<Loss> {
    (sample.count > 0).then(|| loss(sample))
}

/// The files below a folder, no link followed and the `.git` file left out.
pub(super) fn files_below(folder: &Path) -> Result<Sample, WorktreeError> {
    let mut files = Sample::default();
    let mut waiting = vec![PathBuf::new()];
    while let Some(inside) = waiting.pop() {
        let at = folder.join(&inside);
        let mut entries = fs::read_dir(&at)
            .and_then(Iterator::collect::<io::Result<Vec<fs::DirEntry>>>)
            .map_err(|source| WorktreeError::Io { action: "list", path: at, source })?;
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
        for entry in entries {
            let name: OsString = entry.file_name();
            if inside.as_os_str().is_empty() && name == ".git" {
                continue;
            }
            let path = inside.join(name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else {
                files.add(path.as_os_str().as_bytes());
            }
            if files.count >= COUNTED_FILES_MAX {
                return Ok(files);
            }
        }
    }
    Ok(files)
}
