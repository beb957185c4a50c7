//! Where the things of one session lie: its folder, its repository, its administrative folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

use super::{
    GitWorktrees, WorktreeError, WorktreeLock,
    admin::{Admin, Head, LockReason, Unfinished},
    files::{Folder, Place, same_place},
    handle::Handle,
    inspect::branch_named,
    start::{linked_user_of, uses},
    surroundings::Opened,
    trash::worktree_in,
};
use crate::{
    atomic,
    session::{BranchName, RepositoryPath, SessionId},
};

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
        Ok(self.site_in(self.common_dir(repository)?, id, repository))
    }

    /// The same, where the git folder of the repository is known already.
    pub(super) fn site_in(&self, common: PathBuf, id: SessionId, repository: &RepositoryPath) -> Site {
        let folder = self.workspace.worktree(id);
        let trash = self.workspace.trash().join(id.to_string());
        let admins = common.join("worktrees");
        Site {
            id,
            root: repository.below(self.workspace.root()),
            admin: numbered(id, &folder, &admins)
                .or_else(|| numbered(id, &worktree_in(&trash), &admins))
                .unwrap_or_else(|| admins.join(id.to_string())),
            common,
            folder,
            trash,
        }
    }
}

impl Site {
    /// Its repository, which was opened at its root.
    pub(super) fn opened<'a>(&'a self, handle: &'a Handle) -> Opened<'a> {
        Opened { handle, root: &self.root, common: &self.common }
    }

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
        self.forward().is_some_and(|to| same_place(&to, &self.admin))
            && self.backward().is_some_and(|to| same_place(&to, &self.folder.join(".git")))
    }

    /// Where the worktree lives instead, when somebody moved it out of its place with git.
    pub(super) fn lives_at(&self) -> Option<PathBuf> {
        let elsewhere = self.backward()?.parent()?.to_owned();
        let is_alive = !same_place(&elsewhere, &self.folder)
            && pointer_of(&elsewhere).is_some_and(|to| same_place(&to, &self.admin));
        is_alive.then_some(elsewhere)
    }

    /// Whether a folder is there, not a link to one.
    pub(super) fn has_folder(&self) -> bool {
        is_folder(&self.folder)
    }

    /// Whether git's folder for this worktree is there.
    pub(super) fn has_admin(&self) -> bool {
        is_folder(&self.admin)
    }

    /// Who keeps git from pruning it.
    pub(super) fn lock(&self) -> WorktreeLock {
        let path = self.admin.join("locked");
        match read_small(&path) {
            Some(text) if LockReason::decode(&text).is_some_and(|reason| reason.id == self.id) => {
                WorktreeLock::Ours
            }
            Some(text) => WorktreeLock::Foreign(text.trim().to_owned()),
            None if is_there(&path) => WorktreeLock::Foreign(String::new()),
            None => WorktreeLock::None,
        }
    }
}

impl GitWorktrees {
    /// The worktree other than this one that has the branch, by HEAD or by an operation that will come back to it.
    pub(super) fn other_user_of(
        &self,
        site: &Site,
        branch: &BranchName,
    ) -> Result<Option<PathBuf>, WorktreeError> {
        let reference = branch.reference();
        let mut heads_are_files = true;
        let is_bare = site.common == site.root;
        if let Place::Folder(main) = Folder::open(&site.common)? {
            let head = Head::in_folder(&main);
            heads_are_files = head != Head::ElsewhereInGit;
            if !is_bare && uses(&head, &Unfinished::in_folder(&main), &reference) {
                return Ok(Some(site.root.clone()));
            }
        }
        let linked = linked_user_of(&site.common, &reference, Some(&site.admin))?;
        if linked.is_some() || heads_are_files {
            return Ok(linked);
        }
        let listed = self.listed(&site.root)?.into_iter();
        let mut others = listed.filter(|entry| !entry.is_bare && !same_place(&entry.path, &site.folder));
        Ok(others.find(|entry| entry.branch.as_deref() == Some(&*reference)).map(|entry| entry.path))
    }

    /// The branch HEAD of the worktree is on; git is asked where HEAD is not a file.
    pub(super) fn head_branch(
        &self,
        site: &Site,
        repository: &RepositoryPath,
    ) -> Result<Option<BranchName>, WorktreeError> {
        let Some(admin) = Admin::read(&site.admin)? else {
            return Ok(None);
        };
        if admin.head == Head::ElsewhereInGit {
            return Ok(self.inspect_one(site.id, repository)?.branch);
        }
        Ok(admin.head.branch().and_then(branch_named))
    }
}

/// The administrative folder that the folder names, if that is one whose name git had to put a number behind.
fn numbered(id: SessionId, folder: &Path, admins: &Path) -> Option<PathBuf> {
    let to = pointer_of(folder)?;
    let number = to.file_name()?.to_str()?.strip_prefix(&id.to_string())?.to_owned();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (is_number && same_place(to.parent()?, admins) && is_folder(&to))
        .then(|| admins.join(format!("{id}{number}")))
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
    let about = file.metadata().ok()?;
    if !about.is_file() {
        return None;
    }
    String::from_utf8(atomic::read_up_to(&file, about.len(), SMALL_BYTES_MAX).ok()?).ok()
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
        return Err(WorktreeError::UnsafePath { path: path.to_owned(), because: "is not a real folder" });
    }
    Ok(made)
}

/// An error of the disk, to be used with `map_err`.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorktreeError {
    let path = path.to_owned();
    move |source| WorktreeError::Io { action, path, source }
}
