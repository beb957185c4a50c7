use std::{fs, path::Path};

use crate::support::{
    Workspace,
    faults::{assert_same, files},
    git_command,
    strace::{self, Cut},
};

/// What an editor or a tool makes that did not hear of the destroy.
fn make_stranger(folder: &Path) {
    fs::create_dir_all(folder.join(".cache")).unwrap();
    fs::write(folder.join(".cache/of an editor"), "cache\n").unwrap();
}

fn findings(space: &Workspace) -> Vec<String> {
    let ran = space.run(["doctor", "--json"]);
    ran.json().as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect()
}

/// RELIABILITY G8.
#[test]
fn what_lies_in_the_place_of_a_destroyed_session_hides_it_from_nobody() {
    let space = Workspace::with_sessions(2);
    let (one, two) = (space.work_in("s1"), space.work_in("s2"));
    let held = files(&one);
    for (name, folder) in [("s1", &one), ("s2", &two)] {
        space.run(["destroy", name, "--force", "--delete-branch"]).succeeds();
        make_stranger(folder);
    }
    let error = space.run(["undo", "s1", "--json"]).fails(6).error();
    assert_eq!(error["code"], "UNSAFE_PATH");
    assert!(
        error["message"].as_str().unwrap().contains(&format!("{} is in the way", one.display())),
        "{error}"
    );
    assert!(error["hint"].as_str().unwrap().contains("move it away"), "{error}");
    assert_eq!(space.json(["trash", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(findings(&space).iter().filter(|it| *it == "undo-blocked").count(), 2);
    space.run(["restore"]).succeeds();
    assert_eq!(space.names(), Vec::<String>::new());
    assert!(one.join(".cache/of an editor").exists(), "it is never touched");

    fs::rename(&one, space.home().join("away")).unwrap();
    space.run(["undo", "s1"]).succeeds();
    assert_same(&held, &files(&one));
    space.run(["trash", "empty", "--yes"]).succeeds();
    assert!(two.join(".cache/of an editor").exists(), "neither is it when the trash is emptied");
    assert_eq!(space.json(["trash", "list"]).as_array().unwrap().len(), 0);
    assert_eq!(space.git(["for-each-ref", "refs/wharf"]), "");
}

/// A destroy is killed once the folder has moved, and then somebody makes something in its place.
#[test]
fn a_killed_destroy_with_a_stranger_in_its_place_is_finished() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let held = files(&folder);
    let args = ["destroy", "s1", "--force", "--delete-branch"];
    let mut points = Cut::Alone.points(&space, &args);
    points.retain(|point| point.is_of("rename"));
    space.run(["undo"]).succeeds();
    assert!(points.len() > 3, "{points:?}");
    let mut finished = 0;
    for point in &points {
        assert!(Cut::Alone.at(&space, &args, point), "{point:?}");
        if !folder.exists() {
            finished += 1;
            make_stranger(&folder);
            space.run(["restore"]).succeeds().says("finished: s1");
            assert!(folder.join(".cache/of an editor").exists(), "{point:?}");
            fs::rename(&folder, space.home().join(format!("away-{finished}"))).unwrap();
            space.run(["undo"]).succeeds();
        }
        space.run(["restore"]).succeeds();
        assert_eq!(space.names(), ["s1"], "{point:?}");
        assert_same(&held, &files(&folder));
    }
    assert!(finished > 0, "it is killed between the move and the end");
}

#[test]
fn what_was_destroyed_comes_back_on_a_new_branch_where_its_own_is_taken() {
    for format in ["files", "reftable"] {
        let space = Workspace::empty();
        let git = git_command(&space.root())
            .args(["init", "-q", "-b", "main", &format!("--ref-format={format}")])
            .status();
        if !git.unwrap().success() {
            eprintln!("left out: this git has no {format}");
            continue;
        }
        space.git(["commit", "-q", "--allow-empty", "-m", "first"]);
        space.run(["create", "s1"]).succeeds();
        let folder = space.worktree("s1");
        fs::write(folder.join("staged.txt"), "staged\n").unwrap();
        space.git_at(&folder, ["add", "staged.txt"]);
        fs::write(folder.join("new.txt"), "new\n").unwrap();
        let commit = space.git_at(&folder, ["rev-parse", "HEAD"]);
        let held = files(&folder);
        space.run(["destroy", "s1", "--force", "--delete-branch"]).succeeds();

        // The name and the branch are another session's by now, which has moved on.
        space.run(["create", "s1"]).succeeds();
        let other = space.worktree("s1");
        space.git_at(&other, ["commit", "-q", "--allow-empty", "-m", "more"]);
        let ahead = space.git_at(&other, ["rev-parse", "HEAD"]);
        let ways = [
            (vec!["undo"], "NAME_TAKEN", "--as"),
            (vec!["undo", "--as", "old"], "BRANCH_TAKEN", "--branch"),
            (vec!["undo", "--as", "old", "--branch", "main"], "BRANCH_TAKEN", "--branch"),
        ];
        for (args, code, option) in ways {
            let error = space.run(args.iter().chain(&["--json"])).fails(4).error();
            assert_eq!(error["code"], code, "{args:?}");
            assert!(error["hint"].as_str().unwrap().contains(option), "{error}");
        }
        let back = space.run(["undo", "--as", "old", "--branch", "old/one", "--json"]).succeeds().json();
        assert_eq!((&back["name"], &back["branch"]), (&"old".into(), &"old/one".into()), "{format}");
        assert_eq!(space.worktree("old"), folder);
        assert_same(&held, &files(&folder));
        assert_eq!(space.git_at(&folder, ["symbolic-ref", "HEAD"]), "refs/heads/old/one", "{format}");
        assert_eq!(space.git_at(&folder, ["rev-parse", "HEAD"]), commit);
        assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "A  staged.txt\n?? new.txt");
        assert_eq!(space.git_at(&other, ["rev-parse", "feature/s1"]), ahead, "it is left alone");
        // A start finds nothing to mend.
        let before = space.record("old");
        space.run(["restore"]).succeeds();
        assert_eq!(space.record("old")["branch"], before["branch"]);
    }
}

#[test]
fn an_undo_on_a_new_branch_that_is_killed_comes_back_whole() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let held = files(&folder);
    let destroy = || space.run(["destroy", "s1", "--force"]).succeeds();
    destroy();
    let args = |number: usize| ["undo".to_owned(), "--branch".to_owned(), format!("back/{number}")];
    let cut = |number| args(number).map(|arg| -> &'static str { Box::leak(arg.into_boxed_str()) });
    let points = Cut::Alone.points(&space, &cut(0));
    let points: Vec<_> =
        points.into_iter().filter(|point| point.is_of("rename") || point.is_of("fsync")).collect();
    assert!(points.len() > 5, "{points:?}");
    let mut killed = 0;
    for (number, point) in (1..).zip(&points) {
        destroy();
        // How often it syncs is not the same each time.
        killed += usize::from(Cut::Alone.at(&space, &cut(number), point));
        space.run(["restore"]).succeeds();
        if space.names().is_empty() {
            space.run(["undo"]).succeeds();
        }
        assert_same(&held, &files(&folder));
        let on = space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]);
        assert_eq!(space.record("s1")["branch"], on.as_str(), "{point:?}");
        assert_eq!(space.json(["list"])[0]["worktreeState"], "present", "{point:?}");
        assert_eq!(space.git(["for-each-ref", "refs/wharf"]), "", "{point:?}");
    }
    assert!(killed > 5, "of {} points only {killed} were met", points.len());
}

/// A rebase that goes on moves the branch that it began on, which may be somebody else's by then.
#[test]
fn an_undo_on_a_new_branch_that_is_refused_leaves_the_trash_as_it_was() {
    let space = Workspace::with_sessions(1);
    let folder = space.worktree("s1");
    fs::write(folder.join("README.md"), "theirs\n").unwrap();
    space.git_at(&folder, ["commit", "-qam", "theirs"]);
    fs::write(space.path("README.md"), "ours\n").unwrap();
    space.git(["commit", "-qam", "ours"]);
    let refused = |branch: &str, code: &str| {
        let before = space.json(["trash", "list"]);
        let error = space.run(["undo", "--branch", branch, "--json"]).error();
        assert_eq!(error["code"], code, "{error}");
        assert_eq!(space.json(["trash", "list"]), before);
        assert_eq!(space.names(), Vec::<String>::new());
    };
    space.run(["destroy", "s1", "--force"]).succeeds();
    refused("main", "BRANCH_TAKEN");
    refused("feature/s1/more", "BRANCH_TAKEN");
    make_stranger(&folder);
    refused("back", "UNSAFE_PATH");
    fs::remove_dir_all(&folder).unwrap();
    space.run(["undo"]).succeeds();
    assert_eq!(space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]), "feature/s1");

    let mut rebase = git_command(&folder);
    assert!(!rebase.args(["rebase", "main"]).output().unwrap().status.success(), "it stops at a conflict");
    space.run(["destroy", "s1", "--force"]).succeeds();
    refused("back", "IN_USE");
    space.run(["undo"]).succeeds();
    assert!(space.admin("s1").join("rebase-merge").exists());
}

/// A session of which neither folder nor git's files are left comes back where its branch is, or where that began.
#[test]
fn what_was_deleted_by_hand_and_destroyed_comes_back_at_its_branch_or_base() {
    for has_branch in [true, false] {
        let space = Workspace::with_sessions(1);
        let (folder, admin) = (space.worktree("s1"), space.admin("s1"));
        let commit = space.git_at(&folder, ["rev-parse", "HEAD"]);
        fs::remove_dir_all(&folder).unwrap();
        fs::remove_dir_all(admin).unwrap();
        if !has_branch {
            space.git(["branch", "-D", "feature/s1"]);
        }
        space.run(["destroy", "s1"]).succeeds();
        space.run(["undo"]).succeeds();
        assert_eq!(space.git_at(&folder, ["symbolic-ref", "--short", "HEAD"]), "feature/s1");
        assert_eq!(space.git_at(&folder, ["rev-parse", "HEAD"]), commit);
        assert_eq!(space.git_at(&folder, ["status", "--porcelain"]), "");
        assert_eq!(fs::read_to_string(folder.join("README.md")).unwrap(), "hello\n");
        space.run(["doctor"]).succeeds().says("nothing is wrong");
    }
}

#[test]
fn an_undo_that_cannot_be_ended_says_what_is_in_the_way() {
    let space = Workspace::with_sessions(1);
    let folder = space.work_in("s1");
    let held = files(&folder);
    space.run(["destroy", "s1", "--force"]).succeeds();
    let lock = space.path(".git/packed-refs.lock");
    fs::write(&lock, "").unwrap();
    space.run(["undo"]).fails(1).says("packed-refs.lock");
    for args in [&["undo", "s1"][..], &["undo"], &["destroy", "s1", "--force"], &["meta", "s1", "a=b"]] {
        let ran = space.run(args).fails(4).says("cannot be ended").says("packed-refs.lock");
        assert!(!ran.stderr().contains("wait for it"), "{}", ran.stderr());
    }
    fs::remove_file(lock).unwrap();
    space.run(["restore"]).succeeds();
    assert_eq!(space.names(), ["s1"]);
    assert_same(&held, &files(&folder));
}
