use std::fs;

use crate::support::Workspace;

#[test]
fn a_clean_session_goes_and_leaves_nothing_but_its_branch() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    space.run(["destroy", "s1"]).succeeds();
    assert!(!folder.exists());
    assert_eq!(space.names(), Vec::<String>::new());
    assert!(space.branches().contains(&"feature/s1".to_owned()));
    assert_eq!(space.git(["worktree", "list"]).lines().count(), 1);
}

#[test]
fn unsaved_work_is_named_with_a_flag_for_each_kind() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    fs::write(folder.join("new.txt"), "new\n").unwrap();
    fs::write(folder.join("trace.log"), "ignored\n").unwrap();
    let ran = space.run(["destroy", "s1", "--json"]).fails(6);
    let error = ran.error();
    assert_eq!(error["code"], "UNSAVED_WORK");
    let flags: Vec<&str> =
        error["losses"].as_array().unwrap().iter().map(|it| it["flag"].as_str().unwrap()).collect();
    assert_eq!(flags, ["--modified", "--untracked", "--ignored"]);
    space
        .run(["destroy", "s1", "--modified", "--untracked"])
        .fails(6)
        .says("1 ignored file: trace.log (--ignored)");
    assert!(folder.join("new.txt").exists());
    space.run(["destroy", "s1", "--modified", "--untracked", "--ignored"]).succeeds();
}

#[test]
fn undo_brings_the_work_back_to_the_byte() {
    let space = Workspace::with_sessions(1);
    space.run(["meta", "s1", "owner=ann"]).succeeds();
    let folder = space.worktree("s1");
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    fs::write(folder.join("staged.txt"), "staged\n").unwrap();
    space.git_at(&folder, ["add", "staged.txt"]);
    fs::write(folder.join("trace.log"), "ignored\n").unwrap();
    let before = space.git_at(&folder, ["status", "--porcelain", "--ignored"]);
    let record = space.json(["show", "s1"]);
    space.run(["destroy", "s1", "--force", "--delete-branch"]).succeeds();
    assert!(!space.branches().contains(&"feature/s1".to_owned()));
    let back = space.json(["undo"]);
    assert_eq!(back["id"], record["id"]);
    assert_eq!(back["createdAt"], record["createdAt"]);
    assert_eq!(back["metadata"]["owner"], "ann");
    assert_eq!(back["status"], "idle");
    assert_eq!(space.git_at(&folder, ["status", "--porcelain", "--ignored"]), before);
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "changed\n");
    assert_eq!(space.json(["trash", "list"]), serde_json::json!([]));
}

#[test]
fn commits_that_are_nowhere_else_hold_their_branch() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    space.git_at(&folder, ["commit", "-q", "--allow-empty", "-m", "only here"]);
    space.run(["destroy", "s1", "--delete-branch"]).fails(6).says("--unmerged");
    space.run(["destroy", "s1"]).succeeds();
    assert!(space.branches().contains(&"feature/s1".to_owned()), "the branch keeps them");
}

#[test]
fn a_dry_run_changes_nothing() {
    let space = Workspace::with_sessions(1);
    fs::write(space.worktree("s1").join("new.txt"), "new\n").unwrap();
    let before = (space.litter(), space.state());
    let view = space.json(["destroy", "s1", "--dry-run", "--force"]);
    assert_eq!(view["destroyed"], false);
    assert_eq!(view["losses"][0]["kind"], "untracked");
    assert_eq!((space.litter(), space.state()), before);
    space.run(["destroy", "s1"]).fails(6);
}

#[test]
fn a_dry_run_says_whether_the_session_would_go() {
    let space = Workspace::with_sessions(2);
    fs::write(space.worktree("s1").join("new.txt"), "new\n").unwrap();
    let would_go =
        |args: &[&str]| space.json(["destroy", "s1", "--dry-run"].iter().chain(args))["wouldGo"].clone();
    assert_eq!(would_go(&[]), false);
    assert_eq!(would_go(&["--modified"]), false);
    assert_eq!(would_go(&["--untracked"]), true);
    assert_eq!(would_go(&["--force"]), true);
    space.run(["destroy", "s1", "--dry-run"]).succeeds().says("it would not go without --untracked");
    space.run(["destroy", "s1", "--dry-run", "--force"]).succeeds().says("with these flags it would go");
    assert_eq!(space.json(["destroy", "s2", "--dry-run"])["wouldGo"], true);
    let folder = space.worktree("s1");
    space.git(["worktree", "unlock", folder.to_str().unwrap()]);
    space.git(["worktree", "lock", "--reason", "on a stick", folder.to_str().unwrap()]);
    assert_eq!(would_go(&["--force"]), false);
    space.run(["destroy", "s1", "--dry-run", "--force"]).succeeds().says("it would not go: somebody has to");
    assert_eq!(space.json(["destroy", "s2"]).get("wouldGo"), None);
}

#[test]
fn a_dry_run_refuses_what_the_destroy_refuses() {
    let space = Workspace::with_sessions(2);
    let elsewhere = space.path("elsewhere");
    space.git_at(&space.worktree("s1"), ["switch", "-q", "--detach"]);
    space.git(["worktree", "add", "-q", elsewhere.to_str().unwrap(), "feature/s1"]);
    let link = space.worktree("s2").join(".git");
    let (linked, before) = (fs::read(&link).unwrap(), space.state());
    fs::write(&link, "gitdir: /nowhere\n").unwrap();
    for flags in [&["--dry-run", "--force"][..], &["--force"]] {
        let of = |name: &'static str| [&["destroy", name, "--delete-branch"][..], flags].concat();
        space.run(of("s1")).fails(4).says("elsewhere").says("without `--delete-branch`");
        space.run(of("s2")).fails(1).says("do not point at each other");
    }
    assert_eq!(space.json(["destroy", "s1", "--dry-run"])["wouldGo"], true, "its branch stays");
    fs::write(&link, linked).unwrap();
    assert_eq!(space.json(["destroy", "s2", "--dry-run"])["wouldGo"], true);
    assert_eq!(space.state(), before);
}

#[test]
fn somebody_elses_lock_holds_even_against_force() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    space.git(["worktree", "unlock", folder.to_str().unwrap()]);
    space.git(["worktree", "lock", "--reason", "on a stick", folder.to_str().unwrap()]);
    space.run(["destroy", "s1", "--force"]).fails(6).says("locked by somebody else: on a stick");
    assert!(folder.exists());
}

#[test]
fn the_trash_is_emptied_only_on_purpose() {
    let space = Workspace::with_sessions(2);
    space.run(["destroy", "s1"]).succeeds();
    space.run(["destroy", "s2", "--delete-branch"]).succeeds();
    space.run(["trash", "empty"]).fails(2).says("--yes");
    space.run(["trash", "empty", "s1", "--yes"]).succeeds();
    let left = space.json(["trash", "list"]);
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["name"], "s2");
    space.run(["undo", "s1"]).fails(3);
    space.run(["trash", "empty", "--yes"]).succeeds();
    space.run(["undo"]).fails(3).says("nothing in the trash yet");
    assert_eq!(space.litter(), ["refs/heads/feature/s1"]);
}

#[test]
fn what_was_kept_of_a_session_stays_as_long_as_it_can_be_brought_back() {
    let space = Workspace::with_sessions(2);
    let kept = |name: &str| {
        space.run(["conversation", "record", name, "--id", "one", "--prompt", "do it"]).succeeds();
        space.path(".wharf/sessions").join(space.json(["show", name])["id"].as_str().unwrap())
    };
    let (first, second) = (kept("s1"), kept("s2"));
    for name in ["s1", "s2"] {
        space.run(["destroy", name]).succeeds();
    }
    assert!(first.join("conversation.json").is_file());
    space.run(["trash", "empty", "s1", "--yes"]).succeeds();
    assert!(!first.exists(), "nobody can ask for it any more");
    space.run(["undo", "s2"]).succeeds();
    space.run(["trash", "empty", "--yes"]).succeeds();
    assert!(second.join("conversation.json").is_file());
    space.run(["conversation", "current", "s2"]).succeeds().says("one");
}

#[test]
fn undo_respects_the_limit_and_taken_names() {
    let space = Workspace::with_sessions(2);
    space.run(["destroy", "s1"]).succeeds();
    space.run(["create", "s1", "--branch", "other"]).succeeds();
    space.run(["undo"]).fails(4).says("session `s1` already exists");
    space.run(["undo", "--max-sessions", "2", "--as", "again"]).fails(5);
    space.run(["undo", "--as", "again"]).succeeds();
    assert_eq!(space.names(), ["again", "s2", "s1"]);
}

#[test]
fn of_two_with_one_name_none_is_deleted_unasked() {
    let space = Workspace::new();
    for branch in ["one", "two"] {
        space.run(["create", "twin", "--branch", branch]).succeeds();
        space.run(["destroy", "twin"]).succeeds();
    }
    let ran = space.run(["trash", "empty", "Twin", "--yes", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "AMBIGUOUS");
    let id = space.json(["trash", "list"])[1]["id"].as_str().unwrap().to_owned();
    assert!(ran.error()["hint"].as_str().unwrap().contains(&id));
    space.run(["trash", "empty", &id, "--yes"]).succeeds();
    assert_eq!(space.json(["undo", "twin"])["branch"], "two", "the newest");
}

#[test]
fn a_shell_in_the_folder_is_told_to_leave() {
    let space = Workspace::with_sessions(1);
    let script = format!("\"{}\" destroy s1 --json", env!("CARGO_BIN_EXE_wharf"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{script}; exit $?")]).current_dir(space.worktree("s1"));
    shell.env("WHARF_WORKSPACE", space.root()).env("HOME", space.home());
    let ran = crate::support::Ran { output: shell.output().unwrap() }.fails(4);
    assert_eq!(ran.error()["code"], "IN_USE");
    assert!(ran.error()["hint"].as_str().unwrap().starts_with("leave the folder first"));
    space.run(["destroy", "s1"]).succeeds();
}

#[test]
fn an_operation_in_progress_has_a_flag_of_its_own() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    for (side, text) in [("ours", "ours\n"), ("theirs", "theirs\n")] {
        space.git_at(&folder, ["switch", "-q", "-c", side, "feature/s1"]);
        fs::write(folder.join("README.md"), text).unwrap();
        space.git_at(&folder, ["commit", "-q", "-am", side]);
    }
    let merge = crate::support::git_command(&folder).args(["merge", "-q", "ours"]).output().unwrap();
    assert!(!merge.status.success(), "it is meant to conflict");
    let ran = space.run(["destroy", "s1", "--modified", "--json"]).fails(6);
    assert_eq!(ran.error()["losses"][0]["flag"], "--in-progress");
    assert_eq!(ran.error()["losses"][0]["examples"][0], "merge");
    let conflict = fs::read_to_string(folder.join("README.md")).unwrap();
    space.run(["destroy", "s1", "--modified", "--in-progress"]).succeeds();
    space.run(["undo"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), conflict);
    assert!(
        space.git_at(&folder, ["status"]).contains("All conflicts fixed")
            || space.git_at(&folder, ["status"]).contains("unmerged paths")
    );
}
