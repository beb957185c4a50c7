//! The worktrees of a workspace on real repositories: git2 reads, the git command writes (RELIABILITY G1).

use std::time::Duration;

use crate::workspace::Workspace;

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
#[derive(Debug)]
pub struct GitWorktrees {
    pub(super) workspace: Workspace,
    pub(super) settings: GitSettings,
}

impl GitWorktrees {
    /// The worktrees of this workspace.
    pub fn of(workspace: Workspace, settings: GitSettings) -> Self {
        Self { workspace, settings }
    }
}
