//! How a tree is moved, also from one file system to another, so that a crash leaves it whole on one side.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, mknodat, utimensat};

use super::{
    WorktreeError,
    delete::delete_tree,
    durable::{sync_all, sync_file_system},
    regular::copy_regular,
    site::{io_error, is_there},
};
use crate::atomic;

/// Moves a tree to a place that is free, durably: when it returns, no power cut brings it back to the old place or
/// loses it. Between file systems it is copied, and put away first, so that nobody works in what is about to go:
///
/// 1. what is moved is renamed to `parked`, beside its old place;
/// 2. that is copied, under another name than its own; when this fails, it is put back;
/// 3. `parked` is renamed once more, which says that the copy is whole;
/// 4. the copy gets its name, and what it was copied from is deleted.
pub(super) fn relocate(from: &Path, to: &Path, parked: &Path) -> Result<(), WorktreeError> {
    let is_elsewhere =
        |moved: &io::Result<()>| moved.as_ref().is_err_and(|err| err.kind() == io::ErrorKind::CrossesDevices);
    let moved = atomic::rename(from, to);
    if !is_elsewhere(&moved) {
        moved.map_err(io_error("move", from))?;
        return sync_folders_around([to, from]);
    }
    if is_there(to) {
        return Err(io_error("move", from)(io::ErrorKind::AlreadyExists.into()));
    }
    let put_away = atomic::rename(from, parked);
    if is_elsewhere(&put_away) {
        // The lower layer of an overlay: a folder in it can be renamed nowhere.
        copy_whole(from, to)?;
        name_copy(to)?;
        delete_tree(from)?;
        return sync_folders_around([from]);
    }
    put_away.map_err(io_error("move", from))?;
    sync_folders_around([parked])?;
    copy_parked(from, to, parked)
}

fn copy_parked(from: &Path, to: &Path, parked: &Path) -> Result<(), WorktreeError> {
    if let Err(err) = copy_whole(parked, to) {
        if !is_there(from) {
            atomic::rename(parked, from).map_err(io_error("move", parked))?;
            sync_folders_around([from])?;
        }
        return Err(err);
    }
    let copied = copied_of(parked);
    atomic::rename(parked, &copied).map_err(io_error("move", parked))?;
    sync_folders_around([&copied])?;
    name_copy(to)?;
    delete_tree(&copied)
}

/// Copies a tree to where it has not its name yet.
fn copy_whole(from: &Path, to: &Path) -> Result<(), WorktreeError> {
    let partial = partial_of(to);
    delete_tree(&partial)?;
    if let Err(err) = copy_tree(from, &partial).and_then(|()| sync_file_system(&partial)) {
        // Whatever was in the way, the room that it took may be it.
        delete_tree(&partial)?;
        return Err(err);
    }
    Ok(())
}

fn name_copy(to: &Path) -> Result<(), WorktreeError> {
    let partial = partial_of(to);
    atomic::rename(&partial, to).map_err(io_error("move", &partial))?;
    sync_folders_around([to])
}

/// Ends a move between two file systems that was cut short: goes on where the copy is whole, else takes it back. What
/// somebody made in either place meanwhile is not touched.
pub(super) fn end_move(from: &Path, to: &Path, parked: &Path) -> Result<(), WorktreeError> {
    let (partial, copied) = (partial_of(to), copied_of(parked));
    if is_there(&copied) {
        if is_there(&partial) {
            if is_there(to) {
                return Err(WorktreeError::Occupied { path: to.to_owned() });
            }
            name_copy(to)?;
        }
        return delete_tree(&copied);
    }
    if is_there(parked) {
        if !is_there(from) {
            atomic::rename(parked, from).map_err(io_error("move", parked))?;
            sync_folders_around([from])?;
        } else if is_there(to) {
            return Err(WorktreeError::Occupied { path: from.to_owned() });
        } else {
            return copy_parked(from, to, parked);
        }
    }
    delete_tree(&partial)
}

/// Whether a tree is on its way from here to another file system.
pub(super) fn is_moving(path: &Path) -> bool {
    let parked = moved_of(path);
    is_there(&parked) || is_there(&copied_of(&parked))
}

/// What is put away of a tree that moves to another file system is called so.
pub(super) fn moved_of(path: &Path) -> PathBuf {
    path.with_added_extension("moved")
}

/// The same once there is a whole copy of it.
fn copied_of(parked: &Path) -> PathBuf {
    parked.with_added_extension("copied")
}

/// Makes the names of these durable.
fn sync_folders_around<const N: usize>(paths: [&Path; N]) -> Result<(), WorktreeError> {
    let folders: Vec<PathBuf> = paths.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    sync_all(&folders)
}

/// Where a tree lies on its way to here from another file system.
fn partial_of(path: &Path) -> PathBuf {
    path.with_added_extension("partial")
}

/// Copies a tree with links, pipes, modes and times. A socket has no meaning without the program behind it, and is left
/// out.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<(), WorktreeError> {
    let about = fs::symlink_metadata(from).map_err(io_error("copy", from))?;
    let kind = about.file_type();
    if kind.is_socket() {
        tracing::debug!(path = %from.display(), "a socket was not moved to another file system");
        return Ok(());
    }
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(io_error("copy", from))?;
        symlink(target, to).map_err(io_error("make", to))?;
    } else if kind.is_file() {
        copy_regular(from, to).map_err(io_error("copy", from))?;
    } else if kind.is_dir() {
        fs::create_dir(to).map_err(io_error("make", to))?;
        for entry in fs::read_dir(from).map_err(io_error("list", from))? {
            let name = entry.map_err(io_error("list", from))?.file_name();
            copy_tree(&from.join(&name), &to.join(&name))?;
        }
        fs::set_permissions(to, about.permissions()).map_err(io_error("make", to))?;
    } else {
        let (special, mode) = (FileType::from_raw_mode(about.mode()), Mode::from_raw_mode(about.mode()));
        mknodat(CWD, to, special, mode, about.rdev()).map_err(|err| io_error("make", to)(err.into()))?;
    }
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let times = Timestamps {
        last_access: time(about.atime(), about.atime_nsec()),
        last_modification: time(about.mtime(), about.mtime_nsec()),
    };
    utimensat(CWD, to, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(|err| io_error("make", to)(err.into()))
}
