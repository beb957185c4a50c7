//! `hold`: what this program is when it owns the terminal of a session. Nobody types it.

use std::{io, process::ExitCode};

use super::Output;
use crate::{
    clock::SystemClock,
    terminal::{self, Keeper, Started, TerminalError},
};

/// Reads what to run from standard input, says once whether it runs, and stays until it ends.
pub(super) fn hold(output: Output) -> ExitCode {
    if terminal::close_inherited().is_err() {
        // Without `/proc` nobody can say who is who; the start fails below, and says so.
    }
    let say = move |line: String| drop(output.raw(line.as_bytes()));
    let Some(launch) = terminal::read_order(io::stdin()) else {
        output.talk("wharf hold is started by wharf itself; use `wharf start`\n");
        return ExitCode::from(2);
    };
    let told = move |started: &Started| {
        say(terminal::answer(Ok(started)));
        if let Err(err) = terminal::let_go_of_streams() {
            tracing::warn!(error = %err, "a holder keeps the pipes of who started it");
        }
    };
    let held = keeper(&launch).and_then(|keeper| terminal::hold(launch, keeper, Box::new(SystemClock), told));
    match held {
        Ok(_) => ExitCode::SUCCESS,
        Err(err) => {
            say(terminal::answer(Err(&err)));
            ExitCode::FAILURE
        }
    }
}

fn keeper(_launch: &terminal::Launch) -> Result<Box<dyn Keeper>, TerminalError> {
    struct Nobody;
    impl Keeper for Nobody {
        fn started(
            &mut self,
            _: &terminal::Launch,
            _: &terminal::Started,
        ) -> Result<(), terminal::KeepError> {
            Ok(())
        }
        fn moved(&mut self, _: terminal::Mood) -> Result<(), terminal::KeepError> {
            Ok(())
        }
        fn ended(&mut self, _: terminal::Exited, _: bool) -> Result<(), terminal::KeepError> {
            Ok(())
        }
    }
    Ok(Box::new(Nobody))
}
