//! A new worktree is copied where that is safe, made by git where it is not, and cannot be told from git's own.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::support::{Workspace, git_command, invariants, pool::wharf};

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
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
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

/// A git that writes no file of a worktree.
const NO_CHECKOUT: &str =
    "case \"$*\" in *read-tree*|*checkout*|*'worktree add'*) exit 9 ;; esac\nexec \"$real\" \"$@\"";

/// The extension of an index that holds the ids of the trees.
fn trees(index: &Path) -> Vec<u8> {
    let bytes = fs::read(index).unwrap();
    let at = bytes.windows(4).rposition(|it| it == b"TREE").unwrap();
    let length = u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap());
    bytes[at..at + 8 + usize::try_from(length).unwrap()].to_vec()
}

/// Whether the index is the one that git makes of the same commit, with the ids of all trees.
#[track_caller]
fn has_index_of_git(space: &Workspace, name: &str) {
    let folder = space.worktree(name);
    let own = space.git_at(&folder, ["rev-parse", "--path-format=absolute", "--git-path", "index"]);
    let anew = space.path(".git/anew");
    let prefix = format!("--index-output={}", anew.display());
    space.git_at(&folder, ["read-tree", &prefix, "HEAD"]);
    assert_eq!(trees(Path::new(&own)), trees(&anew));
    fs::remove_file(anew).unwrap();
}

#[test]
fn files_that_are_changed_in_the_source_come_from_the_objects() {
    let space = Workspace::new();
    odd_files(&space);
    fs::write(space.path("src/lib.txt"), "mine, and not committed\n").unwrap();
    fs::remove_file(space.path("link")).unwrap();
    fs::remove_file(space.path("empty")).unwrap();
    fs::create_dir(space.path("empty")).unwrap();
    fs::remove_dir_all(space.path("deep-er")).unwrap();
    fs::set_permissions(space.path("tool.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    // Same length, same time: only the content tells.
    let file = space.path("deep/er/and/deeper/file");
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, "z").unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    wharf(&space, NO_CHECKOUT, &["create", "one"]).succeeds();
    assert!(was_copied(&space, "one"));
    is_equal(&space, "one");
    has_index_of_git(&space, "one");
    assert_eq!(fs::read_to_string(space.path("src/lib.txt")).unwrap(), "mine, and not committed\n");
}

/// Every kind of a path becomes another one.
fn other_kinds(space: &Workspace) {
    for (path, text) in
        [("turns/file", "f"), ("turns/folder/in", "g"), ("turns/tool", "t"), ("gone/deep/file", "h")]
    {
        write(space, path, text);
    }
    symlink("nowhere", space.path("turns/link")).unwrap();
    commit(space, "kinds");
    fs::remove_file(space.path("turns/file")).unwrap();
    write(space, "turns/file/in", "a folder now");
    fs::remove_dir_all(space.path("turns/folder")).unwrap();
    symlink("file", space.path("turns/folder")).unwrap();
    fs::remove_file(space.path("turns/link")).unwrap();
    write(space, "turns/link", "a file now");
    fs::set_permissions(space.path("turns/tool"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_dir_all(space.path("gone")).unwrap();
    write(space, "added/deep/file", "new\n");
    write(space, "added/empty", "");
    commit(space, "turned");
}

#[test]
fn another_base_is_copied_as_far_as_it_is_there_and_the_rest_comes_from_the_objects() {
    let space = Workspace::new();
    odd_files(&space);
    for number in 0..150 {
        write(&space, &format!("many/{}/{number}", number % 7), &format!("{number}\n"));
    }
    other_kinds(&space);
    for (name, base) in [("near", "HEAD~1"), ("far", "HEAD~2"), ("first", "HEAD~3")] {
        wharf(&space, NO_CHECKOUT, &["create", name, "--from", base]).succeeds();
        assert!(was_copied(&space, name), "{name}");
        is_equal(&space, name);
        has_index_of_git(&space, name);
    }
    // Forward again, and with all objects in one pack.
    space.git(["checkout", "-q", "--detach", "HEAD~3"]);
    space.git(["repack", "-a", "-d", "-q"]);
    wharf(&space, NO_CHECKOUT, &["create", "last", "--from", "main"]).succeeds();
    is_equal(&space, "last");
    has_index_of_git(&space, "last");
}

#[test]
fn a_base_with_other_attributes_or_a_submodule_is_left_to_git() {
    let space = Workspace::new();
    write(&space, "deep/.gitattributes", "*.txt text eol=crlf\n");
    write(&space, "deep/file.txt", "one\n");
    commit(&space, "attributes");
    let inner = Workspace::new();
    let url = inner.root().display().to_string();
    fs::remove_file(space.path("deep/.gitattributes")).unwrap();
    space.git(["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "module"]);
    commit(&space, "module");
    space.git(["rm", "-q", "module"]);
    commit(&space, "plain");
    space.run(["create", "plain"]).succeeds();
    assert!(was_copied(&space, "plain"));
    for (name, base) in [("module", "HEAD~1"), ("attributes", "HEAD~2")] {
        space.run(["create", name, "--from", base]).succeeds();
        assert!(!was_copied(&space, name), "{name}");
    }
    is_equal(&space, "attributes");
    assert_eq!(fs::read(space.worktree("attributes").join("deep/file.txt")).unwrap(), b"one\r\n");
}

/// A commit with one more file, of any name, in a tree that git writes as it is told.
fn commit_with(space: &Workspace, mode: &str, name: &str) -> String {
    let (blob, others) = (space.git(["rev-parse", "HEAD:README.md"]), space.git(["ls-tree", "HEAD"]));
    fs::write(space.path(".git/wanted"), format!("{others}\n{mode} blob {blob}\t{name}\n")).unwrap();
    let listing = fs::File::open(space.path(".git/wanted")).unwrap();
    let written = git_command(&space.root()).arg("mktree").stdin(listing).output().unwrap();
    let tree = String::from_utf8(written.stdout).unwrap();
    space.git(["commit-tree", "-p", "HEAD", "-m", "odd", tree.trim()])
}

#[test]
fn what_git_does_not_check_out_is_not_written_from_the_objects() {
    let space = Workspace::new();
    let names = [("100644", "GIT~1"), ("100644", ".git "), ("120000", ".gitmodules"), ("120000", "GITMOD~1")];
    for (mode, name) in names {
        let odd = commit_with(&space, mode, name);
        let by_git = space.path("by-git");
        let add = ["worktree", "add", "--detach", by_git.to_str().unwrap(), &odd];
        let made = git_command(&space.root()).args(add).output().unwrap();
        assert!(!made.status.success(), "git checks out {name}");
        space.run(["create", "odd", "--from", &odd]).fails(1);
        assert_eq!(space.worktrees(), 0, "{name}");
    }
    assert_eq!(space.names(), Vec::<String>::new());
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

/// A copy has its index before git writes what is left out, such as a file that is too large to be read as a whole.
#[test]
fn a_create_that_was_killed_before_the_last_files_of_a_copy_is_no_session() {
    let space = Workspace::new();
    fs::File::create(space.path("huge")).unwrap().set_len((64 << 20) + 1).unwrap();
    commit(&space, "huge");
    let script = "case \"$*\" in *read-tree*) kill -9 $PPID; exit 1 ;; esac\nexec \"$real\" \"$@\"";
    let killed = wharf(&space, script, &["create", "one"]);
    assert_eq!(killed.output.status.code(), None, "{}", killed.stderr());
    invariants::restored(&space, &[], "a copy without its last files");
    assert_eq!(space.names(), Vec::<String>::new());
    space.run(["create", "two"]).succeeds();
    is_equal(&space, "two");
}
