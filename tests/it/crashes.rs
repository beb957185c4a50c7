//! kill -9 at every change a verb makes outside of itself: `restore` finishes or undoes it, and nothing is lost.

use std::{fs, time::Instant};

use serde_json::Value;

use crate::support::{
    STATE, Workspace, invariants,
    strace::{self, Cut},
};

/// A workspace with a session `kept` that has staged, changed, untracked and ignored files, and a branch of its own.
fn furnished() -> Workspace {
    let space = Workspace::new();
    space.run(["create", "kept", "--meta", "owner=ann"]).succeeds();
    work_in(&space, "kept");
    space.run(["restore"]).succeeds();
    space.fill_backups("kept");
    space
}

fn work_in(space: &Workspace, name: &str) {
    let folder = space.worktree(name);
    fs::write(folder.join("README.md"), "changed\n").unwrap();
    fs::write(folder.join("new.txt"), "new\n").unwrap();
    fs::write(folder.join("staged.txt"), "staged\n").unwrap();
    fs::write(folder.join("trace.log"), "ignored\n").unwrap();
    space.git_at(&folder, ["add", "staged.txt"]);
}

#[track_caller]
fn has_work(space: &Workspace, name: &str, after: &str) {
    let status = space.git_at(&space.worktree(name), ["status", "--porcelain", "--ignored"]);
    assert_eq!(status, "M README.md\nA  staged.txt\n?? new.txt\n!! trace.log", "{after}: the work in {name}");
    let record = space.json(["show", name]);
    assert_eq!(record["metadata"]["owner"], "ann", "{after}");
}

/// Runs `args` with every cut until one is not reached, and `judge` after each; `again` makes the start anew.
fn step_through(
    args: &[&str],
    cuts: &[Cut],
    space: &mut Workspace,
    mut again: impl FnMut(&mut Workspace),
    judge: impl Fn(&Workspace, &str),
) {
    if !strace::is_there() {
        return;
    }
    for &cut in cuts {
        let start = Instant::now();
        again(space);
        let points = cut.points(space, args);
        assert!(!points.is_empty(), "{args:?} cannot be cut {cut:?}");
        for point in &points {
            again(space);
            let was_killed = cut.at(space, args, point);
            // The last of them gives the table its name.
            let is_reached = cut != Cut::Alone || !point.is_last("rename", &points) || was_killed;
            assert!(is_reached, "{args:?} ends before {point:?}");
            let after = format!("{args:?} cut {cut:?} at {point:?}");
            judge(space, &after);
        }
        eprintln!("{args:?}: {} kill points {cut:?} in {:.1?}", points.len(), start.elapsed());
    }
}

/// The name is free and nothing of it is in the way.
fn without(space: &mut Workspace, name: &str) {
    if space.names().contains(&name.to_owned()) {
        space.run(["destroy", name, "--force", "--delete-branch"]).succeeds();
        space.run(["trash", "empty", "--yes"]).succeeds();
    }
}

fn create_in_steps(space: &mut Workspace, cuts: &[Cut]) {
    step_through(
        &["create", "new", "--meta", "owner=ann"],
        cuts,
        space,
        |space| without(space, "new"),
        |space, after| {
            invariants::restored(space, &[], after);
            has_work(space, "kept", after);
            for name in space.names() {
                let record = space.json(["show", &name]);
                assert_eq!(record["metadata"]["owner"], "ann", "{after}");
            }
        },
    );
}

#[test]
fn a_create_is_there_or_not_at_all() {
    create_in_steps(&mut furnished(), &[Cut::Alone, Cut::Each]);
}

#[test]
fn a_create_by_git_is_there_or_not_at_all() {
    let mut space = furnished();
    strace::leave_to_git(&space);
    create_in_steps(&mut space, &[Cut::Alone, Cut::Each, Cut::Together]);
}

#[test]
fn a_destroy_happens_or_is_undone_and_undo_brings_the_work_back() {
    let mut space = furnished();
    step_through(
        &["destroy", "kept", "--force"],
        &[Cut::Alone, Cut::Each, Cut::Together],
        &mut space,
        |space| {
            if space.names().is_empty() {
                space.run(["undo"]).succeeds();
            }
        },
        |space, after| {
            invariants::restored(space, &[], after);
            if space.names().is_empty() {
                space.run(["undo"]).succeeds();
                invariants::restored(space, &[], after);
            }
            has_work(space, "kept", after);
        },
    );
}

#[test]
fn an_undo_happens_or_is_finished_with_the_work_in_it() {
    let mut space = furnished();
    step_through(
        &["undo"],
        &[Cut::Alone, Cut::Each, Cut::Together],
        &mut space,
        |space| {
            if !space.names().is_empty() {
                space.run(["status", "kept", "waiting"]).succeeds();
                space.run(["destroy", "kept", "--force", "--delete-branch"]).succeeds();
            }
        },
        |space, after| {
            invariants::restored(space, &[], after);
            if space.names().is_empty() {
                space.run(["undo"]).succeeds();
                invariants::restored(space, &[], after);
            }
            has_work(space, "kept", after);
        },
    );
}

#[test]
fn a_folder_that_is_gone_comes_back_whole_or_not_at_all() {
    let mut space = furnished();
    step_through(
        &["doctor", "--fix"],
        &[Cut::Alone, Cut::Each],
        &mut space,
        |space| fs::remove_dir_all(space.worktree("kept")).unwrap(),
        |space, after| {
            space.run(["doctor", "--fix"]).succeeds();
            invariants::restored(space, &[], after);
            let status = space.git_at(&space.worktree("kept"), ["status", "--porcelain"]);
            assert_eq!(status, "A  staged.txt", "{after}: what was staged is in the index");
        },
    );
}

#[test]
fn an_emptied_worktree_is_mended_by_the_restore_after_one_that_was_cut_short() {
    let mut space = furnished();
    step_through(
        &["restore"],
        &[Cut::Alone],
        &mut space,
        |space| {
            let (folder, admin) = (space.worktree("kept"), space.admin("kept"));
            for file in
                [folder.join(".git"), folder.join("README.md"), admin.join("HEAD"), admin.join("index")]
            {
                fs::write(file, "").unwrap();
            }
        },
        |space, after| {
            space.run(["restore"]).succeeds();
            let folder = space.worktree("kept");
            assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "", "{after}");
            assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "hello\n", "{after}");
            let damaged = space.path(".worktrees/.damaged");
            let mut kept = fs::read_dir(&damaged).unwrap().map(|it| it.unwrap().path());
            assert!(
                !kept.any(|it| it.extension().is_some_and(|it| it == "mending")),
                "{after}: a note is left"
            );
            fs::remove_dir_all(damaged).unwrap();
            invariants::restored(space, &[], after);
        },
    );
    fs::remove_dir_all(space.worktree("kept")).unwrap();
    space.run(["restore"]).succeeds();
    assert!(!space.worktree("kept").exists(), "what a person deletes stays deleted");
}

#[test]
fn an_undo_from_the_hidden_ref_comes_back_whole_or_not_at_all() {
    let mut space = furnished();
    step_through(
        &["undo"],
        &[Cut::Each],
        &mut space,
        |space| {
            let folder = space.worktree("kept");
            space.run(["destroy", "kept", "--force"]).succeeds();
            let id = folder.file_name().unwrap().to_str().unwrap();
            fs::remove_dir_all(space.path(".worktrees/.trash").join(id).join("worktree")).unwrap();
        },
        |space, after| {
            invariants::restored(space, &[], after);
            if space.names().is_empty() {
                space.run(["undo"]).succeeds();
                invariants::restored(space, &[], after);
            }
            let status = space.git_at(&space.worktree("kept"), ["status", "--porcelain"]);
            assert_eq!(status, "M README.md\nA  staged.txt\n?? new.txt", "{after}");
        },
    );
}

#[test]
fn what_the_trash_loses_is_gone_with_its_ref() {
    let mut space = furnished();
    step_through(
        &["trash", "empty", "--yes"],
        &[Cut::Alone, Cut::Each],
        &mut space,
        |space| {
            if space.json(["trash", "list"]).as_array().unwrap().is_empty() {
                space.run(["create", "old"]).succeeds();
                space.run(["destroy", "old", "--force", "--delete-branch"]).succeeds();
            }
        },
        |space, after| {
            invariants::restored(space, &[], after);
            has_work(space, "kept", after);
        },
    );
}

#[test]
fn a_rename_is_whole_after_the_next_start() {
    let mut space = furnished();
    step_through(
        &["rename", "kept", "moved"],
        &[Cut::Alone, Cut::Each],
        &mut space,
        |space| {
            let name = space.names().remove(0);
            if space.json(["show", &name])["branch"] != "feature/kept" || name != "kept" {
                space.run(["rename", &name, "kept", "--branch", "feature/kept"]).succeeds();
            }
        },
        |space, after| {
            invariants::restored(space, &[], after);
            has_work(space, &space.names().remove(0), after);
        },
    );
}

#[test]
fn a_rename_with_its_branch_happens_or_is_undone() {
    let mut space = furnished();
    space.git(["config", "branch.feature/kept.description", "what for"]);
    step_through(
        &["rename", "kept", "moved", "--branch", "topic/x"],
        &[Cut::Alone, Cut::Each, Cut::Together],
        &mut space,
        |space| {
            if space.names() == ["moved"] {
                space.run(["rename", "moved", "kept", "--branch", "feature/kept"]).succeeds();
            }
        },
        |space, after| {
            invariants::restored(space, &[], after);
            let name = space.names().remove(0);
            has_work(space, &name, after);
            let branch = space.json(["show", &name])["branch"].as_str().unwrap().to_owned();
            let pair = (name.as_str(), branch.as_str());
            assert!([("kept", "feature/kept"), ("moved", "topic/x")].contains(&pair), "{after}: {pair:?}");
            let settings = space.git(["config", "--get-regexp", "^branch"]);
            assert_eq!(settings, format!("branch.{branch}.description what for"), "{after}");
            assert!(space.git(["reflog", &branch]).contains("branch: Created from"), "{after}: no log");
        },
    );
}

#[test]
fn a_note_is_written_or_not() {
    let mut space = furnished();
    step_through(
        &["meta", "kept", "phase=two", "big:=123456789012345678901234567890"],
        &[Cut::Alone],
        &mut space,
        // One that says nothing new, or that finds a gap in the backups, has less to do.
        |space| {
            space.run(["meta", "kept", "phase=one"]).succeeds();
            space.fill_backups("kept");
        },
        |space, after| {
            invariants::restored(space, &[], after);
            has_work(space, "kept", after);
        },
    );
}

/// A restore that has everything to do: an abandoned create, a lost table, an unlocked worktree.
#[test]
fn a_restore_that_is_cut_short_is_done_by_the_next_one() {
    let mut space = furnished();
    let record = space.json(["show", "kept"]);
    step_through(
        &["restore"],
        &[Cut::Alone, Cut::Together],
        &mut space,
        |space| {
            fs::write(space.path(STATE), "garbage").unwrap();
            let folder = space.worktree("kept");
            space.git(["worktree", "unlock", folder.to_str().unwrap()]);
        },
        |space, after| {
            invariants::restored(space, &[], after);
            has_work(space, "kept", after);
            let now: Value = space.json(["show", "kept"]);
            assert_eq!(now["createdAt"], record["createdAt"], "{after}");
        },
    );
}
