//! The whole table at one moment, for whoever keeps it in memory and asks again when it changed.

use super::{ManagerError, SessionManager};
use crate::registry::Registry;

/// The table at one moment.
#[derive(Clone, Debug)]
pub struct Table {
    /// The sessions.
    pub registry: Registry,
    /// How many commits there had been; the sessions are at least as new.
    pub generation: u64,
}

impl SessionManager {
    /// The table as it is now, and how many commits there have been.
    pub fn table(&mut self) -> Result<Table, ManagerError> {
        // The number goes first: what changes after it is asked for again, and nothing is missed.
        let generation = self.store.read()?.generation;
        Ok(Table { registry: self.registry()?, generation })
    }
}
