//! kill -9 at every change that filling, taking and draining warm worktrees make: what is left is a session or nothing.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::support::{
    Workspace, invariants,
    pty::PATIENCE,
    strace::{self, Cut},
};

/// A workspace with many files, so that a base can move by a few.
fn furnished() -> Workspace {
    let space = Workspace::new();
    for number in 0..8 {
        fs::write(space.path(&format!("file{number}")), format!("{number}\n")).unwrap();
    }
    space.git(["add", "-A"]);
    space.git(["commit", "-q", "-m", "many"]);
    space.run(["create", "backups"]).succeeds();
    space.fill_backups("backups");
    without_sessions(&space);
    space
}

/// Of how many kill points the gate tries one; with `WHARF_TEST_POINTS=all` each of them is tried, which takes long.
const STRIDE: usize = 6;

/// Runs `args` with every cut, made anew by `again` each time. Afterwards a restore and a drain leave nothing but whole
/// sessions, and nothing that is taken for the work of a person.
fn step_through(args: &[&str], cuts: &[Cut], space: &Workspace, again: impl Fn(&Workspace)) {
    if !strace::is_there() {
        return;
    }
    let all = std::env::var("WHARF_TEST_POINTS").is_ok_and(|points| points == "all");
    let stride = if all { 1 } else { STRIDE };
    for &cut in cuts {
        let start = Instant::now();
        again(space);
        let points = cut.points(space, args);
        assert!(!points.is_empty(), "{args:?} cannot be cut {cut:?}");
        for point in points.iter().step_by(stride) {
            again(space);
            cut.at(space, args, point);
            let after = format!("{args:?} cut {cut:?} at {point:?}");
            space.run(["restore"]).succeeds();
            let told = space.json(["pool", "status"]);
            assert!(!told.to_string().contains("changed"), "{after}: {told}");
            drain(space, &after);
            invariants::restored(space, &[], &after);
            for name in space.names() {
                let folder = space.worktree(&name);
                assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "", "{after}");
            }
        }
        eprintln!("{args:?}: {} kill points {cut:?} in {:.1?}", points.len(), start.elapsed());
    }
}

/// A git whose wharf was killed may go on for a moment, and nothing is cleared away under its hands.
fn drain(space: &Workspace, after: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        space.run(["pool", "drain"]).succeeds();
        let told = space.json(["pool", "status"]);
        if told["slots"].as_array().unwrap().is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{after}: it stays: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn without_sessions(space: &Workspace) {
    for name in space.names() {
        space.run(["destroy", &name, "--force", "--delete-branch"]).succeeds();
        space.run(["trash", "empty", "--yes"]).succeeds();
    }
}

fn fill(space: &Workspace) {
    without_sessions(space);
    space.run(["pool", "fill", "--size", "1"]).succeeds().says("1 ready");
}

fn commit_one(space: &Workspace) {
    let text = format!("{:?}", Instant::now());
    fs::write(space.path("file3"), text).unwrap();
    space.git(["commit", "-qam", "moved"]);
}

#[test]
fn a_warm_create_is_there_or_not_at_all() {
    step_through(&["create", "new"], &[Cut::Alone, Cut::Each], &furnished(), fill);
}

#[test]
fn a_warm_create_by_git_is_there_or_not_at_all() {
    let space = furnished();
    strace::leave_to_git(&space);
    step_through(&["create", "new"], &[Cut::Alone, Cut::Together], &space, fill);
}

#[test]
fn a_warm_create_on_a_base_that_moved_is_there_or_not_at_all() {
    step_through(&["create", "new"], &[Cut::Alone, Cut::Together], &furnished(), |space| {
        fill(space);
        commit_one(space);
    });
}

#[test]
fn a_fill_that_is_cut_short_leaves_a_warm_worktree_or_nothing() {
    step_through(&["pool", "fill", "--size", "1"], &[Cut::Alone, Cut::Each], &furnished(), |space| {
        drain(space, "before");
    });
}

#[test]
fn a_fill_by_git_that_is_cut_short_leaves_a_warm_worktree_or_nothing() {
    let space = furnished();
    strace::leave_to_git(&space);
    step_through(&["pool", "fill", "--size", "1"], &[Cut::Alone, Cut::Together], &space, |space| {
        drain(space, "before");
    });
}

#[test]
fn a_fill_that_moves_a_worktree_leaves_it_whole_or_nothing() {
    // A git that is killed as well can leave its own `packed-refs.lock`, as anywhere.
    step_through(&["pool", "fill", "--size", "1"], &[Cut::Alone], &furnished(), |space| {
        fill(space);
        commit_one(space);
    });
}

#[test]
fn a_drain_that_is_cut_short_is_done_by_the_next_one() {
    step_through(&["pool", "drain"], &[Cut::Alone, Cut::Each], &furnished(), fill);
}
