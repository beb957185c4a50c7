//! Whether a person did anything in a warm worktree: before it is moved, removed, or given back.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    io::{self, Read as _},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use super::{
    slot::{Seal, set_changed, target},
    sweep::between,
};
use crate::{
    atomic,
    session::CommitId,
    worktree::{
        GitWorktrees, WorktreeError,
        copy::{IndexFile, Kind, content_id, inside},
        delete::delete_tree,
        lock::RepositoryLock,
        site::{Site, io_error, is_folder, is_there, make_folder},
        snapshot::TEMPORARY_INDEX,
    },
};

/// How many paths are given to one git.
const PATHS_MAX: usize = 200;
/// How deep folders are looked into; git itself makes none that are deeper.
const DEPTH_MAX: usize = 500;

impl GitWorktrees {
    /// Whether a worktree has nothing but the files of a commit: no change, no other file, no commit on top. What git
    /// cannot make sense of has something; an error when git could not be asked.
    pub(super) fn is_untouched(&self, site: &Site, commit: &CommitId) -> Result<bool, WorktreeError> {
        self.is_untouched_or(site, commit, || false)
    }

    fn is_untouched_or(
        &self,
        site: &Site,
        commit: &CommitId,
        is_vouched_for: impl FnOnce() -> bool,
    ) -> Result<bool, WorktreeError> {
        if !site.has_folder() {
            return Ok(true);
        }
        let head = self.line(&site.folder, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
        if head.as_deref() != Some(commit.as_str()) || !site.is_linked() {
            return Ok(false);
        }
        match self.git_status(&site.folder, &["--untracked-files=all", "--ignored"]) {
            Ok(it) if it.untracked.count + it.ignored.count > 0 => Ok(false),
            Ok(it) => Ok(it.modified.count == 0 || is_vouched_for()),
            Err(WorktreeError::Git { status, .. }) if status.starts_with("exit code") => Ok(false),
            Err(err) => Err(err),
        }
    }

    /// The same for a worktree of the pool in which no branch was checked out. Settings that changed since can have git
    /// see changes where nobody made any, so what no file was touched of is as it was.
    pub(super) fn is_at_rest(&self, site: &Site, commit: &CommitId) -> Result<bool, WorktreeError> {
        self.is_at_rest_by(site, commit, || Seal::read(site).is_some_and(|seal| seal.vouches_for_all(site)))
    }

    /// The same, with another way to know that no file was touched.
    pub(super) fn is_at_rest_by(
        &self,
        site: &Site,
        commit: &CommitId,
        is_vouched_for: impl FnOnce() -> bool,
    ) -> Result<bool, WorktreeError> {
        let branch = self.line(&site.folder, &["symbolic-ref", "--quiet", "HEAD"])?;
        Ok(branch.is_none() && self.is_untouched_or(site, commit, is_vouched_for)?)
    }

    /// The same for a worktree at the commit of its seal.
    pub(super) fn is_untouched_at_rest(&self, site: &Site) -> Result<bool, WorktreeError> {
        match Seal::read(site).and_then(|seal| seal.commit()) {
            Some(commit) => self.is_at_rest(site, &commit),
            None => Ok(false),
        }
    }

    /// Whether there is something in a half-filled worktree that neither wharf nor git put there.
    pub(super) fn has_work_in_filling(
        &self,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        match between(site) {
            Some([from, to]) => self.has_own_work(site, [&from, &to], lock),
            // Nothing says what is to be in it. The index comes last; until then there is a checkout that did not end.
            None => Ok(site.has_folder() && is_there(&site.admin.join("index"))),
        }
    }

    /// The same for one whose taking was cut short.
    pub(super) fn has_work_in_taken(
        &self,
        site: &Site,
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        if !site.has_folder() {
            return Ok(false);
        }
        let Some(from) = Seal::of_taken(site).and_then(|seal| seal.commit()) else {
            return Ok(true);
        };
        // What is committed on a branch stays with the branch.
        let ask = |args: &[&str]| self.line(&site.folder, args);
        let to = match ask(&["symbolic-ref", "--quiet", "HEAD"])? {
            Some(_) => ask(&["rev-parse", "--verify", "--quiet", "HEAD"])?,
            None => None,
        };
        let to =
            to.and_then(|head| head.parse().ok()).or_else(|| target(site)).unwrap_or_else(|| from.clone());
        self.has_own_work(site, [&from, &to], lock)
    }

    /// Whether a worktree that was being written has anything that is of neither of two commits: another content, another
    /// file, another commit. They are one and the same where no other was there before.
    pub(in crate::worktree) fn has_own_work(
        &self,
        site: &Site,
        [from, to]: [&CommitId; 2],
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        if !site.has_folder() {
            return Ok(false);
        }
        let head = self.line(&site.folder, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let is_known = |head: &str| head == from.as_str() || head == to.as_str();
        if !head.as_deref().is_some_and(is_known) || !site.is_linked() {
            return Ok(true);
        }
        let is_one = from == to;
        if self.is_untouched(site, to)? || (!is_one && self.is_untouched(site, from)?) {
            return Ok(false);
        }
        let mut strange = self.strange_to(site, to, lock)?;
        if !is_one {
            let other = self.strange_to(site, from, lock)?;
            strange.retain(|path| other.contains(path));
        }
        let strange: Vec<_> = strange.into_iter().collect();
        Ok(!self.are_begun(site, to, &strange, lock)?)
    }

    /// Whether each of these files is what git writes of a commit, which it can see changes in, or the beginning of that,
    /// which a git that was killed leaves.
    fn are_begun(
        &self,
        site: &Site,
        commit: &CommitId,
        paths: &[Vec<u8>],
        lock: &RepositoryLock,
    ) -> Result<bool, WorktreeError> {
        if paths.is_empty() {
            return Ok(true);
        }
        let index = site.admin.join(TEMPORARY_INDEX);
        let sample = self.make_sample(site.id)?;
        let prefix = sample.prefix();
        let write = |args: &[&str], paths: &[Vec<u8>]| {
            // A path that the commit does not have is an answer.
            let mut call = inside(site, args, lock).env("GIT_INDEX_FILE", &index).allow(&[1, 128]);
            if !paths.is_empty() {
                call = call.arg(&prefix).arg("--");
            }
            for path in paths {
                call = call.arg(OsStr::from_bytes(path));
            }
            self.run(&call).map(drop)
        };
        let written = write(&["read-tree", commit.as_str()], &[]).and_then(|()| {
            paths.chunks(PATHS_MAX).try_for_each(|some| write(&["checkout-index", "--quiet"], some))
        });
        let are_begun = written.map(|()| {
            let is_begun =
                |path: &Vec<u8>| sample.begins_with(&site.folder, Path::new(OsStr::from_bytes(path)));
            paths.iter().all(|path| is_begun(path).unwrap_or(false))
        });
        delete_tree(&index)?;
        sample.remove()?;
        are_begun
    }

    /// The files of a worktree that are not as a commit has them. Those that are missing are nobody's work.
    fn strange_to(
        &self,
        site: &Site,
        commit: &CommitId,
        lock: &RepositoryLock,
    ) -> Result<BTreeSet<Vec<u8>>, WorktreeError> {
        let index = site.admin.join(TEMPORARY_INDEX);
        let ask = |args: &[&str]| {
            // A file that differs is an answer, not a failure.
            let call = inside(site, args, lock).env("GIT_INDEX_FILE", &index).allow(&[1]);
            self.run(&call).map(|answer| answer.stdout)
        };
        let found = ask(&["read-tree", commit.as_str()]).and_then(|_| {
            ask(&["update-index", "-q", "--refresh"])?;
            let mut found = ask(&["diff-files", "-z", "--name-only", "--diff-filter=d"])?;
            found.extend(ask(&["ls-files", "-z", "--others"])?);
            Ok(found)
        });
        delete_tree(&index)?;
        let found = found?;
        let names = found.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(<[u8]>::to_vec).collect())
    }

    /// Takes the folder of a worktree that was ready out of its place, where nobody finds it any more, and looks once more;
    /// puts it back and sets it aside when somebody changed something at the last moment. Says whether it can go.
    pub(super) fn retire(&self, site: &Site, seal: Option<&Seal>) -> Result<bool, WorktreeError> {
        // What an index never could vouch for was looked at by git a moment ago.
        let is_told = site.has_folder() && seal.is_some_and(Seal::was_vouched_for);
        let Some(index) = IndexFile::read(&site.admin.join("index")).filter(|_| is_told) else {
            return Ok(true);
        };
        let aside = self.withdrawn(site);
        make_folder(&self.workspace.trash())?;
        delete_tree(&aside)?;
        atomic::rename(&site.folder, &aside).map_err(io_error("move", &site.folder))?;
        // It is deleted under the note of a worktree that ends: until then whoever finds it here puts it back.
        if is_as_noted(&index, &aside) && has_only(&index, &aside).map_err(io_error("list", &aside))? {
            return Ok(true);
        }
        atomic::rename(&aside, &site.folder).map_err(io_error("move", &aside))?;
        set_changed(site)?;
        Ok(false)
    }

    /// Puts a folder back that somebody who was killed took out of its place to look once more. Says whether there was
    /// one.
    pub(super) fn put_back_retired(&self, site: &Site) -> Result<bool, WorktreeError> {
        let aside = self.withdrawn(site);
        if is_there(&site.folder) || !is_folder(&aside) {
            return Ok(false);
        }
        atomic::rename(&aside, &site.folder).map_err(io_error("move", &aside))?;
        tracing::info!(folder = %site.folder.display(), "a warm worktree that was about to go was put back");
        Ok(true)
    }
}

/// Whether every file in a folder is what its index had in view, or has that content all the same.
fn is_as_noted(index: &IndexFile, folder: &Path) -> bool {
    index.vouches_for_all(folder)
        || index.entries.iter().all(|entry| {
            let path = folder.join(OsStr::from_bytes(index.path(entry)));
            let found = match entry.kind {
                Kind::Link => fs::read_link(&path).map(|to| to.into_os_string().into_vec()),
                Kind::File | Kind::Program => match atomic::open(&path) {
                    Ok(atomic::Place::File(mut file)) => {
                        let mut bytes = Vec::new();
                        file.read_to_end(&mut bytes).map(|_| bytes)
                    }
                    Ok(_) => return false,
                    Err(err) => Err(err),
                },
            };
            found.is_ok_and(|bytes| content_id(&bytes) == *index.content(entry))
        })
}

/// Whether a folder has no file that is not in an index, but for git's own.
fn has_only(index: &IndexFile, folder: &Path) -> io::Result<bool> {
    let known: BTreeSet<&[u8]> = index.entries.iter().map(|entry| index.path(entry)).collect();
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        for entry in fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let is_folder = entry.file_type()?.is_dir();
            if is_folder && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if path != Path::new(".git") && !known.contains(path.as_os_str().as_bytes()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
