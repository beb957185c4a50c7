//! What can be typed to end a session and to bring it back.

use clap::{Args, Subcommand};

/// End a session: its work goes into the trash, from where `undo` brings it back
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf destroy auth                       refuses while there is unsaved work, and says which
  wharf destroy auth --dry-run             what would be lost, and nothing else
  wharf destroy auth --ignored             build results may go
  wharf destroy auth --force --delete-branch

Whatever is permitted still goes into the trash. No flag goes over a mount or somebody else's lock.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct Destroy {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// Tracked files with changes may go
    #[arg(long)]
    pub(in crate::cli) modified: bool,
    /// Untracked files may go
    #[arg(long)]
    pub(in crate::cli) untracked: bool,
    /// Ignored files may go
    #[arg(long)]
    pub(in crate::cli) ignored: bool,
    /// Commits that are on no other branch and no remote may go
    #[arg(long)]
    pub(in crate::cli) unmerged: bool,
    /// A rebase, merge or the like that was begun may go
    #[arg(long)]
    pub(in crate::cli) in_progress: bool,
    /// Processes that live in the folder do not matter
    #[arg(long)]
    pub(in crate::cli) occupied: bool,
    /// The program that runs in it is ended
    #[arg(long)]
    pub(in crate::cli) running: bool,
    /// All of these at once
    #[arg(long, short)]
    pub(in crate::cli) force: bool,
    /// Delete the branch too
    #[arg(long)]
    pub(in crate::cli) delete_branch: bool,
    /// Do not run what `setup.teardown` says before it goes
    #[arg(long)]
    pub(in crate::cli) no_teardown: bool,
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

/// Bring a destroyed session back, with its uncommitted work
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  wharf undo\n  wharf undo auth\n  wharf undo auth --as auth-again --branch feature/auth-again"
)]
pub(in crate::cli) struct Undo {
    /// Its name, its id, or the beginning of its id [default: what was destroyed last]
    pub(in crate::cli) name: Option<String>,
    /// Under another name
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) new_name: Option<String>,
    /// On a new branch at the commit of its own, for when that one has moved on or is taken
    #[arg(long, value_name = "BRANCH")]
    pub(in crate::cli) branch: Option<String>,
}

/// What was destroyed and can still be brought back
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  wharf trash list\n  wharf trash empty --yes")]
pub(in crate::cli) enum Trash {
    /// List what can be brought back, newest first
    #[command(after_help = "Examples:\n  wharf trash list --json")]
    List,
    /// Delete it for good
    #[command(after_help = "Examples:\n  wharf trash empty\n  wharf trash empty auth --yes")]
    Empty {
        /// Only this one: its name, its id, or the beginning of its id
        name: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}
