//! What a destroy would lose of the repositories that git keeps for submodules.

use std::path::PathBuf;

use super::support::{Space, checkout, commit_in, git, id, remove, write};
use crate::{
    session::BranchFate,
    worktree::{Loss, Sample},
};

/// A session with a submodule at `libs/one`, and where that is.
fn with_submodule(space: &Space) -> PathBuf {
    let library = space.outside().join("library");
    git(&space.outside(), &["init", "-q", "-b", "main", "library"]);
    commit_in(&library, "x");
    let path = space.path(space.session(1));
    let library = library.display().to_string();
    git(&path, &["submodule", "add", "-q", &library, "libs/one"]);
    git(&path, &["commit", "-q", "-m", "submodule"]);
    path.join("libs/one")
}

fn losses(space: &Space) -> Vec<Loss> {
    space.worktrees.find_losses(&checkout(1), BranchFate::Keep).unwrap()
}

fn loss(path: &str, count: Option<usize>) -> Loss {
    Loss::Submodule { path: path.to_owned(), count }
}

#[test]
fn commits_that_only_a_submodule_has_are_a_loss() {
    let space = Space::with_repository();
    let module = with_submodule(&space);
    assert_eq!(losses(&space), []);
    git(&module, &["checkout", "-q", "-b", "mine"]);
    commit_in(&module, "one");
    commit_in(&module, "two");
    git(&module, &["checkout", "-q", "--detach", "main"]);
    assert_eq!(losses(&space), [loss("libs/one", Some(2))]);
    git(&module, &["push", "-q", "origin", "mine"]);
    assert_eq!(losses(&space), []);
    commit_in(&module, "on no branch");
    let changed = Sample { count: 1, first: vec!["libs/one".to_owned()] };
    assert_eq!(losses(&space), [Loss::Modified(changed), loss("libs/one", Some(1))]);
}

#[test]
fn what_is_stashed_in_a_submodule_is_a_loss() {
    let space = Space::with_repository();
    let module = with_submodule(&space);
    write(&module.join("file.txt"), b"changed");
    git(&module, &["stash", "-q"]);
    assert_eq!(losses(&space), [loss("libs/one", Some(2))]);
}

#[test]
fn a_submodule_whose_folder_is_gone_still_has_its_commits() {
    let space = Space::with_repository();
    let module = with_submodule(&space);
    git(&module, &["checkout", "-q", "-b", "mine"]);
    commit_in(&module, "one");
    remove(&space.path(id(1)));
    assert_eq!(losses(&space), [loss("libs/one", Some(1))]);
}

#[test]
fn a_submodule_in_a_submodule_counts_too() {
    let space = Space::with_repository();
    let module = with_submodule(&space);
    let inner = space.outside().join("library").display().to_string();
    git(&module, &["submodule", "add", "-q", &inner, "inner"]);
    git(&module, &["commit", "-q", "-m", "inner"]);
    git(&module, &["push", "-q", "origin", "HEAD:refs/heads/with-inner"]);
    let deep = module.join("inner");
    git(&deep, &["commit", "-q", "--allow-empty", "-m", "more"]);
    assert!(losses(&space).contains(&loss("libs/one/inner", Some(1))));
}

#[test]
fn a_shallow_submodule_at_a_commit_of_its_remote_loses_nothing() {
    let space = Space::with_repository();
    let module = with_submodule(&space);
    git(&module, &["update-ref", "-d", "refs/remotes/origin/main"]);
    git(&module, &["update-ref", "-d", "refs/remotes/origin/HEAD"]);
    assert_eq!(losses(&space), [loss("libs/one", Some(1))]);
    let head = git(&module, &["rev-parse", "HEAD"]);
    let kept = space.admin(id(1)).join("modules/libs/one");
    write(&kept.join("shallow"), format!("{head}\n").as_bytes());
    assert_eq!(losses(&space), []);
}

#[test]
fn a_submodule_that_cannot_be_read_is_told() {
    let space = Space::with_repository();
    with_submodule(&space);
    let kept = space.admin(id(1)).join("modules/libs/one");
    write(&kept.join("config"), b"[core\n");
    remove(&space.path(id(1)));
    assert_eq!(losses(&space), [loss("libs/one", None)]);
}
