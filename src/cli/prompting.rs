//! `prompt`.

use super::{
    Context, Failure, args, running,
    sending::{Typing, type_into},
    span,
    waiting::until_waiting,
};

/// Hands a prompt to what runs in a session. It is recorded before it is typed, so that the agent's own word on it finds
/// it there, and so that whoever then waits for the session does not find it waiting still.
pub(super) fn prompt(mut context: Context, args: &args::Prompt) -> Result<(), Failure> {
    let text = running::prompt(&context, &args.text)?;
    let timeout = args.timeout.as_deref().map(span::span).transpose()?;
    let session = context.manager.session(&args.name)?;
    // Where nobody is, nobody is waited for and nothing is recorded.
    if args.when_waiting {
        drop(context.connect(&session)?);
        until_waiting(&mut context, &session, timeout)?;
    }
    let mut connection = context.connect(&session)?;
    let session = context.manager.note_prompt(&session.id().to_string(), &text)?;
    let typing = Typing { text: text.as_bytes(), is_paste: true, keys: &[], enter: true };
    type_into(&mut connection, &typing).map_err(Failure::of_terminal(&session))
}
