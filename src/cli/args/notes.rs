//! What can be typed to change what is noted of a session.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Say how a session is doing
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf status auth waiting")]
pub(in crate::cli) struct Status {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// active, waiting, idle, error or stopped
    pub(in crate::cli) status: String,
}

/// Say what a session is about to do
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf phase auth \"writing tests\"\n  wharf phase auth --clear")]
pub(in crate::cli) struct Phase {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The phase
    #[arg(required_unless_present = "clear")]
    #[arg(value_name = "PHASE")]
    pub(in crate::cli) text: Option<String>,
    /// Take the phase away
    #[arg(long, conflicts_with = "text")]
    pub(in crate::cli) clear: bool,
}

/// Keep values with a session, or print what is kept
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf meta auth owner=ann points:=3
  wharf meta auth --unset owner
  wharf meta auth                    prints what is kept, as JSON")]
pub(in crate::cli) struct Meta {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// KEY=TEXT, or KEY:=JSON
    #[arg(value_name = "KEY=TEXT")]
    pub(in crate::cli) set: Vec<String>,
    /// Take a key out
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) unset: Vec<String>,
}

/// Note that somebody works in a session
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf touch auth")]
pub(in crate::cli) struct Touch {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
}

/// Give a session another name; its id and folder stay
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf rename auth login                            the branch stays feature/auth
  wharf rename auth login --branch feature/login     and its branch is renamed")]
pub(in crate::cli) struct Rename {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The new name
    pub(in crate::cli) new_name: String,
    /// Rename its branch too
    #[arg(long, value_name = "BRANCH")]
    pub(in crate::cli) branch: Option<String>,
}

/// Bind a session to an issue; outside a workspace, a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf bind auth --issue acme/shop#42 --label status-07:code-review
  wharf bind --folder ~/src/shop --issue acme/shop#42      outside a workspace")]
pub(in crate::cli) struct Bind {
    /// Its name, its id, or the unique beginning of its id
    #[arg(required_unless_present = "folder")]
    pub(in crate::cli) name: Option<String>,
    /// A folder, in the registry of the user instead of the workspace's
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    pub(in crate::cli) folder: Option<PathBuf>,
    /// The issue
    #[arg(long, value_name = "OWNER/REPO#N")]
    pub(in crate::cli) issue: String,
    /// Where the issue stands in its workflow
    #[arg(long, value_name = "LABEL")]
    pub(in crate::cli) label: Option<String>,
    /// A person steps in to repair what an agent did; `=false` when that is over
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(in crate::cli) intervention: Option<bool>,
}

/// Free a session from its issue
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf unbind auth")]
pub(in crate::cli) struct Unbind {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
}

/// Note which editor shows a session
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  wharf editor set auth --pid 4242\n  wharf editor clear auth\n  wharf editor count"
)]
pub(in crate::cli) enum Editor {
    /// Note the process of a session's editor
    #[command(
        after_help = "Examples:\n  wharf editor set auth --pid 4242\n  wharf editor set auth --pid 4242 --editor nvim"
    )]
    Set {
        /// Its name, its id, or the unique beginning of its id
        #[arg(required_unless_present = "folder")]
        name: Option<String>,
        /// A folder, in the registry of the user instead of the workspace's
        #[arg(long, value_name = "PATH", conflicts_with = "name")]
        folder: Option<PathBuf>,
        /// The editor's pid
        #[arg(long)]
        pid: u32,
        /// What its process is called [default: editor.name in the settings, else code]
        #[arg(long, value_name = "NAME")]
        editor: Option<String>,
    },
    /// Note that a session's editor was closed
    #[command(after_help = "Examples:\n  wharf editor clear auth")]
    Clear {
        /// Its name, its id, or the unique beginning of its id
        #[arg(required_unless_present = "folder")]
        name: Option<String>,
        /// A folder, in the registry of the user instead of the workspace's
        #[arg(long, value_name = "PATH", conflicts_with = "name")]
        folder: Option<PathBuf>,
    },
    /// Count the sessions whose editor runs
    #[command(after_help = "Examples:\n  wharf editor count")]
    Count,
}

/// Free a folder from issue and editor, and say whether anything was found
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf remove --folder \"$(wharf path auth)\"
  wharf remove --folder ~/src/shop               outside a workspace

The session and its work stay; `wharf destroy` ends a session.")]
pub(in crate::cli) struct Remove {
    /// The folder: a session's worktree, or one in the registry of the user
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) folder: PathBuf,
}
