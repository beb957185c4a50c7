//! Files that a checkout changes or leaves out: filters, as LFS has one, and sparse checkouts.

use std::fs;

use crate::support::{
    Workspace,
    faults::{assert_same, files, script},
};

/// A filter as LFS has one: what is committed is a pointer, what lies in the worktree is the content.
fn with_filter(space: &Workspace, smudge: &str) {
    script(&space.path("tools/smudge"), smudge);
    script(&space.path("tools/clean"), "sed s/CONTENT/POINTER/");
    let quoted = |tool: &str| format!("'{}'", space.path("tools").join(tool).display());
    space.git(["config", "filter.big.smudge", &quoted("smudge")]);
    space.git(["config", "filter.big.clean", &quoted("clean")]);
    space.git(["config", "filter.big.required", "true"]);
}

fn with_big_file() -> Workspace {
    let space = Workspace::new();
    with_filter(&space, "sed s/POINTER/CONTENT/");
    fs::write(space.path(".gitattributes"), "*.bin filter=big\n").unwrap();
    fs::write(space.path("a.bin"), "CONTENT\n").unwrap();
    space.git(["add", ".gitattributes", "a.bin"]);
    space.git(["commit", "-qm", "big"]);
    assert_eq!(space.git(["show", "HEAD:a.bin"]), "POINTER");
    space
}

#[test]
fn a_filter_is_applied_in_the_worktree() {
    let space = with_big_file();
    space.run(["create", "one"]).succeeds();
    let file = space.worktree("one").join("a.bin");
    assert_eq!(fs::read_to_string(&file).unwrap(), "CONTENT\n");
    assert_eq!(space.json(["list"])[0]["modified"], 0);
    space.run(["destroy", "one"]).succeeds();
    space.run(["undo"]).succeeds();
    assert_eq!(fs::read_to_string(&file).unwrap(), "CONTENT\n");
}

#[test]
fn a_filter_that_fails_or_is_missing_makes_no_half_session() {
    let space = with_big_file();
    let before = space.litter();
    for broken in ["exit 1", "exec /nonexistent/git-lfs"] {
        with_filter(&space, broken);
        let ran = space.run(["create", "one"]).fails(1);
        assert!(ran.stderr().contains("a.bin"), "{}", ran.stderr());
        assert_eq!(space.litter(), before);
        assert_eq!(space.names(), Vec::<String>::new());
    }
    // A filter that nobody configured leaves the pointer, as a clone without LFS does.
    space.git(["config", "--remove-section", "filter.big"]);
    space.run(["create", "one"]).succeeds();
    let file = space.worktree("one").join("a.bin");
    assert_eq!(fs::read_to_string(file).unwrap(), "POINTER\n");
}

#[test]
fn patterns_that_are_no_folders_are_sparse_too_where_a_checkout_is_compared() {
    let space = Workspace::new();
    fs::write(space.path("left.out"), "text\n").unwrap();
    space.git(["add", "left.out"]);
    space.git(["commit", "-qm", "more"]);
    space.git(["sparse-checkout", "set", "--no-cone", "/*", "!*.out"]);
    space.run(["create", "one"]).succeeds();
    assert!(!space.worktree("one").join("left.out").exists());
    space.run(["debug", "verify-checkout", "one"]).succeeds().says("is what git checks out");
    fs::remove_file(space.worktree("one").join("src/lib.txt")).unwrap();
    space.run(["debug", "verify-checkout", "one"]).fails(1).says("src/lib.txt is not what git writes");
}

/// A filter that fails later does not hold a destroy up: the folder itself goes into the trash.
#[test]
fn work_behind_a_broken_filter_is_destroyed_and_comes_back() {
    let space = with_big_file();
    space.run(["create", "one"]).succeeds();
    let folder = space.worktree("one");
    fs::write(folder.join("a.bin"), "CONTENT, more of it\n").unwrap();
    script(&space.path("tools/clean"), "exit 1");
    let held = files(&folder);
    let ran = space.run(["destroy", "one", "--force"]);
    if ran.output.status.success() {
        space.run(["undo"]).succeeds();
    }
    assert_same(&held, &files(&folder));
}

#[test]
fn a_session_has_the_sparse_settings_of_its_repository() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let space = Workspace::new();
        for folder in ["docs", "huge/deep"] {
            fs::create_dir_all(space.path(folder)).unwrap();
            fs::write(space.path(folder).join("file.txt"), "text\n").unwrap();
        }
        space.git(["add", "docs", "huge"]);
        space.git(["commit", "-qm", "more"]);
        space.git(["sparse-checkout", "set", "--cone", index, "src", "docs"]);
        assert!(!space.path("huge").exists());
        space.run(["create", "one"]).succeeds();
        let folder = space.worktree("one");
        assert!(folder.join("src/lib.txt").exists() && folder.join("docs/file.txt").exists());
        assert!(!folder.join("huge").exists(), "{index}");
        let list = ["sparse-checkout", "list"];
        assert_eq!(space.git_at(&folder, list), space.git(list), "{index}");
        space.run(["debug", "verify-checkout", "one"]).succeeds().says("is what git checks out");
        let docs = folder.join("docs/file.txt");
        fs::write(&docs, "other\n").unwrap();
        space.run(["debug", "verify-checkout", "one"]).fails(1).says("docs/file.txt is not what git writes");
        fs::write(&docs, "text\n").unwrap();
        space.run(["destroy", "one"]).succeeds();
        space.run(["undo"]).succeeds();
        assert!(!folder.join("huge").exists());
        assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "", "{index}");
        fs::remove_dir_all(&folder).unwrap();
        space.run(["doctor", "--fix"]).succeeds();
        assert!(folder.join("docs/file.txt").exists());
        assert!(!folder.join("huge").exists(), "{index}: checked out again as sparse as it was");
        assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "", "{index}");
    }
}
