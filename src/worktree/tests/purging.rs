//! What is deleted for good, and what a purge leaves alone.

use std::{fs, path::PathBuf, sync::Barrier, thread, time::Duration};

use super::{
    super::delete::delete_tree,
    support_write::{Ground, bring_back_first, status},
};
use crate::{
    atomic::rename,
    clock::Timestamp,
    session::{BranchFate, SessionId},
    worktree::{Checkout, Trashed, WorktreeError, WorktreeState, Worktrees as _},
};

const FILES: usize = 300;
const ROUNDS: u32 = 18;

fn entry(ground: &Ground, id: SessionId) -> PathBuf {
    ground.path(".worktrees/.trash").join(id.to_string())
}

fn purging(ground: &Ground, id: SessionId) -> PathBuf {
    ground.path(".worktrees/.trash").join(format!("purging-{id}"))
}

/// A session with many files, in the trash.
fn trashed(ground: &Ground, name: &str) -> (Checkout, Trashed) {
    let (_, of, folder) = ground.session(name);
    for number in 0..FILES {
        ground.write_at(&folder.join(format!("new/{number}")), "work");
    }
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Delete, "{}").unwrap();
    let trashed = worktrees.trash().unwrap().remove(0);
    assert_eq!(trashed.id, of.id);
    (of, trashed)
}

#[test]
fn a_session_that_is_purged_and_brought_back_at_once_is_whole_or_gone() {
    let ground = Ground::new();
    for round in 0..ROUNDS {
        let (of, trashed) = trashed(&ground, &format!("round-{round}"));
        let start = Barrier::new(2);
        let (purged, brought) = thread::scope(|scope| {
            let purge = scope.spawn(|| {
                start.wait();
                thread::sleep(Duration::from_millis(u64::from(round % 3)));
                ground.worktrees().purge(&trashed)
            });
            let bring = scope.spawn(|| {
                start.wait();
                thread::sleep(Duration::from_millis(u64::from(round / 3 % 3)));
                ground.worktrees().bring_back(trashed.id, &trashed.repository)
            });
            (purge.join().unwrap(), bring.join().unwrap())
        });
        purged.unwrap();
        let folder = ground.folder(of.id);
        assert!(!entry(&ground, of.id).exists() && !purging(&ground, of.id).exists());
        assert_eq!(ground.hidden(), "");
        if brought.is_ok() {
            assert_eq!(fs::read_dir(folder.join("new")).unwrap().count(), FILES);
            assert_eq!(status(&folder), "?? new/");
        } else {
            assert!(!folder.exists() && !ground.admin(of.id).exists());
            assert!(!ground.branches().contains(&of.branch.to_string()));
        }
    }
}

#[test]
fn a_purge_that_was_cut_short_is_due_and_ended_by_the_next_one() {
    let ground = Ground::new();
    let worktrees = ground.worktrees();
    let (of, _) = trashed(&ground, "cut");
    let now = Timestamp::from(fs::metadata(ground.path(".")).unwrap().modified().unwrap());
    assert!(!worktrees.is_trash_due(now, 1), "it is still to be had");
    assert!(worktrees.is_trash_due(now.plus_days(2), 1), "it has been there for a day");
    rename(&entry(&ground, of.id), &purging(&ground, of.id)).unwrap();
    assert!(worktrees.trash().unwrap().is_empty());
    assert!(worktrees.is_trash_due(now, 1));
    let (_, other) = trashed(&ground, "other");
    worktrees.purge(&other).unwrap();
    assert!(!purging(&ground, of.id).exists());
    assert!(!worktrees.is_trash_due(now.plus_days(2), 1));
}

#[test]
fn clearing_leaves_the_trash_and_what_is_not_ours_alone() {
    let ground = Ground::new();
    let (of, _) = trashed(&ground, "auth");
    let strange = ground.path(".worktrees/.trash/purging-tomorrow/file");
    ground.write_at(&strange, "x");
    ground.worktrees().clear_doomed().unwrap();
    assert!(entry(&ground, of.id).join("worktree/new").exists() && strange.exists());
}

#[test]
fn a_session_that_was_brought_back_meanwhile_is_not_purged() {
    let ground = Ground::new();
    let (of, trashed) = trashed(&ground, "auth");
    let worktrees = ground.worktrees();
    bring_back_first(&worktrees).unwrap();
    worktrees.purge(&trashed).unwrap();
    assert_eq!(status(&ground.folder(of.id)), "?? new/");
}

#[test]
fn a_session_that_is_half_on_its_way_back_is_not_purged() {
    let ground = Ground::new();
    let (of, trashed) = trashed(&ground, "auth");
    let worktrees = ground.worktrees();
    rename(&entry(&ground, of.id).join("admin"), &ground.admin(of.id)).unwrap();
    let err = worktrees.purge(&trashed).unwrap_err();
    assert!(matches!(err, WorktreeError::InTheWay { .. }), "{err}");
    rename(&entry(&ground, of.id).join("worktree"), &ground.folder(of.id)).unwrap();
    worktrees.purge(&trashed).unwrap();
    assert!(!ground.hidden().is_empty());
    worktrees.bring_back(trashed.id, &trashed.repository).unwrap();
    assert_eq!(status(&ground.folder(of.id)), "?? new/");
}

#[test]
fn a_session_of_a_repository_that_is_gone_can_be_purged() {
    let ground = Ground::new();
    let (of, trashed) = trashed(&ground, "auth");
    delete_tree(&ground.path(".git")).unwrap();
    ground.worktrees().purge(&trashed).unwrap();
    assert!(!entry(&ground, of.id).exists() && !purging(&ground, of.id).exists());
}

#[test]
fn what_lies_in_the_trash_is_not_mended() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "work");
    let worktrees = ground.worktrees();
    worktrees.discard(&of, BranchFate::Keep, "{}").unwrap();
    let mended = worktrees.mend(&of, &addition.name, &addition.record).unwrap();
    assert_eq!(mended, []);
    let found = worktrees.inspect(of.id, &of.repository).unwrap();
    assert_eq!(found.state, WorktreeState::Gone);
    assert!(!folder.exists());
    bring_back_first(&worktrees).unwrap();
    assert_eq!(status(&folder), "?? new.txt");
}

#[test]
fn a_discard_that_ended_while_a_mend_waited_is_left_as_it_is() {
    let ground = Ground::new();
    let (addition, of, folder) = ground.session("auth");
    let settings = ground.shim("sleep 0.1; exec git \"$@\"", Duration::from_mins(1));
    thread::scope(|scope| {
        let discarding = scope.spawn(|| ground.with(settings).discard(&of, BranchFate::Keep, "{}"));
        while !ground.path(".git/wharf.busy").exists() {
            thread::yield_now();
        }
        let mended = ground.worktrees().mend(&of, &addition.name, &addition.record).unwrap();
        assert_eq!(mended, []);
        discarding.join().unwrap().unwrap();
    });
    assert!(!folder.exists() && ground.worktrees().is_discarded(of.id));
}

#[test]
fn what_a_comparison_that_was_killed_has_left_goes_and_what_is_in_use_stays() {
    let ground = Ground::new();
    let worktrees = ground.worktrees();
    let (left, used) = (SessionId::random(), SessionId::random());
    let folder = |id: SessionId| ground.path(format!(".worktrees/.trash/verify-{id}"));
    ground.write_at(&folder(left).join("deep/file.txt"), "copy");
    let sample = worktrees.make_sample(used).unwrap();
    worktrees.clear_doomed().unwrap();
    assert!(!folder(left).exists() && folder(used).exists());
    sample.remove().unwrap();
    assert!(!folder(used).exists());
}

#[test]
fn half_a_copy_in_the_trash_does_not_keep_a_session_from_being_used() {
    let ground = Ground::new();
    let (_, of, folder) = ground.session("auth");
    let entry = entry(&ground, of.id);
    ground.write_at(&entry.join("trash.json"), "{}");
    ground.write_at(&entry.join("worktree.partial/kept.txt"), "half");
    ground.worktrees().retract(&of).unwrap();
    assert!(!entry.exists() && folder.join("kept.txt").exists());
    ground.worktrees().discard(&of, BranchFate::Delete, "{}").unwrap();
}
