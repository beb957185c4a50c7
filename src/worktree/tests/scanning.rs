//! What a scan finds and what it leaves alone.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::support::{Space, commit_in, git, id, remove, rename, worktrees_at, write};
use crate::{
    session::RepositoryPath,
    worktree::{Found, GitSettings, Scan, WorktreeState},
};

fn scan(space: &Space) -> Scan {
    space.worktrees.scan_all(&[]).unwrap()
}

fn only(space: &Space) -> Found {
    let mut scan = scan(space);
    assert_eq!(scan.found.len(), 1, "{scan:?}");
    scan.found.remove(0)
}

fn left_alone(space: &Space) -> Vec<String> {
    let scan = scan(space);
    assert_eq!(scan.found, []);
    scan.left_alone
        .iter()
        .map(|left| {
            let path = left.path.strip_prefix(space.root()).unwrap();
            format!("{}: {}", path.display(), left.because)
        })
        .collect()
}

#[test]
fn an_empty_workspace_has_nothing() {
    assert_eq!(scan(&Space::empty()), Scan::default());
    assert_eq!(scan(&Space::with_repository()), Scan::default());
}

#[test]
fn a_session_is_found_with_all_that_is_remembered() {
    let space = Space::with_repository();
    let id = space.session(1);
    let found = only(&space);
    assert_eq!(found.worktree, space.inspect(id));
    assert_eq!(found.repository, RepositoryPath::root());
    assert_eq!(found.name.unwrap().as_str(), "s1");
    assert_eq!(found.record.as_deref(), Some(r#"{"name":"s1"}"#));
    assert!(found.created.unix_millis() > 1_763_980_200_000);
}

#[test]
fn every_source_alone_is_enough() {
    let without = |what: fn(&Space)| {
        let space = Space::with_repository();
        space.session(1);
        what(&space);
        only(&space).worktree.state
    };
    assert_eq!(without(|space| remove(&space.path(id(1)))), WorktreeState::Missing);
    assert_eq!(without(|space| remove(&space.admin(id(1)))), WorktreeState::Unregistered);
    let emptied = |space: &Space| write(&space.admin(id(1)).join("gitdir"), b"");
    assert_eq!(without(emptied), WorktreeState::Emptied);
    let emptied_and_missing = |space: &Space| {
        write(&space.admin(id(1)).join("gitdir"), b"");
        remove(&space.path(id(1)));
    };
    assert_eq!(without(emptied_and_missing), WorktreeState::Missing);
    let unreadable = |space: &Space| fs::remove_file(space.path(id(1)).join(".git")).unwrap();
    assert_eq!(without(unreadable), WorktreeState::Unlinked);
}

#[test]
fn a_missing_git_command_loses_nothing() {
    let space = Space::with_repository();
    space.session(1);
    let settings = GitSettings { program: "/nowhere/git".to_owned(), ..GitSettings::default() };
    let without_git = worktrees_at(&space.root(), settings);
    let blind = without_git.scan_all(&[]).unwrap();
    assert_eq!(blind.found, scan(&space).found);
    assert_eq!(blind.unreadable.len(), 1, "and it is told");
}

#[test]
fn a_moved_workspace_is_found_unlinked() {
    let space = Space::with_repository();
    space.session(1);
    space.session(2);
    remove(&space.path(id(2)));
    let moved = space.outside().join("moved");
    rename(&space.root(), &moved);
    let worktrees = worktrees_at(&moved, GitSettings::default());
    let found = worktrees.scan_all(&[]).unwrap().found;
    let states: Vec<_> = found.iter().map(|found| found.worktree.state).collect();
    assert_eq!(states, [WorktreeState::Unlinked, WorktreeState::Missing]);
    assert_eq!(found[0].name.as_ref().unwrap().as_str(), "s1");
}

#[test]
fn a_session_that_was_moved_away_is_not_lost() {
    let space = Space::with_repository();
    let id = space.session(1);
    let away = space.outside().join("away").display().to_string();
    space.git(&["worktree", "move", "-f", "-f", &space.path(id).display().to_string(), &away]);
    let found = only(&space);
    assert_eq!((found.worktree.id, found.worktree.state), (id, WorktreeState::Unlinked));
}

#[test]
fn a_copy_of_a_workspace_does_not_take_the_original() {
    let space = Space::with_repository();
    let id = space.session(1);
    let copy = space.outside().join("copy");
    copy_folder(&space.root(), &copy);
    let worktrees = worktrees_at(&copy, GitSettings::default());
    let found = worktrees.scan_all(&[]).unwrap().found;
    assert_eq!(found[0].worktree.id, id);
    assert_eq!(found[0].worktree.state, WorktreeState::Foreign);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let space = Space::with_repository();
    let worktrees = space.root().join(".worktrees");
    for folder in [".trash/x", ".damaged/y", "notes"] {
        fs::create_dir_all(worktrees.join(folder)).unwrap();
    }
    write(&worktrees.join("file"), b"");
    write(&worktrees.join(id(1).to_string()).join("lost.txt"), b"");
    symlink("/", worktrees.join(id(2).to_string())).unwrap();
    git(&space.root(), &["init", "-q", &format!(".worktrees/{}", id(3))]);
    space.git(&["worktree", "add", "-q", ".worktrees/by-hand"]);
    space.git(&["worktree", "add", "-q", "beside"]);
    let outside = space.outside().join("other");
    git(&space.outside(), &["init", "-q", "other"]);
    commit_in(&outside, "x");
    let theirs = space.path(id(4)).display().to_string();
    git(&outside, &["worktree", "add", "-q", "-b", "y", &theirs]);
    let mut expected = vec![
        format!(".worktrees/{}: nothing says which repository it belongs to", id(1)),
        format!(".worktrees/{}: it is no folder", id(2)),
        format!(".worktrees/{}: it is a repository of its own", id(3)),
        format!(".worktrees/{}: it belongs to a repository outside the workspace", id(4)),
        ".worktrees/by-hand: its name is no session id".to_owned(),
        ".worktrees/file: its name is no session id".to_owned(),
        ".worktrees/notes: its name is no session id".to_owned(),
    ];
    expected.sort();
    assert_eq!(left_alone(&space), expected);
}

#[test]
fn a_worktree_inside_a_session_is_left_alone() {
    let space = Space::with_repository();
    let id = space.session(1);
    space.git(&["worktree", "add", "-q", &space.path(id).join("inner").display().to_string()]);
    let scan = scan(&space);
    assert_eq!(scan.found.len(), 1);
    assert_eq!(scan.left_alone[0].path, space.path(id).join("inner"));
}

#[test]
fn sessions_of_several_repositories_are_told_apart() {
    let space = Space::empty();
    for (name, number) in [("one", 1), ("team/two", 2), (".hidden", 3), ("far/far/away", 4)] {
        let folder = space.root().join(name);
        fs::create_dir_all(&folder).unwrap();
        git(&folder, &["init", "-q", "-b", "main"]);
        commit_in(&folder, "x");
        let path = space.path(id(number)).display().to_string();
        git(&folder, &["worktree", "add", "-q", "-b", "session", &path]);
    }
    remove(&space.path(id(4)));
    let names =
        |scan: Scan| -> Vec<String> { scan.found.iter().map(|found| found.repository.to_string()).collect() };
    assert_eq!(names(scan(&space)), ["one", "team/two", ".hidden"]);
    let known = ["far/far/away".parse().unwrap(), "never/there".parse().unwrap()];
    let all = space.worktrees.scan_all(&known).unwrap();
    assert_eq!(names(all), ["one", "team/two", ".hidden", "far/far/away"]);
}

#[test]
fn a_file_in_the_place_of_worktrees_is_refused() {
    let space = Space::with_repository();
    write(&space.root().join(".worktrees"), b"");
    assert!(space.worktrees.scan_all(&[]).is_err());
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
