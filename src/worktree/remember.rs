//! How git is told the name and the record of a session, so that the registry can be rebuilt from it.

use super::{
    Checkout, GitWorktrees, WorktreeError,
    add::write_record,
    reason::{Held, held, reason_of},
    site::{Site, io_error},
};
use crate::{
    atomic::{self, Durability},
    session::SessionName,
};

impl GitWorktrees {
    pub(super) fn remember_one(
        &self,
        of: &Checkout,
        name: &SessionName,
        record: &str,
    ) -> Result<(), WorktreeError> {
        let site = self.site(of.id, &of.repository)?;
        if !site.has_admin() {
            return Err(WorktreeError::Unusable {
                id: of.id,
                because: "its administrative folder is gone",
            });
        }
        write_record(&site, record)?;
        write_reason(&site, name).map(drop)
    }
}

/// Locks the worktree with our reason and says whether that changed something; somebody else's lock is left alone.
pub(super) fn write_reason(site: &Site, name: &SessionName) -> Result<bool, WorktreeError> {
    match held(site) {
        Held::Ours(Some(found)) if found.as_str() == name.as_str() => return Ok(false),
        Held::Foreign(reason) if !reason.is_empty() => return Ok(false),
        Held::Ours(_) | Held::Foreign(_) | Held::Free => (),
    }
    let path = site.admin.join("locked");
    let reason = reason_of(site.id, name);
    atomic::replace(&path, reason.as_bytes(), Durability::Crash).map_err(io_error("replace", &path))?;
    Ok(true)
}
