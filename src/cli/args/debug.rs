//! What can be typed to look into wharf itself.

use clap::Subcommand;

/// Look into wharf itself
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  wharf debug verify-checkout auth")]
pub(in crate::cli) enum Debug {
    /// Compare a worktree without changes, byte for byte, with what git would check out
    #[command(after_help = "\
Examples:
  wharf debug verify-checkout auth
  wharf debug verify-checkout auth --json

Prints every difference, also changes of your own; exit code 1 when there is one.")]
    VerifyCheckout {
        /// Its name, its id, or the unique beginning of its id
        name: String,
    },
}
