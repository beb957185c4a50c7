//! How a worktree is registered without git: the files that `git worktree add` writes, all of them at once.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use super::ref_file::{Logged, log};
use crate::{
    atomic,
    session::CommitId,
    worktree::{WorktreeError, delete::delete_tree, register::HeadAt, site::Site},
};

/// A worktree that is to be registered.
pub(in crate::worktree) struct Registration<'a> {
    pub(in crate::worktree) site: &'a Site,
    /// Why it is locked.
    pub(in crate::worktree) reason: &'a str,
    pub(in crate::worktree) head: &'a HeadAt,
    pub(in crate::worktree) commit: &'a CommitId,
    /// Who is named in the log of HEAD; nothing where git keeps no logs.
    pub(in crate::worktree) who: Option<&'a str>,
    /// Further files, by name and content.
    pub(in crate::worktree) also: &'a [(&'a str, &'a str)],
}

impl Registration<'_> {
    /// Makes the folder and its administrative folder, without an index. That one is made beside and gets its name at
    /// the end: a prune by somebody else finds nothing, or a locked worktree. Answers what the file system takes for
    /// the time, in seconds.
    pub(in crate::worktree) fn write(&self) -> io::Result<i64> {
        let Self { site, reason, head, commit, who, also } = self;
        let making = making(site);
        delete_tree(&making).map_err(io::Error::other)?;
        fs::create_dir(&making)?;
        let git_file = site.folder.join(".git");
        let head = match head {
            HeadAt::Branch(branch) => format!("ref: {}\n", branch.reference()),
            HeadAt::Commit(commit) => format!("{commit}\n"),
        };
        write_new(&making.join("commondir"), b"../..\n")?;
        write_new(&making.join("gitdir"), &[git_file.as_os_str().as_bytes(), b"\n"].concat())?;
        write_new(&making.join("HEAD"), head.as_bytes())?;
        write_new(&making.join("locked"), reason.as_bytes())?;
        write_new(&making.join("ORIG_HEAD"), format!("{commit}\n").as_bytes())?;
        for (name, content) in *also {
            write_new(&making.join(name), content.as_bytes())?;
        }
        fs::create_dir(making.join("refs"))?;
        if let Some(who) = who {
            log(&making.join("logs/HEAD"), who, &Logged { from: None, to: commit, because: "" })?;
        }
        let admins = site.common.join("worktrees");
        match fs::create_dir(&admins) {
            Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
            Ok(()) | Err(_) => (),
        }
        // Whatever is there is not replaced: the rename of a folder refuses one that has anything in it.
        atomic::rename(&making, &site.admin)?;
        fs::create_dir(&site.folder)?;
        let pointer = [b"gitdir: ", site.admin.as_os_str().as_bytes(), b"\n"].concat();
        let git_file = write_new(&git_file, &pointer)?;
        Ok(git_file.metadata()?.mtime())
    }
}

/// Clears away what a registration that did not come to its end has left beside.
pub(in crate::worktree) fn clear_making(site: &Site) -> Result<(), WorktreeError> {
    delete_tree(&making(site))
}

fn making(site: &Site) -> PathBuf {
    site.common.join(format!("wharf.making-{}", site.id))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}
