//! What must reach the disk before a create is acknowledged: everything that names the work (RELIABILITY G4).

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

use super::{WorktreeError, site::Site, site::io_error};
use crate::{
    atomic::{self, Durability},
    session::BranchName,
};

/// The files of an administrative folder without which the worktree cannot be found.
const NAMING_FILES: [&str; 4] = ["HEAD", "commondir", "gitdir", "locked"];
/// How many calls run side by side; git needs the processors meanwhile.
const SYNCS_AT_ONCE: usize = 4;

/// Makes durable what names a new worktree: administrative files, pointer, loose ref, and the folders they are in.
/// Index and record are not among them: git still checks the files out while this runs.
pub(super) fn sync_names(site: &Site, branch: &BranchName) -> Result<(), WorktreeError> {
    let mut files: Vec<PathBuf> = NAMING_FILES.iter().map(|name| site.admin.join(name)).collect();
    files.push(site.folder.join(".git"));
    let reference = site.common.join(branch.reference());
    let mut folders = vec![site.admin.clone(), site.folder.clone()];
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

/// Makes durable what comes last: the index, the record, and the folder they are in.
pub(super) fn sync_last(site: &Site) -> Result<(), WorktreeError> {
    let admin = &site.admin;
    sync_all(&[admin.join("index"), admin.join("session.json"), admin.clone()])
}

/// Makes files and folders durable; those that are gone are left out. The calls run side by side, because a journaling
/// file system then answers many of them with one commit.
pub(super) fn sync_all(paths: &[PathBuf]) -> Result<(), WorktreeError> {
    let threads = paths.len().clamp(1, SYNCS_AT_ONCE);
    let part =
        |first: usize| move || paths.iter().skip(first).step_by(threads).try_for_each(|path| sync(path));
    thread::scope(|scope| {
        let waits: Vec<_> = (1..threads).map(|first| scope.spawn(part(first))).collect();
        let own = part(0)();
        waits.into_iter().map(|wait| wait.join().expect("a sync does not panic")).fold(own, Result::and)
    })
}

fn sync(path: &Path) -> Result<(), WorktreeError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map_err(io_error("sync", path)),
    }
}

/// Makes everything durable that is on the file system of this folder: for trees that others wrote.
pub(super) fn sync_file_system(folder: &Path) -> Result<(), WorktreeError> {
    File::open(folder).and_then(|folder| Ok(rustix::fs::syncfs(folder)?)).map_err(io_error("sync", folder))
}

/// Whether a regular file with something in it is there.
pub(super) fn exists_with_bytes(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Replaces a file that plain git reads too, by whoever may read the folder it is in. `atomic` makes files for us alone.
/// The temporary name is given, because one beside the file could be a person's.
pub(super) fn replace_shared(path: &Path, temp: &Path, bytes: &[u8]) -> Result<(), WorktreeError> {
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
            file.sync_all()
        })
        .and_then(|()| atomic::rename(temp, path));
    outcome.map_err(io_error("replace", path))
}
