//! The same verbs on repositories that are out of the ordinary.

use std::fs;

use super::support_write::{Ground, bring_back_first, git_in, run, skipped, status, try_git};
use crate::{
    session::BranchFate,
    worktree::{AddEnd, Mended, WorktreeError, Worktrees as _},
};

/// Create, change, destroy, undo and mend.
fn whole_life(ground: &Ground) {
    let (addition, of, folder) = ground.session("life");
    let worktrees = ground.worktrees();
    assert_eq!(worktrees.settle_add(&addition).unwrap(), AddEnd::Complete);
    assert_eq!(status(&folder), "");
    ground.write_at(&folder.join("new.txt"), "new\n");
    git_in(&folder, ["add", "new.txt"]);
    let shown = status(&folder);
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    assert!(!ground.branches().contains(&"feature/life".to_owned()));
    bring_back_first(&worktrees).unwrap();
    assert_eq!(status(&folder), shown);
    assert_eq!(worktrees.mend(&of, &addition.name, &addition.record).unwrap(), []);
    super::super::delete::delete_tree(&ground.admin(of.id)).unwrap();
    let done = worktrees.mend(&of, &addition.name, &addition.record).unwrap();
    assert_eq!(done[0], Mended::Adopted);
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    worktrees.purge(&worktrees.trash().unwrap()[0]).unwrap();
    assert_eq!(ground.hidden(), "");
}

fn commit(ground: &Ground) {
    ground.write("kept.txt", "kept\n");
    ground.git(["add", "-A"]);
    ground.git(["commit", "-q", "-m", "first"]);
}

#[test]
fn a_plain_repository() {
    whole_life(&Ground::new());
}

#[test]
fn a_reftable_repository() {
    let ground = Ground::unborn(&["--ref-format=reftable"]);
    commit(&ground);
    whole_life(&ground);
}

#[test]
fn a_sha256_repository() {
    let ground = Ground::unborn(&["--object-format=sha256"]);
    commit(&ground);
    whole_life(&ground);
}

#[test]
fn a_repository_with_packed_refs_and_worktree_configuration() {
    let ground = Ground::new();
    ground.git(["config", "extensions.worktreeConfig", "true"]);
    ground.git(["pack-refs", "--all"]);
    whole_life(&ground);
}

#[test]
fn a_repository_with_a_submodule() {
    let ground = Ground::new();
    let library = Ground::new();
    ground.git(["submodule", "--quiet", "add", library.root.to_str().unwrap(), "library"]);
    ground.git(["commit", "-q", "-m", "with a submodule"]);
    whole_life(&ground);
    let (_, of, folder) = ground.session("modules");
    git_in(&folder, ["submodule", "--quiet", "update", "--init"]);
    ground.write_at(&folder.join("library/kept.txt"), "changed inside\n");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    bring_back_first(&worktrees).unwrap();
    assert_eq!(git_in(&folder, ["-C", "library", "status", "--porcelain"]), " M kept.txt");
}

#[test]
fn a_repository_with_large_files() {
    let ground = Ground::new();
    if !try_git(&ground.root, ["lfs", "version"]).status.success() {
        return skipped("git-lfs is not installed");
    }
    ground.git(["lfs", "install", "--local"]);
    ground.git(["lfs", "track", "*.bin"]);
    ground.write("large.bin", "a large file\n");
    ground.git(["add", "-A"]);
    ground.git(["commit", "-q", "-m", "with a large file"]);
    whole_life(&ground);
    let (addition, of, folder) = ground.session("large");
    assert_eq!(fs::read_to_string(folder.join("large.bin")).unwrap(), "a large file\n");
    ground.write_at(&folder.join("large.bin"), "changed\n");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    let place = ground.path(".worktrees/.trash").join(addition.id.to_string());
    super::super::delete::delete_tree(&place.join("worktree")).unwrap();
    bring_back_first(&worktrees).unwrap();
    assert_eq!(fs::read_to_string(folder.join("large.bin")).unwrap(), "changed\n");
}

#[test]
fn a_mount_below_a_worktree_is_never_emptied() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("mounted");
    let volume = ground.root.with_file_name("volume");
    ground.write_at(&volume.join("precious"), "precious");
    let point = folder.join("point");
    fs::create_dir(&point).unwrap();
    if !run("mount", ["--bind".as_ref(), volume.as_os_str(), point.as_os_str()]) {
        return skipped("nothing can be mounted here");
    }
    let err = ground.worktrees().discard(&of, BranchFate::Delete, "{}");
    let tree = super::super::delete::delete_tree(&folder);
    assert!(run("umount", ["--lazy".as_ref(), point.as_os_str()]));
    assert!(matches!(err, Err(WorktreeError::InTheWay { .. })), "{err:?}");
    assert!(matches!(tree, Err(WorktreeError::UnsafePath { .. })), "{tree:?}");
    assert!(volume.join("precious").exists());
}
