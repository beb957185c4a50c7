//! `send`.

use super::{
    Context, Failure, args,
    keys::{CursorKeys, key},
};
use crate::terminal::{FromClient, Info};

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";
const ENTER: &[u8] = b"\r";

/// Types into a session; it is done when the program can read it.
pub(super) fn send(mut context: Context, args: &args::Send) -> Result<(), Failure> {
    for name in &args.key {
        key(name, CursorKeys::Normal).ok_or_else(|| Failure::Value {
            given: name.clone(),
            wanted: "a key such as enter, ctrl-c, alt-x or f5",
        })?;
    }
    let text = match args.text.as_deref() {
        Some("-") => context.output.read_input()?,
        Some(text) => text.as_bytes().to_vec(),
        None => Vec::new(),
    };
    let session = context.manager.session(&args.name)?;
    let failed = Failure::of_terminal(&session);
    let mut connection = context.connect(&session)?;
    let info = connection.info().map_err(&failed)?;
    let mut parts = vec![if args.paste { pasted(&text, &info) } else { typed(&text) }];
    let cursor = if info.application_cursor { CursorKeys::Application } else { CursorKeys::Normal };
    parts.extend(args.key.iter().filter_map(|name| key(name, cursor)));
    if args.enter {
        parts.push(ENTER.to_vec());
    }
    // The answer to a question behind each part says that the terminal has it, and keeps enter apart from what is
    // typed before it: programs take both in one piece for a paste.
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        connection.send(&FromClient::Input(part)).map_err(&failed)?;
        connection.info().map_err(&failed)?;
    }
    Ok(())
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
