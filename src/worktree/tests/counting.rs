//! What a worktree's changes are counted as, by libgit2 and by git alike.

use std::{fs, thread};

use git2::Repository;

use super::support::{Space, checkout, commit_in, git, id, remove, try_git, write};
use crate::{
    session::Base,
    worktree::{Changes, Checkout},
};

fn changes(space: &Space) -> Changes {
    space.changes(&checkout(1)).unwrap()
}

fn files(space: &Space) -> (usize, usize) {
    let changes = changes(space);
    (changes.modified, changes.untracked)
}

/// Three changed tracked files, one of them staged, and two things git does not know.
fn make_changes(space: &Space) {
    let path = space.path(id(1));
    for name in ["a", "b", "c"] {
        write(&path.join(name), b"one");
    }
    write(&path.join(".gitignore"), b"*.log\n");
    git(&path, &["add", "."]);
    git(&path, &["commit", "-q", "-m", "files"]);
    write(&path.join("a"), b"two");
    fs::remove_file(path.join("b")).unwrap();
    git(&path, &["mv", "c", "d"]);
    write(&path.join("new"), b"");
    write(&path.join("folder/x"), b"");
    write(&path.join("folder/y"), b"");
    write(&path.join("ignored.log"), b"");
}

#[test]
fn a_new_worktree_has_no_changes() {
    let space = Space::with_repository();
    space.session(1);
    assert_eq!(changes(&space), Changes::default());
}

#[test]
fn changes_are_counted_alike_whoever_is_asked() {
    let unusual: [&[&str]; 4] = [
        &["update-index", "--split-index"],
        &["update-index", "--index-version", "4"],
        &["config", "core.untrackedCache", "true"],
        &["config", "index.skipHash", "true"],
    ];
    for setup in unusual {
        let space = Space::with_repository();
        let id = space.session(1);
        make_changes(&space);
        git(&space.path(id), setup);
        // It fails because there are changes, and writes the index all the same.
        try_git(&space.path(id), &["update-index", "-q", "--refresh", "--force-write-index"]);
        // A rename is one file gone and one new.
        assert_eq!(files(&space), (4, 2), "{setup:?}");
    }
    for space in Space::beyond_libgit2() {
        space.session(1);
        make_changes(&space);
        assert_eq!(files(&space), (4, 2));
    }
}

#[test]
fn what_only_the_index_has_is_counted() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    for name in ["a", "b"] {
        write(&path.join(name), b"one");
    }
    git(&path, &["add", "."]);
    assert_eq!(files(&space), (2, 0), "new ones");
    git(&path, &["commit", "-q", "-m", "files"]);
    assert_eq!(files(&space), (0, 0));
    // The index is a tree again, and not that of HEAD.
    git(&path, &["reset", "-q", "--soft", "HEAD~1"]);
    assert_eq!(files(&space), (2, 0), "those of another commit");
    git(&path, &["reset", "-q", "--soft", "ORIG_HEAD"]);
    write(&path.join("a"), b"two");
    git(&path, &["add", "a"]);
    write(&path.join("a"), b"one");
    assert_eq!(files(&space), (1, 0), "staged, and changed back in the worktree alone");
    git(&path, &["rm", "-q", "--cached", "-f", "b"]);
    assert_eq!(files(&space), (2, 1), "taken out of the index alone");
}

#[test]
fn a_split_index_is_really_beyond_libgit2() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    git(&path, &["update-index", "--split-index"]);
    assert!(Repository::open(&path).unwrap().statuses(None).is_err());
}

#[test]
fn files_left_out_by_a_sparse_checkout_are_no_changes() {
    for sparse_index in ["--sparse-index", "--no-sparse-index"] {
        let space = Space::with_repository();
        let path = space.path(space.session(1));
        write(&path.join("in/x"), b"x");
        write(&path.join("out/y"), b"y");
        git(&path, &["add", "."]);
        git(&path, &["commit", "-q", "-m", "two folders"]);
        git(&path, &["sparse-checkout", "set", "--cone", sparse_index, "in"]);
        assert!(!path.join("out").exists());
        assert_eq!(files(&space), (0, 0), "{sparse_index}");
        write(&path.join("in/x"), b"longer");
        assert_eq!(files(&space), (1, 0), "{sparse_index}");
    }
}

#[test]
fn a_file_behind_a_filter_is_compared_by_git() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    write(&path.join(".gitattributes"), b"*.up filter=up\n");
    git(&path, &["config", "filter.up.clean", "tr a-z A-Z"]);
    write(&path.join("x.up"), b"text");
    git(&path, &["add", "."]);
    git(&path, &["commit", "-q", "-m", "filtered"]);
    write(&path.join("x.up"), b"Text");
    assert_eq!(files(&space), (0, 0));
    write(&path.join("x.up"), b"more");
    assert_eq!(files(&space), (1, 0));
}

#[test]
fn a_conflict_is_a_change() {
    let space = Space::with_repository();
    let path = space.path(space.session(1));
    commit_in(&path, "mine");
    commit_in(&space.root(), "theirs");
    try_git(&path, &["merge", "main"]);
    assert_eq!(files(&space), (1, 0));
}

#[test]
fn ahead_and_behind_prefer_upstream_then_base_ref_then_commit() {
    for space in Space::both() {
        let path = space.path(space.session(1));
        let commit = space.git(&["rev-parse", "main"]);
        commit_in(&path, "mine");
        commit_in(&space.root(), "theirs");
        space.git(&["branch", "base"]);
        commit_in(&space.root(), "theirs again");
        let distance = |base| {
            let checkout = Checkout { base, ..checkout(1) };
            let changes = space.changes(&checkout).unwrap();
            (changes.ahead, changes.behind)
        };
        let base = |reference: Option<&str>, commit: &str| {
            Some(Base { commit: commit.parse().unwrap(), reference: reference.map(str::to_owned) })
        };
        assert_eq!(distance(None), (None, None));
        assert_eq!(distance(base(None, &commit)), (Some(1), Some(0)));
        assert_eq!(distance(base(Some("refs/heads/base"), &commit)), (Some(1), Some(1)));
        assert_eq!(distance(base(Some("refs/heads/gone"), &commit)), (Some(1), Some(0)));
        assert_eq!(distance(base(None, &"1".repeat(40))), (None, None));
        space.git(&["branch", "-q", "--set-upstream-to=main", "feature/1"]);
        assert_eq!(distance(base(Some("refs/heads/base"), &commit)), (Some(1), Some(2)));
        git(&path, &["checkout", "-q", "--detach"]);
        assert_eq!(distance(base(Some("refs/heads/base"), &commit)), (Some(1), Some(1)));
    }
}

#[test]
fn a_worktree_that_is_not_there_has_no_changes_to_count() {
    let space = Space::with_repository();
    let id = space.session(1);
    remove(&space.path(id));
    assert_eq!(space.changes(&checkout(1)), None);
}

#[test]
fn changes_can_be_counted_by_several_threads() {
    let space = Space::with_repository();
    let ids: Vec<u8> = (1..=4).collect();
    for number in &ids {
        let id = space.session(*number);
        write(&space.path(id).join("new"), b"");
    }
    thread::scope(|scope| {
        let counting = ids.iter().map(|number| {
            let checkout = checkout(*number);
            scope.spawn(|| {
                let checkout = checkout;
                space.changes(&checkout).unwrap().untracked
            })
        });
        let counting: Vec<_> = counting.collect();
        assert!(counting.into_iter().all(|counted| counted.join().unwrap() == 1));
    });
}
