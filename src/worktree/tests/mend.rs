//! How a worktree is put in order after moves, prunes and power cuts.

use std::fs;

use super::{
    super::delete::delete_tree,
    support_write::{Ground, git_in, status},
};
use crate::{
    atomic::rename,
    session::{BranchFate, BranchName, RepositoryPath},
    worktree::{
        Addition, Checkout, Mended, WorktreeError, WorktreeLock, WorktreeState, Worktrees as _,
        admin::LockReason,
    },
};

fn mend(ground: &Ground, addition: &Addition, of: &Checkout) -> Vec<Mended> {
    let done = ground.worktrees().mend(of, &addition.name, &addition.record).unwrap();
    let found = ground.worktrees().inspect(of.id, &RepositoryPath::root()).unwrap();
    assert_eq!(found.state, WorktreeState::Present);
    assert_eq!(found.lock, WorktreeLock::Ours);
    assert_eq!(ground.worktrees().mend(of, &addition.name, &addition.record).unwrap(), []);
    git_in(&ground.root, ["worktree", "prune", "--expire=now"]);
    git_in(&ground.folder(of.id), ["fsck"]);
    done
}

#[test]
fn a_worktree_in_order_is_left_alone() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    assert_eq!(mend(&ground, &addition, &of), []);
}

#[test]
fn a_worktree_that_was_pruned_is_adopted_with_its_work() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("kept.txt"), "changed\n");
    ground.write_at(&folder.join("new.txt"), "new\n");
    let shown = status(&folder);
    delete_tree(&ground.admin(of.id)).unwrap();
    assert_eq!(mend(&ground, &addition, &of), [Mended::Adopted, Mended::Remembered]);
    assert_eq!(status(&folder), shown);
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(fs::read_to_string(folder.join("kept.txt")).unwrap(), "changed\n");
    assert!(!ground.path(format!(".worktrees/.adopt-{}", of.id)).exists());
}

#[test]
fn an_adoption_that_was_cut_short_is_ended() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "new\n");
    delete_tree(&ground.admin(of.id)).unwrap();
    let beside = ground.path(format!(".worktrees/.adopt-{}", of.id)).join(of.id.to_string());
    let reason = LockReason::encode(of.id, &addition.name);
    let place = beside.to_str().unwrap();
    let add =
        ["worktree", "add", "-q", "--no-checkout", "--lock", "--reason", &reason, place, "feature/auth"];
    ground.git(add);
    assert_eq!(mend(&ground, &addition, &of), [Mended::Repaired, Mended::Remembered]);
    assert_eq!(status(&folder), "?? new.txt");
    assert!(!beside.parent().unwrap().exists());
}

#[test]
fn what_was_staged_survives_damaged_administrative_files() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "new\n");
    git_in(&folder, ["add", "new.txt"]);
    ground.write_at(&ground.admin(of.id).join("HEAD"), "garbage\n");
    let done = mend(&ground, &addition, &of);
    assert!(done.contains(&Mended::Adopted), "{done:?}");
    assert_eq!(status(&folder), "A  new.txt");
    assert_eq!(fs::read_dir(ground.path(".worktrees/.damaged")).unwrap().count(), 1);
}

#[test]
fn a_moved_workspace_is_linked_again() {
    let mut ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    let moved = ground.root.with_file_name("moved");
    rename(&ground.root, &moved).unwrap();
    ground.root = moved;
    assert_eq!(mend(&ground, &addition, &of), [Mended::Repaired]);
    assert_eq!(status(&ground.folder(of.id)), "");
}

#[test]
fn a_folder_of_another_worktree_is_not_relinked() {
    let ground = Ground::new();
    let (_, victim, _) = ground.session("victim");
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join(".git"), &format!("gitdir: {}\n", ground.admin(victim.id).display()));
    let err = ground.worktrees().mend(&of, &addition.name, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::Unusable { .. }), "{err}");
}

#[test]
fn a_deleted_folder_is_checked_out_again_with_what_was_staged() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "new\n");
    git_in(&folder, ["add", "new.txt"]);
    delete_tree(&folder).unwrap();
    assert_eq!(mend(&ground, &addition, &of), [Mended::CheckedOut]);
    assert_eq!(status(&folder), "A  new.txt");
}

#[test]
fn a_worktree_of_which_only_the_branch_is_left_is_made_again() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "more"]);
    delete_tree(&folder).unwrap();
    delete_tree(&ground.admin(of.id)).unwrap();
    assert_eq!(mend(&ground, &addition, &of), [Mended::CheckedOut, Mended::Remembered]);
    assert_eq!(git_in(&folder, ["log", "-1", "--format=%s"]), "more");
    assert_eq!(status(&folder), "");
}

#[test]
fn a_branch_that_is_gone_begins_at_its_base_again() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    delete_tree(&folder).unwrap();
    delete_tree(&ground.admin(of.id)).unwrap();
    ground.git(["branch", "-D", "feature/auth"]);
    ground.git(["commit", "-q", "--allow-empty", "-m", "main moved on"]);
    let base = addition.start.base.commit.clone();
    assert_eq!(
        mend(&ground, &addition, &of),
        [Mended::BranchRestored(base), Mended::CheckedOut, Mended::Remembered]
    );
}

#[test]
fn a_damaged_ref_is_restored_from_its_reflog() {
    for damage in ["", "garbage\n", "\0\0\0\0", "0123456789012345678901234567890123456789\n"] {
        let ground = Ground::new();
        let (addition, of, folder) = ground.session("auth");
        git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "more"]);
        let tip = git_in(&folder, ["rev-parse", "HEAD"]);
        ground.write(".git/refs/heads/feature/auth", damage);
        let done = mend(&ground, &addition, &of);
        assert_eq!(done, [Mended::BranchRestored(tip.parse().unwrap())], "{damage:?}");
        assert_eq!(git_in(&folder, ["rev-parse", "HEAD"]), tip);
    }
}

#[test]
fn an_unborn_branch_is_no_damage() {
    let ground = Ground::new();
    let (addition, mut of, folder) = ground.session("auth");
    git_in(&folder, ["checkout", "-q", "--orphan", "fresh"]);
    of.branch = "fresh".parse().unwrap();
    of.base = None;
    let done = ground.worktrees().mend(&of, &addition.name, &addition.record).unwrap();
    assert_eq!(done, []);
}

#[test]
fn an_emptied_pointer_is_repaired_in_place() {
    let ground = Ground::new();
    for file in ["gitdir", ".git", "index"] {
        let (addition, of, folder) = ground.session(&format!("s{}", file.trim_start_matches('.')));
        ground.write_at(&folder.join("new.txt"), "new\n");
        let place = if file == ".git" { folder.join(file) } else { ground.admin(of.id).join(file) };
        ground.write_at(&place, "");
        assert_eq!(mend(&ground, &addition, &of), [Mended::Repaired], "{file}");
        assert_eq!(status(&folder), "?? new.txt", "{file}");
    }
}

#[test]
fn a_lock_that_was_emptied_with_the_rest_is_ours_again() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    ground.write_at(&ground.admin(of.id).join("gitdir"), "");
    ground.write_at(&ground.admin(of.id).join("locked"), "\0\0\0");
    assert_eq!(mend(&ground, &addition, &of), [Mended::Repaired, Mended::Locked]);
}

#[test]
fn a_session_on_no_branch_is_adopted_on_no_branch() {
    let ground = Ground::new();
    let (addition, mut of, folder) = ground.session("auth");
    git_in(&folder, ["checkout", "-q", "--detach"]);
    of.branch = BranchName::detached();
    delete_tree(&ground.admin(of.id)).unwrap();
    assert_eq!(mend(&ground, &addition, &of), [Mended::Adopted, Mended::Remembered]);
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "");
    assert_eq!(status(&folder), "");
}

#[test]
fn a_worktree_whose_files_were_emptied_is_set_aside_and_checked_out_again() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    for file in [folder.join(".git"), folder.join("kept.txt"), ground.admin(of.id).join("HEAD")] {
        ground.write_at(&file, "");
    }
    ground.write_at(&folder.join("mine.txt"), "mine");
    let done = mend(&ground, &addition, &of);
    let [Mended::SetAside(aside), Mended::Remembered] = &done[..] else {
        panic!("{done:?}");
    };
    let name = format!("{}.20251124T103000.000Z.2", of.id);
    assert_eq!(*aside, ground.path(".worktrees/.damaged").join(name));
    assert_eq!(fs::read_to_string(aside.join("mine.txt")).unwrap(), "mine");
    assert_eq!(status(&folder), "");
    assert_eq!(fs::read_to_string(folder.join("kept.txt")).unwrap(), "kept\n");
}

#[test]
fn a_worktree_without_a_lock_is_locked_and_a_foreign_lock_stays() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    fs::remove_file(ground.admin(of.id).join("locked")).unwrap();
    assert_eq!(mend(&ground, &addition, &of), [Mended::Locked]);
    ground.write_at(&ground.admin(of.id).join("locked"), "theirs");
    let done = ground.worktrees().mend(&of, &addition.name, &addition.record).unwrap();
    assert_eq!(done, []);
    assert_eq!(fs::read_to_string(ground.admin(of.id).join("locked")).unwrap(), "theirs");
}

#[test]
fn a_repository_in_the_place_of_a_folder_is_not_mended() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    fs::remove_file(folder.join(".git")).unwrap();
    git_in(&folder, ["init", "-q"]);
    let err = ground.worktrees().mend(&of, &addition.name, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::Unusable { .. }), "{err}");
    assert!(folder.join(".git/HEAD").exists());
}

#[test]
fn what_was_mended_can_be_discarded() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    delete_tree(&ground.admin(of.id)).unwrap();
    mend(&ground, &addition, &of);
    ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap();
    assert!(!folder.exists());
}
