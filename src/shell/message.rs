//! What the holder of a context and its callers say to each other. Control payloads are JSON, so that fields can be added; a
//! field or a kind that the other side does not know is passed over.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Done, Finish, Ground, Stream, Summary, Unload};
use crate::{
    clock::Timestamp,
    limits::FRAME_BYTES_MAX,
    session::SessionId,
    socket::{Frame, push},
};

/// The protocol spoken here.
pub(super) const PROTOCOL: u32 = 1;
/// The oldest protocol that is still understood.
pub(super) const PROTOCOL_MIN: u32 = 1;
/// How much of a text or of an output goes into one frame.
const PART_BYTES: usize = FRAME_BYTES_MAX / 2;
/// The longest text of a command.
pub(super) const TEXT_BYTES_MAX: usize = 8 << 20;
/// How much standard input a caller may send before it is told that some of it was taken.
pub(super) const STDIN_WINDOW_BYTES: usize = 256 << 10;

/// What a holder says first, to everybody.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Hello {
    /// The protocol it speaks.
    pub(super) protocol: u32,
    /// The oldest it still understands.
    pub(super) min: u32,
    /// The session, as a UUID.
    pub(super) id: String,
    /// The holder.
    pub(super) pid: u32,
    /// What its interpreter is called, when the context has one.
    pub(super) interpreter: Option<String>,
}

/// A caller wants a command run, whose text came before.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Exec {
    /// The protocol the caller speaks.
    pub(super) protocol: u32,
    /// Whether it wants a new context.
    pub(super) fresh: bool,
    /// By which interpreter.
    pub(super) interpreter: Option<String>,
    /// How long it may take, in milliseconds, 0: as long as it wants; none: as the settings say.
    pub(super) time_limit_ms: Option<u64>,
    /// Whether standard input follows.
    pub(super) stdin: bool,
}

/// How a context is to be unloaded.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    WhenIdle,
    Now,
}

/// What the holder knows about its context.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Info {
    /// The holder.
    pub(super) pid: u32,
    /// The interpreter, when one lives.
    pub(super) interpreter_pid: Option<u32>,
    /// Whether a command runs or waits, or something that one left running.
    pub(super) is_busy: bool,
    /// Microseconds since a command came or ended.
    pub(super) idle_us: u64,
    /// What the log says; none before the first command.
    pub(super) summary: Option<Known>,
}

/// A summary as it travels.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Known {
    id: String,
    name: String,
    created: i64,
    last_accessed: i64,
    event_count: u64,
    checkpoint_count: u64,
    size: u64,
    interpreter: String,
}

/// What became of a command, as it travels.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    number: u64,
    code: i32,
    finish: Ending,
    session_ended: bool,
    duration_us: u64,
    stdout_bytes: u64,
    stderr_bytes: u64,
    #[serde(default)]
    lost: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Ending {
    Done,
    TimedOut,
    Cancelled,
}

/// Why a holder does not do what it was asked: the stable word, what to tell a person, and what belongs to the word.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) second: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) os_error: Option<i32>,
}

/// What a holder says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FromHolder {
    /// Who it is; always first.
    Hello(Hello),
    /// The command was taken and will run, unless the caller goes before.
    Queued,
    /// The command runs, as this event of the log.
    Accepted(u64),
    /// What the command wrote.
    Output(Stream, Vec<u8>),
    /// So much of the standard input was taken.
    Taken(usize),
    /// The command ended.
    Done(Outcome),
    /// What was asked for.
    Info(Info),
    /// The context was saved, and nothing of it lives.
    Unloaded,
    /// It was not done.
    Refused(Refusal),
}

/// What a caller says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum FromCaller {
    /// The next part of the text of a command.
    Text(Vec<u8>),
    /// Run the text that came.
    Exec(Exec),
    /// Standard input of the command.
    Stdin(Vec<u8>),
    /// There is no more of it.
    StdinEnd,
    /// Interrupt the command.
    Cancel,
    /// Answer what you know.
    Info,
    /// Save the context, and end.
    Unload(How),
}

/// A message of a kind that is known, with a payload that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadMessage;

impl FromHolder {
    /// Puts it behind what is already to be sent.
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => push(out, b'h', &[&json(hello)]),
            Self::Queued => push(out, b'q', &[]),
            Self::Accepted(number) => push(out, b'a', &[&json(number)]),
            Self::Output(stream, bytes) => Self::push_output(out, *stream, bytes),
            Self::Taken(bytes) => push(out, b'w', &[&json(bytes)]),
            Self::Done(outcome) => push(out, b'd', &[&json(outcome)]),
            Self::Info(info) => push(out, b'i', &[&json(info)]),
            Self::Unloaded => push(out, b'u', &[]),
            Self::Refused(refusal) => push(out, b'r', &[&json(refusal)]),
        }
    }

    /// Puts output behind what is already to be sent, without a copy of it in between.
    pub(super) fn push_output(out: &mut Vec<u8>, stream: Stream, bytes: &[u8]) {
        let kind = match stream {
            Stream::Stdout => b'o',
            Stream::Stderr => b'e',
        };
        for part in bytes.chunks(PART_BYTES) {
            push(out, kind, &[part]);
        }
    }

    /// Reads one; nothing when its kind is not known here.
    pub(super) fn of(frame: Frame) -> Result<Option<Self>, BadMessage> {
        let payload = &*frame.payload;
        Ok(Some(match frame.kind {
            b'h' => Self::Hello(parse(payload)?),
            b'q' => Self::Queued,
            b'a' => Self::Accepted(parse(payload)?),
            b'o' => Self::Output(Stream::Stdout, frame.payload),
            b'e' => Self::Output(Stream::Stderr, frame.payload),
            b'w' => Self::Taken(parse(payload)?),
            b'd' => Self::Done(parse(payload)?),
            b'i' => Self::Info(parse(payload)?),
            b'u' => Self::Unloaded,
            b'r' => Self::Refused(parse(payload)?),
            _ => return Ok(None),
        }))
    }
}

impl FromCaller {
    /// Puts it behind what is already to be sent.
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(bytes) => push_parts(out, b'T', bytes),
            Self::Exec(exec) => push(out, b'X', &[&json(exec)]),
            Self::Stdin(bytes) => push_parts(out, b'I', bytes),
            Self::StdinEnd => push(out, b'E', &[]),
            Self::Cancel => push(out, b'C', &[]),
            Self::Info => push(out, b'Q', &[]),
            Self::Unload(how) => push(out, b'U', &[&json(how)]),
        }
    }

    /// Reads one; nothing when its kind is not known here.
    pub(super) fn of(frame: Frame) -> Result<Option<Self>, BadMessage> {
        let payload = &*frame.payload;
        Ok(Some(match frame.kind {
            b'T' => Self::Text(frame.payload),
            b'X' => Self::Exec(parse(payload)?),
            b'I' => Self::Stdin(frame.payload),
            b'E' => Self::StdinEnd,
            b'C' => Self::Cancel,
            b'Q' => Self::Info,
            b'U' => Self::Unload(parse(payload)?),
            _ => return Ok(None),
        }))
    }
}

impl Exec {
    /// In which context it is to run.
    pub(super) fn ground(&self) -> Ground {
        if self.fresh { Ground::Fresh } else { Ground::Kept }
    }
}

impl From<Unload> for How {
    fn from(unload: Unload) -> Self {
        match unload {
            Unload::WhenIdle => Self::WhenIdle,
            Unload::Now => Self::Now,
        }
    }
}

impl From<How> for Unload {
    fn from(how: How) -> Self {
        match how {
            How::WhenIdle => Self::WhenIdle,
            How::Now => Self::Now,
        }
    }
}

impl From<&Done> for Outcome {
    fn from(done: &Done) -> Self {
        let finish = match done.finish {
            Finish::Done => Ending::Done,
            Finish::TimedOut => Ending::TimedOut,
            Finish::Cancelled => Ending::Cancelled,
        };
        Self {
            number: done.number,
            code: done.code,
            finish,
            session_ended: done.session_ended,
            duration_us: u64::try_from(done.duration.as_micros()).unwrap_or(u64::MAX),
            stdout_bytes: done.stdout_bytes,
            stderr_bytes: done.stderr_bytes,
            lost: done.lost.clone(),
        }
    }
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        let finish = match outcome.finish {
            Ending::Done => Finish::Done,
            Ending::TimedOut => Finish::TimedOut,
            Ending::Cancelled => Finish::Cancelled,
        };
        Self {
            number: outcome.number,
            code: outcome.code,
            finish,
            session_ended: outcome.session_ended,
            duration: Duration::from_micros(outcome.duration_us),
            stdout_bytes: outcome.stdout_bytes,
            stderr_bytes: outcome.stderr_bytes,
            lost: outcome.lost,
        }
    }
}

impl From<&Summary> for Known {
    fn from(summary: &Summary) -> Self {
        Self {
            id: summary.id.to_string(),
            name: summary.name.clone(),
            created: summary.created.unix_millis(),
            last_accessed: summary.last_accessed.unix_millis(),
            event_count: summary.event_count,
            checkpoint_count: summary.checkpoint_count,
            size: summary.size,
            interpreter: summary.interpreter.clone(),
        }
    }
}

impl Known {
    /// What is known of a context that lives; nothing when it makes no sense.
    pub(super) fn summary(self) -> Option<Summary> {
        Some(Summary {
            id: self.id.parse::<SessionId>().ok()?,
            name: self.name,
            created: Timestamp::from_unix_millis(self.created)?,
            last_accessed: Timestamp::from_unix_millis(self.last_accessed)?,
            event_count: self.event_count,
            checkpoint_count: self.checkpoint_count,
            size: self.size,
            interpreter: self.interpreter,
            is_live: true,
        })
    }
}

fn push_parts(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    for part in bytes.chunks(PART_BYTES) {
        push(out, kind, &[part]);
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain values always have a JSON form")
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadMessage> {
    serde_json::from_slice(payload).map_err(|_| BadMessage)
}
