use std::{fs, path::Path};

use serde_json::json;

use crate::support::{Ran, STATE, Workspace};

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

/// Branches are paths to git.
#[test]
fn a_branch_in_the_way_of_another_is_named_and_a_way_around_it_is_shown() {
    let space = Workspace::new();
    space.git(["branch", "feature"]);
    for args in [&["create"][..], &["create", "auth"]] {
        space
            .run(args)
            .fails(4)
            .says("cannot be a branch beside `feature`")
            .says("name one with `--branch` that is neither below");
    }
    space.run(["create", "auth", "--branch", "auth"]).succeeds();
    let beside = "`feature/x` cannot be a branch beside `feature`";
    space.run(["rename", "auth", "auth", "--branch", "feature/x"]).fails(4).says(beside);
    space.git(["branch", "-m", "feature", "feature/search/deep"]);
    let beside = "`feature/search` cannot be a branch beside `feature/search/deep`";
    space.run(["create", "search"]).fails(4).says(beside);
    let name = space.json(["create"])["name"].as_str().unwrap().to_owned();
    space.run(["destroy", &name, "--delete-branch"]).succeeds();
    space.git(["branch", &format!("feature/{name}/deep")]);
    let next = space.json(["create"])["name"].as_str().unwrap().to_owned();
    assert_eq!(next, name.replace("-001", "-002"));
    // A branch of a session that is called otherwise by now.
    space.run(["rename", &next, "other"]).succeeds();
    assert!(space.json(["create"])["name"].as_str().unwrap().ends_with("-003"));
}

#[test]
fn a_create_whose_program_cannot_be_started_leaves_nothing() {
    let space = Workspace::with_sessions(1);
    let before = (space.names(), space.branches(), space.litter());
    for program in ["/no/such/program", "no-such-program", "/etc/passwd"] {
        space.run(["create", "a", "--", program]).fails(1).says(&format!("cannot start `{program}`"));
    }
    space.run(["create", "a", "--agent", "nobody"]).fails(3).says("there is no agent `nobody`");
    assert_eq!((space.names(), space.branches(), space.litter()), before);
    assert_eq!(space.json(["trash", "list"]), json!([]));
    assert_eq!(space.git(["for-each-ref", "refs/wharf"]), "");
    // What only the worktree could have is looked for there.
    space.run(["create", "a", "--", "./README.md"]).fails(1).says("cannot start `./README.md`");
    assert_eq!((space.names(), space.branches()), (before.0, before.1));
    assert_eq!(space.json(["trash", "list"]).as_array().unwrap().len(), 1);
    space.run(["create", "a", "--", "cat"]).succeeds();
}

#[test]
fn what_did_not_start_can_be_created_again_in_the_same_words() {
    let space = Workspace::new();
    space.git(["branch", "mine"]);
    let create = |branch: &[&str], program| {
        space.run([&["create", "a", "--branch"], branch, &["--", program]].concat())
    };
    create(&["topic", "--from", "main"], "./README.md").fails(1);
    assert_eq!(space.branches(), ["main", "mine"]);
    create(&["topic", "--from", "main"], "cat").succeeds();
    space.run(["stop", "a"]).succeeds();
    space.run(["destroy", "a"]).succeeds();
    // A branch that somebody made stays.
    create(&["mine"], "./README.md").fails(1);
    assert_eq!(space.branches(), ["main", "mine", "topic"]);
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
    let refused = |ran: Ran| ran.fails(5).says("Maximum 1 sessions supported.");
    refused(space.run(["create", "b", "--max-sessions", "1"]));
    let by_env = space.command().args(["create", "b"]).env("WHARF_MAX_SESSIONS", "1").output().unwrap();
    refused(Ran { output: by_env });
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

/// Three repositories; each has a folder `src`, and so has the workspace, where that is a repository.
fn several() -> Workspace {
    let space = Workspace::empty();
    for path in ["api", "group/web", "src"] {
        space.init(path);
    }
    space.limit(20);
    space
}

/// Creates a session for somebody who stands in a folder.
fn create_at(space: &Workspace, folder: &Path, args: &[&str]) -> Ran {
    Ran {
        output: space.command().current_dir(folder).arg("create").args(args).arg("--json").output().unwrap(),
    }
}

#[test]
fn the_candidates_of_an_ambiguous_repository_can_be_given_wherever_one_stands() {
    let space = several();
    let hint = space.run(["create", "x", "--json"]).fails(4).error()["hint"].as_str().unwrap().to_owned();
    let candidates: Vec<&str> = hint.split(": ").nth(1).unwrap().split(", ").collect();
    assert_eq!(candidates, ["api", "group/web", "src"]);
    for (number, folder) in [".", "api", "group", "group/web/src", "/"].iter().enumerate() {
        let folder = if *folder == "/" { "/".into() } else { space.path(folder) };
        for candidate in &candidates {
            let name = format!("{}-{number}", candidate.replace('/', "-"));
            let ran = create_at(&space, &folder, &[&name, "--repo", candidate]).succeeds();
            assert_eq!(ran.json()["repository"], *candidate, "from {}", folder.display());
        }
    }
    // What lies below where one stands goes before what goes by that path in the workspace.
    assert_eq!(
        create_at(&space, &space.path("group"), &["w", "--repo", "web"]).json()["repository"],
        "group/web"
    );
    create_at(&space, &space.path("api"), &["w2", "--repo", "nowhere"]).fails(3);
}

#[test]
fn of_several_repositories_the_one_that_somebody_stands_in_is_taken() {
    let space = several();
    for (number, folder) in ["api", "api/src", "group/web"].iter().enumerate() {
        let ran = create_at(&space, &space.path(folder), &[&format!("s{number}")]).succeeds();
        assert_eq!(ran.json()["repository"], folder.trim_end_matches("/src"), "{folder}");
    }
    let ran = create_at(&space, &space.worktree("s2").join("src"), &["below"]).succeeds();
    assert_eq!(ran.json()["repository"], "group/web");
    for folder in [space.root(), space.path("group"), "/".into()] {
        let error = create_at(&space, &folder, &["asked"]).fails(4).error();
        assert_eq!(error["code"], "AMBIGUOUS", "{}", folder.display());
    }
}

#[test]
fn a_name_that_is_a_branch_written_out_is_asked_about() {
    let space = Workspace::new();
    space.init("upstream");
    space.git_at(&space.path("upstream"), ["branch", "topic"]);
    space.git(["remote", "add", "origin", space.path("upstream").to_str().unwrap()]);
    space.git(["fetch", "-q", "origin"]);
    space.git(["tag", "v1"]);
    let before = space.litter();
    for (branch, candidates) in [
        ("refs/heads/main", &["--branch main"][..]),
        ("refs/heads/new", &["--branch new"]),
        ("heads/main", &["--branch main"]),
        ("refs/tags/v1", &["--from v1"]),
        ("refs/remotes/origin/topic", &["--branch topic", "--from origin/topic"]),
        ("remotes/origin/topic", &["--branch topic", "--from origin/topic"]),
        ("origin/topic", &["--branch topic", "--from origin/topic"]),
    ] {
        let error = space.run(["create", "q", "--branch", branch, "--json"]).fails(4).error();
        assert_eq!(error["code"], "AMBIGUOUS", "{branch}");
        assert_eq!(error["hint"], format!("say which one: {}", candidates.join(", ")), "{branch}");
    }
    assert_eq!(space.litter(), before);
    // A branch may be called so where nothing else is.
    assert_eq!(space.json(["create", "q", "--branch", "heads/new"])["branch"], "heads/new");
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
