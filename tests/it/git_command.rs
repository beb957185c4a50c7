//! The git command is missing, old, hanging or mad: it is told which, and nothing is lost; and nothing it says reaches a
//! terminal as it came.

use std::fs;

use crate::support::{
    Ran, Workspace,
    faults::{assert_same, files},
    strace,
};

#[test]
fn a_git_that_is_missing_old_hanging_or_mad_is_told_apart_and_loses_nothing() {
    let space = Workspace::with_sessions(1);
    // Elsewhere a create can do without git.
    strace::leave_to_git(&space);
    let folder = space.work_in("s1");
    fs::create_dir_all(space.path(".wharf")).unwrap();
    fs::write(space.path(".wharf/config.toml"), "[git]\ntime_limit = 1\n").unwrap();
    let (held, litter) = (files(&folder), space.litter());
    let hang = "[ \"$3\" = 3 ] || true; sleep 600 & echo $! >> \"$HOME/pids\"; wait";
    let cases: [(&str, &str, &str); 4] = [
        ("missing", "exit 127", ""),
        ("old", "echo git version 2.11.0; exit 129", ""),
        ("hanging", hang, "within 1 s"),
        ("mad", "printf '\\000\\377garbage\\033[31m\\n'; exit 0", ""),
    ];
    for (how, body, says) in cases {
        for args in [&["create", "two"][..], &["destroy", "s1"], &["destroy", "s1", "--force"]] {
            let ran = space.run_with_git(body, args);
            assert!(!ran.output.status.success(), "{how} {args:?}: {}", ran.stdout());
            assert!(ran.stderr().contains(says), "{how} {args:?}: {}", ran.stderr());
            assert!(!ran.stderr().contains('\x1b'), "{how} {args:?}");
        }
        for args in [&["list"][..], &["restore"], &["doctor", "--quick"]] {
            space.run_with_git(body, args).succeeds();
        }
        space.run_with_git(body, &["doctor"]).fails(1).says("git-unusable".trim_end_matches("-unusable"));
        // What such a git could not take back stays in the journal, and the next start with a sound one undoes it.
        space.run(["restore"]).succeeds();
        assert_same(&held, &files(&folder));
        assert_eq!(space.litter(), litter, "{how}");
        assert_eq!(space.names(), ["s1"], "{how}");
    }
    let pids = fs::read_to_string(space.home().join("pids")).unwrap();
    for pid in pids.split_whitespace() {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{pid} lives on: {state}");
    }
    let mut bare = space.command();
    bare.args(["create", "two"]).env("PATH", "/nonexistent");
    let ran = Ran { output: bare.output().unwrap() };
    ran.fails(1).says("install git");
    space.run(["create", "two"]).succeeds();
}

/// RELIABILITY N3.
#[test]
fn text_from_git_and_from_files_reaches_the_terminal_escaped() {
    let space = Workspace::with_sessions(1);
    strace::leave_to_git(&space);
    let folder = space.worktree("s1");
    let evil = "a\x1b]0;owned\x07\u{202e}b\r.txt";
    fs::write(folder.join(evil), "new\n").unwrap();
    space.git(["worktree", "unlock", folder.to_str().unwrap()]);
    space.git(["worktree", "lock", "--reason", "mine\x1b[2J\u{200b}", folder.to_str().unwrap()]);
    fs::create_dir_all(space.path(".worktrees").join(evil)).unwrap();
    let scream = "printf 'fatal: \\033]0;owned\\007 \\342\\200\\256 \\r gone\\n' >&2; exit 128";
    let mut told = Vec::new();
    for args in [
        &["list"][..],
        &["destroy", "s1"],
        &["destroy", "s1", "--dry-run"],
        &["doctor"],
        &["restore"],
        &["show", "s1"],
    ] {
        told.push(space.run(args));
        told.push(space.run_with_git(scream, args));
        told.push(space.run(args.iter().chain(&["--json"])));
    }
    told.push(space.run_with_git(scream, &["create", "two"]).fails(1));
    let mut seen = String::new();
    for ran in told {
        let text = format!("{}{}", ran.stdout(), ran.stderr());
        let bad = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
        let is_json = text.starts_with(['{', '[']);
        assert!(is_json || !text.contains(bad), "{text:?}");
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
        seen.push_str(&text);
    }
    assert!(seen.contains("owned"), "what was escaped can still be read");
}
