//! What can be typed to set a session up.

use clap::Args;

/// Copy what `.worktreeinclude` names into a session, and run what is set to run in it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf setup auth            again, after it failed or was cut short
  wharf create auth           does it for a new session
  wharf create auth --no-setup

Files: those that git ignores and that `.worktreeinclude` in the root of the repository names, in gitignore syntax. What is
there already stays. Lines: `setup.commands` in your own settings, or in the workspace's when yours say `setup.trust`.")]
pub(in crate::cli) struct Setup {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
}
