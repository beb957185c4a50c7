//! What a new worktree gets beside what git checks out: ignored files of the main worktree, such as `.env`, that the
//! repository names in `.worktreeinclude`.
//!
//! Git decides which files those are, twice: it has to find them by the patterns, and to ignore them in the new worktree,
//! so that nobody commits by accident what was never to be committed. No link is followed on either side, nothing that is
//! there is overwritten, and each file appears whole.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Seek as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Component, Path},
};

use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags, fchmod, fstat, fsync, ioctl_ficlone,
        mkdirat, open, openat2, renameat_with, statat, unlinkat,
    },
    io::Errno,
};

use super::{
    Brought, Checkout, GitWorktrees, LeftOut, WorktreeError,
    command::GitCall,
    site::{io_error, is_folder},
};
use crate::session::RepositoryPath;

/// The file with the patterns, in the root of the repository; gitignore syntax.
const PATTERNS: &str = ".worktreeinclude";
/// The longest file with patterns.
const PATTERNS_BYTES_MAX: u64 = 1 << 20;
/// The most files that are copied, and the most bytes of all of them together.
const FILES_MAX: usize = 20_000;
const BYTES_MAX: u64 = 2 << 30;
/// How many files are made durable one by one; with more of them the whole file system is cheaper.
const SYNCED_SINGLY_MAX: usize = 64;
/// How many of those that were left out are named.
const NAMED_MAX: usize = 20;
/// What belongs to wharf and is not brought along, whatever the patterns say.
const OWN: [&str; 3] = [".worktrees", ".wharf", ".git"];
const OWN_BEGINNING: &str = ".claude-container-sessions";
/// A file on its way to its name.
const TEMPORARY: &str = ".wharf-include.tmp";
/// Neither links nor another way out.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS);

impl GitWorktrees {
    /// Whether the repository names files that its worktrees need.
    pub(super) fn names_needs(&self, repository: &RepositoryPath) -> bool {
        let path = repository.below(self.workspace.root()).join(PATTERNS);
        std::fs::symlink_metadata(path)
            .is_ok_and(|found| found.is_file() && found.len() > 0 && found.len() <= PATTERNS_BYTES_MAX)
    }

    /// Copies what the repository names into a worktree. Can be called again: what is there stays as it is.
    pub(super) fn bring_all_needs(&self, of: &Checkout) -> Result<Brought, WorktreeError> {
        let mut brought = Brought::default();
        if !self.names_needs(&of.repository) {
            return Ok(brought);
        }
        let (from, to) = (of.repository.below(self.workspace.root()), self.workspace.worktree(of.id));
        if !is_folder(&to) {
            return Err(WorktreeError::Unusable { id: of.id, because: "its folder is missing" });
        }
        let mut named = self.named_there(&from)?;
        let (source, target) = (open_folder(&from)?, open_folder(&to)?);
        // Git does not speak of what lies behind a link, so it is not asked.
        named.retain(|path| {
            let path = Path::new(OsStr::from_bytes(path));
            let is_behind_link = is_behind_link(&target, path);
            if is_behind_link {
                brought.leave_out(path, because(Errno::LOOP));
            }
            !is_behind_link
        });
        let wanted = self.ignored_here(&to, &named)?;
        for path in &wanted {
            let path = Path::new(OsStr::from_bytes(path));
            match copy(&source, &target, path, &mut brought) {
                Ok(()) => (),
                // Without room for this one there is none for the next.
                Err(err @ (Errno::NOSPC | Errno::DQUOT | Errno::ROFS)) => {
                    return Err(io_error("copy to", &to.join(path))(err.into()));
                }
                Err(err) => brought.leave_out(path, because(err)),
            }
        }
        if brought.copied > SYNCED_SINGLY_MAX {
            rustix::fs::syncfs(&target).map_err(|err| io_error("sync", &to)(err.into()))?;
        }
        Ok(brought)
    }

    /// The untracked files of the main worktree that the patterns mean, in their order.
    fn named_there(&self, from: &Path) -> Result<Vec<Vec<u8>>, WorktreeError> {
        let patterns = OsString::from_iter([OsStr::new("--exclude-from="), from.join(PATTERNS).as_os_str()]);
        let call = GitCall::ask(from, &["ls-files", "--others", "--ignored", "-z"]).arg(patterns);
        let own = [".worktrees", ".wharf"].map(|name| format!(":(exclude,top,literal){name}"));
        let answer = self.run(&call.arg("--").arg(&own[0]).arg(&own[1]))?.stdout;
        let paths = answer.split(|byte| *byte == 0).filter(|path| is_inside(path));
        Ok(paths.map(ToOwned::to_owned).collect())
    }

    /// Those that git ignores in the new worktree.
    fn ignored_here(&self, to: &Path, named: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, WorktreeError> {
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let mut input = tempfile_for(named).map_err(io_error("make a file for git beside", to))?;
        input.rewind().map_err(io_error("read", to))?;
        let call = GitCall::ask(to, &["check-ignore", "-z", "--stdin"]).allow(&[1]).holding(&input);
        let answer = self.run(&call)?.stdout;
        Ok(answer.split(|byte| *byte == 0).filter(|path| is_inside(path)).map(ToOwned::to_owned).collect())
    }
}

impl Brought {
    fn leave_out(&mut self, path: &Path, because: &'static str) {
        self.left_out += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(LeftOut { path: path.to_owned(), because });
        }
    }
}

/// A file without a name, with these paths in it.
fn tempfile_for(paths: &[Vec<u8>]) -> io::Result<File> {
    let memory = rustix::fs::memfd_create("paths", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(memory);
    for path in paths {
        file.write_all(path)?;
        file.write_all(&[0])?;
    }
    Ok(file)
}

/// Whether a path leads down from the root, and not to what is wharf's or git's own.
fn is_inside(path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(name) if name != ".git"));
    let first = path.components().next().and_then(|part| part.as_os_str().to_str()).unwrap_or_default();
    is_plain
        && !path.as_os_str().is_empty()
        && !OWN.contains(&first)
        && !first.starts_with(OWN_BEGINNING)
        && path.file_name() != Some(OsStr::new(TEMPORARY))
}

fn is_behind_link(target: &OwnedFd, path: &Path) -> bool {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    parent.is_some_and(|parent| {
        openat2(target, parent, flags, Mode::empty(), BENEATH).is_err_and(|err| err == Errno::LOOP)
    })
}

fn open_folder(folder: &Path) -> Result<OwnedFd, WorktreeError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(folder, flags, Mode::empty()).map_err(|err| io_error("open", folder)(err.into()))
}

/// Copies one file, or leaves it out and says why.
fn copy(source: &OwnedFd, target: &OwnedFd, path: &Path, brought: &mut Brought) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let from = File::from(openat2(source, path, flags, Mode::empty(), BENEATH)?);
    let about = fstat(&from)?;
    if FileType::from_raw_mode(about.st_mode) != FileType::RegularFile {
        brought.leave_out(path, "it is not a regular file");
        return Ok(());
    }
    let bytes = u64::try_from(about.st_size).unwrap_or_default();
    if brought.copied >= FILES_MAX || brought.bytes.saturating_add(bytes) > BYTES_MAX {
        brought.leave_out(path, "more than 20000 files, or 2 GiB, are not copied");
        return Ok(());
    }
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let folder = make_folders(target, path.parent().unwrap_or(Path::new("")))?;
    if statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        brought.leave_out(path, "it is there already");
        return Ok(());
    }
    // One that a killed process left is not in the way.
    match unlinkat(&folder, TEMPORARY, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => (),
        Err(err) => return Err(err),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let to = File::from(rustix::fs::openat(&folder, TEMPORARY, flags, Mode::RUSR | Mode::WUSR)?);
    let placed = fill(&from, &to, Mode::from_raw_mode(about.st_mode & 0o777))
        .and_then(|()| if brought.copied < SYNCED_SINGLY_MAX { fsync(&to) } else { Ok(()) })
        .and_then(|()| renameat_with(&folder, TEMPORARY, &folder, name, RenameFlags::NOREPLACE));
    if let Err(err) = placed {
        unlinkat(&folder, TEMPORARY, AtFlags::empty())?;
        if err != Errno::EXIST {
            return Err(err);
        }
        brought.leave_out(path, "it is there already");
        return Ok(());
    }
    if brought.copied < SYNCED_SINGLY_MAX {
        fsync(&folder)?;
    }
    brought.copied += 1;
    brought.bytes += bytes;
    Ok(())
}

/// By reference where the file system can share blocks, else byte by byte.
fn fill(from: &File, to: &File, mode: Mode) -> Result<(), Errno> {
    if ioctl_ficlone(to, from).is_err() {
        let (mut from, mut to) = (from, to);
        io::copy(&mut from, &mut to).map_err(|err| Errno::from_io_error(&err).unwrap_or(Errno::IO))?;
    }
    fchmod(to, mode)
}

/// Opens a folder below the worktree, making what is missing of it; a link in the way is an error.
fn make_folders(target: &OwnedFd, folder: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at = rustix::io::fcntl_dupfd_cloexec(target, 0)?;
    for part in folder.components() {
        match mkdirat(at.as_fd(), part.as_os_str(), Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => (),
            Err(err) => return Err(err),
        }
        at = openat2(&at, part.as_os_str(), flags, Mode::empty(), BENEATH)?;
    }
    Ok(at)
}

fn because(err: Errno) -> &'static str {
    match err {
        Errno::LOOP => "a link leads to it",
        Errno::NOTDIR => "a file is in the place of its folder",
        Errno::NOENT => "it is gone",
        Errno::ACCESS | Errno::PERM => "it may not be read, or its folder not be written",
        Errno::XDEV => "it leads out of the repository",
        _ => "the disk refused",
    }
}
