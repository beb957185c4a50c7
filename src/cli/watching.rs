//! `logs` and `screen`.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Context, Failure, args, context::now, span};
use crate::{
    manager::ManagerError,
    screen,
    session::Session,
    terminal::{Connection, Follower, FromHolder, History, Question, TerminalError},
};

/// How often what was printed is looked at while it is followed.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const CHUNK_BYTES: usize = 64 << 10;

/// Prints what a session printed, and goes on with what it prints.
pub(super) fn logs(mut context: Context, args: &args::Logs) -> Result<(), Failure> {
    let since = args.since.as_deref().map(|text| span::moment(text, now())).transpose()?;
    let session = context.manager.session(&args.name)?;
    let failed = Failure::of_terminal(&session);
    let folder = context.manager.workspace().session_folder(session.id());
    // Whoever is there before the first look is seen to its end.
    let mut connection = match running(&context, &session) {
        Err(failure) if args.follow => return Err(failure),
        outcome => outcome.ok().flatten(),
    };
    if let Some(holder) = &mut connection {
        // By the time it answers, all that anybody was shown is on the disk. Without an answer, what is there is printed.
        drop(holder.info());
    }
    let mut connection = connection.filter(|_| args.follow);
    let mut follower = History::in_folder(&folder).since(since).map_err(failed)?;
    loop {
        let goes_on = match &mut connection {
            Some(connection) => goes_on(connection),
            None => false,
        };
        print(&context, &session, &mut follower)?;
        if !goes_on {
            break;
        }
    }
    if context.output.is_terminal() {
        context.output.exactly(screen::RESET)?;
    }
    Ok(())
}

/// Prints what is to be seen now.
pub(super) fn screen(mut context: Context, args: &args::Screen) -> Result<(), Failure> {
    let session = context.manager.session(&args.name)?;
    let failed = Failure::of_terminal(&session);
    let question = match (context.output.is_json(), args.ansi) {
        (true, _) => Question::Cells,
        (false, true) => Question::Ansi,
        (false, false) => Question::Text,
    };
    let mut answer = context.connect(&session)?.ask(question).map_err(&failed)?;
    if question == Question::Cells {
        let text = String::from_utf8(answer).ok().and_then(|text| RawValue::from_string(text).ok());
        let cells = text.ok_or(TerminalError::Silent { because: "what it says makes no sense" });
        return Ok(context.output.data(&cells.map_err(&failed)?, String::new)?);
    }
    if !answer.ends_with(b"\n") {
        answer.push(b'\n');
    }
    Ok(context.output.exactly(&answer)?)
}

/// The holder of a session, if something runs in it.
fn running(context: &Context, session: &Session) -> Result<Option<Connection>, Failure> {
    match context.connect(session) {
        Ok(connection) => Ok(Some(connection)),
        Err(Failure::Manager(ManagerError::Terminal { source: TerminalError::NotRunning, .. })) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Waits a moment; whether the program still runs.
fn goes_on(connection: &mut Connection) -> bool {
    !matches!(connection.receive(Some(LOOK_EVERY)), Ok(Some(FromHolder::Exit(_))) | Err(_))
}

fn print(context: &Context, session: &Session, follower: &mut Follower) -> Result<(), Failure> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match follower.read(&mut buffer).map_err(Failure::of_terminal(session))? {
            0 => return Ok(()),
            count => context.output.exactly(&buffer[..count])?,
        }
    }
}
