//! How a folder that is gone is filled again: beside its place, so that a half filled one is never taken for whole.

use std::path::Path;

use super::{
    GitWorktrees, WorktreeError,
    command::GitCall,
    delete::delete_tree,
    durable::sync_file_system,
    lock::RepositoryLock,
    register::{remove_if_there, write_pointers},
    relocate::relocate,
    set_aside::index_is_sound,
    site::{Site, make_folder},
    trash::Note,
};

/// The index that a snapshot is read into, so that the real one stays as it is.
const TEMPORARY_INDEX: &str = "wharf-index";

impl GitWorktrees {
    /// Makes the folder of a session from its index, or from HEAD where that is none. The caller has the repository
    /// lock, and the administrative files are there.
    pub(super) fn refill_from_git(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        self.refill(site, |folder| {
            if index_is_sound(site) {
                let args = ["checkout-index", "--all", "--force", "--index", "--quiet"];
                return self.run(&at_site(site, folder, &args).holding(lock.file())).map(drop);
            }
            remove_if_there(&site.admin.join("index.lock"))?;
            remove_if_there(&site.admin.join("index"))?;
            self.run(&at_site(site, folder, &["reset", "--hard", "--quiet"]).holding(lock.file())).map(drop)
        })
    }

    /// Makes the folder of a session from its snapshot; the index stays as it is.
    pub(super) fn refill_from_snapshot(
        &self,
        site: &Site,
        note: &Note,
        lock: &RepositoryLock,
    ) -> Result<(), WorktreeError> {
        self.refill(site, |folder| {
            let Some(work) = &note.work else {
                return Ok(());
            };
            let temporary = site.admin.join(TEMPORARY_INDEX);
            remove_if_there(&temporary)?;
            for args in [&["read-tree", work][..], &["checkout-index", "--all", "--force", "--quiet"]] {
                let call = at_site(site, folder, args).env("GIT_INDEX_FILE", &temporary);
                self.run(&call.holding(lock.file()))?;
            }
            remove_if_there(&temporary)
        })
    }

    fn refill(
        &self,
        site: &Site,
        fill: impl FnOnce(&Path) -> Result<(), WorktreeError>,
    ) -> Result<(), WorktreeError> {
        let beside = self.beside(site);
        self.clear_beside(site)?;
        make_folder(&beside)?;
        if let Err(err) = fill(&beside).and_then(|()| sync_file_system(&beside)) {
            delete_tree(&beside)?;
            return Err(err);
        }
        relocate(&beside, &site.folder)?;
        write_pointers(site)
    }
}

/// Git with the administrative files of a session on another folder than its own.
fn at_site<'a>(site: &Site, folder: &'a Path, args: &[&str]) -> GitCall<'a> {
    GitCall::tell(folder, args).env("GIT_DIR", &site.admin).env("GIT_WORK_TREE", folder)
}
