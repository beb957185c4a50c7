//! JSON kept to the letter: objects with their order, doubles, and numbers that no float holds; and the bounds of a text.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::value::RawValue;
use thiserror::Error;

/// How deep objects and lists may nest in a file that is kept.
pub const DEPTH_MAX: usize = 128;
/// The longest string in one, in bytes as written.
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
pub fn check(text: &str, depth_max: usize) -> Result<(), BoundsError> {
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

/// The index behind the closing quote of the string that opens at `start`, or the end of the text.
pub(crate) fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// The members of a JSON object in their order, each value as the text it was written in.
#[derive(Clone, Debug, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How long keys and values are together, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.get().len()).sum()
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_str(), &**value))
    }

    /// The last value of a key, as JSON readers take doubles.
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// Replaces the value of a key, or adds it at the end; doubles of the key are dropped.
    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter().position(|(name, _)| name == key) {
            Some(at) => {
                self.0[at].1 = value;
                let mut index = 0;
                self.0.retain(|(name, _)| {
                    index += 1;
                    name != key || index == at + 1
                });
            }
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Adds a member at the end, even if the key is there already.
    pub fn push(&mut self, key: String, value: Box<RawValue>) {
        self.0.push((key, value));
    }

    /// Takes a key out, with all its doubles; says whether it was there.
    pub fn unset(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(name, _)| name != key);
        self.0.len() < before
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((key, value), (other_key, other_value))| {
                key == other_key && value.get() == other_value.get()
            })
    }
}

impl Eq for Members {}

impl IntoIterator for Members {
    type Item = (String, Box<RawValue>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, Box<RawValue>)> for Members {
    fn from_iter<T: IntoIterator<Item = (String, Box<RawValue>)>>(members: T) -> Self {
        Self(members.into_iter().collect())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = in_order::<Name<'de>, Box<RawValue>, D>(deserializer)?;
        Ok(members.into_iter().map(|(name, value)| (name.0.into_owned(), value)).collect())
    }
}

/// The members of a JSON object in their order, where they stand in the text.
#[derive(Clone, Debug)]
pub(crate) struct Borrowed<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Borrowed<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = in_order::<Name<'de>, &'de RawValue, D>(deserializer)?;
        Ok(Self(members.into_iter().map(|(name, value)| (name.0, value)).collect()))
    }
}

/// A key; one with escapes cannot stay where it stands.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace;
        impl<'de> Visitor<'de> for InPlace {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(InPlace)
    }
}

fn in_order<'de, K, V, D>(deserializer: D) -> Result<Vec<(K, V)>, D::Error>
where
    K: Deserialize<'de>,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct InOrder<K, V>(PhantomData<(K, V)>);
    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
        type Value = Vec<(K, V)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<(K, V)>, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    deserializer.deserialize_map(InOrder(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ODD: &str = r#"{"b":1e400,"a":-0.10,"a":{"x":1,"x":123456789012345678901234567890},"é":"\u00e9"}"#;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn members_come_back_to_the_letter() {
        let members: Members = serde_json::from_str(ODD).unwrap();
        assert_eq!(serde_json::to_string(&members).unwrap(), ODD);
    }

    #[test]
    fn a_key_that_is_set_stands_once_and_in_its_place() {
        let mut members: Members = serde_json::from_str(ODD).unwrap();
        members.set("a", raw("true"));
        members.set("c", raw("[]"));
        assert_eq!(serde_json::to_string(&members).unwrap(), r#"{"b":1e400,"a":true,"é":"\u00e9","c":[]}"#);
        assert_eq!(members.get("a").unwrap().get(), "true");
        assert!(members.unset("a"));
        assert!(!members.unset("a"));
    }

    #[test]
    fn they_are_as_long_as_their_keys_and_values() {
        let members: Members = serde_json::from_str(r#"{"ab": "12345", "é":[ 1 ]}"#).unwrap();
        assert_eq!(members.bytes(), 2 + 7 + 2 + 5);
        assert_eq!(Members::new().bytes(), 0);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "1", "{", "{\"a\":}", ""] {
            assert!(serde_json::from_str::<Members>(text).is_err(), "{text}");
        }
        let said = serde_json::from_str::<Members>("[]").unwrap_err().to_string();
        assert!(said.contains("expected a JSON object"), "{said}");
    }

    #[test]
    fn a_string_ends_behind_the_first_quote_that_is_not_escaped() {
        let plain = [(r#""""#, 2), (r#""ab" "c""#, 4), (r#""a"#, 2)];
        let escaped = [(r#""a\"b" 1"#, 6), (r#""a\\"b""#, 5), (r#""a\"b\"c"d""#, 9)];
        for (text, end) in plain.into_iter().chain(escaped) {
            assert_eq!(string_end(text.as_bytes(), 0), end, "{text}");
        }
        assert_eq!(string_end(br#"[1,"ab\"c",2]"#, 3), 10);
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
    fn what_is_no_json_has_bounds_too() {
        for text in ["", "\"", "\"\\", "]]]]", "\\\"", "{\"a"] {
            assert_eq!(check(text, 9), Ok(()), "{text}");
        }
    }
}
