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
    regular::read_regular,
    sample::Sample,
    site::{Site, io_error},
    snapshot::TEMPORARY_INDEX,
};

/// How many differences are named.
const DIFFERENCES_MAX: usize = 20;
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
            let sample = self.make_sample(of.id)?;
            let found = self.compare(&site, &sample, lock);
            let index = site.admin.join(TEMPORARY_INDEX);
            for left in [&index, &index.with_added_extension("lock")] {
                delete_tree(left)?;
            }
            sample.remove()?;
            found
        })
    }

    fn compare(
        &self,
        site: &Site,
        sample: &Sample,
        lock: &RepositoryLock,
    ) -> Result<Vec<String>, WorktreeError> {
        let index = site.admin.join(TEMPORARY_INDEX);
        let ask = |args: &[&str]| self.run(&inside(site, args, lock)).map(|answer| answer.stdout);
        let anew =
            |call: GitCall<'_>| self.run(&call.env("GIT_INDEX_FILE", &index)).map(|answer| answer.stdout);
        let mut differences = Vec::new();
        let status = ask(&["--no-optional-locks", "status", "--porcelain", "--untracked-files=all"])?;
        if !status.is_empty() {
            differences.push(format!("git status: {}", String::from_utf8_lossy(&status).trim_end()));
        }
        let changed = ask(&["diff-files", "--name-only"])?;
        if !changed.is_empty() {
            differences.push(format!("git diff-files: {}", String::from_utf8_lossy(&changed).trim_end()));
        }
        // A checkout in the place of the sample: git leaves out there what is sparse here.
        anew(inside(site, &["read-tree", "-m", "-u", "HEAD"], lock).env("GIT_WORK_TREE", sample.path()))?;
        if ask(&LISTED)? != anew(inside(site, &LISTED, lock))? {
            differences.push("the index is not the one that git makes of HEAD".to_owned());
        }
        let mut paths = Vec::new();
        compare_folders(&site.folder, sample.path(), Path::new(""), &mut paths)?;
        differences.extend(paths.iter().map(|path| format!("{} is not what git writes", path.display())));
        Ok(differences)
    }
}

/// Names some of what of `wanted` is not the same in `found`. What is only in `found` is for `git status` to say.
fn compare_folders(
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

fn is_same(one: &Path, other: &Path, about: &fs::Metadata) -> io::Result<bool> {
    let found = fs::symlink_metadata(one)?;
    if found.file_type() != about.file_type() {
        return Ok(false);
    }
    if about.is_symlink() {
        return Ok(fs::read_link(one)? == fs::read_link(other)?);
    }
    let modes = (found.permissions().mode(), about.permissions().mode());
    let read = |path: &Path| read_regular(path, u64::MAX - 1);
    Ok(modes.0 == modes.1 && read(one)? == read(other)?)
}
