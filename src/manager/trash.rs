//! What was destroyed and can still be brought back.

use super::{ManagerError, SessionManager};
use crate::{
    clock::Timestamp,
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

    /// Deletes what is in the trash for good: one entry, or all of it. Answers what was deleted.
    pub fn empty_trash(&mut self, which: Option<&str>) -> Result<Vec<Discarded>, ManagerError> {
        let chosen = match which {
            Some(_) => vec![self.find_discarded(which)?],
            None => self.discarded()?,
        };
        for discarded in &chosen {
            self.worktrees.purge(&discarded.trashed)?;
            tracing::info!(sessionId = %discarded.trashed.id, name = %discarded.session.name(), "trash emptied");
        }
        Ok(chosen)
    }

    /// Deletes what has been in the trash longer than the settings say. What cannot be deleted is told and stays.
    pub(super) fn purge_expired(&mut self) -> Vec<Discarded> {
        let now = self.clock.now();
        let days = self.settings.trash_days;
        let mut expired = self.discarded().unwrap_or_else(|err| {
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
        let mut all = self.discarded()?.into_iter();
        let found = match which {
            None => all.next(),
            Some(text) => {
                let name = text.parse::<SessionName>().ok();
                let is_id = |discarded: &Discarded| {
                    text.len() >= crate::registry::ID_PREFIX_CHARS_MIN
                        && discarded.trashed.id.to_string().starts_with(text)
                };
                all.find(|it| Some(it.session.name()) == name.as_ref() || is_id(it))
            }
        };
        found.ok_or_else(|| ManagerError::NotInTrash {
            text: which.map(ToOwned::to_owned),
        })
    }
}
