//! The terminals of a workspace as they really are: one holder per running session.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Connection, Exited, Held, Info, Launch, Runtime, Started, Stop, TerminalError, Terminals, launch,
};
use crate::{
    process::{self, Offspring, Signal},
    session::{CONTEXT_VARIABLE, ProcessId, SESSION_VARIABLE, SessionId},
};

/// How long what a killed holder left behind may take to end by itself.
const SWEEP_GRACE: Duration = Duration::from_millis(500);
/// How often the killing is repeated for what was started meanwhile.
const SWEEPS_MAX: usize = 20;

/// Reaches holders through their sockets, and starts new ones.
#[derive(Clone, Debug)]
pub struct HolderTerminals {
    wharf: PathBuf,
    runtime: Runtime,
    /// The holders that this process started and that have not been reaped.
    holders: Arc<Offspring>,
}

impl HolderTerminals {
    /// The terminals of the workspace with this runtime folder; holders are started from this program.
    pub fn of(wharf: PathBuf, runtime: Runtime) -> Self {
        Self { wharf, runtime, holders: Arc::default() }
    }

    /// What carries the mark of a session, but for those that are to be spared, and for what belongs to its context: that
    /// has a holder of its own.
    fn marked(id: SessionId, leader: Option<u32>, keep: &[String]) -> Result<Vec<ProcessId>, TerminalError> {
        let listed = process::marks_without(SESSION_VARIABLE, CONTEXT_VARIABLE).and_then(|marks| {
            let own = marks.into_iter().filter(|(mark, _)| *mark == id.to_string());
            let mut marked: Vec<ProcessId> = own.map(|(_, process)| process).collect();
            if !marked.is_empty() && !keep.is_empty() {
                let spared = process::spared(&process::all()?, leader, keep);
                marked.retain(|process| !spared.contains(&process.pid));
            }
            Ok(marked)
        });
        listed.map_err(|source| TerminalError::Io { action: "list", path: "/proc".into(), source })
    }
}

impl Terminals for HolderTerminals {
    fn program(&self) -> String {
        self.wharf.to_string_lossy().into_owned()
    }

    fn start(&self, launch: &Launch) -> Result<Started, TerminalError> {
        self.holders.reap();
        if self.runtime.held(launch.id).is_some_and(|held| !process::is_alive(&held.started.holder)) {
            // Its word is still there, so that holder was killed; what it left would work beside the new program.
            self.sweep(launch.id, &launch.keep)?;
        }
        launch::start(&self.wharf, launch, &self.holders)
    }

    fn info(&self, id: SessionId) -> Result<Info, TerminalError> {
        Connection::open(&self.runtime.socket(id))?.info()
    }

    fn noted(&self) -> BTreeSet<SessionId> {
        // Asked whenever the table is read: whoever lives long keeps no zombies.
        self.holders.reap();
        self.runtime.noted()
    }

    fn held(&self, id: SessionId) -> Option<Held> {
        self.runtime.held(id).filter(|held| process::is_alive(&held.started.holder))
    }

    fn stop(&self, id: SessionId, holder: Option<&ProcessId>, stop: Stop) -> Result<Exited, TerminalError> {
        self.runtime.reach(id, holder)?.stop(stop)
    }

    fn sweep(&self, id: SessionId, keep: &[String]) -> Result<usize, TerminalError> {
        // Nobody can start a new holder meanwhile, whose processes would carry the same mark.
        let claim = self.runtime.claim(id)?;
        // What was the session's program is no daemon, whatever it is called.
        let leader = self.runtime.held(id).map(|held| held.started.process.pid);
        let first = Self::marked(id, leader, keep)?;
        signal_all(&first, Signal::TERM);
        let deadline = Instant::now() + SWEEP_GRACE;
        for left in &first {
            let wait = deadline.saturating_duration_since(Instant::now());
            // Whoever outlives its grace is killed below.
            drop(process::wait_for_end(left, wait));
        }
        for _ in 0..SWEEPS_MAX {
            let left = Self::marked(id, leader, keep)?;
            if left.is_empty() {
                break;
            }
            signal_all(&left, Signal::KILL);
            for killed in &left {
                drop(process::wait_for_end(killed, SWEEP_GRACE));
            }
        }
        self.runtime.clear(id)?;
        drop(claim);
        Ok(first.len())
    }
}

fn signal_all(processes: &[ProcessId], signal: Signal) {
    for process in processes {
        if let Err(err) = process::send(process, signal) {
            tracing::warn!(pid = process.pid, error = %err, "a process that a holder left cannot be ended");
        }
    }
}
