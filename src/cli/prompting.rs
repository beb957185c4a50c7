//! `prompt`.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Context, Failure, args, running, span, waiting::until_waiting};
use crate::{
    session::{Session, SessionStatus},
    terminal::{Connection, paste, press_enter, shown},
};

/// How long an agent may take to tell of a prompt before enter is pressed again, and how often that is done.
const TOLD_WAIT_MAX: Duration = Duration::from_secs(3);
const ENTERS_MAX: u32 = 2;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Hands a prompt to what runs in a session. It is recorded between paste and enter, so that the agent's own word on it
/// finds it there, and so that whoever then waits for the session does not find it waiting still.
pub(super) fn prompt(mut context: Context, args: &args::Prompt) -> Result<(), Failure> {
    let text = running::prompt(&context, &args.text)?;
    let timeout = args.timeout.as_deref().map(span::span).transpose()?;
    let before = context.manager.session(&args.name)?;
    // Where nobody is, nobody is waited for and nothing is recorded.
    if args.when_waiting {
        drop(context.connect(&before)?);
        until_waiting(&mut context, &before, timeout)?;
    }
    let mut connection = context.connect(&before)?;
    let failed = Failure::of_terminal(&before);
    if !paste(&mut connection, &text).map_err(&failed)? {
        return Err(Failure::NotShown { name: before.name().clone() });
    }
    let session = context.manager.note_prompt(&before.id().to_string(), &text)?;
    press_enter(&mut connection).map_err(&failed)?;
    // One that is at work takes it later.
    if session.is_reported() && before.status() != SessionStatus::Active {
        until_told(&context, &mut connection, &session, &text)?;
    }
    Ok(())
}

/// Presses enter again as long as an agent whose hooks tell does not tell of the prompt, and still shows it: while it
/// starts, it can miss a key.
fn until_told(
    context: &Context,
    connection: &mut Connection,
    session: &Session,
    text: &str,
) -> Result<(), Failure> {
    for _ in 0..ENTERS_MAX {
        let deadline = Instant::now() + TOLD_WAIT_MAX;
        while Instant::now() < deadline {
            if context.manager.is_prompt_told(session) {
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
        match shown(connection, text) {
            // It ended.
            Err(_) => return Ok(()),
            Ok(0) => break,
            Ok(_) => (),
        }
        press_enter(connection).map_err(Failure::of_terminal(session))?;
    }
    tracing::warn!(
        sessionId = %session.id(), name = %session.name(),
        "the agent has not told of the prompt yet; see `wharf screen`"
    );
    Ok(())
}
