//! `hook`: what an agent tells while it works. It must never be held up or failed by that: nothing is printed, the exit
//! code is 0, and whatever goes wrong is a line in the log.

use std::{
    env,
    ffi::OsStr,
    fs::OpenOptions,
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    args::{self, Global},
    context::{manager, settings},
    locate,
    logs::{self, Talk},
};
use crate::{
    config::Settings,
    session::{SESSION_VARIABLE, SessionId},
    terminal::{Connection, KeepError, Runtime},
    text,
    workspace::Workspace,
};

/// How long a holder may take to say that it will write it down.
const HOLDER_WAIT_MAX: Duration = Duration::from_millis(200);

/// The longest input of a hook.
const HOOK_BYTES_MAX: u64 = 1 << 20;
/// How much of an input that is too long is read, so that its writer does not meet a closed pipe.
const DRAINED_BYTES_MAX: u64 = 256 << 20;
/// How much of the words of a hook that makes no sense is logged.
const WORDS_CHARS_MAX: usize = 200;

/// Takes in what a hook tells: the holder of the session writes it down, so that the agent does not wait for the disk; where
/// there is none, that is done here.
pub(super) fn hook(global: &Global, args: &args::Hook) {
    // Where even this cannot be had, nobody could be told.
    drop(silence());
    let input = input();
    // Outside a session there is nobody to tell.
    let Some(id) = env::var(SESSION_VARIABLE).ok().and_then(|id| id.parse::<SessionId>().ok()) else {
        return;
    };
    let Some(workspace) = workspace(global, id) else {
        return;
    };
    let words = args.words.join(OsStr::new(" ")).to_string_lossy().replace('\n', " ");
    let told = input.map(|input| [words.as_bytes(), b"\n", &input].concat());
    if let Ok(told) = &told
        && is_taken(&workspace, id, told)
    {
        return;
    }
    let settings = settings(&workspace).unwrap_or_else(|err| Settings::fallback(&err));
    let talk = Talk { quiet: true, verbose: 0, json: false };
    logs::begin(Some(workspace.logs()), settings.log_days.get(), talk);
    let heard =
        told.map_err(KeepError::from).and_then(|told| Ok(manager(workspace, settings).hear(id, &told)?));
    if let Err(err) = heard {
        let words: String = words.chars().take(WORDS_CHARS_MAX).collect();
        tracing::warn!(
            sessionId = %id, hook = %words, error = %text::because(&*err),
            "a hook was not taken in"
        );
    }
}

/// Whether the holder of the session takes it.
fn is_taken(workspace: &Workspace, id: SessionId, told: &[u8]) -> bool {
    let socket = Runtime::of(workspace.root()).socket(id);
    let taken = Connection::open_within(&socket, HOLDER_WAIT_MAX)
        .and_then(|mut holder| holder.report(told.to_vec(), HOLDER_WAIT_MAX));
    taken.unwrap_or(false)
}

/// Whatever complains from here on (a log that cannot be written, a panic) complains to nobody.
fn silence() -> io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(rustix::stdio::dup2_stderr(&nowhere)?)
}

/// What the agent says, whole; a person who tries it out is not waited for.
fn input() -> Result<Vec<u8>, io::Error> {
    let mut stdin = io::stdin().lock();
    let mut bytes = Vec::new();
    if stdin.is_terminal() {
        return Ok(bytes);
    }
    stdin.by_ref().take(HOOK_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > HOOK_BYTES_MAX {
        io::copy(&mut stdin.take(DRAINED_BYTES_MAX), &mut io::sink())?;
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it says too much"));
    }
    Ok(bytes)
}

/// The workspace of a session that is only known by its id: where a folder above has its worktree, else the usual one.
fn workspace(global: &Global, id: SessionId) -> Option<Workspace> {
    if global.workspace.is_none()
        && let Some(root) = locate::around_session(id, env::var_os("WHARF_WORKTREE").map(PathBuf::from))
    {
        return locate::usable(Workspace::at(&root)).ok();
    }
    locate::workspace(global.workspace.as_deref().map(Path::new)).ok()
}
