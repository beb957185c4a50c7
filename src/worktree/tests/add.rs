//! How a session gets its worktree, and what is left when it does not.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread, time::Duration};

use super::support_write::{Ground, git_in, status};
use crate::worktree::{AddEnd, WorktreeError, WorktreeLock, WorktreeState, Worktrees as _};

#[test]
fn an_added_worktree_is_locked_recorded_and_clean() {
    let ground = Ground::new();
    let (addition, _, folder) = ground.session("auth");
    assert_eq!(git_in(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(status(&folder), "");
    assert_eq!(ground.git(["status", "--porcelain"]), "");
    assert_eq!(fs::read_to_string(ground.admin(addition.id).join("session.json")).unwrap(), addition.record);
    let worktree = ground.worktrees().inspect(addition.id, &addition.repository).unwrap();
    assert_eq!(worktree.state, WorktreeState::Present);
    assert_eq!(worktree.lock, WorktreeLock::Ours);
    assert_eq!(ground.worktrees().settle_add(&addition).unwrap(), AddEnd::Complete);
    assert_eq!(
        fs::read_dir(ground.admin(addition.id))
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "tmp") })
            .count(),
        0
    );
}

#[test]
fn what_a_person_excludes_stays_excluded_and_ours_is_added_once() {
    let ground = Ground::new();
    ground.write(".git/info/exclude", "mine");
    ground.session("one");
    ground.session("two");
    let text = fs::read_to_string(ground.path(".git/info/exclude")).unwrap();
    assert_eq!(text, "mine\n.worktrees/\n.wharf/\n.claude-container-sessions*\n");
}

#[test]
fn a_failed_add_leaves_no_branch_and_no_folder() {
    let ground = Ground::new();
    ground.write(".gitattributes", "*.bin filter=broken\n");
    ground.write("large.bin", "large\n");
    ground.git(["add", "-A"]);
    ground.git(["commit", "-q", "-m", "with a filter"]);
    ground.git(["config", "filter.broken.smudge", "false"]);
    ground.git(["config", "filter.broken.required", "true"]);
    let addition = ground.addition("auth");
    let err = ground.worktrees().add(&addition).unwrap_err();
    assert!(matches!(err, WorktreeError::Git { .. }), "{err}");
    assert_eq!(ground.branches(), ["main"]);
    assert!(!ground.folder(addition.id).exists());
    assert!(!ground.path(".git/refs/heads/feature").exists());
}

#[test]
fn an_add_whose_git_fails_after_all_its_work_is_taken_back() {
    let ground = Ground::new();
    let addition = ground.addition("auth");
    for end in ["exit 1", "sleep 1000"] {
        let settings = ground.shim(&format!("git \"$@\"; {end}"), Duration::from_secs(1));
        let err = ground.with(settings).add(&addition).unwrap_err();
        // The git that deletes the branch again does its work as well and then fails, so that is told.
        assert!(matches!(err, WorktreeError::LeftBehind { .. }), "{err}");
        assert_eq!(ground.branches(), ["main"], "{end}");
        assert!(!ground.folder(addition.id).exists() && !ground.admin(addition.id).exists());
    }
}

#[test]
fn an_add_whose_git_is_killed_at_any_moment_leaves_nothing() {
    let ground = Ground::new();
    for number in 0..300 {
        ground.write(format!("many/{number}.txt"), "text\n");
    }
    ground.git(["add", "-A"]);
    ground.git(["commit", "-q", "-m", "many"]);
    let marker = ground.root.with_file_name("marker");
    for millis in (0..60).step_by(3) {
        let addition = ground.addition("auth");
        // The first git is killed with what it started; those that take back are not.
        let script = format!(
            "mkdir '{}' 2>/dev/null || exec git \"$@\"\nsetsid git \"$@\" & p=$!\nsleep 0.{millis:03}\n\
             kill -9 -$p 2>/dev/null || kill -9 $p\nwait $p",
            marker.display()
        );
        let outcome = ground.with(ground.shim(&script, Duration::from_mins(1))).add(&addition);
        fs::remove_dir(&marker).unwrap();
        if outcome.is_ok() {
            ground.worktrees().withdraw(&addition).unwrap();
        }
        assert_eq!(ground.branches(), ["main"], "{millis} ms");
        assert!(!ground.folder(addition.id).exists(), "{millis} ms");
        assert!(!ground.admin(addition.id).exists(), "{millis} ms");
        assert!(!ground.path(".git/refs/heads/feature/auth.lock").exists(), "{millis} ms");
    }
    ground.session("auth");
}

#[test]
fn what_plain_git_reads_stays_readable_for_others() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.worktrees().remember(&of, &"renamed".parse().unwrap(), "{}").unwrap();
    fs::remove_file(folder.join(".git")).unwrap();
    ground.worktrees().mend(&of, &addition.name, "{}").unwrap();
    let admin = ground.admin(addition.id);
    for file in
        [ground.path(".git/info/exclude"), admin.join("locked"), admin.join("gitdir"), folder.join(".git")]
    {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        let usual = fs::metadata(ground.path(".git/config")).unwrap().permissions().mode();
        assert_eq!(mode, usual, "{}", file.display());
    }
}

#[test]
fn a_lock_that_a_prune_took_alone_while_git_added_is_there_again() {
    let ground = Ground::new();
    let addition = ground.addition("auth");
    let locked = ground.admin(addition.id).join("locked");
    let script = format!(
        "git \"$@\"; code=$?\ncase \"$*\" in *' worktree add '*) rm '{}' || exit 1 ;; esac\nexit $code",
        locked.display()
    );
    ground.with(ground.shim(&script, Duration::from_mins(1))).add(&addition).unwrap();
    let worktree = ground.worktrees().inspect(addition.id, &addition.repository).unwrap();
    assert_eq!(worktree.lock, WorktreeLock::Ours);
    ground.git(["worktree", "prune", "--expire=now"]);
    assert!(locked.exists());
}

#[test]
fn a_branch_that_was_there_survives_a_failed_add() {
    let ground = Ground::new();
    ground.git(["branch", "feature/auth"]);
    let addition = ground.addition("auth");
    let err = ground.worktrees().add(&addition).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchExists { .. }), "{err}");
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
    assert!(!ground.folder(addition.id).exists());
    assert!(!ground.admin(addition.id).exists());
}

#[test]
fn git_does_not_begin_before_what_goes_first_is_durable() {
    let ground = Ground::new();
    let looping = ground.root.with_file_name("loop");
    std::os::unix::fs::symlink(&looping, &looping).unwrap();
    let mut addition = ground.addition("auth");
    addition.durable_first = vec![looping];
    let err = ground.worktrees().add(&addition).unwrap_err();
    assert!(matches!(err, WorktreeError::Io { action: "sync", .. }), "{err}");
    assert_eq!(ground.branches(), ["main"]);
    assert!(!ground.folder(addition.id).exists());
    addition.durable_first.clear();
    let left = ground.worktrees().add(&addition).unwrap();
    assert!(left.contains(&ground.admin(addition.id).join("index")), "{left:?}");
}

#[test]
fn a_branch_below_another_branch_is_refused() {
    let ground = Ground::new();
    ground.git(["branch", "feature"]);
    let err = ground.worktrees().add(&ground.addition("auth")).unwrap_err();
    assert!(matches!(err, WorktreeError::BranchExists { .. }), "{err}");
}

#[test]
fn a_folder_of_worktrees_that_is_a_link_or_a_file_is_refused() {
    let ground = Ground::new();
    let elsewhere = ground.root.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, ground.path(".worktrees")).unwrap();
    let err = ground.worktrees().add(&ground.addition("auth")).unwrap_err();
    assert!(matches!(err, WorktreeError::UnsafePath { .. }), "{err}");
    fs::remove_file(ground.path(".worktrees")).unwrap();
    ground.write(".worktrees", "a file");
    let err = ground.worktrees().add(&ground.addition("auth")).unwrap_err();
    assert!(matches!(err, WorktreeError::UnsafePath { .. }), "{err}");
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 0);
    assert_eq!(ground.branches(), ["main"]);
}

#[test]
fn a_branch_that_is_in_use_names_where() {
    let ground = Ground::new();
    let (first, _, folder) = ground.session("auth");
    let mut second = ground.addition("other");
    second.branch = first.branch.clone();
    second.start.branch_is_new = false;
    let err = ground.worktrees().add(&second).unwrap_err();
    let WorktreeError::BranchInUse { branch, path } = err else {
        panic!("{err}");
    };
    assert_eq!(branch, first.branch);
    assert_eq!(path, folder);
    assert!(ground.branches().contains(&"feature/auth".to_owned()));
}

#[test]
fn of_twenty_adds_of_one_branch_one_wins() {
    let ground = Ground::new();
    ground.git(["branch", "shared"]);
    let additions: Vec<_> = (0..20)
        .map(|number| {
            let mut addition = ground.addition(&format!("s{number}"));
            addition.branch = "shared".parse().unwrap();
            addition.start.branch_is_new = false;
            addition
        })
        .collect();
    let won = thread::scope(|scope| {
        let waits: Vec<_> =
            additions.iter().map(|addition| scope.spawn(|| ground.worktrees().add(addition))).collect();
        waits.into_iter().filter_map(|wait| wait.join().unwrap().ok()).count()
    });
    assert_eq!(won, 1);
    assert_eq!(fs::read_dir(ground.path(".git/worktrees")).unwrap().count(), 1);
    assert_eq!(ground.git(["worktree", "list"]).lines().count(), 2);
}

#[test]
fn forty_adds_from_a_remote_branch_all_win() {
    let ground = Ground::new();
    ground.git(["remote", "add", "origin", "."]);
    ground.git(["fetch", "-q", "origin"]);
    let additions: Vec<_> = (0..40)
        .map(|number| {
            let mut addition = ground.addition(&format!("s{number}"));
            addition.start.base.reference = Some("refs/remotes/origin/main".to_owned());
            addition
        })
        .collect();
    thread::scope(|scope| {
        for addition in &additions {
            scope.spawn(|| ground.worktrees().add(addition).unwrap());
        }
    });
    assert_eq!(ground.branches().len(), 41);
    let config = fs::read_to_string(ground.path(".git/config")).unwrap();
    assert!(!config.contains("[branch"), "{config}");
}

#[test]
fn a_withdrawn_add_leaves_nothing_wherever_it_stopped() {
    let ground = Ground::new();
    for stop in 0..5 {
        let (addition, _, folder) = ground.session("auth");
        let admin = ground.admin(addition.id);
        match stop {
            0 => (),
            1 => fs::remove_file(folder.join(".git")).unwrap(),
            2 => fs::remove_file(admin.join("gitdir")).unwrap(),
            3 => fs::remove_file(admin.join("HEAD")).unwrap(),
            _ => {
                ground.write_at(&ground.path(".git/refs/heads/feature/auth"), "");
                fs::remove_file(admin.join("index")).unwrap();
            }
        }
        for _ in 0..2 {
            assert_eq!(ground.worktrees().withdraw(&addition).unwrap(), AddEnd::TakenBack);
        }
        assert!(!folder.exists() && !admin.exists(), "stop {stop}");
        assert_eq!(ground.branches(), ["main"], "stop {stop}");
        assert_eq!(fs::read_dir(ground.path(".worktrees/.trash")).unwrap().count(), 0);
    }
}

#[test]
fn a_withdrawn_add_keeps_what_somebody_did_in_it() {
    let ground = Ground::new();
    let work = |ground: &Ground, folder: &Path, number| match number {
        0 => drop(git_in(folder, ["commit", "-q", "--allow-empty", "-m", "more"])),
        1 => ground.write_at(&folder.join("README.md"), "mine\n"),
        _ => ground.write_at(&folder.join("mine.txt"), "mine\n"),
    };
    for number in 0..3 {
        let (addition, _, folder) = ground.session(&format!("auth-{number}"));
        work(&ground, &folder, number);
        assert_eq!(ground.worktrees().withdraw(&addition).unwrap(), AddEnd::Complete, "{number}");
        assert!(folder.join(".git").exists(), "{number}");
    }
    let branches = ["feature/auth-0", "feature/auth-1", "feature/auth-2", "main"];
    assert_eq!(ground.branches(), branches);
}

#[test]
fn a_withdrawn_add_keeps_a_branch_that_moved_on() {
    let ground = Ground::new();
    let (addition, _, folder) = ground.session("auth");
    git_in(&folder, ["commit", "-q", "--allow-empty", "-m", "more"]);
    fs::remove_file(ground.admin(addition.id).join("index")).unwrap();
    assert_eq!(ground.worktrees().withdraw(&addition).unwrap(), AddEnd::TakenBack);
    assert_eq!(ground.branches(), ["feature/auth", "main"]);
}

#[test]
fn a_repository_in_the_place_of_a_folder_is_never_withdrawn() {
    let ground = Ground::new();
    let addition = ground.addition("auth");
    let folder = ground.folder(addition.id);
    fs::create_dir_all(&folder).unwrap();
    git_in(&folder, ["init", "-q"]);
    let err = ground.worktrees().withdraw(&addition).unwrap_err();
    assert!(matches!(err, WorktreeError::UnsafePath { .. }), "{err}");
    assert!(folder.join(".git/HEAD").exists());
}

#[test]
fn name_and_record_are_remembered() {
    let ground = Ground::new();
    let (addition, of, _) = ground.session("auth");
    let name = "renamed".parse().unwrap();
    ground.worktrees().remember(&of, &name, "{\"new\":1}").unwrap();
    let scan = ground.worktrees().scan(&[]).unwrap();
    assert_eq!(scan.found[0].name.as_ref().unwrap().as_str(), "renamed");
    assert_eq!(scan.found[0].record.as_deref(), Some("{\"new\":1}"));
    assert_eq!(scan.found[0].worktree.id, addition.id);
}
