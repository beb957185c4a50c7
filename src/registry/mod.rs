//! Which sessions exist right now: a table with a limit and its indexes. Pure values, no clock, disk or git.

use std::{
    collections::{BTreeMap, HashMap, btree_map, hash_map::Entry},
    ops::Bound,
};

use thiserror::Error;

use crate::session::{BranchName, IssueRef, RepositoryPath, Session, SessionId, SessionName};

/// The shortest beginning of an id that is taken for one.
pub const ID_PREFIX_CHARS_MIN: usize = 4;

/// The sessions we know. Found by id, name and issue at once; never two with one name, branch or issue.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    sessions: BTreeMap<SessionId, Session>,
    by_name: HashMap<String, SessionId>,
    by_issue: HashMap<(String, u64), SessionId>,
    by_branch: HashMap<(RepositoryPath, BranchName), SessionId>,
}

/// A free place for a session; the only way to add one.
#[derive(Debug)]
#[must_use = "a vacancy that is not filled admits nobody"]
pub struct Vacancy<'a> {
    registry: &'a mut Registry,
}

/// What must be free for a session to move in.
#[derive(Clone, Copy, Debug)]
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
        let mut registry = Self {
            by_name: HashMap::with_capacity(sessions.len() + 1),
            by_branch: HashMap::with_capacity(sessions.len() + 1),
            ..Self::default()
        };
        let mut turned_away = Vec::new();
        for session in sessions {
            turned_away.extend(registry.try_insert(session));
        }
        (registry, turned_away)
    }

    /// Whether these sessions are in it, unchanged, and no others.
    pub fn is_of(&self, sessions: &[Session]) -> bool {
        let knows = |it: &Session| self.sessions.get(&it.id()).is_some_and(|known| known.is_the_same(it));
        self.len() == sessions.len() && sessions.iter().all(knows)
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
        self.sessions.get(&id)
    }

    /// The session of this name.
    pub fn named(&self, name: &SessionName) -> Option<&Session> {
        self.by_name.get(&*name.folded()).and_then(|id| self.session(*id))
    }

    /// The session of this issue.
    pub fn on_issue(&self, issue: &IssueRef) -> Option<&Session> {
        self.by_issue.get(&issue.folded()).and_then(|id| self.session(*id))
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
        let mut session = self.sessions.get(&id)?.clone();
        change(&mut session);
        self.replace(session).expect("what is looked up by has not changed");
        self.session(id)
    }

    /// Puts a changed session in the place of the one with its id, if name, branch and issue are free.
    pub fn replace(&mut self, session: Session) -> Result<(), AdmitError> {
        let id = session.id();
        self.check(&Claim::of(&session), Some(id))?;
        drop(self.remove(id));
        self.insert(session);
        Ok(())
    }

    /// Takes one out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.by_name.remove(&*session.name().folded());
        if let Some(issue) = session.issue() {
            self.by_issue.remove(&issue.reference.folded());
        }
        self.by_branch.remove(&(session.repository().clone(), session.branch().clone()));
        Some(session)
    }

    /// Every session, in any order.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// Every session, oldest first.
    pub fn all(&self) -> Vec<Session> {
        let mut all: Vec<Session> = self.sessions.values().cloned().collect();
        all.sort_by_key(|session| (session.created_at(), session.id()));
        all
    }

    fn check(&self, claim: &Claim<'_>, except: Option<SessionId>) -> Result<(), AdmitError> {
        let keys = Keys::of(claim);
        let other =
            |id: Option<&SessionId>| id.filter(|id| Some(**id) != except).and_then(|id| self.session(*id));
        if other(self.by_name.get(&keys.name)).is_some() {
            return Err(AdmitError::NameTaken(claim.name.clone()));
        }
        if let Some(owner) = other(self.by_branch.get(&keys.branch)) {
            return Err(AdmitError::BranchTaken { branch: keys.branch.1, owner: owner.name().clone() });
        }
        let Some((issue, key)) = claim.issue.zip(keys.issue) else {
            return Ok(());
        };
        match other(self.by_issue.get(&key)) {
            Some(owner) => Err(AdmitError::IssueTaken { issue: issue.clone(), owner: owner.name().clone() }),
            None => Ok(()),
        }
    }

    /// Puts a session in, or answers it where something of it is taken.
    fn try_insert(&mut self, session: Session) -> Option<Session> {
        let id = session.id();
        let Keys { name, branch, issue } = Keys::of(&Claim::of(&session));
        let place = self.sessions.entry(id);
        let (btree_map::Entry::Vacant(place), Entry::Vacant(name)) = (place, self.by_name.entry(name)) else {
            return Some(session);
        };
        let branch = match self.by_branch.entry(branch) {
            Entry::Occupied(_) => return Some(session),
            Entry::Vacant(branch) => Some(branch).filter(|_| !session.branch().is_detached()),
        };
        if let Some(issue) = issue {
            let Entry::Vacant(issue) = self.by_issue.entry(issue) else {
                return Some(session);
            };
            issue.insert(id);
        }
        name.insert(id);
        if let Some(branch) = branch {
            branch.insert(id);
        }
        place.insert(session);
        None
    }

    fn insert(&mut self, session: Session) {
        let (id, keys) = (session.id(), Keys::of(&Claim::of(&session)));
        self.by_name.insert(keys.name, id);
        if let Some(issue) = keys.issue {
            self.by_issue.insert(issue, id);
        }
        if !session.branch().is_detached() {
            self.by_branch.insert(keys.branch, id);
        }
        let previous = self.sessions.insert(id, session);
        assert!(previous.is_none(), "the place was free");
    }

    /// The sessions whose id begins like this; ids sort like their texts, so they lie side by side.
    fn with_prefix(&self, text: &str) -> Vec<&Session> {
        let hex = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        if text.len() < ID_PREFIX_CHARS_MIN || !text.bytes().all(|b| hex(b) || b == b'-') {
            return Vec::new();
        }
        let Some(first) = SessionId::lowest_with(text) else {
            return Vec::new();
        };
        self.sessions
            .range((Bound::Included(first), Bound::Unbounded))
            .map(|(_, session)| session)
            .take_while(|session| session.id().to_string().starts_with(text))
            .collect()
    }
}

/// What a claim is looked up by.
struct Keys {
    name: String,
    branch: (RepositoryPath, BranchName),
    issue: Option<(String, u64)>,
}

impl Keys {
    fn of(claim: &Claim<'_>) -> Self {
        Self {
            name: claim.name.folded().into_owned(),
            branch: (claim.repository.clone(), claim.branch.clone()),
            issue: claim.issue.map(IssueRef::folded),
        }
    }
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
            issue: session.issue().map(|issue| &issue.reference),
        }
    }
}

#[cfg(test)]
mod tests;
