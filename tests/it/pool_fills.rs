//! What a person does in a worktree of the pool that never became ready, or whose taking was cut short: it stays.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Ran, Workspace, invariants,
    pool::{commit, fill, filled, id, is_changed, meddling, only, slots, wharf, with_old_base},
    pty::PATIENCE,
    strace,
};

const MINE: &str = "mine\n";

/// The only folder below `.worktrees`.
fn half_filled(space: &Workspace) -> PathBuf {
    let folders = fs::read_dir(space.path(".worktrees")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| path.join(".git").exists()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

#[test]
fn what_is_done_after_a_first_fill_was_killed_stays() {
    if !strace::is_there() {
        return;
    }
    for does_commit in [false, true] {
        let space = Workspace::new();
        let mut command = space.command();
        command.args(["pool", "fill", "--size", "1"]);
        // Every file is there and the seal is not.
        let kill = "inject=syncfs:signal=KILL:when=1";
        let wrapper = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=syncfs", "-e", kill];
        strace::under(&wrapper, &command).output().unwrap();
        let folder = half_filled(&space);
        fs::write(folder.join("README.md"), MINE).unwrap();
        if does_commit {
            space.git_at(&folder, ["commit", "-qam", "mine"]);
        }
        let head = space.git_at(&folder, ["rev-parse", "HEAD"]);
        space.run(["restore"]).succeeds().says("somebody changed something in it");
        fill(&space, 1);
        assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), MINE);
        assert_eq!(space.git_at(&folder, ["rev-parse", "HEAD"]), head);
    }
}

#[test]
fn what_is_committed_while_a_first_fill_ends_stays() {
    let script = "case \"$*\" in *rev-parse*HEAD*)\n\
                  if [ -n \"$GIT_WORK_TREE\" ] && ! grep -q mine \"$GIT_WORK_TREE/README.md\"; then (\n\
                  cd \"$GIT_WORK_TREE\" && unset GIT_WORK_TREE && printf 'mine\\n' > README.md &&\n\
                  \"$real\" -c user.name=a -c user.email=a commit -qam mine ) fi ;; esac\n\
                  exec \"$real\" \"$@\"";
    let space = Workspace::new();
    wharf(&space, script, &["pool", "fill", "--size", "1"]).succeeds();
    let folder = half_filled(&space);
    assert!(is_changed(&space, &folder), "{}", space.json(["pool", "status"]));
    assert_eq!(space.git_at(&folder, ["log", "-1", "--format=%s"]), "mine");
}

/// Killed after git has moved the worktree, and the table that knows of the session is lost.
#[test]
fn a_take_that_nothing_remembers_is_cleared_away_or_said() {
    let script = "\"$real\" \"$@\"; code=$?\ncase \"$*\" in *switch*) kill -9 $PPID ;; esac\nexit $code";
    for is_worked_in in [false, true] {
        let space = with_old_base();
        let folder = only(&space);
        wharf(&space, script, &["create", "one"]);
        assert_eq!(fs::read_to_string(folder.join("1.txt")).unwrap(), "moved\n", "git did not come that far");
        if is_worked_in {
            fs::write(folder.join("new.txt"), MINE).unwrap();
        }
        space.lose_state();
        let ran = space.run(["restore"]).succeeds();
        if is_worked_in {
            ran.says("somebody changed something in it");
            assert_eq!(fs::read_to_string(folder.join("new.txt")).unwrap(), MINE);
        } else {
            invariants::restored(&space, &["feature/one"], "a take that nothing remembers");
        }
        assert_eq!(space.names(), Vec::<String>::new());
    }
}

#[test]
fn one_session_that_cannot_be_looked_into_does_not_keep_the_pool_empty() {
    let space = filled(1);
    space.run(["create", "one"]).succeeds();
    let kept = space.path(".git/worktrees").join(id(&space, "one")).join("wharf.index");
    fs::remove_file(&kept).unwrap();
    fs::create_dir(&kept).unwrap();
    fill(&space, 1);
    assert_eq!(slots(&space, "ready").len(), 1);
}

#[track_caller]
fn until_there(path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < deadline, "{} does not come", path.display());
        thread::sleep(Duration::from_millis(5));
    }
}

/// A PATH with a git that stops in the middle of a fill until a file is there, and says that it is there by another one.
fn halting(space: &Workspace) -> (String, PathBuf, PathBuf) {
    let (at_work, go) = (space.home().join("at-work"), space.home().join("go"));
    let script = format!(
        "case \"$*\" in *rev-parse*HEAD*) if [ -n \"$GIT_WORK_TREE\" ]; then : > '{}'\n\
         while [ ! -e '{}' ]; do sleep 0.01; done; fi ;; esac\nexec \"$real\" \"$@\"",
        at_work.display(),
        go.display()
    );
    (meddling(space, &script), at_work, go)
}

#[test]
fn a_drain_waits_for_whoever_fills_and_no_other_is_made() {
    let space = Workspace::new();
    let (path, at_work, go) = halting(&space);
    let begin = |args: &[&str], path: Option<&str>| {
        let mut command = space.command();
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(path) = path {
            command.env("PATH", path);
        }
        command.spawn().unwrap()
    };
    let filler = begin(&["pool", "fill", "--size", "3"], Some(&path));
    until_there(&at_work);
    let drain = begin(&["pool", "drain"], None);
    until_there(&space.path(".git/wharf.pool/drained"));
    fs::write(&go, "").unwrap();
    Ran { output: drain.wait_with_output().unwrap() }.succeeds().says("1 removed");
    Ran { output: filler.wait_with_output().unwrap() }.succeeds().says("1 made").says("emptied meanwhile");
    space.run(["pool", "status"]).succeeds().says("no worktree is kept ready");
    invariants::restored(&space, &[], "a drain beside a fill");

    // Who was about to begin in the background makes none; what a create wants is made again.
    let behind = || {
        let mut command = space.command();
        command.env("WHARF_POOL_SIZE", "1").args(["behind", "fill-pool"]).arg(space.root());
        Ran { output: command.output().unwrap() }.succeeds();
    };
    behind();
    assert_eq!(slots(&space, "ready").len(), 0);
    let mut command = space.command();
    command.env("WHARF_POOL_SIZE", "1").args(["create", "one"]);
    Ran { output: command.output().unwrap() }.succeeds();
    behind();
    assert_eq!(slots(&space, "ready").len(), 1);
}

fn begin_fill(space: &Workspace, path: Option<&str>) -> Child {
    let mut command = space.command();
    command.args(["pool", "fill", "--size", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.spawn().unwrap()
}

#[test]
fn a_fill_waits_for_whoever_fills_but_not_for_ever_and_says_so() {
    let space = Workspace::new();
    let (path, at_work, go) = halting(&space);
    let filler = begin_fill(&space, Some(&path));
    until_there(&at_work);
    // It waits no longer than for anybody at work with a repository.
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[git]\ntime_limit = 1\n").unwrap();
    let late = space.run(["pool", "fill", "--size", "1"]);
    let late = late.fails(4).says("0 made, 0 ready; another process fills it");
    late.says("still at work on the pool of .").says("wharf pool status");
    fs::remove_file(space.path(".wharf/config.toml")).unwrap();
    let waiter = begin_fill(&space, None);
    fs::write(&go, "").unwrap();
    Ran { output: filler.wait_with_output().unwrap() }.succeeds().says("1 made, 1 ready");
    Ran { output: waiter.wait_with_output().unwrap() }.succeeds().says("0 made, 1 ready");
}

/// The one it waited for was killed, and the repository went on.
#[test]
fn who_waited_for_a_fill_goes_by_what_is_there_then() {
    let space = Workspace::new();
    let (path, at_work, go) = halting(&space);
    let mut filler = begin_fill(&space, Some(&path));
    until_there(&at_work);
    let waiter = begin_fill(&space, None);
    until_it_has_open(waiter.id(), &space.path(".git/wharf.pool-lock"));
    commit(&space, "new.txt", "new\n");
    filler.kill().unwrap();
    filler.wait().unwrap();
    // The git that it had begun holds the lock with it.
    fs::write(&go, "").unwrap();
    Ran { output: waiter.wait_with_output().unwrap() }.succeeds().says("1 made, 1 ready");
    assert_eq!(slots(&space, "broken"), BTreeSet::new());
    assert_eq!(fs::read_to_string(only(&space).join("new.txt")).unwrap(), "new\n");
}

#[track_caller]
fn until_it_has_open(pid: u32, path: &Path) {
    let deadline = Instant::now() + PATIENCE;
    let is_open = || {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        open.flatten().any(|it| fs::read_link(it.path()).is_ok_and(|to| to == path))
    };
    while !is_open() {
        assert!(Instant::now() < deadline, "{} is not opened", path.display());
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn who_fills_in_the_background_hears_of_another_size() {
    for (before, after) in [(3, 1), (1, 2), (2, 0)] {
        let space = Workspace::new();
        space.run(["pool", "fill", "--size", "0"]).succeeds();
        let (path, at_work, go) = halting(&space);
        let set = |size: usize| {
            let settings = space.path(".wharf/config.toml");
            fs::create_dir_all(settings.parent().unwrap()).unwrap();
            fs::write(settings, format!("[pool]\nsize = {size}\n")).unwrap();
        };
        set(before);
        let mut command = space.command();
        command
            .env_remove("WHARF_POOL_SIZE")
            .env("PATH", path)
            .args(["behind", "fill-pool"])
            .arg(space.root());
        let filler = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until_there(&at_work);
        set(after);
        fs::write(&go, "").unwrap();
        Ran { output: filler.wait_with_output().unwrap() }.succeeds();
        // What was begun is made ready.
        assert_eq!(slots(&space, "ready").len(), after.max(1), "from {before} to {after}");
    }
}
