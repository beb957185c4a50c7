use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Workspace, pool, processes, pty::PATIENCE};

fn with_hook() -> Workspace {
    let space = Workspace::new();
    let hook = space.path(".git/hooks/post-checkout");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho \"$@\" > hook-ran\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    space
}

fn trust_hooks(space: &Workspace) {
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "[git]\ntrust_hooks = true\n").unwrap();
}

/// RELIABILITY G6.
#[test]
fn hooks_of_a_repository_run_only_when_the_user_trusts_them() {
    let space = with_hook();
    let ways = |space: &Workspace, prefix: &str, judge: &dyn Fn(&Workspace, &str)| {
        let name = |way: &str| format!("{prefix}-{way}");
        space.run(["create", &name("copied")]).succeeds();
        let taken = |way: &str| {
            pool::fill(space, 1);
            let ready = pool::slots(space, "ready");
            space.run(["create", &name(way)]).succeeds();
            assert!(ready.contains(&pool::id(space, &name(way))), "{way} is not what was ready");
        };
        taken("warm");
        space.git(["config", "index.sparse", "true"]);
        space.run(["create", &name("git")]).succeeds();
        taken("switched");
        space.git(["config", "--unset", "index.sparse"]);
        for way in ["copied", "warm", "git", "switched"] {
            judge(space, &name(way));
            space.run(["destroy", &name(way), "--force", "--delete-branch"]).succeeds();
        }
    };
    ways(&space, "distrusted", &|space, name| {
        assert!(!space.worktree(name).join("hook-ran").exists(), "{name}");
    });
    trust_hooks(&space);
    ways(&space, "trusted", &|space, name| {
        let folder = space.worktree(name);
        let head = space.git_at(&folder, ["rev-parse", "HEAD"]);
        let said = fs::read_to_string(folder.join("hook-ran")).unwrap();
        let wanted = format!("{} {head} 1", "0".repeat(head.len()));
        assert_eq!(said.trim_end(), wanted, "{name}: as `git worktree add` calls it");
    });
}

/// A hook that fails takes the session back with it, but not what somebody did meanwhile.
#[test]
fn a_create_whose_hook_fails_leaves_nothing_but_what_somebody_did() {
    for is_warm in [false, true] {
        let space = with_hook();
        trust_hooks(&space);
        let fails_after = |work: &str| {
            let script = format!("#!/bin/sh\n{work}\necho no >&2\nexit 3\n");
            fs::write(space.path(".git/hooks/post-checkout"), script).unwrap();
            if is_warm {
                pool::fill(&space, 1);
            }
            space.run(["create", "one", "--json"]).fails(1)
        };
        let said = fails_after(":");
        assert_eq!(said.error()["message"], "git hook post-checkout failed (exit code 3): no");
        assert!(said.error()["hint"].as_str().unwrap().contains("git.trust_hooks"), "{}", said.stderr());
        assert!(
            said.error()["code"] == "GIT_FAILED" && !said.stderr().contains("stays"),
            "{}",
            said.stderr()
        );
        assert_eq!(
            (space.names(), space.branches()),
            (Vec::new(), vec!["main".to_owned()]),
            "warm: {is_warm}"
        );
        for (number, work) in
            ["echo mine > README.md", "git worktree unlock .; echo mine > mine.txt"].into_iter().enumerate()
        {
            let said = fails_after(work);
            assert!(
                said.error()["code"] == "GIT_FAILED" && said.stderr().contains("stays"),
                "{}",
                said.stderr()
            );
            let message = said.error()["message"].as_str().unwrap().to_owned();
            assert_eq!(message.matches("post-checkout failed").count(), 1, "{message}");
            let file = work.rsplit(' ').next().unwrap();
            let found = fs::read_to_string(space.worktree("one").join(file));
            assert_eq!(found.unwrap(), "mine\n", "warm: {is_warm}");
            let record = space.sessions().pop().unwrap();
            assert_eq!((&record["name"], &record["pending"]), (&json!("one"), &Value::Null), "{record}");
            let name = format!("kept-{number}");
            space.run(["rename", "one", &name, "--branch", &format!("feature/{name}")]).succeeds();
        }
    }
}

/// A hook can take minutes, and somebody begins to work meanwhile.
#[test]
fn work_in_a_session_whose_create_was_killed_in_its_hook_stays() {
    for is_warm in [false, true] {
        let space = with_hook();
        trust_hooks(&space);
        let pid = space.home().join("hook.pid");
        let script =
            format!("#!/bin/sh\necho $$ > '{0}.new'; mv '{0}.new' '{0}'; exec sleep 60\n", pid.display());
        fs::write(space.path(".git/hooks/post-checkout"), script).unwrap();
        if is_warm {
            pool::fill(&space, 1);
        }
        let mut create = space.spawn(["create", "one"]);
        let deadline = Instant::now() + PATIENCE;
        while !pid.exists() {
            assert!(Instant::now() < deadline, "the hook never runs");
            thread::sleep(Duration::from_millis(2));
        }
        let folders = fs::read_dir(space.path(".worktrees")).unwrap().map(|entry| entry.unwrap().path());
        let folder = folders.into_iter().find(|path| path.join("README.md").exists()).unwrap();
        fs::write(folder.join("README.md"), "mine\n").unwrap();
        create.kill().unwrap();
        create.wait().unwrap();
        processes::kill(fs::read_to_string(&pid).unwrap().trim().parse().unwrap());
        // Whoever finds it first finishes it.
        space.run(["touch", "one"]).succeeds();
        space.run(["restore"]).succeeds();
        assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "mine\n", "warm: {is_warm}");
        assert_eq!((space.names(), space.worktree("one")), (vec!["one".to_owned()], folder));
    }
}
