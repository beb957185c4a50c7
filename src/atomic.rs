//! How a file is replaced, so that after a crash there is the old one or the new one; how what others wrote is made
//! durable; and how a file is opened without a surprise.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rustix::{fs::OFlags, io::Errno};

/// How many calls that make something durable run beside the first; what git does meanwhile needs the processors.
const HELPERS_MAX: usize = 3;
/// How much room there has to be behind what is expected, so that the end is found without a small read for it.
const PROBE_BYTES: usize = 32;
/// How much of a file is compared at once.
const PART_BYTES: usize = 1 << 16;

/// Whether a replaced file must outlive a power cut, or only a crash of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Bytes and name are on the disk when the call returns.
    PowerCut,
    /// The kernel has them.
    Crash,
}

/// What lies at a path.
#[derive(Debug)]
pub enum Place {
    /// A regular file, open for reading.
    File(File),
    /// Nothing.
    Empty,
    /// A link, a folder, a pipe or the like.
    Other,
}

/// What could not be made durable.
#[derive(Debug)]
pub struct SyncError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Replaces a file (mode 0600) through `<name>.tmp` beside it. The caller holds a lock that covers the file, because
/// the temporary name is fixed; a leftover of a dead writer is removed first.
pub fn replace(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let temp = temp_beside(path);
    let outcome = write_new(&temp, bytes, durability).and_then(|_| rename(&temp, path));
    if let Err(err) = outcome {
        drop(fs::remove_file(&temp));
        return Err(err);
    }
    match durability {
        Durability::PowerCut => sync_folder(path.parent().unwrap_or(path)),
        Durability::Crash => Ok(()),
    }
}

/// Writes a file that must not be there yet (mode 0600, no link followed) and answers it open for reading back;
/// a leftover under that name is removed before.
pub fn write_new(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<File> {
    let open = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
    };
    let mut file = match open() {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            open()?
        }
        opened => opened?,
    };
    file.write_all(bytes)?;
    if durability == Durability::PowerCut {
        file.sync_all()?;
    }
    Ok(file)
}

/// Opens a regular file for writing that has no other name; a link is not followed and a pipe is not waited for.
pub fn open_alone(path: &Path) -> Option<File> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    let file = opened.ok()?;
    file.metadata().is_ok_and(|about| about.is_file() && about.nlink() == 1).then_some(file)
}

/// Writes over a file from its beginning; nothing of what it held stays.
pub fn write_over(mut file: File, bytes: &[u8]) -> io::Result<File> {
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    Ok(file)
}

/// Opens a regular file for reading; a link is not followed and a pipe is not waited for.
pub fn open(path: &Path) -> io::Result<Place> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path);
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(Place::File(file)),
        Ok(_) => Ok(Place::Other),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Place::Empty),
        Err(err) if matches!(Errno::from_io_error(&err), Some(Errno::LOOP | Errno::NXIO)) => Ok(Place::Other),
        Err(err) => Err(err),
    }
}

/// What a file holds, at most so many bytes. `length` is how long it is said to be, so that nobody feels for its end in many
/// small reads: where the first one gives exactly so much and had room for more, that was the end.
pub fn read_up_to(mut file: &File, length: u64, bytes_max: u64) -> io::Result<Vec<u8>> {
    let expected = usize::try_from(length.min(bytes_max)).unwrap_or(0);
    let mut bytes = vec![0; expected + PROBE_BYTES];
    let read = loop {
        match file.read(&mut bytes) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => (),
            read => break read?,
        }
    };
    bytes.truncate(read);
    if read as u64 != length || length > bytes_max {
        let rest = bytes_max.saturating_sub(read as u64);
        file.take(rest).read_to_end(&mut bytes)?;
        bytes.truncate(usize::try_from(bytes_max).unwrap_or(usize::MAX));
    }
    Ok(bytes)
}

/// Whether exactly these bytes can be read, to the end; looks at them part by part.
pub fn holds(mut file: impl io::Read, bytes: &[u8]) -> io::Result<bool> {
    let mut part = vec![0; PART_BYTES];
    let mut rest = bytes;
    loop {
        let read = match file.read(&mut part) {
            Ok(0) => return Ok(rest.is_empty()),
            Ok(read) => read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        match rest.strip_prefix(&part[..read]) {
            Some(others) => rest = others,
            None => return Ok(false),
        }
    }
}

/// Whether the disk gives back what was written to a file.
pub fn read_back(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    if holds(file, bytes)? {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the disk gave back other bytes than were written"))
    }
}

/// Gives a file that root made to the owner of another file or folder, so that one command run as root does not lock
/// everybody else out. For anyone but root there is nothing to do.
pub fn give_to_owner_of(file: &File, other: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (owner, made) = (fs::metadata(other)?, file.metadata()?);
    if (made.uid(), made.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// Renames, replacing what is there. The one place that does.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Makes the names in a folder durable.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes files and folders durable; those that are gone are left out. The calls run side by side, because a journaling
/// file system then answers many of them with one commit.
pub fn sync_all(paths: &[PathBuf]) -> Result<(), SyncError> {
    let Some((first, others)) = paths.split_first() else {
        return Ok(());
    };
    let (own, others) = sync_beside(others, || sync(first));
    own.and(others)
}

/// Does something of one's own while files and folders are made durable as by `sync_all`; answers when both are done.
pub fn sync_beside<T>(paths: &[PathBuf], own: impl FnOnce() -> T) -> (T, Result<(), SyncError>) {
    let next = AtomicUsize::new(0);
    let help = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            sync(path)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let named = || thread::Builder::new().name("sync".to_owned());
        // A thread that cannot be had leaves its part to the others.
        let helpers: Vec<_> = (0..paths.len().min(HELPERS_MAX))
            .filter_map(|_| named().spawn_scoped(scope, help).ok())
            .collect();
        let done = own();
        let synced = helpers
            .into_iter()
            .map(|helper| helper.join().expect("a sync does not panic"))
            .fold(help(), Result::and);
        (done, synced)
    })
}

fn sync(path: &Path) -> Result<(), SyncError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map_err(|source| SyncError { path: path.to_owned(), source }),
    }
}

fn temp_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".tmp");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<OsString> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_replaced_file_is_private_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        for (bytes, durability) in [("one", Durability::PowerCut), ("two", Durability::Crash)] {
            replace(&path, bytes.as_bytes(), durability).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["table.json"]);
    }

    #[test]
    fn a_link_under_the_temporary_name_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        symlink("victim", folder.path().join("table.json.tmp")).unwrap();
        replace(&path, b"new", Durability::Crash).unwrap();
        assert_eq!(names(folder.path()), ["table.json"]);
        assert!(path.is_file());
    }

    #[test]
    fn a_file_is_read_to_its_end_or_its_bound_whatever_length_it_is_said_to_have() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        drop(write_new(&path, &[b'x'; 100], Durability::Crash).unwrap());
        for length in [0, 1, 68, 99, 100, 101, 1_000] {
            for (bytes_max, read) in [(0, 0), (1, 1), (99, 99), (100, 100), (101, 100), (1_000, 100)] {
                let bytes = read_up_to(&File::open(&path).unwrap(), length, bytes_max).unwrap();
                assert_eq!(bytes.len(), read, "{length} bytes expected, {bytes_max} allowed");
            }
        }
    }

    #[test]
    fn what_is_gone_needs_no_sync_and_what_cannot_be_opened_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("loop", at("loop")).unwrap();
        let mut paths: Vec<PathBuf> = ["one", "two", "three", "four", "five"].map(at).into();
        drop(write_new(&paths[4], b"bytes", Durability::Crash).unwrap());
        sync_all(&paths).unwrap();
        paths.push(at("loop"));
        let (own, synced) = sync_beside(&paths, || "done");
        assert_eq!(own, "done");
        assert_eq!(synced.unwrap_err().path, at("loop"));
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.json");
        fs::create_dir(&path).unwrap();
        replace(&path, b"new", Durability::Crash).unwrap_err();
        assert_eq!(names(folder.path()), ["table.json"]);
    }
}
