//! What people do to branches by hand: a session follows, gets its branch back, or is told where it is taken.

use crate::support::{
    Workspace,
    faults::{assert_same, files},
    git_command,
};

#[test]
fn a_branch_in_use_elsewhere_is_taken_and_the_place_is_named() {
    let space = Workspace::new();
    for branch in ["checked-out", "in-rebase", "in-bisect"] {
        space.git(["branch", branch]);
    }
    let place = |name: &str| space.path(name);
    for branch in ["checked-out", "in-rebase", "in-bisect"] {
        space.git(["worktree", "add", "-q", place(branch).to_str().unwrap(), branch]);
    }
    let rebase = place("in-rebase");
    space.git_at(&rebase, ["commit", "-q", "--allow-empty", "-m", "one"]);
    let edit = ["-c", "sequence.editor=sed -i s/^pick/edit/", "rebase", "-q", "-i", "--keep-empty", "HEAD~1"];
    git_command(&rebase).args(edit).output().unwrap();
    assert!(space.path(".git/worktrees/in-rebase/rebase-merge").exists());
    let bisect = place("in-bisect");
    for number in ["1", "2", "3"] {
        space.git_at(&bisect, ["commit", "-q", "--allow-empty", "-m", number]);
    }
    space.git_at(&bisect, ["bisect", "start", "HEAD", "HEAD~3"]);
    let before = space.litter();
    for branch in ["checked-out", "in-rebase", "in-bisect", "main"] {
        let error = space.run(["create", "one", "--branch", branch, "--json"]).fails(4).error();
        assert_eq!(error["code"], "BRANCH_TAKEN");
        let where_ = if branch == "main" { space.root() } else { place(branch) };
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(where_.to_str().unwrap()), "{message}");
    }
    assert_eq!(space.litter(), before);
}

#[test]
fn a_branch_deleted_by_hand_is_found_and_made_again() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let (held, tip) = (files(&folder), space.git_at(&folder, ["rev-parse", "HEAD"]));
    space.git(["update-ref", "-d", "refs/heads/feature/s1"]);
    assert!(space.findings().contains(&"branch-gone".to_owned()), "{:?}", space.findings());
    space.run(["restore"]).succeeds().says("branch made again at");
    assert_eq!(space.git(["rev-parse", "feature/s1"]), tip);
    assert_same(&held, &files(&folder));
    space.run(["doctor"]).succeeds();
}

#[test]
fn a_branch_switched_by_hand_is_followed() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    space.git_at(&folder, ["switch", "-q", "-c", "other/way"]);
    assert!(space.findings().contains(&"branch-moved".to_owned()));
    space.run(["restore"]).succeeds().says("its worktree is on other/way, not on feature/s1");
    assert_eq!(space.record("s1")["branch"], "other/way");
    space.run(["restore"]).succeeds();
    assert_eq!(space.record("s1")["branch"], "other/way");
    space.run(["doctor"]).succeeds();
}

#[test]
fn a_branch_without_a_commit_is_followed_and_not_made_up() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    space.git_at(&folder, ["switch", "-q", "--orphan", "blank"]);
    for _ in 0..2 {
        space.run(["restore"]).succeeds();
        assert_eq!(space.record("s1")["branch"], "blank");
        assert!(!space.branches().contains(&"blank".to_owned()));
    }
    assert!(!space.findings().contains(&"branch-gone".to_owned()));
}

/// Two records may not have one branch; the one whose worktree strayed keeps its own until it comes back.
#[test]
fn a_session_on_the_branch_of_another_pushes_nobody_out() {
    let space = Workspace::with_sessions(2);
    let folder = space.worktree("s1");
    space.git_at(&folder, ["switch", "-q", "--ignore-other-worktrees", "feature/s2"]);
    for _ in 0..2 {
        space.run(["restore"]).succeeds().says("2 sessions restored");
        assert_eq!(space.record("s1")["branch"], "feature/s1");
        assert_eq!(space.record("s2")["branch"], "feature/s2");
    }
    space.git_at(&space.worktree("s2"), ["switch", "-q", "feature/s1"]);
    space.run(["restore"]).succeeds();
    assert_eq!(space.record("s1")["branch"], "feature/s2");
    assert_eq!(space.record("s2")["branch"], "feature/s1");
}
