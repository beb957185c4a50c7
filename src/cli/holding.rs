//! `hold`: what this program is when it owns the terminal of a session. Nobody types it.

use std::{io, process::ExitCode};

use super::{
    Output, context,
    logs::{self, Talk},
};
use crate::{
    clock::SystemClock,
    manager::SessionKeeper,
    process, socket,
    terminal::{self, Keeper, Launch, Started},
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
    let keeper = keeper(&launch);
    let told = move |started: &Started| {
        say(terminal::answer(Ok(started)));
        if let Err(err) = socket::let_go_of_streams() {
            tracing::warn!(error = %err, "a holder keeps the pipes of who started it");
        }
    };
    let held = terminal::hold(launch, keeper, Box::new(SystemClock), told);
    match held {
        Ok(_) => ExitCode::SUCCESS,
        Err(err) => {
            say(terminal::answer(Err(&err)));
            ExitCode::FAILURE
        }
    }
}

/// Writes down what happens in the state file; settings that cannot be used do not keep a program from its record.
fn keeper(launch: &Launch) -> Box<dyn Keeper> {
    let workspace = Workspace::at(&launch.workspace);
    let settings = context::settings(&workspace).unwrap_or_default();
    logs::begin(
        Some(workspace.logs()),
        settings.log_days.get(),
        Talk { quiet: true, verbose: 0, json: false },
    );
    Box::new(SessionKeeper::of(context::manager(workspace, settings)))
}
