//! How one damaged tie to a repository is kept from stopping git for everybody: a `commondir` without a path makes every
//! `git worktree` command of the repository fail.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    WorktreeError,
    durable::replace_shared,
    files::{Folder, POINTER_BYTES_MAX, Place, Pointer, names_in, same_place},
    scan::id_at_start,
    start::ADMINS_MAX,
};
use crate::atomic;

/// What git writes there; an administrative folder always lies two folders below the one that is shared.
const TO_COMMON: &str = "../..";

/// Writes the `commondir` of sessions anew where it does not lead to the repository; answers whose. The caller
/// has the repository lock. Of worktrees that are no session's nothing is touched.
pub(super) fn heal_ties(common: &Path) -> Result<Vec<PathBuf>, WorktreeError> {
    let admins = common.join("worktrees");
    let mut healed = Vec::new();
    for name in names_in(&admins, ADMINS_MAX)? {
        if id_at_start(&name).is_none() {
            continue;
        }
        let path = admins.join(&name);
        if is_as_written(&path.join("commondir")) {
            continue;
        }
        let Place::Folder(admin) = Folder::open(&path)? else {
            continue;
        };
        let content = admin.read("commondir", POINTER_BYTES_MAX);
        let is_usual = content.text() == Some(TO_COMMON);
        let leads_there = |to: Pointer| to.path().is_some_and(|to| same_place(to, common));
        if is_usual || leads_there(Pointer::read(content, b"", &path)) {
            continue;
        }
        tracing::warn!(path = %path.display(), "a damaged tie to the repository was repaired");
        replace_shared(
            &path.join("commondir"),
            &path.join("commondir.wharf"),
            format!("{TO_COMMON}\n").as_bytes(),
        )?;
        healed.push(path);
    }
    Ok(healed)
}

/// Whether a tie is to the letter what git writes, as nearly all of them are: one small read.
fn is_as_written(path: &Path) -> bool {
    let mut bytes = [0; TO_COMMON.len() + 2];
    match atomic::open(path) {
        Ok(atomic::Place::File(mut file)) => file
            .read(&mut bytes)
            .is_ok_and(|read| bytes[..read].strip_suffix(b"\n") == Some(TO_COMMON.as_bytes())),
        Ok(atomic::Place::Empty | atomic::Place::Other) | Err(_) => false,
    }
}
