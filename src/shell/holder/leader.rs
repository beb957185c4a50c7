//! Which child of the holder is not to be reaped as a stranger: the interpreter, whose end the context waits for.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// The interpreter, for both threads; locked while another one starts or ends.
#[derive(Debug, Default)]
pub(super) struct Leader(Mutex<Option<u32>>);

/// Who it is just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Present {
    /// There is no interpreter.
    Nobody,
    /// The interpreter.
    Is(u32),
    /// Another one just starts, and nobody may be reaped before it is known.
    Changes,
}

impl Leader {
    /// Lets nobody be reaped until the guard is gone, which holds who it is then.
    pub(super) fn change(&self) -> MutexGuard<'_, Option<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is.
    pub(super) fn present(&self) -> Present {
        let present = |leader: Option<u32>| leader.map_or(Present::Nobody, Present::Is);
        match self.0.try_lock() {
            Ok(leader) => present(*leader),
            Err(TryLockError::Poisoned(leader)) => present(*leader.into_inner()),
            Err(TryLockError::WouldBlock) => Present::Changes,
        }
    }
}
