//! Whether a worktree is, byte for byte, what git itself would have checked out.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    Checkout, GitWorktrees, WorktreeError,
    changes::unusable,
    command::GitCall,
    copy::inside,
    delete::delete_tree,
    lock::RepositoryLock,
    site::{Site, io_error, make_folder},
};

/// How many differences are named.
const DIFFERENCES_MAX: usize = 20;
/// The index that git makes for the comparison; who finds a repository in which work was cut short clears it away.
const INDEX: &str = "wharf-index";
/// What of an entry of an index must be the same: mode, content, stage, path, and whether it is left out.
const LISTED: [&str; 5] = ["ls-files", "-z", "-s", "-t", "--full-name"];

impl GitWorktrees {
    /// How a worktree without changes differs from what git would write now: its status, its index, and every file with
    /// its mode. Nothing when it does not.
    pub(super) fn verify_checkout(&self, of: &Checkout) -> Result<Vec<String>, WorktreeError> {
        let worktree = self.inspect_one(of.id, &of.repository)?;
        if let Some(because) = unusable(worktree.state) {
            return Err(WorktreeError::Unusable { id: of.id, because });
        }
        let site = self.site(of.id, &of.repository)?;
        self.at_work(&site, |lock| {
            let beside = self.workspace.trash().join(format!("verify-{}", of.id));
            make_folder(&self.workspace.trash())?;
            delete_tree(&beside)?;
            let found = self.compare(&site, &beside, lock);
            let index = site.admin.join(INDEX);
            for left in [&index, &index.with_added_extension("lock"), &beside] {
                delete_tree(left)?;
            }
            found
        })
    }

    fn compare(
        &self,
        site: &Site,
        beside: &Path,
        lock: &RepositoryLock,
    ) -> Result<Vec<String>, WorktreeError> {
        let index = site.admin.join(INDEX);
        let ask = |args: &[&str]| self.run(&inside(site, args)).map(|answer| answer.stdout);
        let anew = |call: GitCall<'_>| {
            let call = call.env("GIT_INDEX_FILE", &index).holding(lock.file());
            self.run(&call).map(|answer| answer.stdout)
        };
        let mut differences = Vec::new();
        let status = ask(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=all"])?;
        if !status.is_empty() {
            differences.push(format!("git status: {}", String::from_utf8_lossy(&status).trim_end()));
        }
        let changed = ask(&["diff-files", "--name-only"])?;
        if !changed.is_empty() {
            differences.push(format!("git diff-files: {}", String::from_utf8_lossy(&changed).trim_end()));
        }
        anew(inside(site, &["read-tree", "HEAD"]))?;
        if ask(&LISTED)? != anew(inside(site, &LISTED))? {
            differences.push("the index is not the one that git makes of HEAD".to_owned());
        }
        let prefix = format!("--prefix={}/", beside.display());
        anew(inside(site, &["checkout-index", "--all", "--quiet", &prefix]))?;
        if beside.exists() {
            let mut paths = Vec::new();
            compare_folders(&site.folder, beside, Path::new(""), &mut paths)?;
            differences.extend(paths.iter().map(|path| format!("{} is not what git writes", path.display())));
        }
        Ok(differences)
    }
}

/// Names some of what of `wanted` is not the same in `found`. What is only in `found` is for `git status` to say.
pub(super) fn compare_folders(
    found: &Path,
    wanted: &Path,
    below: &Path,
    differences: &mut Vec<PathBuf>,
) -> Result<(), WorktreeError> {
    for entry in fs::read_dir(wanted.join(below)).map_err(io_error("list", wanted))? {
        let path = below.join(entry.map_err(io_error("list", wanted))?.file_name());
        if differences.len() >= DIFFERENCES_MAX {
            break;
        }
        let (one, other) = (found.join(&path), wanted.join(&path));
        let about = fs::symlink_metadata(&other).map_err(io_error("look at", &other))?;
        if about.is_dir() {
            compare_folders(found, wanted, &path, differences)?;
        } else if !is_same(&one, &other, &about).unwrap_or(false) {
            differences.push(path);
        }
    }
    Ok(())
}

fn is_same(one: &PathBuf, other: &PathBuf, about: &fs::Metadata) -> io::Result<bool> {
    let found = fs::symlink_metadata(one)?;
    if found.file_type() != about.file_type() {
        return Ok(false);
    }
    if about.is_symlink() {
        return Ok(fs::read_link(one)? == fs::read_link(other)?);
    }
    let modes = (found.permissions().mode(), about.permissions().mode());
    Ok(modes.0 == modes.1 && fs::read(one)? == fs::read(other)?)
}
