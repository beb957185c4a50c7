//! Which checkout a new worktree is copied from: the one that has most of the files that are wanted.

use std::path::{Path, PathBuf};

use git2::{Delta, DiffOptions, Oid, Repository, Tree};

use super::{
    attributes::{ATTRIBUTES, has_harmless_attributes},
    index_file::{Entry, IndexFile},
    tree_index::index_of,
};
use crate::{
    session::CommitId,
    worktree::{GitWorktrees, admin::Admin, files::names_in, site::Site},
};

/// How many bytes a checkout has at most that is copied, and how many are written from the objects; with more, the page
/// cache decides, copying gains nothing, and git, which has a time limit, writes the rest.
pub(super) const BYTES_MAX: u64 = 500 << 20;
/// How many checkouts are weighed, and how many are looked at for those.
const CANDIDATES_MAX: usize = 8;
const LOOKED_AT_MAX: usize = 64;
/// How many administrative folders are listed.
const ADMINS_MAX: usize = 10_000;

/// A checkout to copy from, and what is wanted.
pub(in crate::worktree) struct Source {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// The index of the tree that is wanted.
    pub(super) wanted: IndexFile,
    /// Which of the files that are wanted the folder should have; the others come from the objects.
    pub(super) has: Vec<bool>,
}

impl GitWorktrees {
    /// The nearest checkout of a repository, the main worktree first, with the index of what is wanted; nothing when git has
    /// to write that.
    pub(in crate::worktree) fn find_source(
        &self,
        site: &Site,
        repository: &Repository,
        commit: &CommitId,
    ) -> Option<Source> {
        let tree = tree_of(repository, commit)?;
        let mut near: Option<(usize, PathBuf, IndexFile)> = None;
        let mut wanted = None;
        for (folder, index) in self.candidates(site) {
            let Some(index) = read_checkout(&index) else {
                continue;
            };
            if index.tree() == Some(tree.id().as_bytes()) {
                let has = vec![true; index.entries.len()];
                let is_plain = has_harmless_attributes(repository, &index)?;
                return is_plain.then_some(Source { folder, wanted: index, has });
            }
            if wanted.is_none() {
                let index = index_of(repository, &tree)?;
                wanted = has_harmless_attributes(repository, &index)?.then_some(index);
            }
            let same = count(&index.has(wanted.as_ref()?));
            if near.as_ref().is_none_or(|(most, ..)| same > *most) {
                near = Some((same, folder, index));
            }
        }
        let ((_, folder, index), wanted) = near.zip(wanted)?;
        let has = index.has(&wanted);
        Some(Source { folder, wanted, has })
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

fn read_checkout(index: &Path) -> Option<IndexFile> {
    IndexFile::read(index).filter(|index| !index.entries.is_empty() && index.size() <= BYTES_MAX)
}

fn count(has: &[bool]) -> usize {
    has.iter().filter(|&&has| has).count()
}

impl IndexFile {
    /// Which files of another index this one has too, with the same content.
    fn has(&self, other: &Self) -> Vec<bool> {
        let mut own = self.entries.iter().peekable();
        let has = |entry: &Entry| {
            let path = other.path(entry);
            while own.next_if(|own| self.path(own) < path).is_some() {}
            own.peek().is_some_and(|own| {
                own.kind == entry.kind && self.path(own) == path && self.content(own) == other.content(entry)
            })
        };
        other.entries.iter().map(has).collect()
    }
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
