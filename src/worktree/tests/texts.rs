//! What is read out of the texts of kernel and git.

use std::path::PathBuf;

use crate::worktree::{listed, mounts, status};

#[test]
fn mount_points_come_with_their_odd_characters() {
    let table = b"22 1 0:20 / /proc rw - proc proc rw\n\
        23 1 0:21 / /with\\040space\\011tab\\134slash rw shared:1 - tmpfs tmpfs rw\n\
        24 1 0:22 / /short\\04 rw - tmpfs tmpfs rw\n\
        garbage\n";
    let points: Vec<PathBuf> = mounts::mount_points(table).collect();
    let expected: Vec<PathBuf> =
        ["/proc", "/with space\ttab\\slash", "/short\\04"].map(PathBuf::from).to_vec();
    assert_eq!(points, expected);
}

#[test]
fn a_neighbour_with_the_same_beginning_is_no_mount_below() {
    let proc = mounts::at_or_below("/proc".as_ref()).unwrap();
    assert!(proc.contains(&PathBuf::from("/proc")));
    assert_eq!(mounts::at_or_below("/pro".as_ref()).unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn a_status_is_read_field_by_field() {
    let answer = b"# branch.oid abc\0# branch.ab +2 -3\0\
        1 .M N... 100644 100644 100644 aaa bbb a name with spaces\0\
        2 R. N... 100644 100644 100644 aaa bbb R100 new\0old\0\
        u UU N... 100644 100644 100644 100644 a b c conflict\0\
        ? un tracked\0! ignored/\0";
    let status = status::parse(answer).unwrap();
    assert_eq!(status.modified.first, ["a name with spaces", "new", "conflict"]);
    assert_eq!(status.untracked.first, ["un tracked"]);
    assert_eq!(status.ignored.first, ["ignored/"]);
    assert_eq!(status.upstream, Some((2, 3)));
}

#[test]
fn what_is_no_status_is_refused() {
    for answer in [&b"On branch main\0"[..], b"1 .M short\0", b"# branch.ab 2 3\0", b"?\0"] {
        assert_eq!(status::parse(answer), None, "{}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_list_of_worktrees_is_read_entry_by_entry() {
    let zeros = "0".repeat(40);
    let ones = "1".repeat(40);
    let answer = format!(
        "worktree /a\0bare\0\0worktree /b\nc\0HEAD {ones}\0branch refs/heads/x\0locked why\nnot\0\0\
        worktree /d\0HEAD {zeros}\0detached\0unheard of\0\0"
    );
    let listed = listed::parse(answer.as_bytes());
    assert_eq!(listed.len(), 3);
    assert!(listed[0].is_bare);
    assert_eq!(listed[1].path, PathBuf::from("/b\nc"));
    assert_eq!(listed[1].head.as_ref().unwrap().as_str(), ones);
    assert_eq!(listed[1].branch.as_deref(), Some("refs/heads/x"));
    assert_eq!((&listed[2].head, &listed[2].branch), (&None, &None));
    assert_eq!(listed::parse(b"printing garbage"), []);
}
