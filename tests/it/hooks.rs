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
    let ways = |space: &Workspace, prefix: &str, judge: &dyn Fn(&Workspace, &str)| {
        let name = |way: &str| format!("{prefix}-{way}");
        space.run(["create", &name("copied")]).succeeds();
        space.run(["pool", "fill", "--size", "1"]).succeeds();
        space.run(["create", &name("warm")]).succeeds();
        space.git(["config", "index.sparse", "true"]);
        space.run(["create", &name("git")]).succeeds();
        space.run(["pool", "fill", "--size", "1"]).succeeds();
        space.run(["create", &name("switched")]).succeeds();
        space.git(["config", "--unset", "index.sparse"]);
        for way in ["copied", "warm", "git", "switched"] {
            judge(space, &name(way));
            space.run(["destroy", &name(way), "--force", "--delete-branch"]).succeeds();
        }
    };
    ways(&space, "distrusted", &|space, name| {
        assert!(!space.worktree(name).join("hook-ran").exists(), "{name}");
    });
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "[git]\ntrust_hooks = true\n").unwrap();
    ways(&space, "trusted", &|space, name| {
        let folder = space.worktree(name);
        let head = space.git_at(&folder, ["rev-parse", "HEAD"]);
        let said = fs::read_to_string(folder.join("hook-ran")).unwrap();
        let wanted = format!("{} {head} 1", "0".repeat(head.len()));
        assert_eq!(said.trim_end(), wanted, "{name}: as `git worktree add` calls it");
    });
}
