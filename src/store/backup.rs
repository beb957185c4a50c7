//! What is kept of earlier state files: five backups, and every broken one.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::warn;

use super::{
    STATE_FILE_MODE, StoreError,
    files::{self, BACKUPS, Files, failed},
    schema::{self, Parsed, SchemaError, Seal},
};
use crate::{
    atomic::{self, Durability},
    clock::Timestamp,
    lock,
};

/// How long a state file is read at most by somebody who has not got the lock.
const READING_MAX: Duration = Duration::from_secs(1);

/// What the backups have to offer.
pub(super) enum Backups {
    /// There is none.
    None,
    /// There are some, and none can be read.
    Broken,
    /// The newest that can be read.
    Newest { number: u8, parsed: Box<Parsed> },
}

/// Looks for the newest backup whose checksum, if it has one, is right.
pub(super) fn newest(files: &Files) -> Result<Backups, StoreError> {
    let mut found = false;
    for (number, path) in files.backups() {
        match files::read(&path) {
            Ok(None) => (),
            Ok(Some(bytes)) => {
                found = true;
                match schema::decode_bytes(&bytes) {
                    Ok(parsed) if parsed.seal != Seal::Broken => {
                        let parsed = Box::new(parsed);
                        return Ok(Backups::Newest { number, parsed });
                    }
                    Ok(_) => warn!(path = %path.display(), "backup has a wrong checksum"),
                    Err(SchemaError::Newer { version }) => return Err(StoreError::Newer { path, version }),
                    Err(err) => warn!(path = %path.display(), %err, "backup cannot be read"),
                }
            }
            Err(err) => {
                found = true;
                warn!(path = %path.display(), %err, "backup cannot be read");
            }
        }
    }
    Ok(if found { Backups::Broken } else { Backups::None })
}

/// How many backups could serve.
pub(super) fn valid(files: &Files) -> usize {
    files
        .backups()
        .filter_map(|(_, path)| files::read(&path).ok().flatten())
        .filter(|bytes| schema::decode_bytes(bytes).is_ok_and(|parsed| parsed.seal != Seal::Broken))
        .count()
}

/// How the present state file becomes backup 1: the older ones move up, the oldest goes. A state file that is backup 1
/// already, because the commit after an earlier call failed, moves nothing.
pub(super) struct Shift<'a> {
    files: &'a Files,
    present: &'a [u8],
    is_needed: bool,
    /// A free number, after a crash between two renames, takes the shift, and nothing behind it moves.
    free: Option<u8>,
}

impl<'a> Shift<'a> {
    /// The one that is due with this present state file.
    pub(super) fn of(files: &'a Files, present: &'a [u8]) -> Self {
        let newest = files.backup(1);
        let is_as_long = fs::symlink_metadata(&newest).is_ok_and(|about| about.len() == present.len() as u64);
        let is_needed = !(is_as_long && files::holds(&newest, Some(present)).unwrap_or(false));
        let is_free = |number: &u8| match fs::symlink_metadata(files.backup(*number)) {
            Err(err) => err.kind() == io::ErrorKind::NotFound,
            Ok(_) => false,
        };
        let free = (1..=BACKUPS).find(is_free);
        Self { files, present, is_needed, free }
    }

    /// The file of the oldest backup, where that is to go, under the name of the temporary one and open to be written over.
    /// That spares a file system to free one file and to find room for another, which takes as long as to write. Who opened
    /// it as the state file, and reads it without the lock, has had time to come to its end; whoever takes longer reads what
    /// its checksum does not fit. A commit that fails later leaves one backup less.
    pub(super) fn take_oldest(&self) -> Option<File> {
        if !self.is_needed || self.free.is_some() || !self.is_long_replaced() {
            return None;
        }
        self.take(atomic::open_alone(&self.files.backup(BACKUPS))?)
    }

    /// Gives the file of the oldest backup the name of the temporary one. Nothing where that was another file: under a lock
    /// that excludes nobody, a whole commit of somebody else can have made the one that was opened the state file meanwhile.
    fn take(&self, file: File) -> Option<File> {
        let (oldest, temp) = (self.files.backup(BACKUPS), self.files.temp());
        // Whoever opened one that was not private could read in it what is written now.
        if file.metadata().ok()?.mode() & 0o7777 != STATE_FILE_MODE {
            return None;
        }
        atomic::rename(&oldest, &temp).ok()?;
        lock::is_at(&file, &temp).then_some(file)
    }

    /// Whether the next one took the place of the oldest long enough ago.
    fn is_long_replaced(&self) -> bool {
        let next = fs::symlink_metadata(self.files.backup(BACKUPS - 1));
        let written = next.and_then(|about| about.modified()).map(|written| written.elapsed());
        // One from the future tells nothing.
        matches!(written, Ok(Ok(age)) if age >= READING_MAX)
    }

    /// Carries it out.
    pub(super) fn carry_out(self) -> Result<(), StoreError> {
        let files = self.files;
        if !self.is_needed {
            return Ok(());
        }
        for number in (1..self.free.unwrap_or(BACKUPS)).rev() {
            let (from, to) = (files.backup(number), files.backup(number + 1));
            atomic::rename(&from, &to).map_err(failed("rename", &from))?;
        }
        let newest = files.backup(1);
        if fs::hard_link(&files.state, &newest).is_ok() {
            return Ok(());
        }
        // Some shared folders know no hard links.
        copy(&newest, self.present)
    }
}

/// Keeps a broken state file beside the others and says where; the same bytes are kept once.
pub(super) fn keep_broken(files: &Files, bytes: &[u8], now: Timestamp) -> Result<PathBuf, StoreError> {
    for path in kept(files)? {
        if same_file(&files.state, &path).map_err(failed("compare", &path))? {
            return Ok(path);
        }
    }
    let mut name = files.kept_prefix();
    name.push(now.compact());
    let first = files.state.with_file_name(&name);
    let mut path = first.clone();
    let mut number = 2_u32;
    while fs::symlink_metadata(&path).is_ok() {
        let mut name = name.clone();
        name.push(format!(".{number}"));
        path = files.state.with_file_name(name);
        number += 1;
    }
    // A copy, because an editor that writes in place would change a hard link with it.
    let whole = bytes.len() as u64 <= schema::FILE_BYTES_MAX;
    if !whole || copy(&path, bytes).is_err() {
        fs::hard_link(&files.state, &path)
            .or_else(|_| fs::copy(&files.state, &path).map(drop))
            .map_err(failed("keep a copy at", &path))?;
    }
    atomic::sync_folder(files.folder()).map_err(failed("sync", files.folder()))?;
    Ok(path)
}

/// The kept broken files, oldest first.
pub(super) fn kept(files: &Files) -> Result<Vec<PathBuf>, StoreError> {
    let prefix = files.kept_prefix();
    let entries = match fs::read_dir(files.folder()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("list", files.folder()))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", files.folder()))?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn copy(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    atomic::write_new(path, bytes, Durability::PowerCut).map(drop).map_err(|err| {
        // Half a copy would look like a broken backup.
        drop(fs::remove_file(path));
        failed("write", path)(err)
    })
}

/// Whether two regular files have the same bytes; something else is no such file.
fn same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let (one_at, other_at) = (fs::symlink_metadata(one)?, fs::symlink_metadata(other)?);
    if !other_at.is_file() || one_at.len() != other_at.len() {
        return Ok(false);
    }
    if (one_at.dev(), one_at.ino()) == (other_at.dev(), other_at.ino()) {
        return Ok(true);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut one_bytes, mut other_bytes) = (Vec::new(), Vec::new());
    loop {
        one_bytes.clear();
        other_bytes.clear();
        let read = one.by_ref().take(1 << 20).read_to_end(&mut one_bytes)?;
        other.by_ref().take(1 << 20).read_to_end(&mut other_bytes)?;
        if one_bytes != other_bytes {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a state file and all backups.
    fn full() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { state: folder.path().join("table.json") };
        for (number, path) in files.backups() {
            atomic::write_new(&path, &[number], Durability::Crash).unwrap();
        }
        atomic::write_new(&files.state, b"state", Durability::Crash).unwrap();
        (folder, files)
    }

    #[test]
    fn the_oldest_is_taken_under_the_name_of_the_temporary_file() {
        let (_folder, files) = full();
        let taken = Shift::of(&files, b"state").take(atomic::open_alone(&files.backup(BACKUPS)).unwrap());
        assert!(lock::is_at(&taken.unwrap(), &files.temp()));
        assert!(!files.backup(BACKUPS).exists());
    }

    /// As on a shared folder where the lock excludes nobody.
    #[test]
    fn what_became_the_state_file_since_it_was_opened_is_not_taken() {
        let (_folder, files) = full();
        let shift = Shift::of(&files, b"state");
        let opened = atomic::open_alone(&files.backup(BACKUPS)).unwrap();
        atomic::rename(&files.backup(BACKUPS), &files.state).unwrap();
        atomic::rename(&files.backup(BACKUPS - 1), &files.backup(BACKUPS)).unwrap();
        assert!(shift.take(opened).is_none());
        assert_eq!(fs::read(&files.state).unwrap(), [BACKUPS]);
    }
}
