//! What `git status --porcelain=v2 -z` says about the files of a worktree.

use std::path::Path;

use super::{GitWorktrees, Sample, WorktreeError};

/// How many paths a sample holds.
pub(super) const SAMPLE_PATHS_MAX: usize = 10;

/// The files of a worktree that differ from the last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Tracked files with changes, staged or not, conflicts and changed submodules too.
    pub(super) modified: Sample,
    /// Files and folders git does not know.
    pub(super) untracked: Sample,
    /// Files and folders git ignores.
    pub(super) ignored: Sample,
    /// Commits ahead of and behind the upstream, when there is one.
    pub(super) upstream: Option<(usize, usize)>,
}

impl GitWorktrees {
    /// Asks git for a status, with these further arguments.
    pub(super) fn git_status(&self, worktree: &Path, further: &[&str]) -> Result<Status, WorktreeError> {
        let mut args = vec![
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            "--ignore-submodules=none",
            "--branch",
            "--ahead-behind",
        ];
        args.extend_from_slice(further);
        let answer = self.git(worktree, &args)?;
        parse(&answer).ok_or_else(|| WorktreeError::GitAnswer { verb: "status".to_owned() })
    }
}

impl Sample {
    /// Counts one more path and keeps it if there is room.
    pub(super) fn add(&mut self, path: &[u8]) {
        self.count += 1;
        if self.first.len() < SAMPLE_PATHS_MAX {
            self.first.push(String::from_utf8_lossy(path).into_owned());
        }
    }
}

/// Reads a status; `None` when it is not one.
pub(super) fn parse(answer: &[u8]) -> Option<Status> {
    let mut status = Status::default();
    let mut lines = answer.split(|byte| *byte == 0);
    while let Some(line) = lines.next() {
        let Some((kind, rest)) = line.split_first() else {
            continue;
        };
        match kind {
            b'#' => {
                if let Some(counts) = rest.strip_prefix(b" branch.ab ") {
                    status.upstream = Some(ahead_behind(counts)?);
                }
            }
            b'1' => status.modified.add(field(rest, 8)?),
            b'2' => {
                status.modified.add(field(rest, 9)?);
                // Where it was renamed from is a line of its own.
                lines.next()?;
            }
            b'u' => status.modified.add(field(rest, 10)?),
            b'?' => status.untracked.add(field(rest, 1)?),
            b'!' => status.ignored.add(field(rest, 1)?),
            _ => return None,
        }
    }
    Some(status)
}

/// What follows the given number of spaces: a path may hold more of them.
fn field(line: &[u8], spaces: usize) -> Option<&[u8]> {
    line.splitn(spaces + 1, |byte| *byte == b' ').nth(spaces).filter(|path| !path.is_empty())
}

fn ahead_behind(counts: &[u8]) -> Option<(usize, usize)> {
    let (ahead, behind) = str::from_utf8(counts).ok()?.split_once(' ')?;
    Some((ahead.strip_prefix('+')?.parse().ok()?, behind.strip_prefix('-')?.parse().ok()?))
}
