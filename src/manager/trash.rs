//! What was destroyed and can still be brought back.

use super::{ManagerError, SessionManager};
use crate::{
    clock::Timestamp,
    registry::{ID_PREFIX_CHARS_MIN, LookupError},
    session::{Session, SessionName},
    store::decode_record,
    worktree::Trashed,
};

/// A destroyed session.
#[derive(Clone, Debug)]
pub struct Discarded {
    /// The session as it was.
    pub session: Session,
    /// Its place in the trash.
    pub trashed: Trashed,
}

impl Discarded {
    /// Whether a person may mean it by this name, id, or beginning of an id.
    fn goes_by(&self, text: &str) -> bool {
        text.parse::<SessionName>().is_ok_and(|name| *self.session.name() == name)
            || (text.len() >= ID_PREFIX_CHARS_MIN && self.trashed.id.to_string().starts_with(text))
    }

    /// When it may be deleted for good.
    pub fn expires(&self, days: u32) -> Timestamp {
        self.trashed.destroyed.plus_days(days)
    }
}

impl SessionManager {
    /// What lies in the trash, newest first. An entry whose record cannot be read is left out and told.
    pub fn discarded(&self) -> Result<Vec<Discarded>, ManagerError> {
        let mut discarded = Vec::new();
        for trashed in self.worktrees.trash()? {
            match decode_record(&trashed.record) {
                Ok(session) => discarded.push(Discarded { session, trashed }),
                Err(err) => {
                    tracing::warn!(sessionId = %trashed.id, error = %err, "a record in the trash cannot be read");
                }
            }
        }
        Ok(discarded)
    }

    /// What `empty_trash` would delete: everything, or the one entry that a name, an id or its beginning stands for.
    pub fn weigh_trash(&mut self, which: Option<&str>) -> Result<Vec<Discarded>, ManagerError> {
        let mut chosen = self.idle_discarded()?;
        let Some(text) = which else {
            return Ok(chosen);
        };
        chosen.retain(|discarded| discarded.goes_by(text));
        match chosen.as_slice() {
            [] => Err(ManagerError::NotInTrash { text: Some(text.to_owned()) }),
            [_] => Ok(chosen),
            several => {
                let candidates = several.iter().map(|discarded| discarded.trashed.id).collect();
                Err(LookupError::Ambiguous { text: text.to_owned(), candidates }.into())
            }
        }
    }

    /// Deletes what `weigh_trash` names, for good. Answers what was deleted.
    pub fn empty_trash(&mut self, which: Option<&str>) -> Result<Vec<Discarded>, ManagerError> {
        let chosen = self.weigh_trash(which)?;
        for discarded in &chosen {
            self.worktrees.purge(&discarded.trashed)?;
            tracing::info!(sessionId = %discarded.trashed.id, name = %discarded.session.name(), "trash emptied");
        }
        Ok(chosen)
    }

    /// What lies in the trash and belongs to no session of the table: nobody is bringing it back just now.
    fn idle_discarded(&mut self) -> Result<Vec<Discarded>, ManagerError> {
        let registry = self.registry()?;
        let mut discarded = self.discarded()?;
        discarded.retain(|it| registry.session(it.trashed.id).is_none());
        Ok(discarded)
    }

    /// Deletes what has been in the trash longer than the settings say. What cannot be deleted is told and stays.
    pub(super) fn purge_expired(&mut self) -> Vec<Discarded> {
        let now = self.clock.now();
        let days = self.settings.trash_days;
        let mut expired = self.idle_discarded().unwrap_or_else(|err| {
            tracing::warn!(error = %err, "the trash cannot be read");
            Vec::new()
        });
        expired.retain(|discarded| discarded.expires(days) <= now);
        expired.retain(|discarded| match self.worktrees.purge(&discarded.trashed) {
            Ok(()) => true,
            Err(err) => {
                tracing::warn!(sessionId = %discarded.trashed.id, error = %err, "an expired entry stays in the trash");
                false
            }
        });
        expired
    }

    /// The newest entry, or the newest that goes by this name, id, or beginning of an id.
    pub(super) fn find_discarded(&self, which: Option<&str>) -> Result<Discarded, ManagerError> {
        let found = self.discarded()?.into_iter().find(|it| which.is_none_or(|text| it.goes_by(text)));
        found.ok_or_else(|| ManagerError::NotInTrash { text: which.map(ToOwned::to_owned) })
    }
}
