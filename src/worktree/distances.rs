//! How far a branch is from where it began, each answer found once by a thread that looks.

use std::collections::HashMap;

use git2::{BranchType, ErrorCode, Oid, Repository};

use super::Worktree;
use crate::session::Base;

/// Commits ahead and behind; none when they cannot be compared.
type Distance = Option<(usize, usize)>;

/// What was found so far, in one repository. It belongs to one look and is not kept for the next.
#[derive(Default)]
pub(super) struct Distances {
    starts: HashMap<String, Option<Oid>>,
    known: HashMap<(Oid, Oid), Distance>,
}

/// Whether a branch can have an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// No setting names one.
    None,
    /// One has to look.
    Perhaps,
}

impl Distances {
    /// Commits ahead and behind: of the upstream if it is there, else of the ref the branch began at, else of the commit.
    pub(super) fn of(
        &mut self,
        repository: &Repository,
        worktree: &Worktree,
        base: Option<&Base>,
        upstream: Upstream,
    ) -> Result<Distance, git2::Error> {
        let Some(head) = &worktree.head else {
            return Ok(None);
        };
        let head = Oid::from_str(head.as_str())?;
        let upstream = match upstream {
            Upstream::None => None,
            Upstream::Perhaps => upstream_of(repository, worktree),
        };
        let Some(start) = upstream.or_else(|| self.start(repository, base?)) else {
            return Ok(None);
        };
        if let Some(known) = self.known.get(&(head, start)) {
            return Ok(*known);
        }
        let distance = match repository.graph_ahead_behind(head, start) {
            Ok(distance) => Some(distance),
            Err(err) if err.code() == ErrorCode::NotFound => None,
            Err(err) => return Err(err),
        };
        self.known.insert((head, start), distance);
        Ok(distance)
    }

    fn start(&mut self, repository: &Repository, base: &Base) -> Option<Oid> {
        let named = base.reference.as_ref().and_then(|name| {
            if let Some(known) = self.starts.get(name) {
                return *known;
            }
            let commit = repository.find_reference(name).and_then(|it| it.peel_to_commit()).ok();
            let commit = commit.map(|commit| commit.id());
            self.starts.insert(name.clone(), commit);
            commit
        });
        named.or_else(|| Oid::from_str(base.commit.as_str()).ok())
    }
}

fn upstream_of(repository: &Repository, worktree: &Worktree) -> Option<Oid> {
    let branch = repository.find_branch(worktree.branch.as_ref()?.as_str(), BranchType::Local).ok()?;
    Some(branch.upstream().ok()?.get().peel_to_commit().ok()?.id())
}
