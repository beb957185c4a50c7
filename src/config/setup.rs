//! What people set about the making and unmaking of sessions, below `[setup]`.

use std::time::Duration;

use serde::Deserialize;

use super::Origin;

const LINES_MAX: usize = 100;
const LINE_BYTES_MAX: usize = 64 << 10;
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// The settings of a setup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupSettings {
    /// What is run in a new session (`setup.commands`), if it may run.
    commands: Lines,
    /// What is run in a session before it is destroyed (`setup.teardown`), if it may run.
    teardown: Lines,
    /// Whether lines of the workspace's file run (`setup.trust`, false); only the user's own file can say so.
    trust: bool,
    /// How long one of them may take (`setup.time_limit`, 600 seconds; 0: as long as it wants).
    pub time_limit: Option<Duration>,
    /// What becomes of a session whose setup failed (`setup.on_failure`, `keep`).
    pub on_failure: OnFailure,
}

/// What becomes of a session whose setup failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It stays, and says that its setup failed.
    #[default]
    Keep,
    /// It goes into the trash.
    Undo,
}

/// Lines for a shell, and whose they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lines {
    all: Vec<String>,
    /// Whether the workspace's file has them: a repository can bring that one along.
    are_foreign: bool,
}

impl Default for SetupSettings {
    fn default() -> Self {
        Self {
            commands: Lines::default(),
            teardown: Lines::default(),
            trust: false,
            time_limit: Some(Duration::from_mins(10)),
            on_failure: OnFailure::default(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    commands: Option<Vec<String>>,
    teardown: Option<Vec<String>>,
    trust: Option<bool>,
    time_limit: Option<u64>,
    on_failure: Option<OnFailure>,
}

impl SetupSettings {
    /// What is run in a new session, line by line.
    pub fn commands(&self) -> &[String] {
        self.permitted(&self.commands)
    }

    /// What is run in a session before it is destroyed, line by line.
    pub fn teardown(&self) -> &[String] {
        self.permitted(&self.teardown)
    }

    /// Whether the workspace has lines that do not run, because nobody trusts it.
    pub fn has_untrusted(&self) -> bool {
        !self.trust && [&self.commands, &self.teardown].iter().any(|it| it.are_foreign && !it.all.is_empty())
    }

    fn permitted<'a>(&self, lines: &'a Lines) -> &'a [String] {
        if lines.are_foreign && !self.trust { &[] } else { &lines.all }
    }

    /// Takes what a file says over.
    pub(super) fn apply(&mut self, file: File, origin: Origin) -> Result<(), (&'static str, &'static str)> {
        let are_foreign = match origin {
            Origin::User => false,
            Origin::Workspace => true,
        };
        match (file.trust, origin) {
            (Some(true), Origin::Workspace) => {
                return Err(("setup.trust", "can only be set in the user's own file"));
            }
            (Some(trust), Origin::User | Origin::Workspace) => self.trust = trust,
            (None, Origin::User | Origin::Workspace) => (),
        }
        if let Some(all) = file.commands {
            check(&all, "setup.commands")?;
            self.commands = Lines { all, are_foreign };
        }
        if let Some(all) = file.teardown {
            check(&all, "setup.teardown")?;
            self.teardown = Lines { all, are_foreign };
        }
        match file.time_limit {
            Some(seconds) if seconds > SECONDS_MAX => {
                return Err(("setup.time_limit", "is at most 86400 seconds; 0: no limit"));
            }
            Some(0) => self.time_limit = None,
            Some(seconds) => self.time_limit = Some(Duration::from_secs(seconds)),
            None => (),
        }
        if let Some(on_failure) = file.on_failure {
            self.on_failure = on_failure;
        }
        Ok(())
    }
}

fn check(lines: &[String], key: &'static str) -> Result<(), (&'static str, &'static str)> {
    let is_line =
        |line: &String| !line.trim().is_empty() && line.len() <= LINE_BYTES_MAX && !line.contains('\0');
    if lines.len() <= LINES_MAX && lines.iter().all(is_line) {
        return Ok(());
    }
    Err((key, "is a list of at most 100 lines for a shell, none of them empty or over 65536 bytes"))
}
