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
    site::{io_error, is_there, read_small},
};
use crate::atomic::{self, Durability};

/// What is written down of a move that has copied everything, by where the note of it lies.
const HERE: &[u8] = b"here\n";
const AWAY: &[u8] = b"away\n";

/// Moves a tree to a place that is free, durably: when it returns, no power cut brings it back to the old place or
/// loses it. Between file systems it is copied under another name first; once it is whole there, a note says so, and what
/// it was copied from is dead. The note lies in a folder around one of the two.
pub(super) fn relocate(from: &Path, to: &Path, note: &Path) -> Result<(), WorktreeError> {
    match atomic::rename(from, to) {
        Err(err) if err.kind() == io::ErrorKind::CrossesDevices => copy_over(from, to, note),
        outcome => {
            outcome.map_err(io_error("move", from))?;
            sync_folders_around([to, from])
        }
    }
}

fn copy_over(from: &Path, to: &Path, note: &Path) -> Result<(), WorktreeError> {
    if is_there(to) {
        return Err(io_error("move", from)(io::ErrorKind::AlreadyExists.into()));
    }
    let partial = partial_of(to);
    delete_tree(&partial)?;
    if let Err(err) = copy_tree(from, &partial).and_then(|()| sync_file_system(&partial)) {
        // Whatever was in the way, the room that it took may be it.
        delete_tree(&partial)?;
        return Err(err);
    }
    let is_here = note.parent().is_some_and(|folder| to.starts_with(folder));
    let text = if is_here { HERE } else { AWAY };
    atomic::replace(note, text, Durability::PowerCut).map_err(io_error("replace", note))?;
    end_copied(from, to, note)
}

/// Ends a move that has copied everything. Can be called again after a crash.
fn end_copied(from: &Path, to: &Path, note: &Path) -> Result<(), WorktreeError> {
    let partial = partial_of(to);
    if is_there(&partial) {
        atomic::rename(&partial, to).map_err(io_error("move", from))?;
        sync_folders_around([to])?;
    }
    delete_tree(from)?;
    sync_folders_around([from])?;
    fs::remove_file(note).map_err(io_error("remove", note))
}

/// Ends a move between two places that was cut short, or deletes what it had copied by then. The note lies around `here`.
pub(super) fn end_move(here: &Path, away: &Path, note: &Path) -> Result<(), WorktreeError> {
    let text = read_small(note);
    let places = match text.as_deref().map(str::as_bytes) {
        Some(HERE) => Some((away, here)),
        Some(AWAY) => Some((here, away)),
        Some(_) | None => None,
    };
    match places {
        Some((from, to)) if is_there(to) || is_there(&partial_of(to)) => end_copied(from, to, note),
        Some(_) | None => {
            delete_tree(&partial_of(here))?;
            delete_tree(&partial_of(away))?;
            delete_tree(note)
        }
    }
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
