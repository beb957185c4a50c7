//! A new worktree is copied where that is safe, made by git where it is not, and cannot be told from git's own.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::support::{Workspace, invariants, pool::wharf};

/// What git logs when it makes a worktree itself, and a copy does not: it resets the files.
fn was_copied(space: &Workspace, name: &str) -> bool {
    let id = space.json(["show", name])["id"].as_str().unwrap().to_owned();
    let index = fs::read(space.path(".git/worktrees").join(id).join("index")).unwrap();
    // The extensions of git stand at the end; a copy keeps the ids of the trees alone, and its files are older than it.
    let folder = space.worktree(name);
    let about = fs::symlink_metadata(folder.join("README.md")).unwrap();
    let beside = fs::symlink_metadata(folder.join(".git")).unwrap();
    assert_eq!(&index[..4], b"DIRC");
    beside.modified().unwrap().duration_since(about.modified().unwrap()).is_ok_and(|age| age.as_secs() >= 1)
}

#[track_caller]
fn is_equal(space: &Workspace, name: &str) {
    let told = space.run(["debug", "verify-checkout", name, "--json"]).succeeds().json();
    assert_eq!(told["equal"], true, "{told}");
    assert_eq!(space.git_at(&space.worktree(name), ["diff-files", "--name-only"]), "");
}

fn commit(space: &Workspace, message: &str) {
    space.git(["add", "-A"]);
    space.git(["commit", "-q", "-m", message]);
}

fn write(space: &Workspace, path: &str, text: &str) {
    let path = space.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Links, programs, odd names, an empty file, a deep tree, a large file.
fn odd_files(space: &Workspace) {
    symlink("README.md", space.path("link")).unwrap();
    symlink("/nowhere/at all", space.path("dead link")).unwrap();
    symlink("src", space.path("folder link")).unwrap();
    write(space, "empty", "");
    write(space, "deep/er/and/deeper/file", "x");
    write(space, "deep/er.txt", "beside");
    write(space, "deep-er/file", "y");
    write(space, "a b/ü ñ/\t tab", "odd");
    write(space, "-dash", "dash");
    write(space, "new\nline", "line");
    write(space, "crlf.txt", "one\r\ntwo\r\n");
    write(space, "large", &"0123456789abcdef".repeat(200_000));
    write(space, "tool.sh", "#!/bin/sh\n");
    let tool = space.path("tool.sh");
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    commit(space, "odd");
}

#[test]
fn odd_files_are_copied_as_git_would_write_them() {
    let space = Workspace::new();
    odd_files(&space);
    space.run(["create", "one"]).succeeds();
    assert!(was_copied(&space, "one"));
    is_equal(&space, "one");
    // From the other session, where the main worktree is of no use.
    space.git(["rm", "-q", "--cached", "empty"]);
    fs::remove_file(space.path("README.md")).unwrap();
    space.run(["create", "two"]).succeeds();
    assert!(was_copied(&space, "two"));
    is_equal(&space, "two");
    let log = |name| space.git(["reflog", "--format=%gs", name]);
    assert!(log("feature/two").starts_with("branch: Created from"), "{}", log("feature/two"));
}

#[test]
fn a_change_right_after_a_copy_is_seen() {
    let space = Workspace::new();
    for name in ["a", "b", "c"] {
        space.run(["create", name]).succeeds();
        let file = space.worktree(name).join("README.md");
        fs::write(&file, "HELLO\n").unwrap();
        assert_eq!(space.git_at(&space.worktree(name), ["status", "--porcelain"]), "M README.md", "{name}");
        assert_eq!(space.json(["list"]).as_array().unwrap().last().unwrap()["modified"], 1);
    }
}

#[test]
fn files_that_are_changed_in_the_source_come_from_git() {
    let space = Workspace::new();
    odd_files(&space);
    fs::write(space.path("src/lib.txt"), "mine, and not committed\n").unwrap();
    fs::remove_file(space.path("link")).unwrap();
    fs::remove_file(space.path("empty")).unwrap();
    fs::create_dir(space.path("empty")).unwrap();
    // Same length, same time: only the content tells.
    let file = space.path("deep/er/and/deeper/file");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "z").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    space.run(["create", "one"]).succeeds();
    assert!(was_copied(&space, "one"));
    is_equal(&space, "one");
    assert_eq!(fs::read_to_string(space.path("src/lib.txt")).unwrap(), "mine, and not committed\n");
}

#[test]
fn a_near_base_is_copied_and_git_writes_the_difference() {
    let space = Workspace::new();
    for number in 0..40 {
        write(&space, &format!("many/{number}"), &format!("{number}\n"));
    }
    commit(&space, "many");
    fs::remove_file(space.path("many/7")).unwrap();
    write(&space, "many/8", "changed\n");
    write(&space, "added/file", "new\n");
    commit(&space, "later");
    space.run(["create", "before", "--from", "HEAD~1"]).succeeds();
    assert!(was_copied(&space, "before"));
    is_equal(&space, "before");
    space.run(["create", "far", "--from", "HEAD~2"]).succeeds();
    assert!(!was_copied(&space, "far"));
    is_equal(&space, "far");
}

/// Each of them makes a difference to what is written, or could.
#[test]
fn what_could_make_a_difference_is_left_to_git() {
    let settings: [&[&str]; 8] = [
        &["core.autocrlf", "true"],
        &["core.eol", "crlf"],
        &["core.fileMode", "false"],
        &["core.symlinks", "false"],
        &["core.sharedRepository", "group"],
        &["core.splitIndex", "true"],
        &["core.sparseCheckout", "true"],
        &["core.attributesFile", "/dev/null"],
    ];
    for [key, value] in settings.map(|pair| [pair[0], pair[1]]) {
        let space = Workspace::new();
        odd_files(&space);
        space.git(["config", key, value]);
        space.run(["create", "one"]).succeeds();
        assert!(!was_copied(&space, "one"), "{key}");
        if !["core.symlinks", "core.sparseCheckout"].contains(&key) {
            is_equal(&space, "one");
        }
    }
}

#[test]
fn attributes_that_change_what_is_written_are_left_to_git() {
    for (line, copied) in [
        ("*.txt text eol=crlf\n", false),
        ("*.txt ident\n", false),
        ("*.txt filter=missing\n", false),
        ("*.txt working-tree-encoding=ISO-8859-1\n", false),
        ("*.txt text=auto diff=x\n*.png binary\n", true),
    ] {
        let space = Workspace::new();
        write(&space, "deep/.gitattributes", line);
        write(&space, "deep/file.txt", "one $Id$\n");
        commit(&space, "attributes");
        space.run(["create", "one"]).succeeds();
        assert_eq!(was_copied(&space, "one"), copied, "{line}");
        is_equal(&space, "one");
        let other = Workspace::new();
        write(&other, "deep/file.txt", "one $Id$\n");
        commit(&other, "plain");
        write(&other, ".git/info/attributes", line);
        other.run(["create", "one"]).succeeds();
        assert_eq!(was_copied(&other, "one"), copied, "{line} outside");
    }
}

#[test]
fn submodules_sparse_and_other_forms_of_storage_are_left_to_git() {
    let space = Workspace::new();
    let inner = Workspace::new();
    let url = inner.root().display().to_string();
    space.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "module"]);
    commit(&space, "module");
    space.run(["create", "one"]).succeeds();
    assert!(!was_copied(&space, "one"));

    let sparse = Workspace::new();
    sparse.git(["sparse-checkout", "set", "--cone", "src"]);
    sparse.run(["create", "one"]).succeeds();
    assert!(sparse.worktree("one").join("src/lib.txt").exists());

    let far = Workspace::empty();
    far.git(["init", "-q", "-b", "main", "--object-format=sha256"]);
    fs::write(far.path("README.md"), "hello\n").unwrap();
    commit(&far, "begin");
    far.run(["create", "one"]).succeeds();
    assert!(!was_copied(&far, "one"));
}

#[test]
fn a_hostile_index_leads_nowhere_else() {
    let space = Workspace::new();
    let index = space.path(".git/index");
    let bytes = fs::read(&index).unwrap();
    let at = bytes.windows(11).position(|it| it == b"src/lib.txt").unwrap();
    for path in [&b"../lib2.txt"[..], b".git/libtxt", b"/tmp/w.text", b"src//ib.txt"] {
        let mut forged = bytes.clone();
        forged[at..at + 11].copy_from_slice(path);
        fs::write(&index, forged).unwrap();
        let name = format!("s{}", space.sessions().len());
        space.run(["create", &name]).succeeds();
        is_equal(&space, &name);
    }
    assert!(!Path::new("/tmp/w.text").exists());
    for cut in [0, 11, 40, bytes.len() - 21, bytes.len() - 1] {
        fs::write(&index, &bytes[..cut]).unwrap();
        space.run(["create", "cut", "--max-sessions", "9"]).succeeds();
        is_equal(&space, "cut");
        space.run(["destroy", "cut", "--force", "--delete-branch"]).succeeds();
    }
}

#[test]
fn a_branch_in_the_way_is_refused_as_git_refuses_it() {
    let space = Workspace::new();
    space.git(["branch", "feature"]);
    space.run(["create", "one"]).fails(4);
    space.git(["branch", "-m", "feature", "other"]);
    space.git(["branch", "feature/one/more"]);
    space.git(["pack-refs", "--all"]);
    space.run(["create", "one"]).fails(4);
    assert_eq!(space.worktrees(), 0);
    space.run(["create", "two"]).succeeds();
    assert_eq!(space.git(["symbolic-ref", "HEAD"]), "refs/heads/main");
}

/// A copy has its index before git writes what is left out.
#[test]
fn a_create_that_was_killed_before_the_last_files_of_a_copy_is_no_session() {
    let space = Workspace::new();
    fs::write(space.path("README.md"), "changed\n").unwrap();
    let script = "case \"$*\" in *read-tree*) kill -9 $PPID; exit 1 ;; esac\nexec \"$real\" \"$@\"";
    let killed = wharf(&space, script, &["create", "one"]);
    assert_eq!(killed.output.status.code(), None, "{}", killed.stderr());
    invariants::restored(&space, &[], "a copy without its last files");
    assert_eq!(space.names(), Vec::<String>::new());
}
