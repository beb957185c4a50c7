//! The file with an agent's hooks in one worktree: reached through no link, replaced as a whole, removed when it is ours.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::AgentError;
use crate::atomic::{self, Durability};

/// The longest file that hooks are written into.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The file with an agent's hooks in one worktree.
#[derive(Debug)]
pub struct HookFile {
    worktree: PathBuf,
    path: PathBuf,
    /// The folders on the way that are not there, the outer ones first, below the worktree.
    missing: Vec<String>,
}

impl HookFile {
    /// Looks for the file below a worktree; what lies on the way must be folders of this worktree, and no links.
    pub fn below(worktree: &Path, file: &str) -> Result<Self, AgentError> {
        let mut missing = Vec::new();
        for (at, _) in file.match_indices('/') {
            let folder = worktree.join(&file[..at]);
            match fs::symlink_metadata(&folder) {
                Ok(found) if !found.is_dir() => return Err(unsafe_path(&folder, "is not a real folder")),
                Ok(_) if fs::symlink_metadata(folder.join(".git")).is_ok() => {
                    return Err(unsafe_path(&folder, "is a repository of its own"));
                }
                Ok(_) => (),
                Err(err) if err.kind() == io::ErrorKind::NotFound => missing.push(file[..at].to_owned()),
                Err(source) => return Err(failed("look at", &folder)(source)),
            }
        }
        Ok(Self { worktree: worktree.to_owned(), path: worktree.join(file), missing })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folders that have to be made for it.
    pub fn missing_folders(&self) -> &[String] {
        &self.missing
    }

    /// What is in it; nothing when it is not there.
    pub fn read(&self) -> Result<Option<String>, AgentError> {
        match fs::symlink_metadata(&self.path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed("look at", &self.path)(source)),
            Ok(found) if !found.is_file() => return Err(unsafe_path(&self.path, "is not a regular file")),
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                return Err(failed("read", &self.path)(io::ErrorKind::FileTooLarge.into()));
            }
            Ok(_) => (),
        }
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(&self.path);
        let mut text = String::new();
        file.and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
            .map_err(failed("read", &self.path))?;
        Ok(Some(text))
    }

    /// Replaces it, and makes the folders on the way. The temporary file lies in `own`, out of git's sight, and beside
    /// it only where that is another file system.
    pub fn write(&self, text: &str, own: &Path) -> Result<(), AgentError> {
        for folder in &self.missing {
            let folder = self.worktree.join(folder);
            match fs::create_dir(&folder) {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("make", &folder)(err));
                }
                Ok(()) | Err(_) => (),
            }
            let made = File::open(&folder).and_then(|made| atomic::give_to_owner_of(&made, &self.worktree));
            made.map_err(failed("give away", &folder))?;
        }
        let mut beside = self.path.clone().into_os_string();
        beside.push(".wharf");
        let outcome = match self.write_through(text, &own.join("hooks.new")) {
            Err(err) if err.kind() == io::ErrorKind::CrossesDevices => {
                self.write_through(text, Path::new(&beside))
            }
            outcome => outcome,
        };
        outcome.map_err(failed("replace", &self.path))
    }

    fn write_through(&self, text: &str, temp: &Path) -> io::Result<()> {
        let mode = match fs::symlink_metadata(&self.path) {
            Ok(found) => found.permissions().mode() & 0o777,
            Err(_) => fs::metadata(&self.worktree)?.permissions().mode() & 0o666,
        };
        let outcome = atomic::write_new(temp, text.as_bytes(), Durability::PowerCut).and_then(|file| {
            file.set_permissions(Permissions::from_mode(mode))?;
            atomic::give_to_owner_of(&file, &self.worktree)?;
            atomic::rename(temp, &self.path)
        });
        if outcome.is_err() {
            drop(fs::remove_file(temp));
        }
        outcome?;
        atomic::sync_folder(self.path.parent().unwrap_or(&self.worktree))
    }

    /// Removes it.
    pub fn remove(&self) -> Result<(), AgentError> {
        match fs::remove_file(&self.path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failed("remove", &self.path)(err)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes folders that were made for it, unless something is in them.
    pub fn remove_folders(&self, folders: &[String]) -> Result<(), AgentError> {
        for folder in folders.iter().rev().filter(|folder| super::is_path_below(folder)) {
            let folder = self.worktree.join(folder);
            match fs::remove_dir(&folder) {
                Ok(()) => (),
                Err(err) if err.kind() == io::ErrorKind::NotFound => (),
                Err(err) if err.kind() == io::ErrorKind::DirectoryNotEmpty => return Ok(()),
                Err(err) => return Err(failed("remove", &folder)(err)),
            }
        }
        Ok(())
    }
}

fn unsafe_path(path: &Path, because: &'static str) -> AgentError {
    AgentError::UnsafePath { path: path.to_owned(), because }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AgentError {
    let path = path.to_owned();
    move |source| AgentError::Io { action, path, source }
}
