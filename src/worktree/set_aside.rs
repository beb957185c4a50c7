//! How a damaged worktree is kept beside its new checkout, and how one knows that it is damaged.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{
    GitWorktrees, WorktreeError,
    durable::sync_all,
    relocate::relocate,
    site::{Site, io_error, is_there, make_folder, read_small},
};
use crate::{
    atomic::{self, Durability},
    session::SessionId,
};

impl GitWorktrees {
    /// Moves the folder to `.worktrees/.damaged/<id>.<time>` and the administrative folder beside it, as `….admin`.
    pub(super) fn set_aside(&self, site: &Site) -> Result<PathBuf, WorktreeError> {
        let place = self.place_aside(site)?;
        if site.has_folder() {
            relocate(&site.folder, &place, &parked_of(&site.folder))?;
        }
        if site.has_admin() {
            relocate(&site.admin, &admin_of(&place), &parked_of(&site.admin))?;
        }
        Ok(place)
    }

    /// Notes, durably, that a worktree was emptied, before anything is repaired or set aside: neither a folder that is
    /// gone nor one whose pointers are whole again shows afterwards what was cut short.
    pub(super) fn note_mending(&self, id: SessionId) -> Result<(), WorktreeError> {
        let (damaged, note) = (self.workspace.damaged(), self.mending(id));
        make_folder(&damaged)?;
        drop(atomic::write_new(&note, b"", Durability::Crash).map_err(io_error("write", &note))?);
        sync_all(&[note, damaged, self.workspace.worktrees()])
    }

    /// Where the note of a mend lies that has not ended.
    pub(super) fn mending(&self, id: SessionId) -> PathBuf {
        self.workspace.damaged().join(format!("{id}.mending"))
    }

    /// Moves only the administrative folder there.
    pub(super) fn set_admin_aside(&self, site: &Site) -> Result<PathBuf, WorktreeError> {
        let place = admin_of(&self.place_aside(site)?);
        relocate(&site.admin, &place, &parked_of(&site.admin))?;
        Ok(place)
    }

    /// A place that is free; what is set aside twice in one moment gets a number. The caller has the repository lock.
    fn place_aside(&self, site: &Site) -> Result<PathBuf, WorktreeError> {
        let damaged = self.workspace.damaged();
        make_folder(&damaged)?;
        let first = damaged.join(format!("{}.{}", site.id, self.clock.now().compact()));
        let mut place = first.clone();
        let mut number = 1;
        while is_there(&place) || is_there(&admin_of(&place)) {
            number += 1;
            place = first.with_added_extension(number.to_string());
        }
        Ok(place)
    }

    /// Whether a file that has content in HEAD lies in the folder without any: what a power cut leaves.
    pub(super) fn has_emptied_files(&self, site: &Site) -> Result<bool, WorktreeError> {
        let answer = self.git(&site.folder, &["ls-tree", "-r", "-l", "-z", "HEAD"])?;
        Ok(answer
            .split(|&b| b == 0)
            .filter_map(file_with_content)
            .any(|path| is_empty_file(&site.folder.join(path))))
    }
}

fn admin_of(place: &Path) -> PathBuf {
    place.with_added_extension("admin")
}

/// What is being set aside is called so while it moves to another file system.
fn parked_of(path: &Path) -> PathBuf {
    path.with_added_extension("aside")
}

/// Whether git could work with the administrative folder.
pub(super) fn admin_is_sound(site: &Site) -> bool {
    let common = read_small(&site.admin.join("commondir"));
    let head = read_small(&site.admin.join("HEAD"));
    let is_commit = |text: &str| text.trim().parse::<crate::session::CommitId>().is_ok();
    common.is_some_and(|text| site.admin.join(text.trim()).is_dir() && !text.trim().is_empty())
        && head.is_some_and(|text| text.starts_with("ref: refs/") || is_commit(&text))
}

/// The path of a line `<mode> blob <oid> <size>\t<path>` whose size is not 0.
fn file_with_content(line: &[u8]) -> Option<&Path> {
    let tab = line.iter().position(|&b| b == b'\t')?;
    let mut fields = line[..tab].split(|&b| b == b' ').filter(|field| !field.is_empty());
    let (mode, kind, size) = (fields.next()?, fields.next()?, fields.nth(1)?);
    let is_file = mode.starts_with(b"100") && kind == b"blob" && size != b"0";
    is_file.then(|| Path::new(OsStr::from_bytes(&line[tab + 1..])))
}

fn is_empty_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0)
}
