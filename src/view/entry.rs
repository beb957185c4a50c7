//! How a command that ran looks, and which of them somebody wants.

use std::borrow::Cow;

use regex::bytes::Regex;
use serde::Serialize;

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
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryView<'a> {
    number: u64,
    at: String,
    interpreter: &'a str,
    new: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_base64: Option<String>,
    code: Option<i32>,
    finish: Option<&'static str>,
    session_ended: Option<bool>,
    duration_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<KeptView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<KeptView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<Vec<LateView<'a>>>,
}

/// What is kept of an output; what was cut is missing between the two texts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeptView<'a> {
    bytes: u64,
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_base64: Option<String>,
}

/// What a background job wrote after the end of its command.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LateView<'a> {
    at: String,
    stream: &'static str,
    cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
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
