//! What a holder and its clients say to each other. Control payloads are JSON, so that fields can be added; a field
//! or a kind that the other side does not know is passed over.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{lending::Lend, watch::Unfinished};
use crate::{
    screen::Size,
    socket::{Frame, push},
};

/// The protocol spoken here.
pub const PROTOCOL: u32 = 3;
/// The first protocol in which a holder takes in what an agent's hook tells.
pub(super) const PROTOCOL_OF_REPORTS: u32 = 2;
/// The first protocol in which a client may lend its terminal.
pub(super) const PROTOCOL_OF_LENDING: u32 = 3;
/// The oldest protocol that is still understood.
pub const PROTOCOL_MIN: u32 = 1;
/// Which part of the longest frame is used of what travels in several.
const PART: usize = 2;
const OUTPUT_HEAD_BYTES: usize = 8;

/// What a holder says first, to everybody.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hello {
    /// The protocol it speaks.
    pub protocol: u32,
    /// The oldest it still understands.
    pub min: u32,
    /// The session, as a UUID.
    pub id: String,
    /// The holder.
    pub holder: u32,
    /// The process in the terminal.
    pub pid: u32,
    /// Rows of the terminal.
    pub rows: u16,
    /// Columns of the terminal.
    pub cols: u16,
    /// How it ended, when it has.
    pub exited: Option<Exited>,
    /// The longest payload of a frame that it takes, in bytes; an older one says 0 and takes 1 MiB.
    pub frame: usize,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exited {
    /// Its exit code, when it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it, when one did.
    pub signal: Option<i32>,
    /// Whether somebody asked for it.
    #[serde(default)]
    pub asked: bool,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Types, and its size is that of the terminal; refused while another client controls.
    Control,
    /// The same, and whoever controlled becomes an observer, or leaves where no more may be attached.
    Take,
    /// Looks on.
    Observe,
}

/// A client asks to be shown the terminal.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attach {
    /// The protocol the client speaks.
    pub protocol: u32,
    /// What it wants to do.
    pub role: Role,
    /// Rows of its own terminal.
    pub rows: u16,
    /// Columns of its own terminal.
    pub cols: u16,
    /// How many rows of scrollback it wants.
    pub scrollback: usize,
    /// Whether it is a terminal, which answers what a program asks its terminal.
    #[serde(default)]
    pub is_terminal: bool,
}

/// How a session is to be ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// The signal to begin with; none stands for the order that suits shells and agents (HUP, then TERM).
    pub signal: Option<i32>,
    /// How long each step may take before the next, harder one, in milliseconds; 0 kills at once.
    pub grace_ms: u64,
    /// Whether the container is about to stop, so that the session may come back by itself.
    #[serde(default)]
    pub shutdown: bool,
}

/// What the one message that is the same in every protocol asks for.
pub(super) const HANGUP: Stop = Stop { signal: None, grace_ms: 5_000, shutdown: false };

/// The answer to a report that will be written down.
pub(super) const TAKEN: &[u8] = b"taken";
/// The answer to a report when too many wait to be written down.
pub(super) const FULL: &[u8] = b"full";

/// A question that is answered once.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// What runs, since when, who is attached.
    Info,
    /// The screen as text.
    Text,
    /// The screen as text with colours.
    Ansi,
    /// The screen cell by cell.
    Cells,
}

/// Something changed about the attachment of a client.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Whether this client controls now.
    pub controls: bool,
    /// Rows of the terminal.
    pub rows: u16,
    /// Columns of the terminal.
    pub cols: u16,
}

/// Why a holder does not do what it was asked.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The stable word: `controlled`, `full`, `protocol`, `not-control`, `not-read`, `bad-message`.
    pub code: String,
    /// What to tell a person.
    pub message: String,
}

/// What a holder says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromHolder {
    /// Who it is; always first.
    Hello(Hello),
    /// What the program printed, and how many bytes came before.
    Output {
        /// Bytes before it.
        offset: u64,
        /// What was printed.
        bytes: Vec<u8>,
    },
    /// What brings a fresh terminal to the present state; what was printed before is void.
    Snapshot {
        /// Bytes the program had printed by then.
        offset: u64,
        /// A part of the screen.
        bytes: Vec<u8>,
        /// Whether it is the last part.
        is_last: bool,
    },
    /// The client's role or the size changed.
    Status(Status),
    /// The process ended; nothing follows.
    Exit(Exited),
    /// The answer to a question, in parts.
    Answer {
        /// A part of the text or JSON.
        bytes: Vec<u8>,
        /// Whether it is the last part.
        is_last: bool,
    },
    /// It was not done.
    Refused(Refusal),
    /// Whether the terminal that was lent is taken; everything before it is for the client to show.
    Borrowed(bool),
    /// The terminal is the client's again, and whether the key that leaves was pressed there.
    Returned {
        /// Whether it was.
        leaves: bool,
        /// What was half typed there.
        unfinished: Unfinished,
    },
    /// What puts back the colours and the wheel of a terminal that is lent, as far as they were changed.
    Undo(Vec<u8>),
}

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromClient {
    /// Show me the terminal.
    Attach(Attach),
    /// Type this.
    Input(Vec<u8>),
    /// My terminal has this size now.
    Resize(Size),
    /// Send this signal to the foreground of the terminal.
    Signal(i32),
    /// End the session.
    Stop(Stop),
    /// Answer this.
    Ask(Question),
    /// An agent's hook tells this; the answer is a word: `taken`, or `full`.
    Report(Vec<u8>),
    /// Use my terminal, which comes with this.
    Lend(Lend),
    /// Everything you sent is shown: it is yours now.
    GoAhead,
    /// I want my terminal back.
    TakeBack,
    /// I am leaving.
    Detach,
    /// End the session; the same in every protocol.
    Hangup,
}

/// A message of a kind that is known, with a payload that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMessage;

#[derive(Deserialize, Serialize)]
struct Window {
    rows: u16,
    cols: u16,
}

impl FromHolder {
    /// Puts it behind what is already to be sent, in frames of at most so many bytes.
    pub(super) fn push(&self, out: &mut Vec<u8>, frame_bytes_max: usize) {
        match self {
            Self::Hello(hello) => push(out, b'h', &[&json(hello)]),
            Self::Output { offset, bytes } => Self::push_output(out, *offset, bytes, frame_bytes_max),
            Self::Snapshot { offset, bytes, is_last } => {
                push_parts(bytes, *is_last, frame_bytes_max, |last, part| {
                    push(out, b's', &[&offset.to_le_bytes(), &[u8::from(last)], part]);
                });
            }
            Self::Status(status) => push(out, b't', &[&json(status)]),
            Self::Exit(exited) => push(out, b'x', &[&json(exited)]),
            Self::Answer { bytes, is_last } => {
                push_parts(bytes, *is_last, frame_bytes_max, |last, part| {
                    push(out, b'a', &[&[u8::from(last)], part]);
                });
            }
            Self::Refused(refusal) => push(out, b'e', &[&json(refusal)]),
            Self::Borrowed(is_taken) => push(out, b'b', &[&[u8::from(*is_taken)]]),
            Self::Returned { leaves, unfinished } => {
                let marks = [u8::from(*leaves), u8::from(unfinished.is_pasting)];
                push(out, b'r', &[&marks, &unfinished.begun]);
            }
            Self::Undo(bytes) => push(out, b'u', &[bytes]),
        }
    }

    /// Puts output behind what is already to be sent, without a copy of it in between.
    pub(super) fn push_output(out: &mut Vec<u8>, mut offset: u64, bytes: &[u8], frame_bytes_max: usize) {
        for part in bytes.chunks(frame_bytes_max / PART) {
            push(out, b'o', &[&offset.to_le_bytes(), part]);
            offset += part.len() as u64;
        }
    }

    /// Reads one; nothing when its kind is not known here.
    pub(super) fn of(frame: &Frame) -> Result<Option<Self>, BadMessage> {
        let payload = &*frame.payload;
        Ok(Some(match frame.kind {
            b'h' => Self::Hello(parse(payload)?),
            b'o' => {
                let (offset, bytes) = payload.split_first_chunk::<OUTPUT_HEAD_BYTES>().ok_or(BadMessage)?;
                Self::Output { offset: u64::from_le_bytes(*offset), bytes: bytes.to_vec() }
            }
            b's' => {
                let (offset, rest) = payload.split_first_chunk::<OUTPUT_HEAD_BYTES>().ok_or(BadMessage)?;
                let (last, bytes) = rest.split_first().ok_or(BadMessage)?;
                let offset = u64::from_le_bytes(*offset);
                Self::Snapshot { offset, bytes: bytes.to_vec(), is_last: *last != 0 }
            }
            b't' => Self::Status(parse(payload)?),
            b'x' => Self::Exit(parse(payload)?),
            b'a' => {
                let (last, bytes) = payload.split_first().ok_or(BadMessage)?;
                Self::Answer { bytes: bytes.to_vec(), is_last: *last != 0 }
            }
            b'e' => Self::Refused(parse(payload)?),
            b'b' => Self::Borrowed(*payload.first().ok_or(BadMessage)? != 0),
            b'r' => {
                let (leaves, rest) = payload.split_first().ok_or(BadMessage)?;
                // An older holder says no more than that.
                let (is_pasting, begun) = rest.split_first().unwrap_or((&0, &[]));
                let unfinished = Unfinished { is_pasting: *is_pasting != 0, begun: begun.to_vec() };
                Self::Returned { leaves: *leaves != 0, unfinished }
            }
            b'u' => Self::Undo(payload.to_vec()),
            _ => return Ok(None),
        }))
    }
}

impl FromClient {
    /// Puts it behind what is already to be sent, in frames of at most so many bytes.
    pub(super) fn push(&self, out: &mut Vec<u8>, frame_bytes_max: usize) {
        match self {
            Self::Attach(attach) => push(out, b'A', &[&json(attach)]),
            Self::Input(bytes) => {
                for part in bytes.chunks(frame_bytes_max / PART) {
                    push(out, b'I', &[part]);
                }
            }
            Self::Resize(size) => {
                push(out, b'R', &[&json(&Window { rows: size.rows(), cols: size.cols() })]);
            }
            Self::Signal(signal) => push(out, b'K', &[&json(signal)]),
            Self::Stop(stop) => push(out, b'S', &[&json(stop)]),
            Self::Ask(question) => push(out, b'Q', &[&json(question)]),
            Self::Report(told) => push(out, b'T', &[told]),
            Self::Lend(lend) => push(out, b'L', &[&json(lend)]),
            Self::GoAhead => push(out, b'G', &[]),
            Self::TakeBack => push(out, b'B', &[]),
            Self::Detach => push(out, b'D', &[]),
            Self::Hangup => push(out, b'H', &[]),
        }
    }

    /// Reads one; nothing when its kind is not known here.
    pub(super) fn of(frame: Frame) -> Result<Option<Self>, BadMessage> {
        let payload = &*frame.payload;
        Ok(Some(match frame.kind {
            b'A' => Self::Attach(parse(payload)?),
            b'I' => Self::Input(frame.payload),
            b'R' => {
                let Window { rows, cols } = parse(payload)?;
                Self::Resize(Size::new(rows, cols).ok_or(BadMessage)?)
            }
            b'K' => Self::Signal(parse(payload)?),
            b'S' => Self::Stop(parse(payload)?),
            b'Q' => Self::Ask(parse(payload)?),
            b'T' => Self::Report(frame.payload),
            b'L' => Self::Lend(parse(payload)?),
            b'G' => Self::GoAhead,
            b'B' => Self::TakeBack,
            b'D' => Self::Detach,
            b'H' => Self::Hangup,
            _ => return Ok(None),
        }))
    }
}

fn push_parts(bytes: &[u8], is_last: bool, frame_bytes_max: usize, mut push: impl FnMut(bool, &[u8])) {
    let mut parts = bytes.chunks(frame_bytes_max / PART).peekable();
    if parts.peek().is_none() {
        push(is_last, &[]);
    }
    while let Some(part) = parts.next() {
        push(is_last && parts.peek().is_none(), part);
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain values always have a JSON form")
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadMessage> {
    serde_json::from_slice(payload).map_err(|_| BadMessage)
}
