//! How an entry of the trash is deleted for good: at each moment it is there as a whole or not at all.

use std::path::Path;

use super::{
    GitWorktrees, Trashed, WorktreeError,
    delete::delete_tree,
    durable::sync_all,
    files::{names_in, settled},
    mounts,
    site::{Site, io_error, is_folder, is_there},
};
use crate::{atomic, session::SessionId, text};

/// What an entry is called from the moment it cannot be brought back any more.
const PURGING: &str = "purging-";
/// How many entries of the trash are looked at in search of purges that were cut short.
const ENTRIES_MAX: usize = 10_000;

impl GitWorktrees {
    pub(super) fn purge_one(&self, trashed: &Trashed) -> Result<(), WorktreeError> {
        match self.site(trashed.id, &trashed.repository) {
            Ok(site) => self.at_work(&site, |_| self.purge_entry(trashed.id, Some(&site)))?,
            // Without its repository nobody can bring it back, so nobody else is at work with it.
            Err(WorktreeError::NoRepository { .. } | WorktreeError::Read { .. }) => {
                self.purge_entry(trashed.id, None)?;
            }
            Err(err) => return Err(err),
        }
        self.end_purges()
    }

    /// Takes the entry out of the trash; the caller has the repository lock, if there is a repository.
    fn purge_entry(&self, id: SessionId, site: Option<&Site>) -> Result<(), WorktreeError> {
        let trash = self.workspace.trash();
        let entry = trash.join(id.to_string());
        let unsafe_path = [&self.workspace.worktrees(), &trash, &entry]
            .into_iter()
            .find(|path| is_there(path) && !is_folder(path))
            .cloned();
        if let Some(path) = unsafe_path {
            return Err(WorktreeError::UnsafePath { path, because: "is not a real folder" });
        }
        // Somebody may have brought it back, or purged it, since the caller saw it.
        if !self.is_in_trash(id) {
            return Ok(());
        }
        if site.is_some_and(Site::has_admin) {
            return Err(WorktreeError::InTheWay {
                id,
                because: "its administrative folder is not in the trash, so it is half on its way".to_owned(),
            });
        }
        if let Some(mount) = mounts::at_or_below(&settled(&entry))?.first() {
            return Err(WorktreeError::InTheWay { id, because: format!("{} is a mount", text::path(mount)) });
        }
        // The ref goes first: without it the folders still bring everything back, but nothing would find it without them.
        if let Some(site) = site {
            self.delete_hidden_ref(site)?;
        }
        let doomed = trash.join(format!("{PURGING}{id}"));
        delete_tree(&doomed)?;
        atomic::rename(&entry, &doomed).map_err(io_error("move", &entry))?;
        sync_all(&[trash])
    }

    /// Deletes what was taken out of the trash, here or by a purge that was cut short. Two may do it at once.
    pub(super) fn end_purges(&self) -> Result<(), WorktreeError> {
        let trash = self.workspace.trash();
        if !is_folder(&self.workspace.worktrees()) || !is_folder(&trash) {
            return Ok(());
        }
        let names = names_in(&trash, ENTRIES_MAX)?;
        let is_doomed = |name: &Path| {
            let id = name.to_str().and_then(|name| name.strip_prefix(PURGING));
            id.is_some_and(|id| id.parse::<SessionId>().is_ok())
        };
        names
            .iter()
            .filter(|name| is_doomed(Path::new(name)))
            .try_for_each(|name| delete_tree(&trash.join(name)))
    }
}
