//! What `git worktree list` knows of a repository.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use super::{GitWorktrees, WorktreeError};
use crate::session::CommitId;

/// One entry of `git worktree list --porcelain -z`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The worktree's folder; for a bare repository its git folder.
    pub(super) path: PathBuf,
    /// The commit it is at; none while its branch is unborn.
    pub(super) head: Option<CommitId>,
    /// The full name of its branch; none when detached, which a rebase is too.
    pub(super) branch: Option<String>,
    /// Whether this is a bare repository.
    pub(super) is_bare: bool,
}

impl GitWorktrees {
    /// Asks git for the worktrees of the repository in a folder.
    pub(super) fn listed(&self, folder: &Path) -> Result<Vec<Listed>, WorktreeError> {
        let answer = self.git(folder, &["worktree", "list", "--porcelain", "-z"])?;
        Ok(parse(&answer))
    }
}

/// Reads the answer: attributes end with NUL, an entry with an empty one. What is unknown is passed over.
pub(super) fn parse(answer: &[u8]) -> Vec<Listed> {
    let mut entries: Vec<Listed> = Vec::new();
    for attribute in answer.split(|byte| *byte == 0) {
        let at = attribute.iter().position(|byte| *byte == b' ');
        let (key, value) = match at {
            Some(at) => (&attribute[..at], &attribute[at + 1..]),
            None => (attribute, &[][..]),
        };
        if key == b"worktree" {
            entries.push(Listed {
                path: PathBuf::from(OsString::from_vec(value.to_vec())),
                ..Listed::default()
            });
            continue;
        }
        let Some(entry) = entries.last_mut() else {
            continue;
        };
        let text = || str::from_utf8(value).ok();
        match key {
            b"HEAD" => {
                entry.head =
                    text().filter(|id| id.bytes().any(|digit| digit != b'0')).and_then(|id| id.parse().ok());
            }
            b"branch" => entry.branch = text().map(str::to_owned),
            b"bare" => entry.is_bare = true,
            _ => {}
        }
    }
    entries
}
