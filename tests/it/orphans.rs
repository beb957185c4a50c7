//! Gits that are at work on their own: one whose wharf was killed is waited for, and the locks of a person's are left alone.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::{Workspace, git_command, invariants, pool::meddling, pty::PATIENCE};

#[track_caller]
fn until_there(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} never is there", path.display());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_ref_that_an_orphan_is_about_to_write_is_waited_for() {
    let space = Workspace::with_sessions(1);
    fs::write(space.worktree("s1").join("README.md"), "changed\n").unwrap();
    let script = "case \"$*\" in *update-ref*) if mkdir \"$HOME/begun\" 2>/dev/null; then\n\
                  sleep 1; \"$real\" \"$@\"; code=$?; mkdir \"$HOME/ended\"; exit $code; fi ;; esac\n\
                  exec \"$real\" \"$@\"";
    let mut command = space.command();
    command.env("PATH", meddling(&space, script)).args(["destroy", "s1", "--force"]);
    let mut destroy = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_there(&space.home().join("begun"));
    destroy.kill().unwrap();
    destroy.wait().unwrap();
    space.run(["restore"]).succeeds();
    until_there(&space.home().join("ended"));
    invariants::restored(&space, &[], "an orphan that writes a ref");
}

/// A create that failed leaves a mark that work was cut short, and the next one looks for locks of dead gits.
#[test]
fn the_locks_of_a_git_in_another_session_stay() {
    let space = Workspace::empty();
    space.init("app");
    space.run(["create", "here"]).succeeds();
    let (app, folder) = (space.path("app"), space.worktree("here"));
    fs::write(app.join(".gitattributes"), "*.bad filter=fails\n").unwrap();
    fs::write(app.join("file.bad"), "text\n").unwrap();
    space.git_at(&app, ["add", "-A"]);
    space.git_at(&app, ["commit", "-q", "-m", "a filter"]);
    for (key, value) in [("smudge", "false"), ("clean", "cat"), ("required", "true")] {
        space.git_at(&app, ["config", &format!("filter.fails.{key}"), value]);
    }
    let fails = |name: &str| assert!(!space.run(["create", name]).output.status.success());
    fails("first");
    let (begun, go, hook) =
        (space.home().join("begun"), space.home().join("go"), app.join(".git/hooks/reference-transaction"));
    let script = format!(
        "#!/bin/sh\n[ $1 = prepared ] || exit 0\nmkdir -p '{}'\nleft=400\n\
         while [ ! -e '{}' ] && [ $left -gt 0 ]; do sleep 0.05; left=$((left - 1)); done\nexit 0\n",
        begun.display(),
        go.display()
    );
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("README.md"), "mine\n").unwrap();
    let mut commit = git_command(&folder);
    let commit = commit.args(["commit", "-qam", "mine"]).stderr(Stdio::piped()).spawn().unwrap();
    until_there(&begun);
    fails("second");
    fs::create_dir(go).unwrap();
    let ended = commit.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(space.git_at(&folder, ["log", "-1", "--format=%s"]), "mine");
}
