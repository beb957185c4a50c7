//! What somebody had written into a warm worktree before a session took it, where nobody looked in time: found afterwards,
//! and said. It stays as it is.
//!
//! Before a take not every file is looked at: new ones in folders below are not, and in a large worktree none is. The index
//! as it was when the worktree was sealed is kept, and who fills the pool next compares: a file that changed before the
//! moment of the take, by the clock of its file system, was changed by somebody else than the session.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    io,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, CWD, statat};

use super::{
    slot::{TAKEN, was_taken},
    sweep::one_alone,
};
use crate::{
    atomic::{self, Durability},
    session::{RepositoryPath, SessionId},
    worktree::{
        GitWorktrees, WorktreeError,
        copy::IndexFile,
        files::names_in,
        register::remove_if_there,
        site::{Site, io_error, is_there, read_small},
        start::ADMINS_MAX,
    },
};

/// The index as it was when the worktree was sealed.
const KEPT: &str = "wharf.index";
/// The note of what was found, a path on each line.
const CARRIED: &str = "wharf.carried";
/// How many entries are looked at beside those of the index.
const OTHERS_MAX: usize = 50_000;
/// How many paths are named.
const PATHS_MAX: usize = 20;

/// Keeps the index of a worktree that is sealed; git replaces the file and never writes into it.
pub(super) fn keep_index(site: &Site) -> io::Result<()> {
    let kept = site.admin.join(KEPT);
    drop(fs::remove_file(&kept));
    fs::hard_link(site.admin.join("index"), kept)
}

/// Lets go of it, where git itself writes files in a take: all of them were looked at before.
pub(super) fn forget_index(site: &Site) -> Result<(), WorktreeError> {
    remove_if_there(&site.admin.join(KEPT))
}

/// What is known to have been in a session's worktree before the session was.
pub(in crate::worktree) fn carried(admin: &Path) -> Vec<String> {
    let text = read_small(&admin.join(CARRIED)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

impl GitWorktrees {
    /// Looks into worktrees that sessions took since somebody last looked.
    pub(super) fn look_into_taken(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        let common = self.common_dir(repository)?;
        for name in names_in(&common.join("worktrees"), ADMINS_MAX)? {
            let Some(id) = name.to_str().and_then(|name| name.parse::<SessionId>().ok()) else {
                continue;
            };
            let site = self.site_in(common.clone(), id, repository);
            let kept = site.admin.join(KEPT);
            if was_taken(&site) && is_there(&kept) {
                one_alone(&site, look_into(&site, &kept))?;
            }
        }
        Ok(())
    }
}

fn look_into(site: &Site, kept: &Path) -> Result<(), WorktreeError> {
    let taken = match fs::symlink_metadata(site.admin.join(TAKEN)) {
        // Destroyed meanwhile.
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(io_error("look at", &site.admin))?,
    };
    if let Some(index) = IndexFile::read(kept) {
        note(site, &older_changes(&index, &site.folder, &taken))?;
    }
    forget_index(site)
}

fn note(site: &Site, found: &[PathBuf]) -> Result<(), WorktreeError> {
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = found.iter().take(PATHS_MAX).map(|path| crate::text::path(path)).collect();
    tracing::warn!(
        sessionId = %site.id, files = names.join(", "), count = found.len(),
        "somebody had changed files of a warm worktree before this session took it"
    );
    let path = site.admin.join(CARRIED);
    atomic::replace(&path, names.join("\n").as_bytes(), Durability::Crash).map_err(io_error("write", &path))
}

/// The files that are not what the index had in view, and are as they are since before a moment. Of what is in no index,
/// such as what a program has put there since, only so many entries are looked at.
fn older_changes(index: &IndexFile, folder: &Path, moment: &Metadata) -> Vec<PathBuf> {
    let moment = (moment.ctime(), moment.ctime_nsec());
    let mut found = Vec::new();
    for entry in &index.entries {
        let path = Path::new(std::ffi::OsStr::from_bytes(index.path(entry)));
        let Ok(now) = statat(CWD, folder.join(path), AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        let changed = (now.st_ctime, i64::try_from(now.st_ctime_nsec).unwrap_or(i64::MAX));
        if changed < moment && !index.vouches_for(entry, &now) {
            found.push(path.to_owned());
        }
    }
    let known: BTreeSet<&[u8]> = index.entries.iter().map(|entry| index.path(entry)).collect();
    let mut folders = vec![PathBuf::new()];
    let mut left = index.entries.len() + OTHERS_MAX;
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder.join(&below)) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            if left == 0 {
                folders.clear();
                break;
            }
            left -= 1;
            let path = below.join(entry.file_name());
            let Ok(about) = entry.metadata() else {
                continue;
            };
            if about.is_dir() {
                folders.push(path);
            } else if path != Path::new(".git")
                && (about.ctime(), about.ctime_nsec()) < moment
                && !known.contains(path.as_os_str().as_bytes())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
