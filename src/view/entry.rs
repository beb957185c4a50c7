//! How a command that ran looks, and which of them somebody wants.

use std::borrow::Cow;

use regex::bytes::Regex;
use serde::Serialize;
use utoipa::ToSchema;

use super::{finish_word, millis, stream_word, text_of};
use crate::{
    pattern,
    shell::{
        Ground,
        log::{Entry, Kept, Late},
    },
};

/// Which commands are wanted.
#[derive(Debug, Default)]
pub struct Wanted {
    grep: Option<Regex>,
    failed: bool,
}

/// A command, for scripts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Entry)]
pub struct EntryView<'a> {
    /// Counts from 1.
    number: u64,
    /// When it began.
    at: String,
    /// By which interpreter it ran.
    interpreter: &'a str,
    /// Whether its context was new.
    new: bool,
    /// The command, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    /// The command, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_base64: Option<String>,
    /// What it came to; none while it runs, or when nobody saw its end.
    code: Option<i32>,
    /// `done`, `timed-out` or `cancelled`.
    finish: Option<&'static str>,
    /// Whether the interpreter ended with it.
    session_ended: Option<bool>,
    /// How long it ran, in milliseconds.
    duration_ms: Option<f64>,
    /// What is kept of its output.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<KeptView<'a>>,
    /// What is kept of what it printed to its other output.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<KeptView<'a>>,
    /// What its background jobs printed after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<Vec<LateView<'a>>>,
}

/// What is kept of an output; what was cut is missing between the two texts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Kept)]
struct KeptView<'a> {
    /// How much it was.
    bytes: u64,
    /// Whether something is missing between the two texts.
    cut: bool,
    /// Its beginning, or all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    /// The same, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// Its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_text: Option<Cow<'a, str>>,
    /// The same, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_base64: Option<String>,
}

/// What a background job wrote after the end of its command.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Late)]
struct LateView<'a> {
    /// When.
    at: String,
    /// `stdout` or `stderr`.
    stream: &'static str,
    /// Whether something is missing.
    cut: bool,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    /// The same, where it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Wanted {
    /// Those that match an expression, and only those that failed where that is wanted; nothing when it is no expression.
    pub fn of(grep: Option<&str>, failed: bool) -> Option<Self> {
        let grep = match grep {
            Some(given) => Some(pattern::of_lines(given)?),
            None => None,
        };
        Some(Self { grep, failed })
    }

    /// Whether this one is wanted.
    pub fn admits(&self, entry: &Entry) -> bool {
        let has_failed = || entry.outcome.as_ref().is_some_and(|it| it.code != 0);
        self.grep.as_ref().is_none_or(|regex| regex.is_match(&entry.command))
            && (!self.failed || has_failed())
    }
}

impl<'a> EntryView<'a> {
    /// Of a command, with what is kept of its output where that is wanted.
    pub fn of(entry: &'a Entry, with_output: bool) -> Self {
        let (command, command_base64) = text_of(&entry.command);
        let outcome = entry.outcome.as_ref();
        let kept = outcome.filter(|_| with_output);
        let late = |it: &'a Late| {
            let (text, base64) = text_of(&it.text);
            LateView { at: it.at.to_string(), stream: stream_word(it.stream), cut: it.is_cut, text, base64 }
        };
        Self {
            number: entry.number,
            at: entry.at.to_string(),
            interpreter: &entry.interpreter,
            new: entry.ground == Ground::Fresh,
            command,
            command_base64,
            code: outcome.map(|it| it.code),
            finish: outcome.map(|it| finish_word(it.finish)),
            session_ended: outcome.map(|it| it.session_ended),
            duration_ms: outcome.map(|it| millis(it.duration)),
            stdout: kept.map(|it| KeptView::of(&it.stdout)),
            stderr: kept.map(|it| KeptView::of(&it.stderr)),
            late: with_output.then(|| entry.late.iter().map(late).collect()),
        }
    }
}

impl<'a> KeptView<'a> {
    fn of(kept: &'a Kept) -> Self {
        let (head, base64) = text_of(&kept.head);
        let (tail, end_base64) = if kept.is_cut() { text_of(&kept.tail) } else { (None, None) };
        Self { bytes: kept.bytes, cut: kept.is_cut(), text: head, base64, end_text: tail, end_base64 }
    }
}
