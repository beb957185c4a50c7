//! A look that asks neither libgit2 nor git says nothing that git does not say, whatever was done to a worktree.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use super::{
    deeds::{DEEDS, FILES, Numbers, age, begun, clear, edit_and_hide},
    support::{Space, checkout, commit_in, git, id, rename, try_git, write},
};
use crate::{
    session::Base,
    worktree::{Changes, Checkout, WorktreeState, look::Looker, pristine::Ignored, status},
};

/// How many walks there are, and how many steps each has.
const WALKS: u64 = 10;
const STEPS: usize = 20;

/// What the quick look says; nothing when it is in doubt.
fn quick(space: &Space) -> Option<Changes> {
    let mut looker = Looker::of(&space.worktrees);
    let inspected = looker.inspect(&checkout(1)).unwrap();
    looker.unchanged(&checkout(1), &inspected)
}

/// The commit whose files are there and no others, as the quick look sees it.
fn untouched(space: &Space, ignored: Ignored) -> Option<String> {
    space.worktrees.commit_of_untouched(&checkout(1), ignored).map(|commit| commit.to_string())
}

/// The commit git is at, where it has nothing to say of any file.
fn untouched_by_git(path: &Path) -> Option<String> {
    let status = ["status", "--porcelain", "-z", "--ignore-submodules=none", "-uall", "--ignored=matching"];
    let is_untouched = try_git(path, &[&["--no-optional-locks"], &status[..]].concat()).stdout.is_empty();
    is_untouched.then(|| git(path, &["rev-parse", "HEAD"]).trim().to_owned())
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

#[test]
fn what_is_said_without_git_is_what_git_says() {
    let (mut sure, mut bare, mut changed) = (0, 0, 0);
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
            if let Some(commit) = untouched(&space, Ignored::Counted) {
                assert_eq!(Some(commit), untouched_by_git(&path), "walk {walk}: {done:?}");
                bare += 1;
            }
            changed += usize::from(git != (0, 0));
        }
    }
    // Otherwise nothing was shown.
    assert!(sure > 20 && bare > 10 && changed > 80, "{sure} {bare} {changed}");
}

#[test]
fn a_worktree_in_which_nothing_happened_is_seen_without_git() {
    let (space, path) = begun();
    assert_eq!(quick(&space), Some(Changes::default()));
    assert!(untouched_by_git(&path).is_some());
    assert_eq!(untouched(&space, Ignored::Counted), untouched_by_git(&path));
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
    assert!(untouched(&space, Ignored::Passed).is_some());
    assert_eq!(untouched(&space, Ignored::Counted), None, "somebody could miss them");
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
