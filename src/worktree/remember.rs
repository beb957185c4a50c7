//! How git is told the name and the record of a session, so that the registry can be rebuilt from it.

use super::{
    Checkout, GitWorktrees, WorktreeError, WorktreeLock,
    add::{has_record, write_record},
    admin::LockReason,
    durable::replace_shared,
    site::{Site, read_small},
};
use crate::session::SessionName;

impl GitWorktrees {
    pub(super) fn remember_one(
        &self,
        of: &Checkout,
        name: &SessionName,
        record: &str,
    ) -> Result<(), WorktreeError> {
        let site = self.site(of.id, &of.repository)?;
        if !site.has_admin() {
            return Err(WorktreeError::Unusable { id: of.id, because: "its administrative folder is gone" });
        }
        // The record goes last: as long as it is the old one, a start sees that something is to be written.
        write_reason(&site, name)?;
        if has_record(&site, record) {
            return Ok(());
        }
        write_record(&site, record)
    }
}

/// Locks the worktree with our reason and says whether that changed something; somebody else's lock is left alone.
pub(super) fn write_reason(site: &Site, name: &SessionName) -> Result<bool, WorktreeError> {
    let path = site.admin.join("locked");
    let reason = LockReason::encode(site.id, name);
    match site.lock() {
        WorktreeLock::Foreign(_) => return Ok(false),
        WorktreeLock::Ours if read_small(&path).is_some_and(|text| text.trim() == reason) => {
            return Ok(false);
        }
        WorktreeLock::Ours | WorktreeLock::None => (),
    }
    replace_shared(&path, &site.admin.join("locked.wharf"), reason.as_bytes())?;
    Ok(true)
}
