//! What people and programs do in a worktree.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use super::support::{Space, commit_in, remove, rename, try_git, write};

/// What is tracked in the beginning.
pub(super) const FILES: [&str; 5] = ["a", "b.txt", "b/c", "b/sub/d", "tool"];

/// A session whose files are older than its index, with another branch to merge.
pub(super) fn begun() -> (Space, PathBuf) {
    let space = Space::with_repository();
    for file in FILES {
        write(&space.root().join(file), file.as_bytes());
    }
    fs::set_permissions(space.root().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("a", space.root().join("link")).unwrap();
    write(&space.root().join(".gitignore"), b"*.log\nbuild/\n");
    space.git(&["add", "."]);
    space.git(&["commit", "-q", "-m", "files"]);
    let path = space.path(space.session(1));
    space.git(&["checkout", "-q", "-b", "theirs"]);
    commit_in(&space.root(), "theirs");
    age(&path);
    (space, path)
}

/// Makes files older than the index, as time would, each time by another moment: git looks at seconds.
pub(super) fn age(path: &Path) {
    static MOMENT: AtomicU64 = AtomicU64::new(1_700_000_000);
    let moment = MOMENT.fetch_add(1, Ordering::Relaxed);
    for file in FILES.iter().chain(&[".gitignore", "b/.gitignore", "file.txt"]) {
        let file = path.join(file);
        if file.is_file() && !file.is_symlink() {
            set_time(&file, SystemTime::UNIX_EPOCH + Duration::from_secs(moment));
        }
    }
    let link = path.join("link");
    if link.is_symlink() {
        let old = rustix::fs::Timespec { tv_sec: i64::try_from(moment).unwrap(), tv_nsec: 0 };
        let times = rustix::fs::Timestamps { last_access: old, last_modification: old };
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, &link, &times, flags).unwrap();
    }
    try_git(path, &["update-index", "-q", "--refresh"]);
}

fn set_time(file: &Path, time: SystemTime) {
    File::options().append(true).open(file).unwrap().set_modified(time).unwrap();
}

/// Writes other bytes of the same length, and takes the time back.
pub(super) fn edit_and_hide(file: &Path) {
    if let Ok(about) = fs::metadata(file)
        && about.is_file()
    {
        write(file, &vec![b'x'; usize::try_from(about.len()).unwrap()]);
        set_time(file, about.modified().unwrap());
    }
}

fn delete(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        remove(path);
    } else {
        drop(fs::remove_file(path));
    }
}

/// Something that a person or a program does in a worktree.
pub(super) type Deed = (&'static str, fn(&Path, &Path));

/// The first path is the worktree, the second one of its files.
pub(super) const DEEDS: &[Deed] = &[
    ("wait", |path, _| age(path)),
    ("wait again", |path, _| age(path)),
    ("touch", |_, file| {
        if file.is_file() {
            set_time(file, SystemTime::UNIX_EPOCH);
        }
    }),
    ("edit in place", |_, file| {
        if let Ok(mut bytes) = fs::read(file) {
            bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            File::options()
                .write(true)
                .open(file)
                .map(|mut it| std::io::Write::write_all(&mut it, &bytes))
                .ok();
        }
    }),
    ("edit and hide it", |_, file| edit_and_hide(file)),
    ("append", |_, file| {
        if file.is_file() {
            write(file, &[fs::read(file).unwrap(), b"more".to_vec()].concat());
        }
    }),
    ("chmod", |_, file| {
        if file.is_file() {
            let mode = fs::metadata(file).unwrap().permissions().mode();
            fs::set_permissions(file, fs::Permissions::from_mode(mode ^ 0o111)).unwrap();
        }
    }),
    ("link", |_, file| {
        if file.is_file() {
            delete(file);
            symlink("elsewhere", file).unwrap();
        }
    }),
    ("link to the folder of the same files", |path, _| {
        if path.join("b").is_dir() && !path.join("b").is_symlink() {
            rename(&path.join("b"), &path.join("build"));
            symlink("build", path.join("b")).unwrap();
        }
    }),
    ("delete", |_, file| delete(file)),
    ("folder in its place", |_, file| {
        delete(file);
        drop(fs::create_dir(file));
    }),
    ("rename", |path, file| {
        if file.is_file() {
            rename(file, &path.join("renamed"));
        }
    }),
    ("ignored file", |path, _| write(&path.join("x.log"), b"x")),
    ("ignored folder", |path, _| drop(fs::create_dir(path.join("build")))),
    ("empty folder", |path, _| drop(fs::create_dir(path.join("empty")))),
    ("new file", |path, _| write(&path.join("new"), b"x")),
    ("new file below", |path, _| {
        if path.join("b").is_dir() {
            write(&path.join("b/new"), b"x");
        }
    }),
    ("nested repository", |path, _| drop(try_git(path, &["init", "-q", "nested"]))),
    ("add", |path, _| drop(try_git(path, &["add", "-A", "--ignore-errors", ":!nested"]))),
    ("announce", |path, _| drop(try_git(path, &["add", "-N", "new"]))),
    ("assume unchanged", |path, file| update_index(path, &["--assume-unchanged"], file)),
    ("assume nothing", |path, file| update_index(path, &["--no-assume-unchanged"], file)),
    ("leave out", |path, file| update_index(path, &["--skip-worktree"], file)),
    ("leave in", |path, file| update_index(path, &["--no-skip-worktree"], file)),
    ("make it a program for git alone", |path, file| update_index(path, &["--chmod=+x"], file)),
    ("forget", |path, file| drop(try_git(path, &["rm", "-q", "--cached", &file.to_string_lossy()]))),
    ("commit", |path, _| drop(try_git(path, &["commit", "-q", "--allow-empty", "-m", "x"]))),
    ("commit all", |path, _| drop(try_git(path, &["commit", "-q", "-a", "-m", "x"]))),
    ("undo the commit", |path, _| drop(try_git(path, &["reset", "-q", "--soft", "HEAD~1"]))),
    ("merge", |path, _| drop(try_git(path, &["merge", "-q", "theirs"]))),
    ("modes off", |path, _| drop(try_git(path, &["config", "core.fileMode", "false"]))),
    ("modes on", |path, _| drop(try_git(path, &["config", "core.fileMode", "true"]))),
    ("times off", |path, _| {
        try_git(path, &["config", "core.trustctime", "false"]);
        try_git(path, &["config", "core.checkStat", "minimal"]);
    }),
    ("exclude", |path, _| write(&path.join("../../.git/info/exclude"), b"new\nrenamed\n")),
    ("exclude elsewhere", |path, _| {
        let file = path.join("../../.git/excluded");
        write(&file, b"empty\nnested\n");
        try_git(path, &["config", "core.excludesFile", &file.to_string_lossy()]);
    }),
    ("links off", |path, _| drop(try_git(path, &["config", "core.symlinks", "false"]))),
    ("links on", |path, _| drop(try_git(path, &["config", "core.symlinks", "true"]))),
    ("exception", |path, _| write(&path.join("b/.gitignore"), b"!x.log\n")),
    ("ignored below", |path, _| write(&path.join("b/sub/x.log"), b"x")),
    ("a rule more", |path, _| write(&path.join(".gitignore"), b"/renamed\n*.log\n/empty/\n")),
    ("fourth version", |path, _| drop(try_git(path, &["update-index", "--index-version", "4"]))),
    ("ends of lines", |path, _| drop(try_git(path, &["config", "core.autocrlf", "input"]))),
];

fn update_index(path: &Path, args: &[&str], file: &Path) {
    let file = file.to_string_lossy().into_owned();
    drop(try_git(path, &[&["update-index"], args, &[&file]].concat()));
}

/// Everything as it is in the commit.
pub(super) fn clear(path: &Path) {
    for file in FILES {
        update_index(path, &["--no-assume-unchanged", "--no-skip-worktree"], &path.join(file));
    }
    try_git(path, &["reset", "-q", "--hard"]);
    try_git(path, &["clean", "-q", "-ffdx"]);
}

/// Numbers that look as if nobody had chosen them, the same each time.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }
}
