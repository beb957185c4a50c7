//! What was destroyed and can still be brought back.

use super::{ManagerError, SessionManager, chores::Chore};
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

    /// Takes what `weigh_trash` names out of the trash, for good; the files are deleted behind the answer. Answers what that
    /// was.
    pub fn empty_trash(&mut self, which: Option<&str>) -> Result<Vec<Discarded>, ManagerError> {
        let chosen = self.weigh_trash(which)?;
        let mut outcome = Ok(());
        for discarded in &chosen {
            outcome = self.worktrees.doom(&discarded.trashed);
            if outcome.is_err() {
                break;
            }
            tracing::info!(sessionId = %discarded.trashed.id, name = %discarded.session.name(), "trash emptied");
        }
        self.leave_clearing();
        outcome?;
        Ok(chosen)
    }

    /// What lies in the trash and belongs to no session of the table: nobody is bringing it back just now.
    fn idle_discarded(&mut self) -> Result<Vec<Discarded>, ManagerError> {
        let registry = self.registry()?;
        let mut discarded = self.discarded()?;
        discarded.retain(|it| registry.session(it.trashed.id).is_none());
        Ok(discarded)
    }

    /// Takes out of the trash what has been in it longer than the settings say. What cannot be taken is told and stays.
    pub(super) fn doom_expired(&mut self) -> Vec<Discarded> {
        let mut expired = self.idle_discarded().unwrap_or_else(|err| {
            tracing::warn!(error = %err, "the trash cannot be read");
            Vec::new()
        });
        expired.retain(|discarded| self.is_expired(discarded));
        expired.retain(|discarded| match self.worktrees.doom(&discarded.trashed) {
            Ok(()) => true,
            Err(err) => {
                tracing::warn!(sessionId = %discarded.trashed.id, error = %err, "an expired entry stays in the trash");
                false
            }
        });
        expired
    }

    /// Whether it has been in the trash longer than the settings say.
    pub(super) fn is_expired(&self, discarded: &Discarded) -> bool {
        discarded.expires(self.settings.trash_days) <= self.clock.now()
    }

    /// Has deleted behind the answer what there is to delete, if there is anything.
    pub(super) fn leave_clearing(&mut self) {
        if self.is_trash_due() {
            self.leave(Chore::ClearTrash);
        }
    }

    /// Whether there is something to delete.
    pub(super) fn is_trash_due(&self) -> bool {
        self.worktrees.is_trash_due(self.clock.now(), self.settings.trash_days)
    }

    /// Deletes what nobody can bring back any more; says whether it got through.
    pub(super) fn clear_trash(&mut self) -> bool {
        self.doom_expired();
        let cleared = self.worktrees.clear_doomed();
        if let Err(err) = &cleared {
            tracing::warn!(error = %err, "something that was taken out of the trash is not deleted yet");
        }
        cleared.is_ok()
    }

    /// The newest entry, or the newest that goes by this name, id, or beginning of an id. One that somebody brings back just
    /// now is not meant.
    pub(super) fn find_discarded(&mut self, which: Option<&str>) -> Result<Discarded, ManagerError> {
        let found = self.idle_discarded()?.into_iter().find(|it| which.is_none_or(|text| it.goes_by(text)));
        found.ok_or_else(|| ManagerError::NotInTrash { text: which.map(ToOwned::to_owned) })
    }
}
