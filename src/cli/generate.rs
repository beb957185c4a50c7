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
    let asked = args.command.join("-");
    let found =
        if asked.is_empty() { Some(("wharf".to_owned(), &root)) } else { named(&asked, "wharf", &root) };
    let Some((name, command)) = found else {
        return Err(Failure::NoCommand { name: args.command.join(" ") });
    };
    Ok(output.raw(&page(&name, command)?)?)
}

/// The command below this one whose words are these, with hyphens between them, and the name of its page.
fn named<'a>(asked: &str, name: &str, command: &'a Command) -> Option<(String, &'a Command)> {
    command.get_subcommands().find_map(|below| {
        let page = format!("{name}-{}", below.get_name());
        if page == asked || page.strip_prefix("wharf-") == Some(asked) {
            return Some((page, below));
        }
        named(asked, &page, below)
    })
}

/// The manual page of a command, under the name that its file has.
fn page(name: &str, command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let source = format!("wharf {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone().name(name.to_owned())).source(source).render(&mut page)?;
    Ok(page)
}

/// Writes the page of a command and of everything below it that people type.
fn write_all(folder: &PathBuf, name: &str, command: &Command) -> Result<(), Failure> {
    let path = folder.join(format!("{name}.1"));
    let page = page(name, command)?;
    atomic::replace(&path, &page, Durability::Crash).map_err(|source| Failure::Io {
        action: "write",
        path,
        source,
    })?;
    for below in command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set()) {
        write_all(folder, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
}
