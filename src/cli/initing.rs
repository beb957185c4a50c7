//! `init`: what this program is when it is the first process of a container.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use super::{Context, Failure, args};
use crate::{
    process::{Charge, Supervisor},
    screen::Size,
    terminal::Stop,
};

/// How much of the grace is left for what does not end by itself to be killed in.
const KILLING: Duration = Duration::from_secs(1);

/// Runs a command until it ends, or the container is to stop; then ends all sessions in order.
pub(super) fn init(mut context: Context, args: args::Init) -> Result<ExitCode, Failure> {
    let failed = |program: PathBuf| move |source| Failure::Io { action: "run", path: program, source };
    let program = args.command.first().map(PathBuf::from).unwrap_or_default();
    // From here on; a container can be told to stop while its sessions come back.
    let supervisor = Supervisor::listen().map_err(failed(program.clone()))?;
    if args.resume {
        for resumed in context.manager.resume_all(Size::default(), &|| !supervisor.is_told_to_end())? {
            let name = resumed.before.name();
            match resumed.outcome {
                Ok(_) => context.output.talk(&format!("{name}: resumed\n")),
                Err(err) => {
                    context.output.talk(&format!("{name}: not resumed: {}\n", Failure::from(err).to_text()));
                }
            }
        }
    }
    let grace = Duration::from_secs(args.grace);
    let charge = Charge { command: args.command, restart: args.restart, grace };
    let grace_ms = u64::try_from(grace.saturating_sub(KILLING).as_millis()).unwrap_or(u64::MAX);
    let stop = Stop { signal: None, grace_ms, shutdown: true };
    let mut manager = context.manager;
    let code = supervisor.run(&charge, move || {
        if let Err(err) = manager.stop_all(stop) {
            tracing::error!(error = %err, "the sessions were not ended in order");
        }
    });
    code.map(ExitCode::from).map_err(failed(program))
}
