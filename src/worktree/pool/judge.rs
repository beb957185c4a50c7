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
    slot::{Seal, set_changed},
    sweep::moving,
};
use crate::{
    atomic,
    session::CommitId,
    worktree::{
        GitWorktrees, WorktreeError,
        copy::{IndexFile, Kind, content_id, inside},
        delete::delete_tree,
        site::{Site, io_error, is_there, make_folder},
        verify::compare_folders,
    },
};

/// The index that a commit is read into for a comparison; who finds a repository in which work was cut short clears it
/// away.
const INDEX: &str = "wharf-index";
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
        let branch = self.line(&site.folder, &["symbolic-ref", "--quiet", "HEAD"])?;
        let is_vouched_for = || Seal::read(site).is_some_and(|seal| seal.vouches_for_all(site));
        Ok(branch.is_none() && self.is_untouched_or(site, commit, is_vouched_for)?)
    }

    /// The same for a worktree at the commit of its seal.
    pub(super) fn is_untouched_at_rest(&self, site: &Site) -> Result<bool, WorktreeError> {
        match Seal::read(site).and_then(|seal| seal.commit()) {
            Some(commit) => self.is_at_rest(site, &commit),
            None => Ok(false),
        }
    }

    /// Whether there is something in a half-filled worktree that no checkout puts there; in one that was ready before,
    /// also whether a file is neither what it was nor what it was to become.
    pub(super) fn has_work_in_filling(&self, site: &Site) -> Result<bool, WorktreeError> {
        if !site.has_folder() {
            return Ok(false);
        }
        if let Some([from, to]) = moving(site) {
            return self.has_own_work(site, &from, &to);
        }
        if !is_there(&site.admin.join("index")) {
            // Git writes the index last. Until then all files are those of a checkout that did not end.
            return Ok(false);
        }
        let status = self.git_status(&site.folder, &["--untracked-files=all", "--ignored"]);
        status.map(|it| it.untracked.count + it.ignored.count > 0)
    }

    /// Whether there is something in a worktree that was made just now and could not be made ready: another file, or one
    /// that is not what git writes. Git can see changes in what it wrote itself.
    pub(super) fn has_work_in_new(&self, site: &Site) -> Result<bool, WorktreeError> {
        if self.has_work_in_filling(site)? {
            return Ok(true);
        }
        let index = IndexFile::read(&site.admin.join("index"));
        if !site.has_folder() || index.is_none_or(|index| index.vouches_for_all(&site.folder)) {
            return Ok(false);
        }
        let beside = self.workspace.trash().join(format!("verify-{}", site.id));
        make_folder(&self.workspace.trash())?;
        delete_tree(&beside)?;
        let prefix = format!("--prefix={}/", beside.display());
        let written = self.run(&inside(site, &["checkout-index", "--all", "--quiet", &prefix]));
        let mut differences = Vec::new();
        let compared = written.and_then(|_| {
            if !is_there(&beside) {
                return Ok(());
            }
            compare_folders(&site.folder, &beside, Path::new(""), &mut differences)
        });
        delete_tree(&beside)?;
        compared?;
        // What is missing is nobody's work.
        Ok(differences.iter().any(|path| is_there(&site.folder.join(path))))
    }

    /// Whether a worktree that git was moving between two commits has anything that is of neither: another content,
    /// another file, another commit.
    pub(super) fn has_own_work(
        &self,
        site: &Site,
        from: &CommitId,
        to: &CommitId,
    ) -> Result<bool, WorktreeError> {
        if !site.has_folder() {
            return Ok(false);
        }
        let head = self.line(&site.folder, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let is_known = |head: &str| head == from.as_str() || head == to.as_str();
        if !head.as_deref().is_some_and(is_known) || !site.is_linked() {
            return Ok(true);
        }
        if self.is_untouched(site, to)? || self.is_untouched(site, from)? {
            return Ok(false);
        }
        let strange = self.strange_to(site, from)?;
        for path in strange.intersection(&self.strange_to(site, to)?) {
            if !self.is_half_written(site, to, path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file is the beginning of what a commit has: a git that was killed leaves such a one.
    fn is_half_written(&self, site: &Site, to: &CommitId, path: &[u8]) -> Result<bool, WorktreeError> {
        let name = [to.as_str().as_bytes(), b":", path].concat();
        let call = inside(site, &["cat-file", "--filters"]).arg(OsStr::from_bytes(&name)).allow(&[128]);
        let answer = self.run(&call)?;
        let written = match atomic::open(&site.folder.join(OsStr::from_bytes(path))) {
            Ok(atomic::Place::File(mut file)) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).is_ok().then_some(bytes)
            }
            Ok(atomic::Place::Empty | atomic::Place::Other) | Err(_) => None,
        };
        Ok(answer.code == 0 && written.is_some_and(|written| answer.stdout.starts_with(&written)))
    }

    /// The files of a worktree that are not as a commit has them. Those that are missing are nobody's work.
    fn strange_to(&self, site: &Site, commit: &CommitId) -> Result<BTreeSet<Vec<u8>>, WorktreeError> {
        let index = site.admin.join(INDEX);
        let ask = |args: &[&str]| {
            // A file that differs is an answer, not a failure.
            let call = inside(site, args).env("GIT_INDEX_FILE", &index).allow(&[1]);
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

    /// Takes the folder of a worktree that was ready out of its place, where nobody finds it any more, looks once more,
    /// and deletes it; or puts it back and sets it aside when somebody changed something at the last moment. Says whether
    /// it is gone.
    pub(super) fn retire(&self, site: &Site, seal: Option<&Seal>) -> Result<bool, WorktreeError> {
        // What an index never could vouch for was looked at by git a moment ago.
        let is_told = site.has_folder() && seal.is_some_and(Seal::was_vouched_for);
        let Some(index) = IndexFile::read(&site.admin.join("index")).filter(|_| is_told) else {
            return Ok(true);
        };
        let aside = self.workspace.trash().join(format!("withdrawn-{}", site.id));
        make_folder(&self.workspace.trash())?;
        delete_tree(&aside)?;
        atomic::rename(&site.folder, &aside).map_err(io_error("move", &site.folder))?;
        if is_as_noted(&index, &aside) && has_only(&index, &aside).map_err(io_error("list", &aside))? {
            delete_tree(&aside)?;
            return Ok(true);
        }
        atomic::rename(&aside, &site.folder).map_err(io_error("move", &aside))?;
        set_changed(site)?;
        Ok(false)
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
