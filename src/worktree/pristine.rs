//! Whether a worktree has, beyond doubt, nothing in it but what its commit has: seen from its index and from what the
//! files are from outside, as git sees it. Who hears no learns nothing, and asks libgit2 or git.
//!
//! It is sure whatever the settings of the repository are: each file must be in all respects what git noted of it, where
//! settings could let git pass over one; and no name may be there that the index does not have, but for those that the
//! rules of the repository ignore beyond doubt.

use std::{
    cell::OnceCell,
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

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
    ignoring::{Rules, Verdict},
};

/// How deep folders are looked into.
const DEPTH_MAX: usize = 100;
/// The room for the names of a part of a folder, in bytes.
const NAMES_BYTES: usize = 32 << 10;
/// Who may run a file, of those whom git asks.
const RUNS: u32 = 0o100;

/// What all worktrees of a repository ignore, in its folder of git.
const EXCLUSIONS: &str = "info/exclude";

/// What is to be said of files that git ignores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignored {
    /// They change nothing.
    Passed,
    /// They are files like others, which somebody could miss.
    Counted,
}

/// Whether a worktree is as this tree in all its files, staged and not, and has no others, but for ignored ones where those are
/// passed. `common` is the folder of git of its repository.
pub(super) fn is_pristine(
    folder: &Folder,
    admin: &Path,
    common: &Folder,
    tree: Oid,
    ignored: Ignored,
) -> bool {
    if !is_own(folder, admin) {
        return false;
    }
    let Some(index) = IndexFile::read(&admin.join("index")) else {
        return false;
    };
    if index.tree() != Some(tree.as_bytes()) {
        return false;
    }
    let mut look = Look { index: &index, ignored, names: vec![MaybeUninit::uninit(); NAMES_BYTES] };
    let common = Level { folder: common.fd(), above: None, depth: 0, rules: OnceCell::new() };
    let top = Level { folder: folder.fd(), above: Some(&common), depth: 1, rules: OnceCell::new() };
    look.has_only(&top, &index.entries, 0).unwrap_or(false)
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
    ignored: Ignored,
    names: Vec<MaybeUninit<u8>>,
}

/// A folder on the way down, and the rules in it; above the top is the folder of git with the rules for all worktrees.
struct Level<'a> {
    folder: &'a OwnedFd,
    above: Option<&'a Self>,
    depth: usize,
    rules: OnceCell<io::Result<Rules>>,
}

impl Level<'_> {
    fn is_top(&self) -> bool {
        self.depth == 1
    }

    /// Whether something here is ignored beyond doubt. The rules that are nearest come first.
    fn ignores(&self, name: &[u8], kind: FileType) -> bool {
        if name.eq_ignore_ascii_case(b".git") {
            return false;
        }
        let mut at = Some(self);
        while let Some(level) = at {
            let rules = level.rules.get_or_init(|| match level.above {
                Some(_) => Rules::in_folder(level.folder),
                None => Rules::in_file(level.folder, EXCLUSIONS),
            });
            let is_here = level.depth == self.depth || (self.is_top() && level.above.is_none());
            match rules.as_ref().map_or(Verdict::Doubt, |rules| rules.judge(name, kind, is_here)) {
                Verdict::Ignored => return true,
                Verdict::Open => at = level.above,
                Verdict::Doubt => return false,
            }
        }
        false
    }
}

impl Look<'_> {
    /// Whether a folder has these entries, whose paths go on after so many bytes, as they were noted, and nothing else.
    fn has_only(&mut self, level: &Level<'_>, entries: &[Entry], from: usize) -> Result<bool, Errno> {
        let index = self.index;
        let mut known: Vec<&[u8]> = Vec::with_capacity(entries.len());
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            let path = index.path(entry);
            let Some(length) = memchr(b'/', &path[from..]) else {
                let name = &path[from..];
                let found = statat(level.folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
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
            let folder = openat(level.folder, name, flags, Mode::empty())?;
            let inner =
                Level { folder: &folder, above: Some(level), depth: level.depth + 1, rules: OnceCell::new() };
            let part = &entries[at..at + count];
            if inner.depth > DEPTH_MAX || !self.has_only(&inner, part, below.len())? {
                return Ok(false);
            }
            known.push(name);
            at += count;
        }
        known.sort_unstable();
        self.has_names_of(level, &known)
    }

    /// Whether a folder has no name but these and ignored ones, and at the top that of git.
    fn has_names_of(&mut self, level: &Level<'_>, known: &[&[u8]]) -> Result<bool, Errno> {
        let mut entries = RawDir::new(level.folder.as_fd(), &mut self.names);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            let is_passed = matches!(name, b"." | b"..") || (level.is_top() && name == b".git");
            let is_known = is_passed || known.binary_search(&name).is_ok();
            let is_let_pass = || self.ignored == Ignored::Passed && level.ignores(name, entry.file_type());
            if !is_known && !is_let_pass() {
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
