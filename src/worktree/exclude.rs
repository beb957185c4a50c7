//! How the workspace's own files are kept out of `git status`.

use std::path::{Path, PathBuf};

use super::{
    GitWorktrees, WorktreeError, durable::replace_shared, regular::read_regular, site::io_error,
    site::make_folder,
};

/// The longest file of exclusions that is read.
pub(super) const EXCLUDE_BYTES_MAX: u64 = 16 << 20;
/// What git is told not to show in the workspace.
const EXCLUDED: [&str; 3] = [".worktrees/", ".wharf/", ".claude-container-sessions*"];

impl GitWorktrees {
    /// Does it for the repository that the workspace lies in, if it lies in one.
    pub(super) fn exclude_around(&self) -> Result<(), WorktreeError> {
        let Some(common) = self.common_around()? else {
            return Ok(());
        };
        if completed(&exclude_file(&common))?.is_none() {
            return Ok(());
        }
        let _lock = self.lock_repository(&common)?;
        exclude_own_files(&common)
    }
}

/// Does it for the repository with this git folder, once; the caller has the repository lock.
pub(super) fn exclude_own_files(common: &Path) -> Result<(), WorktreeError> {
    let path = exclude_file(common);
    let Some(bytes) = completed(&path)? else {
        return Ok(());
    };
    let info = common.join("info");
    make_folder(&info)?;
    replace_shared(&path, &info.join("exclude.wharf"), &bytes)
}

fn exclude_file(common: &Path) -> PathBuf {
    common.join("info/exclude")
}

/// What the file has to become; nothing when all lines are there.
fn completed(path: &Path) -> Result<Option<Vec<u8>>, WorktreeError> {
    let bytes = read_regular(path, EXCLUDE_BYTES_MAX).map_err(io_error("read", path))?;
    let mut bytes = bytes.unwrap_or_default();
    let missing: Vec<&str> = EXCLUDED
        .into_iter()
        .filter(|wanted| !bytes.split(|&b| b == b'\n').any(|line| line == wanted.as_bytes()))
        .collect();
    if missing.is_empty() {
        return Ok(None);
    }
    if bytes.last().is_some_and(|&b| b != b'\n') {
        bytes.push(b'\n');
    }
    for line in missing {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    Ok(Some(bytes))
}
