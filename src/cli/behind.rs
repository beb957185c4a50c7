//! `behind`: what this program is when it does what nobody waits for. Nobody types it.

use std::{
    ffi::OsString,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{Output, context, holding};
use crate::{manager::Chore, process, socket, workspace::Workspace, worktree::PoolSize};

/// Does the chore that the arguments name, in the workspace that they name.
pub(super) fn behind(output: Output, args: &[OsString]) -> ExitCode {
    let [_, _, chore, workspace] = args else {
        return refuse(output);
    };
    let named = Chore::ALL.into_iter().find(|it| chore == it.word());
    let workspace = Path::new(workspace);
    let (Some(chore), true) = (named, workspace.is_absolute()) else {
        return refuse(output);
    };
    if socket::close_inherited().is_err() {
        // Without `/proc` a pipe of whoever started this may stay open a little longer.
    }
    process::step_back();
    // A workspace that was deleted meanwhile is not made again.
    if workspace.is_dir() {
        holding::unheard(workspace).with_pool_size(pool_size(workspace)).do_chore(chore);
    }
    ExitCode::SUCCESS
}

/// As many worktrees as the settings say by then; while those cannot be read, as many as they said before.
fn pool_size(workspace: &Path) -> PoolSize {
    let workspace = Workspace::at(workspace);
    let last = AtomicUsize::new(context::settings(&workspace).unwrap_or_default().pool_size);
    PoolSize::of(move || {
        if let Ok(settings) = context::settings(&workspace) {
            last.store(settings.pool_size, Ordering::Relaxed);
        }
        last.load(Ordering::Relaxed)
    })
}

fn refuse(output: Output) -> ExitCode {
    output.talk("wharf behind is started by wharf itself\n");
    ExitCode::from(2)
}
