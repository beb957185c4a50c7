//! How a branch gets another name with everything that git keeps for it, and what is left when that ends half-way.

use std::fs;

use super::support_write::{Ground, checkout, git_in};
use crate::worktree::{Checkout, GitWorktrees, Renaming, WorktreeError, Worktrees as _};

const LOGIN: &str = "feature/login";

/// Renames to the end; says whether the branch has its new name.
fn rename_branch(worktrees: &GitWorktrees, of: &Checkout, to: &str) -> Result<bool, WorktreeError> {
    let renaming = worktrees.weigh_rename(of, &to.parse().unwrap())?;
    worktrees.rename_branch(&renaming)?;
    worktrees.settle_rename(&renaming)
}

fn weigh(ground: &Ground, of: &Checkout) -> Renaming {
    ground.worktrees().weigh_rename(of, &LOGIN.parse().unwrap()).unwrap()
}

#[test]
fn a_renamed_branch_takes_its_worktree_along() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    assert!(rename_branch(&ground.worktrees(), &of, LOGIN).unwrap());
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), LOGIN);
    assert_eq!(ground.branches(), [LOGIN, "main"]);
    let (second, _, _) = ground.session("auth");
    let err = rename_branch(&ground.worktrees(), &checkout(&second), LOGIN).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchExists { .. }), "{err}");
}

#[test]
fn log_and_settings_of_a_branch_go_with_it() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    ground.git(["config", "branch.feature/auth.description", "what for"]);
    rename_branch(&ground.worktrees(), &of, LOGIN).unwrap();
    assert!(git_in(&folder, ["reflog", LOGIN]).contains("commit: some work"));
    assert_eq!(ground.git(["config", "branch.feature/login.description"]), "what for");
    assert!(!fs::read_to_string(ground.path(".git/config")).unwrap().contains("feature/auth"));
    assert!(!ground.path(".git/logs/refs/heads/feature/auth").exists());
}

#[test]
fn a_branch_without_a_commit_is_renamed_too() {
    let ground = Ground::new();
    let (_, mut of, folder) = ground.session("auth");
    git_in(&folder, ["switch", "-q", "--orphan", "new"]);
    of.branch = "new".parse().unwrap();
    assert!(rename_branch(&ground.worktrees(), &of, LOGIN).unwrap());
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), LOGIN);
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}

#[test]
fn a_name_that_is_in_the_way_or_in_use_is_refused() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    ground.git(["branch", "fix/one"]);
    for (to, named) in [("feature/auth/x", "feature/auth"), ("fix", "fix/one"), ("fix/one/two", "fix/one")] {
        let err = rename_branch(&ground.worktrees(), &of, to).unwrap_err();
        assert!(matches!(&err, WorktreeError::BranchInTheWay { other, .. } if other == named), "{err}");
    }
    ground.git(["checkout", "-q", "--ignore-other-worktrees", "feature/auth"]);
    let err = rename_branch(&ground.worktrees(), &of, LOGIN).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchInUse { .. }), "{err}");
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(ground.branches(), ["feature/auth", "fix/one", "main"]);
}

/// Copy and original would be one file there, and with the original the copy would go.
#[test]
fn a_branch_keeps_its_case_where_that_makes_no_difference() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    ground.git(["branch", "fix/one"]);
    ground.git(["config", "core.ignorecase", "true"]);
    for to in ["feature/Auth", "Fix/one"] {
        let err = rename_branch(&ground.worktrees(), &of, to).unwrap_err();
        assert!(matches!(err, WorktreeError::BranchExists { .. }), "{err}");
    }
    let err = rename_branch(&ground.worktrees(), &of, "FEATURE/AUTH/x").unwrap_err();
    assert!(matches!(err, WorktreeError::BranchInTheWay { .. }), "{err}");
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(ground.branches(), ["feature/auth", "fix/one", "main"]);
}

#[test]
fn a_branch_is_not_renamed_during_a_bisect() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    git_in(&folder, ["bisect", "start"]);
    let err = rename_branch(&ground.worktrees(), &of, LOGIN).unwrap_err();
    assert!(matches!(err, WorktreeError::InProgress { .. }), "{err}");
}

#[test]
fn a_branch_that_somebody_switched_away_from_is_not_renamed() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    for switch in [&["-c", "other"][..], &["--detach"]] {
        git_in(&folder, ["switch", "-q"].iter().chain(switch));
        let err = rename_branch(&ground.worktrees(), &of, LOGIN).unwrap_err();
        assert!(matches!(err, WorktreeError::Unusable { .. }), "{err}");
        assert!(err.to_string().ends_with("it is on another branch than its record says"));
    }
    assert_eq!(ground.branches(), ["feature/auth", "main", "other"]);
}

#[test]
fn a_commit_since_the_renaming_was_weighed_ends_it() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    let err = ground.worktrees().rename_branch(&renaming).unwrap_err();
    assert!(err.to_string().ends_with("its branch moved on meanwhile"), "{err}");
    assert!(!ground.worktrees().settle_rename(&renaming).unwrap());
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}

#[test]
fn what_was_made_before_head_moved_is_taken_back() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    ground.git(["config", "branch.feature/auth.description", "what for"]);
    ground.git(["branch", "--copy", "feature/auth", LOGIN]);
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    for _ in 0..2 {
        assert!(!ground.worktrees().settle_rename(&renaming).unwrap());
        assert_eq!(ground.branches(), ["feature/auth", "main"]);
        assert!(!ground.path(".git/logs/refs/heads/feature/login").exists());
        assert!(!fs::read_to_string(ground.path(".git/config")).unwrap().contains("login"));
    }
    // A log alone is what a copy begins with.
    ground.write_at(&ground.path(".git/logs/refs/heads/feature/login"), "");
    assert!(!ground.worktrees().settle_rename(&renaming).unwrap());
    assert!(!ground.path(".git/logs/refs/heads/feature/login").exists());
}

#[test]
fn a_branch_of_that_name_that_is_somebody_elses_stays() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    ground.git(["branch", LOGIN, "feature/auth"]);
    assert!(!ground.worktrees().settle_rename(&renaming).unwrap());
    assert_eq!(ground.branches(), ["feature/auth", LOGIN, "main"]);
}

#[test]
fn what_is_left_after_head_moved_is_finished() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    ground.worktrees().rename_branch(&renaming).unwrap();
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    for _ in 0..2 {
        assert!(ground.worktrees().settle_rename(&renaming).unwrap());
        assert_eq!(ground.branches(), [LOGIN, "main"]);
        assert_eq!(git_in(&folder, ["log", "-1", "--format=%s"]), "some work");
    }
}

#[test]
fn a_commit_on_the_old_name_while_it_was_copied_is_kept() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    ground.git(["branch", "--copy", "feature/auth", LOGIN]);
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "some work"]);
    git_in(&folder, ["symbolic-ref", "HEAD", "refs/heads/feature/login"]);
    assert!(ground.worktrees().settle_rename(&renaming).unwrap());
    assert_eq!(git_in(&folder, ["log", "-1", "--format=%s"]), "some work");
    assert_eq!(ground.branches(), [LOGIN, "main"]);
}

#[test]
fn a_worktree_without_a_head_says_by_its_branches_how_far_it_got() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    let renaming = weigh(&ground, &of);
    ground.worktrees().rename_branch(&renaming).unwrap();
    let head = ground.admin(addition.id).join("HEAD");
    ground.write_at(&head, "");
    ground.git(["update-ref", "-d", "refs/heads/feature/auth"]);
    assert!(ground.worktrees().settle_rename(&renaming).unwrap());
    assert_eq!(ground.branches(), [LOGIN, "main"]);
}
