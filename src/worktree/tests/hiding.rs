//! What the `git status` of a person shows of our files.

use std::{fs, os::unix::fs::MetadataExt as _};

use super::{
    support::worktrees_at,
    support_write::{Ground, git_in, status},
};
use crate::worktree::{GitSettings, Worktrees as _};

#[test]
fn the_repository_around_the_workspace_does_not_show_our_files() {
    let ground = Ground::new();
    let inner = ground.path("folder/below");
    fs::create_dir(&inner).unwrap();
    for (root, workspace) in [(&ground.root, &ground.root), (&ground.root, &inner)] {
        ground.write(".git/info/exclude", "mine\n");
        ground.write_at(&workspace.join(".wharf/state.json"), "{}");
        ground.write_at(&workspace.join(".worktrees/x/y"), "");
        assert_ne!(status(root), "");
        let worktrees = worktrees_at(workspace, GitSettings::default());
        worktrees.hide_own_files().unwrap();
        assert_eq!(git_in(root, ["status", "--porcelain"]), "", "{}", workspace.display());
        let text = fs::read_to_string(ground.path(".git/info/exclude")).unwrap();
        assert!(text.starts_with("mine\n"));
        let written = fs::metadata(ground.path(".git/info/exclude")).unwrap().ino();
        worktrees.hide_own_files().unwrap();
        let again = fs::metadata(ground.path(".git/info/exclude")).unwrap().ino();
        assert_eq!(written, again);
    }
}

#[test]
fn a_workspace_in_no_repository_has_nothing_to_hide() {
    let dir = tempfile::tempdir().unwrap();
    let worktrees = worktrees_at(dir.path(), GitSettings::default());
    worktrees.hide_own_files().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
