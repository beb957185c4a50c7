//! A session gets what it needs beside what git checks out, and gives it back before it goes: files that the repository
//! names, and lines for a shell that a person trusts.
//!
//! That it is not done stands in the record from the first moment on, and goes only when all of it is done; so whatever is
//! cut short, the session says so, and the same verb does it again.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::Write as _,
    path::PathBuf,
    time::Duration,
};

use super::{Destroyed, ManagerError, Permits, SessionManager, checkout, journal::ensure_quiet};
use crate::{
    config::OnFailure,
    lock::{self, Lock, LockError},
    process::{self, Line, LineEnd},
    session::{BranchFate, RepositoryPath, SESSION_VARIABLE, Session, Setup},
    socket,
    worktree::Brought,
};

/// What is being done with a session then.
pub(super) const SET_UP: &str = "set up or torn down";
/// What is held while lines run, below the session's folder.
const LOCK: &str = "setup.lock";
/// How long it takes to look whether somebody holds it, at most.
const LOOK_MAX: Duration = Duration::from_millis(50);
/// How much of what lines print is kept of one run.
const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// What a setup or teardown tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// This line begins.
    Line(&'a str),
    /// It printed this.
    Output(&'a [u8]),
}

/// Who listens to a setup or teardown.
pub type Hear<'a> = &'a mut dyn FnMut(Heard<'_>);

/// What a setup did.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The session as it is now.
    pub session: Session,
    /// The files that were brought along.
    pub brought: Brought,
    /// How many lines were run.
    pub lines: usize,
}

/// A line that did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLine {
    /// The line.
    pub line: String,
    /// How it ended.
    pub end: LineEnd,
    /// Where what it printed is kept.
    pub output: PathBuf,
}

impl FailedLine {
    /// How it ended, in words.
    pub fn how(&self) -> String {
        match self.end {
            LineEnd::Code(code) => format!("ended with exit code {code}"),
            LineEnd::Signal(signal) => format!("was ended by signal {signal}"),
            LineEnd::Late => "took longer than `setup.time_limit`".to_owned(),
        }
    }
}

impl SessionManager {
    /// Whether a new session of this repository needs more than git checks out.
    pub fn needs_setup(&self, repository: &RepositoryPath) -> bool {
        if self.settings.setup.has_untrusted() {
            tracing::warn!(
                "the workspace's setup is not run: `setup.trust` in your own settings would allow it"
            );
        }
        !self.settings.setup.commands().is_empty() || self.worktrees.has_needs(repository)
    }

    /// Copies the files that a session's repository names into its worktree, and runs the lines that are set. Can be run
    /// again at any time.
    pub fn set_up(&mut self, who: &str, hear: Hear<'_>) -> Result<SetUp, ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        let id = session.id().to_string();
        let _lock = self.lock_setup(&session)?;
        // Who destroys it writes that down and looks for this lock then, so one of both sees the other.
        let session = self.session(&id)?;
        ensure_quiet(&session)?;
        if session.setup() != Some(Setup::Unfinished) {
            self.change(&id, |session, _| session.await_setup())?;
        }
        let brought = self.worktrees.bring_needs(&checkout(&session))?;
        for left in &brought.named {
            tracing::debug!(sessionId = %id, path = %left.path.display(), because = left.because, "a file was not brought along");
        }
        let lines = self.settings.setup.commands().to_vec();
        if let Err(failed) = self.run_lines(&session, &lines, hear)? {
            self.change(&id, |session, _| session.fail_setup())?;
            tracing::error!(sessionId = %id, line = failed.line, "setup failed");
            return Err(ManagerError::Setup { name: session.name().clone(), failed, is_undone: false });
        }
        let (session, ()) = self.change(&id, |session, _| session.end_setup())?;
        tracing::info!(sessionId = %id, files = brought.copied, lines = lines.len(), "session set up");
        Ok(SetUp { session, brought, lines: lines.len() })
    }

    /// As `set_up`, of a session that was made just now: when a line fails, the settings say whether it stays. It never goes
    /// further than into the trash, and its branch goes with it only where that was made for it.
    pub fn set_up_new(
        &mut self,
        session: &Session,
        fate: BranchFate,
        hear: Hear<'_>,
    ) -> Result<Session, ManagerError> {
        if session.setup().is_none() {
            return Ok(session.clone());
        }
        let id = session.id().to_string();
        let mut done = self.set_up(&id, hear);
        if let Err(ManagerError::Setup { is_undone, .. }) = &mut done
            && self.settings.setup.on_failure == OnFailure::Undo
        {
            match self.destroy(&id, &Permits::all(), fate) {
                Ok(_) => *is_undone = true,
                Err(err) => {
                    tracing::warn!(sessionId = %id, error = %err, "a session whose setup failed stays");
                }
            }
        }
        done.map(|done| done.session)
    }

    /// Runs what is set to run before a session is destroyed, unless something stands in the way of that.
    pub fn tear_down(
        &mut self,
        who: &str,
        permits: &Permits,
        fate: BranchFate,
        hear: Hear<'_>,
    ) -> Result<usize, ManagerError> {
        let lines = self.settings.setup.teardown().to_vec();
        if lines.is_empty() {
            return Ok(0);
        }
        let Destroyed { session, .. } = self.weigh_permitted(who, permits, fate)?;
        if !self.workspace.worktree(session.id()).is_dir() {
            return Ok(0);
        }
        let _lock = self.lock_setup(&session)?;
        if let Err(failed) = self.run_lines(&session, &lines, hear)? {
            return Err(ManagerError::Teardown { name: session.name().clone(), failed });
        }
        tracing::info!(sessionId = %session.id(), lines = lines.len(), "session torn down");
        Ok(lines.len())
    }

    /// One at a time for each session; the file says who.
    fn lock_setup(&self, session: &Session) -> Result<Lock, ManagerError> {
        let folder = self.workspace.session_folder(session.id());
        let failed = |source| ManagerError::SetupFile { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        Lock::take(&folder.join(LOCK), LOOK_MAX).map_err(|err| lock_error(session, err))
    }

    /// An error while files are brought into a session, or its lines run. One that sees in this moment that it is destroyed
    /// lets go at once, and so does a process that was started beside this one.
    pub(super) fn ensure_not_set_up(&self, session: &Session) -> Result<(), ManagerError> {
        let lock = self.workspace.session_folder(session.id()).join(LOCK);
        lock::ensure_free(&lock, LOOK_MAX).map_err(|err| lock_error(session, err))
    }

    /// Runs lines in a session's folder until one of them fails. The outer error is that they could not be run.
    fn run_lines(
        &self,
        session: &Session,
        lines: &[String],
        hear: Hear<'_>,
    ) -> Result<Result<(), FailedLine>, ManagerError> {
        if lines.is_empty() {
            return Ok(Ok(()));
        }
        let folder = self.workspace.worktree(session.id());
        let output = self.workspace.session_folder(session.id()).join("setup.log");
        let mut kept = fs::File::create(&output)
            .map_err(|source| ManagerError::SetupFile { path: output.clone(), source })?;
        let environment = self.setup_environment(session);
        let environment: Vec<(&OsStr, &OsStr)> =
            environment.iter().map(|(key, value)| (&**key, &**value)).collect();
        let mut room = OUTPUT_BYTES_MAX;
        for line in lines {
            hear(Heard::Line(line));
            let mut pass = |bytes: &[u8]| {
                let part = &bytes[..bytes.len().min(room)];
                room -= part.len();
                if let Err(err) = kept.write_all(part) {
                    tracing::debug!(error = %err, "what a setup prints is not kept");
                }
                hear(Heard::Output(bytes));
            };
            let limit = self.settings.setup.time_limit;
            let line = Line { text: line, folder: &folder, environment: &environment, limit };
            let end = process::run_line(&line, &mut pass)
                .map_err(|source| ManagerError::SetupFile { path: folder.clone(), source })?;
            if end != LineEnd::Code(0) {
                return Ok(Err(FailedLine { line: line.text.to_owned(), end, output }));
            }
        }
        Ok(Ok(()))
    }

    /// What a program in the session would see, and which repository it is of.
    fn setup_environment(&self, session: &Session) -> Vec<(OsString, OsString)> {
        let mut all: Vec<(OsString, OsString)> =
            env::vars_os().filter(|(key, _)| socket::is_passed_on(key)).collect();
        let root = self.workspace.root();
        let ours: [(&str, OsString); 6] = [
            (SESSION_VARIABLE, session.id().to_string().into()),
            ("WHARF_SESSION_NAME", session.name().as_str().into()),
            ("WHARF_BRANCH", session.branch().as_str().into()),
            ("WHARF_WORKTREE", self.workspace.worktree(session.id()).into()),
            ("WHARF_REPOSITORY", session.repository().below(root).into()),
            ("WHARF_WORKSPACE", root.into()),
        ];
        all.extend(ours.into_iter().map(|(key, value)| (key.into(), value)));
        all
    }
}

fn lock_error(session: &Session, err: LockError) -> ManagerError {
    match err {
        LockError::Held { holder, .. } => ManagerError::Busy {
            name: session.name().clone(),
            doing: SET_UP,
            pid: holder.unwrap_or_default(),
        },
        LockError::Io { path, source, .. } => ManagerError::SetupFile { path, source },
        LockError::NotAFile { path } => {
            ManagerError::SetupFile { path, source: std::io::ErrorKind::InvalidInput.into() }
        }
    }
}
