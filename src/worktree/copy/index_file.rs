//! What an index says of each file, and how it is written anew with what the files are in another folder.

use std::{
    fs::{self, File},
    io,
    ops::Range,
    os::unix::fs::MetadataExt as _,
    path::Path,
    thread,
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, statat};
use sha1::{Digest as _, Sha1};

use crate::{atomic, worktree::regular::open_regular};

/// The largest index that is read, in bytes: some two million files.
pub(super) const INDEX_BYTES_MAX: u64 = 256 << 20;
/// The length of the head, of an object id, and of an entry before its path.
const HEAD_BYTES: usize = 12;
pub(super) const ID_BYTES: usize = 20;
pub(super) const ENTRY_BYTES: usize = 62;
/// Where in an entry what stands.
pub(super) const MODE_AT: usize = 24;
const SIZE_AT: usize = 36;
pub(super) const ID_AT: usize = 40;
pub(super) const FLAGS_AT: usize = 60;
/// Flags: of a file that is taken for unchanged, of further flags, of the stage in a merge, and the length of a path.
const ASSUMED: u16 = 0x8000;
const EXTENDED: u16 = 0x4000;
const STAGE: u16 = 0x3000;
pub(super) const LENGTH: u16 = 0x0fff;
/// From how many files on several threads look at them, and how many at most.
const FILES_MIN: usize = 1_000;
const THREADS_MAX: usize = 4;
/// The extension that holds the ids of the trees; it is the only one that is true of another folder too.
pub(super) const TREE: &[u8; 4] = b"TREE";

/// An index of which nothing is unusual: every entry is a file or a link at stage 0, wanted in the worktree.
#[derive(Debug)]
pub(in crate::worktree) struct IndexFile {
    bytes: Vec<u8>,
    pub(in crate::worktree) entries: Vec<Entry>,
    paths: Vec<u8>,
    entries_end: usize,
    tree: Option<Range<usize>>,
    has_checksum: bool,
    /// When the index was written, in seconds: a file that changed in or after that second may differ unseen.
    written: i64,
}

/// One file.
#[derive(Debug)]
pub(in crate::worktree) struct Entry {
    at: usize,
    path: Range<usize>,
    /// What it is: a file, a program, a link.
    pub(in crate::worktree) kind: Kind,
    /// Its length, as far as the index tells.
    pub(in crate::worktree) size: u32,
}

/// What git checks out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worktree) enum Kind {
    /// A file.
    File,
    /// A file that can be run.
    Program,
    /// A symbolic link.
    Link,
}

impl IndexFile {
    /// Reads an index; `None` when it is not there, damaged, or has anything unusual in it.
    pub(in crate::worktree) fn read(path: &Path) -> Option<Self> {
        let file = open_regular(path).ok()??;
        let about = file.metadata().ok().filter(|it| it.is_file() && it.len() <= INDEX_BYTES_MAX)?;
        let bytes = atomic::read_up_to(&file, about.len(), INDEX_BYTES_MAX).ok()?;
        Self::parse(bytes, about.mtime())
    }

    /// Understands the bytes of an index that was written at this time, in seconds.
    pub(super) fn parse(bytes: Vec<u8>, written: i64) -> Option<Self> {
        let body = bytes.len().checked_sub(ID_BYTES)?;
        let version = number(&bytes, 4)?;
        if bytes.get(..4)? != b"DIRC" || !(2..=4).contains(&version) {
            return None;
        }
        let count = usize::try_from(number(&bytes, 8)?).ok()?;
        let mut index = Self {
            entries: Vec::with_capacity(count.min(body / ENTRY_BYTES)),
            paths: Vec::with_capacity(body / 2),
            entries_end: HEAD_BYTES,
            tree: None,
            has_checksum: bytes[body..].iter().any(|&byte| byte != 0),
            written,
            bytes,
        };
        for _ in 0..count {
            index.take_entry(version, body)?;
        }
        index.take_extensions(body)?;
        Some(index)
    }

    fn take_entry(&mut self, version: u32, body: usize) -> Option<()> {
        let (at, bytes) = (self.entries_end, self.bytes.get(..body)?);
        let flags = u16::from_be_bytes(bytes.get(at + FLAGS_AT..at + ENTRY_BYTES)?.try_into().ok()?);
        // Further flags say that a file is left out, or only announced.
        if flags & (ASSUMED | EXTENDED | STAGE) != 0 {
            return None;
        }
        let begin = self.paths.len();
        let mut from = at + ENTRY_BYTES;
        let mut kept = 0;
        let previous = self.entries.last().map_or(0..0, |entry| entry.path.clone());
        if version == 4 {
            let dropped;
            (dropped, from) = varint(bytes, from)?;
            kept = previous.len().checked_sub(dropped)?;
        }
        let length = bytes.get(from..)?.iter().position(|&byte| byte == 0)?;
        self.paths.extend_from_within(previous.start..previous.start + kept);
        self.paths.extend_from_slice(&bytes[from..from + length]);
        let path = begin..self.paths.len();
        let is_told = usize::from(flags & LENGTH) == path.len().min(usize::from(LENGTH));
        let is_sorted = self.paths[previous.clone()] < self.paths[path.clone()];
        if !is_told || !is_sorted || !is_safe(&self.paths[path.clone()]) {
            return None;
        }
        let kind = match number(bytes, at + MODE_AT)? {
            0o100_644 => Kind::File,
            0o100_755 => Kind::Program,
            0o120_000 => Kind::Link,
            _ => return None,
        };
        let size = number(bytes, at + SIZE_AT)?;
        self.entries_end =
            if version == 4 { from + length + 1 } else { at + (from + length - at + 8) / 8 * 8 };
        self.entries.push(Entry { at, path, kind, size });
        Some(())
    }

    fn take_extensions(&mut self, body: usize) -> Option<()> {
        let mut at = self.entries_end;
        while at < body {
            let name = self.bytes.get(at..at + 4)?;
            let length = usize::try_from(number(&self.bytes, at + 4)?).ok()?;
            let end = at.checked_add(8)?.checked_add(length).filter(|&end| end <= body)?;
            // Git cannot do without those in small letters: a split or a sparse index.
            if !name.first()?.is_ascii_uppercase() {
                return None;
            }
            if name == TREE {
                self.tree = Some(at..end);
            }
            at = end;
        }
        (at == body).then_some(())
    }

    /// The path of an entry, below the worktree.
    pub(in crate::worktree) fn path(&self, entry: &Entry) -> &[u8] {
        &self.paths[entry.path.clone()]
    }

    /// The id of the content of an entry.
    pub(in crate::worktree) fn content(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.at + ID_AT..entry.at + ID_AT + ID_BYTES]
    }

    /// The id of the tree that this index is, to the last entry; none when something is staged beside it.
    pub(in crate::worktree) fn tree(&self) -> Option<&[u8]> {
        let body = self.bytes.get(self.tree.clone()?)?.get(8..)?;
        // The root has an empty name; then how many entries are below it, `-1` when that is not known.
        let line = body.strip_prefix(&[0])?;
        let end = line.iter().position(|&byte| byte == b'\n')?;
        let count = line[..end].split(|&byte| byte == b' ').next()?;
        let count: usize = str::from_utf8(count).ok()?.parse().ok()?;
        (count == self.entries.len()).then(|| line.get(end + 1..end + 1 + ID_BYTES)).flatten()
    }

    /// How many bytes the files have together, as far as the index tells.
    pub(in crate::worktree) fn size(&self) -> u64 {
        self.entries.iter().map(|entry| u64::from(entry.size)).sum()
    }

    /// Whether a file is, beyond doubt, what the index had in view: as git judges it, and a little stricter.
    pub(in crate::worktree) fn vouches_for(&self, entry: &Entry, found: &Stat) -> bool {
        let mut expected = [0; ID_AT];
        write_stat(&mut expected, found);
        let noted = &self.bytes[entry.at..entry.at + ID_AT];
        // Neither the device (git does not compare it) nor the mode, which `Kind` is.
        let is_same = noted[..16] == expected[..16]
            && noted[20..MODE_AT] == expected[20..MODE_AT]
            && noted[28..] == expected[28..];
        // Git writes no length of a file that it has to look into again.
        let is_told = entry.size > 0 || *self.content(entry) == content_id(b"");
        is_same && is_told && found.st_mtime < self.written
    }

    /// Whether every file in a folder is beyond doubt what the index had in view.
    pub(in crate::worktree) fn vouches_for_all(&self, folder: &Path) -> bool {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(folder) = openat(CWD, folder, flags, Mode::empty()) else {
            return false;
        };
        let all = |part: &[Entry]| {
            part.iter().all(|entry| {
                statat(&folder, self.path(entry), AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|found| self.vouches_for(entry, &found))
            })
        };
        // How many processors there are is several files to read.
        if self.entries.len() < FILES_MIN {
            return all(&self.entries);
        }
        let available = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        if available < 2 {
            return all(&self.entries);
        }
        let mut parts = self.entries.chunks(self.entries.len().div_ceil(available));
        let own = parts.next().unwrap_or_default();
        thread::scope(|scope| {
            let named = || thread::Builder::new().name("look".to_owned());
            // A thread that cannot be had leaves its part to this one.
            let others: Vec<_> =
                parts.map(|part| (part, named().spawn_scoped(scope, || all(part)))).collect();
            let is_same = all(own);
            others.into_iter().fold(is_same, |is_same, (part, other)| {
                let is_part = match other {
                    Ok(other) => other.join().expect("a look does not panic"),
                    Err(_) => all(part),
                };
                is_same && is_part
            })
        })
    }

    /// Writes into an entry what its file is now.
    pub(in crate::worktree) fn note(&mut self, entry: usize, found: &Stat) {
        let at = self.entries[entry].at;
        write_stat(&mut self.bytes[at..at + ID_AT], found);
    }

    /// Writes into an entry that nothing is known of its file.
    pub(in crate::worktree) fn forget(&mut self, entry: usize) {
        let at = self.entries[entry].at;
        self.bytes[at..at + MODE_AT].fill(0);
        self.bytes[at + 28..at + ID_AT].fill(0);
    }

    /// The bytes of the file, with nothing in them that is true of the first folder alone.
    pub(in crate::worktree) fn into_bytes(mut self) -> Vec<u8> {
        let tree = self.tree.clone().map(|tree| self.bytes[tree].to_vec());
        self.bytes.truncate(self.entries_end);
        self.bytes.extend(tree.into_iter().flatten());
        let sum = if self.has_checksum { Sha1::digest(&self.bytes).into() } else { [0; ID_BYTES] };
        self.bytes.extend_from_slice(&sum);
        self.bytes
    }
}

/// The id that git gives content as a file.
pub(in crate::worktree) fn content_id(bytes: &[u8]) -> [u8; ID_BYTES] {
    let mut sum = Sha1::new();
    sum.update(format!("blob {}\0", bytes.len()));
    sum.update(bytes);
    sum.finalize().into()
}

/// Writes an index that is not there yet; git finds all of it or nothing.
pub(super) fn write_index(admin: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let (lock, index) = (admin.join("index.lock"), admin.join("index"));
    let mut file = File::options().write(true).create_new(true).open(&lock)?;
    let written = file.write_all(bytes).and_then(|()| atomic::rename(&lock, &index));
    if written.is_err() {
        drop(fs::remove_file(&lock));
    }
    written
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index keeps the low 32 bits")]
fn write_stat(into: &mut [u8], found: &Stat) {
    let mut put = |at: usize, value: u32| into[at..at + 4].copy_from_slice(&value.to_be_bytes());
    put(0, found.st_ctime as u32);
    put(4, found.st_ctime_nsec as u32);
    put(8, found.st_mtime as u32);
    put(12, found.st_mtime_nsec as u32);
    put(16, found.st_dev as u32);
    put(20, found.st_ino as u32);
    put(28, found.st_uid);
    put(32, found.st_gid);
    put(SIZE_AT, found.st_size as u32);
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Git's way to write how many bytes of the path before are dropped.
fn varint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
    }
    Some((value, at + 1))
}

/// Whether a path leads to a place below the worktree that is not git's own.
fn is_safe(path: &[u8]) -> bool {
    path.split(|&byte| byte == b'/')
        .all(|part| !part.is_empty() && part != b"." && part != b".." && !part.eq_ignore_ascii_case(b".git"))
}
