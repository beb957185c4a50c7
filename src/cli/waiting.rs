//! `wait`.

use std::{
    thread,
    time::{Duration, Instant},
};

use regex::bytes::Regex;
use serde::Serialize;

use super::{Context, Failure, args, ending_text, span};
use crate::{
    manager::ManagerError,
    pattern,
    screen::{Screen, Size},
    session::{Cause, Ending, How, Session, SessionStatus},
    terminal::{Attach, Connection, Exited, FromClient, FromHolder, Mood, Role, TerminalError},
};

/// How often the record of a session is read.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How much goes onto the screen between two looks at it, beside what the line ends in it allow.
const STEP_BYTES: usize = 4 << 10;
/// How long a program is silent when it is idle, where the settings give no number.
const QUIET: Duration = Duration::from_secs(10);

/// What is waited for.
enum Goal {
    Exit,
    Idle(Duration),
    Text(Regex),
    Status(SessionStatus),
}

/// What came.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Met {
    #[serde(rename = "for")]
    goal: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exited: Option<Exited>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<SessionStatusView>,
    #[serde(skip)]
    words: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct SessionStatusView(String);

/// Whose patience it is, and how long it lasts.
struct Patience<'a> {
    session: &'a Session,
    goal: &'a str,
    deadline: Option<Instant>,
}

/// Waits until something is so.
pub(super) fn wait(mut context: Context, args: &args::Wait) -> Result<(), Failure> {
    let goal = goal(args, context.manager.settings().terminal.limits.quiet)?;
    let timeout = args.timeout.as_deref().map(span::span).transpose()?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let session = context.manager.session(&args.name)?;
    let patience = Patience { session: &session, goal: &args.goal, deadline };
    let met = match goal {
        Goal::Exit => exit(&mut context, &patience),
        Goal::Idle(silence) => idle(&context, &patience, silence),
        Goal::Text(regex) => text(&context, &patience, &regex),
        Goal::Status(status) => self::status(&mut context, &patience, status),
    }?;
    Ok(context.output.data(&met, || format!("{}: {}\n", session.name(), met.words))?)
}

fn goal(args: &args::Wait, quiet: Option<Duration>) -> Result<Goal, Failure> {
    let wrong = |wanted| Failure::Value { given: args.goal.clone(), wanted };
    Ok(match args.goal.split_once(':') {
        None if args.goal == "exit" => Goal::Exit,
        None if args.goal == "idle" => match &args.silent_for {
            Some(text) => Goal::Idle(span::span(text)?),
            None => Goal::Idle(quiet.unwrap_or(QUIET)),
        },
        None if args.goal == "waiting" => Goal::Status(SessionStatus::Waiting),
        Some(("status", status)) => Goal::Status(status.parse()?),
        Some(("text", text)) => {
            let wanted = "text: with a regular expression behind it, in which `(?i)` and classes such as `\\w` know ASCII";
            Goal::Text(pattern::of_lines(text).ok_or_else(|| wrong(wanted))?)
        }
        None | Some(_) => return Err(wrong("exit, idle, waiting, text:REGEX or status:STATUS")),
    })
}

impl Patience<'_> {
    /// How long to wait for one thing, at most until the time is over.
    fn left(&self, limit: Option<Duration>) -> Result<Option<Duration>, Failure> {
        let Some(deadline) = self.deadline else {
            return Ok(limit);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.over());
        }
        Ok(Some(limit.map_or(left, |limit| limit.min(left))))
    }

    fn over(&self) -> Failure {
        Failure::TimedOut { name: self.session.name().clone(), goal: self.goal.to_owned() }
    }

    /// The next message; nothing when the limit has passed.
    fn hear(&self, from: &mut Connection, limit: Option<Duration>) -> Result<Option<FromHolder>, Failure> {
        match from.receive(self.left(limit)?) {
            Ok(message) => Ok(message),
            Err(_) if !from.is_open() => Err(Failure::Lost { name: self.session.name().clone() }),
            Err(source) => Err(Failure::of_terminal(self.session)(source)),
        }
    }
}

fn exit(context: &mut Context, patience: &Patience<'_>) -> Result<Met, Failure> {
    let mut connection = match context.connect(patience.session) {
        Ok(connection) => connection,
        Err(Failure::Manager(ManagerError::Terminal { source: TerminalError::NotRunning, .. })) => {
            // It may have ended just now, or long ago; its record says how.
            let session = context.manager.session(&patience.session.id().to_string())?;
            let Some(exited) = session.ending().map(recorded) else {
                return Ok(met("exit", "nothing runs in it".to_owned()));
            };
            return Ok(Met { exited: Some(exited), ..met("exit", ending_text(exited)) });
        }
        Err(failure) => return Err(failure),
    };
    loop {
        if let Some(FromHolder::Exit(exited)) = patience.hear(&mut connection, None)? {
            return Ok(Met { exited: Some(exited), ..met("exit", ending_text(exited)) });
        }
    }
}

/// How a program ended, from the record of its session.
pub(super) fn recorded(ending: &Ending) -> Exited {
    let (code, signal) = match ending.how {
        How::Exited(code) => (Some(code), None),
        How::Signalled(signal) => (None, Some(signal)),
        How::Unseen => (None, None),
    };
    Exited { code, signal, asked: ending.cause == Cause::Asked }
}

fn idle(context: &Context, patience: &Patience<'_>, silence: Duration) -> Result<Met, Failure> {
    let mut connection = context.connect(patience.session)?;
    loop {
        let info = connection.info().map_err(Failure::of_terminal(patience.session))?;
        let silent = Duration::from_millis(info.silent_ms);
        if silent >= silence {
            return Ok(met("idle", format!("silent for {} s", silent.as_secs())));
        }
        let rest = silence.saturating_sub(silent).max(Duration::from_millis(1));
        let said = patience.hear(&mut connection, Some(rest))?;
        if let Some(FromHolder::Exit(exited)) = said {
            return Ok(Met { exited: Some(exited), ..met("idle", ending_text(exited)) });
        }
    }
}

fn text(context: &Context, patience: &Patience<'_>, regex: &Regex) -> Result<Met, Failure> {
    let mut connection = context.connect(patience.session)?;
    let hello = connection.hello();
    let mut size = Size::new(hello.rows, hello.cols).unwrap_or_default();
    let attach = Attach {
        protocol: connection.protocol(),
        role: Role::Observe,
        rows: size.rows(),
        cols: size.cols(),
        scrollback: 0,
        is_terminal: false,
    };
    connection.send(&FromClient::Attach(attach)).map_err(Failure::of_terminal(patience.session))?;
    let mut screen = Screen::new(size, 0);
    let mut is_whole = true;
    loop {
        let Some(message) = patience.hear(&mut connection, None)? else {
            return Err(patience.over());
        };
        let bytes = match message {
            FromHolder::Output { bytes, .. } => bytes,
            FromHolder::Snapshot { bytes, is_last, .. } => {
                if is_whole {
                    screen = Screen::new(size, 0);
                }
                is_whole = is_last;
                bytes
            }
            FromHolder::Status(status) => {
                size = Size::new(status.rows, status.cols).unwrap_or(size);
                continue;
            }
            FromHolder::Exit(exited) => {
                return Err(Failure::Ended {
                    name: patience.session.name().clone(),
                    how: ending_text(exited),
                    goal: patience.goal.to_owned(),
                });
            }
            FromHolder::Refused(refusal) => {
                let source = TerminalError::Refused { code: refusal.code, message: refusal.message };
                return Err(Failure::of_terminal(patience.session)(source));
            }
            FromHolder::Hello(_)
            | FromHolder::Borrowed(_)
            | FromHolder::Returned { .. }
            | FromHolder::Undo(_)
            | FromHolder::Answer { .. } => continue,
        };
        for step in steps(&bytes, size) {
            drop(screen.feed(step));
            // A screen of which parts are missing shows what never was there.
            if is_whole && let Some(found) = regex.find(screen.text().as_bytes()) {
                let found = String::from_utf8_lossy(found.as_bytes()).into_owned();
                return Ok(Met { text: Some(found.clone()), ..met("text", crate::text::lines(&found)) });
            }
        }
    }
}

/// Cuts output so that no line scrolls away between two looks at the screen.
fn steps(bytes: &[u8], size: Size) -> impl Iterator<Item = &[u8]> {
    let lines_max = usize::from(size.rows()).saturating_sub(1).max(1);
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let near = &rest[..rest.len().min(STEP_BYTES)];
        let ends = near.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let length = ends.map(|(at, _)| at + 1).nth(lines_max - 1).unwrap_or(near.len());
        let (step, behind) = rest.split_at(length);
        rest = behind;
        (!step.is_empty()).then_some(step)
    })
}

fn status(context: &mut Context, patience: &Patience<'_>, status: SessionStatus) -> Result<Met, Failure> {
    let id = patience.session.id().to_string();
    loop {
        let session = context.manager.session(&id)?;
        if session.status() == status && !is_behind(context, &session) {
            let view = Some(SessionStatusView(status.to_string()));
            return Ok(Met { status: view, ..met("status", status.to_string()) });
        }
        // A session waits for somebody only while something runs in it.
        if let (SessionStatus::Waiting, Some(ending)) = (status, session.ending()) {
            return Err(Failure::Ended {
                name: session.name().clone(),
                how: ending_text(recorded(ending)),
                goal: patience.goal.to_owned(),
            });
        }
        thread::sleep(patience.left(Some(LOOK_EVERY))?.unwrap_or(LOOK_EVERY));
    }
}

/// Whether the table still says that a session waits, and something has happened in its terminal since: that is written
/// down a few seconds later. Where an agent tells its state itself, the terminal is not asked.
fn is_behind(context: &Context, session: &Session) -> bool {
    session.status() == SessionStatus::Waiting
        && session.process().is_some()
        && !session.is_reported()
        && context
            .connect(session)
            .and_then(|mut holder| holder.info().map_err(Failure::of_terminal(session)))
            .is_ok_and(|info| info.mood == Some(Mood::Active))
}

/// Waits until a session waits for somebody.
pub(super) fn until_waiting(
    context: &mut Context,
    session: &Session,
    timeout: Option<Duration>,
) -> Result<(), Failure> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let patience = Patience { session, goal: "waiting", deadline };
    status(context, &patience, SessionStatus::Waiting).map(drop)
}

fn met(goal: &'static str, words: String) -> Met {
    Met { goal, exited: None, text: None, status: None, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_looks_no_line_scrolls_away() {
        let size = Size::new(3, 80).unwrap();
        let cut = |text: &'static str| steps(text.as_bytes(), size).collect::<Vec<_>>();
        assert_eq!(cut("1\n2\n3\n4\n5"), [&b"1\n2\n"[..], b"3\n4\n", b"5"]);
        assert_eq!(cut(""), [&b""[..]; 0]);
        let long = vec![b'x'; STEP_BYTES + 1];
        assert_eq!(steps(&long, size).map(<[u8]>::len).collect::<Vec<_>>(), [STEP_BYTES, 1]);
    }
}
