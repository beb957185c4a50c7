//! What was brought into a new worktree beside what git checks out.

use std::path::PathBuf;

/// What was copied, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// How many files were copied.
    pub copied: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many files were left out.
    pub left_out: usize,
    /// The first of those.
    pub named: Vec<LeftOut>,
}

/// A file that was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path below the worktree.
    pub path: PathBuf,
    /// Why not.
    pub because: &'static str,
}
