//! Where the files of a log lie, and how each is opened without a surprise.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{
    atomic::{self, Place},
    clock::Timestamp,
    shell::ShellError,
};

/// What the name of a torn end begins with.
const TORN: &str = "commands.torn.";

/// The files of one log.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
}

impl Files {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The events.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("commands.jsonl")
    }

    /// The events before them, when there were too many for one file.
    pub(super) fn older(&self) -> PathBuf {
        self.folder.join("commands.1.jsonl")
    }

    /// What becomes the new log while the old one goes.
    pub(super) fn next(&self) -> PathBuf {
        self.folder.join("commands.next.jsonl")
    }

    pub(super) fn index(&self) -> PathBuf {
        self.folder.join("commands.index.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.folder.join("commands.lock")
    }

    /// A name for a torn end.
    pub(super) fn torn(&self, now: Timestamp) -> PathBuf {
        let first = format!("{TORN}{}", now.compact());
        let names = (1_u32..).map(|number| match number {
            1 => first.clone(),
            _ => format!("{first}.{number}"),
        });
        let free = names.map(|name| self.folder.join(name)).find(|it| fs::symlink_metadata(it).is_err());
        free.expect("there are more numbers than files")
    }

    /// The torn ends that are kept, oldest first.
    pub(super) fn all_torn(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(TORN.as_bytes()) {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Makes the folder.
    pub(super) fn make_folder(&self) -> Result<(), ShellError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(failed("create", &self.folder))
    }

    /// The log for its writer, made when it is not there.
    pub(super) fn append(&self) -> Result<File, ShellError> {
        let path = self.log();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
            .open(&path)
            .map_err(failed("open", &path))?;
        let metadata = file.metadata().map_err(failed("look at", &path))?;
        if !metadata.is_file() {
            return Err(no_file(&path));
        }
        if metadata.len() == 0 {
            atomic::give_to_owner_of(&file, &self.folder).map_err(failed("give away", &path))?;
        }
        Ok(file)
    }
}

/// Opens a file for reading; none where there is nothing.
pub(super) fn open(path: &Path) -> Result<Option<File>, ShellError> {
    match atomic::open(path).map_err(failed("open", path))? {
        Place::File(file) => Ok(Some(file)),
        Place::Empty => Ok(None),
        Place::Other => Err(no_file(path)),
    }
}

pub(super) fn no_file(path: &Path) -> ShellError {
    failed("use", path)(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
}

pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ShellError {
    let path = path.to_owned();
    move |source| ShellError::Io { action, path, source }
}
