//! What a git that was killed leaves locked does not stay locked.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use super::support_write::Ground;
use crate::{
    session::BranchFate,
    worktree::{WorktreeError, Worktrees as _},
};

fn lock(common: &Path, reference: &str) {
    let path = common.join(format!("{reference}.lock"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap();
}

#[test]
fn a_destroy_and_its_undo_go_past_the_locks_of_a_killed_git() {
    let ground = Ground::new();
    let worktrees = ground.worktrees();
    let (_, checkout, folder) = ground.session("auth");
    let common = ground.root.join(".git");
    let hidden = format!("refs/wharf/trash/{}", checkout.id);
    lock(&common, &hidden);
    lock(&common, "refs/heads/feature/auth");
    worktrees.discard(&checkout, BranchFate::Delete, "{}").unwrap();
    assert_eq!(ground.branches(), ["main"]);
    lock(&common, &hidden);
    lock(&common, "refs/heads/feature/auth");
    let trashed = worktrees.trash().unwrap().remove(0);
    worktrees.bring_back(&trashed).unwrap();
    assert!(folder.join(".git").is_file());
    assert_eq!(ground.hidden(), "");
}

#[test]
fn a_create_is_taken_back_past_the_lock_of_a_killed_git() {
    let ground = Ground::new();
    let (addition, _, folder) = ground.session("auth");
    lock(&ground.root.join(".git"), "refs/heads/feature/auth");
    ground.worktrees().withdraw(&addition).unwrap();
    assert!(!folder.exists());
    assert_eq!(ground.branches(), ["main"]);
}

#[test]
fn only_an_old_lock_on_the_packed_refs_is_taken_for_a_leftover() {
    let ground = Ground::new();
    let (addition, _, _) = ground.session("auth");
    let packed = ground.root.join(".git/packed-refs.lock");
    let held = File::create(&packed).unwrap();
    assert!(matches!(
        ground.worktrees().withdraw(&addition),
        Err(WorktreeError::Git { .. })
    ));
    #[expect(
        clippy::disallowed_methods,
        reason = "an age on the disk is counted from the machine's clock"
    )]
    let long_ago = SystemTime::now() - Duration::from_mins(2);
    held.set_modified(long_ago).unwrap();
    ground.worktrees().withdraw(&addition).unwrap();
    assert_eq!(ground.branches(), ["main"]);
    assert!(!packed.exists());
}
