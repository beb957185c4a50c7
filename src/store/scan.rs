//! What one pass over the bytes of a state file shows: its checksum; and how deep its parts may nest.

use crate::json::{DEPTH_MAX, string_end};

/// How deep one entry may nest, so that it also fits where an entry that is refused goes: the file, the quarantine in it,
/// the object that gives the reason, the entry.
pub(super) const ENTRY_DEPTH_MAX: usize = DEPTH_MAX - 3;
/// The same for the list of sessions.
pub(super) const LIST_DEPTH_MAX: usize = ENTRY_DEPTH_MAX + 1;
/// How much of a text is summed up at once.
const PART_BYTES: usize = 1 << 14;

/// The checksum of a JSON text, `crc32:xxxxxxxx`; white space between tokens does not count, so that a file that
/// another tool indented anew keeps it.
pub(super) fn checksum(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut sum = crc32fast::Hasher::new();
    let mut plain = Vec::with_capacity(PART_BYTES * 2);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if plain.len() >= PART_BYTES {
            sum.update(&plain);
            plain.clear();
        }
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
    sum.update(&plain);
    format!("crc32:{:08x}", sum.finalize())
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
