//! What the holder of a context is told when it is started, and what it answers.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Place, ShellError, message::Refusal};
use crate::{
    interpreter::{Entry, Interpreters},
    limits::ShellLimits,
    process::Offspring,
    socket::{self, SocketError},
};

/// What the holder of a context is called on the command line of this program.
pub const HOLD_SHELL: &str = "hold-shell";
/// How long a holder may take to begin: it waits for room among the others.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);

/// What a holder needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Where its context lives, and what it may cost.
    pub place: Place,
    /// The interpreters that there are.
    pub interpreters: Interpreters,
    /// The name of the one for a context that has none yet, where nobody names one.
    pub interpreter: String,
}

/// The same as it travels.
#[derive(Debug, Deserialize, Serialize)]
struct Told {
    id: String,
    name: String,
    workspace: PathBuf,
    worktree: PathBuf,
    interpreters: Vec<(String, Entry)>,
    interpreter: String,
    live_max: usize,
    save_interval_ms: u64,
    time_limit_ms: Option<u64>,
    idle_ms: Option<u64>,
    output_kept_max: usize,
    log_bytes_max: u64,
    state_bytes_max: usize,
    callers_max: usize,
}

/// What a holder answers when callers can come, or never will.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Listens,
    Refused(Refusal),
}

impl From<&Order> for Told {
    fn from(order: &Order) -> Self {
        let Order { place, interpreters, interpreter } = order;
        let limits = &place.limits;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: place.id.to_string(),
            name: place.name.to_string(),
            workspace: place.workspace.clone(),
            worktree: place.worktree.clone(),
            interpreters: interpreters.iter().map(|it| (it.name().to_owned(), it.entry().clone())).collect(),
            interpreter: interpreter.clone(),
            live_max: limits.live_max,
            save_interval_ms: millis(limits.save_interval),
            time_limit_ms: limits.time_limit.map(millis),
            idle_ms: limits.idle_max.map(millis),
            output_kept_max: limits.output_kept_max,
            log_bytes_max: limits.log_bytes_max,
            state_bytes_max: limits.state_bytes_max,
            callers_max: limits.callers_max,
        }
    }
}

impl Told {
    fn into_order(self) -> Option<Order> {
        let mut interpreters = Interpreters::builtin();
        for (name, entry) in self.interpreters {
            if interpreters.find(&name).is_none_or(|known| *known.entry() != entry) {
                interpreters.define(&name, entry).ok()?;
            }
        }
        let limits = ShellLimits {
            live_max: self.live_max,
            save_interval: Duration::from_millis(self.save_interval_ms),
            time_limit: self.time_limit_ms.map(Duration::from_millis),
            idle_max: self.idle_ms.map(Duration::from_millis),
            output_kept_max: self.output_kept_max,
            log_bytes_max: self.log_bytes_max,
            state_bytes_max: self.state_bytes_max,
            callers_max: self.callers_max,
        };
        let place = Place {
            id: self.id.parse().ok()?,
            name: self.name.parse().ok()?,
            workspace: self.workspace,
            worktree: self.worktree,
            limits,
        };
        Some(Order { place, interpreters, interpreter: self.interpreter })
    }
}

/// Reads what a holder is to keep; nothing when that is no order.
pub fn read_order(from: impl Read) -> Option<Order> {
    serde_json::from_str::<Told>(&socket::read_order(from)?).ok()?.into_order()
}

/// The line a holder answers with.
pub fn answer(outcome: Result<(), &ShellError>) -> String {
    let word = match outcome {
        Ok(()) => Word::Listens,
        Err(err) => Word::Refused(err.into()),
    };
    let mut line = serde_json::to_string(&word).expect("plain values always have a JSON form");
    line.push('\n');
    line
}

/// Starts a holder and waits until callers can come, or it says why not. It goes to the others, to be reaped.
pub(super) fn start(wharf: &Path, order: &Order, holders: &Offspring) -> Result<(), ShellError> {
    let told = serde_json::to_vec(&Told::from(order)).expect("plain values always have a JSON form");
    let begun =
        socket::begin(wharf, HOLD_SHELL, &told, BEGIN_LIMIT).map_err(SocketError::io("run", wharf))?;
    match begun.line.as_deref().and_then(|line| serde_json::from_str(line).ok()) {
        Some(Word::Listens) => {
            if let Err(err) = holders.adopt(&begun.child) {
                tracing::warn!(pid = begun.child.id(), error = %err, "a holder will not be reaped before this process ends");
            }
            Ok(())
        }
        Some(Word::Refused(refusal)) => {
            begun.end();
            Err(refusal.into_error())
        }
        None => {
            begun.end();
            Err(ShellError::Silent { because: "it ended, or took too long, before it listened".to_owned() })
        }
    }
}
