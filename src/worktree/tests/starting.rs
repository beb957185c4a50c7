//! Which branch a create uses.

use super::support::{Space, commit_in, git, try_git, write};
use crate::{
    session::RepositoryPath,
    worktree::{Start, Wanted, WorktreeError},
};

fn decide(space: &Space, branch: &str, explicit: bool, from: Option<&str>) -> Result<Start, WorktreeError> {
    let wanted = Wanted { branch: branch.parse().unwrap(), explicit, from: from.map(str::to_owned) };
    space.worktrees.decide_start(&RepositoryPath::root(), &wanted)
}

fn by_hand(space: &Space, branch: &str, from: Option<&str>) -> Result<Start, WorktreeError> {
    decide(space, branch, true, from)
}

fn by_default(space: &Space, branch: &str, from: Option<&str>) -> Result<Start, WorktreeError> {
    decide(space, branch, false, from)
}

fn candidates(outcome: Result<Start, WorktreeError>) -> Vec<String> {
    match outcome {
        Err(WorktreeError::Ambiguous { candidates, .. }) => candidates,
        other => panic!("{other:?}"),
    }
}

fn in_the_way(outcome: Result<Start, WorktreeError>) -> String {
    match outcome {
        Err(WorktreeError::BranchExists { branch }) => branch.to_string(),
        Err(WorktreeError::BranchInTheWay { other, .. }) => format!("beside {other}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_branch_begins_at_head() {
    for space in Space::both() {
        let head = space.git(&["rev-parse", "HEAD"]);
        for outcome in [by_default(&space, "feature/a", None), by_hand(&space, "a", None)] {
            let start = outcome.unwrap();
            assert!(start.branch_is_new);
            assert_eq!(start.base.commit.as_str(), head);
            assert_eq!(start.base.reference.as_deref(), Some("refs/heads/main"));
        }
        space.git(&["checkout", "-q", "--detach"]);
        assert_eq!(by_hand(&space, "a", None).unwrap().base.reference, None);
    }
}

#[test]
fn a_new_branch_begins_where_it_is_told() {
    for space in Space::both() {
        let first = space.git(&["rev-parse", "HEAD"]);
        space.git(&["tag", "-a", "-m", "one", "v1"]);
        space.git(&["update-ref", "refs/remotes/origin/x", "HEAD"]);
        commit_in(&space.root(), "second");
        for (from, reference) in [
            ("v1", Some("refs/tags/v1")),
            ("HEAD~1", None),
            ("main^", None),
            (first.as_str(), None),
            (&first[..10], None),
            ("origin/x", Some("refs/remotes/origin/x")),
            ("refs/remotes/origin/x", Some("refs/remotes/origin/x")),
        ] {
            let start = by_default(&space, "feature/a", Some(from)).unwrap();
            assert_eq!(start.base.commit.as_str(), first, "{from}");
            assert_eq!(start.base.reference.as_deref(), reference, "{from}");
        }
    }
}

#[test]
fn an_existing_branch_is_used_when_it_was_named() {
    for space in Space::both() {
        space.git(&["branch", "old"]);
        let start = by_hand(&space, "old", None).unwrap();
        assert!(!start.branch_is_new);
        assert_eq!(start.base.commit.as_str(), space.git(&["rev-parse", "old"]));
        assert!(matches!(by_hand(&space, "old", Some("main")), Err(WorktreeError::BranchHasBase { .. })));
        assert_eq!(in_the_way(by_default(&space, "old", None)), "old");
    }
}

#[test]
fn a_branch_that_is_checked_out_is_in_use() {
    for space in Space::both() {
        let id = space.session(1);
        for (branch, place) in [("main", space.root()), ("feature/1", space.path(id))] {
            match by_hand(&space, branch, None) {
                Err(WorktreeError::BranchInUse { path, .. }) => assert_eq!(path, place),
                other => panic!("{branch}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_branch_that_is_rebased_or_bisected_is_in_use() {
    for space in Space::both() {
        let id = space.session(1);
        let path = space.path(id);
        commit_in(&path, "mine");
        git(&path, &["branch", "stacked", "HEAD"]);
        commit_in(&path, "more");
        commit_in(&space.root(), "theirs");
        assert!(!try_git(&path, &["rebase", "--update-refs", "main"]).status.success());
        for branch in ["feature/1", "stacked"] {
            let outcome = by_hand(&space, branch, None);
            assert!(matches!(outcome, Err(WorktreeError::BranchInUse { .. })), "{branch}: {outcome:?}");
        }
        git(&path, &["rebase", "--abort"]);
        assert!(by_hand(&space, "stacked", None).is_ok());
        git(&path, &["bisect", "start", "HEAD", "HEAD~1"]);
        git(&path, &["checkout", "-q", "--detach"]);
        assert!(matches!(by_hand(&space, "feature/1", None), Err(WorktreeError::BranchInUse { .. })));
    }
}

#[test]
fn the_head_of_a_bare_repository_holds_no_branch() {
    let space = Space::with_repository();
    space.git(&["config", "core.bare", "true"]);
    assert!(by_hand(&space, "main", None).is_ok());
}

#[test]
fn a_branch_of_one_remote_becomes_a_local_one() {
    for space in Space::both() {
        space.git(&["update-ref", "refs/remotes/origin/team/x", "HEAD"]);
        let start = by_hand(&space, "team/x", None).unwrap();
        assert!(start.branch_is_new);
        assert_eq!(start.base.reference.as_deref(), Some("refs/remotes/origin/team/x"));
        assert_eq!(in_the_way(by_default(&space, "team/x", None)), "team/x");
        assert!(by_hand(&space, "x", None).unwrap().base.reference.as_deref() == Some("refs/heads/main"));
        space.git(&["remote", "add", "my/fork", "/nowhere"]);
        space.git(&["update-ref", "refs/remotes/my/fork/team/x", "HEAD"]);
        assert_eq!(
            candidates(by_hand(&space, "team/x", None)),
            ["--from my/fork/team/x", "--from origin/team/x"]
        );
        let start = by_hand(&space, "team/x", Some("my/fork/team/x")).unwrap();
        assert_eq!(start.base.reference.as_deref(), Some("refs/remotes/my/fork/team/x"));
    }
}

#[test]
fn the_name_of_a_remote_branch_is_ambiguous() {
    for space in Space::both() {
        space.git(&["update-ref", "refs/remotes/origin/x", "HEAD"]);
        assert_eq!(candidates(by_hand(&space, "origin/x", None)), ["--branch x", "--from origin/x"]);
    }
}

#[test]
fn a_branch_that_is_a_folder_of_another_is_refused() {
    for space in Space::both() {
        space.git(&["branch", "feature"]);
        space.git(&["branch", "topic/x/y"]);
        assert_eq!(in_the_way(by_default(&space, "feature/a", None)), "beside feature");
        assert_eq!(in_the_way(by_hand(&space, "feature/a/b", None)), "beside feature");
        assert_eq!(in_the_way(by_hand(&space, "topic/x", None)), "beside topic/x/y");
        assert!(by_hand(&space, "topic/x/z", None).is_ok());
        assert!(by_hand(&space, "features", None).is_ok());
    }
}

#[test]
fn case_makes_a_difference_only_where_the_repository_says_so() {
    for space in Space::both() {
        space.git(&["branch", "Topic"]);
        space.git(&["config", "core.ignorecase", "false"]);
        assert!(by_hand(&space, "topic", None).is_ok());
        space.git(&["config", "core.ignorecase", "true"]);
        assert_eq!(in_the_way(by_hand(&space, "topic", None)), "Topic");
        assert_eq!(in_the_way(by_hand(&space, "TOPIC/x", None)), "beside Topic");
    }
}

#[test]
fn a_revision_that_names_a_tag_and_a_branch_is_ambiguous() {
    for space in Space::both() {
        space.git(&["branch", "v1"]);
        space.git(&["tag", "v1"]);
        for from in ["v1", "v1~0", "v1^{commit}"] {
            assert_eq!(
                candidates(by_default(&space, "feature/a", Some(from))),
                ["--from refs/heads/v1", "--from refs/tags/v1"]
            );
        }
        assert!(by_default(&space, "feature/a", Some("refs/tags/v1")).is_ok());
    }
}

#[test]
fn an_unknown_revision_is_refused_with_what_it_might_be() {
    for space in Space::both() {
        space.git(&["update-ref", "refs/remotes/origin/x", "HEAD"]);
        space.git(&["branch", "Topic"]);
        space.git(&["tag", "blob", "HEAD:file.txt"]);
        for (from, near) in [
            ("x", vec!["origin/x"]),
            ("topic", vec!["Topic"]),
            ("nothing", vec![]),
            ("--all", vec![]),
            ("-x", vec![]),
            ("", vec![]),
            ("main..HEAD", vec![]),
            ("main\n", vec![]),
            ("blob", vec!["blob"]),
        ] {
            match by_default(&space, "feature/a", Some(from)) {
                Err(WorktreeError::UnknownRevision { candidates, .. }) => {
                    assert_eq!(candidates, near, "{from}");
                }
                other => panic!("{from}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_repository_without_a_commit_is_unborn() {
    for space in Space::both() {
        space.git(&["symbolic-ref", "HEAD", "refs/heads/fresh"]);
        assert!(matches!(by_default(&space, "feature/a", None), Err(WorktreeError::Unborn { .. })));
        assert!(matches!(
            by_default(&space, "feature/a", Some("fresh")),
            Err(WorktreeError::UnknownRevision { .. })
        ));
    }
}

#[test]
fn a_damaged_head_is_not_taken_for_an_empty_repository() {
    for (file, bytes) in [("refs/heads/main", &b""[..]), ("HEAD", b"garbage\n"), ("HEAD", b"")] {
        let space = Space::with_repository();
        write(&space.root().join(".git").join(file), bytes);
        let refused = by_default(&space, "feature/a", None);
        assert!(matches!(refused, Err(WorktreeError::UnknownRevision { .. })), "{file}: {refused:?}");
    }
}

#[test]
fn the_names_of_all_refs_are_those_that_git_lists() {
    for space in Space::both() {
        let root = space.root();
        for args in [
            &["branch", "topic/packed"][..],
            &["tag", "-a", "-m", "tag", "v1"],
            &["update-ref", "refs/remotes/origin/main", "HEAD"],
            &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"],
            &["update-ref", "refs/wharf/trash/x", "HEAD"],
            &["pack-refs", "--all"],
            &["branch", "topic/deep/er"],
            &["branch", "other"],
            &["tag", "light"],
            &["branch", "-D", "other"],
        ] {
            git(&root, args);
        }
        if root.join(".git/refs/heads").is_dir() {
            write(&root.join(".git/refs/heads/topic/left.lock"), b"");
        }
        let listed =
            git(&root, &["for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes", "refs/tags"]);
        let handle = space.worktrees.open(&root).unwrap();
        let names: Vec<String> = space.worktrees.references(&handle).unwrap().into_iter().collect();
        assert_eq!(names, listed.lines().collect::<Vec<_>>());
    }
}
