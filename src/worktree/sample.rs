//! Where git writes what it would check out, so that a worktree can be compared with it.

use std::{
    ffi::OsString,
    fs::{self, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{
    GitWorktrees, WorktreeError,
    delete::delete_tree,
    durable::open_folder,
    regular::read_regular,
    site::{io_error, make_folder},
};
use crate::session::SessionId;

/// What such a folder is called, with an id behind it.
const NAME: &str = "verify-";

/// A folder for what git writes, empty at first.
#[derive(Debug)]
pub(super) struct Sample {
    path: PathBuf,
    /// Locked as long as somebody needs it; whoever finds it otherwise deletes it.
    _held: fs::File,
}

impl GitWorktrees {
    /// Makes such a folder; the caller has the repository lock of this session or warm worktree.
    pub(super) fn make_sample(&self, id: SessionId) -> Result<Sample, WorktreeError> {
        let path = self.workspace.trash().join(format!("{NAME}{id}"));
        make_folder(&self.workspace.trash())?;
        delete_tree(&path)?;
        make_folder(&path)?;
        let held = open_folder(&path)?;
        held.lock().map_err(io_error("lock", &path))?;
        Ok(Sample { path, _held: held })
    }
}

impl Sample {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells git to write there.
    pub(super) fn prefix(&self) -> OsString {
        let mut prefix = OsString::from("--prefix=");
        prefix.push(&self.path);
        prefix.push("/");
        prefix
    }

    /// Whether a file of another folder is what was written here, or the beginning of that.
    pub(super) fn begins_with(&self, folder: &Path, path: &Path) -> io::Result<bool> {
        let (found, written) = (folder.join(path), self.path.join(path));
        let about = fs::symlink_metadata(&written)?;
        if fs::symlink_metadata(&found)?.file_type() != about.file_type() {
            return Ok(false);
        }
        if about.is_symlink() {
            return Ok(fs::read_link(found)? == fs::read_link(written)?);
        }
        let size = about.len();
        let (found, written) = (read_regular(&found, size)?, read_regular(&written, size)?);
        Ok(found.zip(written).is_some_and(|(found, written)| written.starts_with(&found)))
    }

    /// Deletes it.
    pub(super) fn remove(self) -> Result<(), WorktreeError> {
        delete_tree(&self.path)
    }
}

/// Whether an entry of the trash is such a folder.
pub(super) fn is_sample(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|id| id.parse::<SessionId>().is_ok())
}

/// Deletes one that somebody left who was killed.
pub(super) fn clear_sample(path: &Path) -> Result<(), WorktreeError> {
    let held = open_folder(path)?;
    match held.try_lock() {
        Ok(()) => delete_tree(path),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(source)) => Err(io_error("lock", path)(source)),
    }
}
