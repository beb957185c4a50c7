//! What a command printed and came to, as scripts read it.

use std::{borrow::Cow, mem, str, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use utoipa::ToSchema;

use crate::shell::{Done, Finish, Stream, Summary};

/// How much of each output goes into the object at the end; `--stream` has all of it.
pub const OUTPUT_BYTES_MAX: usize = 8 << 20;

/// What is shorter is shown as the text that it is, whatever it has in it.
const SWOLLEN_BYTES_MIN: usize = 64 << 10;

/// Both outputs of a command, each up to [`OUTPUT_BYTES_MAX`].
#[derive(Debug, Default)]
pub struct Gathered {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Gathered {
    /// Adds a piece.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let room = OUTPUT_BYTES_MAX - kept.len();
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// What a command came to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Done)]
pub struct DoneView<'a> {
    /// Its number in the history.
    number: u64,
    /// What it came to.
    code: i32,
    /// `done`, `timed-out` or `cancelled`.
    finish: &'static str,
    /// Whether the interpreter ended with it.
    session_ended: bool,
    /// How long it ran, in milliseconds.
    duration_ms: f64,
    /// What it printed, where that is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<Cow<'a, str>>,
    /// What it printed, where it is not, or would double in JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_base64: Option<String>,
    /// Whether the end of that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_cut: Option<bool>,
    /// How much it printed.
    stdout_bytes: u64,
    /// The same for its other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<Cow<'a, str>>,
    /// The same for its other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_base64: Option<String>,
    /// The same for its other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_cut: Option<bool>,
    /// The same for its other output.
    stderr_bytes: u64,
    /// What of its context could not be kept.
    lost: &'a [String],
}

impl<'a> DoneView<'a> {
    /// With its output, where that was gathered and not shown before.
    pub fn of(done: &'a Done, output: Option<&'a Gathered>) -> Self {
        let is_cut = |kept: &[u8], bytes: u64| (kept.len() as u64) < bytes;
        let (stdout, stdout_base64) =
            output.map(|it| text_of(whole(&it.stdout, done.stdout_bytes))).unwrap_or_default();
        let (stderr, stderr_base64) =
            output.map(|it| text_of(whole(&it.stderr, done.stderr_bytes))).unwrap_or_default();
        Self {
            number: done.number,
            code: done.code,
            finish: finish_word(done.finish),
            session_ended: done.session_ended,
            duration_ms: millis(done.duration),
            stdout,
            stdout_base64,
            stdout_cut: output.map(|it| is_cut(&it.stdout, done.stdout_bytes)),
            stdout_bytes: done.stdout_bytes,
            stderr,
            stderr_base64,
            stderr_cut: output.map(|it| is_cut(&it.stderr, done.stderr_bytes)),
            stderr_bytes: done.stderr_bytes,
            lost: &done.lost,
        }
    }
}

/// What is known of a context, with the words of SPEC CM-4.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextView {
    id: String,
    name: String,
    created: String,
    last_accessed: String,
    event_count: u64,
    checkpoint_count: u64,
    size: u64,
    interpreter: String,
    live: bool,
}

impl ContextView {
    /// Of a summary.
    pub fn of(summary: &Summary) -> Self {
        Self {
            id: summary.id.to_string(),
            name: summary.name.clone(),
            created: summary.created.to_string(),
            last_accessed: summary.last_accessed.to_string(),
            event_count: summary.event_count,
            checkpoint_count: summary.checkpoint_count,
            size: summary.size,
            interpreter: summary.interpreter.clone(),
            live: summary.is_live,
        }
    }
}

/// A duration in milliseconds, to the microsecond: many commands take less than one.
pub fn millis(duration: Duration) -> f64 {
    // The log and the protocol know no more than that.
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The stable word for how a command ended.
pub fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Done => "done",
        Finish::TimedOut => "timed-out",
        Finish::Cancelled => "cancelled",
    }
}

/// What was kept of so many bytes, without the character that was cut at its end.
fn whole(kept: &[u8], bytes: u64) -> &[u8] {
    match str::from_utf8(kept) {
        Err(err) if err.error_len().is_none() && (kept.len() as u64) < bytes => &kept[..err.valid_up_to()],
        Ok(_) | Err(_) => kept,
    }
}

/// Bytes as text where they are UTF-8, else in base64; the latter also where much of it is no text and would grow by that.
pub fn text_of(bytes: &[u8]) -> (Option<Cow<'_, str>>, Option<String>) {
    match str::from_utf8(bytes) {
        Ok(text) if !is_swollen(bytes) => (Some(text.into()), None),
        Ok(_) | Err(_) => (None, Some(BASE64_STANDARD.encode(bytes))),
    }
}

/// Whether a long text would have twice as many bytes in JSON, where a control character takes six.
fn is_swollen(bytes: &[u8]) -> bool {
    let is_control = |byte: &&u8| byte.is_ascii_control() && !b"\t\n\r\x7f".contains(byte);
    bytes.len() > SWOLLEN_BYTES_MIN && bytes.iter().filter(is_control).count() > bytes.len() / 5
}

/// A piece of output on its way.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct PieceView {
    stream: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Output that comes in pieces which may end within a character.
#[derive(Debug, Default)]
pub struct Pieces {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Pieces {
    /// What can be shown when this has come.
    pub fn take(&mut self, stream: Stream, bytes: &[u8]) -> Option<PieceView> {
        let waiting = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        waiting.extend_from_slice(bytes);
        let whole = match str::from_utf8(waiting) {
            // It ends within a character.
            Err(err) if err.error_len().is_none() => err.valid_up_to(),
            Ok(_) | Err(_) => waiting.len(),
        };
        let rest = waiting.split_off(whole);
        let shown = mem::replace(waiting, rest);
        (!shown.is_empty()).then(|| piece(stream, &shown))
    }

    /// What waited in vain for the end of a character.
    pub fn rest(&mut self) -> Vec<PieceView> {
        let waiting =
            [(Stream::Stdout, mem::take(&mut self.stdout)), (Stream::Stderr, mem::take(&mut self.stderr))];
        waiting
            .iter()
            .filter(|(_, rest)| !rest.is_empty())
            .map(|(stream, rest)| piece(*stream, rest))
            .collect()
    }
}

fn piece(stream: Stream, bytes: &[u8]) -> PieceView {
    let (text, base64) = text_of(bytes);
    PieceView { stream: stream_word(stream), text: text.map(Cow::into_owned), base64 }
}

/// The stable word for an output.
pub fn stream_word(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> PieceView {
        PieceView { stream: "stdout", text: Some(text.to_owned()), base64: None }
    }

    #[test]
    fn a_character_that_comes_in_two_pieces_is_shown_whole() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.take(Stream::Stdout, b"a\xe2\x82"), Some(shown("a")));
        assert_eq!(pieces.take(Stream::Stdout, b""), None);
        assert_eq!(pieces.take(Stream::Stdout, b"\xacb"), Some(shown("\u{20ac}b")));
        assert_eq!(pieces.rest(), []);
    }

    #[test]
    fn what_is_no_text_is_told_in_base64() {
        let mut pieces = Pieces::default();
        let base64 = |text: &str| PieceView { stream: "stderr", text: None, base64: Some(text.to_owned()) };
        assert_eq!(pieces.take(Stream::Stderr, b"\xff"), Some(base64("/w==")));
        assert_eq!(pieces.take(Stream::Stderr, b"\xe2"), None);
        assert_eq!(pieces.rest(), [base64("4g==")]);
    }

    #[test]
    fn what_would_grow_in_json_is_told_in_base64() {
        for (text, is_text) in [("\0", false), ("\x1b[31mred\x1b[0m\r\n", true), ("\n\t\r\u{20ac}", true)] {
            let (short, long) = (text.repeat(10), text.repeat(SWOLLEN_BYTES_MIN + 1));
            assert!(text_of(short.as_bytes()).0.is_some(), "{text:?}");
            assert_eq!(text_of(long.as_bytes()).0.is_some(), is_text, "{text:?}");
        }
    }

    #[test]
    fn what_is_cut_within_a_character_is_text_all_the_same() {
        assert_eq!(whole(b"a\xe2\x82", 4), b"a");
        assert_eq!(whole(b"a\xe2\x82", 3), b"a\xe2\x82", "that is what it printed");
        assert_eq!(whole(b"\xff", 4), b"\xff");
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "what is printed is what was measured")]
    fn a_duration_is_told_to_the_microsecond() {
        assert_eq!(millis(Duration::from_nanos(35_400)), 0.035);
        assert_eq!(millis(Duration::from_micros(1_007_123)), 1007.123);
        assert_eq!(millis(Duration::ZERO), 0.0);
    }

    #[test]
    fn only_so_much_is_gathered() {
        let mut gathered = Gathered::default();
        for _ in 0..3 {
            gathered.take(Stream::Stdout, &vec![b'x'; OUTPUT_BYTES_MAX / 2 + 1]);
        }
        assert_eq!(gathered.stdout.len(), OUTPUT_BYTES_MAX);
    }
}
