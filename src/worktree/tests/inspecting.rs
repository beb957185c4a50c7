//! In which condition worktrees are found.

use std::{fs, os::unix::fs::symlink};

use super::support::{Space, commit_in, git, id, remove, rename, try_git, worktrees_at, write};
use crate::{
    session::{BranchName, RepositoryPath},
    worktree::{GitSettings, Operation, WorktreeError, WorktreeLock, WorktreeState},
};

#[test]
fn a_new_worktree_is_present() {
    let space = Space::with_repository();
    let id = space.session(1);
    let worktree = space.inspect(id);
    assert_eq!(worktree.state, WorktreeState::Present);
    assert_eq!(worktree.branch.unwrap().as_str(), "feature/1");
    assert_eq!(worktree.head.unwrap().as_str(), space.git(&["rev-parse", "main"]));
    assert_eq!(worktree.lock, WorktreeLock::Ours);
    assert_eq!(worktree.operation, None);
}

#[test]
fn a_packed_branch_still_has_its_commit() {
    let space = Space::with_repository();
    let id = space.session(1);
    space.git(&["pack-refs", "--all"]);
    let head = space.inspect(id).head.unwrap();
    assert_eq!(head.as_str(), space.git(&["rev-parse", "main"]));
}

#[test]
fn relative_pointers_are_understood() {
    let space = Space::with_repository();
    let id = space.session(1);
    write(&space.path(id).join(".git"), format!("gitdir: ../../.git/worktrees/{id}\n").as_bytes());
    write(&space.admin(id).join("gitdir"), format!("../../../.worktrees/{id}/.git\n").as_bytes());
    assert_eq!(space.state(id), WorktreeState::Present);
}

#[test]
fn nothing_is_gone_and_a_deleted_folder_is_missing() {
    let space = Space::with_repository();
    assert_eq!(space.state(id(9)), WorktreeState::Gone);
    let id = space.session(1);
    remove(&space.path(id));
    let worktree = space.inspect(id);
    assert_eq!(worktree.state, WorktreeState::Missing);
    assert_eq!(worktree.branch.unwrap().as_str(), "feature/1");
}

#[test]
fn a_worktree_without_administrative_files_is_unregistered() {
    let space = Space::with_repository();
    let id = space.session(1);
    remove(&space.admin(id));
    assert_eq!(space.state(id), WorktreeState::Unregistered);
}

#[test]
fn every_damage_to_every_file_is_a_state() {
    use WorktreeState::{Emptied, Present, Unlinked, Unregistered};
    let cases = [
        (".git", [Emptied, Unlinked, Emptied, Unlinked]),
        ("gitdir", [Emptied, Unlinked, Emptied, Unlinked]),
        ("commondir", [Emptied, Unregistered, Emptied, Unregistered]),
        ("HEAD", [Emptied, Unregistered, Emptied, Unregistered]),
        ("index", [Emptied; 4]),
        ("session.json", [Present; 4]),
        ("ORIG_HEAD", [Present; 4]),
    ];
    for (file, expected) in cases {
        let damages = [Some(&b""[..]), None, Some(&[0; 40][..]), Some(&b"\xff garbage\n"[..])];
        for (damage, expected) in damages.into_iter().zip(expected) {
            let space = Space::with_repository();
            let id = space.session(1);
            let path = match file {
                ".git" => space.path(id).join(file),
                _ => space.admin(id).join(file),
            };
            match damage {
                Some(bytes) => write(&path, bytes),
                None => drop(fs::remove_file(&path)),
            }
            assert_eq!(space.state(id), expected, "{file} became {damage:?}");
        }
    }
}

#[test]
fn a_damaged_lock_is_somebodys_lock() {
    let space = Space::with_repository();
    let id = space.session(1);
    for (bytes, reason) in
        [(&b""[..], ""), (&[0; 8], ""), (b"{\"wharf\":1", "{\"wharf\":1"), (b"usb disk\n", "usb disk")]
    {
        write(&space.admin(id).join("locked"), bytes);
        assert_eq!(space.inspect(id).lock, WorktreeLock::Foreign(reason.to_owned()));
    }
    let other = format!(r#"{{"wharf":"1.0","id":"{}","name":"x"}}"#, super::support::id(2));
    write(&space.admin(id).join("locked"), other.as_bytes());
    assert_eq!(space.inspect(id).lock, WorktreeLock::Foreign(other));
    fs::remove_file(space.admin(id).join("locked")).unwrap();
    assert_eq!(space.inspect(id).lock, WorktreeLock::None);
}

#[test]
fn a_pointer_to_a_victim_makes_it_unlinked() {
    let space = Space::with_repository();
    let id = space.session(1);
    let victim = space.outside().join("victim");
    write(&victim.join(".git"), b"precious");
    write(&space.admin(id).join("gitdir"), victim.join(".git").as_os_str().as_encoded_bytes());
    assert_eq!(space.state(id), WorktreeState::Unlinked);
    remove(&space.path(id));
    assert_eq!(space.state(id), WorktreeState::Unlinked);
}

#[test]
fn a_copy_of_another_session_is_not_that_session() {
    let space = Space::with_repository();
    let one = space.session(1);
    let copy = id(2);
    write(&space.path(copy).join(".git"), &fs::read(space.path(one).join(".git")).unwrap());
    let worktree = space.inspect(copy);
    assert_eq!(worktree.state, WorktreeState::Unregistered);
    assert_eq!(worktree.lock, WorktreeLock::None);
}

#[test]
fn something_else_in_the_place_is_foreign() {
    let space = Space::with_repository();
    let id = space.session(1);
    let path = space.path(id);
    let elsewhere = space.outside().join("elsewhere");
    rename(&path, &elsewhere);
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(space.state(id), WorktreeState::Foreign);
    fs::remove_file(&path).unwrap();
    write(&path, b"a file");
    assert_eq!(space.state(id), WorktreeState::Foreign);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    git(&path, &["init", "-q"]);
    assert_eq!(space.state(id), WorktreeState::Foreign);
    remove(&path);
    git(&space.outside(), &["init", "-q", "other"]);
    commit_in(&space.outside().join("other"), "x");
    git(&space.outside().join("other"), &["worktree", "add", "-q", "-b", "y", &path.display().to_string()]);
    assert_eq!(space.state(id), WorktreeState::Foreign);
}

#[test]
fn a_moved_repository_leaves_its_worktree_unlinked() {
    let space = Space::with_repository();
    let id = space.session(1);
    write(&space.path(id).join(".git"), format!("gitdir: /nowhere/.git/worktrees/{id}\n").as_bytes());
    assert_eq!(space.state(id), WorktreeState::Unlinked);
}

#[test]
fn operations_are_seen_and_the_branch_they_come_back_to() {
    let space = Space::with_repository();
    let id = space.session(1);
    let path = space.path(id);
    commit_in(&path, "mine");
    commit_in(&space.root(), "theirs");
    let seen = |expected, branch: Option<&str>| {
        let worktree = space.inspect(id);
        assert_eq!(worktree.operation, Some(expected));
        assert_eq!(worktree.branch.as_ref().map(BranchName::as_str), branch);
    };
    for backend in ["--merge", "--apply"] {
        assert!(!try_git(&path, &["rebase", backend, "main"]).status.success());
        seen(Operation::Rebase, Some("feature/1"));
        git(&path, &["rebase", "--abort"]);
    }
    assert!(!try_git(&path, &["merge", "main"]).status.success());
    seen(Operation::Merge, Some("feature/1"));
    git(&path, &["merge", "--abort"]);
    assert!(!try_git(&path, &["cherry-pick", "main"]).status.success());
    seen(Operation::CherryPick, Some("feature/1"));
    git(&path, &["cherry-pick", "--abort"]);
    assert!(!try_git(&path, &["revert", "--no-edit", "HEAD~1"]).status.success());
    seen(Operation::Revert, Some("feature/1"));
    git(&path, &["revert", "--abort"]);
    git(&path, &["bisect", "start", "HEAD", "HEAD~1"]);
    git(&path, &["checkout", "-q", "HEAD~1"]);
    seen(Operation::Bisect, Some("feature/1"));
    git(&path, &["bisect", "reset"]);
    assert_eq!(space.inspect(id).operation, None);
    let mailbox = space.outside().join("a.patch");
    write(&mailbox, git(&space.root(), &["format-patch", "-1", "--stdout"]).as_bytes());
    assert!(!try_git(&path, &["am", &mailbox.display().to_string()]).status.success());
    seen(Operation::ApplyMailbox, Some("feature/1"));
}

#[test]
fn a_detached_worktree_is_on_no_branch() {
    let space = Space::with_repository();
    let id = space.session(1);
    git(&space.path(id), &["checkout", "-q", "--detach"]);
    let worktree = space.inspect(id);
    assert_eq!((worktree.state, worktree.branch), (WorktreeState::Present, None));
    assert!(worktree.head.is_some());
}

#[test]
fn a_linked_folder_of_worktrees_is_refused() {
    let space = Space::with_repository();
    let id = space.session(1);
    let worktrees = space.root().join(".worktrees");
    rename(&worktrees, &space.outside().join("w"));
    symlink(space.outside().join("w"), &worktrees).unwrap();
    let inspected = space.worktrees.inspect_one(id, &RepositoryPath::root());
    assert!(matches!(inspected, Err(WorktreeError::UnsafePath { .. })));
    assert!(matches!(space.worktrees.scan_all(&[]), Err(WorktreeError::UnsafePath { .. })));
}

#[test]
fn refs_that_are_no_files_are_asked_for() {
    for space in Space::beyond_libgit2() {
        let id = space.session(1);
        let worktree = space.inspect(id);
        assert_eq!(worktree.state, WorktreeState::Present);
        assert_eq!(worktree.branch.unwrap().as_str(), "feature/1");
        assert_eq!(worktree.head.unwrap().as_str(), space.git(&["rev-parse", "main"]));
    }
}

#[test]
fn a_linked_folder_of_administrative_folders_is_not_followed() {
    let space = Space::with_repository();
    let id = space.session(1);
    let admins = space.root().join(".git/worktrees");
    rename(&admins, &space.outside().join("admins"));
    symlink(space.outside().join("admins"), &admins).unwrap();
    assert_eq!(space.state(id), WorktreeState::Unregistered);
}

#[test]
fn a_workspace_behind_a_link_works_with_relative_pointers() {
    let space = Space::with_repository();
    let id = space.session(1);
    let deep = space.outside().join("deep/er/down");
    fs::create_dir_all(&deep).unwrap();
    symlink(space.root(), deep.join("link")).unwrap();
    let worktrees = worktrees_at(&deep.join("link"), GitSettings::default());
    let inspected = || worktrees.inspect_one(id, &RepositoryPath::root()).unwrap();
    assert_eq!(inspected().state, WorktreeState::Present);
    write(
        &space.path(id).join(".git"),
        format!("gitdir: ../../../workspace/.git/worktrees/{id}\n").as_bytes(),
    );
    assert_eq!(inspected().state, WorktreeState::Present);
}
