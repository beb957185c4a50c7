//! Worktrees that are kept ready: a create takes one, nobody takes them for sessions, and what a person changed stays.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    Ran, Workspace, git_command, invariants, means,
    pool::{commit, fill, filled, id, only, slots},
    processes,
    pty::PATIENCE,
    strace,
};

type Change = fn(&Workspace, &Path);
type Break = fn(&Workspace, &Path, &Path);
type Configuration = &'static [[&'static str; 2]];

#[track_caller]
fn is_equal(space: &Workspace, name: &str) {
    let told = space.run(["debug", "verify-checkout", name, "--json"]).succeeds().json();
    assert_eq!(told["equal"], true, "{told}");
}

#[test]
fn a_create_takes_what_is_ready_and_it_becomes_a_session_like_any_other() {
    let space = filled(1);
    assert_eq!(space.names(), Vec::<String>::new(), "it is no session");
    let folder = only(&space);
    let before = fs::metadata(folder.join("README.md")).unwrap().modified().unwrap();
    space.run(["create", "one", "--meta", "owner=ann"]).succeeds();
    assert_eq!(space.worktree("one"), folder, "taken in place");
    assert_eq!(
        fs::metadata(folder.join("README.md")).unwrap().modified().unwrap(),
        before,
        "no file was written"
    );
    is_equal(&space, "one");
    invariants::whole(&space, &[], "a warm create");
    invariants::restored(&space, &[], "a warm create");
    let log = space.git(["reflog", "--format=%gs", "feature/one"]);
    assert!(log.starts_with("branch: Created from"), "{log}");
    space.run(["create", "two"]).succeeds();
    is_equal(&space, "two");
    invariants::whole(&space, &[], "a create after the pool was empty");
}

#[test]
fn the_next_one_is_made_in_the_background_after_the_answer() {
    let space = Workspace::new();
    let mut command = space.command();
    command.env("WHARF_POOL_SIZE", "2").env_remove("WHARF_BACKGROUND").args(["create", "one"]);
    Ran { output: command.output().unwrap() }.succeeds();
    let deadline = Instant::now() + PATIENCE;
    while slots(&space, "ready").len() < 2 {
        assert!(Instant::now() < deadline, "nobody fills the pool: {}", space.json(["pool", "status"]));
        thread::sleep(Duration::from_millis(20));
    }
    processes::until_nothing_is_behind(&space.root());
    let ready = slots(&space, "ready");
    space.run(["create", "two"]).succeeds();
    assert!(ready.contains(&id(&space, "two")));
    is_equal(&space, "two");
    space.run(["pool", "drain"]).succeeds().says("1 removed");
    invariants::restored(&space, &[], "the pool was drained");
}

#[test]
fn a_base_that_moved_gets_the_difference_and_one_that_is_far_a_worktree_of_its_own() {
    let space = Workspace::new();
    for number in 0..20 {
        commit(&space, &format!("many/{number}"), &format!("{number}\n"));
    }
    fill(&space, 2);
    let ready = slots(&space, "ready");
    commit(&space, "src/lib.txt", "changed\n");
    commit(&space, "new/file", "new\n");
    space.run(["create", "moved"]).succeeds();
    assert!(ready.contains(&id(&space, "moved")));
    is_equal(&space, "moved");
    assert_eq!(fs::read_to_string(space.worktree("moved").join("src/lib.txt")).unwrap(), "changed\n");
    space.run(["create", "far", "--from", "HEAD~21"]).succeeds();
    assert!(!ready.contains(&id(&space, "far")));
    is_equal(&space, "far");
    // Who fills brings what is left to the commit of today.
    fill(&space, 1);
    let head = space.git(["rev-parse", "HEAD"]);
    assert_eq!(space.json(["pool", "status"])["slots"][0]["commit"], head.as_str());
    assert!(ready.is_superset(&slots(&space, "ready")));
    invariants_after_drain(&space, "moved bases");
}

fn invariants_after_drain(space: &Workspace, after: &str) {
    space.run(["restore"]).succeeds();
    space.run(["pool", "drain"]).succeeds();
    invariants::restored(space, &[], after);
}

#[test]
fn a_branch_that_is_there_is_checked_out_in_a_warm_worktree_too() {
    let space = filled(1);
    let ready = slots(&space, "ready");
    space.git(["branch", "topic"]);
    space.run(["create", "one", "--branch", "main"]).fails(4);
    space.run(["create", "two"]).succeeds();
    space.run(["destroy", "two", "--delete-branch"]).succeeds();
    space.run(["trash", "empty", "--yes"]).succeeds();
    fill(&space, 1);
    assert!(ready.is_disjoint(&slots(&space, "ready")));
    let ready = slots(&space, "ready");
    space.run(["create", "three", "--branch", "topic"]).succeeds();
    assert!(ready.contains(&id(&space, "three")));
    is_equal(&space, "three");
    invariants_after_drain(&space, "a branch that was there");
}

/// What a person can do in a worktree of the pool; each of them is theirs and stays.
#[test]
fn a_worktree_that_somebody_changed_is_not_taken_and_not_removed() {
    let changes: [(&str, Change); 6] = [
        ("an edit", |_, at| fs::write(at.join("README.md"), "HELLO\n").unwrap()),
        ("a new file", |_, at| fs::write(at.join("new.txt"), "mine\n").unwrap()),
        ("a new file below", |_, at| fs::write(at.join("src/new.log"), "ignored\n").unwrap()),
        ("a commit", |space, at| {
            fs::write(at.join("README.md"), "HELLO\n").unwrap();
            space.git_at(at, ["commit", "-qam", "mine"]);
        }),
        ("a branch", |space, at| drop(space.git_at(at, ["switch", "-q", "-c", "mine"]))),
        ("a staged file", |space, at| {
            fs::write(at.join("staged.txt"), "mine\n").unwrap();
            space.git_at(at, ["add", "staged.txt"]);
        }),
    ];
    for (what, change) in changes {
        let space = filled(1);
        let folder = only(&space);
        change(&space, &folder);
        let seen = |at: &Path| space.git_at(at, ["status", "--porcelain", "--branch", "--ignored"]);
        let before = seen(&folder);
        space.run(["create", "one"]).succeeds();
        if space.worktree("one") == folder {
            // A file in a folder below is not looked for; it is in the session then, and nothing is lost.
            assert_eq!(what, "a new file below");
            assert!(folder.join("src/new.log").exists());
            continue;
        }
        is_equal(&space, "one");
        fill(&space, 1);
        assert!(slots(&space, "changed").contains(folder.file_name().unwrap().to_str().unwrap()), "{what}");
        space.run(["pool", "drain"]).succeeds().says("kept");
        space.run(["restore"]).succeeds().says("somebody changed something in it");
        space.run(["doctor"]).succeeds().says("somebody changed something in it");
        assert_eq!(space.names(), ["one"], "{what}");
        assert_eq!(seen(&folder), before, "{what}");
    }
}

#[test]
fn warm_worktrees_are_no_sessions_for_a_rebuild() {
    let space = filled(2);
    space.run(["create", "one"]).succeeds();
    let ready = slots(&space, "ready");
    for broken in ["garbage", "\0\0\0\0", ""] {
        fs::write(space.path(crate::support::STATE), broken).unwrap();
        space.run(["restore"]).succeeds().says("1 session restored");
        assert_eq!(space.names(), ["one"]);
        assert_eq!(slots(&space, "ready"), ready);
    }
    space.run(["recover"]).succeeds();
    space.run(["doctor", "--fix"]).succeeds();
    assert_eq!((space.names(), slots(&space, "ready")), (vec!["one".to_owned()], ready));
    invariants_after_drain(&space, "rebuilt");
}

/// Where refs are no files, ids are longer, or files are not what is committed, git itself switches to the branch.
#[test]
fn every_kind_of_repository_has_warm_worktrees() {
    let kinds: [(&str, &[&str], Configuration); 5] = [
        ("reftable", &["--ref-format=reftable"], &[]),
        ("sha256", &["--object-format=sha256"], &[]),
        ("split", &[], &[["core.splitIndex", "true"]]),
        ("eol", &[], &[["core.eol", "crlf"]]),
        ("sparse", &[], &[["core.sparseCheckout", "true"], ["core.sparseCheckoutCone", "true"]]),
    ];
    for (kind, init, settings) in kinds {
        let space = Workspace::empty();
        let mut args = vec!["init", "-q", "-b", "main"];
        args.extend(init);
        if !git_command(&space.root()).args(&args).output().unwrap().status.success() {
            eprintln!("left out: this git has no {kind}");
            continue;
        }
        for [key, value] in settings {
            space.git(["config", key, value]);
        }
        fs::write(space.path(".gitattributes"), "*.txt text\n").unwrap();
        commit(&space, "src/one.txt", "one\ntwo\n");
        fill(&space, 2);
        let ready = slots(&space, "ready");
        space.run(["create", "one"]).succeeds();
        assert!(ready.contains(&id(&space, "one")), "{kind}");
        commit(&space, "src/two.txt", "one\ntwo\nthree\n");
        space.run(["create", "two"]).succeeds();
        for name in ["one", "two"] {
            let folder = space.worktree(name);
            assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "", "{kind} {name}");
            assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), format!("feature/{name}"));
            if kind != "sparse" {
                is_equal(&space, name);
            }
        }
        assert_eq!(space.git(["worktree", "prune", "--dry-run", "-v"]), "");
    }
}

#[test]
fn many_creates_at_once_take_each_warm_worktree_once() {
    let space = filled(3);
    let ready = slots(&space, "ready");
    let creates: Vec<_> = (1..=8)
        .map(|number| space.spawn(["create", &format!("s{number}"), "--max-sessions", "20"]))
        .collect();
    for create in creates {
        Ran { output: create.wait_with_output().unwrap() }.succeeds();
    }
    let ids: BTreeSet<String> =
        space.sessions().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 8);
    assert!(ids.is_superset(&ready), "all that was ready is used");
    for number in 1..=8 {
        is_equal(&space, &format!("s{number}"));
    }
    invariants::restored(&space, &[], "eight at once");
}

#[test]
fn filling_and_taking_go_on_while_git_collects_and_prunes() {
    let space = Workspace::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let run = |args: &[&str]| drop(git_command(&space.root()).args(args).output().unwrap());
                run(&["worktree", "prune", "--expire=now"]);
                run(&["gc", "--quiet", "--prune=now"]);
            }
        });
        let work = scope.spawn(|| {
            for number in 0..6 {
                fill(&space, 1);
                let name = format!("s{number}");
                space.run(["create", &name, "--max-sessions", "20"]).succeeds();
                is_equal(&space, &name);
            }
        });
        // Whoever collects is told to stop also where the work failed.
        let worked = work.join();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(worked.is_ok(), "filling and taking failed");
    });
    invariants_after_drain(&space, "gc and prune all the time");
}

#[test]
fn two_who_fill_make_no_more_than_is_wanted() {
    let space = Workspace::new();
    let fills: Vec<_> = (0..4).map(|_| space.spawn(["pool", "fill", "--size", "2", "--json"])).collect();
    let mut made = 0;
    for fill in fills {
        let told = Ran { output: fill.wait_with_output().unwrap() }.succeeds().json();
        made += told[0]["made"].as_u64().unwrap();
    }
    assert_eq!((made, slots(&space, "ready").len()), (2, 2));
}

#[test]
fn what_is_missing_or_damaged_in_a_pool_ends_in_a_session_all_the_same() {
    let breaks: [(&str, Break); 7] = [
        ("the folder", |_, folder, _| fs::remove_dir_all(folder).unwrap()),
        ("the administrative folder", |_, _, admin| fs::remove_dir_all(admin).unwrap()),
        ("HEAD", |_, _, admin| fs::write(admin.join("HEAD"), "").unwrap()),
        ("the index", |_, _, admin| fs::write(admin.join("index"), "").unwrap()),
        ("the pointer", |_, folder, _| fs::write(folder.join(".git"), "gitdir: /nowhere\n").unwrap()),
        ("the lock", |space, folder, _| drop(space.git(["worktree", "unlock", folder.to_str().unwrap()]))),
        ("the seal", |space, _, _| {
            for seal in fs::read_dir(space.path(".git/wharf.pool")).unwrap() {
                fs::write(seal.unwrap().path(), "{}").unwrap();
            }
        }),
    ];
    for (what, damage) in breaks {
        let space = filled(1);
        let folder = only(&space);
        let admin = space.path(".git/worktrees").join(folder.file_name().unwrap());
        damage(&space, &folder, &admin);
        space.run(["create", "one"]).succeeds();
        is_equal(&space, "one");
        space.run(["restore"]).succeeds();
        fill(&space, 1);
        space.run(["create", "two"]).succeeds();
        is_equal(&space, "two");
        space.run(["restore"]).succeeds();
        assert_eq!(space.names().len(), 2, "{what}: {:?}", space.names());
    }
}

#[test]
fn sizes_come_from_the_settings_and_are_bounded() {
    let space = Workspace::new();
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[pool]\nsize = 2\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = space.command();
        Ran { output: command.env_remove("WHARF_POOL_SIZE").args(args).output().unwrap() }
    };
    run(&["pool", "fill"]).succeeds().says("2 made, 2 ready");
    run(&["pool", "status"]).succeeds().says("ready");
    fs::write(space.path(".wharf/config.toml"), "[pool]\nsize = 17\n").unwrap();
    run(&["pool", "status"]).fails(2).says("pool.size").says("at most 16");
    fs::remove_file(space.path(".wharf/config.toml")).unwrap();
    run(&["pool", "fill", "--size", "17"]).fails(2).says("`17` is not").says("0 to 16").says("--size");
    assert_eq!(slots(&space, "ready").len(), 2, "nothing was made");
    let empty = Workspace::empty();
    empty.git(["init", "-q"]);
    empty.run(["pool", "fill", "--size", "1"]).succeeds().says("no commit yet");
}

#[test]
fn a_size_in_the_environment_that_is_none_is_said_and_stops_no_start() {
    let space = Workspace::with_sessions(1);
    let run = |size: &str, args: &[&str]| {
        let mut command = space.command();
        Ran { output: command.env("WHARF_POOL_SIZE", size).args(args).output().unwrap() }
    };
    for size in ["off", "17", "-1", "1.5"] {
        for args in [&["pool", "status"][..], &["create", "one"], &["list"]] {
            run(size, args)
                .fails(2)
                .says(&format!("`{size}` is not"))
                .says("0 to 16")
                .says("WHARF_POOL_SIZE");
        }
        run(size, &["restore"]).succeeds().says("WHARF_POOL_SIZE");
        run(size, &["init", "--", "true"]).succeeds();
    }
    assert_eq!(space.names(), ["s1"], "nothing was made");
    run("", &["pool", "status"]).succeeds().says("for each repository: 1\n");
    run("16", &["pool", "status"]).succeeds().says("for each repository: 16\n");
}

#[test]
fn a_disk_without_room_gets_no_warm_worktree() {
    let space = Workspace::new();
    let script = "mount -t tmpfs -o size=64m none \"$W/.worktrees\" && exec \"$@\"";
    fs::create_dir(space.path(".worktrees")).unwrap();
    let mut command = space.command();
    command.env("W", space.root()).args(["pool", "fill", "--size", "1"]);
    let output = strace::under(&["unshare", "-m", "sh", "-c", script, "script"], &command).output().unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("unshare") {
        means::left_out("no mount namespace can be had here");
        return;
    }
    Ran { output }.succeeds().says("0 made, 0 ready; the disk has not enough room to spare");
    assert_eq!(space.litter(), Vec::<String>::new());
}

#[test]
fn what_somebody_did_in_a_reserved_worktree_outlives_the_create_that_was_killed() {
    if !strace::is_there() {
        return;
    }
    let space = filled(1);
    let folder = only(&space);
    // Killed when it is to write into the repository: the worktree is reserved in the table and not claimed.
    let log = space.home().join("trace");
    let kill = "inject=rename:signal=KILL:when=2";
    let mut command = space.command();
    command.args(["create", "one"]);
    let wrapper = ["strace", "-qq", "-o", log.to_str().unwrap(), "-e", "trace=rename", "-e", kill];
    strace::under(&wrapper, &command).output().unwrap();
    fs::write(folder.join("README.md"), "mine\n").unwrap();
    space.run(["pool", "drain"]).succeeds();
    space.run(["restore"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "mine\n");
}
