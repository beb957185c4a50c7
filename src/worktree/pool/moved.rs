//! How warm worktrees come along when their workspace is moved, or is seen under another path, as from inside a container
//! and from outside.

use std::path::Path;

use super::{
    carried::keep_index,
    slot::{Seal, is_ready, ready_file, set_changed},
    sweep::{is_still_slot, one_alone},
};
use crate::{
    session::{RepositoryPath, SessionId},
    worktree::{
        GitWorktrees, WorktreeError,
        files::{names_in, same_place},
        register::write_pointers,
        site::{Site, io_error, is_there},
        start::ADMINS_MAX,
    },
};

/// What the pointers of a worktree and of its administrative folder say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// They point at each other.
    Whole,
    /// They point at each other in a place where nothing is now.
    Moved,
    /// They point at somebody else who is there: this is a copy.
    Elsewhere,
    /// One of them is gone or makes no sense.
    Broken,
}

impl GitWorktrees {
    /// Has those that were moved point at each other again. What is ready stays so, unless somebody changed something.
    pub(super) fn tie_moved(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        let common = self.common_dir(repository)?;
        for name in names_in(&common.join("worktrees"), ADMINS_MAX)? {
            let Some(id) = name.to_str().and_then(|name| name.parse::<SessionId>().ok()) else {
                continue;
            };
            let site = self.site_in(common.clone(), id, repository);
            if tie(&site) != Tie::Moved || !is_still_slot(&site)? {
                continue;
            }
            let tied = self.at_work(&site, |_| {
                // It may have become a session while we waited for the lock.
                if tie(&site) == Tie::Moved && is_still_slot(&site)? { self.tie_one(&site) } else { Ok(()) }
            });
            one_alone(&site, tied)?;
        }
        Ok(())
    }

    fn tie_one(&self, site: &Site) -> Result<(), WorktreeError> {
        write_pointers(site)?;
        if !is_ready(site) {
            return Ok(());
        }
        let seal = Seal::of_moved(site);
        let Some((seal, commit)) = seal.and_then(|seal| seal.commit().map(|commit| (seal, commit))) else {
            return Ok(());
        };
        if !self.is_at_rest_by(site, &commit, || seal.vouches_for_files(site))? {
            return set_changed(site);
        }
        let seal = seal.moved_to(site, &commit).map_err(io_error("look at", &site.folder))?;
        if let Err(err) = keep_index(site) {
            tracing::debug!(folder = %site.folder.display(), error = %err, "its index is not kept");
        }
        seal.put_on(site).map_err(io_error("write", &ready_file(site)))
    }
}

/// Whether a worktree is the copy of one that is there: then it is not known what is whose.
pub(super) fn lives_elsewhere(site: &Site) -> bool {
    tie(site) == Tie::Elsewhere
}

fn tie(site: &Site) -> Tie {
    if site.is_linked() {
        return Tie::Whole;
    }
    let (Some(forward), Some(backward)) = (site.forward(), site.backward()) else {
        return Tie::Broken;
    };
    let git_file = site.folder.join(".git");
    let is_named = |to: &Path| to.ends_with(Path::new(&site.id.to_string()).join(".git"));
    if forward.file_name() != site.admin.file_name() || !is_named(&backward) {
        return Tie::Broken;
    }
    let is_free = |to: &Path, own: &Path| same_place(to, own) || !is_there(to);
    if is_free(&forward, &site.admin) && is_free(&backward, &git_file) { Tie::Moved } else { Tie::Elsewhere }
}
