//! What must be true of a workspace after `restore`, whatever happened before.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{STATE, Workspace};

/// Restores and checks that table, disk and git agree, that nothing is left over, and that restoring again changes
/// nothing. `branches` are those that may be there without a session or an entry in the trash.
#[track_caller]
pub fn restored(space: &Workspace, branches: &[&str], after: &str) {
    let ran = space.run(["restore", "--json"]);
    assert!(ran.output.status.success(), "{after}: {}", ran.stderr());
    let told = ran.json();
    assert_eq!(told["quarantined"], serde_json::json!([]), "{after}");
    assert_eq!(told["leftAlone"], serde_json::json!([]), "{after}");
    whole(space, branches, after);
    let before = picture(space);
    space.run(["restore"]).succeeds();
    assert_eq!(picture(space), before, "{after}: the second restore changed something");
}

/// Checks that table, disk and git agree and that nothing is left over.
#[track_caller]
pub fn whole(space: &Workspace, branches: &[&str], after: &str) {
    let sessions = space.json(["list"]).as_array().unwrap().clone();
    let trash = space.json(["trash", "list"]).as_array().unwrap().clone();
    let mut wanted: BTreeSet<String> = branches.iter().map(|it| (*it).to_owned()).collect();
    for session in &sessions {
        has_its_worktree(space, session, after);
        wanted.insert(text(session, "branch"));
    }
    let ids: BTreeSet<String> = sessions.iter().map(|it| text(it, "id")).collect();
    let thrown: BTreeSet<String> = trash.iter().map(|it| text(it, "id")).collect();
    assert_eq!(visible(&space.path(".worktrees")), ids, "{after}: folders");
    assert_eq!(visible(&space.path(".git/worktrees")), ids, "{after}: administrative entries");
    assert_eq!(names(&space.path(".worktrees/.trash")), thrown, "{after}: trash");
    let hidden = space.git(["for-each-ref", "--format=%(refname:lstrip=3)", "refs/wharf"]);
    let hidden: BTreeSet<String> = hidden.lines().map(ToOwned::to_owned).collect();
    assert_eq!(hidden, thrown, "{after}: hidden refs");
    let dead: BTreeSet<String> = trash.iter().map(|it| text(it, "branch")).collect();
    for branch in space.branches() {
        assert!(
            branch == "main" || wanted.contains(&branch) || dead.contains(&branch),
            "{after}: orphan branch {branch}"
        );
    }
    assert_eq!(leftovers(space), Vec::<PathBuf>::new(), "{after}: left over");
    space.git(["fsck", "--connectivity-only", "--no-dangling"]);
}

#[track_caller]
fn has_its_worktree(space: &Workspace, session: &Value, after: &str) {
    let (id, name) = (text(session, "id"), text(session, "name"));
    assert_eq!(session["worktreeState"], "present", "{after}: {session}");
    assert!(session["pending"].is_null(), "{after}: {session}");
    let folder = space.path(".worktrees").join(&id);
    assert_eq!(space.git_at(&folder, ["branch", "--show-current"]), text(session, "branch"), "{after}");
    let admin = space.path(".git/worktrees").join(&id);
    let lock: Value = serde_json::from_slice(&fs::read(admin.join("locked")).unwrap()).unwrap();
    assert_eq!((&lock["id"], &lock["name"]), (&session["id"], &session["name"]), "{after}");
    let record: Value = serde_json::from_slice(&fs::read(admin.join("session.json")).unwrap()).unwrap();
    let stored = space.state();
    let stored = stored["sessions"].as_array().unwrap().iter();
    let stored = stored.clone().find(|it| it["id"] == session["id"]).unwrap();
    assert_eq!(&record, stored, "{after}: the record of {name} beside git's files");
}

/// The sessions of the state file, everything git has, and every file of every worktree.
pub fn picture(space: &Workspace) -> Vec<String> {
    let mut seen = vec![fs::read_to_string(space.path(STATE)).unwrap_or_default()];
    seen.push(space.git(["for-each-ref"]));
    seen.push(space.git(["worktree", "list", "--porcelain"]));
    seen.extend(space.litter());
    for root in [".worktrees", ".git/worktrees"] {
        for path in files(&space.path(root)) {
            let bytes = fs::read(&path).unwrap_or_default();
            seen.push(format!("{} {}", path.display(), String::from_utf8_lossy(&bytes)));
        }
    }
    seen
}

/// Temporary files and locks that nobody holds any more.
fn leftovers(space: &Workspace) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = files(&space.path(".git"));
    found.extend(files(&space.path(".worktrees")));
    found.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_temporary = name.ends_with(".lock")
            || name.ends_with(".tmp")
            || ["wharf-index", ".tmp-renamed-log"].contains(&&*name);
        is_temporary && name != "wharf.lock"
    });
    // What is registered is made beside, in a folder of its own.
    let entries = names(&space.path(".git")).into_iter().filter(|name| name.starts_with("wharf.making-"));
    found.extend(entries.map(|name| space.path(".git").join(name)));
    found.extend(Some(space.path(".claude-container-sessions.tmp")).filter(|path| path.exists()));
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn visible(folder: &Path) -> BTreeSet<String> {
    let mut names = names(folder);
    names.remove(".trash");
    names
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}
