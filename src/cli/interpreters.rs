//! `interpreter list` and `show`.

use std::path::PathBuf;

use serde::Serialize;

use super::{Context, Failure, agents::found, args, table};
use crate::{interpreter::Interpreter, text};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InterpreterView<'a> {
    name: &'a str,
    title: &'a str,
    program: &'a str,
    found: Option<PathBuf>,
    keeps: &'static str,
    default: bool,
}

/// Does what is asked about interpreters.
pub(super) fn interpreter(context: &Context, args: &args::Interpreter) -> Result<(), Failure> {
    match args {
        args::Interpreter::List => list(context),
        args::Interpreter::Show { interpreter } => show(context, interpreter),
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let settings = context.manager.settings();
    let view = |it: &'_ Interpreter| settings.shell.interpreter == it.name();
    let views: Vec<InterpreterView<'_>> =
        settings.interpreters.iter().map(|it| InterpreterView::of(it, view(it))).collect();
    let row = |it: &InterpreterView<'_>| {
        [
            if it.default { format!("{} *", it.name) } else { it.name.to_owned() },
            it.title.to_owned(),
            it.found.as_ref().map_or_else(|| "not found".to_owned(), |path| path.display().to_string()),
            it.keeps.to_owned(),
        ]
    };
    let text = || table::interpreters(&views.iter().map(row).collect::<Vec<_>>());
    Ok(context.output.data(&views, text)?)
}

fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let found = context.manager.settings().interpreters.find(name);
    let described = found.ok_or_else(|| Failure::NoInterpreter { name: name.to_owned() })?;
    Ok(context.output.data(described.entry(), || text::lines(&described.to_toml()) + "\n")?)
}

impl<'a> InterpreterView<'a> {
    fn of(interpreter: &'a Interpreter, default: bool) -> Self {
        let entry = interpreter.entry();
        let keeps = match (&entry.save, &*entry.definitions) {
            (Some(_), _) => "state",
            (None, []) => "nothing",
            (None, _) => "definitions",
        };
        Self {
            name: interpreter.name(),
            title: interpreter.title(),
            program: interpreter.program(),
            found: found(interpreter.program()),
            keeps,
            default,
        }
    }
}
