//! What every session must have for itself: an id, a name, a branch, an issue.

use std::{borrow::Cow, collections::HashSet, hash::BuildHasher as _};

use super::EARLIER;
use crate::{
    hash::Quick,
    session::{RepositoryPath, Session, SessionId},
};

/// What the sessions so far have for themselves.
#[derive(Default)]
pub(super) struct Taken<'a> {
    pub(super) ids: HashSet<SessionId>,
    names: HashSet<Cow<'a, str>>,
    branches: HashSet<(&'a RepositoryPath, &'a str)>,
    issues: HashSet<(String, u64)>,
}

/// Whether it is certain that no two of these sessions have anything in common that must be their own. What is equal has
/// one hash, so where all hashes differ nothing is; where two are the same, who asks has to look.
pub(super) fn are_surely_their_own(sessions: &[Session]) -> bool {
    let quick = Quick::default();
    let mut hashes = HashSet::with_capacity_and_hasher(sessions.len() * 3, quick);
    sessions.iter().all(|session| {
        // The number keeps a name from meeting a branch that is written like it.
        let branch = branch_of(session).map(|branch| quick.hash_one((2_u64, branch)));
        let issue = session.issue().map(|issue| quick.hash_one((3_u64, &issue.reference)));
        hashes.insert(quick.hash_one((0_u64, session.id())))
            && hashes.insert(quick.hash_one((1_u64, session.name())))
            && branch.is_none_or(|branch| hashes.insert(branch))
            && issue.is_none_or(|issue| hashes.insert(issue))
    })
}

fn branch_of(session: &Session) -> Option<(&RepositoryPath, &str)> {
    let on_branch = Some(session.branch()).filter(|branch| !branch.is_detached());
    on_branch.map(|branch| (session.repository(), branch.as_str()))
}

fn issue_of(session: &Session) -> Option<(String, u64)> {
    session.issue().map(|issue| issue.reference.folded())
}

impl<'a> Taken<'a> {
    /// Claims everything of a session that must be its own, or nothing.
    pub(super) fn claim(&mut self, session: &'a Session) -> Result<(), String> {
        let (id, name) = (session.id(), session.name().folded());
        let (branch, issue) = (branch_of(session), issue_of(session));
        if self.ids.contains(&id) {
            return Err(format!("{EARLIER} id `{id}`"));
        }
        if self.names.contains(&name) {
            return Err(format!("{EARLIER} name `{}`", session.name()));
        }
        if branch.is_some_and(|branch| self.branches.contains(&branch)) {
            return Err(format!("{EARLIER} branch `{}`", session.branch()));
        }
        if let Some((repository, number)) = issue.as_ref().filter(|issue| self.issues.contains(issue)) {
            return Err(format!("{EARLIER} issue `{repository}#{number}`"));
        }
        self.ids.insert(id);
        self.names.insert(name);
        self.branches.extend(branch);
        self.issues.extend(issue);
        Ok(())
    }
}
