//! The contexts of a workspace as they really are: one holder for each that lives.

use std::{
    collections::BTreeSet,
    iter,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Caller, Done, Place, Processes, Request, ShellError, Shells, Summary, Unload,
    call::{Called, call},
    client::{Connection, silent},
    launch::{self, HOLD_SHELL, Order},
    message::TEXT_BYTES_MAX,
};
use crate::{
    interpreter::Interpreters,
    process::{self, Offspring, Signal},
    session::{CONTEXT_VARIABLE, HOLDER_VARIABLE, SessionId},
    socket::{self, Folder, Post, SocketError},
};

/// How long a holder may take to say who it is, or what it knows.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long holders may come and go until one takes a command.
const CALL_WAIT_MAX: Duration = Duration::from_mins(1);
/// How often one that is about to begin or to end is asked again.
const AGAIN: Duration = Duration::from_millis(20);
/// How long what a killed holder left may take to end, and how often the killing is repeated for what was started meanwhile.
const SWEEP_GRACE: Duration = Duration::from_millis(500);
const SWEEPS_MAX: usize = 20;

/// Reaches the holders of contexts through their sockets, and starts new ones.
#[derive(Clone, Debug)]
pub struct HolderShells {
    wharf: PathBuf,
    folder: Folder,
    interpreters: Interpreters,
    interpreter: String,
    /// The holders that this process started and that have not been reaped.
    holders: Arc<Offspring>,
}

impl HolderShells {
    /// The contexts of the workspace with this folder of sockets; holders are started from this program, and know these
    /// interpreters and which of them is meant where nobody names one.
    pub fn of(wharf: PathBuf, folder: Folder, interpreters: Interpreters, interpreter: String) -> Self {
        Self { wharf, folder, interpreters, interpreter, holders: Arc::default() }
    }

    fn find(&self, id: SessionId) -> Result<Option<Connection>, ShellError> {
        Connection::find(&self.folder.socket(id, Post::Shell), id, ANSWER_WAIT_MAX)
    }

    /// Starts a holder, unless another caller does just now.
    fn start(&self, place: &Place) -> Result<(), ShellError> {
        self.holders.reap();
        let order = Order {
            place: place.clone(),
            interpreters: self.interpreters.clone(),
            interpreter: self.interpreter.clone(),
        };
        launch::start(&self.wharf, &order, &self.holders)
    }

    /// What a holder that lives says of itself; one that does not answer lives all the same, and is at work.
    fn info(&self, id: SessionId) -> Option<super::message::Info> {
        self.find(id).ok().flatten()?.info(ANSWER_WAIT_MAX).ok()
    }
}

impl HolderShells {
    /// Kills whoever listens for the context of a session; the log has all that was answered.
    fn kill(&self, id: SessionId) -> Result<(), ShellError> {
        let socket = self.folder.socket(id, Post::Shell);
        let failed = |source| ShellError::Io { action: "look at", path: socket.clone(), source };
        let stream = match socket::connect(&socket, ANSWER_WAIT_MAX) {
            Ok(stream) => stream,
            Err(SocketError::Vacant) => return Ok(()),
            Err(err) => return Err(err.into()),
        };
        let listens = socket::peer(&stream).map_err(failed)?.pid;
        let mut holders = process::marked(HOLDER_VARIABLE, HOLD_SHELL).map_err(failed)?;
        // A number that means nobody here, or somebody else by now, is left alone.
        holders.retain(|holder| listens.is_some_and(|it| i32::try_from(holder.pid) == Ok(it.as_raw_pid())));
        for holder in &holders {
            process::send(holder, Signal::KILL).map_err(failed)?;
            process::wait_for_end(holder, ANSWER_WAIT_MAX).map_err(failed)?;
        }
        Ok(())
    }
}

/// Ends what a holder that was killed left running, politely first. Says whether there was anything.
fn sweep(id: SessionId) -> Result<bool, ShellError> {
    let failed = |source| ShellError::Io { action: "list", path: "/proc".into(), source };
    let marked = || process::marked(CONTEXT_VARIABLE, &id.to_string()).map_err(failed);
    let first = marked()?;
    let mut left = first.clone();
    for signal in iter::once(Signal::TERM).chain(iter::repeat_n(Signal::KILL, SWEEPS_MAX)) {
        if left.is_empty() {
            break;
        }
        let deadline = Instant::now() + SWEEP_GRACE;
        for process in &left {
            if let Err(err) = process::send(process, signal) {
                tracing::warn!(pid = process.pid, error = %err, "what a command left running cannot be signalled");
            }
        }
        for process in &left {
            // Whoever outlives its grace is killed next.
            drop(process::wait_for_end(process, deadline.saturating_duration_since(Instant::now())));
        }
        // What was started meanwhile has the mark too.
        left = marked()?;
    }
    Ok(!first.is_empty())
}

impl Shells for HolderShells {
    fn exec(&self, place: &Place, request: &Request, mut caller: Caller<'_>) -> Result<Done, ShellError> {
        if request.text.contains(&0) {
            return Err(ShellError::Nul);
        }
        if request.text.len() > TEXT_BYTES_MAX {
            return Err(ShellError::TooLong { limit: TEXT_BYTES_MAX });
        }
        let deadline = Instant::now() + CALL_WAIT_MAX;
        while Instant::now() < deadline {
            if let Some(mut connection) = self.find(place.id)? {
                match call(&mut connection, request, &mut caller)? {
                    Called::Done(done) => return Ok(done),
                    Called::NotTaken => thread::sleep(AGAIN),
                }
            } else {
                match self.start(place) {
                    Ok(()) => (),
                    // Another one is about to listen, or to go.
                    Err(ShellError::Locked { .. }) => thread::sleep(AGAIN),
                    Err(err) => return Err(err),
                }
            }
        }
        Err(silent("it comes and goes, and takes no command"))
    }

    fn live(&self, id: SessionId) -> Option<Summary> {
        self.info(id)?.summary?.summary()
    }

    fn processes(&self, id: SessionId) -> Option<Processes> {
        self.holders.reap();
        let marked = process::marked(CONTEXT_VARIABLE, &id.to_string()).unwrap_or_default();
        let Some(info) = self.info(id) else {
            // Its holder was killed, or is not to be talked to; what has its mark is there all the same.
            let pids: Vec<u32> = marked.iter().map(|process| process.pid).collect();
            return (!pids.is_empty()).then_some(Processes { pids, is_busy: true });
        };
        let below = process::descendants_in_session(info.pid).unwrap_or_default();
        let below = below.iter().filter(|process| !process.is_zombie).map(|process| process.pid);
        let all = marked.iter().map(|process| process.pid).chain(below).chain([info.pid]);
        Some(Processes { pids: all.collect::<BTreeSet<_>>().into_iter().collect(), is_busy: info.is_busy })
    }

    fn unload(&self, id: SessionId, how: Unload) -> Result<bool, ShellError> {
        let unloaded = self.find(id).and_then(|connection| match connection {
            Some(mut connection) => connection.unload(how).map(|()| true),
            None => Ok(false),
        });
        let was_there = match (how, unloaded) {
            (Unload::WhenIdle, unloaded) | (Unload::Now, unloaded @ Ok(true)) => unloaded?,
            (Unload::Now, Ok(false)) => sweep(id)?,
            (Unload::Now, Err(ShellError::Silent { because })) => {
                tracing::warn!(sessionId = %id, %because, "the keeper of a context does not answer and is killed");
                self.kill(id)?;
                sweep(id)?;
                true
            }
            (Unload::Now, Err(err)) => return Err(err),
        };
        self.holders.reap();
        Ok(was_there)
    }
}
