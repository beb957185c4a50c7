//! What nobody waits for: done by a process of its own, behind everything else, and by the next one when that is killed.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::support::{Workspace, contexts::eventually};

/// The binary with its background, which other tests do without.
fn wharf(space: &Workspace) -> Command {
    let mut command = space.command();
    command.env_remove("WHARF_BACKGROUND");
    command
}

fn run(space: &Workspace, args: &[&str]) -> String {
    let output = wharf(space).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What lies in the trash under any name.
fn trash(space: &Workspace) -> Vec<String> {
    let entries = fs::read_dir(space.path(".worktrees/.trash")).into_iter().flatten();
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

fn hidden(space: &Workspace) -> String {
    space.git(["for-each-ref", "refs/wharf"])
}

/// Keeps everybody else from working on the repository.
fn hold(space: &Workspace) -> File {
    let lock =
        File::options().read(true).append(true).create(true).open(space.path(".git/wharf.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// Those who clear the trash of this workspace just now.
fn workers(space: &Workspace) -> Vec<u32> {
    let root = space.root().canonicalize().unwrap();
    let line = format!("\0behind\0clear-trash\0{}\0", root.display());
    let pids = fs::read_dir("/proc").unwrap().filter_map(|it| it.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|it| String::from_utf8_lossy(&it).ends_with(&line))
    })
    .collect()
}

/// A field of `/proc/PID/stat`, counted as in its manual from 1; only behind the name.
fn stat(pid: u32, field: usize) -> i64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(") ").unwrap();
    rest.split(' ').nth(field - 3).unwrap().parse().unwrap()
}

/// One that was doomed and not deleted yet, as a purge that was killed leaves it.
fn doomed(space: &Workspace) -> PathBuf {
    let before = trash(space);
    run(space, &["destroy", "s1", "--force"]);
    let name = trash(space).into_iter().find(|it| !before.contains(it)).unwrap();
    let at = space.path(".worktrees/.trash").join(format!("purging-{name}"));
    fs::rename(space.path(".worktrees/.trash").join(name), &at).unwrap();
    at
}

/// Starts one that clears the trash.
fn worker(space: &Workspace) -> Child {
    let mut command = wharf(space);
    let root = space.root().canonicalize().unwrap();
    command.args(["behind", "clear-trash"]).arg(root).stdin(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn emptying_the_trash_answers_before_the_files_are_gone() {
    let space = Workspace::with_sessions(1);
    space.work_in("s1");
    run(&space, &["destroy", "s1", "--force"]);
    assert!(!hidden(&space).is_empty());
    run(&space, &["trash", "empty", "--yes"]);
    assert_eq!(space.json(["trash", "list"]), serde_json::json!([]), "nobody brings it back from now on");
    space.run(["undo"]).fails(3);
    eventually("the trash is cleared", || trash(&space).is_empty() && hidden(&space).is_empty());
    eventually("the process ends", || workers(&space).is_empty());
}

#[test]
fn who_clears_the_trash_is_behind_everything_else_and_nobodys_child() {
    let space = Workspace::with_sessions(2);
    run(&space, &["destroy", "s2"]);
    let old = trash(&space).remove(0);
    // From here on no command leaves a process of its own that would do what is looked at.
    let at = doomed(&space);
    space.expire(&old);
    let lock = hold(&space);
    let mut child = worker(&space);
    let pid = child.id();
    // It waits for the repository, so that it can be looked at.
    eventually("it stepped back", || stat(pid, 19) == 19);
    eventually("it is at work", || {
        let lock = fs::metadata(space.path(".wharf/clear-trash.lock"));
        lock.is_ok_and(|it| it.size() > 0)
    });
    assert_eq!(stat(pid, 6), i64::from(pid), "it is in a session of its own");
    let autogroup = fs::read_to_string(format!("/proc/{pid}/autogroup"));
    if let Ok(text) = autogroup {
        assert!(text.trim().is_empty() || text.trim().ends_with("nice 19"), "{text}");
    }
    assert!(at.exists());
    let mut second = worker(&space);
    assert!(second.wait().unwrap().success(), "one is enough");
    assert!(at.exists());
    drop(lock);
    assert!(child.wait().unwrap().success());
    assert!(trash(&space).is_empty() && hidden(&space).is_empty(), "the trash is cleared");
}

#[test]
fn what_a_killed_one_left_is_cleared_by_the_next() {
    let space = Workspace::with_sessions(2);
    for next in [&["restore"][..], &["destroy", "s2"]] {
        let at = doomed(&space);
        let lock = hold(&space);
        let mut child = worker(&space);
        eventually("it is at work", || {
            fs::metadata(space.path(".wharf/clear-trash.lock")).is_ok_and(|it| it.size() > 0)
        });
        child.kill().unwrap();
        child.wait().unwrap();
        drop(lock);
        assert!(at.exists());
        run(&space, next);
        eventually("the trash is cleared", || !at.exists());
        eventually("the process ends", || workers(&space).is_empty());
        run(&space, &["create", "s1", "--branch", &format!("again-{}", next[0])]);
    }
    assert_eq!(trash(&space).len(), 1, "what was destroyed last can be brought back");
}

#[test]
fn what_has_been_in_the_trash_for_too_long_goes_behind_the_next_destroy() {
    let space = Workspace::with_sessions(2);
    run(&space, &["destroy", "s1"]);
    space.expire(&trash(&space).remove(0));
    run(&space, &["destroy", "s2"]);
    eventually("only the younger one is left", || trash(&space).len() == 1);
    eventually("the process ends", || workers(&space).is_empty());
    assert_eq!(space.json(["trash", "list"])[0]["name"], "s2");
}

#[test]
fn what_is_no_chore_is_refused() {
    let space = Workspace::new();
    for args in [&["behind"][..], &["behind", "nothing", "/"], &["behind", "clear-trash", "here"]] {
        space.run(args).fails(2).says("started by wharf itself");
    }
    space.run(["behind", "clear-trash", "/nonexistent/space"]).succeeds();
}
