//! What commands left running: everything below the holder but its interpreter, and what carries the mark of the context.

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use crate::{
    process::{self, Process, Signal},
    session::{CONTEXT_VARIABLE, ProcessId, SessionId},
};

/// How long they may take to end by themselves.
const GRACE: Duration = Duration::from_millis(500);
/// How long to go on killing what does not end.
const KILLING: Duration = Duration::from_secs(5);

/// How many looks in succession must find nobody: one alone can miss a process that is born behind it.
const EMPTY_LOOKS: u32 = 2;

/// Those that live. A holder before this one may have been killed; what it left still has the mark.
pub(super) fn living(id: SessionId, interpreter: Option<u32>) -> io::Result<Vec<ProcessId>> {
    let mut found = process::marked(CONTEXT_VARIABLE, &id.to_string())?;
    let mut known: HashSet<u32> = found.iter().map(|process| process.pid).collect();
    let below = process::descendants_in_session(std::process::id())?;
    for process in below.iter().filter(|process| !process.is_zombie && known.insert(process.pid)) {
        found.push(Process::id(process)?);
    }
    found.retain(|process| Some(process.pid) != interpreter);
    Ok(found)
}

/// Whether there are any; where nobody can be seen, somebody may be there.
pub(super) fn any(id: SessionId, interpreter: Option<u32>) -> bool {
    living(id, interpreter).map_or(true, |living| !living.is_empty())
}

/// Ends them, politely first; the interpreter has ended by now.
pub(super) fn end(id: SessionId) {
    if let Err(err) = try_end(id) {
        tracing::error!(sessionId = %id, error = %err, "what commands left running cannot be ended");
    }
}

fn try_end(id: SessionId) -> io::Result<()> {
    let polite = Instant::now() + GRACE;
    let first = living(id, None)?;
    signal_all(&first, Signal::TERM);
    for process in &first {
        process::wait_for_end(process, polite.saturating_duration_since(Instant::now()))?;
    }
    let deadline = Instant::now() + KILLING;
    let mut empty_looks = 0;
    loop {
        let left = living(id, None)?;
        empty_looks = if left.is_empty() { empty_looks + 1 } else { 0 };
        if empty_looks == EMPTY_LOOKS || Instant::now() >= deadline {
            return Ok(());
        }
        signal_all(&left, Signal::KILL);
        for process in &left {
            process::wait_for_end(process, GRACE)?;
        }
    }
}

fn signal_all(processes: &[ProcessId], signal: Signal) {
    for process in processes {
        if let Err(err) = process::send(process, signal) {
            tracing::warn!(pid = process.pid, error = %err, "what a command left running cannot be signalled");
        }
    }
}
