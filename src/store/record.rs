//! How one session is written as JSON, and read again with every field that somebody else added.

use std::{borrow::Cow, error::Error as StdError, fmt, path::Path, str::FromStr, sync::Arc};

use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use thiserror::Error;

use super::{
    parts::{AgentRecord, BaseRecord, EditorRecord, EndedRecord, IssueRecord, PendingRecord, ProcessRecord},
    scan,
};
use crate::{
    clock::Timestamp,
    json::{self, Members},
    session::{
        Binding, BranchName, Command, RepositoryPath, Session, SessionId, SessionName, SessionParts,
        SessionStatus, Setup,
    },
    text,
    workspace::Workspace,
};

/// Every field that is ours; each may stand only once.
const FIELDS: [&str; 23] = [
    "id",
    "name",
    "status",
    "branch",
    "worktreePath",
    "createdAt",
    "lastActivity",
    "ptyPid",
    "currentPhase",
    "metadata",
    "repository",
    "base",
    "command",
    "agent",
    "process",
    "holder",
    "ended",
    "issue",
    "editor",
    "startedAt",
    "lastUpdated",
    "setup",
    "pending",
];

/// Why a text is no session.
#[derive(Debug, Error)]
pub enum RecordError {
    /// It is no JSON object, or has keys that are no text.
    #[error("it is not a JSON object")]
    Syntax(#[source] serde_json::Error),
    /// It is deeper or longer than anything we keep.
    #[error(transparent)]
    Bounds(#[from] json::BoundsError),
    /// Two values for one field of ours: nobody can say which one holds.
    #[error("`{field}` stands in it twice")]
    Doubled {
        /// Which.
        field: &'static str,
    },
    /// A session cannot do without.
    #[error("it has no `{field}`")]
    Missing {
        /// What.
        field: &'static str,
    },
    /// A field of ours has a value we cannot take.
    #[error("`{field}` cannot be taken")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl RecordError {
    /// The error and its causes in one line.
    pub fn because(&self) -> String {
        text::because(self)
    }
}

/// A session as it is written: serialises to a JSON object with the fields of SPEC CS-1, ours, and those of others.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    session: &'a Session,
    workspace: &'a Workspace,
}

/// The written form of a session.
pub fn record<'a>(session: &'a Session, workspace: &'a Workspace) -> Record<'a> {
    Record { session, workspace }
}

/// A session as one line of JSON.
pub fn encode_record(session: &Session, workspace: &Workspace) -> String {
    serde_json::to_string(&record(session, workspace)).expect("a record has text keys and writes to memory")
}

/// Reads a session from a JSON object; a stored path is ignored.
pub fn decode_record(text: &str) -> Result<Session, RecordError> {
    json::check(text, scan::ENTRY_DEPTH_MAX)?;
    decode(text).map(|decoded| decoded.session)
}

/// A session, and the path that was written with it when that is not the path of its id.
pub(super) struct Decoded {
    pub(super) session: Session,
    pub(super) foreign_path: Option<String>,
}

/// Reads a session from a text that is within bounds.
pub(super) fn decode(text: &str) -> Result<Decoded, RecordError> {
    let mut fields = Fields::split(text)?;
    let id: SessionId = fields.required("id")?;
    let created_at: Timestamp = fields.required("createdAt")?;
    let branch = fields.text_as("branch", BranchName::from_record)?;
    let process = fields.map("process", ProcessRecord::into_value)?.map(Box::new);
    let pid: Option<i64> = fields.json("ptyPid")?;
    let phase: Option<String> = fields.json("currentPhase")?;
    let foreign_path = foreign_path(fields.take("worktreePath"), id);
    let session = Session::from_parts(SessionParts {
        id,
        repository: fields.text("repository")?.unwrap_or_else(RepositoryPath::root),
        created_at,
        name: fields.required::<SessionName>("name")?,
        branch: branch.ok_or(RecordError::Missing { field: "branch" })?,
        status: fields.text("status")?.unwrap_or(SessionStatus::Idle),
        last_activity: fields.text("lastActivity")?.unwrap_or(created_at),
        base: fields.map("base", BaseRecord::into_value)?.map(Arc::new),
        phase: phase.filter(|text| !text.is_empty()).map(|text| parsed("currentPhase", &text)).transpose()?,
        metadata: fields.json("metadata")?.unwrap_or_default(),
        unproven_pid: pid.filter(|_| process.is_none()),
        command: fields.map("command", Command::of)?,
        agent: fields.map("agent", AgentRecord::into_value)?.map(Box::new),
        process,
        holder: fields.map("holder", ProcessRecord::into_value)?.map(Box::new),
        ending: fields.map("ended", EndedRecord::into_value)?.map(Box::new),
        binding: binding(&mut fields, created_at)?.map(Box::new),
        setup: fields.text("setup")?,
        pending: fields.map("pending", PendingRecord::into_value)?.map(Box::new),
        unknown: fields.unknown,
    });
    Ok(Decoded { session, foreign_path })
}

/// The binding, when any part of one is written.
fn binding(fields: &mut Fields<'_>, created_at: Timestamp) -> Result<Option<Binding>, RecordError> {
    let issue = fields.map("issue", IssueRecord::into_value)?;
    let editor = fields.map("editor", EditorRecord::into_value)?;
    let started: Option<Timestamp> = fields.text("startedAt")?;
    let updated: Option<Timestamp> = fields.text("lastUpdated")?;
    if issue.is_none() && editor.is_none() && started.is_none() && updated.is_none() {
        return Ok(None);
    }
    let started_at = started.unwrap_or(created_at);
    Ok(Some(Binding { issue, editor, started_at, last_updated: updated.unwrap_or(started_at) }))
}

fn foreign_path(stored: Option<&RawValue>, id: SessionId) -> Option<String> {
    let stored = stored?;
    let Ok(path) = string_of(stored) else {
        return Some(stored.get().to_owned());
    };
    let ours = format!(".worktrees/{id}");
    (!Path::new(&*path).ends_with(ours)).then(|| path.into_owned())
}

/// The members of a record, ours apart from those of others.
struct Fields<'a> {
    ours: [Option<&'a RawValue>; FIELDS.len()],
    unknown: Members,
}

impl<'a> Fields<'a> {
    fn split(text: &'a str) -> Result<Self, RecordError> {
        let members: json::Borrowed<'a> = serde_json::from_str(text).map_err(RecordError::Syntax)?;
        let mut fields = Self { ours: Default::default(), unknown: Members::new() };
        for (key, value) in members.0 {
            match FIELDS.iter().position(|field| *field == key) {
                None => fields.unknown.push(key.into_owned(), value.to_owned()),
                Some(at) if fields.ours[at].is_some() => {
                    return Err(RecordError::Doubled { field: FIELDS[at] });
                }
                Some(at) => fields.ours[at] = Some(value),
            }
        }
        Ok(fields)
    }

    /// The value of a field of ours; a null is none.
    fn take(&mut self, field: &'static str) -> Option<&'a RawValue> {
        let at = FIELDS.iter().position(|name| *name == field)?;
        self.ours[at].take().filter(|value| value.get() != "null")
    }

    fn json<T: DeserializeOwned>(&mut self, field: &'static str) -> Result<Option<T>, RecordError> {
        self.map(field, Ok::<T, serde_json::Error>)
    }

    fn map<R, T, E>(
        &mut self,
        field: &'static str,
        convert: impl FnOnce(R) -> Result<T, E>,
    ) -> Result<Option<T>, RecordError>
    where
        R: DeserializeOwned,
        E: StdError + Send + Sync + 'static,
    {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let raw = serde_json::from_str(value.get()).map_err(|err| refused(field, err))?;
        convert(raw).map(Some).map_err(|err| refused(field, err))
    }

    fn text_as<T, E>(
        &mut self,
        field: &'static str,
        convert: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, RecordError>
    where
        E: StdError + Send + Sync + 'static,
    {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let text = string_of(value).map_err(|err| refused(field, err))?;
        convert(&text).map(Some).map_err(|err| refused(field, err))
    }

    fn text<T>(&mut self, field: &'static str) -> Result<Option<T>, RecordError>
    where
        T: FromStr<Err: StdError + Send + Sync + 'static>,
    {
        self.text_as(field, str::parse)
    }

    fn required<T>(&mut self, field: &'static str) -> Result<T, RecordError>
    where
        T: FromStr<Err: StdError + Send + Sync + 'static>,
    {
        self.text(field)?.ok_or(RecordError::Missing { field })
    }
}

/// The string that a value is; one without escapes stands there as it is.
fn string_of(value: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    let plain = value.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match plain.filter(|text| !text.contains('\\')) {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => serde_json::from_str(value.get()).map(Cow::Owned),
    }
}

fn parsed<T>(field: &'static str, text: &str) -> Result<T, RecordError>
where
    T: FromStr<Err: StdError + Send + Sync + 'static>,
{
    text.parse().map_err(|err| refused(field, err))
}

fn refused(field: &'static str, source: impl StdError + Send + Sync + 'static) -> RecordError {
    RecordError::Field { field, source: Box::new(source) }
}

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let session = self.session;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &Text(session.id()))?;
        map.serialize_entry("name", session.name().as_str())?;
        map.serialize_entry("status", session.status().as_str())?;
        map.serialize_entry("branch", session.branch().as_str())?;
        let path = self.workspace.worktree(session.id());
        map.serialize_entry("worktreePath", &path.to_string_lossy())?;
        map.serialize_entry("createdAt", &Text(session.created_at()))?;
        map.serialize_entry("lastActivity", &Text(session.last_activity()))?;
        optional(&mut map, "ptyPid", session.pty_pid())?;
        optional(&mut map, "currentPhase", session.phase().map(Text))?;
        let metadata = Some(session.metadata()).filter(|members| !members.is_empty());
        optional(&mut map, "metadata", metadata)?;
        map.serialize_entry("repository", session.repository().as_str())?;
        optional(&mut map, "base", session.base().map(BaseRecord::from))?;
        optional(&mut map, "command", session.command().map(Command::words))?;
        optional(&mut map, "agent", session.agent().map(AgentRecord::from))?;
        optional(&mut map, "process", session.process().map(ProcessRecord::from))?;
        optional(&mut map, "holder", session.holder().map(ProcessRecord::from))?;
        optional(&mut map, "ended", session.ending().map(EndedRecord::from))?;
        optional(&mut map, "issue", session.issue().map(IssueRecord::from))?;
        optional(&mut map, "editor", session.editor().map(EditorRecord::from))?;
        if let Some(binding) = session.binding() {
            map.serialize_entry("startedAt", &Text(binding.started_at))?;
            map.serialize_entry("lastUpdated", &Text(binding.last_updated))?;
        }
        optional(&mut map, "setup", session.setup().map(Setup::as_str))?;
        optional(&mut map, "pending", session.pending().map(PendingRecord::from))?;
        for (key, value) in session.unknown().iter() {
            // A field of ours among the unknown ones would stand twice, and the entry could not be read again.
            if !FIELDS.contains(&key) {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

fn optional<M: SerializeMap>(map: &mut M, key: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

/// A value that is written as the text it shows and read by parsing that text.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}
