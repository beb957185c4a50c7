//! `hold` and `hold-shell`: what this program is when it owns the terminal, or the context, of a session. Nobody types them.

use std::{io, path::Path, process::ExitCode, sync::Arc};

use super::{
    Output, context,
    logs::{self, Talk},
};
use crate::{
    clock::SystemClock,
    config::Settings,
    manager::{SessionKeeper, SessionManager},
    process, shell, socket,
    terminal::{self, Started},
    workspace::Workspace,
};

/// Reads what to run from standard input, says once whether it runs, and stays until it ends.
pub(super) fn hold(output: Output) -> ExitCode {
    if socket::close_inherited().is_err() {
        // Without `/proc` nobody can say who is who; the start fails below, and says so.
    }
    process::share_memory();
    let say = move |line: String| drop(output.raw(line.as_bytes()));
    let Some(launch) = terminal::read_order(io::stdin()) else {
        output.talk("wharf hold is started by wharf itself; use `wharf start`\n");
        return ExitCode::from(2);
    };
    let keeper = keeper(&launch.workspace);
    let told = move |started: &Started| {
        say(terminal::answer(Ok(started)));
        if let Err(err) = socket::let_go_of_streams() {
            tracing::warn!(error = %err, "a holder keeps the pipes of who started it");
        }
    };
    let held = terminal::hold(launch, Box::new(keeper), Box::new(SystemClock), told);
    match held {
        Ok(_) => ExitCode::SUCCESS,
        Err(err) => {
            say(terminal::answer(Err(&err)));
            ExitCode::FAILURE
        }
    }
}

/// Reads whose context to keep from standard input, says once whether callers can come, and stays until it is unloaded.
pub(super) fn hold_shell(output: Output) -> ExitCode {
    if socket::close_inherited().is_err() {
        // Without `/proc` no interpreter can be reached; the first command fails, and says so.
    }
    process::share_memory();
    let say = move |line: String| drop(output.raw(line.as_bytes()));
    let Some(order) = shell::read_order(io::stdin()) else {
        output.talk("wharf hold-shell is started by wharf itself; use `wharf exec`\n");
        return ExitCode::from(2);
    };
    let keeper = keeper(&order.place.workspace);
    let told = move || {
        say(shell::answer(Ok(())));
        if let Err(err) = socket::let_go_of_streams() {
            tracing::warn!(error = %err, "a holder keeps the pipes of who started it");
        }
    };
    match shell::hold(order, Box::new(keeper), Arc::new(SystemClock), told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            say(shell::answer(Err(&err)));
            ExitCode::FAILURE
        }
    }
}

/// Writes down what happens in the state file.
fn keeper(workspace: &Path) -> SessionKeeper {
    SessionKeeper::of(unheard(workspace))
}

/// A manager in a process that nobody listens to; settings that cannot be used do not keep it from its work.
pub(super) fn unheard(workspace: &Path) -> SessionManager {
    let workspace = Workspace::at(workspace);
    let settings = context::settings(&workspace).unwrap_or_else(|err| Settings::fallback(&err));
    logs::begin(
        Some(workspace.logs()),
        settings.log_days.get(),
        Talk { quiet: true, verbose: 0, json: false },
    );
    context::manager(workspace, settings)
}
