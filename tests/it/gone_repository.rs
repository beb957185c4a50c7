//! The repository of a session is gone: the session can be ended, its files wait in the trash, and both come back.

use std::fs;

use crate::support::{
    Workspace,
    faults::{Tree, assert_same, files},
    strace::{self, Cut},
};

/// A session `s1` with uncommitted work on the repository `app`, beside another one; and its files.
fn workspace() -> (Workspace, Tree) {
    let space = Workspace::empty();
    space.init("app");
    space.init("other");
    space.run(["create", "s1", "--repo", "app"]).succeeds();
    let folder = space.worktree("s1");
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    fs::write(folder.join("new.txt"), "new\n").unwrap();
    space.git_at(&folder, ["add", "new.txt"]);
    let held = files(&folder);
    (space, held)
}

#[test]
fn a_session_whose_repository_is_gone_ends_and_comes_back_with_it() {
    let (space, held) = workspace();
    let (folder, away) = (space.worktree("s1"), space.home().join("away"));
    let status = space.git_at(&folder, ["status", "--porcelain"]);
    fs::rename(space.path("app"), &away).unwrap();

    assert_eq!(space.findings(), ["repository-gone"]);
    space.run(["doctor"]).fails(1).says("its repository `app` is gone").says("wharf destroy");
    let error = space.run(["destroy", "s1", "--modified", "--json"]).fails(6).error();
    assert_eq!(error["losses"][0]["flag"], "--untracked", "{error}");
    assert_eq!(space.json(["destroy", "s1", "--dry-run", "--untracked"])["wouldGo"], true);
    space.run(["destroy", "s1", "--untracked"]).succeeds().says("its repository app is gone");
    assert_eq!((space.names(), folder.exists()), (Vec::new(), false));
    space
        .run(["trash", "list"])
        .succeeds()
        .says("s1 cannot come back before its repository app is there again");
    assert_eq!(space.findings(), ["undo-blocked"]);
    let error = space.run(["undo", "s1", "--json"]).fails(3).error();
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("put it back") && !hint.contains("--repo"), "{error}");
    assert_eq!(space.names(), Vec::<String>::new());
    space.run(["create", "s2", "--repo", "other"]).succeeds();

    fs::rename(&away, space.path("app")).unwrap();
    space.run(["doctor"]).succeeds().says("nothing is wrong");
    space.run(["undo", "s1"]).succeeds();
    assert_same(&held, &files(&folder));
    assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), status);
    assert_eq!(space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]), "feature/s1");
    space.run(["doctor"]).succeeds().says("nothing is wrong");
}

#[test]
fn it_comes_back_on_another_copy_of_its_repository_too() {
    let (space, held) = workspace();
    let (folder, away) = (space.worktree("s1"), space.home().join("away"));
    fs::rename(space.path("app"), &away).unwrap();
    space.run(["destroy", "s1", "--force"]).succeeds();
    space.git(["clone", "-q", away.to_str().unwrap(), "app"]);
    space.run(["undo"]).succeeds();
    assert_same(&held, &files(&folder));
    assert_eq!(space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]), "feature/s1");
    assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "M README.md\n?? new.txt");
    space.run(["doctor"]).succeeds().says("nothing is wrong");
}

#[test]
fn what_is_left_in_a_repository_that_came_back_goes_with_the_trash() {
    let (space, _) = workspace();
    let away = space.home().join("away");
    fs::rename(space.path("app"), &away).unwrap();
    space.run(["destroy", "s1", "--force"]).succeeds();
    fs::rename(&away, space.path("app")).unwrap();
    space.run(["trash", "empty", "--yes"]).succeeds();
    assert_eq!(space.git_at(&space.path("app"), ["worktree", "list"]).lines().count(), 1);
    space.run(["restore"]).succeeds();
    assert_eq!(space.names(), Vec::<String>::new());
}

#[test]
fn one_that_was_moved_within_the_workspace_is_followed_and_not_given_up() {
    let (space, held) = workspace();
    fs::rename(space.path("app"), space.path("moved")).unwrap();
    space.run(["destroy", "s1", "--force"]).fails(1).says("was moved within the workspace");
    space.run(["restore"]).succeeds();
    assert_eq!(space.record("s1")["repository"], "moved");
    assert_same(&held, &files(&space.worktree("s1")));
}

#[test]
fn one_that_is_only_damaged_is_not_taken_for_gone() {
    let (space, held) = workspace();
    fs::remove_file(space.path("app/.git/HEAD")).unwrap();
    let error = space.run(["destroy", "s1", "--force", "--json"]).fails(1).error();
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("wharf doctor") && !hint.contains("--repo"), "{error}");
    assert_same(&held, &files(&space.worktree("s1")));
    space.run(["create", "s2", "--repo", "nowhere"]).fails(3).says("--repo");
}

#[test]
fn where_its_branch_is_in_use_it_comes_back_on_a_new_one() {
    let (space, _) = workspace();
    let (folder, away) = (space.worktree("s1"), space.home().join("away"));
    fs::write(folder.join("README.md"), "one\n").unwrap();
    space.git_at(&folder, ["commit", "-qm", "one", "--", "README.md"]);
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    let (held, tip) = (files(&folder), space.git_at(&folder, ["rev-parse", "HEAD"]));
    fs::rename(space.path("app"), &away).unwrap();
    space.run(["destroy", "s1", "--force"]).succeeds();
    space.git(["clone", "-q", "-b", "feature/s1", away.to_str().unwrap(), "app"]);

    let error = space.run(["undo", "s1", "--json"]).fails(4).error();
    assert!(error["hint"].as_str().unwrap().contains("`--branch`"), "{error}");
    space.run(["undo", "s1", "--branch", "again"]).succeeds();
    assert_same(&held, &files(&folder));
    assert_eq!(space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]), "again");
    assert_eq!(space.git_at(&folder, ["rev-parse", "HEAD"]), tip);
    assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "M README.md\n?? new.txt");
    assert_eq!(space.record("s1")["branch"], "again");
    space.run(["doctor"]).succeeds().says("nothing is wrong");
}

/// Killed at each step, and ended with the repository away or back in its place, it is finished or taken back, and the
/// files are in one of the two places. HEAD stays on the branch that only git's own files name.
#[test]
fn a_killed_destroy_without_a_repository_is_finished_or_taken_back() {
    if !strace::is_there() {
        return;
    }
    let (space, held) = workspace();
    let (folder, away) = (space.worktree("s1"), space.home().join("away"));
    space.git_at(&folder, ["branch", "hotfix"]);
    let status = || space.git_at(&folder, ["status", "--porcelain", "--branch"]);
    let take = || fs::rename(space.path("app"), &away).unwrap();
    let put_back = || fs::rename(&away, space.path("app")).unwrap();
    let args = ["destroy", "s1", "--force"];
    // With all backups there, each run renames as often.
    space.fill_backups("s1");
    take();
    let mut points = Cut::Alone.points(&space, &args);
    points.retain(|point| point.is_of("rename") || point.is_of("mkdir"));
    put_back();
    space.run(["undo"]).succeeds();
    assert!(points.len() > 3, "{points:?}");
    for (point, is_early) in points.iter().flat_map(|point| [(point, false), (point, true)]) {
        let noted = space.record("s1")["branch"] == "hotfix";
        space.git_at(&folder, ["switch", "-q", if noted { "feature/s1" } else { "hotfix" }]);
        let before = status();
        take();
        Cut::Alone.at(&space, &args, point);
        if is_early {
            put_back();
        }
        space.run(["restore"]).succeeds();
        if !is_early {
            put_back();
        }
        // What was staged is kept by git's own files alone.
        space.git_at(&space.path("app"), ["gc", "-q", "--prune=now"]);
        if space.names().is_empty() {
            space.run(["undo"]).succeeds();
        }
        assert_eq!(space.names(), ["s1"], "{point:?}");
        assert_same(&held, &files(&folder));
        assert_eq!(status(), before, "{point:?} {is_early}");
        space.run(["restore"]).succeeds();
        space.run(["doctor"]).succeeds().says("nothing is wrong");
    }
}

/// A destroy that was killed while its repository was there is ended without it: the session can still come back, and be
/// emptied out of the trash.
#[test]
fn a_destroy_that_is_ended_without_its_repository_can_be_undone_and_emptied() {
    if !strace::is_there() {
        return;
    }
    let (space, held) = workspace();
    let (folder, away) = (space.worktree("s1"), space.home().join("away"));
    let status = || space.git_at(&folder, ["status", "--porcelain", "--branch"]);
    let before = status();
    let args = ["destroy", "s1", "--force"];
    space.fill_backups("s1");
    let mut points = Cut::Alone.points(&space, &args);
    points.retain(|point| point.is_of("rename"));
    space.run(["undo"]).succeeds();
    let mut emptied = 0;
    for (point, is_over) in points.iter().flat_map(|point| [(point, false), (point, true)]) {
        Cut::Alone.at(&space, &args, point);
        fs::rename(space.path("app"), &away).unwrap();
        space.run(["restore"]).succeeds();
        fs::rename(&away, space.path("app")).unwrap();
        if is_over && space.names().is_empty() {
            space.run(["trash", "empty", "--yes"]).succeeds();
            assert_eq!(
                space.git_at(&space.path("app"), ["worktree", "list"]).lines().count(),
                1,
                "{point:?}"
            );
            assert_eq!(space.json(["trash", "list"]), serde_json::json!([]), "{point:?}");
            assert!(!space.path(".worktrees/.trash").read_dir().unwrap().any(|_| true), "{point:?}");
            emptied += 1;
            break;
        }
        if space.names().is_empty() {
            space.run(["undo"]).succeeds();
        }
        assert_same(&held, &files(&folder));
        assert_eq!(status(), before, "{point:?}");
        space.run(["doctor"]).succeeds().says("nothing is wrong");
    }
    assert_eq!(emptied, 1, "{points:?}");
}
