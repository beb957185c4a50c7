//! What becomes of the end of a log that is no whole event: it is kept aside, and cut off.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::files::{self, Files, failed};
use crate::{
    atomic::{self, Durability},
    clock::Timestamp,
    shell::ShellError,
};

/// How many torn ends are kept; beyond it the oldest go.
const TORN_MAX: usize = 8;
/// How many bytes of each.
const TORN_BYTES_MAX: u64 = 16 << 20;

/// Keeps the bytes of the log behind an offset in a file beside it, and says where. The log is not changed.
pub(super) fn keep(files: &Files, offset: u64, now: Timestamp) -> Result<Option<PathBuf>, ShellError> {
    let Some(mut log) = files::open(&files.log())? else {
        return Ok(None);
    };
    let path = files.torn(now);
    copy(&mut log, offset, &path).map_err(failed("keep", &path))?;
    let mut others = files.all_torn().map_err(failed("list", &files.folder))?;
    others.retain(|other| *other != path);
    for oldest in &others[..others.len().saturating_sub(TORN_MAX - 1)] {
        fs::remove_file(oldest).map_err(failed("remove", oldest))?;
    }
    Ok(Some(path))
}

fn copy(log: &mut File, offset: u64, path: &Path) -> io::Result<()> {
    log.seek(SeekFrom::Start(offset))?;
    let mut kept = atomic::write_new(path, b"", Durability::Crash)?;
    io::copy(&mut log.take(TORN_BYTES_MAX), &mut kept)?;
    kept.flush()?;
    kept.sync_all()
}
