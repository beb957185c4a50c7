use std::fs;

use crate::support::{STATE, Workspace};

/// SPEC CS-1.
#[test]
fn a_session_is_a_branch_a_worktree_and_a_record() {
    let space = Workspace::new();
    let record = space.json(["create", "auth", "--meta", "owner=ann", "--meta", "points:=3"]);
    let id = record["id"].as_str().unwrap();
    let folder = space.path(".worktrees").join(id);
    assert_eq!(record["name"], "auth");
    assert_eq!(record["status"], "active");
    assert_eq!(record["branch"], "feature/auth");
    assert_eq!(record["worktreePath"], folder.to_str().unwrap());
    assert_eq!(record["createdAt"], record["lastActivity"]);
    assert_eq!(record["metadata"], serde_json::json!({"owner": "ann", "points": 3}));
    let created = record["createdAt"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == "2025-11-24T10:30:00.000Z".len(), "{created}");
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "hello\n");
    assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), "feature/auth");
    assert_eq!(space.state()["sessions"][0]["id"], id);
    assert_eq!(space.git(["status", "--porcelain", "--", ".", ":!.home-of-test"]), "");
}

/// SPEC CS-1.
#[test]
fn a_session_without_a_name_gets_the_lowest_free_number_of_the_day() {
    let space = Workspace::new();
    let name = || space.json(["create"])["name"].as_str().unwrap().to_owned();
    let first = name();
    let date = &first["feature-".len()..first.len() - 4];
    assert!(first.ends_with("-001"), "{first}");
    assert_eq!(name(), format!("feature-{date}-002"));
    space.run(["destroy", &first, "--delete-branch"]).succeeds();
    assert_eq!(name(), first);
    space.git(["branch", &format!("feature/feature-{date}-003")]);
    assert_eq!(name(), format!("feature-{date}-004"), "003 has a branch already");
}

/// SPEC CS-5.
#[test]
fn fifth_session_is_refused() {
    let space = Workspace::with_sessions(4);
    space
        .run(["create", "one-more"])
        .fails(5)
        .says("Maximum 4 sessions supported. Destroy a session to create a new one.");
    assert_eq!(space.worktrees(), 4);
    assert!(!space.branches().contains(&"feature/one-more".to_owned()));
    space.run(["destroy", "s1"]).succeeds();
    space.run(["create", "one-more"]).succeeds();
}

#[test]
fn the_limit_can_be_set_three_ways() {
    let space = Workspace::with_sessions(1);
    let refused = |ran: crate::support::Ran| ran.fails(5).says("Maximum 1 sessions supported.");
    refused(space.run(["create", "b", "--max-sessions", "1"]));
    let by_env = space.command().args(["create", "b"]).env("WHARF_MAX_SESSIONS", "1").output().unwrap();
    refused(crate::support::Ran { output: by_env });
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "max_sessions = 1\n").unwrap();
    refused(space.run(["create", "b"]));
    space.run(["create", "b", "--max-sessions", "2"]).succeeds();
    space.run(["create", "c", "--max-sessions", "none"]).fails(2);
}

/// SPEC CS-8.
#[test]
fn a_wrong_name_or_branch_is_refused_before_anything_is_made() {
    let space = Workspace::new();
    let before = space.litter();
    for name in ["../x", "a/b", "a b", ".a", "a..b", "con", "", "a.lock"] {
        let ran = space.run(["create", "--json", name]).fails(2);
        assert_eq!(ran.error()["code"], "INVALID_NAME", "{name}");
    }
    space.run(["create", "-a"]).fails(2);
    // What stands behind `--` is a program, and a program needs a session with a name.
    space.run(["create", "--", "a"]).fails(2);
    for branch in ["../x", "a b", "HEAD", "a..b", "refs/heads/x.lock", "a\u{202e}b"] {
        let ran = space.run(["create", "x", "--json", "--branch", branch]).fails(2);
        assert_eq!(ran.error()["code"], "INVALID_BRANCH", "{branch}");
    }
    assert_eq!(space.litter(), before);
    assert!(!space.path(STATE).exists());
}

#[test]
fn names_are_unique_without_regard_to_case() {
    let space = Workspace::with_sessions(1);
    let ran = space.run(["create", "S1", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "NAME_TAKEN");
}

#[test]
fn an_existing_branch_is_used_only_when_it_is_named() {
    let space = Workspace::new();
    space.git(["branch", "feature/old"]);
    let ran = space.run(["create", "old", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "BRANCH_TAKEN");
    assert!(ran.error()["hint"].as_str().unwrap().contains("--branch feature/old"));
    let record = space.json(["create", "old", "--branch", "feature/old"]);
    assert_eq!(record["branch"], "feature/old");
    let ran = space.run(["create", "main", "--branch", "main", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "BRANCH_TAKEN", "the main worktree has it");
}

#[test]
fn a_branch_that_only_a_remote_has_gets_a_local_one() {
    let space = Workspace::new();
    space.init("upstream");
    space.git_at(&space.path("upstream"), ["branch", "topic"]);
    let tip = space.git_at(&space.path("upstream"), ["rev-parse", "topic"]);
    space.git(["remote", "add", "origin", space.path("upstream").to_str().unwrap()]);
    space.git(["fetch", "-q", "origin"]);
    let record = space.json(["create", "t", "--branch", "topic"]);
    assert_eq!(record["base"], serde_json::json!({"commit": tip, "reference": "refs/remotes/origin/topic"}));
    space.git(["remote", "add", "fork", space.path("upstream").to_str().unwrap()]);
    space.git_at(&space.path("upstream"), ["branch", "both"]);
    space.git(["fetch", "-q", "--all"]);
    let ran = space.run(["create", "b", "--branch", "both", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "AMBIGUOUS");
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--from origin/both") && hint.contains("--from fork/both"), "{hint}");
    space.run(["create", "b", "--branch", "both", "--from", "fork/both"]).succeeds();
}

#[test]
fn a_new_branch_begins_where_it_is_told() {
    let space = Workspace::new();
    let first = space.git(["rev-parse", "HEAD"]);
    space.git(["tag", "v1"]);
    space.git(["commit", "-q", "--allow-empty", "-m", "two"]);
    let record = space.json(["create", "old", "--from", "v1"]);
    assert_eq!(record["base"]["commit"], first);
    assert_eq!(space.git_at(&space.worktree("old"), ["rev-parse", "HEAD"]), first);
    let ran = space.run(["create", "x", "--from", "nowhere", "--json"]).fails(2);
    assert_eq!(ran.error()["code"], "INVALID_VALUE");
    let ran = space.run(["create", "x", "--from=--output=/tmp/pwned", "--json"]).fails(2);
    assert_eq!(ran.error()["code"], "INVALID_VALUE");
}

#[test]
fn several_repositories_share_a_workspace() {
    let space = Workspace::empty();
    space.init("api");
    space.init("group/web");
    let ran = space.run(["create", "x", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "AMBIGUOUS");
    assert_eq!(space.json(["create", "a", "--repo", "api"])["repository"], "api");
    let same_branch = space.json(["create", "b", "--repo", "group/web", "--branch", "feature/a"]);
    assert_eq!(same_branch["repository"], "group/web");
    assert_eq!(space.worktrees(), 2);
    space.run(["create", "c", "--repo", "/"]).fails(6).says("outside the workspace");
}

#[test]
fn a_repository_without_a_commit_is_refused_with_the_cure() {
    let space = Workspace::empty();
    space.git(["init", "-q"]);
    space.run(["create", "x"]).fails(2).says("has no commit yet").says("git commit --allow-empty");
    space.git(["commit", "-q", "--allow-empty", "-m", "begin"]);
    space.run(["create", "x"]).succeeds();
}

#[test]
fn no_repository_is_told() {
    let space = Workspace::empty();
    let ran = space.run(["create", "x", "--json"]).fails(3);
    assert_eq!(ran.error()["code"], "NOT_FOUND");
}
