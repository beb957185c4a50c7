//! Which sessions exist right now: a table with a limit and its indexes. Pure values, no clock, disk or git.

mod index;

use std::{hash::BuildHasher as _, mem, sync::OnceLock};

use thiserror::Error;

use self::index::Index;
use crate::{
    hash::Quick,
    session::{BranchName, IssueRef, RepositoryPath, Session, SessionId, SessionName},
};

/// The shortest beginning of an id that is taken for one.
pub const ID_PREFIX_CHARS_MIN: usize = 4;

/// The sessions we know. Found by id, name and issue at once; never two with one name, branch or issue.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sessions: Vec<Session>,
    hash: Quick,
    by_id: Index,
    by_name: Index,
    by_branch: Index,
    by_issue: Index,
    /// Where they are in the order of their ids, once somebody asked for the beginning of one.
    sorted: OnceLock<Vec<usize>>,
}

/// A free place for a session; the only way to add one.
#[derive(Debug)]
#[must_use = "a vacancy that is not filled admits nobody"]
pub struct Vacancy<'a> {
    registry: &'a mut Registry,
}

/// What must be free for a session to move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim<'a> {
    /// Its name.
    pub name: &'a SessionName,
    /// Its repository.
    pub repository: &'a RepositoryPath,
    /// Its branch there.
    pub branch: &'a BranchName,
    /// Its issue, if it has one.
    pub issue: Option<&'a IssueRef>,
}

/// Why a session cannot move in, or take another name, branch or issue.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum AdmitError {
    /// The house is full.
    #[error("Maximum {limit} sessions supported. Destroy a session to create a new one.")]
    MaxSessions {
        /// How many fit.
        limit: usize,
    },
    /// Two sessions may not share a name.
    #[error("session `{0}` already exists")]
    NameTaken(SessionName),
    /// Git allows one checkout of a branch.
    #[error("branch `{branch}` belongs to session `{owner}`")]
    BranchTaken {
        /// The branch.
        branch: BranchName,
        /// Whose it is.
        owner: SessionName,
    },
    /// An issue has one session.
    #[error("issue {issue} belongs to session `{owner}`")]
    IssueTaken {
        /// The issue.
        issue: IssueRef,
        /// Whose it is.
        owner: SessionName,
    },
}

/// Why a text does not lead to one session.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LookupError {
    /// None goes by it.
    #[error("no session `{}`", text.escape_debug())]
    NotFound {
        /// What was asked for.
        text: String,
    },
    /// Several ids begin like this.
    #[error("`{}` is the beginning of {} session ids", text.escape_debug(), candidates.len())]
    Ambiguous {
        /// What was asked for.
        text: String,
        /// The sessions it might mean.
        candidates: Vec<SessionId>,
    },
}

impl Registry {
    /// The table of these sessions. Of two that share an id, name, branch or issue the first stays and the others
    /// come back in the second value.
    pub fn of(sessions: Vec<Session>) -> (Self, Vec<Session>) {
        // The next one that comes finds room.
        let mut registry = Self::with_room_for(sessions.len() + 1);
        registry.sessions.reserve(sessions.len() + 1);
        let mut turned_away = Vec::new();
        for session in sessions {
            let keys = Keys::of(&session, registry.hash);
            if registry.is_free(&session, &keys) {
                registry.sessions.push(session);
                registry.note(registry.sessions.len() - 1, &keys);
            } else {
                turned_away.push(session);
            }
        }
        (registry, turned_away)
    }

    /// An empty one, whose indexes have room for so many.
    fn with_room_for(count: usize) -> Self {
        Self {
            by_id: Index::with_room_for(count),
            by_name: Index::with_room_for(count),
            by_branch: Index::with_room_for(count),
            by_issue: Index::with_room_for(count),
            ..Self::default()
        }
    }

    /// Whether these sessions are in it, unchanged, and no others.
    pub fn is_of(&self, sessions: &[Session]) -> bool {
        let knows = |it: &Session| self.session(it.id()).is_some_and(|known| known.is_the_same(it));
        let is_in_order = || self.sessions.iter().zip(sessions).all(|(known, it)| known.is_the_same(it));
        self.len() == sessions.len() && (is_in_order() || sessions.iter().all(knows))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Asks for a place among at most `limit` sessions.
    pub fn vacancy(&mut self, claim: &Claim<'_>, limit: usize) -> Result<Vacancy<'_>, AdmitError> {
        if self.sessions.len() >= limit {
            return Err(AdmitError::MaxSessions { limit });
        }
        self.check(claim, None)?;
        Ok(Vacancy { registry: self })
    }

    /// The session of this id.
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.place_of(id).map(|at| &self.sessions[at])
    }

    /// The session of this name.
    pub fn named(&self, name: &SessionName) -> Option<&Session> {
        self.find_in(&self.by_name, self.hash.hash_one(name), |it| it.name() == name)
    }

    /// The session of this issue.
    pub fn on_issue(&self, issue: &IssueRef) -> Option<&Session> {
        let is_it = |session: &Session| session.issue().is_some_and(|it| it.reference == *issue);
        self.find_in(&self.by_issue, self.hash.hash_one(issue), is_it)
    }

    /// The session on this branch.
    fn on_branch(&self, repository: &RepositoryPath, branch: &BranchName) -> Option<&Session> {
        let hash = branch_hash(repository, branch, self.hash)?;
        self.find_in(&self.by_branch, hash, |it| it.branch() == branch && it.repository() == repository)
    }

    fn find_in(&self, index: &Index, hash: u64, is_it: impl Fn(&Session) -> bool) -> Option<&Session> {
        let at = index.find(hash, |at| is_it(&self.sessions[at]))?;
        Some(&self.sessions[at])
    }

    fn place_of(&self, id: SessionId) -> Option<usize> {
        self.by_id.find(self.hash.hash_one(id), |at| self.sessions[at].id() == id)
    }

    /// The session a person means: by name, by id, or by the unique beginning of an id.
    pub fn find(&self, text: &str) -> Result<&Session, LookupError> {
        let named = text.parse::<SessionName>().ok().and_then(|name| self.named(&name));
        let exact = || text.parse::<SessionId>().ok().and_then(|id| self.session(id));
        if let Some(session) = named.or_else(exact) {
            return Ok(session);
        }
        let candidates = self.with_prefix(text);
        match candidates.as_slice() {
            [] => Err(LookupError::NotFound { text: text.to_owned() }),
            [session] => Ok(session),
            several => {
                let candidates = several.iter().map(|session| session.id()).collect();
                Err(LookupError::Ambiguous { text: text.to_owned(), candidates })
            }
        }
    }

    /// Changes a session in place; the change may not touch name, branch or issue.
    pub fn update(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) -> Option<&Session> {
        let mut session = self.session(id)?.clone();
        change(&mut session);
        self.replace(session).expect("what is looked up by has not changed");
        self.session(id)
    }

    /// Puts a changed session in the place of the one with its id, if name, branch and issue are free.
    pub fn replace(&mut self, session: Session) -> Result<(), AdmitError> {
        self.check(&Claim::of(&session), Some(session.id()))?;
        match self.place_of(session.id()) {
            Some(at) => {
                let before = mem::replace(&mut self.sessions[at], session);
                if Claim::of(&before) != Claim::of(&self.sessions[at]) {
                    self.put_in_order();
                }
            }
            None => self.insert(session),
        }
        Ok(())
    }

    /// Takes one out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(self.place_of(id)?);
        self.put_in_order();
        Some(session)
    }

    /// Every session, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter()
    }

    /// Every session, oldest first.
    pub fn all(&self) -> Vec<Session> {
        let mut all = self.sessions.clone();
        all.sort_by_key(|session| (session.created_at(), session.id()));
        all
    }

    fn check(&self, claim: &Claim<'_>, except: Option<SessionId>) -> Result<(), AdmitError> {
        let is_other = |session: &&Session| Some(session.id()) != except;
        if self.named(claim.name).is_some_and(|session| is_other(&session)) {
            return Err(AdmitError::NameTaken(claim.name.clone()));
        }
        if let Some(owner) = self.on_branch(claim.repository, claim.branch).filter(is_other) {
            let (branch, owner) = (claim.branch.clone(), owner.name().clone());
            return Err(AdmitError::BranchTaken { branch, owner });
        }
        let Some(issue) = claim.issue else {
            return Ok(());
        };
        match self.on_issue(issue).filter(is_other) {
            Some(owner) => Err(AdmitError::IssueTaken { issue: issue.clone(), owner: owner.name().clone() }),
            None => Ok(()),
        }
    }

    /// Whether nobody has anything that a session must have for itself.
    fn is_free(&self, session: &Session, keys: &Keys) -> bool {
        let has_branch =
            |it: &Session| it.branch() == session.branch() && it.repository() == session.repository();
        let has_issue = |it: &Session| issue_of(it) == issue_of(session);
        self.find_in(&self.by_id, keys.id, |it| it.id() == session.id()).is_none()
            && self.find_in(&self.by_name, keys.name, |it| it.name() == session.name()).is_none()
            && keys.branch.is_none_or(|hash| self.find_in(&self.by_branch, hash, has_branch).is_none())
            && keys.issue.is_none_or(|hash| self.find_in(&self.by_issue, hash, has_issue).is_none())
    }

    /// Puts a session in that has everything for itself.
    fn insert(&mut self, session: Session) {
        assert!(self.place_of(session.id()).is_none(), "the place is free");
        let keys = Keys::of(&session, self.hash);
        self.sessions.push(session);
        self.sorted.take();
        if [&self.by_id, &self.by_name, &self.by_branch, &self.by_issue].into_iter().all(Index::has_room) {
            self.note(self.sessions.len() - 1, &keys);
        } else {
            self.put_in_order();
        }
    }

    /// Makes the indexes anew.
    fn put_in_order(&mut self) {
        let sessions = mem::take(&mut self.sessions);
        *self = Self::with_room_for(sessions.len() + sessions.len() / 2 + 1);
        for (at, session) in sessions.iter().enumerate() {
            self.note(at, &Keys::of(session, self.hash));
        }
        self.sessions = sessions;
    }

    /// Notes in each index where a session is.
    fn note(&mut self, at: usize, keys: &Keys) {
        self.by_id.insert(keys.id, at);
        self.by_name.insert(keys.name, at);
        if let Some(hash) = keys.branch {
            self.by_branch.insert(hash, at);
        }
        if let Some(hash) = keys.issue {
            self.by_issue.insert(hash, at);
        }
    }

    /// The sessions whose id begins like this; ids sort like their texts, so they lie side by side.
    fn with_prefix(&self, text: &str) -> Vec<&Session> {
        let hex = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if text.len() < ID_PREFIX_CHARS_MIN || !text.bytes().all(|b| hex(b) || b == b'-') {
            return Vec::new();
        }
        let Some(lowest) = SessionId::lowest_with(text) else {
            return Vec::new();
        };
        let sorted = self.sorted.get_or_init(|| {
            let mut places: Vec<usize> = (0..self.sessions.len()).collect();
            places.sort_unstable_by_key(|at| self.sessions[*at].id());
            places
        });
        let first = sorted.partition_point(|at| self.sessions[*at].id() < lowest);
        let begins_so = |session: &&Session| session.id().to_string().starts_with(text);
        sorted[first..].iter().map(|at| &self.sessions[*at]).take_while(begins_so).collect()
    }
}

/// The hashes of what a session is found by.
struct Keys {
    id: u64,
    name: u64,
    branch: Option<u64>,
    issue: Option<u64>,
}

impl Keys {
    fn of(session: &Session, hash: Quick) -> Self {
        Self {
            id: hash.hash_one(session.id()),
            name: hash.hash_one(session.name()),
            branch: branch_hash(session.repository(), session.branch(), hash),
            issue: issue_of(session).map(|issue| hash.hash_one(issue)),
        }
    }
}

fn issue_of(session: &Session) -> Option<&IssueRef> {
    session.issue().map(|issue| &issue.reference)
}

/// The hash of a branch; a worktree on no branch is in nobody's way.
fn branch_hash(repository: &RepositoryPath, branch: &BranchName, hash: Quick) -> Option<u64> {
    (!branch.is_detached()).then(|| hash.hash_one((repository, branch)))
}

impl Vacancy<'_> {
    /// Moves the session in.
    pub fn fill(self, session: Session) {
        self.registry.insert(session);
    }
}

impl<'a> Claim<'a> {
    /// What a session holds.
    pub fn of(session: &'a Session) -> Self {
        Self {
            name: session.name(),
            repository: session.repository(),
            branch: session.branch(),
            issue: issue_of(session),
        }
    }
}

#[cfg(test)]
mod tests;
