//! What is done after an answer, by a process that nobody waits for.

use std::{fs, time::Duration};

use super::SessionManager;
use crate::lock::{Lock, LockError};

/// How often a chore is begun again in one go, because more of it was left meanwhile.
const ROUNDS_MAX: usize = 8;

/// Work that can wait, of which one process of a workspace does one kind at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chore {
    /// Deletes what was taken out of the trash, and what has been in it for too long.
    ClearTrash,
    /// Makes worktrees ready for the next sessions.
    FillPool,
}

impl Chore {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ClearTrash, Self::FillPool];

    /// What it is called on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::ClearTrash => "clear-trash",
            Self::FillPool => "fill-pool",
        }
    }
}

impl SessionManager {
    /// Has a chore done behind the answer; where no process can be started for it, before.
    pub(super) fn leave(&mut self, chore: Chore) {
        match self.background.begin(chore.word()) {
            Ok(true) => return,
            Ok(false) => (),
            Err(err) => {
                tracing::debug!(error = %err, chore = chore.word(), "no process can be started for a chore");
            }
        }
        self.do_chore(chore);
    }

    /// Does a chore, unless another process is at it. What cannot be done now is told, and tried again the next time.
    pub fn do_chore(&mut self, chore: Chore) {
        let folder = self.workspace.own_folder();
        if let Err(err) = fs::create_dir_all(&folder) {
            tracing::warn!(error = %err, chore = chore.word(), "a chore waits until the disk can be written");
            return;
        }
        let path = folder.join(format!("{}.lock", chore.word()));
        // Who leaves a chore while it is being done relies on the one that does it to look once more.
        for _ in 0..ROUNDS_MAX {
            if !self.is_due(chore) {
                return;
            }
            let lock = match Lock::take(&path, Duration::ZERO) {
                Ok(lock) => lock,
                Err(LockError::Held { .. }) => return,
                Err(err) => {
                    tracing::warn!(error = %err, chore = chore.word(), "a chore cannot be begun");
                    return;
                }
            };
            let is_done = match chore {
                Chore::ClearTrash => self.clear_trash(),
                Chore::FillPool => self.fill_wanted(),
            };
            drop(lock);
            if !is_done {
                return;
            }
        }
    }

    fn is_due(&self, chore: Chore) -> bool {
        match chore {
            Chore::ClearTrash => self.is_trash_due(),
            Chore::FillPool => self.is_pool_due(),
        }
    }
}
