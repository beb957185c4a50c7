//! What one pass over the bytes of a state file shows: its checksum; and how deep its parts may nest.

use crate::json::{DEPTH_MAX, string_end};

/// How deep one entry may nest, so that it also fits where an entry that is refused goes: the file, the quarantine in it,
/// the object that gives the reason, the entry.
pub(super) const ENTRY_DEPTH_MAX: usize = DEPTH_MAX - 3;
/// The same for the list of sessions.
pub(super) const LIST_DEPTH_MAX: usize = ENTRY_DEPTH_MAX + 1;

/// The checksum of a JSON text, `crc32:xxxxxxxx`; white space between tokens does not count, so that a file that
/// another tool indented anew keeps it.
pub(super) fn checksum(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    add_plain(&mut plain, text);
    checksum_of_plain(&plain)
}

/// The same, of a text without white space between its tokens.
pub(super) fn checksum_of_plain(plain: &[u8]) -> String {
    format!("crc32:{:08x}", crc32fast::hash(plain))
}

/// Adds a JSON text, or whole tokens of one, without the white space between them.
pub(super) fn add_plain(plain: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\n' | b'\r' | b'\t' => {
                plain.extend_from_slice(&bytes[from..at]);
                while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
                    at += 1;
                }
                from = at;
            }
            _ => at += 1,
        }
    }
    plain.extend_from_slice(&bytes[from..]);
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
    fn what_is_no_json_has_a_checksum_too() {
        for text in ["", "\"", "\"\\", "]]]]", "\\\"", "{\"a"] {
            assert!(checksum(text).starts_with("crc32:"));
        }
    }
}
