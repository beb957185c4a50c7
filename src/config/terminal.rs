//! What people set about terminals, below `[terminal]`.

use std::{num::NonZeroUsize, time::Duration};

use serde::Deserialize;

use super::Origin;
use crate::{
    key::{DetachKey, DetachKeyError},
    limits::{FRAME_BYTES_MAX, Limits},
    session::Command,
};

const SCROLLBACK_ROWS_MAX: usize = 1_000_000;
const LOG_BYTES_MIN: u64 = 64 << 10;
const LOG_BYTES_MAX: u64 = 1 << 40;
const CLIENTS_MAX: usize = 1_000;
const QUEUE_BYTES_MIN: usize = 64 << 10;
const QUEUE_BYTES_MAX: usize = 1 << 30;
const FRAME_BYTES_MIN: usize = 64 << 10;
const KEEP_MAX: usize = 100;
const KEEP_NAME_BYTES_MAX: usize = 255;
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// The settings of terminals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalSettings {
    /// What one terminal may cost, and what it tells.
    pub limits: Limits,
    /// How many sessions may run at once (`terminal.running_max`; as many as there are).
    pub running_max: Option<NonZeroUsize>,
    /// What leaves a terminal (`terminal.detach_key`, `ctrl-\`).
    pub detach_key: DetachKey,
    /// What runs in a session unless it is told otherwise (`terminal.shell`; the user's shell); only the user's own
    /// file can say so.
    pub shell: Option<Command>,
    /// The names of processes that outlive the program that started them (`terminal.keep`, none); only the user's own file
    /// can say so.
    pub keep: Vec<String>,
    /// How long a program may take to end before it is killed (`terminal.stop_timeout`, 10 seconds).
    pub stop_timeout: Duration,
}

impl Default for TerminalSettings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            running_max: None,
            detach_key: DetachKey::default(),
            shell: None,
            keep: Vec::new(),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    scrollback: Option<usize>,
    log_size: Option<u64>,
    clients: Option<usize>,
    queue: Option<usize>,
    frame: Option<usize>,
    quiet: Option<u64>,
    activity: Option<bool>,
    running_max: Option<usize>,
    detach_key: Option<String>,
    shell: Option<Shell>,
    keep: Option<Vec<String>>,
    stop_timeout: Option<u64>,
}

/// A program, or a program with its arguments.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Shell {
    Program(String),
    Command(Vec<String>),
}

/// A value that cannot be taken: the setting, and what it has to be.
type Wrong = (&'static str, &'static str);

impl TerminalSettings {
    /// Takes what a file says over.
    pub(super) fn apply(&mut self, file: File, origin: Origin) -> Result<(), Wrong> {
        self.apply_sizes(&file)?;
        match file.quiet {
            Some(0) => self.limits.quiet = None,
            Some(seconds) => self.limits.quiet = Some(span("terminal.quiet", seconds)?),
            None => (),
        }
        if let Some(activity) = file.activity {
            self.limits.activity = activity;
        }
        if let Some(count) = file.running_max {
            let count = NonZeroUsize::new(count).ok_or(("terminal.running_max", "is at least 1"))?;
            self.running_max = Some(count);
        }
        if let Some(key) = file.detach_key {
            let wrong = |DetachKeyError { rule, .. }| ("terminal.detach_key", rule);
            self.detach_key = key.parse().map_err(wrong)?;
        }
        if let Some(seconds) = file.stop_timeout {
            self.stop_timeout = span("terminal.stop_timeout", seconds)?;
        }
        match (file.shell, origin) {
            // A repository can bring the workspace's file along, and this names a program that is run.
            (Some(_), Origin::Workspace) => {
                return Err(("terminal.shell", "can only be set in the user's own file"));
            }
            (Some(shell), Origin::User) => self.shell = Some(shell.into_command()?),
            (None, Origin::User | Origin::Workspace) => (),
        }
        match (file.keep, origin) {
            // The same goes for what is left running.
            (Some(_), Origin::Workspace) => {
                return Err(("terminal.keep", "can only be set in the user's own file"));
            }
            (Some(names), Origin::User) => self.keep = kept(names)?,
            (None, Origin::User | Origin::Workspace) => (),
        }
        Ok(())
    }

    fn apply_sizes(&mut self, file: &File) -> Result<(), Wrong> {
        if let Some(rows) = file.scrollback {
            if rows > SCROLLBACK_ROWS_MAX {
                return Err(("terminal.scrollback", "is at most 1000000 rows"));
            }
            self.limits.scrollback_rows_max = rows;
        }
        if let Some(bytes) = file.log_size {
            if !(LOG_BYTES_MIN..=LOG_BYTES_MAX).contains(&bytes) {
                return Err(("terminal.log_size", "is 65536 (64 KiB) to 1099511627776 (1 TiB) bytes"));
            }
            self.limits.log_bytes_max = bytes;
        }
        if let Some(count) = file.clients {
            if !(1..=CLIENTS_MAX).contains(&count) {
                return Err(("terminal.clients", "is 1 to 1000"));
            }
            self.limits.clients_max = count;
        }
        if let Some(bytes) = file.queue {
            if !(QUEUE_BYTES_MIN..=QUEUE_BYTES_MAX).contains(&bytes) {
                return Err(("terminal.queue", "is 65536 (64 KiB) to 1073741824 (1 GiB) bytes"));
            }
            self.limits.queue_bytes_max = bytes;
        }
        if let Some(bytes) = file.frame {
            if !(FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(&bytes) {
                return Err(("terminal.frame", "is 65536 (64 KiB) to 1048576 (1 MiB) bytes"));
            }
            self.limits.frame_bytes_max = bytes;
        }
        Ok(())
    }
}

impl Shell {
    fn into_command(self) -> Result<Command, Wrong> {
        let words = match self {
            Self::Program(program) => vec![program],
            Self::Command(words) => words,
        };
        Command::of(words)
            .map_err(|_| ("terminal.shell", "is a program, or a list of a program and its arguments"))
    }
}

fn kept(names: Vec<String>) -> Result<Vec<String>, Wrong> {
    let is_name =
        |name: &String| !name.is_empty() && name.len() <= KEEP_NAME_BYTES_MAX && !name.contains('/');
    if names.len() > KEEP_MAX || !names.iter().all(is_name) {
        return Err(("terminal.keep", "is a list of at most 100 names of processes, without folders"));
    }
    Ok(names)
}

fn span(key: &'static str, seconds: u64) -> Result<Duration, Wrong> {
    if seconds > SECONDS_MAX {
        return Err((key, "is at most 86400 seconds"));
    }
    Ok(Duration::from_secs(seconds))
}
