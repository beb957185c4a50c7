//! How the state file is written: version, sessions, generation, checksum, quarantine, and what others added.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    EARLIER, Note, Quarantined,
    claims::Taken,
    files::Content,
    own,
    record::{self, Decoded},
    scan,
    written::{Writing, Written},
};
use crate::{
    json::{self, Members},
    session::Session,
};

/// The largest state file that is read or written.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// How much of a reason is kept with an entry that was refused.
const BECAUSE_CHARS_MAX: usize = 500;
const WRITES_ALWAYS: &str = "these values have text keys and are written to memory";
const MAJOR: &str = "1";
const VERSION: &str = "1.0";
/// How a file of ours begins, up to the list of sessions.
pub(super) const BEGINNING: &str = "{\n  \"version\": \"1.0\",\n  \"sessions\": ";
const FIELDS: [&str; 5] = ["version", "sessions", "generation", "checksum", "quarantine"];

/// Everything in the file but its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) version: String,
    pub(super) generation: u64,
    pub(super) quarantine: Vec<Quarantined>,
    pub(super) unknown: Members,
}

impl Document {
    /// That of a workspace without a state file.
    pub(super) fn new() -> Self {
        Self { version: VERSION.to_owned(), generation: 0, quarantine: Vec::new(), unknown: Members::new() }
    }
}

/// What the checksum says about the sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// They are as they were written.
    Whole,
    /// There is no checksum.
    None,
    /// They were changed after they were written.
    Broken,
}

/// A state file that could be read.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) document: Document,
    pub(super) sessions: Vec<Session>,
    pub(super) notes: Vec<Note>,
    pub(super) seal: Seal,
    /// The list of sessions to the letter.
    pub(super) written: Written,
}

/// Why a state file could not be read.
#[derive(Debug, Error)]
pub(super) enum SchemaError {
    #[error("it is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("it is empty")]
    Empty,
    #[error("it is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    #[error("it is not a JSON object: {0}")]
    Syntax(serde_json::Error),
    #[error(transparent)]
    Bounds(#[from] json::BoundsError),
    #[error("`{field}` stands in it twice")]
    Doubled { field: &'static str },
    #[error("it has no version that can be read")]
    Version,
    #[error("it has no list of sessions")]
    Sessions,
    #[error("it has version {version}")]
    Newer { version: String },
}

/// Reads a state file.
pub(super) fn decode_bytes(bytes: &[u8]) -> Result<Parsed, SchemaError> {
    decode_any(text_of(bytes)?)
}

/// The same. What stands there as we write it with worktrees in this folder is read faster, and its text is kept for the
/// next writing.
pub(super) fn decode(content: &Content, worktrees: &str) -> Result<Parsed, SchemaError> {
    let own = match content {
        Content::Text(text) if text.len() as u64 <= FILE_BYTES_MAX => own::decode(text, worktrees),
        Content::Text(_) | Content::Bytes(_) => None,
    };
    own.map_or_else(|| decode_bytes(content.bytes()), Ok)
}

fn text_of(bytes: &[u8]) -> Result<&str, SchemaError> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(SchemaError::TooLarge);
    }
    if bytes.is_empty() {
        return Err(SchemaError::Empty);
    }
    Ok(std::str::from_utf8(bytes)?)
}

/// Reads one that may be written in any way.
fn decode_any(text: &str) -> Result<Parsed, SchemaError> {
    // Raw values are skipped without recursion, so the version can be read before anything bounds the depth.
    let mut members = split(serde_json::from_str(text).map_err(SchemaError::Syntax)?)?;
    let version = version(members.take("version"))?;
    let list = members.take("sessions").ok_or(SchemaError::Sessions)?;
    json::check(list.get(), scan::LIST_DEPTH_MAX)?;
    let entries: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| SchemaError::Sessions)?;
    let mut parsed = around(members, version, Written::unknown(list.get()))?;
    parsed.sessions.reserve(entries.len());
    parsed.take_entries(&entries);
    parsed.take_corrected();
    Ok(parsed)
}

/// Reads what stands behind a list of sessions that was read already, in a file that begins as ours do.
pub(super) fn decode_behind(rest: &str, list: Written) -> Option<Parsed> {
    // That is an object without its beginning; behind the comma there has to be a member.
    let rest = rest.strip_prefix(',').filter(|rest| rest.trim_start().starts_with('"'))?;
    let rest = format!("{{{rest}");
    let members = split(serde_json::from_str(&rest).ok()?).ok()?;
    if members.has("version") || members.has("sessions") {
        return None;
    }
    around(members, VERSION.to_owned(), list).ok()
}

/// What stands around the sessions.
fn around(mut members: Split<'_>, version: String, written: Written) -> Result<Parsed, SchemaError> {
    let quarantine = quarantine(members.take("quarantine"));
    for refused in &quarantine {
        json::check(&refused.entry, scan::ENTRY_DEPTH_MAX)?;
    }
    for (_, value) in members.unknown.iter() {
        json::check(value.get(), json::DEPTH_MAX - 1)?;
    }
    let generation = members
        .take("generation")
        .map_or(Ok(0), |raw| serde_json::from_str::<u64>(raw.get()).map_err(|_| raw));
    let mut seal = seal(&written, members.take("checksum"));
    if generation.is_err() {
        seal = Seal::Broken;
    }
    Ok(Parsed {
        document: Document {
            version,
            generation: generation.unwrap_or(0),
            quarantine,
            unknown: members.unknown,
        },
        sessions: Vec::new(),
        notes: Vec::new(),
        seal,
        written,
    })
}

impl Parsed {
    /// Takes the good entries; the others go into quarantine to the letter.
    fn take_entries(&mut self, entries: &[&RawValue]) {
        let read = |entry: &&RawValue| record::decode(entry.get()).map_err(|err| err.because());
        let decoded: Vec<Result<Decoded, String>> = entries.iter().map(read).collect();
        let mut taken = Taken::default();
        let claims: Vec<Result<(), String>> = decoded
            .iter()
            .map(|it| it.as_ref().map_or(Ok(()), |decoded| taken.claim(&decoded.session)))
            .collect();
        for ((entry, decoded), claim) in entries.iter().zip(decoded).zip(claims) {
            match claim.and(decoded) {
                Ok(Decoded { session, foreign_path }) => {
                    self.notes
                        .extend(foreign_path.map(|stored| Note::PathIgnored { id: session.id(), stored }));
                    self.sessions.push(session);
                }
                Err(because) => {
                    // A reason that quotes a long value must not make the file one that cannot be read.
                    let because = because.chars().take(BECAUSE_CHARS_MAX).collect();
                    self.document.quarantine.push(Quarantined { entry: entry.get().to_owned(), because });
                }
            }
        }
    }
}

impl Parsed {
    /// Takes entries out of the quarantine that were corrected there, or that an older wharf could not read. One that is
    /// or was in the way of another session stays: its own may have been taken in again from git, and destroyed since.
    pub(super) fn take_corrected(&mut self) {
        if self.document.quarantine.is_empty() {
            return;
        }
        let kept = std::mem::take(&mut self.document.quarantine);
        let decoded: Vec<Option<Session>> =
            kept.iter().map(|it| record::decode(&it.entry).ok().map(|it| it.session)).collect();
        let mut taken = Taken::default();
        for session in &self.sessions {
            // Each of them has had its claims admitted.
            drop(taken.claim(session));
        }
        let fates: Vec<Result<(), Option<String>>> = kept
            .iter()
            .zip(&decoded)
            .map(|(quarantined, session)| match session {
                _ if quarantined.is_in_the_way() => Err(None),
                _ if quarantined.id().is_some_and(|id| taken.ids.contains(&id)) => {
                    Err(Some(format!("{EARLIER} same id")))
                }
                Some(session) => {
                    taken.claim(session).map_err(|why| Some(format!("it can be read, but {why}")))
                }
                None => Err(None),
            })
            .collect();
        drop(taken);
        for ((quarantined, session), fate) in kept.into_iter().zip(decoded).zip(fates) {
            match (fate, session) {
                (Ok(()), Some(session)) => self.sessions.push(session),
                (Err(Some(because)), _) => {
                    self.document.quarantine.push(Quarantined { because, ..quarantined });
                }
                (Ok(()) | Err(None), _) => self.document.quarantine.push(quarantined),
            }
        }
    }
}

/// The members of the file, ours apart from those of others.
struct Split<'a> {
    ours: [Option<&'a RawValue>; FIELDS.len()],
    unknown: Members,
}

impl<'a> Split<'a> {
    fn take(&mut self, field: &'static str) -> Option<&'a RawValue> {
        let at = FIELDS.iter().position(|name| *name == field)?;
        self.ours[at].take()
    }

    fn has(&self, field: &'static str) -> bool {
        FIELDS.iter().position(|name| *name == field).is_some_and(|at| self.ours[at].is_some())
    }
}

fn split(members: json::Borrowed<'_>) -> Result<Split<'_>, SchemaError> {
    let mut split = Split { ours: Default::default(), unknown: Members::new() };
    for (key, value) in members.0 {
        match FIELDS.iter().position(|field| *field == key) {
            None => split.unknown.push(key.into_owned(), value.to_owned()),
            Some(at) if split.ours[at].is_some() => {
                return Err(SchemaError::Doubled { field: FIELDS[at] });
            }
            Some(at) => split.ours[at] = Some(value),
        }
    }
    Ok(split)
}

/// The version to keep: `1.<minor>`. Any other number before the dot, in whatever form, belongs to another wharf.
fn version(raw: Option<&RawValue>) -> Result<String, SchemaError> {
    let raw = raw.ok_or(SchemaError::Version)?;
    let string = serde_json::from_str::<String>(raw.get());
    let text = string.as_deref().unwrap_or(raw.get());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = text.split_at(digits);
    if major.is_empty() {
        return Err(SchemaError::Version);
    }
    if major != MAJOR {
        let version = text.chars().take(40).collect();
        return Err(SchemaError::Newer { version });
    }
    let minor = rest.strip_prefix('.').unwrap_or_default();
    let plain = !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit());
    match string {
        Ok(text) if plain => Ok(text),
        Ok(_) | Err(_) => Err(SchemaError::Version),
    }
}

fn seal(list: &Written, stored: Option<&RawValue>) -> Seal {
    let Some(stored) = stored else {
        return Seal::None;
    };
    match serde_json::from_str::<String>(stored.get()) {
        Ok(text) if text == list.checksum() => Seal::Whole,
        Ok(_) | Err(_) => Seal::Broken,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarantineRecord<'a> {
    because: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// What an earlier load refused. Nothing of it is lost: what cannot be read is itself quarantined.
fn quarantine(raw: Option<&RawValue>) -> Vec<Quarantined> {
    let Some(raw) = raw else {
        return Vec::new();
    };
    let unreadable = |entry: &RawValue| Quarantined {
        entry: entry.get().to_owned(),
        because: "it stood in the quarantine and could not be read".to_owned(),
    };
    let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
        return vec![unreadable(raw)];
    };
    let read = |entry: &&RawValue| match serde_json::from_str::<QuarantineRecord<'_>>(entry.get()) {
        Ok(QuarantineRecord { because, entry }) => Quarantined { entry: entry.get().to_owned(), because },
        Err(_) => unreadable(entry),
    };
    entries.iter().map(read).collect()
}

/// How a file begins, up to the list of sessions.
pub(super) fn beginning(document: &Document) -> String {
    format!("{{\n  \"version\": {},\n  \"sessions\": ", pretty(&document.version))
}

/// The whole file, from its beginning and the list of sessions.
pub(super) fn encode(document: &Document, sessions: Writing) -> Written {
    let mut rest = String::new();
    member(&mut rest, "generation", &document.generation.to_string());
    member(&mut rest, "checksum", &pretty(&sessions.checksum()));
    if !document.quarantine.is_empty() {
        let mut list = String::from("[");
        for Quarantined { entry, because } in &document.quarantine {
            let comma = if list.len() > 1 { "," } else { "" };
            let because = pretty(because);
            write!(list, "{comma}\n    {{\n      \"because\": {because},\n      \"entry\": {entry}\n    }}")
                .expect("a string takes what is written to it");
        }
        list.push_str("\n  ]");
        member(&mut rest, "quarantine", &list);
    }
    for (key, value) in document.unknown.iter() {
        member(&mut rest, key, value.get());
    }
    rest.push_str("\n}\n");
    sessions.end(&rest)
}

fn member(out: &mut String, key: &str, value: &str) {
    write!(out, ",\n  {}: {value}", pretty(key)).expect("a string takes what is written to it");
}

fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect(WRITES_ALWAYS)
}
