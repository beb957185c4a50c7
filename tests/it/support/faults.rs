//! For tests about broken and odd repositories: what a folder holds to the byte, what git lists, and a git in disguise.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use super::{Ran, STATE, Workspace};

/// Everything below a folder: kind, length, content, and when it was last written.
pub type Tree = BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>;

/// One worktree, as `git worktree list --porcelain -z` shows it.
#[derive(Debug, Default)]
pub struct Listed {
    pub path: PathBuf,
    pub branch: Option<String>,
    pub is_locked: bool,
}

/// Everything below a folder, but for the log and the home of the test.
pub fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with(".wharf/log") || path.ends_with(".home-of-test") {
                continue;
            }
            let about = fs::symlink_metadata(&path).unwrap();
            let bytes = if about.is_file() {
                fs::read(&path).unwrap()
            } else if about.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                Vec::new()
            };
            if about.is_dir() {
                waiting.push(path.clone());
            }
            let inside = path.strip_prefix(folder).unwrap().to_owned();
            tree.insert(inside, (about.mode(), about.mtime(), about.mtime_nsec(), bytes));
        }
    }
    tree
}

/// The files that a person has in a worktree: not its `.git`, and no folders, whose times change with their entries.
pub fn files(worktree: &Path) -> Tree {
    let mut files = tree(worktree);
    files.retain(|path, (mode, ..)| !path.starts_with(".git") && *mode & 0o170_000 != 0o040_000);
    files
}

/// Asserts that two trees are the same, and names what differs.
#[track_caller]
pub fn assert_same(before: &Tree, after: &Tree) {
    let is_other = |(path, held): &(&PathBuf, &_)| after.get(*path) != Some(*held);
    let gone: Vec<_> = before.iter().filter(is_other).map(|(path, _)| path).collect();
    let new: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(gone.is_empty() && new.is_empty(), "changed or gone: {gone:?}, new: {new:?}");
}

/// Puts a script somewhere, to be run.
pub fn script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Whether this git is at least of a version.
pub fn git_is(major: u32, minor: u32) -> bool {
    let output = super::git_command(Path::new("/")).arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers =
        text.trim_start_matches("git version ").split('.').map_while(|it| it.trim().parse::<u32>().ok());
    (numbers.next().unwrap(), numbers.next().unwrap()) >= (major, minor)
}

impl Workspace {
    /// Lets the workspace have this many sessions.
    pub fn limit(&self, sessions: usize) {
        fs::create_dir_all(self.path(".wharf")).unwrap();
        fs::write(self.path(".wharf/config.toml"), format!("max_sessions = {sessions}\n")).unwrap();
    }

    /// Takes the state file away, with all its backups and kept copies.
    pub fn lose_state(&self) {
        for entry in fs::read_dir(self.root()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with(STATE) {
                fs::remove_file(path).unwrap();
            }
        }
        assert!(!self.path(STATE).exists());
    }

    /// Changes the state file until it has all the backups that it ever has: from then on each change makes the same calls,
    /// as long as the backups are old.
    pub fn fill_backups(&self, session: &str) {
        let is_full = || (1..=5).all(|number| self.path(&format!("{STATE}.{number}")).exists());
        for number in 0..6 {
            if is_full() {
                break;
            }
            self.run(["meta", session, &format!("number={number}")]).succeeds();
        }
        assert!(is_full(), "there are fewer backups");
        self.age_backups();
    }

    /// Makes it long ago that the table and its backups were written, so that a change writes over the oldest of them.
    pub fn age_backups(&self) {
        let backups = (1..=5).map(|number| format!("{STATE}.{number}"));
        for name in backups.chain([STATE.to_owned()]) {
            if let Ok(file) = fs::File::options().append(true).open(self.path(&name)) {
                file.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
            }
        }
    }

    /// Writes the state file by hand: it has no checksum then.
    pub fn edit_state(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let mut state = self.state();
        state.as_object_mut().unwrap().remove("checksum");
        change(&mut state);
        fs::write(self.path(STATE), serde_json::to_vec_pretty(&state).unwrap()).unwrap();
    }

    /// Makes it long ago that a session was destroyed.
    pub fn expire(&self, id: &str) {
        let note = self.path(".worktrees/.trash").join(id).join("trash.json");
        let note = fs::File::options().write(true).open(note).unwrap();
        note.set_modified(UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
    }

    /// Makes work of every sort in a session: staged, changed and untracked. Its commit is on the branch.
    pub fn work_in(&self, name: &str) -> PathBuf {
        let folder = self.worktree(name);
        fs::write(folder.join("committed.txt"), name).unwrap();
        self.git_at(&folder, ["add", "committed.txt"]);
        self.git_at(&folder, ["commit", "-q", "-m", "work"]);
        fs::write(folder.join("staged.txt"), "staged\n").unwrap();
        self.git_at(&folder, ["add", "staged.txt"]);
        fs::write(folder.join("README.md"), "changed\n").unwrap();
        fs::write(folder.join("new.txt"), "new\n").unwrap();
        folder
    }

    /// The record of one session, as `list` has it.
    #[track_caller]
    pub fn record(&self, name: &str) -> serde_json::Value {
        let all = self.sessions();
        let found = all.iter().find(|it| it["name"] == name).cloned();
        found.unwrap_or_else(|| panic!("there is no {name}: {all:?}"))
    }

    /// The administrative folder of a session of the root's repository.
    pub fn admin(&self, name: &str) -> PathBuf {
        let folder = self.worktree(name);
        self.path(".git/worktrees").join(folder.file_name().unwrap())
    }

    /// Runs the binary with more in its environment.
    pub fn run_with(&self, env: &[(&str, &str)], args: &[&str]) -> Ran {
        let mut command = self.command();
        command.envs(env.iter().copied()).args(args);
        Ran { output: command.output().unwrap() }
    }

    /// Runs the binary with a script in the place of git; `$GIT` is the real one.
    pub fn run_with_git(&self, body: &str, args: &[&str]) -> Ran {
        let folder = self.home().join("disguise");
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|it| it.join("git")).find(|it| it.is_file()).unwrap();
        script(&folder.join("git"), &format!("GIT='{}'\n{body}", real.display()));
        let path = format!("{}:{}", folder.display(), path.to_string_lossy());
        self.run_with(&[("PATH", &path)], args)
    }

    /// What git lists at a repository.
    pub fn listed_at(&self, at: &Path) -> Vec<Listed> {
        let text = self.git_at(at, ["worktree", "list", "--porcelain", "-z"]);
        let mut all = Vec::new();
        for line in text.split('\0') {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "worktree" => all.push(Listed { path: rest.into(), ..Listed::default() }),
                "branch" => {
                    all.last_mut().unwrap().branch = Some(rest.trim_start_matches("refs/heads/").to_owned());
                }
                "locked" => all.last_mut().unwrap().is_locked = true,
                _ => (),
            }
        }
        all
    }

    /// The stable words of everything that doctor finds.
    pub fn findings(&self) -> Vec<String> {
        let ran = self.run(["doctor", "--json"]);
        let codes = ran.json();
        let codes = codes.as_array().unwrap().iter();
        codes.map(|it| it["code"].as_str().unwrap().to_owned()).collect()
    }
}
