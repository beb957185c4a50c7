//! What lies in the trash: one folder per destroyed session, `.worktrees/.trash/<id>/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    GitWorktrees, Trashed, WorktreeError,
    admin::Admin,
    durable::sync_all,
    lock::RepositoryLock,
    regular::read_regular,
    relocate::{end_move, is_moving, moved_of},
    site::{Site, io_error, is_folder, is_there, pointer_of, read_small},
    snapshot::hidden_ref,
};
use crate::{
    atomic::{self, Durability},
    clock::Timestamp,
    session::{BranchName, CommitId, SessionId},
};

/// The longest record that is read.
const RECORD_BYTES_MAX: u64 = 16 << 20;
pub(super) const NOTE: &str = "trash.json";
const RECORD: &str = "record.json";

/// What is needed to bring a session back, beside its files.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Note {
    pub(super) version: String,
    pub(super) id: String,
    pub(super) repository: String,
    /// The branch HEAD was on.
    pub(super) head_branch: Option<String>,
    pub(super) head: Option<String>,
    pub(super) work: Option<String>,
    pub(super) index: Option<String>,
    pub(super) branches: Vec<NotedBranch>,
    /// Whether its repository was gone, so that git's files for it are where that is.
    #[serde(default)]
    pub(super) orphaned: bool,
}

/// Where a branch was.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct NotedBranch {
    pub(super) name: String,
    pub(super) commit: String,
}

impl NotedBranch {
    /// As values.
    pub(super) fn read(&self) -> Option<(BranchName, CommitId)> {
        Some((self.name.parse().ok()?, self.commit.parse().ok()?))
    }
}

impl Note {
    /// The note in a folder of the trash.
    pub(super) fn load(trash: &Path) -> Option<Self> {
        serde_json::from_str(&read_small(&trash.join(NOTE))?).ok()
    }

    /// Writes note and record; after that the folder can move.
    pub(super) fn save(&self, trash: &Path, record: &str) -> Result<(), WorktreeError> {
        Self::write_record(trash, record)?;
        self.write(trash)
    }

    /// Writes the note alone.
    pub(super) fn write(&self, trash: &Path) -> Result<(), WorktreeError> {
        let path = trash.join(NOTE);
        let text = serde_json::to_vec_pretty(self).expect("a note has only texts");
        atomic::replace(&path, &text, Durability::PowerCut).map_err(io_error("replace", &path))
    }

    /// Writes the note again; when it was written first still says when the session was destroyed.
    pub(super) fn rewrite(&self, trash: &Path) -> Result<(), WorktreeError> {
        let path = trash.join(NOTE);
        let written = fs::symlink_metadata(&path).and_then(|about| about.modified());
        let written = written.map_err(io_error("look at", &path))?;
        self.write(trash)?;
        let file = fs::File::options().write(true).open(&path);
        file.and_then(|file| file.set_modified(written)).map_err(io_error("write", &path))
    }

    /// Writes the record alone.
    pub(super) fn write_record(trash: &Path, record: &str) -> Result<(), WorktreeError> {
        let path = trash.join(RECORD);
        atomic::replace(&path, record.as_bytes(), Durability::PowerCut).map_err(io_error("replace", &path))
    }
}

/// Where the folder lies in the trash.
pub(super) fn worktree_in(trash: &Path) -> PathBuf {
    trash.join("worktree")
}

/// Where the administrative folder lies in the trash.
pub(super) fn admin_in(trash: &Path) -> PathBuf {
    trash.join("admin")
}

/// What git kept of a destroyed session: in the trash, or still with a repository that was gone when it was destroyed.
pub(super) fn discarded_admin(site: &Site) -> Result<Option<Admin>, WorktreeError> {
    let folder = if site.has_admin() { site.admin.clone() } else { admin_in(&site.trash) };
    Admin::read(&folder)
}

impl GitWorktrees {
    /// Whether a destroyed session can be brought back, or could if nothing were in its place.
    pub(super) fn is_in_trash(&self, id: SessionId) -> bool {
        self.has_entry(id) && (!is_there(&self.workspace.worktree(id)) || self.has_stranger(id))
    }

    /// Whether something is in the place of a worktree whose folder lies in the trash: an editor that saves once more, a
    /// tool that makes its cache anew. It is never touched.
    pub(super) fn has_stranger(&self, id: SessionId) -> bool {
        let folder = self.workspace.worktree(id);
        let is_worktree = is_folder(&folder) && pointer_of(&folder).is_some();
        let in_trash = worktree_in(&self.workspace.trash().join(id.to_string()));
        is_there(&folder) && !is_worktree && (is_folder(&in_trash) || is_moving(&in_trash))
    }

    pub(super) fn list_trash(&self) -> Result<Vec<Trashed>, WorktreeError> {
        let folder = self.workspace.trash();
        if !is_folder(&self.workspace.worktrees()) || !is_folder(&folder) {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&folder).map_err(io_error("list", &folder))?;
        let mut found: Vec<Trashed> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.parse::<SessionId>().ok())
            .filter(|&id| self.is_in_trash(id))
            .filter_map(|id| {
                let trashed = trashed(&folder.join(id.to_string()), id);
                if trashed.is_none() {
                    tracing::warn!(session = %id, "an entry of the trash cannot be read and is left alone");
                }
                trashed
            })
            .collect();
        found.sort_by(|one, other| other.destroyed.cmp(&one.destroyed).then(one.id.cmp(&other.id)));
        Ok(found)
    }

    /// Whether there is an entry for this session, also one whose folder is still or again in place.
    pub(super) fn has_entry(&self, id: SessionId) -> bool {
        is_there(&self.workspace.trash().join(id.to_string()).join(NOTE))
    }

    /// Lets the snapshot go.
    pub(super) fn delete_hidden_ref(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        self.delete_ref(site, &hidden_ref(site), None, lock)
    }
}

fn trashed(trash: &Path, id: SessionId) -> Option<Trashed> {
    let note = Note::load(trash)?;
    let record = trash.join(RECORD);
    fs::symlink_metadata(&record).ok().filter(fs::Metadata::is_file)?;
    let record = read_regular(&record, RECORD_BYTES_MAX).ok()??;
    Some(Trashed {
        id,
        record: String::from_utf8(record).ok()?,
        repository: note.repository.parse().ok()?,
        destroyed: destroyed_at(trash)?,
    })
}

/// When it was destroyed: the note was written then.
pub(super) fn destroyed_at(trash: &Path) -> Option<Timestamp> {
    let written = fs::symlink_metadata(trash.join(NOTE)).and_then(|found| found.modified());
    Some(Timestamp::from(written.ok()?))
}

/// Ends the moves of a session into the trash or out of it that were cut short; the caller has the repository lock.
pub(super) fn end_moves(site: &Site) -> Result<(), WorktreeError> {
    let trash = &site.trash;
    for (here, there) in [(&site.folder, &worktree_in(trash)), (&site.admin, &admin_in(trash))] {
        end_move(here, there, &moved_of(here))?;
        end_move(there, here, &moved_of(there))?;
    }
    Ok(())
}

/// Removes note, record and the folder they are in, once nothing else is left in it; durable when it returns.
pub(super) fn clear_entry(trash: &Path) -> Result<(), WorktreeError> {
    for name in [NOTE, RECORD, "trash.json.tmp", "record.json.tmp"] {
        let path = trash.join(name);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(io_error("remove", &path)(err)),
            Ok(()) | Err(_) => (),
        }
    }
    match fs::remove_dir(trash) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(io_error("remove", trash)(err)),
        Ok(()) | Err(_) => (),
    }
    // A note that a power cut brings back would say that the session is in the trash.
    sync_all(&trash.parent().map(Path::to_owned).into_iter().collect::<Vec<_>>())
}
