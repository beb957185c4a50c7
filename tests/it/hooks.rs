use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::Workspace;

fn with_hook() -> Workspace {
    let space = Workspace::new();
    let hook = space.path(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho \"$@\" > hook-ran\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    space
}

/// RELIABILITY G6.
#[test]
fn hooks_of_a_repository_run_only_when_the_user_trusts_them() {
    let space = with_hook();
    space.run(["create", "distrusted"]).succeeds();
    assert!(!space.worktree("distrusted").join("hook-ran").exists());
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "[git]\ntrust_hooks = true\n").unwrap();
    space.run(["create", "trusted"]).succeeds();
    let folder = space.worktree("trusted");
    let head = space.git_at(&folder, ["rev-parse", "HEAD"]);
    let said = fs::read_to_string(folder.join("hook-ran")).unwrap();
    assert_eq!(
        said.trim_end(),
        format!("{} {head} 1", "0".repeat(head.len())),
        "as `git worktree add` calls it"
    );
}
