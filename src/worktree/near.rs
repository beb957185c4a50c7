//! Which names have to do with a branch that is wanted, and which of them is in its way.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    GitWorktrees, WorktreeError,
    handle::Handle,
    refs::{self, HEADS, REMOTES},
};
use crate::session::BranchName;

/// What a decision about a branch asks for: this one, what is in its way, the same on remotes, and a few other names.
pub(super) struct Sought {
    /// The branch that is wanted.
    pub(super) branch: BranchName,
    /// Further full names, of which each is there or not.
    pub(super) exactly: Vec<String>,
}

/// The names that are there of those that were sought; others may be among them.
pub(super) struct Names {
    sought: Sought,
    known: BTreeSet<String>,
    ignores_case: bool,
}

impl GitWorktrees {
    /// Finds the names that are sought. Of loose branches and tags only these are looked at, however many lie beside; packed
    /// refs and what remotes have are read to the end.
    pub(super) fn names_near(&self, handle: &Handle, sought: Sought) -> Result<Names, WorktreeError> {
        let ignores_case = self.ignores_case(handle)?;
        let near = match handle {
            // What is in the way may have another case, and so another path.
            Handle::Library(_) if ignores_case => None,
            Handle::Library(repository) => refs::names_near(repository.commondir(), &sought),
            Handle::Command(_) => None,
        };
        let known = match near {
            Some(known) => known,
            None => self.references(handle)?,
        };
        Ok(Names { sought, known, ignores_case })
    }
}

impl Sought {
    /// Whether a name is one of those that are asked for.
    pub(super) fn concerns(&self, name: &str) -> bool {
        self.exactly.iter().any(|it| it == name)
            || self.remote_of(name).is_some()
            || name.strip_prefix(HEADS).is_some_and(|name| collide(name, self.branch.as_str()))
    }

    /// The remote that a name says has the branch.
    fn remote_of<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(REMOTES)?.strip_suffix(self.branch.as_str())?.strip_suffix('/')
    }
}

impl Names {
    /// Whether a ref has this full name, which must be one that was sought.
    pub(super) fn has(&self, name: &str) -> bool {
        debug_assert!(self.sought.concerns(name), "nobody looked for `{name}`");
        self.known.contains(name)
    }

    /// The remote-tracking branches that may be the wanted one, each with what would be its remote.
    pub(super) fn on_remotes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.known.iter().filter_map(|name| Some((name.as_str(), self.sought.remote_of(name)?)))
    }

    /// Refuses a new branch that another is in the way of: one that would have to be its folder, one that needs it for
    /// a folder, or the same in another case where that makes no difference.
    pub(super) fn refuse_collision(&self) -> Result<(), WorktreeError> {
        let (branch, ignores_case) = (&self.sought.branch, self.ignores_case);
        let wanted = folded(branch.as_str(), ignores_case);
        let mut others = self.known.iter().filter_map(|name| name.strip_prefix(HEADS));
        let Some(other) = others.find(|other| collide(&folded(other, ignores_case), &wanted)) else {
            return Ok(());
        };
        Err(if folded(other, ignores_case) == wanted {
            WorktreeError::BranchExists { branch: other.parse().unwrap_or_else(|_| branch.clone()) }
        } else {
            WorktreeError::BranchInTheWay { wanted: branch.clone(), other: other.to_owned() }
        })
    }
}

/// Whether two branches are the same, or one would be a folder of the other.
fn collide(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A name as it is compared where case may make no difference.
fn folded(name: &str, ignores_case: bool) -> Cow<'_, str> {
    if ignores_case { Cow::Owned(name.to_lowercase()) } else { Cow::Borrowed(name) }
}
