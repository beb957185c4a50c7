//! What has reached the disk before the next step depends on it, seen in the order of the system calls.

use std::{fs, path::Path};

use crate::support::{STATE, Workspace, strace};

const CALLS: &str = "trace=rename,renameat,renameat2,fsync,fdatasync,syncfs,unlink,unlinkat,rmdir";

/// Runs a verb and answers what it told the kernel, one call per line, with the paths behind the numbers of files.
fn trace(space: &Workspace, args: &[&str]) -> Vec<String> {
    let log = space.home().join("calls");
    let mut command = space.command();
    command.args(args);
    let place = log.display().to_string();
    let wrapper = ["strace", "-qq", "-f", "-y", "-s", "4096", "-o", &place, "-e", CALLS];
    assert!(strace::under(&wrapper, &command).output().unwrap().status.success());
    let text = fs::read_to_string(log).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn first(calls: &[String], what: impl Fn(&str) -> bool) -> usize {
    calls.iter().position(|call| what(call)).unwrap_or_else(|| panic!("no such call in {calls:#?}"))
}

/// The calls between a move and the next step.
fn between<'a>(calls: &'a [String], from: &Path, to: &Path, next: impl Fn(&str) -> bool) -> &'a [String] {
    let moved = format!("\"{}\", \"{}\"", from.display(), to.display());
    let after = &calls[first(calls, |call| call.contains("rename") && call.contains(&moved)) + 1..];
    &after[..first(after, next)]
}

#[track_caller]
fn synced(calls: &[String], folders: [&Path; 2]) {
    for folder in folders {
        let name = format!("<{}>", folder.display());
        let is_sync = |call: &String| call.contains("fsync(") && call.contains(&name);
        assert!(calls.iter().any(is_sync), "{} in {calls:#?}", folder.display());
    }
}

#[test]
fn each_move_to_the_trash_and_back_is_durable_before_the_next_step() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::new();
    space.run(["create", "auth"]).succeeds();
    let (worktree, root) = (space.worktree("auth"), space.root());
    let id = worktree.file_name().unwrap();
    let (worktrees, admins) = (root.join(".worktrees"), root.join(".git/worktrees"));
    let entry = worktrees.join(".trash").join(id);
    let (admin, kept) = (admins.join(id), entry.join("admin"));
    let is_move = |call: &str| call.contains("rename");
    let is_table = |call: &str| call.contains("rename") && call.ends_with(&format!("{STATE}\") = 0"));

    let calls = trace(&space, &["destroy", "auth", "--force"]);
    synced(between(&calls, &worktree, &entry.join("worktree"), is_move), [&worktrees, &entry]);
    synced(between(&calls, &admin, &kept, is_table), [&admins, &entry]);

    let calls = trace(&space, &["undo"]);
    synced(between(&calls, &kept, &admin, is_move), [&entry, &admins]);
    let note = entry.join("trash.json").display().to_string();
    let is_unlinked = |call: &str| call.contains("unlink") && call.contains(&note);
    synced(between(&calls, &entry.join("worktree"), &worktree, is_unlinked), [&entry, &worktrees]);
    let cleared = first(&calls, |call| call.contains("rmdir(") && call.contains(".trash/"));
    let after = &calls[cleared..];
    synced(&after[..first(after, is_table)], [&worktrees.join(".trash"); 2]);
}
