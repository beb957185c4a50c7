//! Which checkout a new worktree can be copied from: one whose index is the tree that is wanted, or nearly.

use std::path::{Path, PathBuf};

use git2::{Delta, DiffOptions, Oid, Repository, Tree};

use super::{
    attributes::{ATTRIBUTES, has_harmless_attributes},
    index_file::IndexFile,
};
use crate::{
    session::CommitId,
    worktree::{GitWorktrees, admin::Admin, files::names_in, site::Site},
};

/// How many bytes are copied at most; with more, the page cache decides, and copying gains nothing.
const BYTES_MAX: u64 = 500 << 20;
/// How many checkouts are weighed, and how many are looked at for those.
const CANDIDATES_MAX: usize = 8;
const LOOKED_AT_MAX: usize = 64;
/// How many administrative folders are listed.
const ADMINS_MAX: usize = 10_000;
/// Of how many files one may differ, so that a checkout is near: git writes each of those, at some ten times the cost of
/// a copy.
const NEAR_SHARE: usize = 8;

/// A checkout to copy from.
pub(in crate::worktree) struct Source {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// What it holds.
    pub(super) index: IndexFile,
    /// How many files are different in the tree that is wanted.
    pub(super) different: usize,
}

impl GitWorktrees {
    /// The nearest checkout of a repository, the main worktree first; nothing when none is near.
    pub(in crate::worktree) fn find_source(
        &self,
        site: &Site,
        repository: &Repository,
        commit: &CommitId,
    ) -> Option<Source> {
        let wanted = tree_of(repository, commit)?;
        let mut best: Option<Source> = None;
        for (folder, index) in self.candidates(site) {
            let allowed = best.as_ref().map(|best| best.different);
            let Some(source) = weigh(repository, &wanted, folder, &index, allowed) else {
                continue;
            };
            let is_exact = source.different == 0;
            best = Some(source);
            if is_exact {
                break;
            }
        }
        best
    }

    /// The main worktree and some of those in `.worktrees`, each with its index.
    fn candidates(&self, site: &Site) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let main = (site.root.clone(), site.common.join("index"));
        let admins = site.common.join("worktrees");
        let own = site.admin.clone();
        let linked = std::iter::once_with(move || {
            let names = names_in(&admins, ADMINS_MAX).unwrap_or_default();
            names.into_iter().map(move |name| admins.join(name))
        });
        let linked = linked.flatten().filter(move |admin| *admin != own).take(LOOKED_AT_MAX);
        let linked = linked.filter_map(|path| {
            let folder = self.workspace.worktree(path.file_name()?.to_str()?.parse().ok()?);
            let admin = Admin::read(&path).ok()??;
            // One in which something was begun changes under our hands, and one elsewhere is none of ours.
            let is_fit = admin.unfinished.operation.is_none() && admin.names(&folder);
            is_fit.then(|| (folder, path.join("index")))
        });
        std::iter::once(main).chain(linked.take(CANDIDATES_MAX))
    }
}

/// The tree of a commit.
pub(in crate::worktree) fn tree_of<'a>(repository: &'a Repository, commit: &CommitId) -> Option<Tree<'a>> {
    repository.find_commit(Oid::from_str(commit.as_str()).ok()?).ok()?.tree().ok()
}

fn weigh(
    repository: &Repository,
    wanted: &Tree<'_>,
    folder: PathBuf,
    index: &Path,
    better_than: Option<usize>,
) -> Option<Source> {
    let index = IndexFile::read(index)?;
    let tree = Oid::from_bytes(index.tree()?).ok()?;
    if index.entries.is_empty() || index.size() > BYTES_MAX {
        return None;
    }
    let most =
        (index.entries.len() / NEAR_SHARE).min(better_than.map_or(usize::MAX, |it| it.saturating_sub(1)));
    let different = if tree == wanted.id() {
        0
    } else {
        let tree = repository.find_tree(tree).ok()?;
        difference(repository, &tree, wanted)?
    };
    let is_near = different <= most && has_harmless_attributes(repository, &index)?;
    is_near.then_some(Source { folder, index, different })
}

/// Counts the files in which two trees differ; nothing when git has to decide what that means: when attributes or
/// submodules are among them.
pub(in crate::worktree) fn difference(
    repository: &Repository,
    one: &Tree<'_>,
    other: &Tree<'_>,
) -> Option<usize> {
    let mut options = DiffOptions::new();
    options.skip_binary_check(true).ignore_submodules(false);
    let diff = repository.diff_tree_to_tree(Some(one), Some(other), Some(&mut options)).ok()?;
    let mut files = 0;
    for delta in diff.deltas() {
        let sides = [delta.old_file(), delta.new_file()];
        let is_special = sides.iter().any(|side| {
            side.mode() == git2::FileMode::Commit
                || side.path_bytes().is_some_and(|it| it.ends_with(ATTRIBUTES))
        });
        if is_special || delta.status() == Delta::Conflicted {
            return None;
        }
        files += 1;
    }
    Some(files)
}
