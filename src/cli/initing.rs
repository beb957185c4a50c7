//! `init`: what this program is when it is the first process of a container.

use std::{mem::ManuallyDrop, path::PathBuf, process::ExitCode, time::Duration};

use super::{Context, Failure, Output, args};
use crate::{
    lock::Lock,
    manager::SessionManager,
    process::{Charge, Supervisor},
    screen::Size,
    terminal::Stop,
    text,
};

/// How much of the grace is left for what does not end by itself to be killed in.
const KILLING: Duration = Duration::from_secs(1);

/// Runs a command until it ends, or the container is to stop; then ends all sessions in order. The command runs whatever
/// is wrong with the workspace: somebody must be able to look into it.
pub(super) fn init(
    output: Output,
    opened: Result<Context, Failure>,
    args: args::Init,
) -> Result<ExitCode, Failure> {
    let failed = |program: PathBuf| move |source| Failure::Io { action: "run", path: program, source };
    let program = args.command.first().map(PathBuf::from).unwrap_or_default();
    // From here on; a container can be told to stop while its sessions come back.
    let supervisor = Supervisor::listen().map_err(failed(program.clone()))?;
    let mut manager = match opened {
        Ok(context) => Some(ManuallyDrop::into_inner(context.manager)),
        Err(err) => {
            output.talk(&err.to_text());
            None
        }
    };
    // Held until this process ends, however it does.
    let _charge = manager.as_mut().and_then(|manager| {
        let charge = restore(output, manager);
        if args.resume {
            resume(output, manager, &supervisor);
        }
        charge
    });
    let grace = Duration::from_secs(args.grace);
    let charge = Charge { command: args.command, restart: args.restart, grace };
    let grace_ms = u64::try_from(grace.saturating_sub(KILLING).as_millis()).unwrap_or(u64::MAX);
    let stop = Stop { signal: None, grace_ms, shutdown: true };
    let code = supervisor.run(&charge, move || {
        if let Some(Err(err)) = manager.map(|mut manager| manager.stop_all(stop)) {
            tracing::error!(error = %err, "the sessions were not ended in order");
        }
    });
    code.map(ExitCode::from).map_err(failed(program))
}

/// Brings back what a container left that was killed. Sessions of one that lives are not touched.
fn restore(output: Output, manager: &mut SessionManager) -> Option<Lock> {
    let charge = match manager.take_charge() {
        Ok(Some(charge)) => charge,
        Ok(None) => {
            output.talk(
                "another `wharf init` is at work in this workspace, so its sessions are left as they are\n",
            );
            return None;
        }
        Err(err) => {
            output.talk(&format!("nothing is restored: {}\n", text::because(&err)));
            return None;
        }
    };
    if let Err(err) = manager.restore_after_crash() {
        output.talk(&format!("the sessions are not restored: {}", Failure::from(err).to_text()));
    }
    Some(charge)
}

/// Starts again what the last end of the container ended, and says of each how that went.
fn resume(output: Output, manager: &mut SessionManager, supervisor: &Supervisor) {
    match manager.resume_all(Size::default(), &|| !supervisor.is_told_to_end()) {
        Ok(all) => {
            for resumed in all {
                let name = resumed.before.name();
                let how = match resumed.outcome {
                    Ok(_) => "resumed\n".to_owned(),
                    Err(err) => format!("not resumed: {}\n", Failure::from(err).to_text()),
                };
                output.talk(&format!("{name}: {how}"));
            }
        }
        Err(err) => output.talk(&format!("nothing is resumed: {}", Failure::from(err).to_text())),
    }
}
