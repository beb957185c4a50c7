//! Whether the state file lies where it can be kept: its lock, its mount, its mode, what is kept beside it.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{StatVfsMountFlags, statvfs},
    process::geteuid,
};

use super::{
    Ailment, FileStore, StoreError, backup,
    files::{Files, failed},
};
use crate::{lock, text};

/// How the lock on an open file is tried.
pub(super) type TryLock = fn(&File) -> Result<(), TryLockError>;

/// The mode of the state file, RELIABILITY R10.
pub const STATE_FILE_MODE: u32 = 0o600;

impl FileStore {
    /// Everything that keeps the table from being safe here.
    pub(super) fn ailments(&self) -> Vec<Ailment> {
        let path = self.files().map(|files| files.state).unwrap_or_default();
        if self.is_adrift() {
            return vec![Ailment::Adrift { path }];
        }
        let mut ailments = Vec::new();
        if let Some(folder) = path.parent().filter(|folder| is_full(folder)) {
            ailments.push(Ailment::DiskFull { path: folder.to_owned() });
        }
        let mut note = |checked: Result<Option<Ailment>, StoreError>| match checked {
            Ok(ailment) => ailments.extend(ailment),
            Err(err) => ailments.push(Ailment::Failed { message: text::because(&err) }),
        };
        note(self.lock_excludes().map(|excludes| (!excludes).then_some(Ailment::LockDoesNotExclude)));
        let mounted = || Ailment::MountedAlone { path: path.clone() };
        note(self.is_mounted_alone().map(|alone| alone.then(mounted)));
        let open_mode = |mode: &u32| mode & !STATE_FILE_MODE != 0;
        note(
            self.mode()
                .map(|mode| mode.filter(open_mode).map(|mode| Ailment::Mode { path: path.clone(), mode })),
        );
        match self.kept() {
            Ok(kept) => ailments.extend(kept.into_iter().map(|path| Ailment::Kept { path })),
            Err(err) => ailments.push(Ailment::Failed { message: text::because(&err) }),
        }
        ailments
    }

    /// What to say of any trouble with a state file that is a link into nowhere.
    pub(super) fn adrift(&self, files: &Files) -> Option<StoreError> {
        self.is_adrift().then(|| StoreError::Adrift { path: files.state.clone() })
    }

    /// Whether the state file is a link into a folder that is not there, as of a volume that is not mounted.
    pub(super) fn is_adrift(&self) -> bool {
        self.files().is_ok_and(|files| {
            files.state != self.workspace.state_file()
                && fs::metadata(files.folder()).is_err_and(|err| err.kind() == io::ErrorKind::NotFound)
        })
    }

    /// Whether two opens of the lock file exclude each other; on some shared folders they do not. Before the first
    /// change there is no such file, and looking makes none.
    pub fn lock_excludes(&self) -> Result<bool, StoreError> {
        let path = self.files()?.lock();
        if fs::symlink_metadata(&path).is_err_and(|err| err.kind() == io::ErrorKind::NotFound) {
            return Ok(true);
        }
        let opened = [lock::open(&path)?, lock::open(&path)?];
        only_one_gets_it(&opened, self.try_lock).map_err(failed("lock", &path))
    }

    /// Whether the state file alone is mounted, so that nothing can be renamed over it.
    pub fn is_mounted_alone(&self) -> Result<bool, StoreError> {
        let files = self.files()?;
        let table = Path::new("/proc/self/mountinfo");
        match fs::read(table) {
            Ok(mounts) => is_mount_point(&files, &mounts),
            // Without that table there is no way to know before the rename fails.
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(err) => Err(failed("read", table)(err)),
        }
    }

    /// The permission bits of the state file, if there is one; they should be [`STATE_FILE_MODE`].
    pub fn mode(&self) -> Result<Option<u32>, StoreError> {
        let files = self.files()?;
        match fs::symlink_metadata(&files.state) {
            Ok(metadata) => Ok(Some(metadata.permissions().mode() & 0o7777)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(failed("look at", &files.state)(err)),
        }
    }

    /// The broken state files that were kept, oldest first.
    pub fn kept(&self) -> Result<Vec<PathBuf>, StoreError> {
        backup::kept(&self.files()?)
    }

    /// How many backups could take the place of the state file.
    pub fn backups_valid(&self) -> Result<usize, StoreError> {
        Ok(backup::valid(&self.files()?))
    }
}

/// Whether nothing more can be written where this folder is; no when that cannot be asked. Some file systems do not count
/// their files.
fn is_full(folder: &Path) -> bool {
    statvfs(folder).is_ok_and(|disk| {
        // What a file system keeps back, it keeps for root.
        let (blocks, files) =
            if geteuid().is_root() { (disk.f_bfree, disk.f_ffree) } else { (disk.f_bavail, disk.f_favail) };
        let is_full = (disk.f_blocks > 0 && blocks == 0) || (disk.f_files > 0 && files == 0);
        is_full && !disk.f_flag.contains(StatVfsMountFlags::RDONLY)
    })
}

/// Whether one of two open files at most gets the lock. Somebody else may hold it; then neither does, and that is right.
fn only_one_gets_it(files: &[File; 2], try_lock: TryLock) -> io::Result<bool> {
    for file in files {
        match try_lock(file) {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => return Ok(true),
            Err(TryLockError::Error(err)) => return Err(err),
        }
    }
    Ok(false)
}

/// Whether the state file is a mount point of this table, whose fifth column has the mount points.
pub(super) fn is_mount_point(files: &Files, mounts: &[u8]) -> Result<bool, StoreError> {
    let state = match fs::canonicalize(&files.state) {
        Ok(path) => path,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(err) => return Err(failed("look at", &files.state)(err)),
    };
    let points =
        mounts.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    Ok(points.into_iter().any(|point| unescaped(point) == state.as_os_str().as_bytes()))
}

/// The kernel writes white space and backslashes in the table as three octal digits.
fn unescaped(point: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(point.len());
    let mut rest = point;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail
            .get(..3)
            .filter(|_| byte == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        plain.push(digits.unwrap_or(byte));
        rest = if digits.is_some() { &tail[3..] } else { tail };
    }
    plain
}
