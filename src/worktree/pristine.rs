//! Whether a worktree has, beyond doubt, nothing in it but what its commit has: seen from its index and from what the
//! files are from outside, as git sees it. Who hears no learns nothing, and asks libgit2 or git.
//!
//! It is sure whatever the settings of the repository are: each file must be in all respects what git noted of it, where
//! settings could let git pass over one; and no name may be there that the index does not have, ignored or not.

use std::{mem::MaybeUninit, os::fd::OwnedFd, path::Path};

use git2::Oid;
use memchr::memchr;
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat, lstat, openat, statat},
    io::Errno,
    process::geteuid,
};

use super::{
    copy::{Entry, IndexFile, Kind},
    files::Folder,
};

/// How deep folders are looked into.
const DEPTH_MAX: usize = 100;
/// The room for the names of a part of a folder, in bytes.
const NAMES_BYTES: usize = 32 << 10;
/// Who may run a file, of those whom git asks.
const RUNS: u32 = 0o100;

/// Whether a worktree is as this tree in all its files, staged and not, and has no others.
pub(super) fn is_pristine(folder: &Folder, admin: &Path, tree: Oid) -> bool {
    if !is_own(folder, admin) {
        return false;
    }
    let Some(index) = IndexFile::read(&admin.join("index")) else {
        return false;
    };
    if index.tree() != Some(tree.as_bytes()) {
        return false;
    }
    let mut look = Look { index: &index, names: vec![MaybeUninit::uninit(); NAMES_BYTES] };
    look.has_only(folder.fd(), &index.entries, 0, 0).unwrap_or(false)
}

/// Whether a worktree is ours, as git and libgit2 ask: in one of somebody else both work only where a setting says so.
fn is_own(folder: &Folder, admin: &Path) -> bool {
    let us = geteuid().as_raw();
    let git_file = statat(folder.fd(), ".git", AtFlags::SYMLINK_NOFOLLOW);
    folder.about().is_ok_and(|found| found.st_uid == us)
        && git_file.is_ok_and(|found| found.st_uid == us)
        && lstat(admin).is_ok_and(|found| found.st_uid == us)
}

struct Look<'a> {
    index: &'a IndexFile,
    names: Vec<MaybeUninit<u8>>,
}

impl Look<'_> {
    /// Whether a folder has these entries, whose paths go on after so many bytes, as they were noted, and nothing else.
    fn has_only(
        &mut self,
        folder: &OwnedFd,
        entries: &[Entry],
        from: usize,
        depth: usize,
    ) -> Result<bool, Errno> {
        let index = self.index;
        let mut known: Vec<&[u8]> = Vec::with_capacity(entries.len());
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            let path = index.path(entry);
            let Some(length) = memchr(b'/', &path[from..]) else {
                let name = &path[from..];
                let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                if !is_kind(entry.kind, &found) || !index.vouches_for(entry, &found) {
                    return Ok(false);
                }
                known.push(name);
                at += 1;
                continue;
            };
            let (name, below) = (&path[from..from + length], &path[..=from + length]);
            let count = entries[at..].partition_point(|entry| index.path(entry).starts_with(below));
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = openat(folder, name, flags, Mode::empty())?;
            let part = &entries[at..at + count];
            if depth == DEPTH_MAX || !self.has_only(&inner, part, below.len(), depth + 1)? {
                return Ok(false);
            }
            known.push(name);
            at += count;
        }
        known.sort_unstable();
        self.has_names_of(folder, &known, depth == 0)
    }

    /// Whether a folder has no name but these, and at the top that of git.
    fn has_names_of(&mut self, folder: &OwnedFd, known: &[&[u8]], is_top: bool) -> Result<bool, Errno> {
        let mut entries = RawDir::new(folder, &mut self.names);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let is_passed = matches!(name, b"." | b"..") || (is_top && name == b".git");
            if !is_passed && known.binary_search(&name).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a file is of the kind that is checked out: what git compares of its mode.
fn is_kind(kind: Kind, found: &Stat) -> bool {
    let runs = found.st_mode & RUNS != 0;
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => kind == if runs { Kind::Program } else { Kind::File },
        FileType::Symlink => kind == Kind::Link,
        FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => false,
    }
}
