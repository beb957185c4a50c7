//! What one pass over the bytes of a JSON text shows: its depth, its longest string, its checksum.

use thiserror::Error;

/// How deep objects and lists may nest in the state file.
pub const DEPTH_MAX: usize = 128;
/// The same for one entry, so that it also fits where an entry that is refused goes: the file, the quarantine in it,
/// the object that gives the reason, the entry.
pub(super) const ENTRY_DEPTH_MAX: usize = DEPTH_MAX - 3;
/// The same for the list of sessions.
pub(super) const LIST_DEPTH_MAX: usize = ENTRY_DEPTH_MAX + 1;
/// The longest string of the state file, in bytes as written.
pub const STRING_BYTES_MAX: usize = 1 << 20;

/// Which bound a text breaks (RELIABILITY R6).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BoundsError {
    /// Too many brackets inside each other.
    #[error("it nests too deep")]
    Depth,
    /// A string without end, nearly.
    #[error("it has a string of more than {STRING_BYTES_MAX} bytes")]
    StringLength,
}

/// Checks depth and string lengths of a JSON text in one pass; what is no JSON may pass.
pub(super) fn check(text: &str, depth_max: usize) -> Result<(), BoundsError> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                // Both quotes are counted, hence the two.
                if end - at > STRING_BYTES_MAX + 2 {
                    return Err(BoundsError::StringLength);
                }
                at = end;
                continue;
            }
            b'[' | b'{' => {
                depth += 1;
                if depth > depth_max {
                    return Err(BoundsError::Depth);
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => (),
        }
        at += 1;
    }
    Ok(())
}

/// The checksum of a JSON text, `crc32:xxxxxxxx`; white space between tokens does not count, so that a file that
/// another tool indented anew keeps it.
pub(super) fn checksum(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                plain.extend_from_slice(&bytes[at..end]);
                at = end;
                continue;
            }
            b' ' | b'\n' | b'\r' | b'\t' => (),
            _ => plain.push(byte),
        }
        at += 1;
    }
    format!("crc32:{:08x}", crc32fast::hash(&plain))
}

/// The index behind the closing quote of the string that opens at `start`, or the end of the text.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_between_tokens_does_not_count() {
        let sum = checksum(r#"[{"a b":"x \" y","n":1}]"#);
        assert_eq!(sum, checksum("[\n  {\"a b\" : \"x \\\" y\",\t\"n\": 1}\r\n]"));
        assert_ne!(sum, checksum(r#"[{"ab":"x \" y","n":1}]"#));
        assert_ne!(sum, checksum(r#"[{"a b":"x \"y","n":1}]"#));
        assert_eq!(checksum("[]"), format!("crc32:{:08x}", crc32fast::hash(b"[]")));
    }

    #[test]
    fn bounds_hold_to_the_last_one() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check(&nested(9), 9), Ok(()));
        assert_eq!(check(&nested(10), 9), Err(BoundsError::Depth));
        assert_eq!(check(&format!("\"{}\"", "[".repeat(500)), 9), Ok(()));
        let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
        assert_eq!(check(&string(STRING_BYTES_MAX), 9), Ok(()));
        assert_eq!(check(&string(STRING_BYTES_MAX + 1), 9), Err(BoundsError::StringLength));
    }

    #[test]
    fn neighbours_do_not_add_up() {
        assert_eq!(check(&"[{}],".repeat(500), 2), Ok(()));
        let longest = format!("\"{}\",", "x".repeat(STRING_BYTES_MAX));
        assert_eq!(check(&longest.repeat(2), 9), Ok(()));
    }

    #[test]
    fn what_is_no_json_ends_too() {
        for text in ["", "\"", "\"\\", "]]]]", "\\\"", "{\"a"] {
            assert_eq!(check(text, 9), Ok(()), "{text}");
            assert!(checksum(text).starts_with("crc32:"));
        }
    }
}
