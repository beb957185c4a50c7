//! How a repository is asked: through libgit2, or through the git command where libgit2 cannot open it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use git2::{ErrorCode, Repository};

use super::{GitWorktrees, WorktreeError, command::GitCall, refs};
use crate::session::CommitId;

/// What git answers when it has nothing to say.
const NOTHING: &[i32] = &[1, 128];

/// An open repository or worktree.
pub(super) enum Handle {
    /// Through libgit2.
    Library(Repository),
    /// Through the git command, in this folder: reftable, sha256, an extension libgit2 does not know.
    Command(PathBuf),
}

/// A commit and the full name of the ref it was named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The commit.
    pub(super) commit: CommitId,
    /// The ref, if a ref was named.
    pub(super) reference: Option<String>,
}

impl GitWorktrees {
    /// Opens a repository or worktree.
    pub(super) fn open(&self, folder: &Path) -> Result<Handle, WorktreeError> {
        let err = match Repository::open(folder) {
            Ok(repository) => return Ok(Handle::Library(repository)),
            Err(err) => err,
        };
        tracing::debug!(folder = %folder.display(), error = %err, "libgit2 cannot open it, git is asked instead");
        if matches!(err.code(), ErrorCode::Owner | ErrorCode::NotFound) {
            // libgit2 reads fewer forms of `safe.directory` than git does, so git has the last word.
            self.git(folder, &["rev-parse", "--git-dir"])?;
        }
        Ok(Handle::Command(folder.to_owned()))
    }

    /// Fails unless libgit2 or git can open what is here.
    pub(super) fn prove_readable(&self, folder: &Path) -> Result<(), WorktreeError> {
        match self.open(folder)? {
            Handle::Library(_) => Ok(()),
            Handle::Command(folder) => self.git(&folder, &["rev-parse", "--git-dir"]).map(drop),
        }
    }

    /// The full names of all branches, remote-tracking branches and tags.
    pub(super) fn references(&self, handle: &Handle) -> Result<BTreeSet<String>, WorktreeError> {
        match handle {
            Handle::Library(repository) => {
                if let Some(names) = refs::names(repository.commondir()) {
                    return Ok(names);
                }
                let mut references = repository.references().map_err(unreadable(repository))?;
                let names = references.names().filter_map(Result::ok);
                Ok(names.filter(|name| refs::is_shared(name)).map(str::to_owned).collect())
            }
            Handle::Command(folder) => {
                let answer = self.git(folder, &["for-each-ref", "--format=%(refname)"])?;
                let text = String::from_utf8_lossy(&answer);
                Ok(text.lines().filter(|name| refs::is_shared(name)).map(str::to_owned).collect())
            }
        }
    }

    /// The remotes that are configured.
    pub(super) fn remotes(&self, handle: &Handle) -> Result<Vec<String>, WorktreeError> {
        match handle {
            Handle::Library(repository) => {
                let names = repository.remotes().map_err(unreadable(repository))?;
                Ok(names.iter().filter_map(|name| name.ok().flatten()).map(str::to_owned).collect())
            }
            Handle::Command(folder) => {
                let answer = self.git(folder, &["remote"])?;
                Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
            }
        }
    }

    /// The commit a revision means; `None` when it means none.
    pub(super) fn commit_of(&self, handle: &Handle, revision: &str) -> Result<Option<Named>, WorktreeError> {
        match handle {
            Handle::Library(repository) => match named(repository, revision) {
                Some(named) => Ok(Some(named)),
                // Git knows more ways to write a revision; before it is refused, git has the last word.
                None => self.commit_by_git(repository.path(), revision),
            },
            Handle::Command(folder) => self.commit_by_git(folder, revision),
        }
    }

    fn commit_by_git(&self, folder: &Path, revision: &str) -> Result<Option<Named>, WorktreeError> {
        let peeled = format!("{revision}^{{commit}}");
        let Some(commit) = self.line(folder, &["rev-parse", "--verify", "--quiet", &peeled])? else {
            return Ok(None);
        };
        let reference = self.line(folder, &["rev-parse", "--symbolic-full-name", revision])?;
        Ok(commit
            .parse()
            .ok()
            .map(|commit| Named { commit, reference: reference.filter(|name| name.starts_with("refs/")) }))
    }

    /// Whether it has no worktree of its own.
    pub(super) fn is_bare(&self, handle: &Handle) -> Result<bool, WorktreeError> {
        match handle {
            Handle::Library(repository) => Ok(repository.is_bare()),
            Handle::Command(folder) => {
                let answer = self.line(folder, &["rev-parse", "--is-bare-repository"])?;
                Ok(answer.as_deref() == Some("true"))
            }
        }
    }

    /// Whether names that differ only in case are the same file here, or would be where the repository came from.
    pub(super) fn ignores_case(&self, handle: &Handle) -> Result<bool, WorktreeError> {
        match handle {
            Handle::Library(repository) => {
                let config = repository.config().map_err(unreadable(repository))?;
                let is_said = config.get_bool("core.ignorecase").unwrap_or(false);
                // One that was copied from another disk says what was true there.
                Ok(is_said || refs::ignore_case(repository.commondir()))
            }
            Handle::Command(folder) => {
                let answer = self.line(folder, &["config", "--type=bool", "core.ignorecase"])?;
                Ok(answer.as_deref() == Some("true"))
            }
        }
    }

    /// The first line of an answer; `None` when git has none.
    pub(super) fn line(&self, folder: &Path, args: &[&str]) -> Result<Option<String>, WorktreeError> {
        let answer = self.run(&GitCall::ask(folder, args).allow(NOTHING))?;
        if answer.code != 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&answer.stdout);
        Ok(text.lines().next().map(str::to_owned))
    }
}

fn named(repository: &Repository, revision: &str) -> Option<Named> {
    let (object, reference) = repository.revparse_ext(revision).ok()?;
    let commit = object.peel_to_commit().ok()?.id().to_string();
    let reference = reference
        .and_then(|reference| reference.resolve().ok())
        .and_then(|reference| reference.name().ok().map(str::to_owned));
    Some(Named {
        commit: commit.parse().ok()?,
        reference: reference.filter(|name| name.starts_with("refs/")),
    })
}

/// Turns an error of libgit2 into ours.
pub(super) fn unreadable(repository: &Repository) -> impl FnOnce(git2::Error) -> WorktreeError {
    let path = repository.path().to_owned();
    move |source| WorktreeError::Read { path, source }
}
