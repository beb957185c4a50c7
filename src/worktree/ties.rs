//! How one damaged tie to a repository is kept from stopping git for everybody: a `commondir` without a path makes every
//! `git worktree` command of the repository fail.

use std::path::{Path, PathBuf};

use super::{
    WorktreeError, admin::Admin, durable::replace_shared, files::names_in, scan::id_at_start,
    start::ADMINS_MAX,
};

/// What git writes there; an administrative folder always lies two folders below the one that is shared.
const TO_COMMON: &[u8] = b"../..\n";

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
        let Some(admin) = Admin::read(&path)? else {
            continue;
        };
        if admin.leads_to(common) {
            continue;
        }
        tracing::warn!(path = %path.display(), "a damaged tie to the repository was repaired");
        replace_shared(&path.join("commondir"), &path.join("commondir.wharf"), TO_COMMON)?;
        healed.push(path);
    }
    Ok(healed)
}
