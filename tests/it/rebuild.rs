//! The state file and all its backups are gone: everything comes back from git, and what is not ours stays as it was.

use std::{collections::HashMap, fs};

use serde_json::Value;

use crate::support::{
    Workspace,
    faults::{assert_same, files, tree},
};

const LASTING: [&str; 7] = ["id", "name", "branch", "createdAt", "metadata", "currentPhase", "worktreePath"];

/// SPEC CS-4.
#[test]
fn everything_comes_back_from_git() {
    let space = Workspace::new();
    space
        .run([
            "create",
            "auth",
            "--meta",
            "owner=ann",
            "--meta",
            "deep:={\"n\":18446744073709551616}",
            "--phase",
            "review",
            "--issue",
            "acme/app#7",
            "--label",
            "status-07:code-review",
            "--intervention",
        ])
        .succeeds();
    space.run(["create", "second", "--branch", "topic/Second"]).succeeds();
    space.run(["create", "old-name"]).succeeds();
    space.run(["rename", "old-name", "new-name"]).succeeds();
    space.run(["meta", "new-name", "late=yes"]).succeeds();
    let before = space.sessions();
    let work: Vec<_> =
        ["auth", "second", "new-name"].map(|name| space.work_in(name)).iter().map(|it| tree(it)).collect();
    for command in ["list", "restore", "recover"] {
        space.lose_state();
        space.run([command]).succeeds();
        let after = space.sessions();
        assert_eq!(after.len(), 3, "{command}");
        for (old, new) in before.iter().zip(&after) {
            for key in LASTING {
                assert_eq!(old[key], new[key], "{command} lost {key} of {}", old["name"]);
            }
        }
        assert_eq!(after[0]["issue"], before[0]["issue"], "{command}");
    }
    assert_eq!(
        space.json(["find", "--issue", "acme/app#7"])["name"],
        "auth",
        "the issue still finds its session"
    );
    for (name, held) in ["auth", "second", "new-name"].iter().zip(&work) {
        assert_same(held, &tree(&space.worktree(name)));
    }
}

/// Puts sessions into all sorts of conditions; answers the branch that each of them is on or comes back to.
fn conditions(space: &Workspace) -> HashMap<String, &'static str> {
    space.limit(20);
    let expected = [
        ("plain", "feature/plain"),
        ("locked", "feature/locked"),
        ("prunable", "feature/prunable"),
        ("moved", "feature/moved"),
        ("carried", "feature/carried"),
        ("rebasing", "feature/rebasing"),
        ("bisecting", "feature/bisecting"),
        ("broken", "feature/broken"),
        ("switched", "other"),
        ("detached", ""),
    ];
    let mut ids = HashMap::new();
    for (name, branch) in expected {
        let record = space.json(["create", name]);
        ids.insert(record["id"].as_str().unwrap().to_owned(), branch);
    }
    let at = |name: &str| space.worktree(name);
    space.git_at(&at("detached"), ["checkout", "-q", "--detach"]);
    space.git_at(&at("switched"), ["switch", "-q", "-c", "other"]);
    space.git(["worktree", "unlock", at("locked").to_str().unwrap()]);
    space.git(["worktree", "lock", "--reason", "on a stick", at("locked").to_str().unwrap()]);
    fs::remove_dir_all(at("prunable")).unwrap();
    let elsewhere = space.path("elsewhere");
    space.git(["worktree", "move", "-f", "-f", at("moved").to_str().unwrap(), elsewhere.to_str().unwrap()]);
    // As git itself tells whoever moves a locked one.
    space.git(["worktree", "unlock", at("carried").to_str().unwrap()]);
    space.git(["worktree", "move", at("carried").to_str().unwrap(), space.path("off").to_str().unwrap()]);
    let rebasing = at("rebasing");
    fs::write(rebasing.join("README.md"), "theirs\n").unwrap();
    space.git_at(&rebasing, ["commit", "-qam", "theirs"]);
    fs::write(space.path("README.md"), "ours\n").unwrap();
    space.git(["commit", "-qam", "ours"]);
    let mut rebase = crate::support::git_command(&rebasing);
    assert!(!rebase.args(["rebase", "main"]).output().unwrap().status.success(), "it stops at a conflict");
    let bisecting = at("bisecting");
    for number in ["1", "2", "3"] {
        space.git_at(&bisecting, ["commit", "-q", "--allow-empty", "-m", number]);
    }
    space.git_at(&bisecting, ["bisect", "start", "HEAD", "HEAD~3"]);
    fs::write(space.admin("broken").join("HEAD"), "neither this nor that\n").unwrap();
    ids
}

/// SPEC CS-4, RELIABILITY G5.
#[test]
fn a_rebuild_agrees_with_git_on_worktrees_in_every_condition() {
    let space = Workspace::new();
    let expected = conditions(&space);
    let listed = space.listed_at(&space.root());
    let work: Vec<_> = fs::read_dir(space.path(".worktrees"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .map(|folder| (files(&folder), folder))
        .collect();
    space.lose_state();

    let restored = space.json(["restore"]);
    assert_eq!(restored["restored"], 10, "{restored}");
    let sessions: HashMap<String, Value> =
        space.sessions().into_iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it)).collect();
    for (id, branch) in &expected {
        let session = &sessions[id];
        if !branch.is_empty() {
            assert_eq!(session["branch"], *branch, "{session}");
        }
    }
    let mut agreed = 0;
    for entry in listed {
        let Some(session) = entry.path.file_name().and_then(|it| sessions.get(it.to_str().unwrap())) else {
            continue;
        };
        if let Some(branch) = entry.branch {
            assert_eq!(session["branch"], branch);
        }
        agreed += 1;
    }
    assert!(agreed >= 7, "git lists {agreed} of the sessions itself");
    for (held, folder) in work {
        assert_same(&held, &files(&folder));
    }
    let after = space.listed_at(&space.root());
    let mut here = after.iter().skip(1).filter(|it| !it.path.ends_with("off"));
    assert!(here.all(|it| it.is_locked), "{after:?}");
    assert!(
        fs::read_to_string(space.admin("locked").join("locked")).unwrap().contains("on a stick"),
        "a foreign lock stays"
    );
}

/// Each question leaves the whole workspace as it was, `.git` and times of writing included.
#[test]
fn looking_writes_nothing() {
    let space = Workspace::new();
    conditions(&space);
    fs::remove_dir_all(space.admin("plain")).unwrap();
    for lost in [false, true] {
        if lost {
            space.lose_state();
        }
        let before = tree(&space.root());
        let planned = space.json(["recover", "--dry-run"]);
        assert_eq!(planned["sessions"].as_array().unwrap().len(), 10, "{planned}");
        assert_same(&before, &tree(&space.root()));
        space.run(["doctor"]).fails(1);
        assert_same(&before, &tree(&space.root()));
        space.run(["doctor", "--quick"]);
        assert_same(&before, &tree(&space.root()));
    }
}

#[test]
fn a_worktree_that_git_forgot_is_adopted_where_it_lies() {
    for lost in [false, true] {
        let space = Workspace::with_sessions(1);
        let folder = space.work_in("s1");
        let id = folder.file_name().unwrap().to_str().unwrap().to_owned();
        fs::remove_dir_all(space.admin("s1")).unwrap();
        if lost {
            space.lose_state();
        }
        let before = files(&folder);
        let restored = space.json(["restore"]);
        assert_eq!(restored["restored"], 1, "{restored}");
        assert_same(&before, &files(&folder));
        let session = &space.sessions()[0];
        assert_eq!(session["id"], *id);
        let branch = session["branch"].as_str().unwrap();
        if !lost {
            assert_eq!(branch, "feature/s1");
            assert!(folder.join("committed.txt").exists());
            assert_eq!(space.git_at(&folder, ["log", "--format=%s", "-1"]), "work");
        }
        let status = space.git_at(&folder, ["status", "--porcelain"]);
        assert!(status.contains("README.md") && status.contains("new.txt"), "{status}");
        space.git_at(&folder, ["add", "-A"]);
        space.git_at(&folder, ["commit", "-q", "-m", "after"]);
        assert_eq!(space.git(["log", "--format=%s", "-1", branch]), "after");
        space.run(["destroy", &id]).succeeds();
        space.run(["undo"]).succeeds();
    }
}

#[test]
fn worktrees_of_other_people_are_left_alone() {
    let space = Workspace::with_sessions(1);
    let outside = tempfile::tempdir().unwrap();
    let theirs = [outside.path().join("wt"), space.path("beside"), space.path(".worktrees/by-hand")];
    for (number, path) in theirs.iter().enumerate() {
        space.git(["worktree", "add", "-q", "-b", &format!("theirs-{number}"), path.to_str().unwrap()]);
        fs::write(path.join("work.txt"), "theirs\n").unwrap();
    }
    fs::create_dir_all(space.path(".worktrees/0b7a36f2-8d0e-4c1f-9d53-000000000001/notes")).unwrap();
    let missing = space.path("on-a-stick");
    space.git(["worktree", "add", "-q", "-b", "away", missing.to_str().unwrap()]);
    fs::rename(&missing, outside.path().join("stick")).unwrap();
    let before: Vec<_> = theirs.iter().map(|it| tree(it)).collect();
    let admins = tree(&space.path(".git/worktrees"));
    for command in [&["restore"][..], &["recover"], &["doctor", "--fix"]] {
        space.lose_state();
        space.run(command);
        assert_eq!(space.names(), ["s1"], "after {command:?}");
        for (path, held) in theirs.iter().zip(&before) {
            assert_same(held, &tree(path));
        }
        let mut after = tree(&space.path(".git/worktrees"));
        after.retain(|path, _| admins.contains_key(path));
        let own = space.admin("s1");
        let own = own.file_name().unwrap();
        let foreign = |all: &crate::support::faults::Tree| {
            let mut all = all.clone();
            all.retain(|path, _| !path.starts_with(own));
            all
        };
        assert_same(&foreign(&admins), &foreign(&after));
    }
    space.run(["restore"]).succeeds().says("left alone:").says("its name is no session id");
}
