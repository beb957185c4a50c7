//! In which condition one worktree is: its folder and its administrative folder, seen from both sides (RELIABILITY G7).

use std::path::{Path, PathBuf};

use super::{
    GitWorktrees, Worktree, WorktreeError, WorktreeLock, WorktreeState,
    admin::{Admin, Head},
    commons::Commons,
    files::{Content, Folder, POINTER_BYTES_MAX, Place, Pointer, same_place, settled},
    listed::Listed,
    open::common_behind,
    pool, refs,
};
use crate::session::{BranchName, CommitId, RepositoryPath, SessionId};

/// What is in the place of a session's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// Nothing.
    Nothing,
    /// Something that is no folder.
    NoFolder,
    /// A folder that is a repository of its own.
    Repository,
    /// A folder whose `.git` file leads to an administrative folder, or should.
    Worktree(Pointer),
}

/// A worktree and what its administrative folder said.
#[derive(Debug)]
pub(super) struct Inspected {
    /// The worktree.
    pub(super) worktree: Worktree,
    /// Its administrative folder.
    pub(super) admin: Option<Admin>,
}

impl GitWorktrees {
    /// One worktree, as it is now. Reads a few small files; only a repository whose refs are not files is asked.
    pub(super) fn inspect_one(
        &self,
        id: SessionId,
        repository: &RepositoryPath,
    ) -> Result<Worktree, WorktreeError> {
        self.examine(id, repository).map(|inspected| inspected.worktree)
    }

    /// One worktree with its administrative folder.
    pub(super) fn examine(
        &self,
        id: SessionId,
        repository: &RepositoryPath,
    ) -> Result<Inspected, WorktreeError> {
        self.examine_on(&self.commons(repository)?, id)
    }

    /// The same of one whose repository was looked up already.
    pub(super) fn examine_on(&self, commons: &Commons, id: SessionId) -> Result<Inspected, WorktreeError> {
        let path = self.workspace.worktree(id);
        let folded = commons.worktrees.as_ref().map_or(Ok(Folded::Nothing), |all| folded_in(all, id))?;
        let admin = admin_of(id, &path, &folded, commons)?;
        let state = judge(&folded, admin.as_ref(), &commons.common, &path);
        let (branch, head) = match &admin {
            Some(admin) if admin.head == Head::ElsewhereInGit => {
                self.ask_git(admin, &path, &commons.repository)
            }
            Some(admin) => position(admin, commons),
            None => (None, None),
        };
        let lacks_index = head.is_some() && admin.as_ref().is_some_and(Admin::lacks_index);
        let state =
            if lacks_index && state == WorktreeState::Present { WorktreeState::Emptied } else { state };
        let worktree = Worktree {
            id,
            path,
            state,
            branch,
            head,
            lock: admin.as_ref().map_or(WorktreeLock::None, |admin| admin.lock_of(id)),
            operation: admin.as_ref().and_then(|admin| admin.unfinished.operation),
            carried: admin.as_ref().map(|admin| pool::carried(&admin.folder)).unwrap_or_default(),
        };
        Ok(Inspected { worktree, admin })
    }

    /// What is in the place of a session's folder, no link followed.
    pub(super) fn folded(&self, id: SessionId) -> Result<Folded, WorktreeError> {
        self.worktrees_folder()?.map_or(Ok(Folded::Nothing), |all| folded_in(&all, id))
    }

    /// The folder of all worktrees, open; none when there is none yet.
    pub(super) fn worktrees_folder(&self) -> Result<Option<Folder>, WorktreeError> {
        let path = self.workspace.worktrees();
        match Folder::open(&path)? {
            Place::Folder(folder) => Ok(Some(folder)),
            Place::Missing => Ok(None),
            Place::Other => {
                Err(WorktreeError::UnsafePath { path, because: "is a link or a file, not a folder" })
            }
        }
    }

    /// Branch and commit of a worktree whose HEAD is not a file.
    fn ask_git(
        &self,
        admin: &Admin,
        path: &Path,
        repository: &RepositoryPath,
    ) -> (Option<BranchName>, Option<CommitId>) {
        let listed = self.repository_folder(repository).and_then(|folder| self.listed(&folder));
        let listed = match listed {
            Ok(listed) => listed,
            Err(err) => {
                tracing::warn!(worktree = %path.display(), error = %err, "git could not say where a worktree is");
                return (admin.branch().and_then(branch_named), None);
            }
        };
        let Some(entry) = listed.into_iter().find(|entry| same_place(&entry.path, path)) else {
            return (None, None);
        };
        let Listed { head, branch, .. } = entry;
        let name = admin.branch().map(str::to_owned).or(branch);
        (name.as_deref().and_then(branch_named), head)
    }
}

fn folded_in(worktrees: &Folder, id: SessionId) -> Result<Folded, WorktreeError> {
    let folder = match worktrees.child(id.to_string().as_ref())? {
        Place::Missing => return Ok(Folded::Nothing),
        Place::Other => return Ok(Folded::NoFolder),
        Place::Folder(folder) => folder,
    };
    Ok(match folder.read(".git", POINTER_BYTES_MAX) {
        Content::Folder | Content::Odd => Folded::Repository,
        content @ (Content::Missing | Content::Emptied | Content::Text(_)) => {
            Folded::Worktree(Pointer::read(content, b"gitdir: ", folder.path()))
        }
    })
}

/// The branch of a full ref name, if it may be called so.
pub(super) fn branch_named(reference: &str) -> Option<BranchName> {
    reference.strip_prefix("refs/heads/")?.parse().ok()
}

fn position(admin: &Admin, commons: &Commons) -> (Option<BranchName>, Option<CommitId>) {
    let head = match &admin.head {
        Head::Reference(name) => refs::commit_in(&commons.git, name),
        Head::Detached(commit) => Some(commit.clone()),
        Head::Garbage | Head::Emptied | Head::ElsewhereInGit => None,
    };
    (admin.branch().and_then(branch_named), head)
}

/// The administrative folder of a session: the one its folder names, unless that one is somebody else's; else the one
/// with its name.
fn admin_of(
    id: SessionId,
    path: &Path,
    folded: &Folded,
    commons: &Commons,
) -> Result<Option<Admin>, WorktreeError> {
    if let Folded::Worktree(Pointer::To(named)) = folded
        && named.parent().is_some_and(|parent| same_place(parent, &commons.admins()))
        && let Some(name) = named.file_name()
        && let Some(admin) = commons.admin(name)?
        && (is_named_for(&admin, id) || admin.names(path))
    {
        return Ok(Some(admin));
    }
    commons.admin(id.to_string().as_ref())
}

/// Git puts a number behind the name when the plain one is taken.
pub(super) fn is_named_for(admin: &Admin, id: SessionId) -> bool {
    let name = admin.name().as_encoded_bytes();
    name.strip_prefix(id.to_string().as_bytes()).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
}

fn judge(folded: &Folded, admin: Option<&Admin>, common: &Path, path: &Path) -> WorktreeState {
    match (folded, admin) {
        (Folded::Nothing, None) => WorktreeState::Gone,
        (Folded::Nothing, Some(admin)) if lives_elsewhere(admin, path) => WorktreeState::Unlinked,
        (Folded::Nothing, Some(_)) => WorktreeState::Missing,
        (Folded::NoFolder | Folded::Repository, _) => WorktreeState::Foreign,
        (Folded::Worktree(Pointer::To(named)), _) if is_of_another(named, admin, common) => {
            WorktreeState::Foreign
        }
        (Folded::Worktree(_), None) => WorktreeState::Unregistered,
        (Folded::Worktree(Pointer::Emptied), Some(_)) => WorktreeState::Emptied,
        (Folded::Worktree(_), Some(admin)) if admin.is_emptied() => WorktreeState::Emptied,
        (Folded::Worktree(_), Some(admin)) if !admin.is_usable_in(common) => WorktreeState::Unregistered,
        (Folded::Worktree(Pointer::To(named)), Some(admin)) => {
            if same_place(named, &admin.folder) && admin.names(path) {
                WorktreeState::Present
            } else {
                WorktreeState::Unlinked
            }
        }
        (Folded::Worktree(Pointer::Missing | Pointer::Garbage), Some(_)) => WorktreeState::Unlinked,
    }
}

/// Whether the administrative folder of a missing worktree belongs to one that is there, somewhere else.
fn lives_elsewhere(admin: &Admin, path: &Path) -> bool {
    let Some(git_file) = admin.gitdir.path() else {
        return false;
    };
    !admin.names(path) && git_file.symlink_metadata().is_ok()
}

fn is_of_another(named: &Path, admin: Option<&Admin>, common: &Path) -> bool {
    // It leads to the administrative folder that was read, and that one to this repository.
    if admin.is_some_and(|admin| admin.folder == named && admin.leads_to(common)) {
        return false;
    }
    let own: PathBuf = settled(common);
    common_behind(named).is_some_and(|other| !same_place(&other, &own))
}
