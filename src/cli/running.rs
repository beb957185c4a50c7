//! `start`, `stop`, `restart`, `kill`, `resume` and `ps`.

use std::env;

use serde::Serialize;

use super::{
    Context, Failure, args,
    attaching::{enter_started, entrance},
    context::now,
    sending::text_of,
    showing, span, table, view,
};
use crate::{
    json::Members,
    manager::{AgentRequest, Opening, Resumed, Running, StartSession},
    process::{Process, signal_named},
    session::{Command, Session},
    terminal::{Info, Stop, View},
    view::ContextView,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResumedView {
    session: Members,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunningView {
    session: Members,
    terminal: Option<Info>,
    context: Option<ContextView>,
    processes: Vec<ProcessView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessView {
    pid: u32,
    parent: u32,
    name: String,
}

/// Starts a program in a session, and shows it if that is wanted.
pub(super) fn start(mut context: Context, args: args::Start) -> Result<(), Failure> {
    let view = entrance(&context, args.attach, &args.viewing)?;
    let opening = match args.conversation.as_deref() {
        Some(id) => Opening::Given(id.parse()?),
        None if args.goes_on => Opening::Last,
        None => Opening::New,
    };
    let request = asked(&context, &args.asking, opening, args.command)?;
    let session = context.manager.start(&args.name, &request)?;
    show(&mut context, session, view)
}

/// Ends what runs in a session.
pub(super) fn stop(mut context: Context, args: &args::Stop) -> Result<(), Failure> {
    let mut stop = context.manager.default_stop();
    if let Some(text) = &args.signal {
        stop.signal = Some(signal(text)?);
    }
    if let Some(text) = &args.timeout {
        stop = Stop { grace_ms: u64::try_from(span::span(text)?.as_millis()).unwrap_or(u64::MAX), ..stop };
    }
    let session = context.manager.stop(&args.name, stop)?;
    showing::record(&context, session)
}

/// Ends what runs in a session and starts it again.
pub(super) fn restart(mut context: Context, args: args::Restart) -> Result<(), Failure> {
    let view = entrance(&context, args.attach, &args.viewing)?;
    let request = request(&context, args.command)?;
    let stop = context.manager.default_stop();
    let session = context.manager.restart(&args.name, &request, stop)?;
    show(&mut context, session, view)
}

/// Ends what runs in a session at once.
pub(super) fn kill(mut context: Context, args: &args::Kill) -> Result<(), Failure> {
    let session = context.manager.kill(&args.name)?;
    showing::record(&context, session)
}

/// Starts again what was interrupted.
pub(super) fn resume(mut context: Context, args: &args::Resume) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        let request = request(&context, Vec::new())?;
        let session = context.manager.resume(name, &request)?;
        return showing::record(&context, session);
    }
    let resumed = context.manager.resume_all(context.output.size(), &|| true)?;
    let views: Vec<ResumedView> = resumed.iter().map(|it| resumed_view(&context, it)).collect();
    let text = || {
        let line = |it: &Resumed| match &it.outcome {
            Ok(session) => format!("{} runs again\n", session.name()),
            Err(err) => {
                format!("{} does not run: {}\n", it.before.name(), crate::text::lines(&err.to_string()))
            }
        };
        resumed.iter().map(line).collect()
    };
    context.output.data(&views, text)?;
    match resumed.iter().filter(|it| it.outcome.is_err()).count() {
        0 => Ok(()),
        count => Err(Failure::NotResumed { count }),
    }
}

/// Prints what runs.
pub(super) fn ps(mut context: Context, args: &args::Ps) -> Result<(), Failure> {
    let running = context.manager.ps(args.name.as_deref())?;
    // A holder that does not answer is told by what is missing.
    let seen: Vec<(Running, Option<Info>)> = running
        .into_iter()
        .map(|it| {
            let info = context.connect(&it.session).ok().and_then(|mut holder| holder.info().ok());
            (it, info)
        })
        .collect();
    let views = || seen.iter().map(|(it, info)| running_view(&context, it, info.clone())).collect::<Vec<_>>();
    let text = || {
        let mut text = table::running(&seen, now());
        if let (Some(_), [(it, _)]) = (&args.name, &*seen) {
            text.push('\n');
            text.push_str(&table::processes(&it.processes));
        }
        text
    };
    Ok(context.output.either(views, text)?)
}

/// What is to be started: an agent, if one is named, else a command.
pub(super) fn asked(
    context: &Context,
    asking: &args::Asking,
    conversation: Opening,
    words: Vec<String>,
) -> Result<StartSession, Failure> {
    let Some(name) = &asking.agent else {
        return request(context, words);
    };
    let prompt = asking.prompt.as_deref().map(|text| prompt(context, text)).transpose()?;
    let agent = AgentRequest { name: name.parse()?, arguments: words, prompt, conversation };
    Ok(StartSession { agent: Some(agent), ..request(context, Vec::new())? })
}

/// A prompt that was given, or standard input for `-`.
pub(super) fn prompt(context: &Context, given: &str) -> Result<String, Failure> {
    let wrong = |wanted| Failure::Value { given: given.to_owned(), wanted };
    let text = String::from_utf8(text_of(context, given)?).map_err(|_| wrong("a prompt in UTF-8"))?;
    let text = text.trim_end();
    if text.is_empty() { Err(wrong("a prompt that is not empty")) } else { Ok(text.to_owned()) }
}

/// A command that is to be started.
pub(super) fn request(context: &Context, command: Vec<String>) -> Result<StartSession, Failure> {
    let command = if command.is_empty() { None } else { Some(command_of(command)?) };
    let shell = env::var("SHELL").ok().filter(|shell| !shell.is_empty());
    let shell = shell.and_then(|shell| Command::of(vec![shell]).ok());
    Ok(StartSession { agent: None, command, shell, size: context.output.size() })
}

/// Shows a session that was started: its terminal, or its record.
pub(super) fn show(context: &mut Context, session: Session, view: Option<View>) -> Result<(), Failure> {
    match view {
        Some(view) => enter_started(context, &session, view),
        None => showing::record(context, session),
    }
}

fn command_of(words: Vec<String>) -> Result<Command, Failure> {
    Ok(Command::of(words).map_err(crate::manager::ManagerError::from)?)
}

/// A signal by its number or by its name, with or without `SIG`.
fn signal(text: &str) -> Result<i32, Failure> {
    let wrong = || Failure::Value { given: text.to_owned(), wanted: "a signal such as INT or 2" };
    signal_named(text).ok_or_else(wrong)
}

fn resumed_view(context: &Context, resumed: &Resumed) -> ResumedView {
    let (session, error) = match &resumed.outcome {
        Ok(session) => (session, None),
        Err(err) => (&resumed.before, Some(err.to_string())),
    };
    ResumedView { session: view::record(context, session), error }
}

fn running_view(context: &Context, running: &Running, info: Option<Info>) -> RunningView {
    let process = |it: &Process| ProcessView { pid: it.pid, parent: it.parent, name: it.name.clone() };
    RunningView {
        session: view::record(context, &running.session),
        terminal: info,
        context: running.context.as_ref().map(ContextView::of),
        processes: running.processes.iter().map(process).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_a_name_and_a_number() {
        for (text, number) in [("INT", 2), ("sigterm", 15), ("SIGKILL", 9), ("9", 9), ("hup", 1)] {
            assert_eq!(signal(text).unwrap(), number, "{text}");
        }
        for text in ["", "0", "65", "-1", "SIG", "NOTHING"] {
            assert!(signal(text).is_err(), "{text}");
        }
    }
}
