//! Which workspace a person means: the one place that looks at where wharf was started.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::failure::Failure;
use crate::{session::SessionId, workspace::Workspace};

/// Where a workspace is when nothing else says so.
const DEFAULT: &str = "/workspace";

/// The workspace named, else `WORKSPACE_ROOT`, else the nearest folder above that holds a state file, else the nearest
/// that is the main worktree of a repository, else `/workspace`.
pub(super) fn workspace(named: Option<&Path>) -> Result<Workspace, Failure> {
    let named = named.map(Path::to_owned).filter(|path| !path.as_os_str().is_empty());
    let named =
        named.or_else(|| env::var_os("WORKSPACE_ROOT").filter(|it| !it.is_empty()).map(PathBuf::from));
    let path = match named {
        Some(path) => absolute(&path)?,
        None => started_in().and_then(|start| around(&start)).unwrap_or_else(|| DEFAULT.into()),
    };
    match fs::canonicalize(&path) {
        Ok(root) if root.is_dir() => usable(Workspace::at(&root)),
        Ok(_) => Err(Failure::NoWorkspace { path }),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(Failure::NoWorkspace { path }),
        Err(source) => Err(Failure::Io { action: "enter", path, source }),
    }
}

/// A workspace whose path can stand in a record, and which keeps to itself what it is to keep.
pub(super) fn usable(workspace: Workspace) -> Result<Workspace, Failure> {
    let root = workspace.root();
    if root.to_str().is_none_or(|text| text.contains(['\n', '\r'])) {
        let because = "has a path that is not UTF-8, or has line breaks in it";
        return Err(Failure::UnsafePath { path: root.to_owned(), because });
    }
    // A repository can bring along what stands in its folder.
    match workspace.own_folders().into_iter().find(|folder| folder.is_symlink()) {
        Some(path) => {
            let because = "is a link, and what wharf writes there would lie elsewhere";
            Err(Failure::UnsafePath { path, because })
        }
        None => Ok(workspace),
    }
}

/// The folder above which has the worktree of a session: above a folder that is named, else above where wharf was
/// started.
pub(super) fn around_session(id: SessionId, named: Option<PathBuf>) -> Option<PathBuf> {
    let has_worktree = |root: &&Path| Workspace::at(root).worktree(id).is_dir();
    [named, started_in()].into_iter().flatten().filter(|start| start.is_absolute()).find_map(|start| {
        let root = start.ancestors().find(has_worktree)?;
        fs::canonicalize(root).ok()
    })
}

/// A path that a person typed, made absolute from where wharf was started.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    let start = started_in().ok_or_else(|| Failure::NoWorkspace { path: path.to_owned() })?;
    Ok(start.join(path))
}

/// A folder that a person typed, with its links resolved; one that is gone keeps the path it was known by.
pub(super) fn settled(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = absolute(folder)?;
    Ok(fs::canonicalize(&folder).unwrap_or(folder))
}

/// Where wharf was started, if that is below a workspace.
pub(super) fn standing(workspace: &Workspace) -> Option<PathBuf> {
    let start = fs::canonicalize(started_in()?).ok()?;
    (start.starts_with(workspace.root()) && start != workspace.root()).then_some(start)
}

#[expect(clippy::disallowed_methods, reason = "only the command line may look at the working directory")]
fn started_in() -> Option<PathBuf> {
    env::current_dir().ok()
}

/// A workspace with sessions wins over a repository inside it, so that `wharf` means the same everywhere below.
fn around(start: &Path) -> Option<PathBuf> {
    let holds_state = |folder: &&Path| Workspace::at(folder).state_file().symlink_metadata().is_ok();
    start
        .ancestors()
        .find(holds_state)
        .or_else(|| start.ancestors().find(|it| is_main_worktree(it)))
        .map(Path::to_owned)
}

/// Whether a folder is a repository of its own: not a linked worktree and not a submodule.
fn is_main_worktree(folder: &Path) -> bool {
    let dot_git = folder.join(".git");
    let Ok(metadata) = dot_git.metadata() else {
        return is_bare(folder);
    };
    if metadata.is_dir() {
        return is_bare(&dot_git);
    }
    let Ok(pointer) = fs::read_to_string(&dot_git) else {
        return false;
    };
    let Some(target) = pointer.strip_prefix("gitdir:").map(|path| folder.join(path.trim())) else {
        return false;
    };
    let inside = |name: &str| target.components().any(|part| part.as_os_str() == name);
    !inside("worktrees") && !inside("modules") && is_bare(&target)
}

fn is_bare(folder: &Path) -> bool {
    folder.join("HEAD").symlink_metadata().is_ok()
        && folder.join("objects").is_dir()
        && folder.join("refs").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(root: &Path, folders: &[&str]) {
        for folder in folders {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
    }

    fn repository(root: &Path, git_dir: &str) {
        make(root, &[&format!("{git_dir}/objects"), &format!("{git_dir}/refs")]);
        put(&root.join(git_dir).join("HEAD"), "ref: refs/heads/main\n");
    }

    fn put(path: &Path, text: &str) {
        crate::atomic::replace(path, text.as_bytes(), crate::atomic::Durability::Crash).unwrap();
    }

    #[test]
    fn the_main_worktree_above_is_the_workspace() {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), "app/.git");
        make(dir.path(), &["app/src/deep"]);
        assert_eq!(around(&dir.path().join("app/src/deep")), Some(dir.path().join("app")));
    }

    #[test]
    fn a_state_file_above_a_repository_wins() {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), "api/.git");
        put(&dir.path().join(".claude-container-sessions.json"), "{}");
        assert_eq!(around(&dir.path().join("api")), Some(dir.path().to_owned()));
    }

    #[test]
    fn linked_worktrees_and_submodules_belong_to_the_repository_above() {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), ".git");
        repository(dir.path(), ".git/modules/sub");
        make(dir.path(), &["linked", "sub"]);
        put(&dir.path().join("linked/.git"), "gitdir: ../.git/worktrees/linked\n");
        put(&dir.path().join("sub/.git"), "gitdir: ../.git/modules/sub\n");
        for folder in ["linked", "sub"] {
            assert_eq!(around(&dir.path().join(folder)), Some(dir.path().to_owned()), "{folder}");
        }
    }

    #[test]
    fn a_bare_repository_and_one_behind_a_pointer_are_workspaces() {
        let dir = tempfile::tempdir().unwrap();
        repository(dir.path(), "bare.git");
        repository(dir.path(), "app/.bare");
        put(&dir.path().join("app/.git"), "gitdir: ./.bare\n");
        assert_eq!(around(&dir.path().join("bare.git")), Some(dir.path().join("bare.git")));
        assert_eq!(around(&dir.path().join("app")), Some(dir.path().join("app")));
    }

    #[test]
    fn what_does_not_exist_is_no_workspace() {
        let missing = workspace(Some(Path::new("/nonexistent/workspace")));
        assert!(matches!(missing, Err(Failure::NoWorkspace { .. })));
    }
}
