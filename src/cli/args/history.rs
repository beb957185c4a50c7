//! What can be typed to look back at the commands that ran in a session.

use clap::{Args, Subcommand};

/// Show the commands that ran in a session, oldest first
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  wharf history auth
  wharf history auth --failed --limit 5           the last five that failed
  wharf history auth --grep '^make' --output      with what they printed
  wharf history auth --json
  wharf history replay auth --dry-run             what the next load would bring back

It shows what `wharf exec` ran. What was typed into the terminal of a session is in `wharf logs`.")]
pub(in crate::cli) struct History {
    #[command(subcommand)]
    pub(in crate::cli) replay: Option<Replay>,
    /// Its name, its id, or the unique beginning of its id
    #[arg(required = true)]
    pub(in crate::cli) name: Option<String>,
    /// Only commands in which this is found
    #[arg(long, value_name = "REGEX")]
    pub(in crate::cli) grep: Option<String>,
    /// Only those with another exit code than 0
    #[arg(long)]
    pub(in crate::cli) failed: bool,
    /// Only the last ones
    #[arg(long, value_name = "N")]
    pub(in crate::cli) limit: Option<usize>,
    /// With what they printed, as far as it is kept
    #[arg(long)]
    pub(in crate::cli) output: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Replay {
    /// Unload the context of a session and load it again from its log; no command runs again
    #[command(after_help = "\
Examples:
  wharf history replay auth --dry-run     which checkpoint, which definitions after it, and what is lost
  wharf history replay auth               unload it and load it again; refused while something runs in it")]
    Replay {
        /// Its name, its id, or the unique beginning of its id
        name: String,
        /// Say what a load would do, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}
