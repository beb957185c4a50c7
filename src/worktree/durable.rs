//! What must reach the disk before a create is acknowledged: everything that names the work (RELIABILITY G4).

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{WorktreeError, site::Site, site::io_error};
use crate::{
    atomic::{self, Durability, SyncError},
    session::BranchName,
};

/// The files of an administrative folder without which the worktree cannot be found.
const NAMING_FILES: [&str; 4] = ["HEAD", "commondir", "gitdir", "locked"];

/// Makes durable what names a new worktree: administrative files, pointer, loose ref, and the folders they are in.
/// Index and record are not among them: git still checks the files out while this runs.
pub(super) fn sync_names(site: &Site, branch: &BranchName) -> Result<(), WorktreeError> {
    let mut files: Vec<PathBuf> = NAMING_FILES.iter().map(|name| site.admin.join(name)).collect();
    files.push(site.folder.join(".git"));
    let reference = site.common.join(branch.reference());
    // The last of them has the folder of all administrative folders, which the first worktree makes.
    let mut folders = vec![site.admin.clone(), site.folder.clone(), site.common.clone()];
    folders.extend(site.admin.parent().map(Path::to_owned));
    folders.extend(site.folder.parent().map(Path::to_owned));
    if reference.is_file() {
        let heads = site.common.join("refs/heads");
        folders.extend(
            reference.ancestors().skip(1).take_while(|at| at.starts_with(&heads)).map(Path::to_owned),
        );
        files.push(reference);
    }
    files.append(&mut folders);
    sync_all(&files)
}

/// What is written last and has to be durable too: the index, the record, and the folder they are in.
pub(super) fn last_written(site: &Site) -> Vec<PathBuf> {
    let admin = &site.admin;
    vec![admin.join("index"), admin.join("session.json"), admin.clone()]
}

/// Makes files and folders durable; those that are gone are left out.
pub(super) fn sync_all(paths: &[PathBuf]) -> Result<(), WorktreeError> {
    atomic::sync_all(paths).map_err(unsynced)
}

/// The error of what could not be made durable.
pub(super) fn unsynced(SyncError { path, source }: SyncError) -> WorktreeError {
    io_error("sync", &path)(source)
}

/// Makes everything durable that is on the file system of this folder: for trees that others wrote.
pub(super) fn sync_file_system(folder: &Path) -> Result<(), WorktreeError> {
    rustix::fs::syncfs(open_folder(folder)?).map_err(|err| io_error("sync", folder)(err.into()))
}

/// Opens a folder, as itself.
pub(super) fn open_folder(folder: &Path) -> Result<File, WorktreeError> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(folder);
    opened.map_err(io_error("open", folder))
}

/// Whether a regular file with something in it is there.
pub(super) fn exists_with_bytes(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Replaces a file that plain git reads too, by whoever may read the folder it is in. `atomic` makes files for us alone.
/// The temporary name is given, because one beside the file could be a person's. The bytes are durable before the name.
pub(super) fn replace_shared(path: &Path, temp: &Path, bytes: &[u8]) -> Result<(), WorktreeError> {
    put_shared(path, temp, bytes, Durability::PowerCut)
}

/// The same, where the bytes may become durable later.
pub(super) fn put_shared(
    path: &Path,
    temp: &Path,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), WorktreeError> {
    let folder = path.parent().unwrap_or(path);
    let mode = match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => found.permissions().mode() & 0o777,
        Ok(_) | Err(_) => {
            let about = fs::metadata(folder).map_err(io_error("open", folder))?;
            about.permissions().mode() & 0o666
        }
    };
    let outcome = atomic::write_new(temp, bytes, Durability::Crash)
        .and_then(|file| {
            file.set_permissions(Permissions::from_mode(mode))?;
            match durability {
                Durability::PowerCut => file.sync_all(),
                Durability::Crash => Ok(()),
            }
        })
        .and_then(|()| atomic::rename(temp, path));
    outcome.map_err(io_error("replace", path))
}
