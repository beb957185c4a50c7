//! What can be typed about kinds of interpreters.

use clap::Subcommand;

/// What can run commands
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  wharf interpreter list
  wharf interpreter show bash")]
pub(in crate::cli) enum Interpreter {
    /// List the interpreters there are
    #[command(after_help = "Examples:\n  wharf interpreter list --json")]
    List,
    /// Show how an interpreter is described, as it could stand in your settings
    #[command(after_help = "\
Examples:
  wharf interpreter show python
  wharf interpreter show bash --json

Interpreters of your own are described below `[interpreters.NAME]` in your own settings; one of the same name as a
built-in one replaces that one as a whole.")]
    Show {
        /// The interpreter
        interpreter: String,
    },
}
