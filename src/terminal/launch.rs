//! What a holder is told to run when it is started, and what it answers.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Launch, Started, TerminalError,
    held::{Assigned, Identity},
};
use crate::{
    limits::{FRAME_BYTES_MAX, Limits},
    process::Offspring,
    screen::Size,
    socket::{self, SocketError},
    text,
};

/// What a holder is called on the command line of this program.
pub const HOLD: &str = "hold";
/// How long a holder may take to begin: it waits for the lock on the registry.
const BEGIN_LIMIT: Duration = Duration::from_secs(20);

/// A launch as it travels.
#[derive(Debug, Deserialize, Serialize)]
struct Order {
    id: String,
    name: String,
    workspace: PathBuf,
    worktree: PathBuf,
    command: Vec<String>,
    agent: Option<Assigned>,
    rows: u16,
    cols: u16,
    scrollback_rows_max: usize,
    log_bytes_max: u64,
    clients_max: usize,
    queue_bytes_max: usize,
    #[serde(default = "longest")]
    frame_bytes_max: usize,
    quiet_ms: Option<u64>,
    #[serde(default = "yes")]
    activity: bool,
    #[serde(default)]
    keep: Vec<String>,
}

/// What a holder answers when it has begun, or could not.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Started { process: Identity, holder: Identity },
    Running,
    Failed(String),
}

fn yes() -> bool {
    true
}

fn longest() -> usize {
    FRAME_BYTES_MAX
}

impl From<&Launch> for Order {
    fn from(launch: &Launch) -> Self {
        let Launch { id, name, workspace, worktree, command, agent, size, limits, keep } = launch;
        Self {
            id: id.to_string(),
            name: name.to_string(),
            workspace: workspace.clone(),
            worktree: worktree.clone(),
            command: command.clone(),
            agent: agent.as_ref().map(Assigned::from),
            rows: size.rows(),
            cols: size.cols(),
            scrollback_rows_max: limits.scrollback_rows_max,
            log_bytes_max: limits.log_bytes_max,
            clients_max: limits.clients_max,
            queue_bytes_max: limits.queue_bytes_max,
            frame_bytes_max: limits.frame_bytes_max,
            quiet_ms: limits.quiet.map(|quiet| u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX)),
            activity: limits.activity,
            keep: keep.clone(),
        }
    }
}

impl Order {
    fn into_launch(self) -> Option<Launch> {
        let agent = match self.agent {
            Some(assigned) => Some(assigned.into_agent()?),
            None => None,
        };
        Some(Launch {
            id: self.id.parse().ok()?,
            name: self.name.parse().ok()?,
            workspace: self.workspace,
            worktree: self.worktree,
            command: self.command,
            agent,
            size: Size::new(self.rows, self.cols)?,
            limits: Limits {
                scrollback_rows_max: self.scrollback_rows_max,
                log_bytes_max: self.log_bytes_max,
                clients_max: self.clients_max,
                queue_bytes_max: self.queue_bytes_max,
                frame_bytes_max: self.frame_bytes_max,
                quiet: self.quiet_ms.map(Duration::from_millis),
                activity: self.activity,
            },
            keep: self.keep,
        })
    }
}

/// Reads what a holder is to run; nothing when that is no order.
pub fn read_order(from: impl Read) -> Option<Launch> {
    serde_json::from_str::<Order>(&socket::read_order(from)?).ok()?.into_launch()
}

/// The line a holder answers with.
pub fn answer(outcome: Result<&Started, &TerminalError>) -> String {
    let word = match outcome {
        Ok(started) => Word::Started { process: (&started.process).into(), holder: (&started.holder).into() },
        Err(TerminalError::Running) => Word::Running,
        Err(TerminalError::Program { because, .. }) => Word::Failed(because.clone()),
        Err(err) => Word::Failed(text::because(err)),
    };
    let mut line = serde_json::to_string(&word).expect("plain values always have a JSON form");
    line.push('\n');
    line
}

/// Starts a holder and waits until it runs its program, or says why not. One that runs goes to the others, to be reaped.
pub(super) fn start(wharf: &Path, launch: &Launch, holders: &Offspring) -> Result<Started, TerminalError> {
    let order = serde_json::to_vec(&Order::from(launch)).expect("plain values always have a JSON form");
    let begun = socket::begin(wharf, HOLD, &order, BEGIN_LIMIT).map_err(SocketError::io("run", wharf))?;
    let word = begun.line.as_deref().and_then(|line| serde_json::from_str(line).ok());
    let program = || launch.command.first().cloned().unwrap_or_default();
    match word {
        Some(Word::Started { process, holder }) => {
            if let Err(err) = holders.adopt(&begun.child) {
                tracing::warn!(pid = begun.child.id(), error = %err, "a holder will not be reaped before this process ends");
            }
            Ok(Started { process: process.into(), holder: holder.into() })
        }
        refused => {
            begun.end();
            Err(match refused {
                Some(Word::Running) => TerminalError::Running,
                Some(Word::Failed(because)) => TerminalError::Program { program: program(), because },
                Some(Word::Started { .. }) | None => {
                    TerminalError::Silent { because: "it ended, or took too long, before the program ran" }
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::session::Agent;

    fn launch() -> Launch {
        Launch {
            id: "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap(),
            name: "auth".parse().unwrap(),
            workspace: "/workspace".into(),
            worktree: "/workspace/.worktrees/2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".into(),
            command: vec!["sh".to_owned(), "-c".to_owned(), "echo \"ü\"\n".to_owned()],
            agent: Some(Agent {
                name: "claude".parse().unwrap(),
                arguments: vec!["--model".to_owned(), "ü".to_owned()],
                conversation: Some("ses_1".parse().unwrap()),
                reports: false,
            }),
            size: Size::new(50, 132).unwrap(),
            limits: Limits { activity: false, ..Limits::default() },
            keep: vec!["daemon".to_owned()],
        }
    }

    #[test]
    fn an_order_arrives_as_it_was_given() {
        let order = serde_json::to_vec(&Order::from(&launch())).unwrap();
        assert_eq!(read_order(&*order), Some(launch()));
    }

    #[test]
    fn what_is_no_order_is_not_run() {
        for text in ["", "{}", "null", "{\"id\":\"../..\"}"] {
            assert_eq!(read_order(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_failure_is_told_with_its_causes() {
        let source = io::Error::other("no space");
        let err = TerminalError::Io { action: "make", path: "/run/x".into(), source };
        assert_eq!(answer(Err(&err)), "{\"failed\":\"cannot make /run/x: no space\"}\n");
        assert_eq!(answer(Err(&TerminalError::Running)), "\"running\"\n");
    }
}
