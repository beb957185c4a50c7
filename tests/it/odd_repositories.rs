//! Repositories of every kind: a session lives its whole life on each, or is refused clearly and leaves nothing.

use std::{fs, path::Path};

use crate::support::{
    Ran, Workspace,
    faults::{assert_same, files, git_is, tree},
};

/// A kind of repository: its name, and how one is made in an empty workspace; answers where it is.
type Kind = (&'static str, fn(&Workspace) -> &'static str);

const KINDS: [Kind; 18] = [
    ("plain", |space| {
        space.init(".");
        "."
    }),
    ("bare", |space| {
        space.init("origin");
        space.git(["clone", "-q", "--bare", "origin", "repo.git"]);
        fs::remove_dir_all(space.path("origin")).unwrap();
        "repo.git"
    }),
    ("bare, and the workspace itself", |space| {
        let origin = space.home().join("origin");
        space.init(".home-of-test/origin");
        space.git(["init", "-q", "--bare", "-b", "main"]);
        space.git(["fetch", "-q", origin.to_str().unwrap(), "main:main"]);
        "."
    }),
    ("hidden bare with a file that leads there", |space| {
        space.init("origin");
        space.git(["clone", "-q", "--bare", "origin", "app/.bare"]);
        fs::write(space.path("app/.git"), "gitdir: ./.bare\n").unwrap();
        fs::remove_dir_all(space.path("origin")).unwrap();
        "app"
    }),
    ("nested", |space| {
        space.init("outer");
        space.init("outer/inner");
        "outer/inner"
    }),
    ("reftable", |space| init(space, &["--ref-format=reftable"])),
    ("sha256", |space| init(space, &["--object-format=sha256"])),
    ("partial clone", |space| {
        space.init("origin");
        space.git_at(&space.path("origin"), ["config", "uploadpack.allowFilter", "true"]);
        let url = format!("file://{}", space.path("origin").display());
        space.git(["clone", "-q", "--filter=blob:none", "--no-checkout", &url, "app"]);
        space.git_at(&space.path("app"), ["config", "uploadpack.allowFilter", "true"]);
        "app"
    }),
    ("split index", |space| {
        space.init(".");
        space.git(["config", "core.splitIndex", "true"]);
        space.git(["update-index", "--split-index"]);
        "."
    }),
    ("worktree configuration", |space| {
        space.init(".");
        space.git(["config", "extensions.worktreeConfig", "true"]);
        space.git(["config", "--worktree", "user.nickname", "main only"]);
        "."
    }),
    ("packed refs", |space| {
        space.init(".");
        space.git(["pack-refs", "--all"]);
        space.git(["gc", "-q"]);
        "."
    }),
    ("untracked cache and many settings", |space| {
        space.init(".");
        space.git(["config", "core.untrackedCache", "true"]);
        space.git(["config", "status.showUntrackedFiles", "no"]);
        space.git(["config", "core.quotePath", "true"]);
        space.git(["config", "worktree.guessRemote", "true"]);
        space.git(["config", "checkout.defaultRemote", "nowhere"]);
        space.git(["config", "branch.autoSetupMerge", "always"]);
        space.git(["config", "core.logAllRefUpdates", "always"]);
        space.git(["config", "submodule.recurse", "true"]);
        space.git(["config", "core.autocrlf", "input"]);
        space.git(["config", "diff.renames", "copies"]);
        space.git(["config", "index.threads", "true"]);
        space.git(["config", "feature.manyFiles", "true"]);
        "."
    }),
    ("git folder elsewhere", |space| {
        space.init("app");
        let git = space.path("git-of-app");
        space.git_at(&space.path("app"), ["init", "-q", "--separate-git-dir", git.to_str().unwrap()]);
        "app"
    }),
    ("git folder outside the workspace", |space| {
        space.init("app");
        let git = space.home().join("git-of-app");
        space.git_at(&space.path("app"), ["init", "-q", "--separate-git-dir", git.to_str().unwrap()]);
        "app"
    }),
    ("shared clone", |space| {
        space.init("origin");
        space.git(["clone", "-q", "--shared", "origin", "app"]);
        "app"
    }),
    ("shallow clone", |space| {
        space.init("origin");
        space.git_at(&space.path("origin"), ["commit", "-q", "--allow-empty", "-m", "begin again"]);
        let url = format!("file://{}", space.path("origin").display());
        space.git(["clone", "-q", "--depth=1", &url, "app"]);
        "app"
    }),
    ("relative worktrees", |space| {
        space.init(".");
        if git_is(2, 48) {
            space.git(["config", "worktree.useRelativePaths", "true"]);
        }
        "."
    }),
    ("a name with spaces and letters of many lands", |space| {
        space.init("my äpp (1)");
        "my äpp (1)"
    }),
];

fn init(space: &Workspace, further: &[&str]) -> &'static str {
    let at = space.path("app");
    fs::create_dir_all(&at).unwrap();
    let args = ["init", "-q", "-b", "main"].iter().chain(further);
    space.git_at(&at, args);
    fs::write(at.join("README.md"), "hello\n").unwrap();
    space.git_at(&at, ["add", "-A"]);
    space.git_at(&at, ["commit", "-q", "-m", "begin"]);
    "app"
}

/// Create, work, list, destroy, undo, rebuild from git, destroy for good.
fn whole_life(space: &Workspace, kind: &str, repository: &str) {
    let at = space.path(repository);
    let refs = space.git_at(&at, ["for-each-ref"]);
    let mut create = vec!["create", "one"];
    if repository != "." {
        create.extend(["--repo", repository]);
    }
    space.run(&create).succeeds();
    let folder = space.work_in("one");
    assert!(space.git_at(&folder, ["log", "--format=%s"]).contains("begin"), "{kind}");
    let record = space.record("one");
    let shown = &space.json(["list"])[0];
    assert_eq!(shown["modified"], 2, "{kind}: {shown}");
    assert_eq!(shown["untracked"], 1, "{kind}: {shown}");
    let held = files(&folder);
    space.run(["destroy", "one"]).fails(6).says("--modified");
    assert_same(&held, &files(&folder));
    space.run(["destroy", "one", "--force", "--delete-branch"]).succeeds();
    assert!(!folder.exists(), "{kind}");
    space.run(["undo"]).succeeds();
    assert_same(&held, &files(&folder));
    let status = space.git_at(&folder, ["status", "--porcelain", "-unormal"]);
    assert_eq!(status, "M README.md\nA  staged.txt\n?? new.txt", "{kind}");
    space.lose_state();
    let restored = space.json(["restore"]);
    assert_eq!(restored["restored"], 1, "{kind}: {restored}");
    assert_eq!(space.record("one")["branch"], record["branch"], "{kind}");
    assert_eq!(space.record("one")["repository"], record["repository"], "{kind}");
    assert_same(&held, &files(&folder));
    space.run(["doctor"]).succeeds();
    space.run(["destroy", "one", "--force", "--delete-branch"]).succeeds();
    space.run(["trash", "empty", "--yes"]).succeeds();
    assert_eq!(space.git_at(&at, ["for-each-ref"]), refs, "{kind}");
    assert_eq!(space.worktrees(), 0, "{kind}");
}

#[test]
fn a_session_lives_on_every_kind_of_repository() {
    for (kind, make) in KINDS {
        eprintln!("on: {kind}");
        let space = Workspace::empty();
        let repository = make(&space);
        whole_life(&space, kind, repository);
    }
}

#[test]
fn a_repository_whose_git_folder_lies_beside_it_is_one_and_not_two() {
    let space = Workspace::empty();
    space.init("app");
    let git = space.path("git-of-app");
    let move_git = ["init", "-q", "--separate-git-dir", git.to_str().unwrap()];
    space.git_at(&space.path("app"), move_git);
    space.run(["create", "one"]).succeeds();
    assert_eq!(space.record("one")["repository"], "app");
}

#[test]
fn a_submodule_goes_and_comes_with_its_session() {
    let space = Workspace::empty();
    space.init("library");
    space.init("app");
    let app = space.path("app");
    let file = ["-c", "protocol.file.allow=always"];
    let url = space.path("library");
    let add = ["submodule", "--quiet", "add", url.to_str().unwrap(), "lib"];
    space.git_at(&app, file.iter().chain(&add));
    space.git_at(&app, ["commit", "-qm", "with a library"]);
    space.run(["create", "inside", "--repo", "app/lib"]).fails(6).says("is a submodule");
    space.run(["create", "one", "--repo", "app"]).succeeds();
    let folder = space.worktree("one");
    space.git_at(&folder, file.iter().chain(&["submodule", "--quiet", "update", "--init"]));
    fs::write(folder.join("lib/README.md"), "changed in the library\n").unwrap();
    fs::write(folder.join("lib/new.txt"), "new in the library\n").unwrap();
    let held = files(&folder);
    space.run(["destroy", "one"]).fails(6).says("lib");
    space.run(["destroy", "one", "--force"]).succeeds();
    space.run(["undo"]).succeeds();
    assert_same(&held, &files(&folder));
    let status = space.git_at(&folder.join("lib"), ["status", "--porcelain"]);
    assert_eq!(status, "M README.md\n?? new.txt");
}

#[test]
fn repositories_without_a_commit_are_refused_with_what_to_do() {
    let space = Workspace::empty();
    space.run(["create", "one"]).fails(3).says("git init");
    space.git(["init", "-q", "-b", "main"]);
    space.run(["create", "one"]).fails(2).says("commit once");
    assert_eq!(space.worktrees(), 0);
    assert_eq!(space.names(), Vec::<String>::new());
    space.git(["commit", "-q", "--allow-empty", "-m", "begin"]);
    space.run(["create", "one"]).succeeds();
}

#[test]
fn an_extension_that_git_does_not_know_is_refused_and_touches_nothing() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    space.run(["restore"]).succeeds();
    space.git(["config", "core.repositoryFormatVersion", "1"]);
    space.git(["config", "extensions.fromTheFuture", "true"]);
    let (git, held) = (tree(&space.path(".git")), files(&folder));
    for args in [&["create", "two"][..], &["destroy", "s1"], &["destroy", "s1", "--force"]] {
        let ran = space.run(args).fails(1);
        assert!(ran.stderr().to_lowercase().contains("fromthefuture"), "{}", ran.stderr());
    }
    space.run(["list"]).succeeds();
    space.run(["restore"]).succeeds();
    space.run(["doctor"]);
    assert_same(&held, &files(&folder));
    assert_same(&git, &tree(&space.path(".git")));
    assert_eq!(space.names(), ["s1"]);
    space.git(["config", "--file", ".git/config", "--unset", "extensions.fromTheFuture"]);
    space.run(["create", "two"]).succeeds();
}

#[test]
fn relative_pointers_work_where_this_git_knows_them() {
    if !git_is(2, 48) {
        eprintln!("left out: this git knows no extensions.relativeWorktrees");
        return;
    }
    let space = Workspace::new();
    space.git(["config", "worktree.useRelativePaths", "true"]);
    whole_life(&space, "relative worktrees", ".");
    space.run(["create", "two"]).succeeds();
    let folder = space.worktree("two");
    let pointer = fs::read_to_string(folder.join(".git")).unwrap();
    assert!(pointer.starts_with("gitdir: ../../"), "{pointer}");
}

#[test]
fn one_broken_repository_does_not_stop_the_others() {
    let damage: [fn(&Path); 4] = [
        |at| fs::write(at.join(".git/HEAD"), "garbage\n").unwrap(),
        |at| fs::write(at.join(".git/config"), "[[[not a configuration\n").unwrap(),
        |at| fs::remove_dir_all(at.join(".git/objects")).unwrap(),
        |at| fs::remove_dir_all(at).unwrap(),
    ];
    for (number, damage) in damage.iter().enumerate() {
        let space = Workspace::empty();
        space.init("good");
        space.init("bad");
        space.run(["create", "in-good", "--repo", "good"]).succeeds();
        space.run(["create", "in-bad", "--repo", "bad"]).succeeds();
        let (good, bad) = (space.work_in("in-good"), space.work_in("in-bad"));
        let held = files(&bad);
        damage(&space.path("bad"));
        space.run(["list"]).succeeds().says("in-bad");
        space.run(["doctor"]).fails(1).says("bad");
        space.run(["create", "more", "--repo", "good"]).succeeds();
        let restored = space.json(["restore"]);
        assert_eq!(restored["restored"], 3, "{number}: {restored}");
        space.run(["destroy", "in-good", "--force"]).succeeds();
        space.run(["undo"]).succeeds();
        assert!(good.join("new.txt").exists());
        assert!(!space.run(["destroy", "in-bad"]).output.status.success(), "{number}");
        space.run(["doctor", "--fix"]).fails(1);
        assert_same(&held, &files(&bad));
        assert!(space.names().contains(&"in-bad".to_owned()), "{number}");
    }
}

#[test]
fn started_inside_a_worktree_the_workspace_is_the_same() {
    let space = Workspace::with_sessions(1);
    let started_in = |folder: &Path, args: &[&str]| {
        let mut command = space.command();
        command.env_remove("WHARF_WORKSPACE").current_dir(folder).args(args);
        Ran { output: command.output().unwrap() }.succeeds()
    };
    let session = space.worktree("s1");
    started_in(&session.join("src"), &["create", "from-session"]);
    started_in(&space.path("src"), &["create", "from-below"]);
    assert_eq!(space.names(), ["s1", "from-session", "from-below"]);
    let heads = ["s1", "from-session", "from-below"].map(|it| space.worktree(it));
    assert!(heads.iter().all(|it| it.parent() == session.parent()), "{heads:?}");
    let by_hand = space.path("by-hand");
    space.git(["worktree", "add", "-q", "-b", "by-hand", by_hand.to_str().unwrap()]);
    started_in(&by_hand, &["create", "from-by-hand"]);
    assert_eq!(space.names().len(), 4);
}
