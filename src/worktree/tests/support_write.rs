//! A workspace with a real repository, and the sessions that tests put on it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use super::support::worktrees_at;
use crate::{
    session::{Base, BranchName, RepositoryPath, SessionId, SessionName},
    worktree::{
        Addition, Checkout, GitSettings, GitWorktrees, Start, Trashed, WorktreeError, Worktrees as _,
    },
};

impl GitWorktrees {
    /// Deletes one entry of the trash for ever.
    pub(super) fn purge(&self, trashed: &Trashed) -> Result<(), WorktreeError> {
        self.doom(trashed)?;
        self.clear_doomed()
    }
}

/// A workspace that is one repository with a commit of two files.
pub(super) struct Ground {
    _dir: tempfile::TempDir,
    pub(super) root: PathBuf,
}

impl Ground {
    pub(super) fn new() -> Self {
        let ground = Self::unborn(&[]);
        ground.write("kept.txt", "kept\n");
        ground.write("folder/deep.txt", "deep\n");
        ground.git(["add", "-A"]);
        ground.git(["commit", "-q", "-m", "first"]);
        ground
    }

    pub(super) fn unborn(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("space");
        fs::create_dir(&root).unwrap();
        let ground = Self { _dir: dir, root };
        let mut args = vec!["init", "-q", "-b", "main"];
        args.extend(options);
        ground.git(args);
        ground
    }

    pub(super) fn worktrees(&self) -> GitWorktrees {
        self.with(GitSettings::default())
    }

    pub(super) fn with(&self, settings: GitSettings) -> GitWorktrees {
        worktrees_at(&self.root, settings)
    }

    /// A settings value whose git is this shell script.
    pub(super) fn shim(&self, script: &str, limit: Duration) -> GitSettings {
        // With this setting git makes the worktrees: no copy is made behind its back.
        self.git(["config", "index.sparse", "true"]);
        let path = self.root.with_file_name("git-shim");
        self.write_at(&path, &format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        GitSettings {
            program: path.to_str().unwrap().to_owned(),
            time_limit: limit,
            ..GitSettings::default()
        }
    }

    pub(super) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    pub(super) fn write(&self, below: impl AsRef<Path>, text: &str) {
        self.write_at(&self.path(below), text);
    }

    #[expect(clippy::disallowed_methods, reason = "a test plays the person")]
    #[expect(clippy::unused_self, reason = "it reads like the other things done on this ground")]
    pub(super) fn write_at(&self, path: &Path, text: &str) {
        assert!(path.is_absolute());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn git<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        git_in(&self.root, args)
    }

    pub(super) fn head(&self) -> String {
        self.git(["rev-parse", "HEAD"])
    }

    /// What a create of a new branch would ask for.
    pub(super) fn addition(&self, name: &str) -> Addition {
        let name: SessionName = name.parse().unwrap();
        Addition {
            id: SessionId::random(),
            branch: BranchName::for_session(&name),
            record: format!(r#"{{"name":"{name}"}}"#),
            name,
            repository: RepositoryPath::root(),
            start: Start {
                base: Base {
                    commit: self.head().parse().unwrap(),
                    reference: Some("refs/heads/main".to_owned()),
                },
                branch_is_new: true,
            },
            durable_first: Vec::new(),
        }
    }

    /// A session that is there.
    pub(super) fn session(&self, name: &str) -> (Addition, Checkout, PathBuf) {
        let addition = self.addition(name);
        self.worktrees().add(&addition).unwrap();
        let of = checkout(&addition);
        let folder = self.folder(addition.id);
        (addition, of, folder)
    }

    pub(super) fn folder(&self, id: SessionId) -> PathBuf {
        self.path(".worktrees").join(id.to_string())
    }

    pub(super) fn admin(&self, id: SessionId) -> PathBuf {
        self.path(".git/worktrees").join(id.to_string())
    }

    pub(super) fn branches(&self) -> Vec<String> {
        let text = self.git(["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        text.lines().map(str::to_owned).collect()
    }

    /// The hidden refs, by full name.
    pub(super) fn hidden(&self) -> String {
        self.git(["for-each-ref", "--format=%(refname)", "refs/wharf"])
    }
}

pub(super) fn checkout(addition: &Addition) -> Checkout {
    Checkout {
        id: addition.id,
        repository: addition.repository.clone(),
        branch: addition.branch.clone(),
        base: Some(addition.start.base.clone()),
    }
}

/// Runs git as a person would, without that person's own settings, and answers what it printed.
pub(super) fn git_in<A: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = A>) -> String {
    let output = try_git(dir, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a test plays the person")]
pub(super) fn try_git<A: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = A>) -> Output {
    Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(["-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"])
        .args(args)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "person")
        .env("GIT_AUTHOR_EMAIL", "person@example.org")
        .env("GIT_COMMITTER_NAME", "person")
        .env("GIT_COMMITTER_EMAIL", "person@example.org")
        .output()
        .unwrap()
}

/// What git shows of a worktree, staged and not, with what it ignores.
pub(super) fn status(folder: &Path) -> String {
    git_in(folder, ["status", "--porcelain", "--ignored"])
}

/// Runs another program and says whether it succeeded.
#[expect(clippy::disallowed_methods, reason = "a test plays the person")]
pub(super) fn run<'a>(program: &str, args: impl IntoIterator<Item = &'a OsStr>) -> bool {
    let outcome = Command::new(program).args(args).output();
    outcome.is_ok_and(|output| output.status.success())
}

/// Says why a test shows nothing here.
#[expect(clippy::print_stderr, reason = "the reader of a test run must know")]
pub(super) fn skipped(because: &str) {
    eprintln!("skipped: {because}");
}

/// Brings back what was destroyed last.
pub(super) fn bring_back_first(worktrees: &GitWorktrees) -> Result<(), WorktreeError> {
    let trashed = worktrees.trash().unwrap().remove(0);
    worktrees.bring_back(trashed.id, &trashed.repository)
}
