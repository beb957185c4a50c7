//! A JSON object whose members are kept to the letter: order, doubles, and numbers that no float holds.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::value::RawValue;

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
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
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
    fn what_is_no_object_is_refused() {
        for text in ["[]", "1", "{", "{\"a\":}", ""] {
            assert!(serde_json::from_str::<Members>(text).is_err(), "{text}");
        }
    }
}
