//! What people set about the contexts in which commands run, below `[shell]`.

use std::{ops::RangeInclusive, time::Duration};

use serde::Deserialize;

use super::Origin;
use crate::limits::ShellLimits;

const LIVE_MAX: RangeInclusive<usize> = 1..=1_000;
const SAVE_INTERVAL_MS: RangeInclusive<u64> = 100..=86_400_000;
const OUTPUT_KEPT_BYTES_MAX: usize = 16 << 20;
const LOG_BYTES: RangeInclusive<u64> = (64 << 10)..=(1 << 40);
const STATE_BYTES: RangeInclusive<usize> = (64 << 10)..=(256 << 20);
const CALLERS: RangeInclusive<usize> = 1..=1_000;
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// The settings of contexts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellSettings {
    /// What runs the commands of a session that has no context yet (`shell.interpreter`, `bash`); only the user's own file
    /// can say so.
    pub interpreter: String,
    /// What contexts may cost.
    pub limits: ShellLimits,
}

impl Default for ShellSettings {
    fn default() -> Self {
        Self { interpreter: "bash".to_owned(), limits: ShellLimits::default() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    interpreter: Option<String>,
    max_cached_sessions: Option<usize>,
    save_interval_ms: Option<u64>,
    time_limit: Option<u64>,
    idle: Option<u64>,
    output_kept: Option<usize>,
    log_size: Option<u64>,
    state_size: Option<usize>,
    callers: Option<usize>,
}

/// A value that cannot be taken: the setting, and what it has to be.
type Wrong = (&'static str, &'static str);

impl ShellSettings {
    /// Takes what a file says over. Whether there is such an interpreter is asked where all of them are known.
    pub(super) fn apply(&mut self, file: File, origin: Origin) -> Result<(), Wrong> {
        self.limits.apply(&file)?;
        match (file.interpreter, origin) {
            // A repository can bring the workspace's file along, and this names a program that is run.
            (Some(_), Origin::Workspace) => {
                return Err(("shell.interpreter", "can only be set in the user's own file"));
            }
            (Some(name), Origin::User) => self.interpreter = name,
            (None, Origin::User | Origin::Workspace) => (),
        }
        Ok(())
    }
}

impl ShellLimits {
    fn apply(&mut self, file: &File) -> Result<(), Wrong> {
        within(
            &mut self.live_max,
            file.max_cached_sessions,
            &LIVE_MAX,
            "shell.max_cached_sessions",
            "is 1 to 1000",
        )?;
        if let Some(interval) = file.save_interval_ms {
            if !SAVE_INTERVAL_MS.contains(&interval) {
                return Err(("shell.save_interval_ms", "is 100 to 86400000 (a day)"));
            }
            self.save_interval = Duration::from_millis(interval);
        }
        span(&mut self.time_limit, file.time_limit, "shell.time_limit")?;
        span(&mut self.idle_max, file.idle, "shell.idle")?;
        let kept = 0..=OUTPUT_KEPT_BYTES_MAX;
        let rule = "is at most 16777216 (16 MiB) bytes";
        within(&mut self.output_kept_max, file.output_kept, &kept, "shell.output_kept", rule)?;
        let rule = "is 65536 (64 KiB) to 1099511627776 (1 TiB) bytes";
        within(&mut self.log_bytes_max, file.log_size, &LOG_BYTES, "shell.log_size", rule)?;
        let rule = "is 65536 (64 KiB) to 268435456 (256 MiB) bytes";
        within(&mut self.state_bytes_max, file.state_size, &STATE_BYTES, "shell.state_size", rule)?;
        within(&mut self.callers_max, file.callers, &CALLERS, "shell.callers", "is 1 to 1000")
    }
}

/// Takes a value over that lies in a range.
fn within<T: PartialOrd + Copy>(
    place: &mut T,
    given: Option<T>,
    range: &RangeInclusive<T>,
    key: &'static str,
    rule: &'static str,
) -> Result<(), Wrong> {
    if let Some(value) = given {
        if !range.contains(&value) {
            return Err((key, rule));
        }
        *place = value;
    }
    Ok(())
}

/// Takes a number of seconds over; 0 sets no limit.
fn span(place: &mut Option<Duration>, given: Option<u64>, key: &'static str) -> Result<(), Wrong> {
    match given {
        Some(seconds) if seconds > SECONDS_MAX => return Err((key, "is at most 86400 seconds; 0: no limit")),
        Some(0) => *place = None,
        Some(seconds) => *place = Some(Duration::from_secs(seconds)),
        None => (),
    }
    Ok(())
}
