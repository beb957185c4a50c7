//! What one pass over the bytes of a state file shows: its checksum; and how deep its parts may nest.

use std::fmt;

use crc32fast::Hasher;

use crate::json::{DEPTH_MAX, string_end};

/// How deep one entry may nest, so that it also fits where an entry that is refused goes: the file, the quarantine in it,
/// the object that gives the reason, the entry.
pub(super) const ENTRY_DEPTH_MAX: usize = DEPTH_MAX - 3;
/// The same for the list of sessions.
pub(super) const LIST_DEPTH_MAX: usize = ENTRY_DEPTH_MAX + 1;

/// The checksum of a JSON text up to some place, shown as `crc32:xxxxxxxx`; white space between tokens does not count, so
/// that a file that another tool indented anew keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    crc: u32,
    /// How many bytes it is of.
    bytes: u64,
}

impl Sum {
    /// That of a whole text.
    pub(super) fn of(text: &str) -> Self {
        let mut plain = Vec::with_capacity(text.len());
        add_plain(&mut plain, text);
        Self::default().with(&plain)
    }

    /// That of the text with more behind it, in which there is no white space between tokens.
    pub(super) fn with(self, plain: &[u8]) -> Self {
        let mut hasher = Hasher::new_with_initial_len(self.crc, self.bytes);
        hasher.update(plain);
        Self::from(&hasher)
    }

    /// That of the text with what stands between two places of another one behind it.
    pub(super) fn with_part(self, from: Self, to: Self) -> Self {
        if self == from {
            return to;
        }
        // Checksums are linear: behind the same part, two that differ go on to differ by what became of the difference.
        let bytes = to.bytes - from.bytes;
        let mut difference = Hasher::new_with_initial_len(self.crc ^ from.crc, self.bytes);
        difference.combine(&Hasher::new_with_initial_len(0, bytes));
        Self { crc: difference.finalize() ^ to.crc, bytes: self.bytes + bytes }
    }

    /// Whether what begins at another place of the same text begins one byte behind this one.
    pub(super) fn is_one_before(self, other: Self) -> bool {
        self.bytes + 1 == other.bytes
    }
}

impl From<&Hasher> for Sum {
    fn from(hasher: &Hasher) -> Self {
        Self { crc: hasher.clone().finalize(), bytes: hasher.total_len() }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crc32:{:08x}", self.crc)
    }
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
        let sum = Sum::of(r#"[{"a b":"x \" y","n":1}]"#);
        assert_eq!(sum, Sum::of("[\n  {\"a b\" : \"x \\\" y\",\t\"n\": 1}\r\n]"));
        assert_ne!(sum, Sum::of(r#"[{"ab":"x \" y","n":1}]"#));
        assert_ne!(sum, Sum::of(r#"[{"a b":"x \"y","n":1}]"#));
        assert_eq!(Sum::of("[]").to_string(), format!("crc32:{:08x}", crc32fast::hash(b"[]")));
    }

    #[test]
    fn what_is_no_json_has_a_checksum_too() {
        for text in ["", "\"", "\"\\", "]]]]", "\\\"", "{\"a"] {
            assert!(Sum::of(text).to_string().starts_with("crc32:"));
        }
    }

    #[test]
    fn a_part_of_a_text_has_its_share_wherever_it_stands() {
        let (one, other) = (br#"[{"n":1},{"n":2},{"n":3}"#, br#"[{"x":null}"#);
        for from in 0..one.len() {
            for to in from..=one.len() {
                let at = |end: usize| Sum::default().with(&one[..end]);
                for begun in [Sum::default(), Sum::default().with(other), at(from)] {
                    assert_eq!(begun.with_part(at(from), at(to)), begun.with(&one[from..to]), "{from}..{to}");
                }
            }
        }
    }
}
