//! How files are read that git or a person may have written: nobody waits for a pipe in their place.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

/// Opens a regular file; nothing when there is none. A link is followed, because git follows it too.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if file.metadata()?.is_file() {
        Ok(Some(file))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }
}

/// Reads a regular file; nothing when there is none, and an error when it has more than so many bytes.
pub(super) fn read_regular(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_regular(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// Copies a regular file with its mode.
pub(super) fn copy_regular(from: &Path, to: &Path) -> io::Result<()> {
    let Some(mut from) = open_regular(from)? else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let mut to = File::create(to)?;
    to.set_permissions(from.metadata()?.permissions())?;
    io::copy(&mut from, &mut to).map(drop)
}
