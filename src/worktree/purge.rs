//! How an entry of the trash is deleted for good: at each moment it is there as a whole or not at all.
//!
//! One rename dooms it, which also a full disk allows. The files go next, so that there is room for what git writes when
//! the hidden ref goes, found through the note in the doomed folder; then what wharf kept of the session beside its
//! worktree, and the note with the folder last, so that whoever finds a purge that was cut short can end it.

use std::path::Path;

use super::{
    GitWorktrees, Trashed, WorktreeError,
    delete::delete_tree,
    durable::sync_all,
    files::{names_in, settled},
    mounts,
    relocate::{moved_of, relocate},
    sample::{clear_sample, is_sample},
    site::{Site, io_error, is_folder, is_there},
    trash::{NOTE, Note, admin_in, destroyed_at, end_moves},
};
use crate::{
    atomic,
    clock::Timestamp,
    session::{RepositoryPath, SessionId},
    text,
};

/// What an entry is called from the moment it cannot be brought back any more.
const PURGING: &str = "purging-";
/// How many entries of the trash are looked at in search of purges that were cut short.
const ENTRIES_MAX: usize = 10_000;

impl GitWorktrees {
    pub(super) fn doom_one(&self, trashed: &Trashed) -> Result<(), WorktreeError> {
        match self.site_left(trashed.id, &trashed.repository)? {
            // No git writes here, so nothing marks the repository.
            Some(site) => {
                let _lock = self.lock_repository(&site.common)?;
                self.doom_at(trashed.id, Some(&site))
            }
            // Without its repository nobody can bring it back, so nobody else is at work with it.
            None => self.doom_at(trashed.id, None),
        }
    }

    /// Looks at names and times only: every destroy asks this.
    pub(super) fn is_any_due(&self, now: Timestamp, days: u32) -> bool {
        let trash = self.workspace.trash();
        let names = names_in(&trash, ENTRIES_MAX).unwrap_or_default();
        let mut names = names.iter().filter_map(|name| name.to_str());
        names.any(|name| match name.strip_prefix(PURGING) {
            Some(id) => id.parse::<SessionId>().is_ok(),
            None if is_sample(name) => true,
            None => name.parse::<SessionId>().is_ok_and(|id| {
                destroyed_at(&trash.join(name)).is_some_and(|at| at.plus_days(days) <= now)
                    && self.is_in_trash(id)
            }),
        })
    }

    /// Takes the entry out of the trash; the caller has the repository lock, if there is a repository.
    fn doom_at(&self, id: SessionId, site: Option<&Site>) -> Result<(), WorktreeError> {
        let trash = self.workspace.trash();
        let entry = trash.join(id.to_string());
        let unsafe_path = [&self.workspace.worktrees(), &trash, &entry]
            .into_iter()
            .find(|path| is_there(path) && !is_folder(path))
            .cloned();
        if let Some(path) = unsafe_path {
            return Err(WorktreeError::UnsafePath { path, because: "is not a real folder" });
        }
        if let Some(site) = site {
            end_moves(site)?;
        }
        // Somebody may have brought it back, or purged it, since the caller saw it.
        if !self.is_in_trash(id) {
            return Ok(());
        }
        if let Some(site) = site.filter(|site| site.has_admin()) {
            // Its repository was gone when it was destroyed, and came back with git's files for it.
            if Note::load(&entry).is_some_and(|note| note.orphaned) {
                relocate(&site.admin, &admin_in(&entry), &moved_of(&site.admin))?;
                return self.doom_at(id, Some(site));
            }
            return Err(WorktreeError::InTheWay {
                id,
                because: "its administrative folder is not in the trash, so it is half on its way".to_owned(),
            });
        }
        if let Some(mount) = mounts::at_or_below(&settled(&entry))?.first() {
            return Err(WorktreeError::InTheWay { id, because: format!("{} is a mount", text::path(mount)) });
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
        let mut outcome = Ok(());
        for name in names_in(&trash, ENTRIES_MAX)? {
            if name.to_str().is_some_and(is_sample) {
                outcome = outcome.and(clear_sample(&trash.join(&name)));
                continue;
            }
            let id = name.to_str().and_then(|name| name.strip_prefix(PURGING)?.parse().ok());
            if let Some(id) = id {
                outcome = outcome.and(self.end_purge(id, &trash.join(name)));
            }
        }
        outcome
    }

    fn end_purge(&self, id: SessionId, doomed: &Path) -> Result<(), WorktreeError> {
        for name in names_in(doomed, ENTRIES_MAX)?.iter().filter(|name| *name != NOTE) {
            delete_tree(&doomed.join(name))?;
        }
        // A note that is gone went after the ref.
        let repository = Note::load(doomed).and_then(|note| note.repository.parse().ok());
        let site = repository.map_or(Ok(None), |repository| self.site_left(id, &repository))?;
        if let Some(site) = site {
            self.at_work(&site, |lock| self.delete_hidden_ref(&site, lock))?;
        }
        delete_tree(&self.workspace.session_folder(id))?;
        delete_tree(doomed)
    }

    /// The places of a session, if its repository is still there.
    fn site_left(&self, id: SessionId, repository: &RepositoryPath) -> Result<Option<Site>, WorktreeError> {
        match self.site(id, repository) {
            Ok(site) => Ok(Some(site)),
            Err(
                WorktreeError::RepositoryGone { .. }
                | WorktreeError::RepositoryBroken { .. }
                | WorktreeError::Read { .. },
            ) => Ok(None),
            Err(err) => Err(err),
        }
    }
}
