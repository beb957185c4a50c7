//! What can be typed about kinds of agents and their hooks.

use clap::{Args, Subcommand};

/// What kinds of agents there are, and the hooks by which they tell how they are doing
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  wharf agent list
  wharf agent show claude
  wharf agent install auth --agent claude
  wharf agent uninstall auth")]
pub(in crate::cli) enum Agent {
    /// List the kinds of agents there are
    #[command(after_help = "Examples:\n  wharf agent list --json")]
    List,
    /// Show how an agent is described, as it could stand in your settings
    #[command(after_help = "\
Examples:
  wharf agent show claude
  wharf agent show claude --json

Agents of your own are described below `[agents.NAME]` in your own settings; one of the same name as a built-in
one replaces that one as a whole.")]
    Show {
        /// The agent
        agent: String,
    },
    /// Write hooks into the worktree of a session, so that its agent tells wharf how it is doing
    #[command(after_help = "\
Examples:
  wharf agent install auth                     the agent that works in it
  wharf agent install auth --agent claude
  wharf agent install --all --dry-run

Nothing else in the agent's settings is changed, and git does not show the file. One that git tracks is left alone.")]
    Install(Install),
    /// Take the hooks out of the worktree of a session again, and what was made for them
    #[command(
        after_help = "Examples:\n  wharf agent uninstall auth\n  wharf agent uninstall --all --dry-run"
    )]
    Uninstall(Uninstall),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Install {
    #[command(flatten)]
    pub(in crate::cli) sessions: Sessions,
    /// For this agent [default: the one that works in the session]
    #[arg(long, value_name = "AGENT")]
    pub(in crate::cli) agent: Option<String>,
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Uninstall {
    #[command(flatten)]
    pub(in crate::cli) sessions: Sessions,
    /// Say what would happen, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Sessions {
    /// The session: its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: Option<String>,
    /// All sessions; to install, those in which an agent works, unless one is named
    #[arg(long)]
    pub(in crate::cli) all: bool,
}
