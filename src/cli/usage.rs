//! How wrong arguments are told: in one line to a script, and without the commands that nobody types.

use clap::{
    Command, CommandFactory as _, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::args::Cli;

/// Takes the commands that are hidden out of the list of those there are.
pub(super) fn hide(err: &mut Error) {
    let Some(ContextValue::Strings(listed)) = err.get(ContextKind::ValidSubcommand).cloned() else {
        return;
    };
    let root = Cli::command();
    let is_hidden = |name: &String| root.find_subcommand(name).is_some_and(Command::is_hide_set);
    let shown = listed.into_iter().filter(|name| !is_hidden(name)).collect();
    err.insert(ContextKind::ValidSubcommand, ContextValue::Strings(shown));
}

/// What is wrong, in one line: neither how it is typed, nor where help is to be had.
pub(super) fn message(err: &Error) -> String {
    if err.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing".to_owned();
    }
    let text = err.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let tail = ["\n\nUsage:", "\n\nFor more information"].iter().filter_map(|tail| text.find(tail)).min();
    let said = &text[..tail.unwrap_or(text.len())];
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
