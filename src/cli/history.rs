//! `history` and `history replay`.

use std::io;

use serde::Serialize;

use super::{Context, Failure, args};
use crate::{
    manager::ManagerError,
    session::Session,
    shell::log::{Entry, Kept, Loaded},
    text,
    view::{DoneView, EntryView, Wanted},
};

/// How much of a command is shown to people where the width of their terminal is not known, and at least.
const COMMAND_CHARS: usize = 100;
const COMMAND_CHARS_MIN: usize = 20;
/// How much of a line stands in front of the command.
const HEAD_CHARS: usize = 50;
/// A day, hours and minutes are enough for people to know when: the length of that in a timestamp.
const MINUTE_CHARS: usize = 19;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplayView<'a> {
    interpreter: Option<&'a str>,
    checkpoint: Option<u64>,
    outputs_after: u64,
    changed_after: Vec<&'a str>,
    set: Vec<&'a str>,
    unset: Vec<&'a str>,
    lost_bytes: u64,
    damaged_lines: u64,
    unknown_events: u64,
    unfinished: Option<u64>,
    index_rebuilt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded: Option<DoneView<'a>>,
}

/// Prints the commands that ran in a session, or replays its log.
pub(super) fn history(mut context: Context, args: &args::History) -> Result<(), Failure> {
    if let Some(args::Replay::Replay { name, dry_run }) = &args.replay {
        return replay(context, name, *dry_run);
    }
    let name = args.name.as_deref().unwrap_or_default();
    let wanted = Wanted::of(args.grep.as_deref(), args.failed).ok_or_else(|| Failure::Value {
        given: args.grep.clone().unwrap_or_default(),
        wanted: "a regular expression",
    })?;
    let (session, found) = context.manager.history(name)?;
    let failed = |source| ManagerError::Shell { name: session.name().clone(), source };
    let admitted = |entry: &Result<Entry, _>| entry.as_ref().map_or(true, |entry| wanted.admits(entry));
    if let Some(limit) = args.limit {
        let last: Result<Vec<Entry>, _> = found.filter(admitted).take(limit).collect();
        let last = last.map_err(failed)?;
        return print(&context, last.into_iter().rev().map(Ok), args.output);
    }
    let found = found.oldest_first().map_err(failed)?;
    print(&context, found.filter(admitted).map(|entry| entry.map_err(|err| failed(err).into())), args.output)
}

/// Prints as it reads: a history can be much longer than what should be in memory.
fn print(
    context: &Context,
    entries: impl Iterator<Item = Result<Entry, Failure>>,
    with_output: bool,
) -> Result<(), Failure> {
    let output = context.output;
    if !output.is_json() {
        let width = if output.is_terminal() { usize::from(output.size().cols()) } else { 0 };
        for entry in entries {
            output.raw(line(&entry?, width, with_output).as_bytes())?;
        }
        return Ok(());
    }
    let mut before = "[\n";
    for entry in entries {
        let entry = entry?;
        let view = serde_json::to_string(&EntryView::of(&entry, with_output)).map_err(io::Error::other)?;
        output.raw(format!("{before}  {view}").as_bytes())?;
        before = ",\n";
    }
    Ok(output.raw(if before == "[\n" { b"[]\n" } else { b"\n]\n" })?)
}

/// A command as people read it: one line, and its output below it.
fn line(entry: &Entry, width: usize, with_output: bool) -> String {
    let at = entry.at.to_string();
    let (duration, code) = entry.outcome.as_ref().map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |it| (format!("{:.3}s", it.duration.as_secs_f64()), it.code.to_string()),
    );
    let chars =
        if width == 0 { COMMAND_CHARS } else { width.saturating_sub(HEAD_CHARS).max(COMMAND_CHARS_MIN) };
    let command = shortened(&text::line(&String::from_utf8_lossy(&entry.command)), chars);
    let head = format!("{:>6}  {:.*}Z  {duration:>11}  {code:>4}", entry.number, MINUTE_CHARS, at);
    let mut lines = vec![format!("{head}  {command}")];
    if let Some(outcome) = entry.outcome.as_ref().filter(|_| with_output) {
        lines.extend(kept_lines('|', &outcome.stdout));
        lines.extend(kept_lines('!', &outcome.stderr));
    }
    if with_output {
        lines.extend(entry.late.iter().flat_map(|late| below('&', &late.text)));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn kept_lines(mark: char, kept: &Kept) -> Vec<String> {
    let mut lines = below(mark, &kept.head);
    if kept.is_cut() {
        let missing = kept.bytes - (kept.head.len() + kept.tail.len()) as u64;
        lines.push(format!("        {mark} … {missing} bytes are not kept"));
        lines.extend(below(mark, &kept.tail));
    }
    lines
}

fn below(mark: char, output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    text.lines().map(|line| format!("        {mark} {}", text::line(line))).collect()
}

fn shortened(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    text.chars().take(chars - 1).chain(['…']).collect()
}

fn replay(mut context: Context, name: &str, is_dry: bool) -> Result<(), Failure> {
    let (session, loaded, done) = if is_dry {
        let (session, loaded) = context.manager.weigh_replay(name)?;
        (session, loaded, None)
    } else {
        let (session, loaded, done) = context.manager.replay(name)?;
        (session, loaded, Some(done))
    };
    let view = ReplayView {
        interpreter: loaded.interpreter.as_deref(),
        checkpoint: loaded.checkpoint,
        outputs_after: loaded.applied,
        changed_after: loaded.later.iter().map(String::as_str).collect(),
        set: loaded.changes.set.keys().map(String::as_str).collect(),
        unset: loaded.changes.unset.iter().map(String::as_str).collect(),
        lost_bytes: loaded.cut_bytes,
        damaged_lines: loaded.damaged_lines,
        unknown_events: loaded.unknown_events,
        unfinished: loaded.unfinished,
        index_rebuilt: loaded.is_index_rebuilt,
        loaded: done.as_ref().map(|done| DoneView::of(done, None)),
    };
    let told = || {
        let mut lines = replay_lines(&session, &loaded);
        if let Some(done) = &done {
            lines.push_str("loaded; nothing ran again\n");
            lines
                .extend(done.lost.iter().map(|key| format!("could not be set again: {}\n", text::line(key))));
        }
        lines
    };
    Ok(context.output.data(&view, told)?)
}

fn replay_lines(session: &Session, loaded: &Loaded) -> String {
    let Some(interpreter) = &loaded.interpreter else {
        return format!("{}: no command ran in it yet\n", session.name());
    };
    let from = loaded.checkpoint.map_or_else(|| "a fresh start".to_owned(), |it| format!("checkpoint {it}"));
    let later: Vec<&str> = loaded.later.iter().map(String::as_str).collect();
    let mut lines = vec![
        format!(
            "{}: {} from {from}, and what {} commands changed after it",
            session.name(),
            text::line(interpreter),
            loaded.applied
        ),
        format!("changed after it: {}", keys(&later)),
        format!("set: {}", keys(&loaded.changes.set.keys().map(String::as_str).collect::<Vec<_>>())),
        format!("unset: {}", keys(&loaded.changes.unset.iter().map(String::as_str).collect::<Vec<_>>())),
    ];
    let mut lost = |count: u64, what: &str| {
        if count > 0 {
            lines.push(format!("{count} {what}"));
        }
    };
    lost(loaded.cut_bytes, "bytes at the end are no whole event, and are cut off");
    lost(loaded.damaged_lines, "lines are damaged, and what they changed is lost");
    lost(loaded.unknown_events, "events are of a newer wharf, and are passed over");
    if let Some(number) = loaded.unfinished {
        lines.push(format!(
            "command {number} has no outcome: what it changed is not known, and it does not run again"
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn keys(all: &[&str]) -> String {
    if all.is_empty() { "nothing".to_owned() } else { text::line(&all.join(", ")) }
}
