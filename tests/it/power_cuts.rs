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

/// RELIABILITY R1.
#[test]
fn a_commit_is_on_the_disk_before_it_takes_its_name_and_its_name_before_it_is_acknowledged() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::with_sessions(1);
    let calls = trace(&space, &["meta", "s1", "owner=ann"]);
    let synced =
        first(&calls, |call| call.contains("fsync(") && call.contains(".claude-container-sessions.tmp>"));
    let renamed = first(&calls, |call| call.contains("rename") && call.ends_with(&format!("{STATE}\") = 0")));
    let root = format!("<{}>", space.root().display());
    let acknowledged =
        calls[renamed..].iter().position(|call| call.contains("fsync(") && call.contains(&root));
    assert!(synced < renamed && acknowledged.is_some(), "{calls:#?}");
}

/// RELIABILITY G4.
#[test]
fn a_create_is_acknowledged_when_everything_that_names_the_work_is_on_the_disk() {
    if !strace::is_there() {
        return;
    }
    let space = Workspace::new();
    let calls = trace(&space, &["create", "auth"]);
    let is_table = |call: &String| call.contains("rename") && call.ends_with(&format!("{STATE}\") = 0"));
    let reserved = calls.iter().position(is_table).unwrap();
    let acknowledged = calls.iter().rposition(is_table).unwrap();
    assert!(reserved < acknowledged, "{calls:#?}");
    // Git begins when the place of the session has its name on the disk.
    let root = format!("<{}>", space.root().display());
    let placed = first(&calls[reserved..], |call| call.contains("fsync(") && call.contains(&root));
    let begun =
        first(&calls[reserved..], |call| call.contains("rename") && call.contains("feature/auth.lock"));
    assert!(placed < begun, "{calls:#?}");
    let made = &calls[reserved..acknowledged];
    let folder = space.worktree("auth");
    let admin = space.path(".git/worktrees").join(folder.file_name().unwrap());
    let named =
        ["HEAD", "commondir", "gitdir", "locked", "index", "session.json"].map(|name| admin.join(name));
    let others = [
        folder.join(".git"),
        space.path(".git/refs/heads/feature/auth"),
        admin.clone(),
        space.path(".git/worktrees"),
        space.path(".git"),
        space.path(".worktrees"),
        space.path(".git/refs/heads/feature"),
    ];
    for path in named.iter().chain(&others) {
        synced(made, [path; 2]);
    }
}
