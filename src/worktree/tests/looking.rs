//! A look that asks neither libgit2 nor git says nothing that git does not say, whatever was done to a worktree.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use super::support::{Space, checkout, commit_in, git, id, remove, rename, try_git, write};
use crate::{
    session::Base,
    worktree::{Changes, Checkout, WorktreeState, look::Looker, status},
};

/// How many walks there are, and how many steps each has.
const WALKS: u64 = 10;
const STEPS: usize = 20;
/// What is tracked in the beginning.
const FILES: [&str; 5] = ["a", "b.txt", "b/c", "b/sub/d", "tool"];

/// What the quick look says; nothing when it is in doubt.
fn quick(space: &Space) -> Option<Changes> {
    let mut looker = Looker::of(&space.worktrees);
    let inspected = looker.inspect(&checkout(1)).unwrap();
    looker.unchanged(&checkout(1), &inspected)
}

/// What git says: changed files and unknown ones. It writes nothing.
fn by_git(path: &Path) -> (usize, usize) {
    let mut args = vec!["--no-optional-locks", "status", "--porcelain=v2", "-z", "--no-renames"];
    args.extend(["--ignore-submodules=none", "--untracked-files=normal"]);
    let answer = try_git(path, &args);
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let status = status::parse(&answer.stdout).unwrap();
    (status.modified.count, status.untracked.count)
}

/// A session whose files are older than its index, with another branch to merge.
fn begun() -> (Space, PathBuf) {
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
fn age(path: &Path) {
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
fn edit_and_hide(file: &Path) {
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
type Deed = (&'static str, fn(&Path, &Path));

/// The first path is the worktree, the second one of its files.
const DEEDS: &[Deed] = &[
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
fn clear(path: &Path) {
    for file in FILES {
        update_index(path, &["--no-assume-unchanged", "--no-skip-worktree"], &path.join(file));
    }
    try_git(path, &["reset", "-q", "--hard"]);
    try_git(path, &["clean", "-q", "-ffdx"]);
}

/// Numbers that look as if nobody had chosen them, the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }
}

#[test]
fn what_is_said_without_git_is_what_git_says() {
    let (mut sure, mut changed) = (0, 0);
    for walk in 0..WALKS {
        let (space, path) = begun();
        let mut numbers = Numbers(walk);
        let mut done = Vec::new();
        for _ in 0..STEPS {
            if numbers.below(3) == 0 {
                clear(&path);
                age(&path);
                done.push("begin anew".to_owned());
            }
            let (name, deed) = DEEDS[numbers.below(DEEDS.len())];
            let file = FILES[numbers.below(FILES.len())];
            deed(&path, &path.join(file));
            done.push(format!("{name} ({file})"));
            let git = by_git(&path);
            if let Some(quick) = quick(&space) {
                assert_eq!((quick.modified, quick.untracked), git, "walk {walk}: {done:?}");
                sure += 1;
            }
            changed += usize::from(git != (0, 0));
        }
    }
    // Otherwise nothing was shown.
    assert!(sure > 20 && changed > 80, "{sure} {changed}");
}

#[test]
fn a_worktree_in_which_nothing_happened_is_seen_without_git() {
    let (space, path) = begun();
    assert_eq!(quick(&space), Some(Changes::default()));
    // Neither does what holds for other files make a difference.
    space.git(&["config", "core.autocrlf", "true"]);
    space.git(&["config", "core.excludesFile", "/nowhere"]);
    write(&space.root().join(".git/info/exclude"), b"a\n");
    assert_eq!(quick(&space), Some(Changes::default()));
    git(&path, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    age(&path);
    assert_eq!(quick(&space), Some(Changes::default()));
    assert_eq!(by_git(&path), (0, 0));
}

#[test]
fn what_is_plainly_ignored_makes_no_doubt() {
    let (space, path) = begun();
    write(&space.root().join(".git/info/exclude"), b"# ours\n/notes\n");
    for file in ["build/out/x", "b/build/x", "b/sub/x.log", "notes"] {
        write(&path.join(file), b"x");
    }
    assert_eq!(quick(&space), Some(Changes::default()));
    assert_eq!(by_git(&path), (0, 0));
    write(&path.join("b/notes"), b"x");
    assert_eq!(quick(&space), None);
    assert_eq!(by_git(&path), (0, 1));
}

/// What somebody does, and what git says then.
type Case = (&'static str, (usize, usize), fn(&Path));

/// What looks from outside as if nothing had happened, or nearly.
#[test]
fn what_is_in_doubt_is_left_to_git() {
    let cases: &[Case] = &[
        ("a mode that only the index has", (1, 0), |path| {
            git(path, &["update-index", "--chmod=+x", "a"]);
            git(path, &["commit", "-q", "-m", "mode"]);
        }),
        ("a mode that was passed over when git looked", (1, 0), |path| {
            git(path, &["config", "core.fileMode", "false"]);
            fs::set_permissions(path.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
            age(path);
            git(path, &["config", "core.fileMode", "true"]);
        }),
        ("a file that git is told to pass over", (0, 0), |path| {
            git(path, &["update-index", "--assume-unchanged", "a"]);
            write(&path.join("a"), b"changed");
        }),
        ("an unknown file deep below", (0, 1), |path| write(&path.join("b/sub/new"), b"")),
        ("an ignored file that an exception shows", (0, 1), |path| {
            write(&path.join("b/.gitignore"), b"!*.log\n");
            git(path, &["add", "."]);
            git(path, &["commit", "-q", "-m", "exception"]);
            age(path);
            write(&path.join("b/sub/x.log"), b"");
        }),
        ("a repository in a folder that is tracked", (0, 0), |path| {
            git(path, &["init", "-q", "b"]);
        }),
        ("a link to a folder with the same files", (2, 2), |path| {
            rename(&path.join("b"), &path.join("c"));
            symlink("c", path.join("b")).unwrap();
        }),
        ("a file written in the second of the index", (1, 0), |path| {
            write(&path.join("a"), b"1");
            git(path, &["commit", "-q", "-a", "-m", "edit"]);
            write(&path.join("a"), b"2");
        }),
        ("an index of another commit", (1, 0), |path| {
            write(&path.join("a"), b"1");
            git(path, &["commit", "-q", "-a", "-m", "edit"]);
            age(path);
            git(path, &["reset", "-q", "--soft", "HEAD~1"]);
        }),
        ("a commit that another one is read for", (1, 0), |path| {
            write(&path.join("a"), b"1");
            git(path, &["commit", "-q", "-a", "-m", "edit"]);
            age(path);
            git(path, &["replace", "HEAD", "HEAD~1"]);
        }),
        ("settings of its own", (0, 0), |path| {
            git(path, &["config", "extensions.worktreeConfig", "true"]);
        }),
    ];
    for (what, expected, deed) in cases {
        let (space, path) = begun();
        deed(&path);
        assert_eq!(by_git(&path), *expected, "{what}");
        assert_eq!(quick(&space), None, "{what}");
        let changes = space.changes(&checkout(1)).unwrap();
        assert_eq!((changes.modified, changes.untracked), *expected, "{what}");
    }
}

/// Git looks at the seconds of the last change alone, and takes this one for none when it was made soon enough.
#[test]
fn an_edit_whose_time_is_hidden_is_a_doubt() {
    let (space, path) = begun();
    edit_and_hide(&path.join("a"));
    assert_eq!(quick(&space), None);
}

#[test]
fn a_worktree_of_somebody_else_is_left_to_git() {
    let (space, path) = begun();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for owned in [path.clone(), path.join(".git"), space.admin(id(1))] {
        assert!(quick(&space).is_some());
        std::os::unix::fs::chown(&owned, Some(1), None).unwrap();
        assert_eq!(quick(&space), None, "{}", owned.display());
        std::os::unix::fs::chown(&owned, Some(0), None).unwrap();
    }
}

#[test]
fn each_session_is_told_its_own_distance() {
    let space = Space::with_repository();
    let base = space.git(&["rev-parse", "main"]);
    for (number, commits) in [(1, 0), (2, 0), (3, 2)] {
        let path = space.path(space.session(number));
        for text in 0..commits {
            commit_in(&path, &text.to_string());
        }
    }
    commit_in(&space.root(), "later");
    space.git(&["branch", "-q", "--set-upstream-to=main", "feature/2"]);
    let of = |number, reference: Option<&str>| Checkout {
        base: Some(Base { commit: base.parse().unwrap(), reference: reference.map(str::to_owned) }),
        ..checkout(number)
    };
    let all = [of(1, None), of(2, None), of(3, None), of(1, Some("refs/heads/main")), of(9, None)];
    let seen = space.worktrees.look_at_all(&all);
    let distances: Vec<_> = seen.iter().map(|it| it.changes.map(|it| (it.ahead, it.behind))).collect();
    let some = |ahead, behind| Some((Some(ahead), Some(behind)));
    assert_eq!(distances, [some(0, 0), some(0, 1), some(2, 0), some(0, 1), None]);
    assert_eq!(seen[4].worktree.as_ref().unwrap().state, WorktreeState::Gone);
}
