//! How a branch whose ref is gone or damaged is made again, at the last commit anything remembers of it.

use std::path::Path;

use super::{
    Checkout, GitWorktrees, WorktreeError, command::GitCall, lock::RepositoryLock, register::remove_if_there,
    regular::read_regular, site::Site, site::is_there,
};
use crate::session::{BranchName, CommitId};

/// How many entries of a reflog are tried, from the last one on.
const ENTRIES_MAX: usize = 100;
/// The longest reflog that is read.
const REFLOG_BYTES_MAX: u64 = 64 << 20;

impl GitWorktrees {
    /// Makes the branch again if its ref leads to no commit; says at which. `anywhere` takes the repository's HEAD
    /// when nothing is remembered; without it a branch that never had a commit stays as it is.
    pub(super) fn restore_branch(
        &self,
        of: &Checkout,
        branch: &BranchName,
        anywhere: bool,
        lock: &RepositoryLock,
    ) -> Result<Option<CommitId>, WorktreeError> {
        let site = &self.site(of.id, &of.repository)?;
        if branch.is_detached() || self.tip_with_object(site, &branch.reference())?.is_some() {
            return Ok(None);
        }
        let Some(commit) = self.last_known(site, of, branch, anywhere)? else {
            return Ok(None);
        };
        let loose = site.common.join(branch.reference());
        if is_there(&loose) {
            tracing::warn!(session = %of.id, branch = %branch, "a damaged ref was replaced");
            remove_if_there(&loose)?;
        }
        self.set_ref(site, &branch.reference(), &commit, lock)?;
        Ok(Some(commit))
    }

    fn last_known(
        &self,
        site: &Site,
        of: &Checkout,
        branch: &BranchName,
        anywhere: bool,
    ) -> Result<Option<CommitId>, WorktreeError> {
        let mut candidates = reflog(&site.common.join("logs").join(branch.reference()));
        let had_base = of.base.is_some() && of.branch == *branch;
        let is_damaged = is_there(&site.common.join(branch.reference()));
        if !anywhere && candidates.is_empty() && !had_base && !is_damaged {
            return Ok(None);
        }
        if self.head_branch(site, &of.repository)?.as_ref() == Some(branch) {
            candidates.extend(reflog(&site.admin.join("logs/HEAD")));
        }
        candidates.extend(of.base.iter().map(|base| base.commit.clone()));
        for commit in candidates {
            if self.tip_with_object(site, commit.as_str())?.is_some() {
                return Ok(Some(commit));
            }
        }
        if anywhere { self.tip(site, "HEAD") } else { Ok(None) }
    }

    /// The commit a name leads to, when the repository has it.
    pub(super) fn tip_with_object(&self, site: &Site, name: &str) -> Result<Option<CommitId>, WorktreeError> {
        let Some(commit) = self.tip(site, name)? else {
            return Ok(None);
        };
        let object = format!("{commit}^{{tree}}");
        let call = GitCall::ask(&site.root, &["cat-file", "-e", &object]);
        let answer = self.run(&call.allow(&[1, 128]))?;
        Ok((answer.code == 0).then_some(commit))
    }
}

/// The commits of a reflog, the newest first; lines that a power cut left as garbage are passed over.
pub(super) fn reflog(path: &Path) -> Vec<CommitId> {
    let bytes = read_regular(path, REFLOG_BYTES_MAX).ok().flatten().unwrap_or_default();
    let lines = bytes.split(|&b| b == b'\n').rev();
    let commits = lines.filter_map(|line| {
        let field = line.split(|&b| b == b' ').nth(1)?;
        let commit: CommitId = str::from_utf8(field).ok()?.parse().ok()?;
        commit.as_str().bytes().any(|b| b != b'0').then_some(commit)
    });
    commits.take(ENTRIES_MAX).collect()
}
