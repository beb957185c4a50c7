//! How a chain is written: version, agent, current conversation, one entry a line, and what others added.

use std::{
    fmt::{Display, Write as _},
    path::PathBuf,
    str::FromStr,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Chain, Entry, Excerpt, FormatError, conversations::FILE_BYTES_MAX};
use crate::{
    json::{self, DEPTH_MAX, Members},
    session::ConversationId,
};

const MAJOR: &str = "1";
const VERSION: &str = "1.0";

/// The members of an object, until each is taken.
pub(super) struct Fields(pub(super) Members);

impl Fields {
    /// The fields of one JSON value.
    pub(super) fn of(value: &RawValue) -> Result<Self, FormatError> {
        Ok(Self(serde_json::from_str(value.get())?))
    }

    /// Takes a field; `null` is as good as none.
    pub(super) fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<Option<T>, FormatError> {
        let value = self.0.get(key).map(ToOwned::to_owned);
        self.0.unset(key);
        let wrong = |value: &RawValue| FormatError::Field { field: key, text: shortened(value.get()) };
        value
            .map(|value| serde_json::from_str::<Option<T>>(value.get()).map_err(|_| wrong(&value)))
            .transpose()
            .map(Option::flatten)
    }

    /// Takes a field that is a type written as text.
    pub(super) fn parse<T: FromStr>(&mut self, key: &'static str) -> Result<Option<T>, FormatError> {
        let text: Option<String> = self.take(key)?;
        let wrong = |text: &str| FormatError::Field { field: key, text: shortened(text) };
        text.map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
    }

    /// Takes the beginning of a text.
    pub(super) fn excerpt(&mut self, key: &'static str) -> Result<Option<Excerpt>, FormatError> {
        Ok(self.take::<String>(key)?.map(|text| Excerpt::of(&text)))
    }
}

/// What must be there.
pub(super) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, FormatError> {
    value.ok_or(FormatError::Missing { field })
}

/// The beginning of a value, for a message.
pub(super) fn shortened(text: &str) -> String {
    format!("`{}`", text.chars().take(60).collect::<String>())
}

/// The text of a file, if it can be one of ours: UTF-8, and within all bounds.
pub(super) fn text(bytes: &[u8], bytes_max: u64) -> Result<&str, FormatError> {
    if bytes.len() as u64 > bytes_max {
        return Err(FormatError::Size);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| FormatError::Encoding)?;
    json::check(text, DEPTH_MAX)?;
    Ok(text)
}

/// Reads a chain.
pub(super) fn decode(bytes: &[u8]) -> Result<Chain, FormatError> {
    let mut fields = Fields(serde_json::from_str(text(bytes, FILE_BYTES_MAX)?)?);
    let version: String = required(fields.take("version")?, "version")?;
    if version.split('.').next() != Some(MAJOR) {
        return Err(FormatError::Newer { version });
    }
    let entries: Vec<Box<RawValue>> = required(fields.take("entries")?, "entries")?;
    let entries = entries.iter().map(|it| decode_entry(it)).collect::<Result<_, _>>()?;
    Ok(Chain {
        agent: fields.parse("agent")?,
        current: fields.parse("currentId")?,
        current_since: fields.parse("currentSince")?,
        transcript: fields.take::<PathBuf>("transcript")?.filter(|path| path.is_absolute()),
        interactions: fields.take("interactionCount")?.unwrap_or_default(),
        dropped: fields.take("dropped")?.unwrap_or_default(),
        entries,
        aside: aside(&fields.take::<Vec<String>>("aside")?.unwrap_or_default())?,
        unknown: fields.0,
    })
}

fn aside(ids: &[String]) -> Result<Vec<ConversationId>, FormatError> {
    let wrong = |text: &str| FormatError::Field { field: "aside", text: shortened(text) };
    ids.iter().map(|text| text.parse().map_err(|_| wrong(text))).collect()
}

/// Reads one entry.
pub(super) fn decode_entry(value: &RawValue) -> Result<Entry, FormatError> {
    let mut fields = Fields::of(value)?;
    Ok(Entry {
        id: required(fields.parse("id")?, "id")?,
        created_at: required(fields.parse("createdAt")?, "createdAt")?,
        interaction_count: required(fields.take("interactionCount")?, "interactionCount")?,
        last_prompt: fields.excerpt("lastPrompt")?,
        last_response: fields.excerpt("lastResponse")?,
        metadata: fields.take("metadata")?.unwrap_or_default(),
        unknown: fields.0,
    })
}

/// Writes a chain.
pub(super) fn encode(chain: &Chain) -> String {
    let mut out = format!("{{\n  \"version\": \"{VERSION}\",\n");
    let mut member = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            writeln!(out, "  {}: {value},", json_text(key)).expect("a string takes everything");
        }
    };
    member("agent", chain.agent.as_ref().map(shown));
    member("currentId", chain.current.as_ref().map(shown));
    member("currentSince", chain.current_since.as_ref().map(shown));
    member("transcript", chain.transcript.as_ref().map(|path| json_text(&*path.to_string_lossy())));
    member("interactionCount", Some(chain.interactions.to_string()));
    member("dropped", (chain.dropped > 0).then(|| chain.dropped.to_string()));
    let aside: Vec<&str> = chain.aside.iter().map(ConversationId::as_str).collect();
    member("aside", (!aside.is_empty()).then(|| json_text(&aside)));
    for (key, value) in chain.unknown.iter() {
        member(key, Some(value.get().to_owned()));
    }
    out.push_str("  \"entries\": [");
    for (number, entry) in chain.entries.iter().enumerate() {
        out.push_str(if number == 0 { "\n    " } else { ",\n    " });
        out.push_str(&encode_entry(entry));
    }
    out.push_str(if chain.entries.is_empty() { "]\n}\n" } else { "\n  ]\n}\n" });
    out
}

/// The JSON of one entry, as the file has it.
pub(super) fn encode_entry(entry: &Entry) -> String {
    let mut members = Members::new();
    let mut add = |key: &str, value: Option<Box<RawValue>>| {
        if let Some(value) = value {
            members.push(key.to_owned(), value);
        }
    };
    add("id", Some(raw(entry.id.as_str())));
    add("createdAt", Some(raw(&entry.created_at.to_string())));
    add("interactionCount", Some(raw(&entry.interaction_count)));
    add("lastPrompt", entry.last_prompt.as_ref().map(|it| raw(it.as_str())));
    add("lastResponse", entry.last_response.as_ref().map(|it| raw(it.as_str())));
    add("metadata", (!entry.metadata.is_empty()).then(|| raw(&entry.metadata)));
    for (key, value) in entry.unknown.iter() {
        add(key, Some(value.to_owned()));
    }
    json_text(&members)
}

/// A value as the JSON string of the text it shows.
pub(super) fn shown(value: &impl Display) -> String {
    json_text(&value.to_string())
}

/// A value as JSON.
pub(super) fn json_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers always have a JSON form")
}

fn raw<T: Serialize + ?Sized>(value: &T) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("texts and numbers always have a JSON form")
}
