//! What a person writes into a worktree of the pool, at whichever moment: it stays, and no session gets it unasked.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::support::{
    Ran, Workspace,
    contexts::eventually,
    invariants,
    pool::{commit, fill, filled, id, is_changed, meddling, only, slots, wharf, with_old_base},
    strace,
};

const MINE: &str = "mine\n";

#[test]
fn what_is_written_while_a_fill_moves_a_worktree_stays() {
    // Before git writes, after it, and in a new file; in a file that moves, and in one that does not.
    let scripts = [
        "case \"$*\" in *switch*) printf 'mine\\n' > \"$GIT_WORK_TREE/MINE\" ;; esac\nexec \"$real\" \"$@\"",
        "\"$real\" \"$@\"; code=$?\n\
         case \"$*\" in *switch*) printf 'mine\\n' > \"$GIT_WORK_TREE/MINE\" ;; esac\nexit $code",
    ];
    for script in scripts {
        for file in ["1.txt", "3.txt", "new.txt", "src/new.txt"] {
            let space = with_old_base();
            let folder = only(&space);
            let ran = wharf(&space, &script.replace("MINE", file), &["pool", "fill", "--size", "1"]);
            ran.succeeds();
            let what = format!("{script}: {file}");
            assert!(is_changed(&space, &folder), "{what}: {}", space.json(["pool", "status"]));
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE, "{what}");
            space.run(["pool", "drain"]).succeeds();
            space.run(["restore"]).succeeds();
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE, "{what}");
        }
    }
}

#[test]
fn what_is_written_before_a_fill_is_killed_stays() {
    let script = "\"$real\" \"$@\"; code=$?\n\
                  case \"$*\" in *switch*) printf 'mine\\n' > \"$GIT_WORK_TREE/MINE\"; kill -9 $PPID ;; esac\n\
                  exit $code";
    for file in ["1.txt", "3.txt", "new.txt"] {
        let space = with_old_base();
        let folder = only(&space);
        wharf(&space, &script.replace("MINE", file), &["pool", "fill", "--size", "1"]);
        space.run(["restore"]).succeeds();
        fill(&space, 1);
        assert!(is_changed(&space, &folder), "{file}: {}", space.json(["pool", "status"]));
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE, "{file}");
    }
}

/// Whoever removes a worktree looks at it, moves it away, and looks again.
#[test]
fn what_is_written_right_before_a_worktree_goes_stays() {
    let script = "\"$real\" \"$@\"; code=$?\n\
                  case \"$*\" in *status*) printf 'mine\\n' > \"$GIT_WORK_TREE/MINE\" ;; esac\nexit $code";
    for file in ["README.md", "src/new.txt"] {
        for args in [&["pool", "drain"][..], &["pool", "fill", "--size", "1"]] {
            let space = filled(1);
            let folder = only(&space);
            // Other settings: it has to be made anew.
            space.git(["config", "core.autocrlf", "input"]);
            wharf(&space, &script.replace("MINE", file), args).succeeds();
            assert!(is_changed(&space, &folder), "{args:?} {file}: {}", space.json(["pool", "status"]));
            assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE, "{args:?} {file}");
        }
    }
}

/// The same for who is killed between moving it away and putting it back.
#[test]
fn what_is_written_right_before_a_worktree_goes_outlives_a_kill_between_the_looks() {
    if !strace::is_there() {
        return;
    }
    let script = "\"$real\" \"$@\"; code=$?\n\
                  case \"$*\" in *status*) printf 'mine\\n' > \"$GIT_WORK_TREE/README.md\" ;; esac\nexit $code";
    let space = filled(1);
    let folder = only(&space);
    let mut command = space.command();
    command.env("PATH", meddling(&space, script)).args(["pool", "drain"]);
    let kill = "inject=rename:signal=KILL:when=2";
    strace::under(&["strace", "-qq", "-o", "/dev/null", "-e", "trace=rename", "-e", kill], &command)
        .output()
        .unwrap();
    assert!(!folder.exists(), "it was not killed between the looks");
    space.run(["restore"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), MINE);
    space.run(["pool", "drain"]).succeeds();
    assert!(is_changed(&space, &folder));
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), MINE);
}

#[test]
fn a_create_that_fails_at_its_last_step_leaves_what_somebody_wrote_before() {
    if !strace::is_there() {
        return;
    }
    // In a folder below, where nobody looks before a worktree is taken.
    let file = "src/new.txt";
    // With a state file that has all its backups, so that one create makes as many calls as the next.
    let space = Workspace::with_sessions(1);
    space.fill_backups("s1");
    fill(&space, 1);
    space.age_backups();
    let log = space.home().join("trace");
    let mut command = space.command();
    command.args(["create", "first"]);
    let wrapper = ["strace", "-qq", "-o", log.to_str().unwrap(), "-e", "trace=rename"];
    Ran { output: strace::under(&wrapper, &command).output().unwrap() }.succeeds();
    let renames = fs::read_to_string(&log).unwrap().lines().count();
    space.run(["destroy", "first", "--force", "--delete-branch"]).succeeds();
    fill(&space, 1);
    let folder = only(&space);
    fs::write(folder.join(file), MINE).unwrap();
    space.age_backups();
    let (ran, was_failed) = strace::failing_at(&space, ["create", "second"], "rename", "EIO", renames);
    assert!(was_failed && !ran.output.status.success(), "{}", ran.stderr());
    assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE);
    assert_eq!((space.names(), is_changed(&space, &folder)), (vec!["s1".to_owned()], true));
    space.run(["restore"]).succeeds().says("somebody changed something in it");
    assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), MINE);
    // The next one goes on as if nothing had been.
    space.run(["create", "third"]).succeeds();
    assert_ne!(space.worktree("third"), folder);
}

/// A workspace with more files than are looked at by one thread, and a worktree that is ready.
fn large() -> (Workspace, PathBuf) {
    let space = Workspace::new();
    for number in 0..1_001 {
        fs::write(space.path(&format!("src/{number}")), "").unwrap();
    }
    commit(&space, "src/lib.txt", "text\n");
    fill(&space, 1);
    let folder = only(&space);
    (space, folder)
}

#[test]
fn a_large_worktree_in_which_a_file_was_edited_is_no_sessions() {
    for edit in ["src/lib.txt", "src/7", "README.md"] {
        let (space, folder) = large();
        fs::write(folder.join(edit), MINE).unwrap();
        space.run(["create", "one"]).succeeds();
        assert_ne!(space.worktree("one"), folder, "{edit}");
        assert_eq!(space.git_at(&space.worktree("one"), ["status", "--porcelain"]), "", "{edit}");
        fill(&space, 1);
        assert!(is_changed(&space, &folder), "{edit}: {}", space.json(["pool", "status"]));
        assert_eq!(fs::read_to_string(folder.join(edit)).unwrap(), MINE);
    }
    let (space, folder) = large();
    space.run(["create", "one"]).succeeds();
    assert_eq!(space.worktree("one"), folder, "nobody edited anything");
}

/// Folders are not listed before a take. What was written there before it is found afterwards, and said.
#[test]
fn what_a_session_finds_in_its_worktree_from_before_is_said() {
    let (space, folder) = large();
    fs::write(folder.join("src/from-before"), MINE).unwrap();
    space.run(["create", "one"]).succeeds();
    assert_eq!(space.worktree("one"), folder, "no folder below is listed");
    // What the session does is its own.
    fs::write(folder.join("src/1"), "later\n").unwrap();
    fs::write(folder.join("src/later"), "later\n").unwrap();
    space.run(["pool", "fill", "--size", "0"]).succeeds();
    for said in [space.run(["doctor"]).succeeds().stdout(), space.run(["show", "one"]).succeeds().stderr()] {
        assert!(said.contains("before the session began: src/from-before"), "{said}");
        assert!(!said.contains("src/1") && !said.contains("later"), "{said}");
    }
    assert_eq!(fs::read_to_string(folder.join("src/from-before")).unwrap(), MINE);
}

/// Without anybody's work in it, such a create leaves nothing.
#[test]
fn a_warm_create_that_fails_at_any_step_leaves_nothing() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::new();
    for n in 1.. {
        fill(&space, 1);
        let name = format!("s{n}");
        let (ran, was_failed) = strace::failing_at(&space, ["create", &name], "rename", "EIO", n);
        if ran.output.status.success() {
            space.run(["destroy", &name, "--force", "--delete-branch"]).succeeds();
            space.run(["trash", "empty", "--yes"]).succeeds();
        }
        assert_eq!(slots(&space, "changed").len(), 0, "rename {n}");
        space.run(["pool", "drain"]).succeeds();
        invariants::restored(&space, &[], &format!("rename {n} fails: {}", ran.stderr()));
        if !was_failed {
            break;
        }
    }
}

/// A repository may have git pass over times that a backup or a change of owner leaves; whoever takes a worktree does not.
#[test]
fn files_whose_times_git_passes_over_are_looked_at_once_more_and_taken() {
    let space = filled(1);
    space.git(["config", "core.trustctime", "false"]);
    space.run(["pool", "drain"]).succeeds();
    fill(&space, 1);
    let folder = only(&space);
    let file = folder.join("README.md");
    let written = fs::metadata(&file).unwrap();
    // The same permissions once more: only the time of the change is another one, in the whole seconds that git compares.
    eventually("a second passes", || {
        fs::set_permissions(&file, written.permissions()).unwrap();
        fs::metadata(&file).unwrap().ctime() > written.ctime()
    });
    fill(&space, 1);
    assert_eq!(only(&space), folder, "it is kept");
    space.run(["create", "warm"]).succeeds();
    assert_eq!(folder.file_name().unwrap().to_str(), Some(&*id(&space, "warm")), "it is taken");
}

/// Git compares whole seconds, so to it a file is the one it was that is touched within the second it was written in.
#[test]
fn a_file_touched_in_the_second_it_was_written_costs_its_worktree_nothing() {
    let space = Workspace::new();
    let mut touched = None;
    eventually("a file is touched in the second it was written", || {
        space.run(["pool", "drain"]).succeeds();
        fill(&space, 1);
        let file = only(&space).join("README.md");
        let written = fs::metadata(&file).unwrap();
        fs::set_permissions(&file, written.permissions()).unwrap();
        let now = fs::metadata(&file).unwrap();
        touched = Some(only(&space));
        now.ctime() == written.ctime() && now.ctime_nsec() != written.ctime_nsec()
    });
    fill(&space, 1);
    assert_eq!(Some(only(&space)), touched, "it is kept");
    space.run(["create", "warm"]).succeeds();
    let name = touched.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
    assert_eq!(name, Some(&*id(&space, "warm")), "it is taken");
}
