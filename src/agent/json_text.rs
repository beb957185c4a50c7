//! A JSON text that is changed in one place: everything else in it stays to the letter.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// An object or a list in a text: where it is, and where the values in it are.
#[derive(Debug)]
pub(super) struct Container {
    /// With its brackets.
    whole: Range<usize>,
    /// The keys of an object; none for a list.
    keys: Vec<String>,
    /// The values.
    pub(super) values: Vec<Range<usize>>,
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InPlace;
        impl<'de> Visitor<'de> for InPlace {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InPlace)
    }
}

impl Container {
    /// The object at a place in a text.
    pub(super) fn object(text: &str, at: Range<usize>) -> Result<Self, serde_json::Error> {
        let Members(members) = serde_json::from_str(&text[at.clone()])?;
        let values = members.iter().map(|(_, value)| place(text, value)).collect();
        let keys = members.into_iter().map(|(key, _)| key).collect();
        Ok(Self { whole: trimmed(text, at), keys, values })
    }

    /// The list at a place in a text.
    pub(super) fn list(text: &str, at: Range<usize>) -> Result<Self, serde_json::Error> {
        let items: Vec<&RawValue> = serde_json::from_str(&text[at.clone()])?;
        let values = items.into_iter().map(|item| place(text, item)).collect();
        Ok(Self { whole: trimmed(text, at), keys: Vec::new(), values })
    }

    /// The value of a key: the last one, as JSON readers take doubles.
    pub(super) fn get(&self, key: &str) -> Option<Range<usize>> {
        self.keys.iter().rposition(|it| it == key).map(|at| self.values[at].clone())
    }

    /// The keys with their values.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.keys.iter().map(String::as_str).zip(self.values.iter().cloned())
    }

    /// The text with one more part at the end, indented as its neighbours are.
    pub(super) fn with(&self, text: &str, part: &str) -> String {
        let inner = self.whole.start + 1..self.whole.end - 1;
        let Some(last) = self.values.last() else {
            let outer = indent_at(text, self.whole.start);
            let indent = outer.to_owned() + unit(text);
            let part = format!("\n{indent}{}\n{outer}", indented(part, &indent, unit(text)));
            return replaced(text, inner, &part);
        };
        let gap = &text[inner.start..];
        let gap = &gap[..gap.len() - gap.trim_start().len()];
        let part = match gap.rsplit_once('\n') {
            Some((_, indent)) => format!(",\n{indent}{}", indented(part, indent, unit(text))),
            None => format!(", {}", compact(part)),
        };
        replaced(text, last.end..last.end, &part)
    }

    /// The text without one of the values, its key, and the comma that is then too many.
    pub(super) fn without(&self, text: &str, index: usize) -> String {
        let value = &self.values[index];
        let range = match index.checked_sub(1) {
            Some(before) => self.values[before].end..value.end,
            None if self.values.len() > 1 => {
                let comma = text[value.end..].find(',').map_or(value.end, |at| value.end + at + 1);
                self.whole.start + 1..comma
            }
            None => self.whole.start + 1..self.whole.end - 1,
        };
        replaced(text, range, "")
    }

    /// The text without a key, at its last place.
    pub(super) fn without_key(&self, text: &str, key: &str) -> String {
        match self.keys.iter().rposition(|it| it == key) {
            Some(index) => self.without(text, index),
            None => text.to_owned(),
        }
    }
}

/// The text with something else in a place.
pub(super) fn replaced(text: &str, at: Range<usize>, with: &str) -> String {
    [&text[..at.start], with, &text[at.end..]].concat()
}

/// Where a value lies in the text that it was read from.
fn place(text: &str, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + value.get().len()
}

/// A place without the space around what is there.
fn trimmed(text: &str, at: Range<usize>) -> Range<usize> {
    let whole = &text[at.clone()];
    let start = at.start + (whole.len() - whole.trim_start().len());
    start..start + whole.trim().len()
}

/// How the line of a place is indented.
fn indent_at(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let rest = &text[line..];
    &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]
}

/// By how much this text indents: as its first member is.
fn unit(text: &str) -> &str {
    let first = text.trim_start().strip_prefix('{').and_then(|inner| inner.split_once('\n'));
    let indent = first.map_or("", |(_, line)| indent_at(line, 0));
    if indent.is_empty() { "  " } else { indent }
}

/// A part with all of its lines but the first moved in.
fn indented(part: &str, indent: &str, unit: &str) -> String {
    let mut lines = part.lines().map(|line| {
        let plain = line.trim_start_matches(' ');
        unit.repeat((line.len() - plain.len()) / 2) + plain
    });
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |text, line| format!("{text}\n{indent}{line}"))
}

/// A part on one line.
fn compact(part: &str) -> String {
    part.lines().map(str::trim_start).collect::<Vec<_>>().join(" ")
}
