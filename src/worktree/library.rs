//! A repository that is opened once by a thread that looks at its worktrees.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use git2::{Oid, Repository};

use super::{
    Worktree,
    copy::replaces_objects,
    distances::{Distances, Upstream},
};
use crate::session::{Base, CommitId};

/// Settings with which a worktree can have others than the repository, or its files in another place.
const OWN: [&str; 2] = ["core.worktree", "extensions.worktreeconfig"];
/// Settings that hold in one place and not in another.
const CONDITIONS: &str = "includeif.";

/// A repository in which all worktrees have the same settings, open, with what it said so far.
pub(super) struct Library {
    repository: Repository,
    /// The branches for which a setting names an upstream.
    followers: HashSet<String>,
    trees: HashMap<CommitId, Option<Oid>>,
    distances: Distances,
}

impl Library {
    /// Opens it by the folder of git that its worktrees share; nothing where libgit2 cannot, or where one worktree can
    /// have other settings than the next.
    pub(super) fn open(common: &Path) -> Option<Self> {
        if replaces_objects(common) != Some(false) {
            return None;
        }
        let repository = Repository::open(common).ok()?;
        let followers = followers(&repository)?;
        Some(Self { repository, followers, trees: HashMap::new(), distances: Distances::default() })
    }

    /// The tree of a commit, if both are there.
    pub(super) fn tree_of(&mut self, commit: &CommitId) -> Option<Oid> {
        if let Some(known) = self.trees.get(commit) {
            return *known;
        }
        let id = Oid::from_str(commit.as_str()).ok()?;
        let tree = self.repository.find_commit(id).map(|commit| commit.tree_id()).ok();
        self.trees.insert(commit.clone(), tree);
        tree
    }

    /// Commits ahead of and behind the upstream or the base of a worktree; none when there is nothing to compare with.
    pub(super) fn distance(
        &mut self,
        worktree: &Worktree,
        base: Option<&Base>,
    ) -> Result<Option<(usize, usize)>, git2::Error> {
        let branch = worktree.branch.as_ref();
        let follows = branch.is_some_and(|branch| self.followers.contains(branch.as_str()));
        let upstream = if follows { Upstream::Perhaps } else { Upstream::None };
        self.distances.of(&self.repository, worktree, base, upstream)
    }
}

/// The branches with an upstream; nothing where a worktree can have settings of its own.
fn followers(repository: &Repository) -> Option<HashSet<String>> {
    let config = repository.config().and_then(|mut config| config.snapshot()).ok()?;
    let mut entries = config.entries(None).ok()?;
    let mut followers = HashSet::new();
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let name = entry.name().ok()?;
        if OWN.contains(&name) || name.starts_with(CONDITIONS) {
            return None;
        }
        if let Some(branch) = name.strip_prefix("branch.").and_then(|rest| rest.strip_suffix(".merge")) {
            followers.insert(branch.to_owned());
        }
    }
    Some(followers)
}
