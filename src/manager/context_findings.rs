//! What may be wrong with the logs that contexts are loaded from, and how that is cured.

use std::sync::Arc;

use super::{Finding, ManagerError, SessionManager, Severity, exec::shell_error, findings::finding};
use crate::{
    session::Session,
    shell::log::{self, CommandLog, Loaded},
    text,
};

const CURE: &str = "`wharf doctor --fix`, or the next `wharf exec`, goes on from what is whole";

impl SessionManager {
    /// What is wrong with the logs of these sessions. One that lives is being written, and its writer sees to it.
    pub(super) fn context_findings(&self, sessions: &[Session]) -> Vec<Finding> {
        let at_rest = sessions.iter().filter(|session| self.shells.live(session.id()).is_none());
        at_rest.flat_map(|session| self.findings_of(session)).collect()
    }

    fn findings_of(&self, session: &Session) -> Vec<Finding> {
        let name = session.name().as_str();
        let loaded = match log::plan(&self.workspace.session_folder(session.id()), session.id()) {
            Ok(loaded) => loaded,
            Err(err) => {
                let message = format!("the log of its commands cannot be read: {}", text::because(&err));
                let cure = "see whether the file can be read; its files in the worktree are as they were";
                return vec![finding("commands-unreadable", Severity::Error, name, message, cure)];
            }
        };
        let mut findings = Vec::new();
        let left = self.shells.processes(session.id()).unwrap_or_default();
        if !left.pids.is_empty() {
            let pids: Vec<String> = left.pids.iter().map(ToString::to_string).collect();
            let message = format!(
                "the keeper of its context is gone, and what commands left still runs: {}",
                pids.join(", ")
            );
            let cure = "`wharf stop` ends it, the next `wharf exec` takes it over";
            findings.push(finding("context-left-running", Severity::Note, name, message, cure));
        }
        if loaded.cut_bytes > 0 {
            let message = format!("the last {} bytes of its commands are no whole event", loaded.cut_bytes);
            findings.push(finding("commands-torn", Severity::Warning, name, message, CURE));
        }
        if loaded.damaged_lines > 0 {
            let message = format!(
                "{} lines of its commands are damaged, and what they changed in its context is lost",
                loaded.damaged_lines
            );
            findings.push(finding("commands-damaged", Severity::Warning, name, message, CURE));
        }
        if loaded.is_index_rebuilt {
            let message = "the index of its commands is missing or wrong, so that a load reads all of them";
            findings.push(finding("commands-index", Severity::Note, name, message, CURE));
        }
        findings
    }

    /// Puts the logs in order of which something is wrong. What cannot be is told and stays.
    pub(super) fn mend_contexts(&mut self) -> Result<(), ManagerError> {
        for session in self.stored_registry()?.all() {
            if self.context_findings(std::slice::from_ref(&session)).is_empty() {
                continue;
            }
            if let Err(err) = self.mend_context(&session) {
                tracing::warn!(sessionId = %session.id(), error = %err, "the log of its commands is not in order");
            }
        }
        Ok(())
    }

    /// Who opens a log cuts off what is torn and makes its index anew; a checkpoint leaves what is damaged behind.
    fn mend_context(&self, session: &Session) -> Result<(), ManagerError> {
        let folder = self.workspace.session_folder(session.id());
        let limits = &self.settings.shell.limits;
        let opened = CommandLog::open(&folder, session.id(), session.name(), limits, Arc::clone(&self.clock));
        let mended =
            opened.and_then(
                |(mut log, Loaded { interpreter, changes, damaged_lines, .. })| match interpreter
                    .filter(|_| damaged_lines > 0)
                {
                    Some(interpreter) => log.checkpoint(&interpreter, &changes),
                    None => Ok(()),
                },
            );
        mended.map_err(|source| shell_error(session, source))
    }
}
