//! What a session needs beside what git checks out: ignored files, lines that are run when it is made and before it goes.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
    process::Stdio,
};

use crate::support::{Workspace, contexts::eventually};

/// A repository that names `.env`, `config/*.local` and more as what its worktrees need.
fn needy() -> Workspace {
    let space = Workspace::new();
    let write = |path: &str, text: &str| {
        let path = space.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(".gitignore", "build/\n*.log\n.env*\n*.local\nlinked\nvendor/\n");
    write(
        ".worktreeinclude",
        "# what a checkout lacks\n.env*\n!.env.old\n*.local\nlinked\nvendor/\nplain.txt\n",
    );
    space.git(["add", "-A"]);
    space.git(["commit", "-q", "-m", "names its needs"]);
    write(".env", "KEY=value\n");
    write(".env.old", "KEY=old\n");
    write("config/deep/app.local", "local\n");
    write("vendor/lib/one.txt", "one\n");
    write("plain.txt", "untracked, and not ignored\n");
    write("build/output", "ignored, and not named\n");
    space
}

/// The user's own settings.
fn settings(space: &Workspace, text: &str) {
    let folder = space.home().join(".config/wharf");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

fn setup_of(space: &Workspace, name: &str) -> serde_json::Value {
    space.json(["show", name])["setup"].clone()
}

#[test]
fn a_new_worktree_gets_the_ignored_files_that_are_named() {
    let space = needy();
    fs::set_permissions(space.path(".env"), fs::Permissions::from_mode(0o640)).unwrap();
    space.run(["create", "s1"]).succeeds();
    let folder = space.worktree("s1");
    let read = |path: &str| fs::read_to_string(folder.join(path)).ok();
    assert_eq!(read(".env").as_deref(), Some("KEY=value\n"));
    assert_eq!(fs::metadata(folder.join(".env")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(read("config/deep/app.local").as_deref(), Some("local\n"));
    assert_eq!(read("vendor/lib/one.txt").as_deref(), Some("one\n"));
    assert_eq!(read(".env.old"), None, "a pattern takes it out again");
    assert_eq!(read("build/output"), None, "nobody named it");
    assert_eq!(read("plain.txt"), None, "git would show it as untracked");
    assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "");
    assert!(setup_of(&space, "s1").is_null());
    space.run(["create", "s2", "--no-setup"]).succeeds();
    assert!(!space.worktree("s2").join(".env").exists());
    assert!(setup_of(&space, "s2").is_null(), "nothing is missing that was asked for");
}

#[test]
fn what_is_there_stays_and_a_second_setup_brings_the_rest() {
    let space = needy();
    space.run(["create", "s1"]).succeeds();
    let folder = space.worktree("s1");
    fs::write(folder.join(".env"), "KEY=mine\n").unwrap();
    fs::remove_file(folder.join("config/deep/app.local")).unwrap();
    let told = space.json(["setup", "s1"]);
    assert_eq!(
        (&told["copied"], &told["leftOut"], &told["lines"]),
        (&1.into(), &2.into(), &0.into()),
        "{told}"
    );
    assert_eq!(told["examples"][0]["path"], ".env");
    assert_eq!(told["examples"][0]["because"], "it is there already");
    assert_eq!(fs::read_to_string(folder.join(".env")).unwrap(), "KEY=mine\n");
    assert_eq!(fs::read_to_string(folder.join("config/deep/app.local")).unwrap(), "local\n");
    space.run(["setup", "nobody"]).fails(3);
}

#[test]
fn no_link_is_followed_on_either_side() {
    let space = needy();
    let outside = Workspace::empty();
    fs::write(outside.path("secret.local"), "secret\n").unwrap();
    symlink(outside.root(), space.path("linked")).unwrap();
    symlink(outside.path("secret.local"), space.path("link.local")).unwrap();
    fs::create_dir_all(space.path("out")).unwrap();
    fs::write(space.path("out/app.local"), "app\n").unwrap();
    space.run(["create", "s1", "--no-setup"]).succeeds();
    let folder = space.worktree("s1");
    // The worktree's own folder leads out by now.
    symlink(outside.root(), folder.join("out")).unwrap();
    let told = space.json(["setup", "s1"]);
    let left: Vec<&str> =
        told["examples"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert!(left.contains(&"link.local") && left.contains(&"linked"), "{told}");
    assert!(!folder.join("linked").exists() && !folder.join("link.local").exists());
    assert!(!outside.path("app.local").exists(), "nothing is written through a link");
    assert_eq!(fs::read_to_string(folder.join(".env")).unwrap(), "KEY=value\n");
}

#[test]
fn lines_of_the_user_run_in_a_new_session_and_are_seen() {
    let space = Workspace::new();
    settings(
        &space,
        "[setup]\ncommands = [\"echo to $WHARF_SESSION_NAME; echo err >&2\", \"pwd > where.log\"]\n",
    );
    let ran = space.run(["create", "s1"]).succeeds();
    assert!(
        ran.stderr().contains("$ pwd > where.log") && ran.stderr().contains("to s1\nerr\n"),
        "{}",
        ran.stderr()
    );
    let folder = space.worktree("s1");
    let seen = fs::read_to_string(folder.join("where.log")).unwrap();
    assert_eq!(PathBuf::from(seen.trim()), folder.canonicalize().unwrap());
    let id = space.json(["show", "s1"])["id"].as_str().unwrap().to_owned();
    let kept = space.path(".wharf/sessions").join(id).join("setup.log");
    assert_eq!(fs::read_to_string(kept).unwrap(), "to s1\nerr\n");
    let ran = space.run(["create", "s2", "--json"]).succeeds();
    assert_eq!(ran.stderr(), "", "a script reads the file");
    assert_eq!(ran.json()["name"], "s2");
}

#[test]
fn lines_that_a_repository_brings_along_run_only_where_they_are_trusted() {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    let own = "[setup]\ncommands = [\"touch ran.log\"]\nteardown = [\"touch ../../torn\"]\n";
    fs::write(space.path(".wharf/config.toml"), own).unwrap();
    space.run(["create", "s1"]).succeeds().says("setup.trust");
    assert!(!space.worktree("s1").join("ran.log").exists());
    assert!(setup_of(&space, "s1").is_null());
    space.run(["destroy", "s1"]).succeeds();
    assert!(!space.path("torn").exists());
    fs::write(space.path(".wharf/config.toml"), format!("{own}trust = true\n")).unwrap();
    space.run(["create", "s2"]).fails(2).says("setup.trust");
    fs::write(space.path(".wharf/config.toml"), own).unwrap();
    settings(&space, "[setup]\ntrust = true\n");
    space.run(["create", "s2"]).succeeds();
    assert!(space.worktree("s2").join("ran.log").exists());
    space.run(["destroy", "s2", "--ignored"]).succeeds();
    assert!(space.path("torn").exists());
}

#[test]
fn a_line_that_fails_keeps_the_session_or_takes_it_back() {
    let space = Workspace::new();
    settings(&space, "[setup]\ncommands = [\"touch one.log\", \"echo no; exit 3\", \"touch two.log\"]\n");
    let ran = space.run(["create", "s1", "--json"]).fails(1);
    assert_eq!(ran.error()["code"], "SETUP_FAILED");
    assert!(ran.error()["message"].as_str().unwrap().contains("exit code 3"));
    assert!(ran.error()["hint"].as_str().unwrap().contains("the session stays, `wharf setup s1`"));
    assert_eq!(setup_of(&space, "s1"), "failed");
    let folder = space.worktree("s1");
    assert!(folder.join("one.log").exists() && !folder.join("two.log").exists());
    space.run(["list"]).succeeds().says("setup failed");
    assert_eq!(space.json(["restore"])["notSetUp"], serde_json::json!(["s1"]));
    settings(&space, "[setup]\ncommands = [\"touch two.log\"]\n");
    space.run(["setup", "s1"]).succeeds();
    assert!(folder.join("two.log").exists() && setup_of(&space, "s1").is_null());
    settings(&space, "[setup]\ncommands = [\"echo work > new.txt; exit 1\"]\non_failure = \"undo\"\n");
    space.run(["create", "s2"]).fails(1).says("exit code 1").says("in the trash, `wharf undo s2`");
    assert_eq!(space.names(), ["s1"]);
    assert!(!space.branches().contains(&"feature/s2".to_owned()));
    space.run(["undo", "s2"]).succeeds();
    assert_eq!(fs::read_to_string(space.worktree("s2").join("new.txt")).unwrap(), "work\n");
    space.git(["branch", "mine"]);
    space.run(["create", "s3", "--branch", "mine"]).fails(1);
    assert!(space.branches().contains(&"mine".to_owned()), "a branch that was there stays");
}

#[test]
fn a_line_that_takes_too_long_ends_with_all_it_started() {
    let space = Workspace::new();
    settings(
        &space,
        "[setup]\ncommands = [\"(setsid sleep 1000 & echo $! > left.log); sleep 1000 & echo $! > pid.log; sleep 1000\"]\ntime_limit = 3\n",
    );
    space.run(["create", "s1"]).fails(1).says("setup.time_limit");
    for log in ["pid.log", "left.log"] {
        let pid = fs::read_to_string(space.worktree("s1").join(log)).unwrap();
        let stat = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        eventually("what the line started is gone", || {
            fs::read_to_string(&stat).map_or(true, |it| it.contains(") Z "))
        });
    }
}

#[test]
fn a_setup_that_was_killed_says_so_and_can_be_done_again() {
    let space = needy();
    settings(
        &space,
        "[setup]\ncommands = [\"touch begun.log; while [ ! -e go.log ]; do sleep 0.01; done\"]\n",
    );
    let mut command = space.command();
    command.args(["create", "s1"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("the line runs", || {
        space.names() == ["s1"] && space.worktree("s1").join("begun.log").exists()
    });
    assert_eq!(setup_of(&space, "s1"), "unfinished");
    space.run(["setup", "s1"]).fails(4).says("being set up or torn down by process");
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = space.worktree("s1");
    // The shell itself goes on until it may end; who killed us can wait for that.
    assert_eq!(space.json(["restore"])["notSetUp"], serde_json::json!(["s1"]));
    space.run(["restore"]).succeeds().says("wharf setup s1");
    assert!(folder.join(".env").exists());
    fs::write(folder.join("go.log"), "").unwrap();
    space.run(["setup", "s1"]).succeeds();
    assert!(setup_of(&space, "s1").is_null());
    assert_eq!(space.json(["restore"])["notSetUp"], serde_json::json!([]));
}

#[test]
fn who_is_being_set_up_is_not_destroyed_not_even_by_force() {
    let space = needy();
    settings(
        &space,
        "[setup]\ntime_limit = 60\ncommands = [\"touch begun.log; while [ ! -e go.log ]; do sleep 0.01; done; touch done.log\"]\n",
    );
    let mut command = space.command();
    command.args(["create", "s1"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("the line runs", || {
        space.names() == ["s1"] && space.worktree("s1").join("begun.log").exists()
    });
    let folder = space.worktree("s1");
    for args in [&["--force"][..], &["--force", "--no-teardown"], &["--force", "--dry-run"]] {
        let ran = space.run(["destroy", "s1"].iter().chain(args));
        ran.fails(4).says(&format!("being set up or torn down by process {}", child.id())).says("setup.log");
        assert!(folder.join("begun.log").exists(), "{args:?}");
    }
    assert_eq!(setup_of(&space, "s1"), "unfinished");
    fs::write(folder.join("go.log"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(folder.join("done.log").exists() && setup_of(&space, "s1").is_null());
    space.run(["destroy", "s1", "--force"]).succeeds();
    assert!(!folder.exists() && space.names().is_empty());
}

#[test]
fn a_teardown_runs_first_and_its_failure_keeps_the_session() {
    let space = Workspace::new();
    settings(
        &space,
        "[setup]\nteardown = [\"echo $WHARF_BRANCH >> $WHARF_REPOSITORY/.wharf/torn\", \"exit $CODE\"]\n",
    );
    space.run(["create", "s1"]).succeeds();
    fs::write(space.worktree("s1").join("work.txt"), "work\n").unwrap();
    let torn = || fs::read_to_string(space.path(".wharf/torn")).unwrap_or_default();
    space.run_with(&[("CODE", "0")], &["destroy", "s1"]).fails(6);
    assert_eq!(torn(), "", "a destroy that is refused tears nothing down");
    space.run_with(&[("CODE", "2")], &["destroy", "s1", "--untracked"]).fails(1).says("--no-teardown");
    assert_eq!((torn().as_str(), space.names().len()), ("feature/s1\n", 1));
    space.run_with(&[("CODE", "2")], &["destroy", "s1", "--dry-run"]).succeeds();
    assert_eq!(torn(), "feature/s1\n");
    space.run_with(&[("CODE", "2")], &["destroy", "s1", "--untracked", "--no-teardown"]).succeeds();
    assert_eq!(torn(), "feature/s1\n");
    space.run(["undo"]).succeeds();
    space.run_with(&[("CODE", "0")], &["destroy", "s1", "--untracked"]).succeeds();
    assert_eq!(torn(), "feature/s1\nfeature/s1\n");
    space.run(["undo"]).succeeds();
    space.run_with(&[("CODE", "9")], &["destroy", "s1", "--force"]).succeeds().says("goes all the same");
}

#[test]
fn a_file_in_the_place_of_a_folder_is_left_alone_and_named() {
    let space = needy();
    space.run(["create", "s1", "--no-setup"]).succeeds();
    let blocked = space.worktree("s1").join("config");
    fs::write(&blocked, "mine\n").unwrap();
    let told = space.json(["setup", "s1"]);
    let named = told["examples"].as_array().unwrap();
    let of_config = named.iter().find(|it| it["path"] == "config/deep/app.local").unwrap();
    assert_eq!(of_config["because"], "a file is in the place of its folder");
    assert_eq!(fs::read_to_string(&blocked).unwrap(), "mine\n");
}
