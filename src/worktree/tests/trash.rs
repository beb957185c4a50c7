//! What a destroy moves to the trash, and how all of it comes back.

use std::{collections::BTreeMap, fs, path::Path};

use super::support_write::{Ground, bring_back_first, checkout, git_in, status, try_git};
use crate::{
    session::{BranchFate, BranchName},
    worktree::{AddEnd, WorktreeError, Worktrees as _},
};

/// All files of a folder with their bytes, but for git's own.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with(".git") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Staged, changed, untracked and ignored work.
fn work(ground: &Ground, folder: &Path) {
    ground.write_at(&folder.join("kept.txt"), "staged\n");
    git_in(folder, ["add", "kept.txt"]);
    ground.write_at(&folder.join("kept.txt"), "changed after\n");
    ground.write_at(&folder.join("folder/deep.txt"), "changed\n");
    ground.write_at(&folder.join("new/untracked.txt"), "untracked\n");
    ground.write_at(&folder.join(".gitignore"), "ignored\n");
    ground.write_at(&folder.join("ignored"), "ignored work\n");
}

#[test]
fn work_comes_back_to_the_byte_with_its_index() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    work(&ground, &folder);
    let (before, shown) = (files(&folder), status(&folder));
    let index = git_in(&folder, ["ls-files", "--stage"]);
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{\"kept\":true}").unwrap();
    assert!(!folder.exists() && !ground.admin(addition.id).exists());
    assert!(worktrees.is_discarded(addition.id));
    assert_eq!(ground.branches(), ["main"]);
    let trash = worktrees.trash().unwrap();
    assert_eq!(trash.len(), 1);
    assert_eq!((trash[0].id, trash[0].record.as_str()), (addition.id, "{\"kept\":true}"));
    worktrees.bring_back(trash[0].id, &trash[0].repository).unwrap();
    assert_eq!(files(&folder), before);
    assert_eq!(status(&folder), shown);
    assert_eq!(git_in(&folder, ["ls-files", "--stage"]), index);
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(ground.hidden(), "");
    assert!(worktrees.trash().unwrap().is_empty());
    assert!(!worktrees.is_discarded(addition.id));
    assert_eq!(worktrees.settle_add(&addition).unwrap(), AddEnd::Complete);
    worktrees.bring_back(trash[0].id, &trash[0].repository).unwrap();
}

#[test]
fn the_hidden_ref_holds_staged_changed_and_untracked_work() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    work(&ground, &folder);
    ground.worktrees().discard(&of, BranchFate::Keep, "{}").unwrap();
    let show = |what: &str| ground.git(["show", &format!("refs/wharf/trash/{}{what}", addition.id)]);
    assert_eq!(show(":kept.txt"), "changed after");
    assert_eq!(show("^2:kept.txt"), "staged");
    assert_eq!(show(":new/untracked.txt"), "untracked");
    let author = ground.git(["log", "-1", "--format=%an <%ae>", &ground.hidden()]);
    assert_eq!(author, "wharf <wharf@localhost>");
}

#[test]
fn clean_work_is_kept_by_its_own_commit() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "more"]);
    let tip = git_in(&folder, ["rev-parse", "HEAD"]);
    ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(ground.git(["rev-parse", &ground.hidden()]), tip);
    assert!(!ground.folder(addition.id).exists());
}

#[test]
fn a_trash_that_lost_its_folders_is_made_up_for_by_the_hidden_ref() {
    for lost in [&["worktree"][..], &["admin"], &["worktree", "admin"]] {
        let ground = Ground::new();
        let (addition, of, folder) = ground.session("auth");
        work(&ground, &folder);
        let (mut before, shown) = (files(&folder), status(&folder));
        let worktrees = ground.worktrees();
        worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
        for part in lost {
            let place = ground.path(".worktrees/.trash").join(addition.id.to_string());
            super::super::delete::delete_tree(&place.join(part)).unwrap();
        }
        bring_back_first(&worktrees).unwrap();
        if lost.contains(&"worktree") {
            before.remove("ignored");
            assert_eq!(status(&folder), shown.replace("\n!! ignored", ""), "{lost:?}");
        } else {
            assert_eq!(status(&folder), shown, "{lost:?}");
        }
        assert_eq!(files(&folder), before, "{lost:?}");
        assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    }
}

#[test]
fn a_discard_that_stopped_anywhere_is_ended_by_the_next_one() {
    for stop in 0..3 {
        let ground = Ground::new();
        let (addition, of, folder) = ground.session("auth");
        work(&ground, &folder);
        let before = files(&folder);
        let worktrees = ground.worktrees();
        worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
        let place = ground.path(".worktrees/.trash").join(addition.id.to_string());
        let rename = |from: &Path, to: &Path| crate::atomic::rename(from, to).unwrap();
        ground.git(["branch", "feature/auth", "main"]);
        if stop > 0 {
            rename(&place.join("admin"), &ground.admin(addition.id));
        }
        if stop > 1 {
            rename(&place.join("worktree"), &folder);
        }
        worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
        assert_eq!(ground.branches(), ["main"], "stop {stop}");
        bring_back_first(&worktrees).unwrap();
        assert_eq!(files(&folder), before, "stop {stop}");
    }
}

#[test]
fn a_bring_back_that_stopped_anywhere_is_ended_by_the_next_one() {
    for stop in 0..2 {
        let ground = Ground::new();
        let (addition, of, folder) = ground.session("auth");
        work(&ground, &folder);
        let before = files(&folder);
        let worktrees = ground.worktrees();
        worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
        let trashed = worktrees.trash().unwrap().remove(0);
        let place = ground.path(".worktrees/.trash").join(addition.id.to_string());
        crate::atomic::rename(&place.join("admin"), &ground.admin(addition.id)).unwrap();
        if stop > 0 {
            crate::atomic::rename(&place.join("worktree"), &folder).unwrap();
        }
        worktrees.bring_back(trashed.id, &trashed.repository).unwrap();
        assert_eq!(files(&folder), before, "stop {stop}");
        assert_eq!(ground.hidden(), "");
    }
}

#[test]
fn a_branch_that_is_elsewhere_now_is_not_moved_back() {
    let ground = Ground::new();
    let (_, of, _) = ground.session("auth");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    let trashed = worktrees.trash().unwrap().remove(0);
    ground.git(["commit", "-q", "--allow-empty", "-m", "more"]);
    ground.git(["branch", "feature/auth"]);
    let err = worktrees.bring_back(trashed.id, &trashed.repository).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchExists { .. }), "{err}");
    ground.git(["branch", "-f", "feature/auth", "HEAD~1"]);
    ground.git(["checkout", "-q", "feature/auth"]);
    let err = worktrees.bring_back(trashed.id, &trashed.repository).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchInUse { .. }), "{err}");
    assert_eq!(worktrees.trash().unwrap().len(), 1);
}

#[test]
fn a_purged_session_is_gone_with_its_ref() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    fs::create_dir(folder.join("sealed")).unwrap();
    ground.write_at(&folder.join("sealed/file"), "x");
    std::os::unix::fs::symlink(ground.path("folder"), folder.join("link")).unwrap();
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Keep, "{}").unwrap();
    let trashed = worktrees.trash().unwrap().remove(0);
    worktrees.purge(&trashed).unwrap();
    worktrees.purge(&trashed).unwrap();
    assert_eq!(ground.hidden(), "");
    assert!(worktrees.trash().unwrap().is_empty());
    assert!(ground.path("folder/deep.txt").exists());
    assert!(!ground.path(".worktrees/.trash").join(addition.id.to_string()).exists());
}

#[test]
fn a_trash_that_is_a_link_is_not_used() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let elsewhere = ground.root.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, ground.path(".worktrees/.trash")).unwrap();
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::UnsafePath { .. }), "{err}");
    assert!(folder.join("kept.txt").exists());
    assert!(ground.worktrees().trash().unwrap().is_empty());
}

#[test]
fn an_administrative_folder_with_a_number_goes_and_comes() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    let numbered = ground.path(".git/worktrees").join(format!("{}1", addition.id));
    crate::atomic::rename(&ground.admin(addition.id), &numbered).unwrap();
    ground.write_at(&folder.join(".git"), &format!("gitdir: {}\n", numbered.display()));
    let worktrees = ground.worktrees();
    assert_eq!(worktrees.settle_add(&addition).unwrap(), AddEnd::Complete);
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert!(!numbered.exists());
    bring_back_first(&worktrees).unwrap();
    assert_eq!(status(&folder), "");
}

#[test]
fn somebody_elses_lock_is_never_gone_over() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&ground.admin(addition.id).join("locked"), "on a \u{1b}disk\n");
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert_eq!(
        err.to_string(),
        format!("session {} cannot be moved to the trash: it is locked: on a \\u{{1b}}disk", addition.id)
    );
    assert!(folder.join("kept.txt").exists());
    assert_eq!(ground.hidden(), "");
}

#[test]
fn a_folder_that_points_elsewhere_is_not_destroyed() {
    let ground = Ground::new();
    let (_, victim, victims) = ground.session("victim");
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join(".git"), &format!("gitdir: {}\n", ground.admin(victim.id).display()));
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::Unusable { .. }), "{err}");
    fs::remove_file(folder.join(".git")).unwrap();
    super::super::delete::delete_tree(&folder).unwrap();
    std::os::unix::fs::symlink(&victims, &folder).unwrap();
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::UnsafePath { .. }), "{err}");
    assert!(victims.join("kept.txt").exists() && ground.admin(addition.id).exists());
}

#[test]
fn a_branch_that_another_worktree_uses_is_not_deleted() {
    let ground = Ground::new();
    let (_, mut of, folder) = ground.session("auth");
    of.branch = "main".parse().unwrap();
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::BranchInUse { .. }), "{err}");
    assert!(folder.exists());
}

#[test]
fn a_missing_worktree_can_be_discarded_and_comes_back_from_its_commit() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "more"]);
    super::super::delete::delete_tree(&folder).unwrap();
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(ground.branches(), ["main"]);
    bring_back_first(&worktrees).unwrap();
    assert_eq!(status(&folder), "");
    assert_eq!(git_in(&folder, ["log", "-1", "--format=%s"]), "more");
}

#[test]
fn a_detached_head_comes_back_detached() {
    let ground = Ground::new();
    let (_, mut of, folder) = ground.session("auth");
    git_in(&folder, ["checkout", "-q", "--detach"]);
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "on no branch"]);
    let tip = git_in(&folder, ["rev-parse", "HEAD"]);
    of.branch = BranchName::detached();
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(ground.git(["rev-parse", &ground.hidden()]), tip);
    bring_back_first(&worktrees).unwrap();
    assert_eq!(git_in(&folder, ["rev-parse", "HEAD"]), tip);
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "");
}

#[test]
fn a_conflict_in_the_middle_of_a_rebase_comes_back() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("kept.txt"), "theirs\n");
    git_in(&folder, ["commit", "-q", "-a", "-m", "theirs"]);
    let tip = git_in(&folder, ["rev-parse", "HEAD"]);
    ground.write("kept.txt", "ours\n");
    ground.git(["commit", "-q", "-a", "-m", "ours"]);
    assert!(!try_git(&folder, ["rebase", "main"]).status.success());
    let (before, shown) = (files(&folder), status(&folder));
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert_eq!(ground.branches(), ["main"]);
    let kept = ground.git(["rev-list", &format!("refs/wharf/trash/{}", addition.id)]);
    assert!(kept.contains(&tip));
    bring_back_first(&worktrees).unwrap();
    assert_eq!((files(&folder), status(&folder)), (before, shown));
    git_in(&folder, ["rebase", "--abort"]);
    assert_eq!(git_in(&folder, ["rev-parse", "feature/auth"]), tip);
}

#[test]
fn a_worktree_without_a_commit_goes_and_comes() {
    let ground = Ground::new();
    let (_, mut of, folder) = ground.session("auth");
    git_in(&folder, ["checkout", "-q", "--orphan", "fresh"]);
    of.branch = "fresh".parse().unwrap();
    let before = files(&folder);
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    bring_back_first(&worktrees).unwrap();
    assert_eq!(files(&folder), before);
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "fresh");
}

#[test]
fn a_nested_repository_without_a_commit_does_not_stop_a_destroy() {
    let ground = Ground::new();
    let (addition, _, folder) = ground.session("auth");
    fs::create_dir(folder.join("nested")).unwrap();
    git_in(&folder.join("nested"), ["init", "-q"]);
    ground.write_at(&folder.join("nested/file"), "x");
    let worktrees = ground.worktrees();
    worktrees.discard(&checkout(&addition), BranchFate::Delete, "{}").unwrap();
    bring_back_first(&worktrees).unwrap();
    assert!(folder.join("nested/file").exists());
}
