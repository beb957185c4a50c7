//! How a command line is read: with the definition of the one command in it, because to define all of them takes longer
//! than most commands do.

use std::{
    env,
    ffi::{OsStr, OsString},
};

use clap::{Args, CommandFactory as _, Error, FromArgMatches as _, Subcommand, builder::Resettable};

use super::{
    Agent, Attach, Bind, Cli, Completions, Conversation, Create, Debug, Destroy, Doctor, Editor, Exec, Find,
    Global, History, Hook, Init, Interpreter, Kill, List, Logs, Man, Meta, Open, Path, Phase, Pool, Prompt,
    Ps, Recover, Remove, Rename, Restart, Restore, Resume, Screen, Send, Serve, Setup, Show, Start, Status,
    Stop, Touch, Trash, Unbind, Undo, Wait,
};

/// A command before it has arguments, and afterwards.
type Define = fn(clap::Command) -> clap::Command;

impl Cli {
    /// Reads a command line. Only what is right goes the short way: help and errors speak of all commands.
    pub(in crate::cli) fn read(line: &[OsString]) -> Result<Self, Error> {
        let prepare: Define = if is_any_empty() { without_empty } else { |command| command };
        Self::read_typed(line, prepare)
            .map_or_else(|| Self::from_arg_matches(&prepare(Self::command()).try_get_matches_from(line)?), Ok)
    }

    /// Whether a line is one that an agent's hook runs, also where it cannot be read.
    pub(in crate::cli) fn is_hook(line: &[OsString]) -> bool {
        line.iter().skip(1).find_map(|word| definition(word)).is_some_and(|(name, _)| name == "hook")
    }

    /// Reads a line knowing only the first command in it. Where that word is no command but the value of a flag, the
    /// real one behind it is unknown, and the answer is nothing.
    fn read_typed(line: &[OsString], prepare: Define) -> Option<Self> {
        let (name, define) = line.iter().skip(1).find_map(|word| definition(word))?;
        let root = Global::augment_args(clap::Command::new("wharf"));
        let root = prepare(root.subcommand(define(clap::Command::new(name))));
        Self::from_arg_matches(&root.try_get_matches_from(line).ok()?).ok()
    }
}

/// Whether a variable of ours is set to nothing, as compose files set what nobody gave them.
fn is_any_empty() -> bool {
    env::vars_os().any(|(name, value)| value.is_empty() && name.as_encoded_bytes().starts_with(b"WHARF_"))
}

/// A command that does not ask the variables that are set to nothing.
fn without_empty(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| {
        let is_empty = arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
        if is_empty { arg.env(Resettable::Reset) } else { arg }
    });
    command.mut_subcommands(without_empty)
}

/// How a command is defined; nothing for other words.
fn definition(word: &OsStr) -> Option<(&'static str, Define)> {
    fn of<T: Args>(name: &'static str) -> (&'static str, Define) {
        (name, T::augment_args)
    }
    fn group<T: Subcommand>(name: &'static str) -> (&'static str, Define) {
        (name, T::augment_subcommands)
    }
    Some(match word.to_str()? {
        "create" => of::<Create>("create"),
        "list" => of::<List>("list"),
        "show" => of::<Show>("show"),
        "path" => of::<Path>("path"),
        "find" => of::<Find>("find"),
        "start" => of::<Start>("start"),
        "stop" => of::<Stop>("stop"),
        "restart" => of::<Restart>("restart"),
        "kill" => of::<Kill>("kill"),
        "resume" => of::<Resume>("resume"),
        "ps" => of::<Ps>("ps"),
        "exec" => of::<Exec>("exec"),
        "history" => of::<History>("history"),
        "attach" => of::<Attach>("attach"),
        "logs" => of::<Logs>("logs"),
        "screen" => of::<Screen>("screen"),
        "send" => of::<Send>("send"),
        "prompt" => of::<Prompt>("prompt"),
        "wait" => of::<Wait>("wait"),
        "status" => of::<Status>("status"),
        "phase" => of::<Phase>("phase"),
        "meta" => of::<Meta>("meta"),
        "touch" => of::<Touch>("touch"),
        "rename" => of::<Rename>("rename"),
        "bind" => of::<Bind>("bind"),
        "unbind" => of::<Unbind>("unbind"),
        "editor" => group::<Editor>("editor"),
        "remove" => of::<Remove>("remove"),
        "conversation" => group::<Conversation>("conversation"),
        "destroy" => of::<Destroy>("destroy"),
        "setup" => of::<Setup>("setup"),
        "undo" => of::<Undo>("undo"),
        "trash" => group::<Trash>("trash"),
        "pool" => group::<Pool>("pool"),
        "agent" => group::<Agent>("agent"),
        "interpreter" => group::<Interpreter>("interpreter"),
        "serve" => of::<Serve>("serve"),
        "open" => of::<Open>("open"),
        "init" => of::<Init>("init"),
        "debug" => group::<Debug>("debug"),
        "hook" => of::<Hook>("hook"),
        "restore" => of::<Restore>("restore"),
        "recover" => of::<Recover>("recover"),
        "doctor" => of::<Doctor>("doctor"),
        "completions" => of::<Completions>("completions"),
        "man" => of::<Man>("man"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{super::Command, *};

    fn line(words: &str) -> Vec<OsString> {
        words.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn every_command_is_defined_alone_as_it_is_among_all() {
        let arguments = |command: &clap::Command| command.get_arguments().cloned().collect::<Vec<_>>();
        for among in Cli::command().get_subcommands() {
            let (name, define) = definition(among.get_name().as_ref()).unwrap();
            let alone = define(clap::Command::new(name));
            assert_eq!(name, among.get_name());
            assert_eq!(arguments(&alone), arguments(among), "{name}");
            assert_eq!(alone.get_subcommands().count(), among.get_subcommands().count(), "{name}");
        }
    }

    #[test]
    fn a_line_that_is_right_is_read_the_short_way() {
        let cli = Cli::read_typed(&line("wharf --workspace /w list --quick -v"), |it| it).unwrap();
        assert_eq!(cli.global.workspace, Some("/w".into()));
        assert_eq!(cli.global.verbose, 1);
        assert!(matches!(cli.command, Command::List(List { quick: true, .. })));
    }

    #[test]
    fn a_value_that_is_called_like_a_command_is_a_value() {
        for words in ["wharf --workspace list path show", "wharf path show --workspace list"] {
            let cli = Cli::read(&line(words)).unwrap();
            assert_eq!(cli.global.workspace, Some("list".into()), "{words}");
            assert!(matches!(&cli.command, Command::Path(path) if path.name == "show"), "{words}");
        }
    }

    #[test]
    fn help_and_errors_speak_of_all_commands() {
        for words in [
            "wharf",
            "wharf list --help",
            "wharf help list",
            "wharf lis",
            "wharf list --quik",
            "wharf --version",
        ] {
            let line = line(words);
            let told = Cli::read(&line).unwrap_err().to_string();
            assert_eq!(told, Cli::try_parse_from(&line).unwrap_err().to_string(), "{words}");
        }
    }
}
