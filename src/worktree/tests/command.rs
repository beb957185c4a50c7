//! How the git command is run when it, the repository or the environment is hostile.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::support_write::{Ground, bring_back_first, skipped, try_git};
use crate::{
    session::{Base, BranchFate, RepositoryPath, SessionId},
    worktree::{Addition, GitSettings, Start, WorktreeError, Worktrees as _, command::GitCall},
};

#[test]
fn neither_hooks_nor_fsmonitor_of_a_repository_run() {
    let ground = Ground::new();
    let pwned = ground.root.with_file_name("pwned");
    let hooks = ground.root.with_file_name("hooks");
    for hook in ["post-checkout", "pre-commit", "reference-transaction", "post-index-change"] {
        let path = hooks.join(hook);
        ground.write_at(&path, &format!("#!/bin/sh\ntouch '{}'\n", pwned.display()));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    ground.git(["config", "core.hooksPath", hooks.to_str().unwrap()]);
    ground.git(["config", "core.fsmonitor", &format!("touch '{}'", pwned.display())]);
    fs::remove_file(&pwned).ok();
    let (_, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "new");
    let worktrees = ground.worktrees();
    assert!(worktrees.look(std::slice::from_ref(&of))[0].changes.is_some());
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    bring_back_first(&worktrees).unwrap();
    assert!(!pwned.exists());
}

#[test]
fn a_repository_named_in_the_environment_is_not_taken() {
    let ground = Ground::new();
    // The environment of a test cannot be changed; so a shim says what git would have seen.
    let settings = ground.shim("env | grep '^GIT_' | grep -v '^GIT_SSL_' | sort", Duration::from_secs(10));
    let worktrees = ground.with(settings);
    let asked = worktrees.git(&ground.root, &["status"]).unwrap();
    let asked = String::from_utf8(asked).unwrap();
    assert_eq!(asked, "GIT_OPTIONAL_LOCKS=0\nGIT_TERMINAL_PROMPT=0\n");
    let lock = worktrees.lock_repository(&ground.path(".git")).unwrap();
    let call = GitCall::tell(&ground.root, &["add"], &lock).env("GIT_INDEX_FILE", "/x");
    let told = worktrees.run(&call).unwrap().stdout;
    assert_eq!(String::from_utf8(told).unwrap(), "GIT_INDEX_FILE=/x\nGIT_TERMINAL_PROMPT=0\n");
}

#[test]
fn a_git_that_hangs_is_killed_with_its_children() {
    let ground = Ground::new();
    let pid = ground.root.with_file_name("pid");
    let script = format!("sleep 1000 &\necho $! > '{}'\nwait", pid.display());
    let worktrees = ground.with(ground.shim(&script, Duration::from_millis(300)));
    let began = Instant::now();
    let err = worktrees.git(&ground.root, &["status"]).unwrap_err();
    assert!(matches!(err, WorktreeError::GitTimeout { .. }), "{err}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let child = fs::read_to_string(&pid).unwrap();
    // Killed is not yet gone: init reaps it.
    let stat = || fs::read_to_string(Path::new("/proc").join(child.trim()).join("stat")).unwrap_or_default();
    while !stat().is_empty() && !stat().contains(") Z") {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", stat());
    }
}

#[test]
fn a_background_process_does_not_keep_an_answer_waiting() {
    let ground = Ground::new();
    let settings = ground.shim("sleep 3 &\necho done", Duration::from_mins(1));
    let began = Instant::now();
    assert_eq!(ground.with(settings).git(&ground.root, &["status"]).unwrap(), b"done\n");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_flood_of_complaints_is_read_and_cut() {
    let ground = Ground::new();
    let settings = ground.shim("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1", Duration::from_mins(1));
    let err = ground.with(settings).git(&ground.root, &["status"]).unwrap_err();
    let WorktreeError::Git { stderr, status, verb } = err else {
        panic!("{err}");
    };
    assert_eq!(stderr.len(), 64 << 10);
    assert_eq!((status.as_str(), verb.as_str()), ("exit code 1", "status"));
}

#[test]
fn of_many_complaints_the_first_and_the_last_are_shown() {
    let ground = Ground::new();
    let complain = |last: u32| {
        let settings = ground.shim(&format!("seq {last} >&2; exit 1"), Duration::from_mins(1));
        ground.with(settings).git(&ground.root, &["status"]).unwrap_err().to_string()
    };
    assert_eq!(complain(60), "git status failed (exit code 1): 1\n2\n3\n4\n(54 more lines)\n59\n60");
    assert_eq!(complain(6), "git status failed (exit code 1): 1\n2\n3\n4\n5\n6");
    assert_eq!(complain(0), "git status failed (exit code 1)");
}

#[test]
fn what_git_complains_about_is_escaped() {
    let ground = Ground::new();
    let settings = ground.shim("printf 'a\\033[31mb\\nc\\n' >&2; kill -9 $$", Duration::from_mins(1));
    let err = ground.with(settings).git(&ground.root, &["status"]).unwrap_err();
    let WorktreeError::Git { stderr, status, .. } = err else {
        panic!("{err}");
    };
    assert_eq!(stderr, "a\\u{1b}[31mb\nc");
    assert_eq!(status, "signal 9");
}

#[test]
fn a_missing_git_an_old_one_and_one_that_talks_garbage_are_told_apart() {
    let ground = Ground::new();
    let none = ground.with(GitSettings { program: "/nowhere/git".to_owned(), ..GitSettings::default() });
    assert!(matches!(none.git_version(), Err(WorktreeError::NoGit { .. })));
    let version = |text: &str| {
        let settings = ground.shim(&format!("printf '{text}'"), Duration::from_secs(10));
        ground.with(settings).git_version()
    };
    assert!(matches!(version("git version 2.30.1\\n"), Err(WorktreeError::OldGit { .. })));
    assert!(matches!(version("\\377\\001"), Err(WorktreeError::GitAnswer { .. })));
    assert_eq!(version("git version 2.50.1 (Apple Git-155)\\n").unwrap(), "2.50.1 (Apple Git-155)");
    assert!(ground.worktrees().git_version().is_ok());
}

#[test]
fn garbage_from_git_loses_nothing() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "mine");
    let settings = ground.shim("head -c 5000 /dev/urandom", Duration::from_secs(10));
    let err = ground.with(settings).discard(&of, BranchFate::Delete, "{}").unwrap_err();
    assert!(matches!(err, WorktreeError::GitAnswer { .. }), "{err}");
    assert!(folder.join("kept.txt").exists() && folder.join("new.txt").exists());
}

/// Its files are as they were checked out some time ago, so nobody has to be asked which of them changed.
#[test]
fn an_untouched_worktree_is_discarded_without_a_status() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let settings =
        ground.shim(r#"case "$*" in *status*) exit 9 ;; *) exec git "$@" ;; esac"#, Duration::from_secs(10));
    let worktrees = ground.with(settings);
    ground.write_at(&folder.join("x.log"), "ignored, and missed by its owner");
    ground.write(".git/info/exclude", "*.log\n");
    let refused = worktrees.losses(&of, BranchFate::Keep);
    assert!(matches!(refused, Err(WorktreeError::Git { .. })), "{refused:?}");
    fs::remove_file(folder.join("x.log")).unwrap();
    assert_eq!(worktrees.losses(&of, BranchFate::Keep).unwrap(), []);
    worktrees.discard(&of, BranchFate::Keep, "{}").unwrap();
    assert!(!folder.exists());
}

#[test]
fn the_lock_of_a_repository_is_waited_for_only_so_long() {
    let ground = Ground::new();
    let worktrees =
        ground.with(GitSettings { lock_limit: Duration::from_millis(50), ..GitSettings::default() });
    let _held = worktrees.lock_repository(&ground.path(".git")).unwrap();
    let err = worktrees.add(&ground.addition("auth")).unwrap_err();
    assert!(matches!(err, WorktreeError::RepositoryLocked { .. }), "{err}");
}

#[test]
fn a_git_that_lives_on_keeps_the_lock() {
    let ground = Ground::new();
    let settings = GitSettings {
        lock_limit: Duration::from_millis(50),
        ..ground.shim("exec 3<&0; sleep 1 >/dev/null 2>&1 &", Duration::from_secs(10))
    };
    let worktrees = ground.with(settings);
    let lock = worktrees.lock_repository(&ground.path(".git")).unwrap();
    worktrees.run(&GitCall::tell(&ground.root, &["gc"], &lock)).unwrap();
    drop(lock);
    let err = worktrees.lock_repository(&ground.path(".git")).unwrap_err();
    assert!(matches!(err, WorktreeError::RepositoryLocked { .. }), "{err}");
    ground.worktrees().lock_repository(&ground.path(".git")).unwrap();
}

#[test]
fn a_repository_of_another_user_is_named_as_such() {
    let ground = Ground::new();
    let mut changed = true;
    for part in [".", ".git"] {
        changed &= std::os::unix::fs::chown(ground.path(part), Some(54_321), None).is_ok();
    }
    if !changed || try_git(&ground.root, ["status"]).status.success() {
        return skipped("git trusts every owner here");
    }
    let addition = Addition {
        start: Start {
            base: Base {
                commit: "0123456789012345678901234567890123456789".parse().unwrap(),
                reference: None,
            },
            branch_is_new: true,
        },
        id: SessionId::random(),
        name: "auth".parse().unwrap(),
        repository: RepositoryPath::root(),
        branch: "feature/auth".parse().unwrap(),
        record: "{}".to_owned(),
        durable_first: Vec::new(),
    };
    let err = ground.worktrees().add(&addition).unwrap_err();
    assert!(matches!(err, WorktreeError::Ownership { .. }), "{err}");
    assert!(!ground.folder(addition.id).exists());
}
