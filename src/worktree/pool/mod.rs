//! Which worktrees are kept ready, so that a create has only to write a branch and a HEAD.
//!
//! A warm worktree lies in `.worktrees/<uuid>` with the id that its session will have, is clean, detached, and locked with
//! a reason of its own, which is what tells it from a session. It goes through these conditions, each of them one file:
//!
//! | condition | file |
//! |---|---|
//! | filling | `wharf.filling` in its administrative folder, with who fills it |
//! | ready | `wharf.pool/<uuid>` in the git folder, with the seal that says what it was like |
//! | taken | `wharf.taking` in its administrative folder, which the rename of the former claims |
//! | a session's | `wharf.taken` in its administrative folder, which the former becomes |
//! | changed | `wharf.changed` in its administrative folder: somebody worked in it, so it stays and nobody takes it |
//!
//! Whatever is in none of them, or in `filling` without anybody who fills it, was cut short and is cleared away, after a look
//! whether there is anything in it that neither wharf nor git put there.

use std::{fmt, sync::Arc, time::Duration};

mod carried;
mod fill;
mod finish;
mod freshen;
mod judge;
mod manner;
mod moved;
mod slot;
mod sweep;
mod take;

pub(super) use self::carried::carried;
pub use self::slot::{Condition, Slot};
pub(super) use self::slot::{end_taken, is_changed, is_lost, is_ready, is_slot, is_take, want, was_taken};
pub(super) use self::sweep::is_still_slot;

/// What is said of a warm worktree in which somebody worked.
pub(super) const CHANGED_NOTE: &str = "it was kept ready for a session, and somebody changed something in it; take out \
     what you need, then `git worktree remove --force --force` it";

/// What is said of one whose administrative folder is gone.
pub(super) const LOST_NOTE: &str = "it was kept ready for a session, and git's files for it are gone; delete it when there \
     is nothing in it that you need";

/// How many warm worktrees there are to be. Whoever makes several asks before each of them.
#[derive(Clone)]
pub struct PoolSize(Arc<dyn Fn() -> usize + Send + Sync>);

impl PoolSize {
    /// Always so many.
    pub fn fixed(size: usize) -> Self {
        Self(Arc::new(move || size))
    }

    /// As many as somebody says each time.
    pub fn of(ask: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    /// How many now.
    pub fn now(&self) -> usize {
        (self.0)()
    }
}

impl fmt::Debug for PoolSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // To ask may take a look at files.
        f.write_str("PoolSize")
    }
}

/// What to do while another process fills the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileFilled {
    /// It is left to that one.
    Leave,
    /// It is waited for, at most so long, and also no longer than for a process at work with the repository.
    Wait(Duration),
}

/// What filling the pool of a repository came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// How many worktrees were made ready.
    pub made: usize,
    /// How many are ready now.
    pub ready: usize,
    /// Why there are not more, if something was in the way.
    pub stopped: Option<Stopped>,
}

/// Why a pool was not filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Another process fills it.
    Busy,
    /// It was emptied meanwhile.
    Drained,
    /// The disk has not enough room to spare.
    NoRoom,
    /// The repository has no commit to begin from.
    Unborn,
    /// What git would write later cannot be told now: its settings leave that to a filter or a branch, objects are replaced,
    /// or git sees changes in what it has just written.
    Unsure,
}

/// What draining the pool of a repository came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// How many worktrees were removed.
    pub removed: usize,
    /// How many stay, because something in them changed.
    pub kept: usize,
}
