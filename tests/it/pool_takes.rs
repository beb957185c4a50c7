//! A warm worktree is never worse than a cold one: what is in the way of its branch, hooks that are trusted, and the default.

use std::{fs, os::unix::fs::PermissionsExt as _, thread, time::Instant};

use crate::support::{
    Ran, Workspace, invariants,
    pool::{commit, fill, filled, id, slots},
    processes,
    pty::PATIENCE,
    strace,
};

#[test]
fn an_empty_folder_in_the_place_of_the_branch_is_in_nobodys_way() {
    for settings in [&[][..], &[["index.sparse", "true"]]] {
        let space = filled(1);
        for [key, value] in settings {
            space.git(["config", key, value]);
        }
        fill(&space, 1);
        let ready = slots(&space, "ready");
        fs::create_dir_all(space.path(".git/refs/heads/feature/one/two")).unwrap();
        space.run(["create", "one"]).succeeds();
        assert!(ready.contains(&id(&space, "one")));
        invariants::restored(&space, &[], "an empty folder");
    }
}

#[test]
fn a_lock_on_the_branch_that_goes_in_time_is_waited_for() {
    let space = filled(1);
    let ready = slots(&space, "ready");
    let lock = space.path(".git/refs/heads/feature/one.lock");
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    fs::write(&lock, "").unwrap();
    // Git waits for a moment; what stays is in its way as well, and then the worktree is as ready as before.
    let ran = space.run(["create", "one", "--json"]);
    assert!(!ran.output.status.success(), "{}", ran.stdout());
    assert!(lock.exists(), "it is somebody else's");
    assert_eq!((space.names(), slots(&space, "ready")), (vec![], ready.clone()));
    space.git(["config", "core.filesRefLockTimeout", "60000"]);
    fill(&space, 1);
    let ready = slots(&space, "ready");
    let create = space.spawn(["create", "one"]);
    let deadline = Instant::now() + PATIENCE;
    while !fs::read_to_string(space.path(crate::support::STATE)).unwrap_or_default().contains("creating") {
        assert!(Instant::now() < deadline, "it never begins");
        thread::yield_now();
    }
    fs::remove_file(&lock).unwrap();
    Ran { output: create.wait_with_output().unwrap() }.succeeds();
    assert!(ready.contains(&id(&space, "one")));
    invariants::restored(&space, &[], "a lock that went");
}

#[test]
fn a_disk_that_refuses_the_branch_file_leaves_it_to_git() {
    if !strace::is_there() {
        return;
    }
    // What a `git pack-refs` that clears folders away at the same moment looks like.
    let space = filled(1);
    let ready = slots(&space, "ready");
    let (ran, was_failed) = strace::failing_at(&space, ["create", "one"], "mkdir", "ENOENT", 1);
    ran.succeeds();
    assert!(was_failed, "nothing was refused");
    assert!(ready.contains(&id(&space, "one")));
    invariants::restored(&space, &[], "a folder that went");
}

#[test]
fn trusted_hooks_hear_of_the_branch_of_a_warm_worktree_too() {
    let space = Workspace::new();
    let hook = space.path(".git/hooks/reference-transaction");
    let heard = space.home().join("heard");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\n[ $1 = committed ] && cat >> '{}'\nexit 0\n", heard.display()))
        .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let create = |name: &str| {
        fill(&space, 1);
        drop(fs::remove_file(&heard));
        let ready = slots(&space, "ready");
        space.run(["create", name]).succeeds();
        assert!(ready.contains(&id(&space, name)), "{name}");
        fs::read_to_string(&heard).unwrap_or_default()
    };
    assert_eq!(create("distrusted"), "");
    let own = space.home().join(".config/wharf");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("config.toml"), "[git]\ntrust_hooks = true\n").unwrap();
    let said = create("trusted");
    assert!(said.contains("refs/heads/feature/trusted"), "{said}");
    // A hook that refuses the branch is heard as well.
    fill(&space, 1);
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    space.run(["create", "refused"]).fails(1);
    fs::remove_file(&hook).unwrap();
    assert_eq!(space.names().len(), 2);
    space.run(["pool", "drain"]).succeeds();
    invariants::restored(&space, &[], "a hook that refuses");
}

#[test]
fn by_default_the_second_create_takes_what_the_first_had_made_ready() {
    let space = Workspace::new();
    let run = |args: &[&str]| {
        let mut command = space.command();
        command.env_remove("WHARF_POOL_SIZE").env_remove("WHARF_BACKGROUND").args(args);
        Ran { output: command.output().unwrap() }
    };
    run(&["create", "one"]).succeeds();
    let deadline = Instant::now() + PATIENCE;
    while slots(&space, "ready").is_empty() {
        assert!(Instant::now() < deadline, "nobody fills the pool: {}", space.json(["pool", "status"]));
        thread::sleep(std::time::Duration::from_millis(20));
    }
    processes::until_nothing_is_behind(&space.root());
    let ready = slots(&space, "ready");
    assert_eq!(ready.len(), 1);
    run(&["create", "two"]).succeeds();
    assert!(ready.contains(&id(&space, "two")));
    // After a change of settings the next one is made anew, and the one after it is warm again.
    processes::until_nothing_is_behind(&space.root());
    let old = slots(&space, "ready");
    space.git(["config", "core.autocrlf", "input"]);
    run(&["create", "three"]).succeeds();
    processes::until_nothing_is_behind(&space.root());
    let new = slots(&space, "ready");
    assert!(
        !old.contains(&id(&space, "three")) && old.is_disjoint(&new) && new.len() == 1,
        "{old:?} {new:?}"
    );
    run(&["create", "four"]).succeeds();
    assert!(new.contains(&id(&space, "four")));
    processes::until_nothing_is_behind(&space.root());
    space.run(["pool", "drain"]).succeeds();
    invariants::restored(&space, &[], "creates by default");
}

#[test]
fn a_base_that_is_gone_ends_in_an_error_or_in_a_worktree_of_its_own() {
    let space = Workspace::new();
    let before = space.git(["rev-parse", "HEAD"]);
    commit(&space, "more", "more\n");
    fill(&space, 1);
    let ready = slots(&space, "ready");
    let gone = space.git(["rev-parse", "HEAD"]);
    let tree = space.git(["rev-parse", "HEAD^{tree}"]);
    space.git(["reset", "-q", "--hard", &before]);
    for object in [&gone, &tree] {
        fs::remove_file(space.path(".git/objects").join(&object[..2]).join(&object[2..])).unwrap();
    }
    space.run(["create", "one", "--from", &gone]).fails(2).says("names no commit in this repository");
    assert_eq!(space.names(), Vec::<String>::new());
    space.run(["create", "two"]).succeeds();
    assert!(!ready.contains(&id(&space, "two")));
    assert_eq!(space.git_at(&space.worktree("two"), ["status", "--porcelain"]), "");
    assert_eq!(space.git_at(&space.worktree("two"), ["rev-parse", "HEAD"]), before);
    // What cannot be looked at any more could be somebody's work, so it stays and is shown.
    fill(&space, 1);
    assert_eq!(slots(&space, "changed"), ready);
    assert_ne!(slots(&space, "ready"), ready);
    space.run(["restore"]).succeeds().says("1 session restored");
}
