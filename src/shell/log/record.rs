//! How an event is written: one JSON object a line, whose last member is the checksum of what stands before it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::{Kept, Written, bytes::Writing};
use crate::{
    clock::Timestamp,
    interpreter::Changes,
    shell::{Finish, Stream},
};

/// What stands before the checksum, and behind it.
const SEAL: (&[u8], &[u8]) = (b",\"crc\":\"", b"\"}");
/// How long a checksum is with both.
const SEAL_BYTES: usize = 18;

/// An event as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum Record<'a> {
    /// A command came.
    Input {
        number: u64,
        at: String,
        interpreter: &'a str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        fresh: bool,
        command: Writing<'a>,
    },
    /// It ended.
    Output {
        number: u64,
        of: u64,
        at: String,
        code: i32,
        finish: &'static str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        session_ended: bool,
        duration_us: u64,
        stdout: KeptRecord<'a>,
        stderr: KeptRecord<'a>,
        #[serde(skip_serializing_if = "ChangesRecord::is_empty")]
        changes: ChangesRecord<'a>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        lost: &'a [String],
    },
    /// A background job of it wrote something.
    Late {
        number: u64,
        of: u64,
        at: String,
        stream: &'static str,
        text: Writing<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// All that the context holds, and what the log would otherwise forget with its older part.
    Checkpoint {
        number: u64,
        at: String,
        interpreter: &'a str,
        count: u64,
        name: &'a str,
        created: String,
        last_accessed: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        running: Option<u64>,
        changes: ChangesRecord<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct KeptRecord<'a> {
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Writing<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Writing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<Writing<'a>>,
}

#[derive(Serialize)]
pub(super) struct ChangesRecord<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    set: BTreeMap<&'a str, Writing<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unset: Vec<&'a str>,
}

impl<'a> Record<'a> {
    /// The event of an outcome.
    pub(super) fn output(number: u64, of: u64, at: Timestamp, ran: &Written<'a>) -> Self {
        Self::Output {
            number,
            of,
            at: at.to_string(),
            code: ran.code,
            finish: finish_word(ran.finish),
            session_ended: ran.session_ended,
            duration_us: u64::try_from(ran.duration.as_micros()).unwrap_or(u64::MAX),
            stdout: KeptRecord::of(ran.stdout),
            stderr: KeptRecord::of(ran.stderr),
            changes: ChangesRecord::of(ran.changes),
            lost: ran.lost,
        }
    }

    /// The event as its line, with its line feed.
    pub(super) fn line(&self) -> Vec<u8> {
        sealed(self)
    }
}

/// An object on a line, with its checksum.
pub(super) fn sealed(object: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_string(object).expect("texts and numbers always have a JSON form");
    line.pop();
    let checksum = crc32fast::hash(line.as_bytes());
    writeln!(line, ",\"crc\":\"{checksum:08x}\"}}").expect("a string takes everything");
    line.into_bytes()
}

impl<'a> KeptRecord<'a> {
    fn of(kept: &'a Kept) -> Self {
        let cut = kept.is_cut();
        let part = |is_wanted: bool, bytes: &'a [u8]| is_wanted.then_some(Writing(bytes));
        Self {
            bytes: kept.bytes,
            text: part(!cut && kept.bytes > 0, &kept.head),
            cut,
            head: part(cut, &kept.head),
            tail: part(cut, &kept.tail),
        }
    }
}

impl<'a> ChangesRecord<'a> {
    pub(super) fn of(changes: &'a Changes) -> Self {
        let set = changes.set.iter().map(|(key, value)| (key.as_str(), Writing(value))).collect();
        Self { set, unset: changes.unset.iter().map(String::as_str).collect() }
    }

    fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }
}

/// The checksum of a line, without its line feed; none when it is not the one that stands in it.
pub(super) fn checksum(line: &[u8]) -> Option<u32> {
    let (body, seal) = line.split_at_checked(line.len().checked_sub(SEAL_BYTES)?)?;
    let digits = seal.strip_prefix(SEAL.0)?.strip_suffix(SEAL.1)?;
    let actual = crc32fast::hash(body);
    (digits == format!("{actual:08x}").as_bytes()).then_some(actual)
}

pub(super) fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Done => "done",
        Finish::TimedOut => "timedOut",
        Finish::Cancelled => "cancelled",
    }
}

pub(super) fn stream_word(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}
