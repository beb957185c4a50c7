//! What kinds of interpreters there are: how each is started, told to run a command, and asked for what it holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::pattern;

mod bash;
mod entry;
mod error;
mod lexer;
mod line;
mod pieces;
mod quote;
mod sh;
mod state;

#[cfg(test)]
mod tests;

pub use self::{
    entry::{Answer, Entry, Form, Interrupt, Quote},
    error::InterpreterError,
    line::Paths,
    state::{Changes, State},
};

/// The most interpreters a user may describe.
const OWN_MAX: usize = 100;
/// The longest name of one, in bytes.
const NAME_BYTES_MAX: usize = 50;
/// The longest line of a description, in bytes.
const LINE_BYTES_MAX: usize = 64 << 10;

static BUILTIN: LazyLock<BTreeMap<String, Interpreter>> = LazyLock::new(|| {
    let entries: BTreeMap<String, Entry> =
        toml::from_str(include_str!("builtin.toml")).expect("our own table is TOML, a test reads it");
    let described = entries.into_iter().map(|(name, entry)| {
        let interpreter =
            Interpreter::of(&name, entry).expect("our own entries are right, a test reads them");
        (name, interpreter)
    });
    described.collect()
});

/// The kinds of interpreters there are: ours, and over them those that the user describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interpreters {
    own: BTreeMap<String, Interpreter>,
}

/// One kind of interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    name: String,
    entry: Entry,
}

/// What an interpreter saved, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// What can be kept of it.
    pub state: State,
    /// The keys of what cannot.
    pub lost: Vec<String>,
}

/// How an interpreter is set to what another one held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restoring {
    /// By commands, each with the key of the piece that it sets.
    Commands(Vec<(String, Vec<u8>)>),
    /// By one line, which reads these bytes from a path and writes the keys that it could not set, a line each, to another.
    File(Vec<u8>),
}

impl Interpreters {
    /// Those that wharf knows by itself.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds an interpreter of the user, in place of any other of this name.
    pub fn define(&mut self, name: &str, entry: Entry) -> Result<(), InterpreterError> {
        let interpreter = Interpreter::of(name, entry)?;
        if self.own.len() >= OWN_MAX && !self.own.contains_key(name) {
            return Err(InterpreterError::TooMany { limit: OWN_MAX });
        }
        self.own.insert(name.to_owned(), interpreter);
        Ok(())
    }

    /// The interpreter of this name.
    pub fn find(&self, name: &str) -> Option<&Interpreter> {
        self.own.get(name).or_else(|| BUILTIN.get(name))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Interpreter> {
        let all: BTreeMap<&str, &Interpreter> =
            BUILTIN.iter().chain(&self.own).map(|(name, interpreter)| (name.as_str(), interpreter)).collect();
        all.into_values()
    }
}

impl Interpreter {
    /// Reads one entry.
    pub fn of(name: &str, entry: Entry) -> Result<Self, InterpreterError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(is_plain) {
            return Err(InterpreterError::Name { name: name.chars().take(NAME_BYTES_MAX).collect() });
        }
        let interpreter = Self { name: name.to_owned(), entry };
        interpreter.check()?;
        Ok(interpreter)
    }

    fn check(&self) -> Result<(), InterpreterError> {
        let entry = &self.entry;
        let wrong = |key, rule| Err(InterpreterError::Entry { name: self.name.clone(), key, rule });
        let lines = [Some(&entry.run), Some(&entry.mark), entry.begin.as_ref(), entry.save.as_ref()];
        let mut texts = lines.into_iter().flatten().chain(&entry.restore).chain(&entry.start);
        if texts.any(|text| text.len() > LINE_BYTES_MAX || text.contains('\0')) {
            return wrong("run", "and all others have at most 65536 bytes and no NUL");
        }
        if entry.title.as_ref().is_some_and(|it| it.is_empty() || it.chars().any(crate::text::is_unsafe)) {
            return wrong("title", "is a line of text");
        }
        if entry.start.first().is_none_or(String::is_empty) {
            return wrong("start", "names a program");
        }
        if entry.variables.iter().any(|(key, value)| key.is_empty() || (key.clone() + value).contains('\0')) {
            return wrong("variables", "have names, and no NUL");
        }
        if !entry.run.contains("{text}") && !entry.run.contains("{script}") {
            return wrong("run", "has `{text}` or `{script}` in it");
        }
        if !entry.mark.contains("{mark}") {
            return wrong("mark", "has `{mark}` in it");
        }
        if entry.answer == Answer::Path && !entry.mark.contains("{answer}") {
            return wrong("mark", "has `{answer}` in it");
        }
        if entry.answer == Answer::Path
            && !["{stdout}", "{stderr}"].iter().all(|place| entry.run.contains(place))
        {
            return wrong("run", "has `{stdout}` and `{stderr}` in it");
        }
        if entry.save.as_ref().is_some_and(|save| !save.contains("{state}") && !save.contains("{file:")) {
            return wrong("save", "has `{state}` in it");
        }
        let restores_itself = matches!(entry.state, Form::Bash | Form::Sh);
        if entry.save.is_some() && !restores_itself && entry.restore.is_none() {
            return wrong("restore", "is needed where there is `save`");
        }
        if entry.save.is_some() && !entry.definitions.is_empty() {
            return wrong("definitions", "are only for what cannot `save`");
        }
        if entry.definitions.iter().any(|pattern| pattern::of_text(pattern).is_none()) {
            return wrong("definitions", "are regular expressions");
        }
        Ok(())
    }

    /// What it is called here.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called by its makers.
    pub fn title(&self) -> &str {
        self.entry.title.as_deref().unwrap_or(&self.name)
    }

    /// The program it is.
    pub fn program(&self) -> &str {
        self.entry.start.first().map_or("", String::as_str)
    }

    /// The signal that interrupts it.
    pub fn interrupt(&self) -> rustix::process::Signal {
        match self.entry.interrupt {
            Interrupt::Int => rustix::process::Signal::INT,
            Interrupt::Quit => rustix::process::Signal::QUIT,
            Interrupt::Usr1 => rustix::process::Signal::USR1,
            Interrupt::Usr2 => rustix::process::Signal::USR2,
        }
    }

    /// As it could be written into a settings file.
    pub fn to_toml(&self) -> String {
        let all = BTreeMap::from([("interpreters", BTreeMap::from([(self.name.as_str(), &self.entry)]))]);
        toml::to_string(&all).expect("texts, lists and tables always have a TOML form")
    }

    /// Whether it takes words apart and quotes off as a shell does.
    pub fn is_shell(&self) -> bool {
        matches!(self.entry.quote, Quote::Single | Quote::AnsiC)
    }

    /// As it was written down.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Whether a command is one of those that are run again at a load.
    pub fn is_definition(&self, text: &[u8]) -> bool {
        self.entry
            .definitions
            .iter()
            .any(|it| pattern::of_text(it).is_some_and(|pattern| pattern.is_match(text)))
    }

    /// Takes apart what it saved; nothing when that makes no sense.
    pub fn take_apart(&self, saved: &[u8]) -> Option<Taken> {
        match self.entry.state {
            Form::Bash => bash::take_apart(saved).map(|state| Taken { state, lost: Vec::new() }),
            Form::Sh => sh::take_apart(saved).map(|state| Taken { state, lost: Vec::new() }),
            Form::Pieces => pieces::take_apart(saved),
            Form::Whole => {
                let state = [("state".to_owned(), saved.to_vec())].into_iter().collect();
                Some(Taken { state, lost: Vec::new() })
            }
        }
    }

    /// The names of functions that a command may define, where the interpreter cannot print them.
    pub fn defined_names(&self, text: &[u8]) -> BTreeSet<String> {
        match self.entry.state {
            Form::Sh => sh::defined_names(text),
            Form::Bash | Form::Pieces | Form::Whole => BTreeSet::new(),
        }
    }

    /// What may be the definition of a function in a command: the first of them that [`Self::checker`] takes.
    pub fn definitions<'a>(&self, text: &'a [u8], name: &str) -> Vec<&'a [u8]> {
        sh::definitions(text, name)
    }

    /// The command that parses its standard input and runs nothing.
    pub fn checker(&self) -> [&str; 2] {
        [self.program(), "-n"]
    }

    /// How it is set to what changed since a fresh start.
    pub fn restore(&self, changes: &Changes) -> Restoring {
        if self.entry.save.is_none() {
            let inputs = changes.set.iter().map(|(key, text)| (key.clone(), text.clone()));
            return Restoring::Commands(inputs.collect());
        }
        match self.entry.state {
            Form::Bash => Restoring::Commands(bash::restore(changes)),
            Form::Sh => Restoring::Commands(sh::restore(changes)),
            Form::Pieces => Restoring::File(pieces::put_together(changes)),
            Form::Whole => Restoring::File(changes.set.get("state").cloned().unwrap_or_default()),
        }
    }
}
