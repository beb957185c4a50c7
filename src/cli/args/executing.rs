//! What can be typed to run commands in a session that remembers.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

/// Run a command in a session; what it sets up is there for the next one
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf exec auth 'cd src && export STAGE=test'       one argument is text in the language of the interpreter
  wharf exec auth 'echo \"$STAGE in $PWD\"'             and the next command is in src, with STAGE
  wharf exec auth -- grep -r 'a b' .                  several are words, which arrive exactly as they are
  wharf exec auth --timeout 30s --json 'make test'    one object with output, exit code and duration
  wharf exec auth --stream --json 'make test'         the same, a line for each piece of output before it
  wharf exec auth --file setup.sh
  wharf exec auth --new --interpreter python 'x = 1'

Working directory, variables, functions, options and aliases stay, also when everything is killed in between.
Commands of one session run one after the other, those of several side by side. A command reads what standard
input has, unless that is a terminal; give -n in loops that read it themselves.

The exit code is that of the command, 124 when its time was over, 130 when ctrl-c interrupted it. With --json,
an object on standard output tells it from a failure of wharf, which is an object on standard error.")]
pub(in crate::cli) struct Exec {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// In a fresh context, which is the session's from then on; the one before is given up
    #[arg(long)]
    pub(in crate::cli) new: bool,
    /// What runs it [default: what the context has, else `shell.interpreter` in your settings, else bash]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) interpreter: Option<String>,
    /// How long it may take, 0 for as long as it wants [default: `shell.time_limit` in the settings]
    #[arg(long, value_name = "DURATION")]
    pub(in crate::cli) timeout: Option<String>,
    /// It reads an end of file at once
    #[arg(short = 'n', long)]
    pub(in crate::cli) no_stdin: bool,
    /// Show output as it comes, also with --json
    #[arg(long)]
    pub(in crate::cli) stream: bool,
    /// Run what is in this file; `-` is standard input
    #[arg(long, value_name = "PATH", conflicts_with = "command")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The command: one text, or several words
    #[arg(value_name = "COMMAND", trailing_var_arg = true, required_unless_present = "file")]
    pub(in crate::cli) command: Vec<OsString>,
}
