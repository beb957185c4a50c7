//! How the files of one checkout get into another, several at once, how each of them is judged first, and where it comes
//! from when it is not what it should be.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use git2::{ObjectType, Odb, Oid};
use rustix::{
    fs::{
        AtFlags, CWD, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fstat, futimens,
        ioctl_ficlone, mkdirat, openat, readlinkat, statat, symlinkat, utimensat,
    },
    io::Errno,
};

use super::{
    index_file::{Entry, IndexFile, Kind, content_id},
    source::{BYTES_MAX, Source},
};

/// The most threads that copy.
const THREADS_MAX: usize = 8;
/// From how many files on a second thread pays.
const FILES_MIN: usize = 100;
/// How many files a thread takes at once: few, so that no thread is at its last part for long while the others are done.
const PART_FILES: usize = 32;
/// The largest file that is copied; each is read into memory as a whole.
const READ_BYTES_MAX: u64 = 64 << 20;
/// How much older than now a copy is made, in seconds. Git compares whole seconds with those of the index, and reads
/// every file anew that is not older; any later change still shows.
const AGE_SECONDS: i64 = 2;

/// Where to copy from and to.
pub(super) struct Copying<'a> {
    index: &'a IndexFile,
    has: &'a [bool],
    objects: &'a Odb<'a>,
    from: OwnedFd,
    to: OwnedFd,
    times: Timestamps,
    /// Whether the file system shares blocks between files, as far as it has been tried.
    shares: AtomicBool,
    /// How many bytes came from the objects.
    written: AtomicU64,
}

/// What became of the files: what each of them is now, or nothing for one that git has to write.
pub(super) type Copied = Vec<Option<Stat>>;

impl<'a> Copying<'a> {
    /// Into an empty folder; `now` is what the file system takes for the time, in seconds.
    pub(super) fn of(source: &'a Source, objects: &'a Odb<'a>, to: &Path, now: i64) -> io::Result<Self> {
        let past = Timespec { tv_sec: now - AGE_SECONDS, tv_nsec: 0 };
        let untouched = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        Ok(Self {
            index: &source.wanted,
            has: &source.has,
            objects,
            from: folder(CWD, &source.folder)?,
            to: folder(CWD, to)?,
            times: Timestamps { last_access: untouched, last_modification: past },
            shares: AtomicBool::new(true),
            written: AtomicU64::new(0),
        })
    }

    /// Copies what is beyond doubt what the index says, and writes what else the objects have.
    /// Does `beside` meanwhile, and answers what that did.
    pub(super) fn run<T: Send>(&self, beside: impl FnOnce() -> T + Send) -> io::Result<(Copied, T)> {
        let count = self.index.entries.len();
        let available = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let threads = if count < FILES_MIN { 1 } else { available };
        let mut copied: Copied = vec![None; count];
        let parts = copied.chunks_mut(PART_FILES).enumerate();
        let parts = parts.map(|(number, part)| (number * PART_FILES, part));
        let queue = Mutex::new((parts, Folders { copying: self, last: b"" }));
        let work = || -> io::Result<()> {
            loop {
                let mut queue = queue.lock().expect("no thread panics with the queue");
                let (parts, folders) = &mut *queue;
                let Some((first, part)) = parts.next() else {
                    return Ok(());
                };
                // One thread makes folders while the others copy.
                folders.make_for(&self.index.entries[first..first + part.len()])?;
                drop(queue);
                self.copy_part(first, part)?;
            }
        };
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let done = thread::scope(|scope| {
            // Who copies begins before who waits for the disk, and so gets a processor of its own. A thread that cannot be had
            // leaves its part to the others.
            let helpers: Vec<_> =
                (1..threads).filter_map(|_| named("copy").spawn_scoped(scope, work).ok()).collect();
            let beside = named("sync").spawn_scoped(scope, beside)?;
            let own = work();
            helpers.into_iter().map(|it| it.join().expect("a copy does not panic")).fold(own, Result::and)?;
            Ok::<_, io::Error>(beside.join().expect("a sync does not panic"))
        })?;
        Ok((copied, done))
    }

    fn copy_part(&self, first: usize, part: &mut [Option<Stat>]) -> io::Result<()> {
        let mut pair = Pair(None);
        let mut buffer = Vec::new();
        let has = &self.has[first..];
        for ((entry, copied), &has) in self.index.entries[first..].iter().zip(part).zip(has) {
            let (folder, name) = split(self.index.path(entry));
            let name = CString::new(name).map_err(io::Error::other)?;
            let (from, to) = pair.at(self, folder)?;
            *copied = match (entry.kind, from.filter(|_| has)) {
                (_, None) => None,
                (Kind::Link, Some(from)) => self.copy_link(entry, from, to, &name)?,
                (Kind::File | Kind::Program, Some(from)) => {
                    self.copy_file(entry, (from, to), &name, &mut buffer)?
                }
            };
            if copied.is_none() {
                *copied = self.write_object(entry, to, &name)?;
            }
        }
        Ok(())
    }

    fn copy_link(
        &self,
        entry: &Entry,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CString,
    ) -> io::Result<Option<Stat>> {
        let Ok(target) = readlinkat(from, name, Vec::new()) else {
            return Ok(None);
        };
        if content_id(target.as_bytes()) != self.index.content(entry) {
            return Ok(None);
        }
        self.write_link(&target, to, name).map(Some)
    }

    fn write_link(&self, target: &CStr, to: BorrowedFd<'_>, name: &CStr) -> io::Result<Stat> {
        symlinkat(target, to, name)?;
        utimensat(to, name, &self.times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(statat(to, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Writes what no checkout has from the objects. Left to git is what those lack, what is large, one by one or together, and
    /// what a copy has begun already.
    fn write_object(&self, entry: &Entry, to: BorrowedFd<'_>, name: &CStr) -> io::Result<Option<Stat>> {
        let id = Oid::from_bytes(self.index.content(entry)).map_err(io::Error::other)?;
        let Ok((size, ObjectType::Blob)) = self.objects.read_header(id) else {
            return Ok(None);
        };
        let size = size as u64;
        if size > READ_BYTES_MAX || self.written.fetch_add(size, Ordering::Relaxed) > BYTES_MAX {
            return Ok(None);
        }
        // What is read has been compared with its id.
        let Ok(object) = self.objects.read(id) else {
            return Ok(None);
        };
        if entry.kind == Kind::Link {
            let Ok(target) = CString::new(object.data()) else {
                return Ok(None);
            };
            return self.write_link(&target, to, name).map(Some);
        }
        let copy = match make_file(entry, to, name) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            made => made?,
        };
        (&copy).write_all(object.data())?;
        futimens(&copy, &self.times)?;
        Ok(Some(fstat(&copy)?))
    }

    fn copy_file(
        &self,
        entry: &Entry,
        (from, to): (BorrowedFd<'_>, BorrowedFd<'_>),
        name: &CString,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Option<Stat>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(source) = openat(from, name, flags, Mode::empty()) else {
            return Ok(None);
        };
        let source = File::from(source);
        let before = fstat(&source)?;
        let is_file = FileType::from_raw_mode(before.st_mode) == FileType::RegularFile;
        let is_program = before.st_mode & 0o100 != 0;
        if !is_file || is_program != (entry.kind == Kind::Program) {
            return Ok(None);
        }
        let size = u64::try_from(before.st_size).unwrap_or(u64::MAX);
        if size > READ_BYTES_MAX {
            return Ok(None);
        }
        // An index also vouches for files whose content git would write otherwise, so each of them is looked into. What was
        // read is what git would write, whatever becomes of the source meanwhile.
        buffer.resize(usize::try_from(size).map_err(io::Error::other)?, 0);
        if (&source).read_exact(buffer).is_err() || content_id(buffer) != self.index.content(entry) {
            return Ok(None);
        }
        let copy = make_file(entry, to, name)?;
        if size > 0 && self.share(&source, &copy) {
            if !is_still(&source, &before)? {
                // What is shared may be half old and half new; git writes it again.
                return Ok(None);
            }
        } else {
            (&copy).write_all(buffer)?;
        }
        futimens(&copy, &self.times)?;
        let copied = fstat(&copy)?;
        Ok((copied.st_size == before.st_size).then_some(copied))
    }

    /// Lets the copy have the blocks of the source, where the file system can do that.
    fn share(&self, source: &File, copy: &File) -> bool {
        if !self.shares.load(Ordering::Relaxed) {
            return false;
        }
        let is_shared = ioctl_ficlone(copy, source).is_ok();
        if !is_shared {
            self.shares.store(false, Ordering::Relaxed);
        }
        is_shared
    }
}

/// Makes a file that is not there yet, with the rights that git gives it.
fn make_file(entry: &Entry, to: BorrowedFd<'_>, name: &CStr) -> io::Result<File> {
    let mode = if entry.kind == Kind::Program { 0o777 } else { 0o666 };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(openat(to, name, flags, Mode::from_raw_mode(mode))?))
}

/// The folders of a copy, each made once and before the files in it: all paths below one stand together in an index.
struct Folders<'a> {
    copying: &'a Copying<'a>,
    /// The one that was made last.
    last: &'a [u8],
}

impl Folders<'_> {
    /// Makes those of the next files. One that is there already, because a path is a file and a folder, is an error.
    fn make_for(&mut self, entries: &[Entry]) -> io::Result<()> {
        for entry in entries {
            let (folder, last) = (split(self.copying.index.path(entry)).0, self.last);
            if folder == last {
                continue;
            }
            let ends = (1..=folder.len()).filter(|&end| end == folder.len() || folder[end] == b'/');
            for end in ends {
                let is_made = last.starts_with(&folder[..end]) && (last.len() == end || last[end] == b'/');
                if !is_made {
                    mkdirat(&self.copying.to, &folder[..end], Mode::from_raw_mode(0o777))?;
                }
            }
            self.last = folder;
        }
        Ok(())
    }
}

/// The same folder on both sides, kept open from one file to the next; the first side may have none.
struct Pair<'a>(Option<(&'a [u8], Option<OwnedFd>, OwnedFd)>);

impl<'a> Pair<'a> {
    /// Both sides of a folder; nothing for the first where it has none.
    fn at<'b>(
        &'b mut self,
        copying: &'b Copying<'_>,
        path: &'a [u8],
    ) -> io::Result<(Option<BorrowedFd<'b>>, BorrowedFd<'b>)> {
        if path.is_empty() {
            return Ok((Some(copying.from.as_fd()), copying.to.as_fd()));
        }
        if self.0.as_ref().is_none_or(|(at, ..)| *at != path) {
            let from = folder(copying.from.as_fd(), path).ok();
            self.0 = Some((path, from, folder(copying.to.as_fd(), path)?));
        }
        let (_, from, to) = self.0.as_ref().expect("it was opened for this or the last file");
        Ok((from.as_ref().map(|from| from.as_fd()), to.as_fd()))
    }
}

fn folder(at: BorrowedFd<'_>, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, path, flags, Mode::empty())?)
}

/// Whether a file is as it was when it was first looked at.
fn is_still(file: &File, before: &Stat) -> Result<bool, Errno> {
    let now = fstat(file)?;
    let times = |it: &Stat| (it.st_mtime, it.st_mtime_nsec, it.st_ctime, it.st_ctime_nsec);
    Ok(now.st_size == before.st_size && times(&now) == times(before))
}

/// Folder and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}
