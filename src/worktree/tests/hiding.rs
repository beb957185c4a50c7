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

#[test]
fn a_file_of_a_worktree_is_hidden_by_its_name_alone() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("s1");
    let worktrees = ground.worktrees();
    ground.write(".git/info/exclude", "mine\n\n# last");
    for name in [":(top)x [1]*?\\.json", "deep/a b.json"] {
        ground.write_at(&folder.join(name), "{}");
        ground.write_at(&folder.join("other.json"), "{}");
        assert!(!worktrees.is_tracked(&of, name).unwrap());
        assert!(worktrees.hide(&of, name).unwrap());
        assert_eq!(git_in(&folder, ["status", "--porcelain"]), "?? other.json", "{name}");
        assert!(!worktrees.hide(&of, name).unwrap(), "it is hidden already");
        worktrees.unhide(&of, name).unwrap();
        worktrees.unhide(&of, name).unwrap();
        assert_eq!(fs::read_to_string(ground.path(".git/info/exclude")).unwrap(), "mine\n\n# last\n");
        git_in(&folder, ["--literal-pathspecs", "add", "--", name]);
        assert!(worktrees.is_tracked(&of, name).unwrap(), "{name}");
        git_in(&folder, ["reset", "-q", "--hard"]);
    }
}
