//! How a small file of git is read when it may be missing, emptied by a power cut, or anything else.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, Stat, fstat, statat},
    io::Errno,
};

use super::WorktreeError;
use crate::{atomic, clock::Timestamp};

/// The longest pointer, HEAD or lock reason that is read, in bytes.
pub(super) const POINTER_BYTES_MAX: u64 = 16 << 10;

/// What a small file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// There is nothing of this name.
    Missing,
    /// It is empty or holds NUL bytes: what a power cut leaves.
    Emptied,
    /// A folder has this name.
    Folder,
    /// A link, a device, a file that is too long or cannot be read.
    Odd,
    /// Its bytes, without the line end.
    Text(Vec<u8>),
}

impl Content {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(bytes) => str::from_utf8(bytes).ok(),
            Self::Missing | Self::Emptied | Self::Folder | Self::Odd => None,
        }
    }
}

/// What has the name of a folder.
#[derive(Debug)]
pub(super) enum Place {
    /// Nothing.
    Missing,
    /// A folder, open.
    Folder(Folder),
    /// A link, a file or the like.
    Other,
}

/// A folder that was opened without following a link at its end.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder; what lies above it may be reached through links.
    pub(super) fn open(path: &Path) -> Result<Place, WorktreeError> {
        Self::open_at(CWD, path.as_os_str(), path.to_owned())
    }

    /// Opens a folder in this one.
    pub(super) fn child(&self, name: &OsStr) -> Result<Place, WorktreeError> {
        Self::open_at(&self.fd, name, self.path.join(name))
    }

    fn open_at(at: impl AsFd, name: &OsStr, path: PathBuf) -> Result<Place, WorktreeError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(at, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Place::Folder(Self { fd, path })),
            Err(Errno::NOENT) => Ok(Place::Missing),
            Err(Errno::NOTDIR | Errno::LOOP) => Ok(Place::Other),
            Err(err) => Err(WorktreeError::Io { action: "open", path, source: err.into() }),
        }
    }

    /// The folder, open.
    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// What it is itself.
    pub(super) fn about(&self) -> io::Result<Stat> {
        Ok(fstat(&self.fd)?)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a small file in this folder, following no link.
    pub(super) fn read(&self, name: &str, bytes_max: u64) -> Content {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => content(&File::from(fd), bytes_max).unwrap_or(Content::Odd),
            Err(Errno::NOENT) => Content::Missing,
            Err(_) => Content::Odd,
        }
    }

    /// Whether something of this name is here.
    pub(super) fn has(&self, name: &str) -> bool {
        statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// When the content of a file here was last written.
    pub(super) fn written(&self, name: &str) -> Option<Timestamp> {
        let about = fs::symlink_metadata(self.path.join(name)).ok()?;
        about.modified().ok().map(Timestamp::from)
    }
}

fn content(file: &File, bytes_max: u64) -> io::Result<Content> {
    let about = file.metadata()?;
    if about.is_dir() {
        return Ok(Content::Folder);
    }
    if !about.is_file() || about.len() > bytes_max {
        return Ok(Content::Odd);
    }
    let mut bytes = atomic::read_up_to(file, about.len(), bytes_max)?;
    let length = bytes.trim_ascii_end().len();
    if length == 0 || bytes.contains(&0) {
        return Ok(Content::Emptied);
    }
    while bytes.ends_with(b"\n") || bytes.ends_with(b"\r") {
        bytes.pop();
    }
    Ok(Content::Text(bytes))
}

/// Where a pointer leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pointer {
    /// There is none.
    Missing,
    /// A power cut emptied it.
    Emptied,
    /// It holds no path.
    Garbage,
    /// To this place, absolute, which may not exist.
    To(PathBuf),
}

impl Pointer {
    /// Reads a pointer; a relative one begins at `beside`.
    pub(super) fn read(content: Content, prefix: &[u8], beside: &Path) -> Self {
        Self::read_from(content, prefix, || settled(beside))
    }

    /// The same; a relative one begins where that says, links resolved: `..` leads up from where a folder really is.
    pub(super) fn read_from(content: Content, prefix: &[u8], really: impl Fn() -> PathBuf) -> Self {
        match content {
            Content::Missing => Self::Missing,
            Content::Emptied => Self::Emptied,
            Content::Folder | Content::Odd => Self::Garbage,
            Content::Text(bytes) => {
                let Some(path) = bytes.strip_prefix(prefix).filter(|path| !path.is_empty()) else {
                    return Self::Garbage;
                };
                if path.contains(&b'\n') {
                    return Self::Garbage;
                }
                let path = PathBuf::from(OsString::from_vec(path.to_vec()));
                if path.is_absolute() {
                    return Self::To(plain(&path));
                }
                Self::To(plain(&really().join(path)))
            }
        }
    }

    /// The place, if it names one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::To(path) => Some(path),
            Self::Missing | Self::Emptied | Self::Garbage => None,
        }
    }
}

/// The path without `.` and `..`, by its text alone.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// The path with the links above its last part resolved; the part itself need not exist.
pub(super) fn settled(path: &Path) -> PathBuf {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return path.to_owned();
    };
    match parent.canonicalize() {
        Ok(parent) => parent.join(name),
        Err(_) if parent.parent().is_some() => settled(parent).join(name),
        Err(_) => path.to_owned(),
    }
}

/// Whether two paths name the same place, whatever links lead there.
pub(super) fn same_place(one: &Path, other: &Path) -> bool {
    one == other || settled(one) == settled(other)
}

/// The names in a folder in their order, at most `entries_max`; none for a folder that is not there.
pub(super) fn names_in(folder: &Path, entries_max: usize) -> Result<Vec<OsString>, WorktreeError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(WorktreeError::Io { action: "list", path: folder.to_owned(), source });
        }
    };
    let mut names: Vec<OsString> =
        entries.filter_map(Result::ok).map(|entry| entry.file_name()).take(entries_max).collect();
    names.sort();
    if names.len() == entries_max {
        tracing::warn!(folder = %folder.display(), entries_max, "a folder has more entries than are looked at");
    }
    Ok(names)
}

/// Whether a name begins with a dot.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}
