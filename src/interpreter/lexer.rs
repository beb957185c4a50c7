//! Where a statement that a shell printed ends: its quotes may hold line breaks.

/// The statements in what a shell printed, each without the line break at its end.
pub(super) fn statements(mut text: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let end = statement_end(text);
        found.push(&text[..end]);
        text = text.get(end + 1..).unwrap_or_default();
    }
    found
}

/// What stands between quotes at some place.
#[derive(Clone, Copy)]
enum Inside {
    Nothing,
    Single,
    AnsiC,
    Double,
}

/// Where the first line break outside of quotes and brackets stands; else the end of the text.
fn statement_end(text: &[u8]) -> usize {
    let mut inside = Inside::Nothing;
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (inside, byte) {
            (Inside::Nothing | Inside::AnsiC | Inside::Double, b'\\') => at += 1,
            (Inside::Nothing, b'\n') if depth == 0 => return at,
            (Inside::Nothing, b'(') => depth += 1,
            (Inside::Nothing, b')') => depth = depth.saturating_sub(1),
            (Inside::Nothing, b'"') => inside = Inside::Double,
            (Inside::Nothing, b'\'') if at > 0 && text[at - 1] == b'$' => inside = Inside::AnsiC,
            (Inside::Nothing, b'\'') => inside = Inside::Single,
            (Inside::Single | Inside::AnsiC, b'\'') | (Inside::Double, b'"') => inside = Inside::Nothing,
            _ => (),
        }
        at += 1;
    }
    text.len()
}
