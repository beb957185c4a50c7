//! The index of a log: what it counts and where its checkpoints stand. It is checked against the log, never believed.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::FileExt as _,
};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    files::{self, Files, failed},
    lines::Lines,
    read::{self, Kind},
    record,
    tally::{LastLine, Mark, Tally},
};
use crate::{
    atomic::{self, Durability},
    session::SessionId,
    shell::ShellError,
};

const VERSION: &str = "1.0";
const MAJOR: &str = "1";
/// The largest index that is read; ours has some thirty bytes for each of a thousand marks.
const INDEX_BYTES_MAX: u64 = 1 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexRecord {
    version: String,
    id: String,
    name: String,
    interpreter: Option<String>,
    created: Option<String>,
    last_accessed: Option<String>,
    event_count: u64,
    checkpoint_count: u64,
    running: Option<u64>,
    bytes: u64,
    last_line: Option<LineRecord>,
    checkpoints: Vec<MarkRecord>,
    event_every: u64,
    events: Vec<MarkRecord>,
}

#[derive(Serialize, Deserialize)]
struct LineRecord {
    offset: u64,
    crc: u32,
}

#[derive(Serialize, Deserialize)]
struct MarkRecord {
    number: u64,
    offset: u64,
}

/// Replaces the index. A power cut may cost it; then it is made anew.
pub(super) fn replace(files: &Files, id: SessionId, tally: &Tally) -> Result<(), ShellError> {
    let path = files.index();
    let text = encode(id, tally);
    atomic::replace(&path, &text, Durability::Crash).map_err(failed("replace", &path))
}

/// What the index says of a log, if all that it says holds.
pub(super) fn find(files: &Files, id: SessionId, log: &File) -> Option<Tally> {
    let bytes = match load(files) {
        Ok(bytes) => bytes?,
        Err(err) => {
            warn!(sessionId = %id, error = %crate::text::because(&err), "the index of the commands cannot be read");
            return None;
        }
    };
    let tally = decode(&bytes, id)?;
    // The length is asked for last: the log may grow, and the index with it.
    let holds = log.metadata().and_then(|metadata| holds(&tally, log, metadata.len()));
    holds.unwrap_or(false).then_some(tally)
}

fn load(files: &Files) -> Result<Option<Vec<u8>>, ShellError> {
    let path = files.index();
    let Some(file) = files::open(&path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(INDEX_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed("read", &path))?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= INDEX_BYTES_MAX))
}

fn encode(id: SessionId, tally: &Tally) -> Vec<u8> {
    let mark = |mark: &Mark| MarkRecord { number: mark.number, offset: mark.offset };
    let written = IndexRecord {
        version: VERSION.to_owned(),
        id: id.to_string(),
        name: tally.name.clone(),
        interpreter: tally.interpreter.clone(),
        created: tally.created.map(|it| it.to_string()),
        last_accessed: tally.last_accessed.map(|it| it.to_string()),
        event_count: tally.number,
        checkpoint_count: tally.checkpoint_count,
        running: tally.running,
        bytes: tally.bytes,
        last_line: tally.last_line.map(|it| LineRecord { offset: it.offset, crc: it.checksum }),
        checkpoints: tally.checkpoints.iter().map(mark).collect(),
        event_every: tally.mark_every,
        events: tally.marks.iter().map(mark).collect(),
    };
    record::sealed(&written)
}

/// Reads an index of ours, of this session, whose checksum is right.
fn decode(bytes: &[u8], id: SessionId) -> Option<Tally> {
    let line = bytes.strip_suffix(b"\n")?;
    record::checksum(line)?;
    let read: IndexRecord = serde_json::from_slice(line).ok()?;
    if read.version.split('.').next() != Some(MAJOR) || read.id != id.to_string() {
        return None;
    }
    let moment = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let mark = |mark: MarkRecord| Mark { number: mark.number, offset: mark.offset };
    Some(Tally {
        name: read.name,
        interpreter: read.interpreter,
        created: moment(read.created),
        last_accessed: moment(read.last_accessed),
        number: read.event_count,
        checkpoint_count: read.checkpoint_count,
        running: read.running,
        bytes: read.bytes,
        last_line: read.last_line.map(|it| LastLine { offset: it.offset, checksum: it.crc }),
        checkpoints: read.checkpoints.into_iter().map(mark).collect(),
        marks: read.events.into_iter().map(mark).collect(),
        mark_every: read.event_every.max(1),
    })
}

/// Whether a log begins with what the index says: so many bytes, that last line, that checkpoint.
fn holds(tally: &Tally, log: &File, length: u64) -> io::Result<bool> {
    let Some(last) = tally.last_line else {
        return Ok(tally.bytes == 0 && tally.checkpoints.is_empty());
    };
    if tally.bytes > length || last.offset >= tally.bytes || !is_line_start(log, last.offset)? {
        return Ok(false);
    }
    let mut lines = Lines::between(log, last.offset, tally.bytes)?;
    let is_last = lines.next()?.is_some_and(|line| {
        line.has_end && line.next == tally.bytes && record::checksum(line.text) == Some(last.checksum)
    });
    let Some(mark) = tally.checkpoints.back().filter(|_| is_last) else {
        return Ok(is_last);
    };
    if mark.offset > last.offset || !is_line_start(log, mark.offset)? {
        return Ok(false);
    }
    let mut lines = Lines::between(log, mark.offset, tally.bytes)?;
    Ok(lines.next()?.is_some_and(|line| {
        let head = read::head(line.text);
        head.is_some_and(|head| head.kind() == Kind::Checkpoint && head.number == mark.number)
    }))
}

fn is_line_start(log: &File, offset: u64) -> io::Result<bool> {
    let mut before = [b'\n'];
    if let Some(at) = offset.checked_sub(1) {
        log.read_exact_at(&mut before, at)?;
    }
    Ok(before == [b'\n'])
}
