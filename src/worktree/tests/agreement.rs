//! What is read from the files is what `git worktree list` says.

use std::fs;

use super::support::{Space, checkout, commit_in, git, remove, try_git, write};
use crate::{
    session::{RepositoryPath, SessionId},
    worktree::{Operation, WorktreeLock, WorktreeState},
};

/// The attributes git lists for a session, in its words, NUL between them.
fn listed(space: &Space, id: SessionId) -> Option<String> {
    let all = space.git(&["worktree", "list", "--porcelain", "-z"]);
    let path = format!("worktree {}\0", space.path(id).display());
    let entry = all.split("\0\0").find(|entry| entry.starts_with(&path))?;
    Some(entry[path.len()..].to_owned())
}

fn agrees(space: &Space, id: SessionId) {
    let listed = listed(space, id).unwrap();
    let worktree = space.inspect(id);
    let says = |attribute: &str| listed.split('\0').any(|line| line.starts_with(attribute));
    let head = worktree.head.as_ref().unwrap();
    assert!(says(&format!("HEAD {head}")), "{listed:?} {worktree:?}");
    match (&worktree.branch, worktree.operation) {
        (Some(branch), None) => assert!(says(&format!("branch {}", branch.reference())), "{listed:?}"),
        (None, _) | (_, Some(_)) => assert!(says("detached"), "{listed:?}"),
    }
    assert_eq!(says("locked"), worktree.lock != WorktreeLock::None, "{listed:?}");
    // A lock keeps git from saying that it could be pruned.
    let prunable = matches!(worktree.state, WorktreeState::Missing) && worktree.lock == WorktreeLock::None;
    assert_eq!(says("prunable"), prunable, "{listed:?} {worktree:?}");
}

#[test]
fn healthy_detached_and_locked_worktrees_agree() {
    let space = Space::with_repository();
    let id = space.session(1);
    agrees(&space, id);
    git(&space.path(id), &["checkout", "-q", "--detach"]);
    agrees(&space, id);
    let path = space.path(id).display().to_string();
    space.git(&["worktree", "unlock", &path]);
    agrees(&space, id);
    space.git(&["worktree", "lock", "--reason", "on a\nusb disk", &path]);
    agrees(&space, id);
    assert_eq!(space.inspect(id).lock, WorktreeLock::Foreign("on a\nusb disk".to_owned()));
}

#[test]
fn a_prunable_worktree_agrees() {
    let space = Space::with_repository();
    let id = space.session(1);
    remove(&space.path(id));
    agrees(&space, id);
    space.git(&["worktree", "unlock", &space.path(id).display().to_string()]);
    agrees(&space, id);
}

#[test]
fn rebasing_and_bisecting_worktrees_agree() {
    let space = Space::with_repository();
    let id = space.session(1);
    let path = space.path(id);
    commit_in(&path, "mine");
    commit_in(&space.root(), "theirs");
    assert!(!try_git(&path, &["rebase", "main"]).status.success());
    assert_eq!(space.inspect(id).operation, Some(Operation::Rebase));
    agrees(&space, id);
    git(&path, &["rebase", "--abort"]);
    git(&path, &["bisect", "start"]);
    git(&path, &["checkout", "-q", "--detach"]);
    agrees(&space, id);
}

#[test]
fn a_worktree_that_was_moved_and_repaired_agrees() {
    let space = Space::with_repository();
    let id = space.session(1);
    let stale = space.path(id).join(".git");
    write(&stale, b"gitdir: /nowhere/.git/worktrees/x\n");
    assert_eq!(space.state(id), WorktreeState::Unlinked);
    space.git(&["worktree", "repair"]);
    assert_eq!(space.state(id), WorktreeState::Present);
    agrees(&space, id);
}

#[test]
fn what_git_passes_over_is_found_all_the_same() {
    for damage in [&b""[..], &[0; 30]] {
        let space = Space::with_repository();
        let id = space.session(1);
        write(&space.admin(id).join("gitdir"), damage);
        assert_eq!(listed(&space, id), None);
        let found = space.worktrees.scan_all(&[]).unwrap().found;
        assert_eq!(found[0].worktree.id, id);
        assert_eq!(found[0].worktree.state, WorktreeState::Emptied);
    }
}

#[test]
fn an_administrative_folder_with_a_number_is_the_right_one() {
    let space = Space::with_repository();
    let id = super::support::id(1);
    write(&space.admin(id).join("in the way"), b"");
    let path = space.path(id).display().to_string();
    space.git(&["worktree", "add", "-q", "-b", "feature/1", &path]);
    assert!(space.root().join(format!(".git/worktrees/{id}1")).is_dir());
    agrees(&space, id);
    assert_eq!(space.state(id), WorktreeState::Present);
    assert_eq!(space.worktrees.scan_all(&[]).unwrap().found.len(), 1);
}

#[test]
fn an_unborn_worktree_has_a_branch_and_no_commit() {
    let space = Space::with_repository();
    let id = super::support::id(1);
    let path = space.path(id).display().to_string();
    space.git(&["worktree", "add", "-q", "--orphan", "-b", "fresh", &path]);
    let worktree = space.inspect(id);
    assert_eq!(worktree.state, WorktreeState::Present);
    assert_eq!((worktree.branch.unwrap().as_str(), worktree.head), ("fresh", None));
    let changes = space.changes(&checkout(1)).unwrap();
    assert_eq!((changes.ahead, changes.behind), (None, None));
}

#[test]
fn a_branch_emptied_by_a_power_cut_has_no_commit() {
    let space = Space::with_repository();
    let id = space.session(1);
    write(&space.root().join(".git/refs/heads/feature/1"), b"");
    let worktree = space.inspect(id);
    assert_eq!((worktree.branch.unwrap().as_str(), worktree.head), ("feature/1", None));
}

#[test]
fn worktrees_of_all_kinds_of_repositories_are_found() {
    for space in Space::beyond_libgit2() {
        let id = space.session(1);
        agrees(&space, id);
        let found = space.worktrees.scan_all(&[]).unwrap().found;
        assert_eq!(found[0].worktree, space.inspect(id));
    }
}

#[test]
fn a_scan_writes_nothing() {
    let space = Space::with_repository();
    let id = space.session(1);
    write(&space.path(id).join("file.txt"), b"changed");
    let index = || fs::metadata(space.admin(id).join("index")).unwrap().modified().unwrap();
    let before = index();
    space.worktrees.scan_all(&[]).unwrap();
    space.changes(&checkout(1)).unwrap();
    space.worktrees.find_losses(&checkout(1), crate::session::BranchFate::Delete).unwrap();
    assert_eq!(index(), before);
    assert_eq!(space.worktrees.find_repositories().unwrap(), [RepositoryPath::root()]);
}
