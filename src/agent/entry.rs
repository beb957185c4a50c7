//! How a description is written: the form of one entry, in our own table and in a user's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Format, Report};

/// One agent as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub(super) title: Option<String>,
    pub(super) start: Vec<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resume: Option<Vec<Part>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transcripts: Option<TranscriptsEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hooks: Option<HooksEntry>,
}

/// A word of a command line, or words that go together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Part {
    Word(String),
    Group(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TranscriptsEntry {
    pub(super) home: Vec<String>,
    pub(super) files: Vec<String>,
    #[serde(default)]
    pub(super) format: Format,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HooksEntry {
    pub(super) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    pub(super) events: BTreeMap<String, Report>,
    #[serde(default)]
    pub(super) fields: Fields,
}

/// What the fields of a hook's input are called; `a.b` is the field `b` of the object `a`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The id of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The path of its transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// What a person asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What the agent answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// Where the agent works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Why the conversation begins: `startup` in a program that was just started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
