//! The binary: runs one command line.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    wharf::cli::run(env::args_os())
}
