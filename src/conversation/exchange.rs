//! How chains travel: all of them in one file, and back from there or from the files of other tools.

use std::{
    fmt::Display,
    fs,
    io::{self, Read as _},
    path::Path,
};

use serde_json::value::RawValue;

use super::{
    Chain, ConversationError, Entry, FormatError,
    conversations::failed,
    file::{self, Fields, json_text, required, shown},
    lenient,
};
use crate::{
    atomic::{self, Place},
    clock::Timestamp,
    json::Members,
    session::{AgentName, ConversationId, SessionId, SessionName},
};

/// The largest file that is imported.
pub const TRANSFER_BYTES_MAX: u64 = 512 << 20;
/// How deep lists of chains may lie in lists.
const LISTS_MAX: u8 = 4;

/// A chain on its way out.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Whose.
    pub session: SessionId,
    /// What that is called.
    pub name: SessionName,
    /// The agent of the session.
    pub agent: Option<AgentName>,
    /// The conversation it is in.
    pub current: Option<ConversationId>,
    /// The chain.
    pub chain: Chain,
}

/// A chain on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Whose, by id or name; the first that is there is meant.
    pub owners: Vec<String>,
    /// The agent.
    pub agent: Option<AgentName>,
    /// The conversation that was current.
    pub current: Option<ConversationId>,
    /// How many interactions there were.
    pub interactions: u64,
    /// What is kept of them.
    pub entries: Vec<Entry>,
}

/// One file with all these chains.
pub fn encode_export(chains: &[Exported], now: Timestamp) -> String {
    let mut out = format!("{{\n  \"exportDate\": {},\n  \"agents\": [", shown(&now));
    for (number, exported) in chains.iter().enumerate() {
        out.push_str(if number == 0 { "\n" } else { ",\n" });
        out.push_str(&encode_chain(exported));
    }
    let interactions: u64 = chains.iter().map(|it| it.chain.interactions()).sum();
    let entries: usize = chains.iter().map(|it| it.chain.entries.len()).sum();
    let conversations: usize = chains.iter().map(|it| it.chain.summary().ids.len()).sum();
    out.push_str(if chains.is_empty() { "],\n" } else { "\n  ],\n" });
    let sessions = chains.len();
    out + &format!(
        "  \"totals\": {{\"sessions\": {sessions}, \"conversations\": {conversations}, \"interactions\": {interactions}, \
         \"entries\": {entries}}}\n}}\n"
    )
}

/// The JSON of one entry.
pub fn encode_entry(entry: &Entry) -> String {
    file::encode_entry(entry)
}

fn encode_chain(exported: &Exported) -> String {
    let optional = |value: Option<&dyn Display>| {
        value.map_or_else(|| "null".to_owned(), |it| json_text(&it.to_string()))
    };
    let entries: Vec<String> = exported.chain.entries.iter().map(file::encode_entry).collect();
    let head = [
        ("session", shown(&exported.session)),
        ("sessionName", shown(&exported.name)),
        ("agent", optional(exported.agent.as_ref().map(|it| it as &dyn Display))),
        ("currentId", optional(exported.current.as_ref().map(|it| it as &dyn Display))),
        ("interactionCount", exported.chain.interactions.to_string()),
    ];
    let head: Vec<String> = head.iter().map(|(key, value)| format!("      \"{key}\": {value},\n")).collect();
    let list = if entries.is_empty() {
        String::new()
    } else {
        format!("\n        {}\n      ", entries.join(",\n        "))
    };
    format!("    {{\n{}      \"entries\": [{list}]\n    }}", head.concat())
}

/// Reads everything that a file, or the `.json` files of a folder, bring along. Nothing of it is used when any of it cannot
/// be read.
pub fn read_incoming(path: &Path) -> Result<Vec<Incoming>, ConversationError> {
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(failed("list", path))?;
        let mut paths = entries
            .map(|entry| entry.map(|it| it.path()))
            .collect::<io::Result<Vec<_>>>()
            .map_err(failed("list", path))?;
        paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
        paths.sort();
        let files = paths.iter().map(|path| read_file(path)).collect::<Result<Vec<_>, _>>()?;
        return Ok(files.concat());
    }
    read_file(path)
}

fn read_file(path: &Path) -> Result<Vec<Incoming>, ConversationError> {
    // A link that a person names is followed.
    let path = fs::canonicalize(path).map_err(failed("open", path))?;
    let Place::File(source) = atomic::open(&path).map_err(failed("open", &path))? else {
        return Err(ConversationError::NotAFile { path });
    };
    let mut bytes = Vec::new();
    source.take(TRANSFER_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed("read", &path))?;
    decode(&bytes).map_err(|source| ConversationError::Foreign { path, source })
}

pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Incoming>, FormatError> {
    let text = file::text(bytes, TRANSFER_BYTES_MAX)?;
    let value: &RawValue = serde_json::from_str(text)?;
    let mut found = Vec::new();
    chains_in(value, LISTS_MAX, &mut found)?;
    Ok(found)
}

fn chains_in(value: &RawValue, lists_max: u8, found: &mut Vec<Incoming>) -> Result<(), FormatError> {
    if value.get().starts_with('[') {
        let list: Vec<Box<RawValue>> = serde_json::from_str(value.get())?;
        let below = lists_max.checked_sub(1).ok_or(FormatError::Unknown)?;
        return list.iter().try_for_each(|it| chains_in(it, below, found));
    }
    let mut fields = Fields::of(value)?;
    if let Some(agents) = fields.take::<Vec<Box<RawValue>>>("agents")? {
        for agent in agents {
            found.push(ours(Fields::of(&agent)?)?);
        }
        return Ok(());
    }
    found.push(foreign(fields)?);
    Ok(())
}

/// A chain of an export.
fn ours(mut fields: Fields) -> Result<Incoming, FormatError> {
    let id: String = required(fields.take("session")?, "session")?;
    let name: Option<String> = fields.take("sessionName")?;
    let entries: Vec<Box<RawValue>> = required(fields.take("entries")?, "entries")?;
    Ok(Incoming {
        owners: std::iter::once(id).chain(name).collect(),
        agent: fields.parse("agent")?,
        current: fields.parse("currentId")?,
        interactions: fields.take("interactionCount")?.unwrap_or_default(),
        entries: entries.iter().map(|it| file::decode_entry(it)).collect::<Result<_, _>>()?,
    })
}

/// A chain as other tools keep it.
fn foreign(mut fields: Fields) -> Result<Incoming, FormatError> {
    let owner: String = fields.take("agent_id")?.ok_or(FormatError::Unknown)?;
    let sessions: Vec<Box<RawValue>> = fields.take("sessions")?.unwrap_or_default();
    Ok(Incoming {
        owners: vec![owner],
        agent: None,
        current: fields.parse("current_session_id")?,
        interactions: fields.take("interaction_count")?.unwrap_or_default(),
        entries: sessions.iter().map(|it| foreign_entry(it)).collect::<Result<_, _>>()?,
    })
}

fn foreign_entry(value: &RawValue) -> Result<Entry, FormatError> {
    let mut fields = Fields::of(value)?;
    let moment: String = required(fields.take("created_at")?, "created_at")?;
    let wrong = || FormatError::Field { field: "created_at", text: file::shortened(&moment) };
    Ok(Entry {
        id: required(fields.parse("session_id")?, "session_id")?,
        created_at: lenient::moment(&moment).ok_or_else(wrong)?,
        interaction_count: fields.take("interaction_count")?.unwrap_or_default(),
        last_prompt: fields.excerpt("last_prompt")?,
        last_response: fields.excerpt("last_response")?,
        metadata: fields.take("metadata")?.unwrap_or_default(),
        unknown: Members::new(),
    })
}
