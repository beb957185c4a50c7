//! Worktrees that are kept ready, as a test asks for them and looks at them.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{Ran, Workspace};

/// A workspace with so many worktrees that are ready.
pub fn filled(size: usize) -> Workspace {
    let space = Workspace::new();
    fill(&space, size);
    space
}

/// Fills the pool and sees that nothing stopped it.
#[track_caller]
pub fn fill(space: &Workspace, size: usize) {
    let told = told(space, size);
    assert_eq!((told["ready"].as_u64(), &told["stopped"]), (Some(size as u64), &Value::Null), "{told}");
}

/// What filling the pool came to.
#[track_caller]
pub fn told(space: &Workspace, size: usize) -> Value {
    let size_text = size.to_string();
    space.json(["pool", "fill", "--size", &size_text])[0].clone()
}

/// The ids of the warm worktrees in a condition.
pub fn slots(space: &Workspace, condition: &str) -> BTreeSet<String> {
    let status = space.json(["pool", "status"]);
    let slots = status["slots"].as_array().unwrap().iter();
    slots.filter(|it| it["condition"] == condition).map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

/// The folder of the only one that is ready.
#[track_caller]
pub fn only(space: &Workspace) -> PathBuf {
    let ready = slots(space, "ready");
    assert_eq!(ready.len(), 1);
    space.path(".worktrees").join(ready.first().unwrap())
}

/// The id of a session.
pub fn id(space: &Workspace, name: &str) -> String {
    space.json(["show", name])["id"].as_str().unwrap().to_owned()
}

/// Whether a worktree of the pool is one in which somebody changed something.
pub fn is_changed(space: &Workspace, folder: &Path) -> bool {
    slots(space, "changed").contains(folder.file_name().unwrap().to_str().unwrap())
}

/// Writes a file and commits it.
pub fn commit(space: &Workspace, path: &str, text: &str) {
    let file = space.path(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    space.git(["add", "-A"]);
    space.git(["commit", "-q", "-m", path]);
}

/// Every file below a folder but git's own, with its mode and what is in it.
pub fn content(folder: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            let below = path.strip_prefix(folder).unwrap().to_owned();
            if about.is_dir() {
                folders.push(path);
            } else if about.is_symlink() {
                let to = fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec();
                found.push((below, 0, to));
            } else if below != Path::new(".git") {
                found.push((below, about.permissions().mode(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A PATH with a git that does something of a shell's before or after the real one, which is `"$real"`.
pub fn meddling(space: &Workspace, script: &str) -> String {
    let folder = space.home().join("meddling/bin");
    fs::create_dir_all(&folder).unwrap();
    let real = std::env::var("PATH").unwrap();
    let found = std::env::split_paths(&real).map(|at| at.join("git")).find(|at| at.is_file()).unwrap();
    let git = folder.join("git");
    fs::write(&git, format!("#!/bin/sh\nreal={}\n{script}\n", found.display())).unwrap();
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{real}", folder.display())
}

/// The binary with a git in its way that meddles.
pub fn wharf(space: &Workspace, script: &str, args: &[&str]) -> Ran {
    let mut command = space.command();
    command.env("PATH", meddling(space, script)).args(args);
    Ran { output: command.output().unwrap() }
}

/// A worktree that is ready and is going to be moved by the next who fills.
pub fn with_old_base() -> Workspace {
    let space = Workspace::new();
    for number in 0..6 {
        commit(&space, &format!("{number}.txt"), "text\n");
    }
    fill(&space, 1);
    commit(&space, "1.txt", "moved\n");
    space
}
