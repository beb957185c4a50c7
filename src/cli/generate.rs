//! `completions` and `man`: both come from the definitions of the arguments.

use std::path::PathBuf;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{
    Failure,
    args::{self, Cli},
    locate,
    output::Output,
};
use crate::atomic::{self, Durability};

/// Prints the completion script of a shell.
pub(super) fn completions(output: Output, shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "wharf", &mut script);
    Ok(output.raw(&script)?)
}

/// Prints a manual page, or writes all of them.
pub(super) fn man(output: Output, args: &args::Man) -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    if let Some(folder) = &args.out {
        let folder = locate::absolute(folder)?;
        return write_all(&folder, "wharf", &root);
    }
    let command = match &args.command {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).cloned();
            found.ok_or_else(|| Failure::NoCommand { name: name.clone() })?
        }
    };
    Ok(output.raw(&page(command)?)?)
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

/// Writes the page of a command and of everything below it.
fn write_all(folder: &PathBuf, name: &str, command: &Command) -> Result<(), Failure> {
    let path = folder.join(format!("{name}.1"));
    let page = page(command.clone().name(name.to_owned()))?;
    atomic::replace(&path, &page, Durability::Crash).map_err(|source| Failure::Io {
        action: "write",
        path,
        source,
    })?;
    for below in command.get_subcommands().filter(|it| it.get_name() != "help") {
        write_all(folder, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
}
