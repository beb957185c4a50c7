//! How a tree is moved, also from one file system to another, so that a crash leaves it whole on one side.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{
    WorktreeError,
    delete::delete_tree,
    durable::{sync_all, sync_file_system},
    site::io_error,
};
use crate::atomic;

/// Moves a tree to a place that is free, durably: when it returns, no power cut brings it back to the old place or
/// loses it. Between file systems it is copied under another name first.
pub(super) fn relocate(from: &Path, to: &Path) -> Result<(), WorktreeError> {
    match atomic::rename(from, to) {
        Err(err) if err.kind() == io::ErrorKind::CrossesDevices => {
            let partial = partial_of(to);
            delete_tree(&partial)?;
            copy(from, &partial)?;
            sync_file_system(&partial)?;
            atomic::rename(&partial, to).map_err(io_error("move", from))?;
            sync_folders_around([to])?;
            delete_tree(from)?;
        }
        outcome => outcome.map_err(io_error("move", from))?,
    }
    sync_folders_around([to, from])
}

/// Makes the names of these durable.
fn sync_folders_around<const N: usize>(paths: [&Path; N]) -> Result<(), WorktreeError> {
    let folders: Vec<PathBuf> = paths.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    sync_all(&folders)
}

fn partial_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

fn copy(from: &Path, to: &Path) -> Result<(), WorktreeError> {
    let kind = fs::symlink_metadata(from).map_err(io_error("copy", from))?.file_type();
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(io_error("copy", from))?;
        return symlink(target, to).map_err(io_error("make", to));
    }
    if !kind.is_dir() {
        return fs::copy(from, to).map(drop).map_err(io_error("copy", from));
    }
    fs::create_dir(to).map_err(io_error("make", to))?;
    for entry in fs::read_dir(from).map_err(io_error("list", from))? {
        let name = entry.map_err(io_error("list", from))?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}
