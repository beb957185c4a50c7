//! Which issue a session works on and which editor shows it (SPEC IS).

use std::path::Path;

use super::{ManagerError, SessionManager, folders::apply_editor};
use crate::{
    process,
    session::{Binding, Editor, Issue, IssueRef, Label, Session},
};

/// What to bind a session to.
#[derive(Clone, Debug)]
pub struct BindIssue {
    /// The issue.
    pub issue: IssueRef,
    /// Where it stands in the workflow; an issue that is bound already keeps its label when none is given.
    pub label: Option<Label>,
    /// Whether a person stepped in; an issue that is bound already keeps what it has when nothing is said.
    pub intervention: Option<bool>,
}

/// What happens to a session's editor.
#[derive(Clone, Debug)]
pub enum EditorChange {
    /// It runs as this process.
    Runs {
        /// Its pid.
        pid: u32,
        /// What it is called; the setting if not given.
        name: Option<Label>,
    },
    /// It was closed; the session still knows which editor it was.
    Closed,
}

impl SessionManager {
    /// Binds a session to an issue.
    pub fn bind(&mut self, who: &str, bind: BindIssue) -> Result<Session, ManagerError> {
        let changed = self.change(who, |session, now| {
            session.bind(now, |binding| apply_issue(binding, bind));
        })?;
        Ok(changed.0)
    }

    /// Frees a session from its issue; says whether it had one.
    pub fn unbind(&mut self, who: &str) -> Result<(Session, bool), ManagerError> {
        self.change(who, |session, now| {
            let bound = session.issue().is_some();
            if bound {
                session.bind(now, |binding| binding.issue = None);
            }
            bound
        })
    }

    /// Notes that a session's editor runs or was closed.
    pub fn set_editor(&mut self, who: &str, change: EditorChange) -> Result<Session, ManagerError> {
        let editor = editor_of(change, &self.settings.editor)?;
        let changed = self.change(who, |session, now| {
            session.bind(now, |binding| apply_editor(binding, editor));
        })?;
        Ok(changed.0)
    }

    /// The sessions whose editor runs: the process exists, is the same one, and has the editor's name.
    pub fn with_running_editor(&mut self) -> Result<Vec<Session>, ManagerError> {
        Ok(self
            .registry()?
            .all()
            .into_iter()
            .filter(|session| session.editor().is_some_and(is_running))
            .collect())
    }

    /// The session whose worktree is this folder.
    pub fn session_in(&mut self, folder: &Path) -> Result<Option<Session>, ManagerError> {
        let sessions = self.registry()?.all();
        Ok(sessions.into_iter().find(|session| self.workspace.worktree(session.id()) == folder))
    }

    /// Frees a session from issue and editor; says whether it was bound to anything.
    pub fn unbind_all(&mut self, who: &str) -> Result<bool, ManagerError> {
        if self.session(who)?.binding().is_none_or(Binding::is_empty) {
            return Ok(false);
        }
        self.change(who, |session, now| {
            session.bind(now, |binding| {
                binding.issue = None;
                binding.editor = None;
            });
        })?;
        Ok(true)
    }
}

impl BindIssue {
    /// The issue of a session that is bound to none.
    pub fn into_issue(self) -> Issue {
        let intervention = self.intervention.unwrap_or_default();
        Issue { reference: self.issue, label: self.label, intervention }
    }
}

/// Binds to an issue; one that is bound already keeps what is not said.
pub(super) fn apply_issue(binding: &mut Binding, bind: BindIssue) {
    let kept = binding.issue.take().filter(|issue| issue.reference == bind.issue);
    let is_kept = kept.as_ref().is_some_and(|issue| issue.intervention);
    let label = bind.label.or_else(|| kept.and_then(|issue| issue.label));
    let intervention = bind.intervention.unwrap_or(is_kept);
    binding.issue = Some(Issue { reference: bind.issue, label, intervention });
}

/// The editor that a change speaks of; none when it was closed.
pub(super) fn editor_of(change: EditorChange, default: &Label) -> Result<Option<Editor>, ManagerError> {
    match change {
        EditorChange::Closed => Ok(None),
        EditorChange::Runs { pid, name } => {
            let process = process::identify(pid).map_err(|source| ManagerError::Process { source })?;
            let process = Some(process.ok_or(ManagerError::NoProcess { pid })?);
            Ok(Some(Editor { name: name.unwrap_or_else(|| default.clone()), process }))
        }
    }
}

/// Whether an editor runs; no pid means no.
pub fn is_running(editor: &Editor) -> bool {
    editor.process.as_ref().is_some_and(|process| process::is_alive_as(process, editor.name.as_str()))
}
