//! Which commits are only in the submodules of a worktree: git keeps their repositories in its administrative folder.

use std::path::{Path, PathBuf};

use super::{
    GitWorktrees, Loss, WorktreeError,
    command::GitCall,
    files::names_in,
    site::{is_folder, read_small},
};
use crate::session::CommitId;

/// How many entries of one folder are looked at.
const ENTRIES_MAX: usize = 10_000;
/// How deep the repositories of submodules may lie; one in a submodule lies three folders deeper.
const DEPTH_MAX: usize = 32;

impl GitWorktrees {
    /// A loss for each submodule with commits that none of its remotes has.
    pub(super) fn submodule_losses(&self, admin: &Path) -> Result<Vec<Loss>, WorktreeError> {
        let mut modules = Vec::new();
        collect(&admin.join("modules"), Path::new(""), DEPTH_MAX, &mut modules)?;
        let losses = modules.into_iter().filter_map(|(path, git_dir)| {
            let count = self.commits_on_no_remote(&git_dir).unwrap_or_else(|err| {
                tracing::warn!(path = %git_dir.display(), error = %err, "a submodule cannot be read");
                None
            });
            let path = path.to_string_lossy().into_owned();
            (count != Some(0)).then_some(Loss::Submodule { path, count })
        });
        Ok(losses.collect())
    }

    /// Counts what leads from HEAD, a branch, the stash or another ref to no remote-tracking branch.
    fn commits_on_no_remote(&self, git_dir: &Path) -> Result<Option<usize>, WorktreeError> {
        // The boundary of a shallow clone came from the remote, also when no branch there leads to it.
        let shallow = read_small(&git_dir.join("shallow")).unwrap_or_default();
        let mut args = vec!["rev-list", "--count", "--exclude=refs/tags/*", "--exclude=refs/remotes/*"];
        args.extend(["--all", "--not", "--remotes"]);
        args.extend(shallow.lines().filter(|line| line.parse::<CommitId>().is_ok()));
        // Its configuration names a worktree that may be gone, and may name a remote to fetch missing objects from.
        let call = GitCall::ask(git_dir, &args)
            .env("GIT_DIR", git_dir)
            .env("GIT_WORK_TREE", git_dir)
            .env("GIT_NO_LAZY_FETCH", "1");
        let answer = self.run(&call)?.stdout;
        Ok(String::from_utf8_lossy(&answer).trim().parse().ok())
    }
}

/// Finds the repositories below a folder, with git's names for their submodules, which can have slashes.
fn collect(
    folder: &Path,
    name: &Path,
    depth: usize,
    found: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), WorktreeError> {
    if !is_folder(folder) {
        return Ok(());
    }
    for entry in names_in(folder, ENTRIES_MAX)? {
        let (path, name) = (folder.join(&entry), name.join(&entry));
        if !is_folder(&path) || depth == 0 {
            continue;
        }
        if path.join("HEAD").is_file() && is_folder(&path.join("objects")) {
            collect(&path.join("modules"), &name, depth - 1, found)?;
            found.push((name, path));
        } else {
            collect(&path, &name, depth - 1, found)?;
        }
    }
    Ok(())
}
