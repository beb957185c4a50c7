//! Where the files around the state file lie, and how one of them is read without a surprise.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::io::Errno;

use super::{StoreError, schema::FILE_BYTES_MAX};
use crate::atomic::{self, Place};

/// How many backups there are, `.1` the newest.
pub(super) const BACKUPS: u8 = 5;
/// How many links may lead from one to the next before the state file.
const LINKS_MAX: usize = 40;

/// The state file with its links resolved; everything else lies beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) state: PathBuf,
}

impl Files {
    /// Follows the links of the state file; where they end there is a regular file, or nothing yet.
    pub(super) fn resolve(path: &Path) -> Result<Self, StoreError> {
        let mut state = path.to_owned();
        for _ in 0..LINKS_MAX {
            let kind = match fs::symlink_metadata(&state) {
                Ok(metadata) => metadata.file_type(),
                Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self { state }),
                Err(err) => return Err(failed("look at", &state)(err)),
            };
            if kind.is_file() {
                return Ok(Self { state });
            }
            if !kind.is_symlink() {
                return Err(StoreError::NotAFile { path: state });
            }
            let target = fs::read_link(&state).map_err(failed("follow the link", &state))?;
            state = state.parent().unwrap_or(&state).join(target);
        }
        Err(failed("follow the link", path)(Errno::LOOP.into()))
    }

    pub(super) fn folder(&self) -> &Path {
        self.state.parent().unwrap_or(&self.state)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.with_ending("lock")
    }

    pub(super) fn temp(&self) -> PathBuf {
        self.with_ending("tmp")
    }

    pub(super) fn backup(&self, number: u8) -> PathBuf {
        self.state.with_file_name(self.name_and(&format!(".{number}")))
    }

    pub(super) fn backups(&self) -> impl Iterator<Item = (u8, PathBuf)> {
        (1..=BACKUPS).map(|number| (number, self.backup(number)))
    }

    /// What the names of kept broken copies begin with.
    pub(super) fn kept_prefix(&self) -> OsString {
        self.name_and(".corrupt.")
    }

    fn with_ending(&self, ending: &str) -> PathBuf {
        let stem = match self.state.extension() {
            Some(extension) if extension == "json" => self.state.with_extension(""),
            Some(_) | None => self.state.clone(),
        };
        let mut path = stem.into_os_string();
        path.push(".");
        path.push(ending);
        path.into()
    }

    fn name_and(&self, ending: &str) -> OsString {
        let mut name = self.state.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        name
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Text, which nobody has to copy for a part of it.
    Text(Arc<String>),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl Content {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(Arc::new(text)),
            Err(err) => Self::Bytes(err.into_bytes()),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// What a file system says of a file: where it is, how long, and when it was changed. The same for two changes that follow
/// each other at once, so that it cannot prove that there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    place: (u64, u64),
    bytes: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// That of the file which is there now.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().as_ref().map(Self::of)
    }

    pub(super) fn of(about: &Metadata) -> Self {
        Self {
            place: (about.dev(), about.ino()),
            bytes: about.len(),
            written: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

/// The bytes of a regular file, at most one more than the bound; `None` when there is no such file.
/// A link is not followed and a pipe is not waited for.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let metadata = file.metadata().map_err(failed("look at", path))?;
    let bytes = atomic::read_up_to(&file, metadata.len(), FILE_BYTES_MAX + 1);
    bytes.map(Some).map_err(failed("read", path))
}

/// Whether `read` would answer exactly these bytes.
pub(super) fn holds(path: &Path, bytes: Option<&[u8]>) -> Result<bool, StoreError> {
    match (open(path)?, bytes) {
        (Some(file), Some(bytes)) => {
            atomic::holds(file.take(FILE_BYTES_MAX + 1), bytes).map_err(failed("read", path))
        }
        (None, None) => Ok(true),
        (Some(_), None) | (None, Some(_)) => Ok(false),
    }
}

/// A regular file, open for reading.
pub(super) fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match atomic::open(path).map_err(failed("open", path))? {
        Place::File(file) => Ok(Some(file)),
        Place::Empty => Ok(None),
        Place::Other => Err(StoreError::NotAFile { path: path.to_owned() }),
    }
}

/// Turns an error of the disk into one of the store.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { action, path, source }
}
