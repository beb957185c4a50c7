//! What can be typed about the worktrees that are kept ready.

use std::path::PathBuf;

use clap::Subcommand;

/// Look after the worktrees that are kept ready for the next sessions
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  wharf pool status
  wharf pool fill
  wharf pool drain

A create takes a worktree that is ready, and a process in the background makes the next one. `pool.size` in the
settings says how many are kept for each repository [default: 1; 0: none]; none is made while the disk has less than
1 GiB to spare beside it. One that was made under other settings than those of today (line ends, filters, LFS, rights)
is not taken, and made anew.")]
pub(in crate::cli) enum Pool {
    /// Show which worktrees are kept ready
    ///
    /// `ready` is what was made ready and has not been looked into since. The files are looked at by whoever takes one, fills or
    /// drains; one in which somebody changed something is `changed` from then on. `broken` is what was cut short: it goes with
    /// the next fill.
    #[command(after_help = "Examples:\n  wharf pool status\n  wharf pool status --json")]
    Status {
        /// Only those of this repository
        #[arg(long, value_name = "PATH")]
        repo: Option<PathBuf>,
    },
    /// Make worktrees until as many are ready as the settings say
    ///
    /// Waits up to a minute for each repository for which a process makes some already, as the one in the background does, and at most
    /// `git.time_limit`. When that is still at
    /// work then, what is ready is told and the exit code is 4.
    #[command(after_help = "Examples:\n  wharf pool fill\n  wharf pool fill --size 3")]
    Fill {
        /// Only for this repository
        #[arg(long, value_name = "PATH")]
        repo: Option<PathBuf>,
        /// How many for each repository, at most 16 [default: `pool.size` in the settings]
        #[arg(long, value_name = "N")]
        size: Option<usize>,
    },
    /// Remove the worktrees that are kept ready, but not those in which something changed
    ///
    /// Waits for whoever makes one in the background, which makes no other then. None is made until the next create or fill.
    #[command(after_help = "Examples:\n  wharf pool drain\n  wharf pool drain --repo services/api")]
    Drain {
        /// Only those of this repository
        #[arg(long, value_name = "PATH")]
        repo: Option<PathBuf>,
    },
}
