//! `conversation check` and `health`.

use std::{path::Path, process::ExitCode};

use serde::Serialize;

use super::{Context, Failure, answer, locate};
use crate::{
    conversation::{Flaw, LINE_BYTES_MAX, Transcript, TranscriptState},
    manager::{Health, ManagerError},
    text,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TranscriptView {
    path: Option<String>,
    state: &'static str,
    line: Option<u64>,
    column: Option<u64>,
    problem: Option<String>,
    size: u64,
    lines: u64,
    messages: u64,
    first_timestamp: Option<String>,
    last_timestamp: Option<String>,
}

#[derive(Serialize)]
struct HealthView {
    healthy: bool,
    manager: Manager,
    persistence: Persistence,
    sessions: Sessions,
}

#[derive(Serialize)]
struct Manager {
    active: bool,
    error: Option<String>,
}

#[derive(Serialize)]
struct Persistence {
    available: bool,
    error: Option<String>,
}

#[derive(Serialize)]
struct Sessions {
    total: usize,
    valid: usize,
    invalid: Vec<Invalid>,
}

#[derive(Serialize)]
struct Invalid {
    name: String,
    error: String,
}

/// Exit code 1 when the transcript cannot be gone on with.
pub(super) fn check(context: &mut Context, name: &str, file: Option<&Path>) -> Result<ExitCode, Failure> {
    let file = file.map(locate::absolute).transpose()?;
    let (path, transcript) = context.manager.check_transcript(name, file)?;
    let view = TranscriptView::of(path.as_deref(), &transcript);
    context.output.data(&view, || view.to_text())?;
    Ok(answer(matches!(transcript.state, TranscriptState::Intact | TranscriptState::Torn { .. })))
}

/// Exit code 1 when something is wrong.
pub(super) fn health(context: &mut Context) -> Result<ExitCode, Failure> {
    let health = context.manager.conversation_health();
    let good = health.is_good();
    let view = HealthView::of(health);
    context.output.data(&view, || view.to_text())?;
    Ok(answer(good))
}

impl TranscriptView {
    fn of(path: Option<&Path>, transcript: &Transcript) -> Self {
        let (state, line, column, problem) = match transcript.state {
            TranscriptState::Missing => ("missing", None, None, None),
            TranscriptState::Empty => ("empty", None, None, None),
            TranscriptState::Intact => ("intact", None, None, None),
            TranscriptState::Torn { line } => ("torn", Some(line), None, Some("it was cut short".to_owned())),
            TranscriptState::Corrupt { line, column, flaw } => {
                ("corrupt", Some(line), Some(column), Some(words(flaw)))
            }
        };
        Self {
            path: path.map(|it| it.to_string_lossy().into_owned()),
            state,
            line,
            column,
            problem,
            size: transcript.size,
            lines: transcript.lines,
            messages: transcript.messages,
            first_timestamp: transcript.first.map(|it| it.to_string()),
            last_timestamp: transcript.last.map(|it| it.to_string()),
        }
    }

    fn to_text(&self) -> String {
        let mut facts = vec![("state", self.state.to_owned())];
        if let (Some(line), Some(problem)) = (self.line, &self.problem) {
            let column = self.column.map(|column| format!(", byte {column}")).unwrap_or_default();
            facts.push(("where", format!("line {line}{column}: {problem}")));
        }
        facts.push(("path", self.path.clone().unwrap_or_else(|| "not known".to_owned())));
        facts.push(("size", self.size.to_string()));
        facts.push(("lines", self.lines.to_string()));
        facts.push(("messages", self.messages.to_string()));
        facts.extend(self.first_timestamp.clone().map(|it| ("first", it)));
        facts.extend(self.last_timestamp.clone().map(|it| ("last", it)));
        facts.iter().map(|(key, value)| format!("{key:<10}  {}\n", text::line(value))).collect()
    }
}

fn words(flaw: Flaw) -> String {
    match flaw {
        Flaw::Syntax => "it is not JSON".to_owned(),
        Flaw::Encoding => "it is not UTF-8".to_owned(),
        Flaw::TooLong => format!("it is longer than {} MiB", LINE_BYTES_MAX >> 20),
    }
}

impl HealthView {
    fn of(health: Health) -> Self {
        let healthy = health.is_good();
        let message = |err: ManagerError| Failure::from(err).message();
        let (manager, persistence) = (health.manager.map(message), health.persistence.map(message));
        let total = health.sessions.len();
        let invalid: Vec<Invalid> = health
            .sessions
            .into_iter()
            .filter_map(|it| Some(Invalid { name: it.session.name().to_string(), error: it.flaw? }))
            .collect();
        Self {
            healthy,
            manager: Manager { active: manager.is_none(), error: manager },
            persistence: Persistence { available: persistence.is_none(), error: persistence },
            sessions: Sessions { total, valid: total - invalid.len(), invalid },
        }
    }

    fn to_text(&self) -> String {
        let state = |error: &Option<String>, good: &str| match error {
            None => good.to_owned(),
            Some(error) => text::line(error),
        };
        let mut out = format!(
            "manager      {}\npersistence  {}\nsessions     {} of {} valid\n",
            state(&self.manager.error, "active"),
            state(&self.persistence.error, "available"),
            self.sessions.valid,
            self.sessions.total,
        );
        let invalid = self.sessions.invalid.iter();
        out.extend(invalid.map(|it| format!("             {}: {}\n", it.name, text::line(&it.error))));
        out
    }
}
