//! How a tree of files is deleted for good: without following a link and without crossing into a mount.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxFlags, fchmod, openat, statx, unlinkat},
    io::Errno,
};

use super::{WorktreeError, site::io_error};

/// The deepest tree that is deleted; one open folder per level.
const DEPTH_MAX: usize = 500;

/// The mount a folder lies on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mount {
    device: (u32, u32),
    id: u64,
}

/// Deletes a file or a folder with all that is in it; succeeds when there is nothing, also when somebody else deletes
/// it at the same time. What lies on another mount stays, and then an error says so.
pub(super) fn delete_tree(path: &Path) -> Result<(), WorktreeError> {
    let name =
        CString::new(path.as_os_str().as_bytes()).map_err(|err| io_error("delete", path)(err.into()))?;
    let mount = match path.parent().map(|parent| mount_at(CWD, parent)) {
        Some(Ok(mount)) => mount,
        Some(Err(Errno::NOENT)) => return Ok(()),
        Some(Err(err)) => return Err(io_error("delete", path)(err.into())),
        None => return Err(io_error("delete", path)(io::ErrorKind::InvalidInput.into())),
    };
    delete_at(CWD, &name, mount, 0).map_err(|err| match err {
        Errno::XDEV => WorktreeError::UnsafePath {
            path: path.to_owned(),
            because: "has a mount below it, so it was not deleted",
        },
        _ => io_error("delete", path)(err.into()),
    })
}

fn mount_at(dir: BorrowedFd<'_>, path: impl rustix::path::Arg) -> Result<Mount, Errno> {
    let found = statx(
        dir,
        path,
        AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT,
        StatxFlags::MNT_ID | StatxFlags::TYPE,
    )?;
    Ok(Mount { device: (found.stx_dev_major, found.stx_dev_minor), id: found.stx_mnt_id })
}

fn delete_at(dir: BorrowedFd<'_>, name: &CString, mount: Mount, depth: usize) -> Result<(), Errno> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // A folder says EISDIR, and EPERM on some file systems.
        Err(Errno::ISDIR | Errno::PERM) => (),
        Err(err) => return Err(err),
    }
    if depth > DEPTH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(dir, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    if mount_at(folder.as_fd(), c"")? != mount {
        return Err(Errno::XDEV);
    }
    // A folder that its owner made read-only (a module cache does) is still to be emptied.
    if let Err(err) = fchmod(&folder, Mode::RWXU) {
        tracing::debug!(error = %err, "a folder kept its mode");
    }
    empty(&folder, mount, depth)?;
    match unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        outcome => outcome,
    }
}

fn empty(folder: &OwnedFd, mount: Mount, depth: usize) -> Result<(), Errno> {
    for entry in Dir::read_from(folder)? {
        let entry = match entry {
            Err(Errno::NOENT) => return Ok(()),
            entry => entry?,
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            delete_at(folder.as_fd(), &name.to_owned(), mount, depth + 1)?;
        } else {
            match unlinkat(folder, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => (),
                Err(Errno::ISDIR) => delete_at(folder.as_fd(), &name.to_owned(), mount, depth + 1)?,
                Err(err) => return Err(err),
            }
        }
    }
    Ok(())
}
