//! What lies in the place of a file and is none: nobody waits for it, and a move takes it along as what it is.

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::Path,
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::support_write::Ground;
use crate::worktree::{
    admin::has_sound_index, exclude::exclude_own_files, fill::files_of, refs, relocate::copy_tree,
};

fn pipe(path: &Path) {
    drop(fs::remove_file(path));
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Fails when it does not end soon.
fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || drop(sender.send(work())));
    receiver.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("{what} waits"))
}

#[test]
fn nobody_waits_for_a_pipe_in_a_repository() {
    let ground = Ground::new();
    let common = ground.path(".git");
    for file in ["index", "packed-refs", "info/exclude"] {
        pipe(&common.join(file));
    }
    let git = common.clone();
    assert!(!ends("the look at an index", move || has_sound_index(&git)));
    let git = common.clone();
    ends("a count of files", move || files_of(&git)).unwrap_err();
    let git = common.clone();
    assert_eq!(ends("a look for a branch", move || refs::commit_of(&git, "refs/heads/none")), None);
    ends("a change of exclusions", move || exclude_own_files(&common)).unwrap_err();
}

#[test]
fn a_tree_is_copied_with_its_pipes_links_and_modes() {
    let ground = Ground::new();
    let (from, to) = (ground.path("from"), ground.path("to"));
    ground.write_at(&from.join("closed/file.txt"), "text");
    fs::set_permissions(from.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(from.join("closed/file.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    pipe(&from.join("pipe"));
    symlink("nowhere", from.join("link")).unwrap();
    let _socket = UnixListener::bind(from.join("socket")).unwrap();
    let target = to.clone();
    ends("a copy", move || copy_tree(&from, &target)).unwrap();
    let mode = |name: &str| fs::metadata(to.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("closed"), mode("closed/file.txt")), (0o700, 0o640));
    assert!(fs::metadata(to.join("pipe")).unwrap().file_type().is_fifo());
    assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("nowhere"));
    assert!(!to.join("socket").exists());
}
