//! What becomes of the branch of a session that is destroyed.

use super::support_write::{Ground, git_in};
use crate::{
    session::BranchFate,
    worktree::{WorktreeError, Worktrees as _},
};

#[test]
fn a_branch_is_deleted_or_kept_as_asked() {
    let ground = Ground::new();
    let (_, of, _) = ground.session("kept");
    let worktrees = ground.worktrees();
    assert_eq!(worktrees.discard(&of, BranchFate::Keep, "{}").unwrap(), BranchFate::Keep);
    let (_, of, _) = ground.session("gone");
    for _ in 0..2 {
        let fate = worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
        assert_eq!(fate, BranchFate::Delete);
    }
    assert_eq!(ground.branches(), ["feature/kept", "main"]);
}

#[test]
fn a_branch_that_got_into_use_meanwhile_is_kept() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Keep, "{}").unwrap();
    ground.git(["checkout", "-q", "feature/auth"]);
    let fate = worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(fate, BranchFate::Keep);
    assert!(worktrees.is_discarded(addition.id));
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}

#[test]
fn a_branch_that_moved_on_meanwhile_is_kept() {
    let ground = Ground::new();
    let (_, of, _) = ground.session("auth");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Keep, "{}").unwrap();
    ground.git(["commit", "-q", "--allow-empty", "-m", "more"]);
    ground.git(["branch", "-f", "feature/auth", "main"]);
    let fate = worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(fate, BranchFate::Keep);
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}

#[test]
fn the_branch_that_is_deleted_is_the_one_of_the_record() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    git_in(&folder, ["switch", "-q", "-c", "other"]);
    let fate = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(fate, BranchFate::Delete);
    assert_eq!(ground.branches(), ["main", "other"]);
}

#[test]
fn a_branch_that_is_in_use_before_anything_moved_is_refused() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    git_in(&folder, ["switch", "-q", "-c", "other"]);
    ground.git(["checkout", "-q", "feature/auth"]);
    let worktrees = ground.worktrees();
    let err = worktrees.discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::BranchInUse { .. }), "{err}");
    assert!(folder.join("kept.txt").exists());
}

#[test]
fn a_detached_worktree_has_no_branch_to_delete() {
    let ground = Ground::new();
    let (_, mut of, folder) = ground.session("auth");
    git_in(&folder, ["checkout", "-q", "--detach"]);
    of.branch = crate::session::BranchName::detached();
    let fate = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(fate, BranchFate::Keep);
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}
