//! How a text and keys are typed into a session, as a person at its terminal would.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Connection, FromClient, Info, Question, TerminalError,
    keys::{CursorKeys, key},
};

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";
const ENTER: &[u8] = b"\r";
/// How long a program has to be silent to have dealt with a paste, and how long that is waited for at most.
const SETTLE_SILENT_MS: u64 = 100;
const SETTLE_MAX: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How much of a text is looked for on the screen.
const SHOWN_CHARS_MAX: usize = 20;
/// What Claude Code and Codex show in the place of a long paste.
const PASTED: &str = "[Pasted ";

/// Whether a key goes by this name.
pub fn is_key(name: &str) -> bool {
    key(name, CursorKeys::Normal).is_some()
}

/// What is typed into a session, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Typing<'a> {
    /// The text.
    pub text: &'a [u8],
    /// Whether it is a paste, where the program knows pastes.
    pub is_paste: bool,
    /// Keys by their names.
    pub keys: &'a [String],
    /// Whether enter follows.
    pub enter: bool,
}

/// Types; returns when the program can read it.
pub fn type_into(connection: &mut Connection, typing: &Typing<'_>) -> Result<(), TerminalError> {
    let info = connection.info()?;
    let mut parts = vec![if typing.is_paste { pasted(typing.text, &info) } else { typed(typing.text) }];
    let cursor = if info.application_cursor { CursorKeys::Application } else { CursorKeys::Normal };
    parts.extend(typing.keys.iter().filter_map(|name| key(name, cursor)));
    if typing.enter {
        parts.push(ENTER.to_vec());
    }
    parts.retain(|part| !part.is_empty());
    let count = parts.len();
    for (at, part) in parts.into_iter().enumerate() {
        match put(connection, part) {
            // The last key may well be the one that ended it.
            Err(err) if at + 1 == count && is_end(connection, &err) => (),
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Pastes a text, and returns when the program shows it and is silent again: an enter that comes sooner is taken for a part
/// of the paste by some programs. Says whether it is shown; a program that asks something of its own shows nothing of it,
/// and would take the enter for an answer.
pub fn paste(connection: &mut Connection, text: &str) -> Result<bool, TerminalError> {
    let before = shown(connection, text)?;
    let info = connection.info()?;
    put(connection, pasted(text.as_bytes(), &info))?;
    let deadline = Instant::now() + SETTLE_MAX;
    loop {
        let is_shown = shown(connection, text)? > before;
        let is_silent = connection.info()?.silent_ms >= SETTLE_SILENT_MS;
        if (is_shown && is_silent) || Instant::now() >= deadline {
            return Ok(is_shown);
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// How often the screen shows the beginning of a text, or says that something was pasted, as agents do in the place of a
/// long one.
pub fn shown(connection: &mut Connection, text: &str) -> Result<usize, TerminalError> {
    let first = text.lines().next().unwrap_or_default();
    let beginning: String = first.chars().take(SHOWN_CHARS_MAX).collect();
    let screen = connection.ask(Question::Text)?;
    let screen = String::from_utf8_lossy(&screen);
    Ok(screen.matches(beginning.trim_end()).count() + screen.matches(PASTED).count())
}

/// Presses enter, which may well end the program.
pub fn press_enter(connection: &mut Connection) -> Result<(), TerminalError> {
    match put(connection, ENTER.to_vec()) {
        Err(err) if is_end(connection, &err) => Ok(()),
        outcome => outcome,
    }
}

/// Whether the program ended: its holder says so, or is gone.
fn is_end(connection: &Connection, err: &TerminalError) -> bool {
    matches!(err, TerminalError::NotRunning) || !connection.is_open()
}

/// Puts one piece into the terminal. The answer to a question behind it says that the terminal has it, and keeps it apart
/// from the next one: programs take both in one piece for a paste.
fn put(connection: &mut Connection, part: Vec<u8>) -> Result<(), TerminalError> {
    let taken = connection.send(&FromClient::Input(part)).and_then(|()| connection.info());
    // It answered a moment ago; whoever has typed too much is not heard before the program has read some of it.
    let is_unread = |err: &TerminalError| matches!(err, TerminalError::Silent { .. }) && connection.is_open();
    taken.map(drop).map_err(|err| if is_unread(&err) { TerminalError::Unread } else { err })
}

/// Text as it is typed: the key at the end of a line is enter.
fn typed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut last = 0;
    for &byte in text {
        match byte {
            b'\n' if last == b'\r' => (),
            b'\n' => out.push(b'\r'),
            _ => out.push(byte),
        }
        last = byte;
    }
    out
}

/// Text as it is pasted; nothing in it can end the paste.
fn pasted(text: &[u8], info: &Info) -> Vec<u8> {
    let text: Vec<u8> = typed(text).into_iter().filter(|byte| *byte != 0x1b).collect();
    if !info.bracketed_paste {
        return text;
    }
    [PASTE_BEGIN, &text, PASTE_END].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_line_is_enter() {
        assert_eq!(typed(b"one\ntwo\r\nthree\r"), b"one\rtwo\rthree\r");
    }

    #[test]
    fn a_paste_cannot_be_ended_from_within() {
        let text = b"one\ntwo\x1b[201~rm -rf .\n";
        let knows = Info { bracketed_paste: true, ..Info::default() };
        assert_eq!(pasted(text, &knows), b"\x1b[200~one\rtwo[201~rm -rf .\r\x1b[201~");
        assert_eq!(pasted(b"one", &Info::default()), b"one");
    }
}
