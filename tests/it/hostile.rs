//! What a repository, its environment or another person can put in the way: nothing of theirs runs, nothing of theirs
//! is written, and no work is taken for clean that is not.

use std::{
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{chown, symlink},
    },
    path::Path,
};

use crate::support::{
    Ran, Workspace,
    faults::{assert_same, files, script, tree},
    means,
    strace::under,
};

/// Every verb that asks git something, in an order in which each has something to do.
const LIFE: [&[&str]; 12] = [
    &["create", "evil", "--from", "HEAD"],
    &["list"],
    &["show", "evil"],
    &["doctor"],
    &["rename", "evil", "meek", "--branch", "feature/meek"],
    &["restore"],
    &["recover"],
    &["destroy", "meek", "--dry-run"],
    &["destroy", "meek", "--force", "--delete-branch"],
    &["undo"],
    &["doctor", "--fix"],
    &["destroy", "meek", "--force"],
];

/// Settings that name a program.
const COMMANDS: [&str; 19] = [
    "core.fsmonitor",
    "core.sshCommand",
    "core.pager",
    "core.editor",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "sequence.editor",
    "diff.external",
    "credential.helper",
    "gpg.program",
    "uploadpack.packObjectsHook",
    "pager.status",
    "pager.branch",
    "pager.worktree",
    "interactive.diffFilter",
    "difftool.evil.cmd",
    "trailer.evil.command",
    "core.hooksPath",
];

/// A folder in which a script leaves a mark when anything runs it.
fn trap(space: &Workspace) -> (String, std::path::PathBuf) {
    let mark = space.home().join("ran");
    let tool = space.home().join("trap");
    script(&tool, &format!("echo \"$0 $*\" >> '{}'\ncat 2>/dev/null\nexit 0", mark.display()));
    (tool.display().to_string(), mark)
}

/// RELIABILITY G6.
#[test]
fn nothing_that_a_repository_configures_is_run() {
    let space = Workspace::with_sessions(1);
    let (tool, mark) = trap(&space);
    space.git(["config", "extensions.worktreeConfig", "true"]);
    for key in COMMANDS {
        let value =
            if key == "core.hooksPath" { format!("{}/hooks", space.home().display()) } else { tool.clone() };
        space.git(["config", key, &value]);
    }
    for verb in
        ["status", "worktree", "rev-parse", "update-ref", "add", "branch", "for-each-ref", "commit-tree"]
    {
        space.git(["config", &format!("alias.{verb}"), &format!("!{tool}")]);
    }
    for key in ["commit.gpgSign", "tag.gpgSign", "push.gpgSign", "gc.auto", "maintenance.auto"] {
        space.git(["config", key, "true"]);
    }
    let hooks = [
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "pre-commit",
        "post-commit",
        "pre-auto-gc",
        "fsmonitor-watchman",
        "post-rewrite",
    ];
    for hook in hooks {
        let body = format!("exec '{tool}' {hook}");
        script(&space.path(".git/hooks").join(hook), &body);
        script(&space.home().join("hooks").join(hook), &body);
    }
    for args in LIFE {
        space.run(args).succeeds();
        let told = fs::read_to_string(&mark).unwrap_or_default();
        assert_eq!(told, "", "{args:?} ran it");
    }
    assert_eq!(space.names(), ["s1"]);
}

/// A hook of one repository starts wharf with its own repository in the environment.
#[test]
fn a_repository_named_in_the_environment_is_not_the_one_that_is_changed() {
    let other = Workspace::new();
    let space = Workspace::new();
    let victim = tree(&other.root());
    let git_dir = other.path(".git").display().to_string();
    let root = other.root().display().to_string();
    let index = other.path(".git/index").display().to_string();
    let env = [
        ("GIT_DIR", git_dir.as_str()),
        ("GIT_COMMON_DIR", &git_dir),
        ("GIT_WORK_TREE", &root),
        ("GIT_INDEX_FILE", &index),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_NAMESPACE", "elsewhere"),
        ("GIT_CEILING_DIRECTORIES", "/"),
        ("GIT_PREFIX", "src/"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.bare"),
        ("GIT_CONFIG_VALUE_0", "true"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
        ("GIT_TRACE", "1"),
        ("GIT_EXEC_PATH", "/nonexistent"),
        ("GIT_DEFAULT_HASH", "sha256"),
    ];
    for args in LIFE {
        let ran = space.run_with(&env, args).succeeds();
        assert_same(&victim, &tree(&other.root()));
        if args[0] == "create" {
            assert_eq!(space.names(), ["evil"], "{}", ran.stderr());
            space.work_in("evil");
        }
    }
    assert_eq!(space.branches(), ["feature/meek", "main"]);
}

#[test]
fn a_hook_can_create_a_session() {
    let space = Workspace::new();
    let body = format!(
        "exec '{}' --workspace '{}' create from-hook",
        env!("CARGO_BIN_EXE_wharf"),
        space.root().display()
    );
    script(&space.path(".git/hooks/post-commit"), &body);
    fs::write(space.path("staged.txt"), "staged\n").unwrap();
    space.git(["add", "staged.txt"]);
    space.git(["commit", "-qm", "with a hook"]);
    assert_eq!(space.names(), ["from-hook"]);
    assert!(space.worktree("from-hook").join("staged.txt").exists());
    assert_eq!(space.git(["status", "--porcelain", "--", "staged.txt", "README.md"]), "");
}

/// A worktree whose configuration says that its files lie elsewhere looks clean to git.
#[test]
fn a_worktree_that_claims_to_be_elsewhere_is_neither_clean_nor_lost() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let decoy = space.path("decoy");
    space.git(["worktree", "add", "-q", "--detach", decoy.to_str().unwrap(), "feature/s1"]);
    space.git(["config", "extensions.worktreeConfig", "true"]);
    space.git_at(&folder, ["config", "--worktree", "core.worktree", decoy.to_str().unwrap()]);
    let (held, lure) = (files(&folder), tree(&decoy));
    assert_eq!(space.json(["list"])[0]["modified"], 2);
    space.run(["destroy", "s1"]).fails(6).says("README.md").says("new.txt");
    space.run(["destroy", "s1", "--force"]).succeeds();
    let id = folder.file_name().unwrap().to_str().unwrap();
    let kept = space.git(["show", &format!("refs/wharf/trash/{id}:new.txt")]);
    assert_eq!(kept, "new", "the snapshot is of the files that were there");
    // The folder in the trash is lost; the hidden ref alone brings the work back, to the right place.
    fs::remove_dir_all(space.path(".worktrees/.trash").join(id).join("worktree")).unwrap();
    space.run(["undo"]).succeeds();
    assert_same(&lure, &tree(&decoy));
    for (path, (.., bytes)) in held {
        assert_eq!(fs::read(folder.join(&path)).ok(), Some(bytes), "{}", path.display());
    }
}

#[test]
fn worktrees_that_are_a_link_or_a_file_are_refused_and_nothing_is_written_through() {
    for is_link in [true, false] {
        let outside = Workspace::empty();
        fs::write(outside.path("precious.txt"), "the only copy\n").unwrap();
        let space = Workspace::new();
        if is_link {
            symlink(outside.root(), space.path(".worktrees")).unwrap();
        } else {
            fs::write(space.path(".worktrees"), "a file\n").unwrap();
        }
        let victim = tree(&outside.root());
        let error = space.run(["create", "one", "--json"]).fails(6).error();
        assert_eq!(error["code"], "UNSAFE_PATH");
        for args in
            [&["restore"][..], &["recover"], &["doctor", "--fix"], &["trash", "empty", "--yes"], &["undo"]]
        {
            space.run(args);
        }
        assert_same(&victim, &tree(&outside.root()));
        assert_eq!(space.names(), Vec::<String>::new());
        assert_eq!(space.branches(), ["main"]);
    }
}

/// A link, a file or a foreign repository where the worktree was.
#[test]
fn something_else_in_the_place_of_a_worktree_is_never_destroyed() {
    let put: [fn(&Path, &Path); 3] = [
        |place, victim| symlink(victim, place).unwrap(),
        |place, _| fs::write(place, "a file\n").unwrap(),
        |place, victim| fs::rename(victim.join("repository"), place).unwrap(),
    ];
    for put in put {
        let outside = Workspace::empty();
        outside.init("repository");
        fs::write(outside.path("precious.txt"), "the only copy\n").unwrap();
        let space = Workspace::with_sessions(1);
        let folder = space.work_in("s1");
        fs::rename(&folder, space.path("mine")).unwrap();
        put(&folder, &outside.root());
        let (victim, place) = (tree(&outside.root()), tree(&space.path(".worktrees")));
        let error = space.run(["destroy", "s1", "--force", "--json"]).fails(6).error();
        assert_eq!(error["code"], "UNSAFE_PATH", "{error}");
        for args in [&["restore"][..], &["recover"], &["doctor"], &["doctor", "--fix"], &["list"]] {
            space.run(args);
        }
        assert_same(&victim, &tree(&outside.root()));
        assert_same(&place, &tree(&space.path(".worktrees")));
        assert_eq!(space.names(), ["s1"]);
        assert!(space.findings().contains(&"worktree-state".to_owned()));
        // Put back, it is as it was.
        fs::rename(&folder, space.path("theirs")).unwrap();
        fs::rename(space.path("mine"), &folder).unwrap();
        space.run(["restore"]).succeeds();
        space.run(["doctor"]).succeeds();
    }
}

#[test]
fn names_that_collide_with_a_folder_or_by_case_are_refused_whole() {
    let space = Workspace::new();
    space.run(["create", "auth"]).succeeds();
    space.git(["branch", "feature/login"]);
    space.git(["branch", "topic"]);
    let before = space.litter();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["create", "AUTH"], 4, "NAME_TAKEN"),
        (&["create", "login"], 4, "BRANCH_TAKEN"),
        (&["create", "x", "--branch", "topic/inner"], 4, "BRANCH_TAKEN"),
        (&["create", "x", "--branch", "feature"], 4, "BRANCH_TAKEN"),
        (&["create", "x", "--branch", "feature/auth"], 4, "BRANCH_TAKEN"),
        (&["create", "x", "--branch=-delete"], 2, "INVALID_BRANCH"),
        (&["create", "../up"], 2, "INVALID_NAME"),
    ];
    for (args, code, word) in cases {
        let ran = space.run(args.iter().chain(&["--json"])).fails(code);
        assert_eq!(ran.error()["code"], word, "{args:?}");
        assert_eq!(space.litter(), before, "{args:?}");
    }
    space.git(["config", "core.ignoreCase", "true"]);
    let ran = space.run(["create", "x", "--branch", "feature/AUTH", "--json"]).fails(4);
    assert_eq!(ran.error()["code"], "BRANCH_TAKEN");
    assert_eq!(space.names(), ["auth"]);
}

#[test]
fn a_repository_of_another_user_is_refused() {
    if !means::root() {
        return;
    }
    let space = Workspace::empty();
    space.init("app");
    for path in ["app", "app/.git"] {
        chown(space.path(path), Some(4242), Some(4242)).unwrap();
    }
    let error = space.run(["create", "one", "--json"]).fails(6).error();
    assert_eq!(error["code"], "UNSAFE_OWNERSHIP", "{error}");
    assert!(error["hint"].as_str().unwrap().contains("safe.directory"), "{error}");
    assert_eq!(space.names(), Vec::<String>::new());
    space.run(["list"]).succeeds();
    space.run(["restore"]).succeeds();
    // Whoever trusts it says so once.
    let trusted = format!("[safe]\n\tdirectory = {}\n", space.path("app").display());
    fs::write(space.home().join(".gitconfig"), trusted).unwrap();
    space.run(["create", "one"]).succeeds();
}

/// Whoever reads a record under the lock of the table would keep everybody else waiting too.
#[test]
fn a_pipe_in_the_place_of_a_file_is_waited_for_by_nobody() {
    let space = Workspace::with_sessions(1);
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let admin = space.path(".git/worktrees").join(id);
    for (file, args) in [("session.json", &["touch", "s1"][..]), ("index", &["list", "--quick"])] {
        fs::remove_file(admin.join(file)).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, admin.join(file), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let mut command = space.command();
        command.args(args);
        Ran { output: under(&["timeout", "20"], &command).output().unwrap() }.succeeds();
    }
}

/// What a repository tracks decides nothing about where wharf writes (SPEC CS-8).
#[test]
fn a_link_in_the_place_of_a_folder_of_wharf_is_not_followed() {
    for folder in [".wharf", ".wharf/sessions", ".wharf/log", ".wharf/server"] {
        let space = Workspace::new();
        let elsewhere = tempfile::tempdir().unwrap();
        if let Some(parent) = Path::new(folder).parent() {
            fs::create_dir_all(space.path(parent.to_str().unwrap())).unwrap();
        }
        symlink(elsewhere.path(), space.path(folder)).unwrap();
        for args in [&["create", "a"][..], &["doctor"], &["serve"]] {
            space.run(args).fails(6).says(&format!("{folder} is a link"));
        }
        // The container's command starts whatever is wrong.
        let ran = space.run(["init", "--resume", "--", "echo", "started"]).succeeds();
        assert_eq!(ran.stdout(), "started\n");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{folder}");
        fs::remove_file(space.path(folder)).unwrap();
        space.run(["create", "a"]).succeeds();
    }
}

/// A path is written into records and printed for `cd "$(wharf path x)"`.
#[test]
fn a_workspace_that_no_record_can_name_is_refused() {
    for name in [&b"b\xffd"[..], b"new\nline"] {
        let space = Workspace::new();
        let folder = space.root().join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir(&folder).unwrap();
        let mut command = space.command();
        command.args(["create", "a"]).env("WHARF_WORKSPACE", &folder).current_dir(&folder);
        let ran = Ran { output: command.output().unwrap() };
        ran.fails(6).says("has a path that is not UTF-8, or has line breaks in it");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}

/// Compose files set what nobody gave them to nothing.
#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let space = Workspace::with_sessions(1);
    let mut command = space.command();
    for name in
        ["WHARF_WORKSPACE", "WHARF_MAX_SESSIONS", "WHARF_LISTEN", "WHARF_SERVER_TOKEN_FILE", "WHARF_URL"]
    {
        command.env(name, "");
    }
    command.args(["path", "s1"]).current_dir(space.root());
    let ran = Ran { output: command.output().unwrap() }.succeeds();
    assert_eq!(ran.stdout().trim(), space.worktree("s1").to_str().unwrap());
    // No server is here; a variable that counted would be one that makes no sense.
    command = space.command();
    command.args(["open"]).env("WHARF_SERVER_TOKEN_FILE", "");
    assert_ne!(command.output().unwrap().status.code(), Some(2));
}

#[test]
fn a_link_in_the_place_of_a_log_is_not_written_through() {
    let space = Workspace::new();
    let elsewhere = space.home().join("elsewhere");
    fs::write(&elsewhere, "theirs").unwrap();
    fs::create_dir_all(space.path(".wharf/log")).unwrap();
    let today = space.json(["create", "first"])["createdAt"].as_str().unwrap()[..10].to_owned();
    let log = space.path(&format!(".wharf/log/wharf.{today}.log"));
    fs::remove_file(&log).unwrap();
    symlink(&elsewhere, &log).unwrap();
    space.run(["create", "second"]).succeeds();
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
}
