//! How a test gets a workspace with real repositories in a temporary folder.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use tempfile::TempDir;

use crate::{
    clock::{Clock, Timestamp},
    session::{RepositoryPath, SessionId},
    workspace::Workspace,
    worktree::{Changes, Checkout, GitSettings, GitWorktrees, Worktree, WorktreeState},
};

/// A workspace that is gone when the test ends.
pub(super) struct Space {
    dir: TempDir,
    pub(super) worktrees: GitWorktrees,
}

impl Space {
    /// A workspace without a repository.
    pub(super) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("workspace");
        fs::create_dir(&root).unwrap();
        let worktrees = worktrees_at(&root, GitSettings::default());
        Self { dir, worktrees }
    }

    /// A workspace that is a repository with one commit on `main`.
    pub(super) fn with_repository() -> Self {
        Self::initialised(&[]).unwrap()
    }

    /// The same, with refs in files and with refs that libgit2 cannot read: both must be answered alike.
    pub(super) fn both() -> Vec<Self> {
        let reftable = Self::initialised(&["--ref-format=reftable"]);
        [Some(Self::with_repository()), reftable].into_iter().flatten().collect()
    }

    /// Repositories that libgit2 cannot open at all.
    pub(super) fn beyond_libgit2() -> Vec<Self> {
        let (reftable, sha256) = ("--ref-format=reftable", "--object-format=sha256");
        [&[reftable][..], &[sha256], &[reftable, sha256]].into_iter().filter_map(Self::initialised).collect()
    }

    /// A repository made with further arguments for `git init`; none when this git does not know them.
    #[expect(clippy::print_stderr, reason = "says why a test proves less here")]
    fn initialised(further: &[&str]) -> Option<Self> {
        let space = Self::empty();
        let mut args = vec!["init", "-q", "-b", "main"];
        args.extend_from_slice(further);
        if !try_git(&space.root(), &args).status.success() {
            eprintln!("skipped, this git cannot do `init {}`", further.join(" "));
            return None;
        }
        commit_in(&space.root(), "first");
        Some(space)
    }

    /// Where a test may put things that are outside the workspace.
    pub(super) fn outside(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub(super) fn root(&self) -> PathBuf {
        self.outside().join("workspace")
    }

    pub(super) fn path(&self, id: SessionId) -> PathBuf {
        self.root().join(".worktrees").join(id.to_string())
    }

    /// The administrative folder of a session of the root's repository.
    pub(super) fn admin(&self, id: SessionId) -> PathBuf {
        self.root().join(".git/worktrees").join(id.to_string())
    }

    /// Runs git in the workspace's root.
    pub(super) fn git(&self, args: &[&str]) -> String {
        git(&self.root(), args)
    }

    /// Makes a session's worktree as wharf does, on `feature/<number>`.
    pub(super) fn session(&self, number: u8) -> SessionId {
        let id = id(number);
        let reason = format!(r#"{{"wharf":"1.0","id":"{id}","name":"s{number}"}}"#);
        let path = self.path(id).display().to_string();
        let branch = format!("feature/{number}");
        let lock = ["--lock", "--reason", &reason];
        let mut args = vec!["worktree", "add", "-q", "--no-track"];
        args.extend(lock);
        args.extend(["-b", &branch, "--", &path]);
        self.git(&args);
        write(&self.admin(id).join("session.json"), format!("{{\"name\":\"s{number}\"}}").as_bytes());
        id
    }

    pub(super) fn inspect(&self, id: SessionId) -> Worktree {
        self.worktrees.inspect_one(id, &RepositoryPath::root()).unwrap()
    }

    /// What changed in a session's worktree, as a look at it tells.
    pub(super) fn changes(&self, of: &Checkout) -> Option<Changes> {
        self.worktrees.look_at_all(std::slice::from_ref(of)).remove(0).changes
    }

    pub(super) fn state(&self, id: SessionId) -> WorktreeState {
        self.inspect(id).state
    }
}

/// The worktrees of the workspace in a folder, where it is always 24 November 2025, 10:30.
pub(super) fn worktrees_at(root: &Path, settings: GitSettings) -> GitWorktrees {
    let moment = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    GitWorktrees::of(Workspace::at(root), settings, Arc::new(FixedClock(moment)))
}

struct FixedClock(Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Commits a change of one file and answers the commit.
pub(super) fn commit_in(folder: &Path, text: &str) -> String {
    write(&folder.join("file.txt"), text.as_bytes());
    git(folder, &["add", "file.txt"]);
    git(folder, &["commit", "-q", "-m", text]);
    git(folder, &["rev-parse", "HEAD"])
}

/// A session of the root's repository.
pub(super) fn checkout(number: u8) -> Checkout {
    Checkout {
        id: id(number),
        repository: RepositoryPath::root(),
        branch: format!("feature/{number}").parse().unwrap(),
        base: None,
    }
}

/// A session id that says which one it is.
pub(super) fn id(number: u8) -> SessionId {
    format!("0a1b2c3d-0000-4000-8000-0000000000{number:02x}").parse().unwrap()
}

/// Runs git and answers what it said, without the line end.
pub(super) fn git(folder: &Path, args: &[&str]) -> String {
    let output = try_git(folder, args);
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Runs git, which may fail.
#[expect(clippy::disallowed_methods, reason = "tests make their repositories with git itself")]
pub(super) fn try_git(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    for (key, _) in std::env::vars_os() {
        if key.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(key);
        }
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "A");
        command.env(format!("GIT_{who}_EMAIL"), "a@example.com");
        command.env(format!("GIT_{who}_DATE"), "2025-11-24T10:30:00Z");
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("LC_ALL", "C")
        .args(["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", "-C"])
        .arg(folder)
        .args(args)
        .output()
        .unwrap()
}

/// Writes a file anew, with the folders above it.
pub(super) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(bytes).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test moves what nobody else uses")]
pub(super) fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test removes what it made itself")]
pub(super) fn remove(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
}
