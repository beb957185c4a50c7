//! How a description is written: the form of one entry, in our own table and in a user's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One interpreter as it is written down. Its lines have places in braces that are filled in: `{text}`, `{command}`,
/// `{code}`, and paths that it may open, `{stdin}`, `{stdout}`, `{stderr}`, `{answer}`, `{state}`, `{lost}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What its makers call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The command that starts it.
    pub start: Vec<String>,
    /// What it has in its environment besides.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// How the text of a command stands in the line that runs it.
    #[serde(default)]
    pub quote: Quote,
    /// The line that makes it ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<String>,
    /// The line that runs a text.
    pub run: String,
    /// The line that says that everything before it is done: it writes the mark, and a space and the exit code where the
    /// interpreter knows one.
    pub mark: String,
    /// Where the mark is written to.
    #[serde(default)]
    pub answer: Answer,
    /// The line that writes what it holds to a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
    /// How what it wrote there is taken apart.
    #[serde(default)]
    pub state: Form,
    /// The line that sets it to what a path holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// The signal that interrupts it.
    #[serde(default)]
    pub interrupt: Interrupt,
    /// Which commands only define something, where it cannot save: they are run again at a load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub definitions: Vec<String>,
}

/// How the text of a command stands in a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quote {
    /// As it is: the lines of the text are lines of the interpreter.
    #[default]
    Lines,
    /// In single quotes of a shell.
    Single,
    /// In the quotes of `$'…'`: one line, of printable characters alone.
    AnsiC,
    /// As hexadecimal digits.
    Hex,
}

/// Where the mark is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To the path `{answer}`, and the command's outputs to paths of their own.
    #[default]
    Path,
    /// To the interpreter's own standard output, as all commands do: a line break, the mark, and a line break.
    Output,
}

/// What saved bytes consist of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Nobody knows: one piece.
    #[default]
    Whole,
    /// Pieces, each a line with its key, a line with its length, and as many bytes and a line break. Instead of its length a
    /// `!` says that it cannot be kept; in what is to be set a `-` says that it is to go.
    Pieces,
    /// What `bash.sh` here writes.
    Bash,
    /// What `sh.sh` here writes.
    Sh,
}

/// A signal that interrupts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Interrupt {
    /// What a keyboard sends.
    #[default]
    Int,
    /// For those that take INT for an end.
    Quit,
    /// The first that is free for anything.
    Usr1,
    /// The second.
    Usr2,
}
