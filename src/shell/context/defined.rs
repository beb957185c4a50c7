//! The functions of interpreters that cannot print them: their definitions, as they stood in the text of a command.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write as _},
    process::{Command, Stdio},
};

use super::{Changes, Interpreter, Setting};

/// How many texts are parsed at most to find the definitions in one command.
const CHECKS_MAX: usize = 400;
/// What a key of such a piece begins with.
const FUNCTION: &str = "function:";

/// What is known of the functions of an interpreter.
#[derive(Clone, Debug, Default)]
pub(super) struct Defined {
    texts: BTreeMap<String, Vec<u8>>,
    /// The names that the command that runs may define.
    candidates: BTreeSet<String>,
}

impl Defined {
    /// Takes note of what a command may define, before it runs.
    pub(super) fn expect(&mut self, interpreter: &Interpreter, text: &[u8]) {
        self.candidates = interpreter.defined_names(text);
    }

    /// Takes note of functions that the interpreter is set to.
    pub(super) fn know(&mut self, changes: &Changes) {
        let functions =
            changes.set.iter().filter_map(|(key, text)| Some((key.strip_prefix(FUNCTION)?, text)));
        self.texts.extend(functions.map(|(name, text)| (name.to_owned(), text.clone())));
    }

    /// Whether the command that runs may change a function, which nothing but its text would show.
    pub(super) fn may_change(&self) -> bool {
        !self.candidates.is_empty()
    }

    /// The names that are functions, or may be now.
    pub(super) fn names(&self) -> String {
        let names: BTreeSet<&String> = self.texts.keys().chain(&self.candidates).collect();
        names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Gives the functions in a state their texts. Answers the keys of those whose definitions are not found.
    pub(super) fn fill(
        &mut self,
        pieces: &mut Vec<(String, Vec<u8>)>,
        interpreter: &Interpreter,
        setting: &Setting,
        text: &[u8],
    ) -> io::Result<Vec<String>> {
        let mut lost = Vec::new();
        let mut checks = 0;
        let candidates = std::mem::take(&mut self.candidates);
        for (key, value) in pieces.iter_mut() {
            // What the interpreter printed itself is not looked for.
            let Some(name) = key.strip_prefix(FUNCTION).filter(|_| value.is_empty()) else {
                continue;
            };
            if candidates.contains(name)
                && let Some(found) = find(interpreter, setting, (text, name), &mut checks)?
            {
                self.texts.insert(name.to_owned(), found);
            }
            match self.texts.get(name) {
                Some(text) => value.clone_from(text),
                None => lost.push(key.clone()),
            }
        }
        let are: BTreeSet<String> = pieces.iter().map(|(key, _)| key.clone()).collect();
        self.texts.retain(|name, _| are.contains(&format!("{FUNCTION}{name}")));
        pieces.retain(|(key, _)| !lost.contains(key));
        Ok(lost)
    }
}

/// Looks for a definition: the first of what may be one that the interpreter itself can parse.
fn find(
    interpreter: &Interpreter,
    setting: &Setting,
    (text, name): (&[u8], &str),
    checks: &mut usize,
) -> io::Result<Option<Vec<u8>>> {
    for may_be in interpreter.definitions(text, name) {
        *checks += 1;
        if *checks > CHECKS_MAX {
            return Ok(None);
        }
        if parses(interpreter, setting, may_be)? {
            return Ok(Some(may_be.to_vec()));
        }
    }
    Ok(None)
}

#[expect(clippy::disallowed_methods, reason = "this is the door to interpreters")]
fn parses(interpreter: &Interpreter, setting: &Setting, text: &[u8]) -> io::Result<bool> {
    let [program, option] = interpreter.checker();
    let mut command = Command::new(program);
    command.arg(option).current_dir("/").env_clear();
    command.envs(setting.variables.iter().filter(|(key, _)| key == "PATH").map(|(key, value)| (key, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let given = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text));
    let ended = child.wait()?;
    match given {
        // It found a mistake before it had read everything.
        Err(err) if err.kind() != io::ErrorKind::BrokenPipe => Err(err),
        Ok(()) | Err(_) => Ok(ended.success()),
    }
}
