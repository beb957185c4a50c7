//! The form in which a driver writes and reads pieces: a line with the key, a line with the length, the bytes, a line break.

use super::{Changes, State, Taken};

/// What stands for the length of a piece that cannot be kept, and of one that is to go.
const LOST: &[u8] = b"!";
const GONE: &str = "-";

pub(super) fn take_apart(mut saved: &[u8]) -> Option<Taken> {
    let mut pieces = Vec::new();
    let mut lost = Vec::new();
    while !saved.is_empty() {
        let key = String::from_utf8_lossy(line(&mut saved)?).into_owned();
        let length = line(&mut saved)?;
        if length == LOST {
            lost.push(key);
            continue;
        }
        let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
        let value = saved.get(..length)?.to_vec();
        saved = saved.get(length..)?.strip_prefix(b"\n")?;
        pieces.push((key, value));
    }
    Some(Taken { state: pieces.into_iter().collect::<State>(), lost })
}

pub(super) fn put_together(changes: &Changes) -> Vec<u8> {
    let mut text = Vec::with_capacity(changes.bytes());
    for key in &changes.unset {
        text.extend_from_slice(format!("{key}\n{GONE}\n").as_bytes());
    }
    for (key, value) in &changes.set {
        text.extend_from_slice(format!("{key}\n{}\n", value.len()).as_bytes());
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    text
}

fn line<'a>(text: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let line = &text[..end];
    *text = &text[end + 1..];
    Some(line)
}
