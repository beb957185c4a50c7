//! Which repositories a workspace has.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
};

use super::support::{Space, commit_in, git, remove, write};
use crate::{session::RepositoryPath, worktree::WorktreeError};

fn init(folder: &Path, further: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    let mut args = vec!["init", "-q", "-b", "main"];
    args.extend_from_slice(further);
    git(folder, &args);
}

fn found(space: &Space) -> Vec<String> {
    let found = space.worktrees.find_repositories().unwrap();
    found.iter().map(ToString::to_string).collect()
}

fn at(space: &Space, folder: &str) -> Result<String, WorktreeError> {
    let folder = space.root().join(folder);
    space.worktrees.find_repository_at(&folder).map(|repository| repository.to_string())
}

#[test]
fn a_workspace_that_is_a_repository_has_one() {
    let space = Space::with_repository();
    init(&space.root().join("nested"), &[]);
    assert_eq!(found(&space), ["."]);
    assert_eq!(at(&space, ".").unwrap(), ".");
    fs::create_dir_all(space.root().join("deep/er")).unwrap();
    assert_eq!(at(&space, "deep/er").unwrap(), ".");
    assert_eq!(at(&space, "nested").unwrap(), "nested");
    assert_eq!(at(&space, ".git/refs").unwrap(), ".");
}

#[test]
fn repositories_are_found_two_folders_deep() {
    let space = Space::empty();
    let root = space.root();
    for folder in ["b", "team/a", ".hidden", "too/deep/down", "b/inside"] {
        init(&root.join(folder), &[]);
    }
    init(&root.join("team/bare.git"), &["--bare"]);
    init(&space.outside().join("elsewhere"), &[]);
    symlink(space.outside().join("elsewhere"), root.join("link")).unwrap();
    write(&root.join("file"), b"");
    assert_eq!(found(&space), ["b", "team/a", "team/bare.git"]);
    assert!(matches!(at(&space, "."), Err(WorktreeError::NoRepository { .. })));
    assert!(matches!(at(&space, "link"), Err(WorktreeError::Outside { .. })));
    assert!(matches!(at(&space, "missing"), Err(WorktreeError::NoRepository { .. })));
}

#[test]
fn nothing_outside_the_workspace_is_taken() {
    let space = Space::with_repository();
    init(&space.outside().join("elsewhere"), &[]);
    assert!(matches!(at(&space, "../elsewhere"), Err(WorktreeError::Outside { .. })));
    symlink(space.outside(), space.root().join("link")).unwrap();
    let sneaky: RepositoryPath = "link/elsewhere".parse().unwrap();
    assert!(matches!(space.worktrees.common_dir(&sneaky), Err(WorktreeError::Outside { .. })));
}

#[test]
fn a_bare_repository_is_one() {
    let space = Space::empty();
    init(&space.root(), &["--bare"]);
    assert_eq!(found(&space), ["."]);
    assert_eq!(at(&space, "refs").unwrap(), ".");
    assert_eq!(space.worktrees.common_dir(&RepositoryPath::root()).unwrap(), space.root());
}

#[test]
fn a_file_that_leads_to_a_bare_repository_makes_one() {
    let space = Space::empty();
    let root = space.root();
    init(&root.join(".bare"), &["--bare"]);
    write(&root.join(".git"), b"gitdir: ./.bare\n");
    assert_eq!(found(&space), ["."]);
    assert_eq!(space.worktrees.common_dir(&RepositoryPath::root()).unwrap(), root.join(".bare"));
    git(&root, &["commit-tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "-m", "x"]);
    let commit = git(&root, &["commit-tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "-m", "x"]);
    git(&root, &["update-ref", "refs/heads/main", &commit]);
    git(&root, &["worktree", "add", "-q", "work", "main"]);
    assert_eq!(at(&space, "work").unwrap(), ".");
    fs::remove_file(root.join(".git")).unwrap();
    assert_eq!(at(&space, "work").unwrap(), ".bare");
    assert_eq!(found(&space), [".bare"]);
}

#[test]
fn a_folder_of_a_session_gives_its_main_repository() {
    let space = Space::with_repository();
    let id = space.session(1);
    fs::create_dir(space.path(id).join("src")).unwrap();
    assert_eq!(at(&space, &format!(".worktrees/{id}/src")).unwrap(), ".");
    remove(&space.admin(id));
    assert!(matches!(at(&space, &format!(".worktrees/{id}")), Err(WorktreeError::UnsafePath { .. })));
}

#[test]
fn a_workspace_that_is_a_linked_worktree_is_a_repository() {
    let space = Space::empty();
    let main = space.outside().join("main");
    init(&main, &[]);
    commit_in(&main, "x");
    fs::remove_dir(space.root()).unwrap();
    git(&main, &["worktree", "add", "-q", &space.root().display().to_string()]);
    assert_eq!(found(&space), ["."]);
    assert_eq!(at(&space, ".").unwrap(), ".");
    assert_eq!(space.worktrees.common_dir(&RepositoryPath::root()).unwrap(), main.join(".git"));
}

#[test]
fn a_submodule_is_refused() {
    let space = Space::with_repository();
    let library = space.outside().join("library");
    init(&library, &[]);
    commit_in(&library, "x");
    space.git(&["submodule", "add", "-q", &library.display().to_string(), "lib"]);
    match at(&space, "lib") {
        Err(WorktreeError::UnsafePath { because, .. }) => assert!(because.contains("submodule")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn repositories_that_libgit2_cannot_open_are_found_too() {
    for space in Space::beyond_libgit2() {
        assert_eq!(at(&space, ".").unwrap(), ".");
    }
    let space = Space::with_repository();
    space.git(&["config", "core.repositoryformatversion", "1"]);
    space.git(&["config", "extensions.partialclone", "origin"]);
    assert_eq!(at(&space, ".").unwrap(), ".");
    space.git(&["config", "extensions.unheardof", "true"]);
    assert!(matches!(at(&space, "."), Err(WorktreeError::Git { .. })));
}

#[test]
#[expect(clippy::print_stderr, reason = "says why a test proves nothing here")]
fn a_repository_of_another_user_is_refused() {
    let space = Space::with_repository();
    let git_dir = space.root().join(".git");
    for path in [space.root(), git_dir] {
        if let Err(err) = chown(path, Some(12_345), Some(12_345)) {
            eprintln!("skipped, giving files away needs root: {err}");
            return;
        }
    }
    assert!(matches!(at(&space, "."), Err(WorktreeError::Ownership { .. })));
}
