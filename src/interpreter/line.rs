//! The lines that an interpreter is given, with their places filled in.

use super::{Answer, Interpreter};

/// Files beside this one that a description can be made of.
const FILES: &[(&str, &str)] = &[
    ("{file:bash.sh}", include_str!("bash.sh")),
    ("{file:python.py}", include_str!("python.py")),
    ("{file:sh.sh}", include_str!("sh.sh")),
];

/// What an interpreter may open by its path.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a> {
    /// Where the text of a command lies, for those that read it from there.
    pub script: &'a str,
    /// Where a command reads from.
    pub stdin: &'a str,
    /// Where it writes to.
    pub stdout: &'a str,
    /// Where its errors go.
    pub stderr: &'a str,
}

impl Interpreter {
    /// The command that starts it.
    pub fn start(&self) -> Vec<String> {
        self.entry.start.iter().map(|word| with_files(word)).collect()
    }

    /// The line that makes it ready.
    pub fn begin_line(&self) -> Vec<u8> {
        self.entry.begin.as_deref().map(|line| fill(line, |_, _| false)).unwrap_or_default()
    }

    /// The line that runs a text, after a command that had this exit code. `command` goes into the environment of what it
    /// starts.
    pub fn run_line(&self, text: &[u8], paths: Paths<'_>, command: &str, code: i32) -> Vec<u8> {
        fill(&self.entry.run, |place, line| {
            match place {
                "text" => self.entry.quote.write(text, line),
                "script" => line.extend_from_slice(paths.script.as_bytes()),
                "stdin" => line.extend_from_slice(paths.stdin.as_bytes()),
                "stdout" => line.extend_from_slice(paths.stdout.as_bytes()),
                "stderr" => line.extend_from_slice(paths.stderr.as_bytes()),
                "command" => line.extend_from_slice(command.as_bytes()),
                "code" => line.extend_from_slice(code.to_string().as_bytes()),
                _ => return false,
            }
            true
        })
    }

    /// Whether a text is laid down for it before it is told to run it.
    pub fn reads_script(&self) -> bool {
        self.entry.run.contains("{script}")
    }

    /// The line that says that everything before it is done.
    pub fn mark_line(&self, mark: &str, answer: &str) -> Vec<u8> {
        with_words(&self.entry.mark, &[("mark", mark), ("answer", answer)])
    }

    /// The line that saves what it holds; nothing where it cannot. Functions with these names may be there.
    pub fn save_line(&self, state: &str, functions: &str) -> Option<Vec<u8>> {
        let save = self.entry.save.as_deref()?;
        Some(with_words(save, &[("state", state), ("functions", functions)]))
    }

    /// The line that sets it to what a path holds.
    pub fn restore_line(&self, state: &str, lost: &str) -> Option<Vec<u8>> {
        let restore = self.entry.restore.as_deref()?;
        Some(with_words(restore, &[("state", state), ("lost", lost)]))
    }

    /// Whether its mark and all that its commands write come on its own outputs.
    pub fn answers_by_output(&self) -> bool {
        self.entry.answer == Answer::Output
    }
}

fn with_words(template: &str, words: &[(&str, &str)]) -> Vec<u8> {
    fill(template, |place, line| {
        let word = words.iter().find(|(key, _)| *key == place);
        line.extend_from_slice(word.map_or("", |(_, word)| word).as_bytes());
        word.is_some()
    })
}

fn with_files(template: &str) -> String {
    FILES.iter().fold(template.to_owned(), |text, (place, file)| text.replace(place, file))
}

/// Fills the places of a line and ends it with a line break. What `write` does not know stays as it is: braces mean
/// something in most languages.
fn fill(template: &str, mut write: impl FnMut(&str, &mut Vec<u8>) -> bool) -> Vec<u8> {
    let template = with_files(template);
    let mut line = Vec::with_capacity(template.len());
    let mut rest = template.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        line.extend_from_slice(before.as_bytes());
        rest = match behind.split_once('}') {
            Some((place, after)) if write(place, &mut line) => after,
            _ => {
                line.push(b'{');
                behind
            }
        };
    }
    line.extend_from_slice(rest.as_bytes());
    if !line.ends_with(b"\n") {
        line.push(b'\n');
    }
    line
}
