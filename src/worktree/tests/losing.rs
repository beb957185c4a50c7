//! What a destroy would lose.

use std::fs;

use super::support::{Space, checkout, commit_in, git, id, remove, try_git, write};
use crate::{
    session::BranchFate,
    worktree::{Loss, Operation, Sample, WorktreeError},
};

fn losses(space: &Space, fate: BranchFate) -> Vec<Loss> {
    space.worktrees.find_losses(&checkout(1), fate).unwrap()
}

fn kept(space: &Space) -> Vec<Loss> {
    losses(space, BranchFate::Keep)
}

fn sample<const N: usize>(paths: [&str; N]) -> Sample {
    Sample { count: N, first: paths.map(str::to_owned).to_vec() }
}

#[test]
fn a_clean_worktree_loses_nothing() {
    for space in Space::both() {
        space.session(1);
        assert_eq!(losses(&space, BranchFate::Delete), []);
    }
}

#[test]
fn each_kind_of_file_is_named() {
    for space in Space::both() {
        let path = space.path(space.session(1));
        write(&path.join(".gitignore"), b"*.log\ntarget/\n");
        write(&path.join("staged"), b"");
        git(&path, &["add", "staged", ".gitignore"]);
        git(&path, &["commit", "-q", "-m", "x", ".gitignore"]);
        write(&path.join("file.txt"), b"changed");
        write(&path.join("folder/a"), b"");
        write(&path.join("folder/b c"), b"");
        write(&path.join("x.log"), b"");
        write(&path.join("target/1"), b"");
        write(&path.join("target/2"), b"");
        assert_eq!(
            kept(&space),
            [
                Loss::Modified(sample(["file.txt", "staged"])),
                Loss::Untracked(sample(["folder/a", "folder/b c"])),
                Loss::Ignored(sample(["target/", "x.log"])),
            ]
        );
    }
}

#[test]
fn only_the_first_few_paths_are_kept() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    for number in 10..35 {
        write(&path.join(format!("f{number}")), b"");
    }
    let [Loss::Untracked(sample)] = &kept(&space)[..] else {
        panic!("untracked files only");
    };
    assert_eq!((sample.count, sample.first.len()), (25, 10));
    assert_eq!(sample.first[9], "f19");
}

#[test]
fn settings_that_hide_changes_hide_nothing_from_a_destroy() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    for setting in
        [["status.showUntrackedFiles", "no"], ["core.ignoreStat", "true"], ["diff.ignoreSubmodules", "all"]]
    {
        git(&path, &["config", setting[0], setting[1]]);
    }
    write(&path.join("new"), b"");
    assert_eq!(kept(&space), [Loss::Untracked(sample(["new"]))]);
}

#[test]
fn a_worktree_that_claims_to_be_elsewhere_is_looked_at_where_it_is() {
    for space in Space::both() {
        let path = space.path(space.session(1));
        space.git(&["config", "core.repositoryformatversion", "1"]);
        space.git(&["config", "extensions.worktreeConfig", "true"]);
        let elsewhere = space.outside().join("elsewhere");
        write(&elsewhere.join("file.txt"), b"first");
        git(&path, &["config", "--worktree", "core.worktree", &elsewhere.display().to_string()]);
        write(&path.join("new"), b"");
        assert_eq!(kept(&space), [Loss::Untracked(sample(["new"]))]);
        let changes = space.changes(&checkout(1)).unwrap();
        assert_eq!((changes.modified, changes.untracked), (0, 1));
    }
}

#[test]
fn a_change_that_the_index_does_not_look_at_is_a_loss() {
    for hiding in ["--assume-unchanged", "--skip-worktree"] {
        for space in Space::both() {
            let path = space.path(space.session(1));
            git(&path, &["update-index", hiding, "file.txt"]);
            write(&path.join("file.txt"), b"a longer text than before");
            assert_eq!(git(&path, &["status", "--porcelain"]), "");
            assert_eq!(kept(&space), [Loss::Modified(sample(["file.txt"]))], "{hiding}");
        }
    }
}

#[test]
fn a_changed_submodule_is_modified() {
    let space = Space::with_repository();
    let library = space.outside().join("library");
    git(&space.outside(), &["init", "-q", "-b", "main", "library"]);
    commit_in(&library, "x");
    let path = space.path(space.session(1));
    git(&path, &["submodule", "add", "-q", &library.display().to_string(), "lib"]);
    git(&path, &["commit", "-q", "-m", "submodule"]);
    assert_eq!(kept(&space), []);
    write(&path.join("lib/new"), b"");
    assert_eq!(kept(&space), [Loss::Modified(sample(["lib"]))]);
}

#[test]
fn commits_are_lost_only_with_their_branch() {
    for space in Space::both() {
        let path = space.path(space.session(1));
        commit_in(&path, "one");
        commit_in(&path, "two");
        assert_eq!(kept(&space), []);
        assert_eq!(losses(&space, BranchFate::Delete), [Loss::Commits { count: 2 }]);
        space.git(&["update-ref", "refs/remotes/origin/x", "feature/1~1"]);
        assert_eq!(losses(&space, BranchFate::Delete), [Loss::Commits { count: 1 }]);
        space.git(&["tag", "-a", "-m", "x", "kept", "feature/1"]);
        assert_eq!(losses(&space, BranchFate::Delete), []);
    }
}

#[test]
fn commits_on_no_branch_are_lost_in_any_case() {
    for space in Space::both() {
        let path = space.path(space.session(1));
        git(&path, &["checkout", "-q", "--detach"]);
        commit_in(&path, "one");
        assert_eq!(kept(&space), [Loss::Commits { count: 1 }]);
        git(&path, &["branch", "saved"]);
        assert_eq!(kept(&space), []);
    }
}

#[test]
fn a_missing_worktree_loses_no_files_but_its_commits() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    commit_in(&path, "one");
    write(&path.join("new"), b"");
    remove(&path);
    assert_eq!(kept(&space), []);
    assert_eq!(losses(&space, BranchFate::Delete), [Loss::Commits { count: 1 }]);
    remove(&space.admin(id(1)));
    assert_eq!(losses(&space, BranchFate::Delete), [Loss::Commits { count: 1 }]);
}

#[test]
fn an_operation_that_was_begun_is_named() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    commit_in(&path, "mine");
    commit_in(&space.root(), "theirs");
    assert!(!try_git(&path, &["rebase", "main"]).status.success());
    assert_eq!(kept(&space), [Loss::Modified(sample(["file.txt"])), Loss::InProgress(Operation::Rebase)]);
}

#[test]
fn somebody_elses_lock_is_named() {
    let space = Space::with_repository();
    let id = space.session(1);
    write(&space.admin(id).join("locked"), b"on a usb disk\n");
    assert_eq!(kept(&space), [Loss::Locked("on a usb disk".to_owned())]);
}

#[test]
fn where_git_cannot_be_asked_every_file_is_a_loss() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    write(&path.join("src/deep/new"), b"");
    let head = space.admin(id(1)).join("HEAD");
    for damaged in [&b"garbage"[..], b""] {
        write(&head, damaged);
        assert_eq!(kept(&space), [Loss::Untracked(sample(["file.txt", "src/deep/new"]))]);
    }
    // What no destroy would take is not weighed either.
    remove(&space.admin(id(1)));
    for pointer in [None, Some(b"")] {
        if let Some(text) = pointer {
            write(&path.join(".git"), text);
        }
        let refused = space.worktrees.find_losses(&checkout(1), BranchFate::Keep);
        assert!(matches!(refused, Err(WorktreeError::Unusable { .. })), "{refused:?}");
    }
}

#[test]
fn something_foreign_is_refused() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    fs::remove_file(path.join(".git")).unwrap();
    git(&path, &["init", "-q"]);
    let refused = space.worktrees.find_losses(&checkout(1), BranchFate::Keep);
    assert!(matches!(refused, Err(WorktreeError::UnsafePath { .. })));
}
