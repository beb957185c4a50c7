//! The one door to standard output and standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

/// Prints data, as text or as JSON, and asks people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// Prints JSON when `json` holds.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a script reads.
    pub(super) fn is_json(self) -> bool {
        self.json
    }

    /// Data on standard output: the value for scripts, the text for people.
    pub(super) fn data<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> io::Result<()> {
        if !self.json {
            return self.raw(text().as_bytes());
        }
        let mut line = serde_json::to_vec_pretty(value).map_err(io::Error::other)?;
        line.push(b'\n');
        self.raw(&line)
    }

    /// The same, where the value takes some work that is in vain for people.
    pub(super) fn either<T: Serialize>(
        self,
        value: impl FnOnce() -> T,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if self.json { self.data(&value(), text) } else { self.raw(text().as_bytes()) }
    }

    /// Bytes on standard output as they are.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn raw(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Talk on standard error; nobody is left to tell when that fails.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn talk(self, text: &str) {
        drop(anstream::stderr().lock().write_all(text.as_bytes()));
    }

    /// Asks a yes-or-no question; `None` when nobody is there to answer.
    pub(super) fn confirm(self, question: &str) -> io::Result<Option<bool>> {
        if self.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(None);
        }
        self.talk(&format!("{question} [y/N] "));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes")))
    }
}
