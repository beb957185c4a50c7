use std::fs;

use serde_json::{Value, json};

use crate::support::{STATE, Workspace};

/// What must come back: everything but how the session is doing.
fn kept(space: &Workspace, name: &str) -> Value {
    let mut record = space.json(["list", "--quick"]);
    let all = record.as_array_mut().unwrap();
    let mut found = all.iter().find(|it| it["name"] == name).unwrap().clone();
    let object = found.as_object_mut().unwrap();
    for field in ["status", "worktreeState", "modified", "untracked", "ahead", "behind"] {
        object.remove(field);
    }
    found
}

fn damage(space: &Workspace, how: &str) {
    let state = space.path(STATE);
    match how {
        "garbage" => fs::write(state, "}{ not json").unwrap(),
        "nul" => fs::write(&state, vec![0; fs::read(&state).unwrap().len()]).unwrap(),
        "deleted" => fs::remove_file(state).unwrap(),
        "all gone" => {
            for entry in fs::read_dir(space.root()).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().starts_with(".claude-container-sessions") {
                    fs::remove_file(path).unwrap();
                }
            }
        }
        _ => unreachable!(),
    }
}

/// The newest backup is one change behind, and git keeps a copy of every record.
#[test]
fn the_last_change_before_the_damage_comes_back() {
    let changes: [&[&str]; 6] = [
        &["meta", "s1", "owner=ann"],
        &["phase", "s1", "writing tests"],
        &["bind", "s1", "--issue", "acme/shop#7", "--label", "ready"],
        &["rename", "s1", "other"],
        &["rename", "other", "s1", "--branch", "feature/renamed"],
        &["create", "fresh", "--meta", "kept=yes"],
    ];
    let space = Workspace::with_sessions(2);
    for change in changes {
        space.run(change.iter().copied()).succeeds();
        let name = match change[0] {
            "create" => "fresh",
            "rename" => change[2],
            _ => "s1",
        };
        let before = (kept(&space, name), kept(&space, "s2"));
        for how in ["garbage", "nul", "deleted", "all gone"] {
            damage(&space, how);
            let told = space.json(["restore"]);
            assert_eq!(
                (&told["mended"], &told["undone"]),
                (&json!([]), &json!([])),
                "{change:?}, then {how}"
            );
            assert_eq!((kept(&space, name), kept(&space, "s2")), before, "{change:?}, then {how}");
        }
    }
}

#[test]
fn what_was_destroyed_before_the_damage_stays_in_the_trash() {
    let space = Workspace::with_sessions(2);
    space.run(["destroy", "s1"]).succeeds();
    for how in ["garbage", "all gone"] {
        damage(&space, how);
        space.run(["restore"]).succeeds();
        assert_eq!(space.names(), ["s2"], "{how}");
    }
    space.run(["undo"]).succeeds();
    space.run(["destroy", "s1"]).succeeds();
    space.run(["trash", "empty", "--yes"]).succeeds();
    damage(&space, "garbage");
    space.run(["restore"]).succeeds();
    assert_eq!(space.names(), ["s2"], "not even as the shadow that the backup remembers");
}

/// Without its objects git takes a repository for none at all.
#[test]
fn a_repository_that_is_broken_with_the_state_file_keeps_its_sessions_for_later() {
    let space = Workspace::with_sessions(2);
    space.run(["meta", "s1", "owner=ann"]).succeeds();
    let before = kept(&space, "s1");
    let folder = space.worktree("s1");
    fs::write(folder.join("work.txt"), "precious\n").unwrap();
    let (objects, aside) = (space.path(".git/objects"), space.path(".git/objects.aside"));
    fs::rename(&objects, &aside).unwrap();
    damage(&space, "all gone");
    space.run(["restore"]).succeeds();
    space.run(["list"]).succeeds();
    fs::rename(&aside, &objects).unwrap();
    space.run(["restore"]).succeeds();
    assert_eq!(kept(&space, "s1"), before);
    assert_eq!(space.names(), ["s1", "s2"]);
    assert_eq!(fs::read_to_string(folder.join("work.txt")).unwrap(), "precious\n");
}
