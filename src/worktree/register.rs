//! How a folder gets administrative files without a file of it being touched.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{
    GitWorktrees, WorktreeError,
    admin::LockReason,
    command::GitCall,
    delete::delete_tree,
    durable::{replace_shared, sync_all},
    files::settled,
    lock::RepositoryLock,
    site::{Site, io_error, is_folder, make_folder},
};
use crate::session::{BranchName, CommitId, SessionName};

/// What a worktree is to be on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HeadAt {
    /// A branch that is there.
    Branch(BranchName),
    /// No branch.
    Commit(CommitId),
}

impl GitWorktrees {
    /// Makes administrative files for the folder of a session, which can be missing, without an index.
    ///
    /// Git registers only folders that it makes itself. So it makes an empty one of the same name beside (the name
    /// becomes that of the administrative folder), and then both ends of the pointer are set to the real folder.
    pub(super) fn register(
        &self,
        site: &Site,
        name: &SessionName,
        at: &HeadAt,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        if is_folder(&site.folder.join(".git")) {
            return Err(WorktreeError::Unusable {
                id: site.id,
                because: "its folder is a repository of its own",
            });
        }
        let beside = self.beside(site);
        self.clear_beside(site)?;
        make_folder(&beside)?;
        let reason = LockReason::encode(site.id, name);
        let add = ["worktree", "add", "--no-checkout", "--lock", "--reason", &reason];
        let mut call = GitCall::tell(&site.root, &add, lock);
        let (start, branch) = match at {
            HeadAt::Branch(branch) => (branch.as_str(), branch.clone()),
            HeadAt::Commit(commit) => {
                call = call.arg("--detach");
                (commit.as_str(), BranchName::detached())
            }
        };
        let made = beside.join(site.id.to_string());
        self.run(&call.arg("--").arg(&made).arg(start)).map_err(|err| self.named(err, &branch, site))?;
        write_pointers(site)?;
        delete_tree(&beside)
    }

    /// Removes what an adoption that did not end has left; says whether there was something.
    pub(super) fn clear_beside(&self, site: &Site) -> Result<bool, WorktreeError> {
        let beside = self.beside(site);
        if !is_folder(&beside) {
            return Ok(false);
        }
        // An administrative folder that still names the empty folder was never the session's.
        if site.backward().is_some_and(|to| to.starts_with(&beside)) && !site.is_named_by_folder() {
            delete_tree(&site.admin)?;
        }
        delete_tree(&beside)?;
        Ok(true)
    }

    /// Reads HEAD into the index and compares it with the files, none of which is touched.
    pub(super) fn rebuild_index(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        remove_if_there(&site.admin.join("index.lock"))?;
        remove_if_there(&site.admin.join("index"))?;
        self.run(&GitCall::tell(&site.folder, &["reset", "--mixed", "--quiet"], lock)).map(drop)
    }

    /// Where a folder is made that is to take the place of the session's.
    pub(super) fn beside(&self, site: &Site) -> PathBuf {
        self.workspace.worktrees().join(format!(".adopt-{}", site.id))
    }
}

impl Site {
    /// Whether the folder says that it belongs to this administrative folder.
    fn is_named_by_folder(&self) -> bool {
        self.forward().is_some_and(|to| to == self.admin)
    }
}

/// Makes folder and administrative folder point at each other, as far as the folder is there.
pub(super) fn write_pointers(site: &Site) -> Result<(), WorktreeError> {
    let folder = settled(&site.folder);
    let git_file = folder.join(".git");
    let backward = [git_file.as_os_str().as_bytes(), b"\n"].concat();
    let forward = [b"gitdir: ", site.admin.as_os_str().as_bytes(), b"\n"].concat();
    let beside = folder.with_file_name(format!(".pointer-{}", site.id));
    replace_shared(&site.admin.join("gitdir"), &site.admin.join("gitdir.wharf"), &backward)?;
    if site.has_folder() {
        replace_shared(&git_file, &beside, &forward)?;
    }
    sync_all(&[site.admin.clone(), folder])
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), WorktreeError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(err)),
        Ok(()) | Err(_) => Ok(()),
    }
}
