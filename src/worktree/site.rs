//! Where the things of one session lie: its folder, its repository, its administrative folder.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::{GitWorktrees, WorktreeError};
use crate::session::{BranchName, RepositoryPath, SessionId};

/// The longest pointer, reason or HEAD that is read.
const SMALL_BYTES_MAX: u64 = 64 << 10;

/// The places of one session.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) id: SessionId,
    /// The repository's own folder, where git is run.
    pub(super) root: PathBuf,
    /// The folder of git that all worktrees share.
    pub(super) common: PathBuf,
    /// Git's folder for this worktree.
    pub(super) admin: PathBuf,
    /// The worktree.
    pub(super) folder: PathBuf,
    /// Where it lies after a destroy.
    pub(super) trash: PathBuf,
}

impl GitWorktrees {
    /// The places of a session, derived from its id.
    pub(super) fn site(&self, id: SessionId, repository: &RepositoryPath) -> Result<Site, WorktreeError> {
        let common = self.common_dir(repository)?;
        Ok(Site {
            id,
            root: repository.below(self.workspace.root()),
            admin: common.join("worktrees").join(id.to_string()),
            common,
            folder: self.workspace.worktree(id),
            trash: self.workspace.trash().join(id.to_string()),
        })
    }
}

impl Site {
    /// Where the worktree's `.git` file says the administrative folder is.
    pub(super) fn forward(&self) -> Option<PathBuf> {
        pointer_of(&self.folder)
    }

    /// Where the administrative folder says the worktree's `.git` file is.
    pub(super) fn backward(&self) -> Option<PathBuf> {
        let text = read_small(&self.admin.join("gitdir"))?;
        let text = text.trim_end_matches(['\n', '\r']);
        (!text.is_empty()).then(|| self.admin.join(text))
    }

    /// Whether the folder and its administrative folder point at each other.
    pub(super) fn is_linked(&self) -> bool {
        self.forward().is_some_and(|to| same(&to, &self.admin))
            && self
                .backward()
                .is_some_and(|to| same(&to, &self.folder.join(".git")))
    }

    /// The branch HEAD is on.
    pub(super) fn head_branch(&self) -> Option<BranchName> {
        branch_in_head(&self.admin)
    }

    /// Whether a folder is there, not a link to one.
    pub(super) fn has_folder(&self) -> bool {
        is_folder(&self.folder)
    }

    /// Whether git's folder for this worktree is there.
    pub(super) fn has_admin(&self) -> bool {
        is_folder(&self.admin)
    }

    /// The worktree other than this one that has the branch, by HEAD or by an operation that will come back to it.
    pub(super) fn other_user_of(&self, branch: &BranchName) -> Option<PathBuf> {
        let uses = |admin: &Path| {
            let reference = branch.reference();
            branch_in_head(admin).as_ref() == Some(branch)
                || ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"]
                    .iter()
                    .filter_map(|file| read_small(&admin.join(file)))
                    .any(|text| text.trim() == reference || text.trim() == branch.as_str())
        };
        if uses(&self.common) && !self.is_bare() {
            return Some(self.root.clone());
        }
        let entries = fs::read_dir(self.common.join("worktrees")).ok()?;
        let other = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|admin| *admin != self.admin && uses(admin))?;
        let folder = read_small(&other.join("gitdir")).map(|text| other.join(text.trim()));
        Some(
            folder
                .and_then(|git| git.parent().map(Path::to_owned))
                .unwrap_or(other),
        )
    }

    fn is_bare(&self) -> bool {
        self.common == self.root
    }
}

/// Where the `.git` file of a worktree points to.
pub(super) fn pointer_of(folder: &Path) -> Option<PathBuf> {
    let text = read_small(&folder.join(".git"))?;
    let to = text.strip_prefix("gitdir: ")?.trim_end_matches(['\n', '\r']);
    Some(folder.join(to))
}

/// A small regular file, read without following a link; nothing when it is not there, not text or too long.
pub(super) fn read_small(path: &Path) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = fs::File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(SMALL_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Whether a folder is there, not a link to one.
pub(super) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether anything is there, a dead link too.
pub(super) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes a folder that may be there, and refuses a link or a file in its place. Says whether it was made.
pub(super) fn make_folder(path: &Path) -> Result<bool, WorktreeError> {
    let made = match fs::create_dir(path) {
        Ok(()) => true,
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => false,
        Err(source) => return Err(io_error("make", path)(source)),
    };
    if !is_folder(path) {
        return Err(WorktreeError::UnsafePath {
            path: path.to_owned(),
            because: "is not a real folder",
        });
    }
    Ok(made)
}

/// An error of the disk, to be used with `map_err`.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorktreeError {
    let path = path.to_owned();
    move |source| WorktreeError::Io { action, path, source }
}

/// Whether two paths lead to the same file.
fn same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

fn branch_in_head(admin: &Path) -> Option<BranchName> {
    let text = read_small(&admin.join("HEAD"))?;
    let reference = text.strip_prefix("ref:")?.trim();
    reference.strip_prefix("refs/heads/")?.parse().ok()
}
