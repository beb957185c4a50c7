//! How a folder that is gone is filled again: beside its place, so that a half filled one is never taken for whole.

use std::path::Path;

use super::{
    GitWorktrees, WorktreeError,
    admin::has_sound_index,
    command::GitCall,
    delete::delete_tree,
    durable::sync_file_system,
    lock::RepositoryLock,
    register::{remove_if_there, write_pointers},
    relocate::{moved_of, relocate},
    site::{Site, make_folder},
    snapshot::TEMPORARY_INDEX,
    trash::Note,
};

impl GitWorktrees {
    /// Makes the folder of a session from its index, or from HEAD where that is none. The caller has the repository
    /// lock, and the administrative files are there.
    pub(super) fn refill_from_git(&self, site: &Site, lock: &RepositoryLock) -> Result<(), WorktreeError> {
        self.refill(site, |folder| {
            if has_sound_index(&site.admin) {
                let args = ["checkout-index", "--all", "--force", "--index", "--quiet"];
                return self.run(&at_site(site, folder, &args, lock)).map(drop);
            }
            remove_if_there(&site.admin.join("index.lock"))?;
            remove_if_there(&site.admin.join("index"))?;
            self.run(&at_site(site, folder, &["reset", "--hard", "--quiet"], lock)).map(drop)
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
            let of_head = note.orphaned.then_some("HEAD");
            let Some(work) = note.work.as_deref().or(of_head) else {
                return Ok(());
            };
            let temporary = site.admin.join(TEMPORARY_INDEX);
            remove_if_there(&temporary)?;
            for args in [&["read-tree", work][..], &["checkout-index", "--all", "--force", "--quiet"]] {
                self.run(&at_site(site, folder, args, lock).env("GIT_INDEX_FILE", &temporary))?;
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
        relocate(&beside, &site.folder, &moved_of(&beside))?;
        write_pointers(site)
    }
}

/// Git with the administrative files of a session on another folder than its own.
fn at_site<'a>(site: &Site, folder: &'a Path, args: &[&str], lock: &'a RepositoryLock) -> GitCall<'a> {
    GitCall::tell(folder, args, lock).env("GIT_DIR", &site.admin).env("GIT_WORK_TREE", folder)
}
