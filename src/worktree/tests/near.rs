//! Which refs a create looks at, and which of them are in the way of a new branch.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::support::{Space, git, rename, write};
use crate::{
    session::RepositoryPath,
    worktree::{Start, Wanted, WorktreeError, near::Sought, refs},
};

fn decide(space: &Space, branch: &str, explicit: bool, from: Option<&str>) -> Result<Start, WorktreeError> {
    let wanted = Wanted { branch: branch.parse().unwrap(), explicit, from: from.map(str::to_owned) };
    space.worktrees.decide_start(&RepositoryPath::root(), &wanted)
}

/// What is in the way of a new branch; nothing for one that can be made.
fn in_the_way(space: &Space, branch: &str) -> Option<String> {
    match decide(space, branch, false, None) {
        Ok(start) => {
            assert!(start.branch_is_new);
            None
        }
        Err(WorktreeError::BranchExists { branch }) => Some(branch.to_string()),
        Err(WorktreeError::BranchInTheWay { other, .. }) => Some(format!("beside {other}")),
        other => panic!("{branch}: {other:?}"),
    }
}

fn candidates(outcome: Result<Start, WorktreeError>) -> Vec<String> {
    match outcome {
        Err(WorktreeError::Ambiguous { candidates, .. }) => candidates,
        other => panic!("{other:?}"),
    }
}

fn dot_git(space: &Space) -> PathBuf {
    space.root().join(".git")
}

/// The same refs in files of their own, all packed, and in both places.
fn kept_in_each_way(names: &[&str]) -> Vec<Space> {
    let ways: [&[&[&str]]; 3] = [&[], &[&["pack-refs", "--all"]], &[&["pack-refs", "--all", "--no-prune"]]];
    let space = |way: &[&[&str]]| {
        let space = Space::with_repository();
        for name in names {
            space.git(&["update-ref", name, "HEAD"]);
        }
        for args in way {
            space.git(args);
        }
        space
    };
    ways.into_iter().map(space).collect()
}

#[test]
fn a_branch_is_there_loose_or_packed() {
    for space in kept_in_each_way(&["refs/heads/topic", "refs/heads/deep/er/one"]) {
        for branch in ["topic", "deep/er/one"] {
            assert_eq!(in_the_way(&space, branch).as_deref(), Some(branch));
            assert!(!decide(&space, branch, true, None).unwrap().branch_is_new);
        }
        assert_eq!(in_the_way(&space, "topics"), None);
        assert_eq!(in_the_way(&space, "deep/er/on"), None);
        assert_eq!(in_the_way(&space, "deep/e"), None);
    }
}

#[test]
fn a_branch_is_in_the_way_of_one_that_needs_it_for_a_folder() {
    for space in kept_in_each_way(&["refs/heads/topic", "refs/heads/deep/er"]) {
        assert_eq!(in_the_way(&space, "topic/a").as_deref(), Some("beside topic"));
        assert_eq!(in_the_way(&space, "deep/er/a/b").as_deref(), Some("beside deep/er"));
    }
}

#[test]
fn the_first_branch_inside_is_in_the_way_at_any_depth() {
    for space in kept_in_each_way(&["refs/heads/deep/er/z", "refs/heads/deep/er/a/b"]) {
        assert_eq!(in_the_way(&space, "deep").as_deref(), Some("beside deep/er/a/b"));
        assert_eq!(in_the_way(&space, "deep/er").as_deref(), Some("beside deep/er/a/b"));
    }
}

#[test]
fn a_folder_without_a_ref_is_in_nobodys_way() {
    let space = Space::with_repository();
    let heads = dot_git(&space).join("refs/heads");
    fs::create_dir_all(heads.join("topic/deep/er")).unwrap();
    write(&heads.join("topic/deep/left.lock"), b"");
    write(&heads.join("topic/cut.lock/short"), b"");
    assert_eq!(in_the_way(&space, "topic"), None);
    assert_eq!(in_the_way(&space, "topic/deep"), None);
    assert_eq!(in_the_way(&space, "topic/deep/er/one"), None);
}

#[test]
fn another_case_is_in_the_way_where_the_repository_says_so() {
    for space in kept_in_each_way(&["refs/heads/Topic", "refs/heads/Deep/Er"]) {
        for (ignores_case, topic, below, above) in [
            ("false", None, None, None),
            ("true", Some("Topic"), Some("beside Topic"), Some("beside Deep/Er")),
        ] {
            space.git(&["config", "core.ignorecase", ignores_case]);
            assert_eq!(in_the_way(&space, "topic").as_deref(), topic);
            assert_eq!(in_the_way(&space, "TOPIC/x").as_deref(), below);
            assert_eq!(in_the_way(&space, "deep").as_deref(), above);
        }
    }
}

/// Then a branch would be made of a file that is another branch, and both would move together.
#[test]
fn another_case_is_in_the_way_where_a_path_leads_to_it() {
    for space in kept_in_each_way(&["refs/heads/Topic", "refs/heads/Deep/Er"]) {
        space.git(&["config", "core.ignorecase", "false"]);
        fs::create_dir_all(dot_git(&space).join("REFS")).unwrap();
        assert_eq!(in_the_way(&space, "topic").as_deref(), Some("Topic"));
        assert_eq!(in_the_way(&space, "TOPIC/x").as_deref(), Some("beside Topic"));
        assert_eq!(in_the_way(&space, "deep").as_deref(), Some("beside Deep/Er"));
    }
}

#[test]
fn a_remote_may_have_slashes_in_its_name() {
    let names =
        ["refs/remotes/my/fork/team/x", "refs/remotes/origin/team/x", "refs/remotes/other/deep/team/x"];
    for space in kept_in_each_way(&names) {
        assert_eq!(in_the_way(&space, "team/x").as_deref(), Some("team/x"));
        let only = decide(&space, "team/x", true, None).unwrap();
        assert_eq!(only.base.reference.as_deref(), Some("refs/remotes/origin/team/x"));
        space.git(&["remote", "add", "my/fork", "/nowhere"]);
        assert_eq!(
            candidates(decide(&space, "team/x", true, None)),
            ["--from my/fork/team/x", "--from origin/team/x"]
        );
        assert_eq!(
            candidates(decide(&space, "my/fork/team/x", true, None)),
            ["--branch team/x", "--from my/fork/team/x"]
        );
    }
}

#[test]
fn a_name_that_is_written_out_is_known_loose_or_packed() {
    for space in kept_in_each_way(&["refs/heads/topic", "refs/tags/v1", "refs/remotes/origin/x"]) {
        for (branch, meant) in [
            ("heads/topic", &["--branch topic"][..]),
            ("tags/v1", &["--from v1"]),
            ("remotes/origin/x", &["--branch x", "--from origin/x"]),
        ] {
            assert_eq!(candidates(decide(&space, branch, true, None)), meant);
        }
    }
}

#[test]
fn a_revision_may_mean_a_branch_a_tag_or_a_remote_branch() {
    for space in kept_in_each_way(&["refs/heads/a/b", "refs/tags/a/b", "refs/remotes/a/b"]) {
        assert_eq!(
            candidates(decide(&space, "feature/a", false, Some("a/b~0"))),
            ["--from refs/heads/a/b", "--from refs/tags/a/b", "--from refs/remotes/a/b"]
        );
    }
}

/// Whether it names a commit is found out by whoever wants one.
#[test]
fn a_damaged_branch_is_one_by_its_name() {
    let space = Space::with_repository();
    let heads = dot_git(&space).join("refs/heads");
    write(&heads.join("topic"), b"");
    write(&heads.join("deep/er"), b"garbage\n");
    assert_eq!(in_the_way(&space, "topic").as_deref(), Some("topic"));
    assert_eq!(in_the_way(&space, "topic/a").as_deref(), Some("beside topic"));
    assert_eq!(in_the_way(&space, "deep").as_deref(), Some("beside deep/er"));
}

#[test]
fn a_path_is_no_name() {
    let space = Space::with_repository();
    space.git(&["tag", "v1"]);
    write(&dot_git(&space).join("refs/heads/v1.lock"), b"");
    let near = |name: &str| {
        let sought = Sought { branch: "x".parse().unwrap(), exactly: vec![name.to_owned()] };
        refs::names_near(&dot_git(&space), &sought).unwrap().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(near("refs/tags/v1"), ["refs/tags/v1"]);
    for name in [
        "refs/heads/../tags/v1",
        "refs/tags/./v1",
        "refs/tags//v1",
        "refs/tags/v1/",
        "refs/heads/v1.lock",
        "HEAD",
        "../.git/HEAD",
    ] {
        assert!(near(name).is_empty(), "{name}");
    }
}

/// Then the answer is that of libgit2, which follows links.
#[test]
fn a_link_among_the_refs_is_not_decided_by_names() {
    let space = Space::with_repository();
    let heads = dot_git(&space).join("refs/heads");
    write(&space.outside().join("moved/a"), space.git(&["rev-parse", "HEAD"]).as_bytes());
    symlink(space.outside().join("moved"), heads.join("team")).unwrap();
    symlink("main", heads.join("link")).unwrap();
    for branch in ["link", "link/x", "team", "team/a", "team/a/x"] {
        let sought = Sought { branch: branch.parse().unwrap(), exactly: Vec::new() };
        assert!(refs::names_near(&dot_git(&space), &sought).is_none(), "{branch}");
    }
    assert_eq!(in_the_way(&space, "link").as_deref(), Some("link"));
}

/// Then the answer is that of libgit2 too.
#[test]
fn folders_that_are_too_deep_are_not_decided_by_names() {
    let space = Space::with_repository();
    let parts = |count: usize| vec!["a"; count].join("/");
    let near = |branch: String| {
        let sought = Sought { branch: branch.parse().unwrap(), exactly: Vec::new() };
        refs::names_near(&dot_git(&space), &sought).map(|names| names.len())
    };
    let heads = dot_git(&space).join("refs/heads");
    write(&heads.join(parts(65)), b"");
    assert_eq!((near(parts(1)), near(parts(65)), near(parts(67))), (Some(1), Some(1), Some(1)));
    fs::remove_file(heads.join(parts(65))).unwrap();
    write(&heads.join(parts(66)), b"");
    assert_eq!((near(parts(1)), near(parts(64)), near(parts(65)), near(parts(66))), (None, None, None, None));
}

#[test]
fn refs_that_are_no_files_are_not_looked_for_in_files() {
    let space = Space::with_repository();
    fs::create_dir(dot_git(&space).join("reftable")).unwrap();
    let sought = Sought { branch: "x".parse().unwrap(), exactly: Vec::new() };
    assert!(refs::names_near(&dot_git(&space), &sought).is_none());
}

/// Git writes the packed name first and removes the file then.
#[test]
fn a_branch_that_is_packed_at_that_moment_is_seen() {
    const BRANCHES: usize = 300;
    let space = Space::with_repository();
    let dot_git = dot_git(&space);
    let name = |number: usize| format!("refs/heads/topic/{number}");
    for number in 0..BRANCHES {
        write(&dot_git.join(name(number)), b"");
    }
    let packed = AtomicUsize::new(0);
    thread::scope(|scope| {
        let packing = scope.spawn(|| {
            let mut text = String::new();
            for number in 0..BRANCHES {
                writeln!(text, "{:040} {}", 0, name(number)).unwrap();
                write(&dot_git.join("packed-refs.new"), text.as_bytes());
                rename(&dot_git.join("packed-refs.new"), &dot_git.join("packed-refs"));
                fs::remove_file(dot_git.join(name(number))).unwrap();
                packed.store(number + 1, Ordering::Release);
            }
        });
        while !packing.is_finished() {
            let number = packed.load(Ordering::Acquire).min(BRANCHES - 1);
            let sought = Sought { branch: format!("topic/{number}").parse().unwrap(), exactly: Vec::new() };
            assert!(refs::names_near(&dot_git, &sought).unwrap().contains(&name(number)), "{number}");
        }
    });
}

/// A repository has thousands of branches, and a create has to do with one.
#[test]
fn what_lies_beside_is_not_looked_at() {
    let space = Space::with_repository();
    git(&space.root(), &["branch", "feature/a"]);
    let heads = dot_git(&space).join("refs/heads");
    symlink("main", heads.join("feature/link")).unwrap();
    symlink("nowhere", heads.join("beside")).unwrap();
    symlink("nowhere", dot_git(&space).join("refs/tags/link")).unwrap();
    assert!(refs::names(&dot_git(&space)).is_none(), "all of them cannot be read");
    let sought = Sought { branch: "feature/a/b".parse().unwrap(), exactly: vec!["refs/tags/v1".to_owned()] };
    let near = refs::names_near(&dot_git(&space), &sought).unwrap();
    assert_eq!(near.into_iter().collect::<Vec<_>>(), ["refs/heads/feature/a"]);
}
