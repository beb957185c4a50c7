//! How a line of the log is read: as much of its event as whoever reads it needs.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    Kept, Late, Outcome,
    bytes::Reading,
    record::{self, finish_word, stream_word},
};
use crate::{
    clock::Timestamp,
    interpreter::Changes,
    shell::{Finish, Ground, Stream},
};

/// What a load needs to know of an event, with what it changed or without; members that other events have are none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fact<'a, C = ReadChanges> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    pub(super) number: u64,
    pub(super) of: Option<u64>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) at: Option<Timestamp>,
    #[serde(borrow)]
    pub(super) interpreter: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) fresh: bool,
    pub(super) count: Option<u64>,
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) created: Option<Timestamp>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) last_accessed: Option<Timestamp>,
    pub(super) running: Option<u64>,
    #[serde(default)]
    changes: C,
}

/// What a reader of the history needs to know of an event before it reads it.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    pub(super) number: u64,
    pub(super) of: Option<u64>,
}

/// Which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Input,
    Output,
    Late,
    Checkpoint,
    Unknown,
}

/// The part of an entry that its input event has.
#[derive(Deserialize)]
pub(super) struct ReadInput {
    #[serde(default, deserialize_with = "moment")]
    pub(super) at: Option<Timestamp>,
    pub(super) interpreter: String,
    #[serde(default)]
    fresh: bool,
    command: Reading,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadOutput {
    #[serde(default, deserialize_with = "moment")]
    at: Option<Timestamp>,
    code: i32,
    finish: String,
    #[serde(default)]
    session_ended: bool,
    duration_us: u64,
    stdout: ReadKept,
    stderr: ReadKept,
    #[serde(default)]
    changes: ReadChanges,
    #[serde(default)]
    lost: Vec<String>,
}

#[derive(Deserialize)]
struct ReadLate {
    #[serde(default, deserialize_with = "moment")]
    at: Option<Timestamp>,
    stream: String,
    text: Reading,
    #[serde(default)]
    cut: bool,
}

#[derive(Deserialize)]
struct ReadKept {
    bytes: u64,
    text: Option<Reading>,
    head: Option<Reading>,
    tail: Option<Reading>,
}

#[derive(Default, Deserialize)]
pub(super) struct ReadChanges {
    #[serde(default)]
    set: BTreeMap<String, Reading>,
    #[serde(default)]
    unset: Vec<String>,
}

/// What a load needs to know of a line whose checksum is right.
pub(super) fn fact(line: &[u8]) -> Option<Fact<'_>> {
    serde_json::from_slice(line).ok()
}

/// Which event a line is, when its checksum is right.
pub(super) fn head(line: &[u8]) -> Option<Head<'_>> {
    record::checksum(line)?;
    serde_json::from_slice(line).ok()
}

/// The input event of a line.
pub(super) fn input(line: &[u8]) -> Option<ReadInput> {
    serde_json::from_slice(line).ok()
}

/// The outcome of a line.
pub(super) fn outcome(line: &[u8]) -> Option<Outcome> {
    let read: ReadOutput = serde_json::from_slice(line).ok()?;
    let finish = [Finish::Done, Finish::TimedOut, Finish::Cancelled];
    Some(Outcome {
        at: read.at?,
        code: read.code,
        finish: finish.into_iter().find(|it| finish_word(*it) == read.finish)?,
        session_ended: read.session_ended,
        duration: Duration::from_micros(read.duration_us),
        stdout: read.stdout.into_value(),
        stderr: read.stderr.into_value(),
        changes: read.changes.into_value(),
        lost: read.lost,
    })
}

/// The late output of a line.
pub(super) fn late(line: &[u8]) -> Option<Late> {
    let read: ReadLate = serde_json::from_slice(line).ok()?;
    let stream = [Stream::Stdout, Stream::Stderr].into_iter().find(|it| stream_word(*it) == read.stream)?;
    Some(Late { at: read.at?, stream, text: read.text.0, is_cut: read.cut })
}

/// The same for whoever knows what it changed.
pub(super) fn plain_fact(line: &[u8]) -> Option<Fact<'_, IgnoredAny>> {
    serde_json::from_slice(line).ok()
}

impl<C> Fact<'_, C> {
    pub(super) fn kind(&self) -> Kind {
        kind(&self.kind)
    }
}

impl Fact<'_> {
    pub(super) fn into_changes(self) -> Changes {
        self.changes.into_value()
    }
}

impl Head<'_> {
    pub(super) fn kind(&self) -> Kind {
        kind(&self.kind)
    }
}

impl ReadInput {
    pub(super) fn ground(&self) -> Ground {
        if self.fresh { Ground::Fresh } else { Ground::Kept }
    }

    pub(super) fn into_command(self) -> Vec<u8> {
        self.command.0
    }
}

impl ReadKept {
    fn into_value(self) -> Kept {
        let bytes = |part: Option<Reading>| part.unwrap_or_default().0;
        Kept { head: bytes(self.text.or(self.head)), tail: bytes(self.tail), bytes: self.bytes }
    }
}

impl ReadChanges {
    fn into_value(self) -> Changes {
        let set = self.set.into_iter().map(|(key, value)| (key, value.0)).collect();
        Changes { set, unset: self.unset.into_iter().collect() }
    }
}

fn kind(word: &str) -> Kind {
    match word {
        "input" => Kind::Input,
        "output" => Kind::Output,
        "late" => Kind::Late,
        "checkpoint" => Kind::Checkpoint,
        _ => Kind::Unknown,
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text: Cow<'de, str> = Deserialize::deserialize(deserializer)?;
    Ok(text.parse().ok())
}
