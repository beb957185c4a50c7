//! Everything that doctor can find is found once, told with how bad it is, and cured where a cure loses nothing.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::support::{
    Ran, STATE, Workspace,
    faults::{assert_same, tree},
};

/// What `--fix` makes of a finding.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cure {
    /// It is cured, and nothing else is wrong then.
    Fixed,
    /// Only a person can; the finding stays and says how.
    ByHand,
}

/// A word, how bad it is, what a fix makes of it, and how it comes about in a workspace with the session `s1`.
type Case = (&'static str, &'static str, Cure, fn(&Workspace));

fn lose_backups(space: &Workspace) {
    for number in 1..=5 {
        fs::remove_file(space.path(&format!("{STATE}.{number}"))).ok();
    }
}

/// A link is in the place of all worktrees.
fn move_worktrees_away(space: &Workspace) {
    let (place, away) = (space.path(".worktrees"), space.path("away"));
    if fs::rename(&place, &away).is_err() {
        fs::create_dir(&away).unwrap();
    }
    std::os::unix::fs::symlink(away, place).unwrap();
}

const CASES: [Case; 30] = [
    ("state-unsigned", "note", Cure::Fixed, |space| {
        space.edit_state(|_| ());
    }),
    ("state-suspect", "warning", Cure::Fixed, |space| {
        let text = fs::read_to_string(space.path(STATE)).unwrap();
        fs::write(space.path(STATE), text.replace("\"active\"", "\"waiting\"")).unwrap();
    }),
    ("state-corrupt", "warning", Cure::Fixed, |space| {
        fs::write(space.path(STATE), [0; 512]).unwrap();
    }),
    ("state-lost", "warning", Cure::Fixed, |space| {
        lose_backups(space);
        fs::write(space.path(STATE), "{ garbage").unwrap();
    }),
    ("state-kept", "note", Cure::ByHand, |space| {
        fs::write(space.path(STATE), "{ garbage").unwrap();
        space.run(["restore"]).succeeds();
    }),
    ("state-mode", "warning", Cure::Fixed, |space| {
        fs::set_permissions(space.path(STATE), fs::Permissions::from_mode(0o644)).unwrap();
    }),
    ("state-unchecked", "error", Cure::ByHand, |space| {
        let lock = space.path(".claude-container-sessions.lock");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(lock).unwrap();
    }),
    ("state-unreadable", "error", Cure::ByHand, |space| {
        fs::remove_file(space.path(STATE)).unwrap();
        fs::create_dir(space.path(STATE)).unwrap();
    }),
    ("quarantined", "warning", Cure::ByHand, |space| {
        space.edit_state(|state| {
            let broken = json!({"id": "not an id", "name": "x"});
            state["sessions"].as_array_mut().unwrap().push(broken);
        });
    }),
    ("abandoned", "warning", Cure::Fixed, |space| {
        let worker = json!({"pid": 1, "started": 1, "boot": "another/1"});
        let pending = json!({"action": "destroying", "worker": worker, "since": "2025-01-01T00:00:00.000Z"});
        space.edit_state(|state| state["sessions"][0]["pending"] = pending);
    }),
    ("process-gone", "warning", Cure::Fixed, |space| {
        space.edit_state(|state| {
            state["sessions"][0]["process"] = json!({"pid": 1, "started": 1, "boot": "another/1"});
        });
    }),
    ("worktree-state", "error", Cure::Fixed, |space| {
        fs::remove_dir_all(space.worktree("s1")).unwrap();
    }),
    ("worktree-state", "error", Cure::Fixed, |space| {
        let admin = space.admin("s1");
        fs::remove_dir_all(space.worktree("s1")).unwrap();
        fs::remove_dir_all(admin).unwrap();
    }),
    ("worktree-state", "error", Cure::Fixed, |space| {
        fs::remove_dir_all(space.admin("s1")).unwrap();
    }),
    ("worktree-state", "error", Cure::Fixed, |space| {
        fs::write(space.admin("s1").join("gitdir"), "/nowhere/.git\n").unwrap();
    }),
    ("worktree-state", "error", Cure::Fixed, |space| {
        fs::write(space.worktree("s1").join(".git"), "").unwrap();
    }),
    ("worktree-state", "error", Cure::ByHand, |space| {
        let folder = space.worktree("s1");
        fs::remove_dir_all(&folder).unwrap();
        fs::write(folder, "something else\n").unwrap();
    }),
    ("worktree-unlocked", "warning", Cure::Fixed, |space| {
        space.git(["worktree", "unlock", space.worktree("s1").to_str().unwrap()]);
    }),
    ("worktree-locked", "note", Cure::ByHand, |space| {
        let folder = space.worktree("s1");
        space.git(["worktree", "unlock", folder.to_str().unwrap()]);
        space.git(["worktree", "lock", "--reason", "theirs", folder.to_str().unwrap()]);
    }),
    ("branch-moved", "warning", Cure::Fixed, |space| {
        space.git_at(&space.worktree("s1"), ["switch", "-q", "-c", "other"]);
    }),
    ("branch-gone", "error", Cure::Fixed, |space| {
        space.git(["update-ref", "-d", "refs/heads/feature/s1"]);
    }),
    ("no-record", "warning", Cure::Fixed, |space| {
        fs::write(space.path(STATE), r#"{"version": "1.0", "sessions": []}"#).unwrap();
    }),
    ("left-alone", "note", Cure::ByHand, |space| {
        fs::create_dir(space.path(".worktrees/by-hand")).unwrap();
    }),
    ("trash-expired", "note", Cure::Fixed, |space| {
        space.run(["create", "old"]).succeeds();
        let id = space.record("old")["id"].as_str().unwrap().to_owned();
        space.run(["destroy", "old"]).succeeds();
        space.expire(&id);
    }),
    ("worktree-unreadable", "error", Cure::ByHand, |space| {
        fs::remove_file(space.path(".git/HEAD")).unwrap();
    }),
    ("repository-gone", "error", Cure::ByHand, |space| {
        fs::rename(space.path(".git"), space.path(".away")).unwrap();
    }),
    ("state-adrift", "error", Cure::ByHand, |space| {
        fs::remove_file(space.path(STATE)).unwrap();
        std::os::unix::fs::symlink(space.home().join("volume/state.json"), space.path(STATE)).unwrap();
    }),
    ("settings-unusable", "error", Cure::ByHand, |space| {
        fs::create_dir_all(space.path(".wharf")).unwrap();
        fs::write(space.path(".wharf/config.toml"), "max_sesions = 9\n").unwrap();
    }),
    ("worktrees-unsafe", "error", Cure::ByHand, move_worktrees_away),
    ("repository-unreadable", "error", Cure::ByHand, |space| {
        fs::write(space.path(".git/config"), "[[[ no configuration\n").unwrap();
    }),
];

#[test]
fn each_thing_that_is_wrong_is_found_and_cured() {
    for (number, (code, severity, cure, break_it)) in CASES.iter().enumerate() {
        let what = format!("case {number}, {code}");
        let space = Workspace::with_sessions(1);
        break_it(&space);
        let before = tree(&space.root());
        let ran = space.run(["doctor", "--json"]);
        assert_same(&before, &tree(&space.root()));
        let findings = ran.json();
        let found = findings.as_array().unwrap().iter().find(|it| it["code"] == *code);
        let found = found.unwrap_or_else(|| panic!("{what} is not among {findings:#}"));
        assert_eq!(found["severity"], *severity, "{what}");
        assert!(!found["cure"].as_str().unwrap().is_empty() && found.get("cured").is_none());
        let exit = i32::from(*severity != "note");
        assert_eq!(ran.output.status.code(), Some(exit), "{what}: {findings:#}");
        space.run(["doctor"]).fails(exit).says(severity);

        let ran = space.run(["doctor", "--fix", "--json"]);
        let Ok(fixed) = serde_json::from_slice::<Value>(&ran.output.stdout) else {
            assert_eq!(*cure, Cure::ByHand, "{what}: {}", ran.stderr());
            continue;
        };
        let found = fixed.as_array().unwrap().iter().find(|it| it["code"] == *code).unwrap();
        assert_eq!(found["cured"], *cure == Cure::Fixed, "{what}: {fixed:#}");
        if *cure == Cure::Fixed {
            ran.fails(0);
            let left = space.findings();
            let kept = |it: &String| it != "state-kept";
            assert!(!left.iter().any(kept), "{what} left {left:?}");
            assert_eq!(space.names(), ["s1"], "{what}");
        } else {
            assert!(space.findings().contains(&(*code).to_owned()), "{what}");
        }
    }
}

#[test]
fn a_quarantine_is_emptied_only_when_asked_and_nothing_of_it_is_lost() {
    let space = Workspace::with_sessions(1);
    space.run(["doctor", "--drop-quarantine"]).succeeds().says("nothing is in quarantine");
    assert!(!space.findings().contains(&"state-kept".to_owned()));
    space.edit_state(|state| {
        let broken = json!({"id": "not an id", "name": "x", "big": "kept to the letter"});
        state["sessions"].as_array_mut().unwrap().push(broken);
    });
    space.run(["doctor", "--fix"]).fails(1);
    space.run(["meta", "s1", "owner=ann"]).succeeds();
    assert!(space.findings().contains(&"quarantined".to_owned()));
    let ran = space.run(["doctor", "--drop-quarantine"]).succeeds().says("1 out of quarantine");
    assert_eq!(space.findings(), ["state-kept"]);
    assert_eq!(space.state().get("quarantine"), None);
    assert_eq!(space.names(), ["s1"]);
    let told = ran.stderr();
    let kept = fs::read_to_string(told.trim().split("kept in ").nth(1).unwrap()).unwrap();
    assert!(kept.contains("kept to the letter"), "{kept}");
    space.run(["doctor", "--quick", "--drop-quarantine"]).fails(2);
}

/// A container's health depends on the state file alone, however slow or broken git is.
#[test]
fn a_quick_check_asks_git_nothing() {
    let space = Workspace::with_sessions(1);
    let mark = space.home().join("asked");
    let shim = format!("echo asked >> '{}'; exit 1", mark.display());
    fs::remove_dir_all(space.admin("s1")).unwrap();
    space.run_with_git(&shim, &["doctor", "--quick"]).succeeds().says("nothing is wrong");
    fs::remove_dir_all(space.path(".git")).unwrap();
    space.run_with_git(&shim, &["doctor", "--quick"]).succeeds();
    // What work can go on with is no reason to restart a container; what it cannot is.
    fs::set_permissions(space.path(STATE), fs::Permissions::from_mode(0o644)).unwrap();
    space.run_with_git(&shim, &["doctor", "--quick"]).succeeds().says("mode");
    fs::write(space.path(STATE), r#"{"version": "9.0", "sessions": []}"#).unwrap();
    space.run_with_git(&shim, &["doctor", "--quick"]).fails(1).says("9.0");
    assert!(!mark.exists());
}

#[test]
fn a_healthy_workspace_has_nothing_wrong_and_nothing_new() {
    for space in [Workspace::new(), Workspace::with_sessions(2), Workspace::empty()] {
        space.home();
        let before = tree(&space.root());
        space.run(["doctor"]).succeeds().says("nothing is wrong");
        space.run(["doctor", "--quick"]).succeeds().says("nothing is wrong");
        assert_same(&before, &tree(&space.root()));
    }
}

#[test]
fn an_unusable_git_is_one_finding_and_not_many() {
    let space = Workspace::with_sessions(2);
    let ran = space.run_with_git("echo git version 1.8.0", &["doctor", "--json"]).fails(1);
    let findings = ran.json();
    let codes: Vec<&str> = findings.as_array().unwrap().iter().filter_map(|it| it["code"].as_str()).collect();
    assert_eq!(codes, ["git-unusable"], "{findings:#}");
    assert!(findings[0]["cure"].as_str().unwrap().contains("2.36"));
}

/// The words of everything that is wrong.
fn codes(ran: &Ran) -> Vec<String> {
    let findings = ran.json();
    findings.as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn settings_that_cannot_be_used_are_told_with_their_line() {
    let space = Workspace::with_sessions(1);
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "max_sessions = 9\nmax_sesions = 9\n").unwrap();
    for args in [&["doctor", "--json"][..], &["doctor", "--quick", "--json"]] {
        let ran = space.run(args).fails(1);
        assert_eq!(codes(&ran), ["settings-unusable"], "{args:?}");
        let message = ran.json()[0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("line 2") && message.contains("max_sesions"), "{message}");
    }
    space.run(["restore"]).succeeds().says("line 2").says("max_sesions");
}

/// Whoever wrote them may have wanted the trash to be kept for a year.
#[test]
fn broken_settings_delete_nothing_from_the_trash() {
    let space = Workspace::with_sessions(1);
    let id = space.record("s1")["id"].as_str().unwrap().to_owned();
    fs::write(space.worktree("s1").join("draft"), "precious\n").unwrap();
    space.run(["destroy", "s1", "--force"]).succeeds();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    let settings = space.path(".wharf/config.toml");
    fs::write(&settings, "[trash]\ndays = 365\n[logs]\ndays = 3\n").unwrap();
    space.expire(&id);
    space.run(["restore"]).succeeds();
    space.run(["doctor", "--fix"]).fails(1);
    fs::write(&settings, "[trash]\ndays = 4294967295\n").unwrap();
    space.run(["restore"]).succeeds();
    space.run(["undo"]).succeeds();
    assert_eq!(fs::read_to_string(space.worktree("s1").join("draft")).unwrap(), "precious\n");
}

#[test]
fn what_is_in_the_place_of_all_worktrees_is_one_finding() {
    for (sessions, kind) in [(0, "link"), (2, "link"), (0, "file")] {
        let space = Workspace::with_sessions(sessions);
        match kind {
            "file" => fs::write(space.path(".worktrees"), "mine\n").unwrap(),
            _ => move_worktrees_away(&space),
        }
        let ran = space.run(["doctor", "--json"]).fails(1);
        assert_eq!(codes(&ran), ["worktrees-unsafe"], "{sessions}, {kind}");
        assert!(ran.json()[0]["cure"].as_str().unwrap().contains("move it away"));
        space.run(["create", "one"]).fails(6);
    }
}

#[test]
fn a_table_that_cannot_be_read_blames_no_worktree() {
    let space = Workspace::with_sessions(2);
    fs::write(space.path(STATE), r#"{"version": "0.9", "sessions": []}"#).unwrap();
    let hint = space.run(["list", "--json"]).fails(9).error()["hint"].as_str().unwrap().to_owned();
    assert!(!hint.contains("newer"), "{hint}");
    fs::write(space.path(STATE), r#"{"version": "2.0", "sessions": []}"#).unwrap();
    let ran = space.run(["doctor", "--json"]).fails(1);
    assert_eq!(codes(&ran), ["state-unreadable"]);
    let hint = ran.error()["hint"].as_str().unwrap().to_owned();
    assert!(!hint.contains("--fix"), "{hint}");
}

#[test]
fn after_a_fix_nobody_is_told_to_fix() {
    let space = Workspace::with_sessions(1);
    space.edit_state(|state| state["sessions"].as_array_mut().unwrap().push(json!({"id": "not an id"})));
    space.run(["doctor"]).fails(1).says("1 finding needs a cure").says("hint: `wharf doctor --fix`");
    let ran = space.run(["doctor", "--fix"]).fails(1).says("1 finding needs a cure");
    assert!(!ran.stderr().contains("--fix"), "{}", ran.stderr());
}
