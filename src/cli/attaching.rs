//! `attach`, and what `--attach` does behind other commands.

use std::{env, os::fd::AsFd as _};

use super::{
    Context, Failure,
    args::{self, Viewing},
    ending_text,
    waiting::recorded,
};
use crate::{
    manager::ManagerError,
    session::{SESSION_VARIABLE, Session, SessionName},
    terminal::{self, Departure, Place, Role, TerminalError, View},
};

/// Shows a session here.
pub(super) fn attach(mut context: Context, args: &args::Attach) -> Result<(), Failure> {
    let role = match (args.observe, args.take) {
        (true, _) => Role::Observe,
        (false, true) => Role::Take,
        (false, false) => Role::Control,
    };
    let view = view(&context, role, &args.viewing)?;
    let session = context.manager.session(&args.name)?;
    enter(&context, &session, view)
}

/// How a session that was just started is shown; asked before it is, so that nothing runs that cannot be shown.
pub(super) fn entrance(context: &Context, wanted: bool, viewing: &Viewing) -> Result<Option<View>, Failure> {
    if !wanted {
        return Ok(None);
    }
    if !context.output.has_terminal() {
        return Err(Failure::NoTerminal);
    }
    view(context, Role::Control, viewing).map(Some)
}

/// Shows what was started a moment ago. It may have ended already, and then has nobody left who could show it.
pub(super) fn enter_started(context: &mut Context, session: &Session, view: View) -> Result<(), Failure> {
    let err = match enter(context, session, view) {
        Err(err @ Failure::Manager(ManagerError::Terminal { source: TerminalError::NotRunning, .. })) => err,
        outcome => return outcome,
    };
    let now = context.manager.session(&session.id().to_string())?;
    let Some(ending) = now.ending() else {
        return Err(err);
    };
    let (name, how) = (now.name(), ending_text(recorded(ending)));
    context.output.talk(&format!("[{name}: {how}{}]\n", logs_hint(name)));
    Ok(())
}

fn logs_hint(name: &SessionName) -> String {
    format!("; `wharf logs {name}` shows what it printed")
}

/// Shows a session until somebody leaves or it ends.
pub(super) fn enter(context: &Context, session: &Session, view: View) -> Result<(), Failure> {
    let is_terminal = context.output.has_terminal();
    if !is_terminal && view.role != Role::Observe {
        return Err(Failure::NoTerminal);
    }
    // It would show itself showing itself.
    if env::var(SESSION_VARIABLE).is_ok_and(|id| id == session.id().to_string()) {
        return Err(Failure::Inside { name: session.name().clone() });
    }
    let connection = context.connect(session)?;
    let (input, output) = context.output.streams();
    let place = Place { input: input.as_fd(), output: output.as_fd(), is_terminal };
    let parting = terminal::attach(connection, place, view).map_err(Failure::of_terminal(session))?;
    let name = session.name();
    match parting.departure {
        Departure::Detached if parting.was_taken => {
            context.output.talk(&format!("[{name}: detached, somebody else controls it]\n"));
        }
        Departure::Detached => context.output.talk(&format!("[{name}: detached]\n")),
        Departure::Displaced => {
            let why = "somebody else took control, and no more may be attached";
            context.output.talk(&format!("[{name}: detached, {why}]\n"));
        }
        Departure::Exited(exited) => {
            let logs = if parting.was_shown { String::new() } else { logs_hint(name) };
            context.output.talk(&format!("[{name}: {}{logs}]\n", ending_text(exited)));
        }
        Departure::Signalled(signal) => return Err(Failure::Signalled { signal }),
        Departure::Gone => return Err(Failure::Lost { name: name.clone() }),
    }
    Ok(())
}

fn view(context: &Context, role: Role, viewing: &Viewing) -> Result<View, Failure> {
    let settings = &context.manager.settings().terminal;
    let key = match viewing.detach_key.as_deref() {
        None | Some("") => settings.detach_key,
        Some(text) => text.parse()?,
    };
    let scrollback = viewing.scrollback.unwrap_or(settings.limits.scrollback_rows_max);
    Ok(View { role, key, scrollback })
}
