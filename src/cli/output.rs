//! The one door to standard output and standard error.

use std::io::{self, IsTerminal as _, Read as _, Write as _};

use serde::Serialize;

use super::Failure;
use crate::{screen::Size, text};

/// The longest text that is read from standard input.
const INPUT_BYTES_MAX: u64 = 16 << 20;

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

    /// Bytes on standard output to the last one, escape sequences too wherever it goes.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn exactly(self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Bytes on standard error to the last one, where they are not our own talk but what somebody asked for.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn talk_exactly(self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }

    /// A value on a line of its own.
    pub(super) fn json_line<T: Serialize>(self, value: &T) -> io::Result<()> {
        let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
        line.push(b'\n');
        self.raw(&line)
    }

    /// Whether standard output is a terminal.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn is_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether somebody sits at a terminal: standard input and output are one.
    pub(super) fn has_terminal(self) -> bool {
        io::stdin().is_terminal() && self.is_terminal()
    }

    /// The size of the terminal that is standard output; the usual one where that is none.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn size(self) -> Size {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        size.and_then(|size| Size::new(size.ws_row, size.ws_col)).unwrap_or_default()
    }

    /// Standard input and output, for a session that is shown in them.
    #[expect(clippy::unused_self, reason = "printing goes through the one door")]
    pub(super) fn streams(self) -> (io::Stdin, io::Stdout) {
        (io::stdin(), io::stdout())
    }

    /// All of standard input, up to [`INPUT_BYTES_MAX`].
    #[expect(clippy::unused_self, reason = "reading goes through the one door too")]
    pub(super) fn read_input(self) -> Result<Vec<u8>, Failure> {
        let failed = |source| Failure::Io { action: "read", path: "/dev/stdin".into(), source };
        let mut text = Vec::new();
        io::stdin().lock().take(INPUT_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > INPUT_BYTES_MAX {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(text)
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

/// Writes what happens for people: what a path or a git says is data, and a terminal takes none of it for a command
/// (RELIABILITY N3).
pub(super) struct Shown(io::Stderr);

impl Shown {
    /// To standard error.
    pub(super) fn talk() -> Self {
        Self(io::stderr())
    }
}

impl io::Write for Shown {
    /// Takes a whole event at a time, as the formatter hands it over.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut shown = text::lines(&String::from_utf8_lossy(bytes));
        shown.push('\n');
        self.0.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
