//! How an add ends whose process is gone.

use std::{fs, thread, time::Duration};

use super::support_write::{Ground, git_in};
use crate::{
    session::RepositoryPath,
    worktree::{AddEnd, Addition, PoolSize, Wanted, WhileFilled, Worktrees as _},
};

#[test]
fn an_add_that_was_cut_short_is_not_complete() {
    let ground = Ground::new();
    for file in ["session.json", "index", "locked", "gitdir", "HEAD"] {
        let (addition, _, _) = ground.session(file.trim_end_matches(".json"));
        fs::remove_file(ground.admin(addition.id).join(file)).unwrap();
        let end = ground.worktrees().settle_add(&addition).unwrap();
        assert_eq!(end, AddEnd::TakenBack, "{file}");
        assert!(!ground.folder(addition.id).exists(), "{file}");
    }
    assert_eq!(ground.branches(), ["main"]);
}

/// What a take writes is durable before the create is acknowledged and not before; a power cut in between empties some
/// of it.
#[test]
fn a_warm_worktree_whose_taking_a_power_cut_emptied_is_taken_back() {
    let ground = Ground::new();
    let (worktrees, root) = (ground.worktrees(), RepositoryPath::root());
    worktrees.want_warm(&root).unwrap();
    for emptied in [&["locked"][..], &["session.json"], &["locked", "session.json"]] {
        assert_eq!(
            worktrees.fill(&root, &PoolSize::fixed(1), WhileFilled::Leave).unwrap().ready,
            1,
            "{emptied:?}"
        );
        let wanted = Wanted { branch: "feature/warm".parse().unwrap(), explicit: false, from: None };
        let outset = worktrees.start(&root, &wanted).unwrap();
        let addition = Addition { id: outset.warm[0], start: outset.start, ..ground.addition("warm") };
        worktrees.add(&addition).unwrap();
        for file in emptied {
            ground.write_at(&ground.admin(addition.id).join(file), "");
        }
        assert_eq!(worktrees.settle_add(&addition).unwrap(), AddEnd::TakenBack, "{emptied:?}");
        assert!(!ground.folder(addition.id).exists() && !ground.admin(addition.id).exists(), "{emptied:?}");
        assert_eq!(ground.branches(), ["main"], "{emptied:?}");
    }
}

#[test]
fn a_complete_add_in_which_somebody_works_is_not_taken_back() {
    let ground = Ground::new();
    let (addition, _, folder) = ground.session("auth");
    ground.write_at(&folder.join("new.txt"), "work");
    git_in(&folder, ["switch", "-q", "-c", "other"]);
    ground.write_at(&ground.admin(addition.id).join("index.lock"), "");
    let end = ground.worktrees().settle_add(&addition).unwrap();
    assert_eq!(end, AddEnd::Complete);
    assert!(folder.join("new.txt").exists() && ground.admin(addition.id).join("index.lock").exists());
}

#[test]
fn an_add_that_ends_while_it_is_settled_is_complete() {
    let ground = Ground::new();
    let addition = ground.addition("auth");
    let settings = ground.shim("sleep 0.3; exec git \"$@\"", Duration::from_mins(1));
    thread::scope(|scope| {
        let adding = scope.spawn(|| ground.with(settings).add(&addition));
        let mark = ground.path(".git/wharf.busy");
        while !mark.exists() {
            thread::yield_now();
        }
        let end = ground.worktrees().settle_add(&addition).unwrap();
        assert_eq!(end, AddEnd::Complete);
        adding.join().unwrap().unwrap();
    });
    assert!(ground.folder(addition.id).join("kept.txt").exists());
}

#[test]
fn an_add_without_a_record_in_which_somebody_works_is_complete() {
    let ground = Ground::new();
    for (name, is_committed) in [("one", false), ("two", true)] {
        let (addition, _, folder) = ground.session(name);
        fs::remove_file(ground.admin(addition.id).join("session.json")).unwrap();
        ground.write_at(&folder.join("kept.txt"), "work");
        if is_committed {
            git_in(&folder, ["commit", "-q", "-a", "-m", "work"]);
        }
        let end = ground.worktrees().settle_add(&addition).unwrap();
        assert_eq!(end, AddEnd::Complete, "{name}");
        assert_eq!(fs::read_to_string(folder.join("kept.txt")).unwrap(), "work");
        assert_eq!(
            fs::read_to_string(ground.admin(addition.id).join("session.json")).unwrap(),
            addition.record
        );
    }
}
