//! Several changes to one session at once: all of them or none.

use super::{
    BindIssue, ManagerError, MetadataChange, SessionManager, annotate::apply_metadata, bind::apply_issue,
};
use crate::session::{Label, Session, SessionName, SessionStatus};

/// What to change; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Amend {
    /// Another name; the branch stays.
    pub name: Option<SessionName>,
    /// The issue, or that it is freed from it.
    pub issue: Option<Option<BindIssue>>,
    /// What it is about to do, or nothing.
    pub phase: Option<Option<Label>>,
    /// What is kept with it.
    pub metadata: Vec<MetadataChange>,
    /// How it is doing.
    pub status: Option<SessionStatus>,
    /// Notes that somebody works in it.
    pub touch: bool,
}

impl SessionManager {
    /// Changes a session in one transaction.
    pub fn amend(&mut self, who: &str, amend: Amend) -> Result<Session, ManagerError> {
        let changed = self.change(who, |session, now| {
            if let Some(name) = amend.name {
                session.rename(name);
                session.touch(now);
            }
            if let Some(issue) = amend.issue {
                session.bind(now, |binding| match issue {
                    Some(bind) => apply_issue(binding, bind),
                    None => binding.issue = None,
                });
            }
            if let Some(phase) = amend.phase {
                session.set_phase(phase, now);
            }
            if !amend.metadata.is_empty() {
                apply_metadata(session, amend.metadata, now);
            }
            if let Some(status) = amend.status {
                session.set_status(status, now);
            }
            if amend.touch {
                session.touch(now);
            }
        });
        Ok(changed?.0)
    }
}
