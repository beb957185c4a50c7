//! The worktrees of a workspace on real repositories: git2 reads, the git command writes (RELIABILITY G1).

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    AddEnd, Addition, Brought, Checkout, Drained, Filled, HeadDamage, Loss, Mended, Outset, PoolSize,
    Rebranching, Renaming, Scan, Seen, Slot, Trashed, Wanted, WhileFilled, Worktree, WorktreeError,
    Worktrees, pool, site::is_there,
};
use crate::{
    clock::{Clock, Timestamp},
    session::{BranchFate, BranchName, RepositoryPath, SessionId, SessionName},
    workspace::Workspace,
};

/// How the git command is run.
#[derive(Clone, Debug)]
pub struct GitSettings {
    /// How long one git command may take before it is killed with everything it started.
    pub time_limit: Duration,
    /// How long to wait for another process that works on the same repository.
    pub lock_limit: Duration,
    /// Whether hooks of the repository run; only the user's own configuration can say so.
    pub trust_hooks: bool,
    /// The git program, a name found on `PATH` or an absolute path.
    pub program: String,
}

impl Default for GitSettings {
    fn default() -> Self {
        Self {
            time_limit: Duration::from_mins(10),
            lock_limit: Duration::from_mins(10),
            trust_hooks: false,
            program: "git".to_owned(),
        }
    }
}

/// The worktrees of one workspace.
pub struct GitWorktrees {
    pub(super) workspace: Workspace,
    pub(super) settings: GitSettings,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for GitWorktrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitWorktrees")
            .field("workspace", &self.workspace)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl GitWorktrees {
    /// The worktrees of this workspace.
    pub fn of(workspace: Workspace, settings: GitSettings, clock: Arc<dyn Clock>) -> Self {
        Self { workspace, settings, clock }
    }
}

impl Worktrees for GitWorktrees {
    fn repositories(&self) -> Result<Vec<RepositoryPath>, WorktreeError> {
        self.find_repositories()
    }

    fn repository_at(&self, folder: &Path) -> Result<RepositoryPath, WorktreeError> {
        self.find_repository_at(folder)
    }

    fn start(&self, repository: &RepositoryPath, wanted: &Wanted) -> Result<Outset, WorktreeError> {
        self.set_out(repository, wanted)
    }

    fn add(&self, addition: &Addition) -> Result<Vec<PathBuf>, WorktreeError> {
        self.add_one(addition)
    }

    fn want_warm(&self, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        pool::want(&self.common_dir(repository)?)
    }

    fn lacks_warm(&self, repository: &RepositoryPath, size: usize) -> bool {
        self.lacks_warm_for_head(repository, size).unwrap_or_else(|err| {
            tracing::debug!(%repository, error = %err, "nobody can say whether worktrees are to be made ready");
            false
        })
    }

    fn pool(&self, repository: &RepositoryPath) -> Result<Vec<Slot>, WorktreeError> {
        self.slots(repository)
    }

    fn fill(
        &self,
        repository: &RepositoryPath,
        size: &PoolSize,
        while_filled: WhileFilled,
    ) -> Result<Filled, WorktreeError> {
        self.fill_pool(repository, size, while_filled)
    }

    fn drain(&self, repository: &RepositoryPath) -> Result<Drained, WorktreeError> {
        self.drain_pool(repository)
    }

    fn settle_add(&self, addition: &Addition) -> Result<AddEnd, WorktreeError> {
        self.settle_one(addition)
    }

    fn withdraw(&self, addition: &Addition) -> Result<AddEnd, WorktreeError> {
        self.withdraw_one(addition)
    }

    fn has_needs(&self, repository: &RepositoryPath) -> bool {
        self.names_needs(repository)
    }

    fn bring_needs(&self, of: &Checkout) -> Result<Brought, WorktreeError> {
        self.bring_all_needs(of)
    }

    fn scan(&self, known: &[RepositoryPath]) -> Result<Scan, WorktreeError> {
        self.scan_all(known)
    }

    fn inspect(&self, id: SessionId, repository: &RepositoryPath) -> Result<Worktree, WorktreeError> {
        self.inspect_one(id, repository)
    }

    fn head_damage(&self, of: &Checkout) -> Result<Option<HeadDamage>, WorktreeError> {
        self.find_head_damage(of)
    }

    fn look(&self, of: &[Checkout]) -> Vec<Seen> {
        self.look_at_all(of)
    }

    fn verify(&self, of: &Checkout) -> Result<Vec<String>, WorktreeError> {
        self.verify_checkout(of)
    }

    fn losses(&self, of: &Checkout, branch: BranchFate) -> Result<Vec<Loss>, WorktreeError> {
        self.find_losses(of, branch)
    }

    fn remember(&self, of: &Checkout, name: &SessionName, record: &str) -> Result<(), WorktreeError> {
        self.remember_one(of, name, record)
    }

    fn discard(&self, of: &Checkout, branch: BranchFate, record: &str) -> Result<BranchFate, WorktreeError> {
        self.discard_one(of, branch, record)
    }

    fn is_discarded(&self, id: SessionId) -> bool {
        self.is_in_trash(id)
    }

    fn trash(&self) -> Result<Vec<Trashed>, WorktreeError> {
        self.list_trash()
    }

    fn retract(&self, of: &Checkout) -> Result<(), WorktreeError> {
        self.retract_one(of)
    }

    fn rebranch(&self, wanted: &Rebranching) -> Result<(), WorktreeError> {
        self.rebranch_one(wanted)
    }

    fn bring_back(&self, id: SessionId, repository: &RepositoryPath) -> Result<(), WorktreeError> {
        self.bring_back_one(id, repository)
    }

    fn doom(&self, trashed: &Trashed) -> Result<(), WorktreeError> {
        self.doom_one(trashed)
    }

    fn clear_doomed(&self) -> Result<(), WorktreeError> {
        self.end_purges()
    }

    fn is_trash_due(&self, now: Timestamp, days: u32) -> bool {
        self.is_any_due(now, days)
    }

    fn tidy(&self, repositories: &[RepositoryPath]) {
        for repository in repositories {
            if let Err(WorktreeError::RepositoryGone { path }) = self.common_dir(repository) {
                tracing::debug!(path = %path.display(), "a repository is gone, so nothing of it is tidied");
                continue;
            }
            if let Err(err) = self.sweep_pool(repository) {
                tracing::warn!(%repository, error = %err, "warm worktrees that were cut short may be left");
            }
            if let Err(err) = self.tidy_one(repository) {
                tracing::warn!(%repository, error = %err, "locks of killed gits may be left");
            }
        }
    }

    fn hide_own_files(&self) -> Result<(), WorktreeError> {
        self.exclude_around()
    }

    fn is_tracked(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError> {
        self.is_tracked_file(of, file)
    }

    fn hide(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError> {
        self.hide_file(of, file)
    }

    fn unhide(&self, of: &Checkout, file: &str) -> Result<(), WorktreeError> {
        self.show_file(of, file)
    }

    fn git_version(&self) -> Result<String, WorktreeError> {
        self.ask_version()
    }

    fn has_any(&self) -> bool {
        std::fs::read_dir(self.workspace.worktrees()).is_ok_and(|mut entries| entries.next().is_some())
    }

    fn weigh_rename(&self, of: &Checkout, to: &BranchName) -> Result<Renaming, WorktreeError> {
        self.weigh_rename_of(of, to)
    }

    fn rename_branch(&self, renaming: &Renaming) -> Result<(), WorktreeError> {
        self.rename_branch_of(renaming)
    }

    fn settle_rename(&self, renaming: &Renaming) -> Result<bool, WorktreeError> {
        self.settle_rename_of(renaming)
    }

    fn is_half_mended(&self, id: SessionId) -> bool {
        is_there(&self.mending(id))
    }

    fn mend(&self, of: &Checkout, name: &SessionName, record: &str) -> Result<Vec<Mended>, WorktreeError> {
        self.mend_one(of, name, record)
    }
}
