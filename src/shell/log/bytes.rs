//! How bytes that need not be text stand in JSON: as a string, or as `{"base64": …}` where that is the only way or shorter.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap as _,
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const KEY: &str = "base64";
/// A text below this length stays one that people can read, whatever it costs.
const READABLE_BYTES: usize = 4 << 10;

/// Bytes on their way into a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writing<'a>(pub(super) &'a [u8]);

/// Bytes that come out of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading(pub(super) Vec<u8>);

impl Serialize for Writing<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) if is_fair(self.0) => serializer.serialize_str(text),
            Ok(_) | Err(_) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(KEY, &encode(self.0))?;
                map.end()
            }
        }
    }
}

/// Whether a text is not much longer as a JSON string than it would be otherwise, so that no line has more than four thirds
/// of the bytes that are kept in it.
fn is_fair(text: &[u8]) -> bool {
    let more = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() < READABLE_BYTES || text.iter().map(more).sum::<usize>() <= text.len() / 3
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Reading;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an object with `base64`")
            }
            fn visit_str<E>(self, text: &str) -> Result<Reading, E> {
                Ok(Reading(text.as_bytes().to_vec()))
            }
            fn visit_string<E>(self, text: String) -> Result<Reading, E> {
                Ok(Reading(text.into_bytes()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reading, A::Error> {
                let mut bytes = None;
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if key == KEY {
                        bytes = Some(decode(&value).ok_or_else(|| A::Error::custom("it is no base64"))?);
                    }
                }
                bytes.map(Reading).ok_or_else(|| A::Error::missing_field(KEY))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.trim_end_matches('=').as_bytes();
    if text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            bits = bits << 6 | value(*digit)?;
        }
        bits <<= 6 * (4 - group.len());
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        serde_json::to_string(&Writing(bytes)).unwrap()
    }

    #[test]
    fn text_is_text_and_the_rest_is_base64() {
        assert_eq!(written("a \u{1b}[1m\n".as_bytes()), r#""a \u001b[1m\n""#);
        assert_eq!(written(b"\xff"), r#"{"base64":"/w=="}"#);
        assert_eq!(written(b"\xffab"), r#"{"base64":"/2Fi"}"#);
        assert!(written(&[1; READABLE_BYTES]).len() < READABLE_BYTES * 3 / 2);
    }

    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).cycle().take(2_000).collect();
        for length in (0..20).chain([255, 256, 1_999]) {
            for bytes in [&all[..length], &all[all.len() - length..]] {
                let back: Reading = serde_json::from_str(&written(bytes)).unwrap();
                assert_eq!(back.0, bytes);
            }
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["/", "/w", "/w=", "====", "A===", "\u{e4}a==", "/w==/w=="] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert!(serde_json::from_str::<Reading>(r#"{"other":"/w=="}"#).is_err());
        assert!(serde_json::from_str::<Reading>("1").is_err());
    }
}
