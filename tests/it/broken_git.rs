//! Git's own files are damaged, moved, pruned or emptied: a restore brings everything back and loses nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{
    Workspace,
    faults::{assert_same, files, tree},
};

const FILES: [&str; 6] = ["HEAD", "gitdir", "commondir", "index", "locked", "session.json"];
const DAMAGES: [(&str, Option<&[u8]>); 4] = [
    ("empty", Some(b"")),
    ("missing", None),
    ("nul", Some(&[0; 64])),
    ("garbage", Some(b"\xff\xfe neither this nor that \x1b[31m\n")),
];

fn damage(file: &Path, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => fs::write(file, bytes).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
}

/// The worktree, or where it was set aside: every file of `held` is in one of them as it was.
#[track_caller]
fn nothing_lost(space: &Workspace, folder: &Path, held: &crate::support::faults::Tree, what: &str) {
    let mut places: Vec<PathBuf> = vec![folder.to_owned()];
    if let Ok(entries) = fs::read_dir(space.path(".worktrees/.damaged")) {
        let id = folder.file_name().unwrap().to_str().unwrap();
        let names = entries.map(|it| it.unwrap().path());
        places.extend(names.filter(|it| it.file_name().unwrap().to_str().unwrap().starts_with(id)));
    }
    for (path, (.., bytes)) in held {
        let kept = places.iter().any(|place| fs::read(place.join(path)).is_ok_and(|it| it == *bytes));
        assert!(kept, "{what}: {} is lost", path.display());
    }
}

/// Every administrative file in every damage, with and without a state file.
#[test]
fn no_damage_to_an_administrative_file_loses_anything() {
    for lost in [false, true] {
        let space = Workspace::new();
        space.limit(30);
        let mut cases = Vec::new();
        for file in FILES {
            for (how, bytes) in DAMAGES {
                let name = format!("{}-{how}", file.replace('.', "-"));
                space.run(["create", &name, "--meta", &format!("case={name}")]).succeeds();
                let folder = space.work_in(&name);
                cases.push((name.clone(), space.admin(&name).join(file), bytes, files(&folder), folder));
            }
        }
        let before: Vec<_> = cases.iter().map(|it| space.record(&it.0)).collect();
        for (_, file, bytes, ..) in &cases {
            damage(file, *bytes);
        }
        if lost {
            space.lose_state();
        }
        let ran = space.run(["restore"]).succeeds().says("24 sessions restored");
        let told = format!("{}{}", ran.stdout(), ran.stderr());
        let after = space.sessions();
        for ((name, file, _, held, folder), before) in cases.iter().zip(before) {
            let what = format!("{name}, state file {}", if lost { "lost" } else { "there" });
            nothing_lost(&space, folder, held, &what);
            assert!(folder.exists(), "{what}: {told}");
            let Some(session) = after.iter().find(|it| it["id"] == before["id"]) else {
                panic!("{what}: its session is gone");
            };
            assert_eq!(session["branch"], before["branch"], "{what}");
            assert_eq!(session["name"], before["name"], "{what}");
            if !lost || !file.ends_with("session.json") {
                assert_eq!(session["createdAt"], before["createdAt"], "{what}");
                assert_eq!(session["metadata"], before["metadata"], "{what}");
            }
            let status = space.git_at(folder, ["status", "--porcelain"]);
            assert!(status.contains("README.md") && status.contains("new.txt"), "{what}: {status}");
            assert_eq!(space.git_at(folder, ["log", "-1", "--format=%s"]), "work", "{what}");
        }
        space.run(["doctor", "--json"]).succeeds();
        let listed = space.listed_at(&space.root());
        assert!(listed.iter().skip(1).all(|it| it.is_locked), "{listed:?}");
    }
}

/// RELIABILITY G1, G7: neither pointer is ever followed to something that is not the session's.
#[test]
fn a_pointer_to_a_victim_is_never_followed() {
    let outside = Workspace::new();
    let precious = outside.path("precious");
    fs::create_dir_all(&precious).unwrap();
    fs::write(precious.join("work.txt"), "the only copy\n").unwrap();
    fs::write(precious.join(".git"), "gitdir: /nowhere\n").unwrap();
    let own = outside.path(".git");
    let lines = |path: &Path| format!("{}\n", path.display());
    let attacks: [(&str, String); 5] = [
        ("gitdir", lines(&precious.join(".git"))),
        ("gitdir", lines(&own)),
        ("gitdir", lines(Path::new("/"))),
        ("commondir", lines(&own)),
        (".git", format!("gitdir: {}\n", own.display())),
    ];
    for (file, text) in attacks {
        let space = Workspace::with_sessions(1);
        let folder = space.work_in("s1");
        let held = files(&folder);
        let target = if file == ".git" { folder.join(file) } else { space.admin("s1").join(file) };
        fs::write(target, text.as_bytes()).unwrap();
        let victim = tree(&outside.root());
        for args in [
            &["list"][..],
            &["doctor"],
            &["destroy", "s1"],
            &["destroy", "s1", "--force"],
            &["undo"],
            &["restore"],
            &["doctor", "--fix"],
            &["recover"],
            &["destroy", "s1", "--force", "--delete-branch"],
            &["undo"],
            &["trash", "empty", "--yes"],
        ] {
            space.run(args);
            assert_same(&victim, &tree(&outside.root()));
        }
        nothing_lost(&space, &folder, &held, &format!("{file} = {text}"));
        assert_eq!(space.names(), ["s1"]);
    }
}

#[test]
fn a_folder_deleted_by_hand_keeps_its_session_and_comes_back_when_asked() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    fs::remove_dir_all(&folder).unwrap();
    space.git(["worktree", "prune"]);
    assert_eq!(space.run(["restore"]).succeeds().stdout().matches("checked out").count(), 0);
    assert!(!folder.exists(), "a start does not undo what a person did");
    assert_eq!(space.json(["list"])[0]["worktreeState"], "missing");
    assert!(space.findings().contains(&"worktree-state".to_owned()));
    space.run(["doctor", "--fix"]).succeeds().says("cured");
    assert_eq!(fs::read_to_string(folder.join("committed.txt")).unwrap(), "s1");
    assert_eq!(fs::read_to_string(folder.join("staged.txt")).unwrap(), "staged\n");
    fs::remove_dir_all(&folder).unwrap();
    space.run(["destroy", "s1"]).succeeds();
    assert_eq!(space.names(), Vec::<String>::new());
    space.run(["undo"]).succeeds();
    assert!(folder.join("committed.txt").exists());
}

#[test]
fn a_moved_workspace_is_tied_together_again() {
    for lost in [false, true] {
        let around = tempfile::tempdir().unwrap();
        let space = Workspace::with_sessions(2);
        let held = [space.work_in("s1"), space.work_in("s2")].map(|it| files(&it));
        if lost {
            space.lose_state();
        }
        let moved = fs::canonicalize(around.path()).unwrap().join("new home");
        let old = space.root();
        fs::rename(&old, &moved).unwrap();
        fs::create_dir(old).unwrap();
        let run = |args: &[&str]| {
            let mut command = crate::support::binary();
            command.args(args).env("HOME", "/nonexistent").current_dir("/");
            let output = command.arg("--workspace").arg(&moved).output().unwrap();
            crate::support::Ran { output }
        };
        run(&["restore"]).succeeds().says("2 sessions restored").says("ties to git repaired");
        let listed = run(&["list", "--json"]).succeeds().json();
        for (number, session) in listed.as_array().unwrap().iter().enumerate() {
            let folder = PathBuf::from(session["worktreePath"].as_str().unwrap());
            assert!(folder.starts_with(&moved), "{session}");
            assert_eq!(session["worktreeState"], "present");
            assert_same(&held[number], &files(&folder));
            let status = space.git_at(&folder, ["status", "--porcelain"]);
            assert!(status.contains("A  staged.txt"), "{status}");
        }
        let all = space.listed_at(&moved);
        assert!(all.iter().all(|it| it.path.starts_with(&moved)), "{all:?}");
        run(&["doctor"]).succeeds();
        run(&["destroy", "s1", "--force"]).succeeds();
        run(&["undo"]).succeeds();
    }
}

#[test]
fn a_moved_repository_is_found_in_its_new_place() {
    for lost in [false, true] {
        let space = Workspace::empty();
        space.init("app");
        space.run(["create", "one"]).succeeds();
        let folder = space.work_in("one");
        let held = files(&folder);
        fs::rename(space.path("app"), space.path("renamed")).unwrap();
        if lost {
            space.lose_state();
        }
        space.run(["restore"]).succeeds();
        assert_eq!(space.record("one")["repository"], "renamed", "lost: {lost}");
        assert_same(&held, &files(&folder));
        let status = space.git_at(&folder, ["status", "--porcelain"]);
        assert!(status.contains("A  staged.txt"), "{status}");
        space.run(["doctor"]).succeeds();
        space.run(["destroy", "one", "--force"]).succeeds();
        space.run(["undo"]).succeeds();
    }
}

/// RELIABILITY G2: another container sees other paths, so its prune takes ours for gone.
#[test]
fn a_prune_from_elsewhere_costs_nothing() {
    let space = Workspace::with_sessions(2);
    let (locked, unlocked) = (space.work_in("s1"), space.work_in("s2"));
    let held = [files(&locked), files(&unlocked)];
    space.git(["worktree", "unlock", unlocked.to_str().unwrap()]);
    assert!(space.findings().contains(&"worktree-unlocked".to_owned()));
    let away = space.path("away");
    fs::rename(space.path(".worktrees"), &away).unwrap();
    space.git(["worktree", "prune", "--expire=now"]);
    fs::rename(&away, space.path(".worktrees")).unwrap();
    assert!(space.admin("s1").exists(), "the lock kept git from pruning it");
    assert!(!space.admin("s2").exists());
    space.run(["restore"]).succeeds().says("registered with git again, files untouched");
    assert_same(&held[0], &files(&locked));
    assert_same(&held[1], &files(&unlocked));
    assert_eq!(space.git_at(&unlocked, ["log", "-1", "--format=%s"]), "work");
    space.run(["doctor"]).succeeds();
}

/// Somebody moved the worktree out with git's own command: it lives there, and only git can move it back.
#[test]
fn a_worktree_that_lives_elsewhere_is_named_and_never_cut_off() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let (held, elsewhere) = (files(&folder), space.path("elsewhere"));
    let (from, to) = (folder.to_str().unwrap(), elsewhere.to_str().unwrap());
    space.git(["worktree", "move", "-f", "-f", from, to]);
    let admin = tree(&space.path(".git/worktrees"));
    for args in [&["destroy", "s1"][..], &["destroy", "s1", "--force"], &["destroy", "s1", "--dry-run"]] {
        space.run(args).fails(6).says("moved to").says(to);
    }
    space.run(["doctor"]).fails(1);
    space.run(["doctor", "--fix"]).fails(1);
    space.run(["list"]).succeeds();
    assert_same(&held, &files(&elsewhere));
    assert_eq!(admin.len(), tree(&space.path(".git/worktrees")).len());
    assert_eq!(space.git_at(&elsewhere, ["branch", "--show-current"]), "feature/s1");
    space.git(["worktree", "move", "-f", "-f", to, from]);
    space.run(["restore"]).succeeds();
    space.run(["doctor"]).succeeds();
    assert_same(&held, &files(&folder));
}

/// Git stops for all worktrees when one of them has lost its way to the repository.
#[test]
fn one_damaged_worktree_does_not_stop_the_next_create() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let held = files(&folder);
    for bytes in [Some(&b""[..]), Some(&b"garbage\n"[..]), None] {
        damage(&space.admin("s1").join("commondir"), bytes);
        space.run(["create", "next"]).succeeds();
        space.run(["destroy", "next", "--delete-branch"]).succeeds();
    }
    assert_same(&held, &files(&folder));
    assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), "feature/s1");
}

/// RELIABILITY G4.
#[test]
fn what_a_power_cut_emptied_is_set_aside_and_checked_out_again() {
    for lost in [false, true] {
        let space = Workspace::with_sessions(1);
        let folder = space.worktree("s1");
        let admin = space.admin("s1");
        fs::write(folder.join("new.txt"), "new\n").unwrap();
        for file in [".git", "README.md", "src/lib.txt"] {
            fs::write(folder.join(file), "").unwrap();
        }
        for file in ["HEAD", "gitdir", "commondir", "index"] {
            fs::write(admin.join(file), "").unwrap();
        }
        if lost {
            space.lose_state();
        }
        space.run(["restore"]).succeeds().says("checked out again, the damaged folder is");
        assert_eq!(space.names(), ["s1"]);
        assert_eq!(space.worktree("s1"), folder);
        assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "hello\n");
        assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "");
        assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), "feature/s1");
        let damaged = fs::read_dir(space.path(".worktrees/.damaged")).unwrap();
        let kept = damaged.map(|it| it.unwrap().path()).any(|it| it.join("new.txt").exists());
        assert!(kept, "the damaged one is kept");
        space.run(["doctor"]).succeeds();
    }
}

/// A commit that git had not synced is empty after a power cut; or its ref names one that never came.
#[test]
fn a_commit_that_cannot_be_read_is_found_and_the_cure_touches_no_file() {
    for is_emptied in [true, false] {
        let space = Workspace::with_sessions(1);
        let folder = space.work_in("s1");
        let commit = space.git_at(&folder, ["rev-parse", "HEAD"]);
        let object = space.path(&format!(".git/objects/{}/{}", &commit[..2], &commit[2..]));
        fs::remove_file(&object).unwrap();
        if is_emptied {
            fs::write(&object, "").unwrap();
        }
        let held = files(&folder);
        let ran = space.run(["doctor", "--json"]).fails(1);
        let findings = ran.json();
        let found = findings.as_array().unwrap().iter().find(|it| it["code"] == "head-broken");
        let cure = found.unwrap_or_else(|| panic!("{findings:#}"))["cure"].as_str().unwrap().to_owned();
        let error = space.run(["destroy", "s1", "--force", "--json"]).fails(1).error();
        assert_eq!(error["hint"], cure.as_str(), "{error}");
        let command = cure.split('`').nth(1).unwrap();
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        space.git(words);
        space.run(["doctor"]).succeeds().says("nothing is wrong");
        assert_same(&held, &files(&folder));
        space.run(["destroy", "s1", "--force"]).succeeds();
        space.run(["undo"]).succeeds();
        assert_same(&held, &files(&folder));
    }
}

#[test]
fn a_destroy_that_git_fails_for_damage_names_the_doctor() {
    for file in ["HEAD", "index"] {
        let space = Workspace::with_sessions(1);
        let held = files(&space.work_in("s1"));
        damage(&space.admin("s1").join(file), Some(b"garbage\n"));
        let error = space.run(["destroy", "s1", "--force", "--json"]).fails(1).error();
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("wharf doctor --fix") && !hint.contains("--repo"), "{error}");
        space.run(["doctor", "--fix"]).succeeds();
        assert_same(&held, &files(&space.worktree("s1")));
        space.run(["destroy", "s1", "--force"]).succeeds();
    }
}
