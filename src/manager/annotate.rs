//! Notes on a session: its status, phase, metadata, and that somebody works in it.

use serde_json::value::RawValue;

use super::{ManagerError, SessionManager};
use crate::{
    clock::Timestamp,
    json::Members,
    session::{Label, Session, SessionStatus},
};

/// How long keys and values of the metadata of one session may be together, in bytes. Everybody reads all of it each time.
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// One change to the metadata.
#[derive(Clone, Debug)]
pub enum MetadataChange {
    /// Gives a key a value, as JSON text.
    Set(String, Box<RawValue>),
    /// Takes a key out.
    Unset(String),
}

impl SessionManager {
    /// Says how a session is doing.
    pub fn set_status(&mut self, who: &str, status: SessionStatus) -> Result<Session, ManagerError> {
        Ok(self.change(who, |session, now| session.set_status(status, now))?.0)
    }

    /// Says what a session is about to do; nothing takes the phase away.
    pub fn set_phase(&mut self, who: &str, phase: Option<Label>) -> Result<Session, ManagerError> {
        Ok(self.change(who, |session, now| session.set_phase(phase, now))?.0)
    }

    /// Changes what is kept with a session, in order.
    pub fn change_metadata(
        &mut self,
        who: &str,
        changes: Vec<MetadataChange>,
    ) -> Result<Session, ManagerError> {
        let (session, ()) = self.change(who, |session, now| apply_metadata(session, changes, now))?;
        Ok(session)
    }

    /// Notes that somebody works in a session.
    pub fn touch(&mut self, who: &str) -> Result<Session, ManagerError> {
        Ok(self.change(who, Session::touch)?.0)
    }
}

/// Refuses metadata that would make the table slow for everybody.
pub(super) fn ensure_metadata_fits(metadata: &Members) -> Result<(), ManagerError> {
    let bytes = metadata.bytes();
    if bytes > METADATA_BYTES_MAX {
        return Err(ManagerError::LongMetadata { bytes });
    }
    Ok(())
}

/// Changes what is kept with a session, in order.
pub(super) fn apply_metadata(session: &mut Session, changes: Vec<MetadataChange>, now: Timestamp) {
    for change in changes {
        match change {
            MetadataChange::Set(key, value) => session.metadata_mut().set(&key, value),
            MetadataChange::Unset(key) => {
                session.metadata_mut().unset(&key);
            }
        }
    }
    session.touch(now);
}
