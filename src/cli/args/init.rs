//! `init`.

use std::ffi::OsString;

use clap::Args;

/// Be the first process of a container: run a command, reap what is left, end sessions
#[derive(Args, Debug)]
#[command(after_help = "\
TERM and INT end the command and the program of every session, so that `wharf resume --all` brings them back after the next
start. Whatever is left when the time is over is killed. The exit code is the command's.

Examples:
  wharf init -- sleep infinity
  wharf init --resume -- sleep infinity        starts first what the last stop of the container ended
  wharf init --restart -- my-server            a server that fails is started again, sessions go on meanwhile")]
pub(in crate::cli) struct Init {
    /// Start again what a stop or a restart of the container ended
    #[arg(long)]
    pub(in crate::cli) resume: bool,
    /// Start the command again whenever it fails, after 1 to 30 seconds
    #[arg(long)]
    pub(in crate::cli) restart: bool,
    /// How long everything together may take to end
    #[arg(long, value_name = "SECONDS", default_value_t = 8)]
    pub(in crate::cli) grace: u64,
    /// The command; without one, this runs until it is told to end
    #[arg(last = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<OsString>,
}
