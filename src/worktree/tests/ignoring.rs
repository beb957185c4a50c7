//! What is said to be ignored by rules that are plain, git ignores.

use rustix::fs::FileType;

use super::support::{Space, try_git, write};
use crate::worktree::ignoring::{Rules, Verdict};

/// Rules of which each is asked for each of the names.
const RULES: &[&[u8]] = &[
    b"a",
    b"a/",
    b"/a",
    b"/a/",
    b"*.log",
    b"*",
    b"*/",
    b"/*",
    b"**",
    b"a*",
    b"?",
    b"[ab]",
    b"sub/a",
    b"**/a",
    b"a ",
    b"a\\ ",
    b"#a",
    b"\\#a",
    b"!a",
    b"a\r",
    b"\xef\xbb\xbfa",
    b"\xef\xbb\xbf!a",
    b"A",
    b"/",
    b"//",
    b"/a//",
    b"*a",
    b"*/a",
    b"*\n!a",
    b"a\n!b",
    b"a\n!a",
    b"*.log\n!a.log",
    b"!b\na",
    b" a",
    b" !a",
    b"a\t",
    b"a\0b",
    b"\\!a",
    b"*.l*",
    b"a.log\nb",
];
const NAMES: &[&str] = &["a", "b", "A", "ba", "a.log", "#a", "!a", " a", "sub", "a\t", "\u{feff}a"];

#[test]
fn what_is_said_to_be_ignored_git_ignores() {
    let space = Space::with_repository();
    let mut ignored = 0;
    for rules in RULES {
        write(&space.root().join(".gitignore"), rules);
        for (below, is_here) in [("", true), ("deep/", false)] {
            for name in NAMES {
                let path = format!("{below}{name}");
                for kind in [FileType::RegularFile, FileType::Directory] {
                    if Rules::parse(rules).judge(name.as_bytes(), kind, is_here) != Verdict::Ignored {
                        continue;
                    }
                    let asked = if kind == FileType::Directory { format!("{path}/") } else { path.clone() };
                    let answer = try_git(&space.root(), &["check-ignore", "-q", "--no-index", "--", &asked]);
                    assert!(answer.status.success(), "{asked:?} by {}", rules.escape_ascii());
                    ignored += 1;
                }
            }
        }
    }
    assert!(ignored > 50, "{ignored}");
}
