//! Where the server of a workspace leaves its tokens and says where it listens: the private folder of sockets, so that no
//! token lies in a workspace that is copied, committed or shared with a host.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, process::geteuid};
use serde::{Deserialize, Serialize};

use super::{
    ServerError,
    secret::{CHARS_MAX, Secret},
};
use crate::{
    atomic::{self, Durability},
    socket::{Folder, remove},
    workspace::Workspace,
};

/// What other users, and what a group may do with a file.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
/// The longest note of a server.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// The files of the server of one workspace.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: Folder,
    token_file: Option<PathBuf>,
}

/// Where a server listens, for whoever looks for it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Note {
    /// The address of the page.
    pub(super) url: String,
    /// Its process.
    pub(super) pid: u32,
}

impl Files {
    /// That of a workspace; the full token may be kept elsewhere.
    pub(super) fn of(workspace: &Workspace, token_file: Option<PathBuf>) -> Self {
        Self { folder: Folder::of(workspace.root()), token_file }
    }

    /// Takes the place of the server, as long as the file that is answered stays open. Where the one before it listened is not
    /// said any more: somebody else may listen there by now.
    pub(super) fn claim(&self) -> Result<File, ServerError> {
        let path = self.path("server.lock");
        self.folder.prepare(&path)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                self.leave();
                Ok(file)
            }
            Err(TryLockError::WouldBlock) => Err(ServerError::Taken { at: self.note().map(|note| note.url) }),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }

    /// Whether somebody has that place: what a killed server left says nothing about who listens there by now.
    pub(super) fn is_taken(&self) -> bool {
        let Ok(file) = File::open(self.path("server.lock")) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Where the full token is.
    pub(super) fn token_path(&self) -> PathBuf {
        self.token_file.clone().unwrap_or_else(|| self.path("server.token"))
    }

    /// The full token and the one that only reads; those that are not there yet are made.
    pub(super) fn tokens(&self) -> Result<(Secret, Secret), ServerError> {
        Ok((kept(&self.token_path())?, kept(&self.path("server.read.token"))?))
    }

    /// The full token, if there is one.
    pub(super) fn token(&self) -> Result<Secret, ServerError> {
        let path = self.token_path();
        let text = read(&path)?;
        text.and_then(|text| Secret::of_text(&text)).ok_or(ServerError::Absent)
    }

    /// Where it is written down which browsers were let in.
    pub(super) fn browsers_path(&self) -> PathBuf {
        self.path("server.browsers")
    }

    /// Writes down where the server listens.
    pub(super) fn announce(&self, note: &Note) -> Result<(), ServerError> {
        let path = self.path("server.json");
        let bytes = serde_json::to_vec(note).expect("plain values always have a JSON form");
        atomic::replace(&path, &bytes, Durability::Crash).map_err(failed("write", &path))
    }

    /// Where it listens; a server that was killed said so too.
    pub(super) fn note(&self) -> Option<Note> {
        self.folder.ensure_private().ok()?;
        let mut bytes = Vec::new();
        let file = File::open(self.path("server.json")).ok()?;
        file.take(NOTE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Takes that back.
    pub(super) fn leave(&self) {
        if let Err(err) = remove(&self.path("server.json")) {
            tracing::debug!(error = %err, "where the server listened stays written down");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The secret that a file holds; one that is made now where there is no file.
fn kept(path: &Path) -> Result<Secret, ServerError> {
    if let Some(text) = read(path)? {
        return Secret::of_text(&text).ok_or_else(|| ServerError::WeakToken { path: path.to_owned() });
    }
    let secret = Secret::random().map_err(failed("make", path))?;
    let line = format!("{}\n", secret.reveal());
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temp = PathBuf::from(name);
    let written = atomic::write_new(&temp, line.as_bytes(), Durability::PowerCut);
    // Servers of two workspaces may share it: whoever is first has made it, and the other one takes that.
    let linked = written.and_then(|_| fs::hard_link(&temp, path));
    drop(fs::remove_file(&temp));
    match linked {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let text = read(path)?.unwrap_or_default();
            Secret::of_text(&text).ok_or_else(|| ServerError::WeakToken { path: path.to_owned() })
        }
        linked => {
            linked
                .and_then(|()| atomic::sync_folder(path.parent().unwrap_or(path)))
                .map_err(failed("write", path))?;
            Ok(secret)
        }
    }
}

/// What a file with a token holds, if nobody else can read it or has put it there. A link leads to where others mount it.
fn read(path: &Path) -> Result<Option<String>, ServerError> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed("read", path))?,
    };
    let found = file.metadata().map_err(failed("look at", path))?;
    let own = geteuid().as_raw();
    let because = match (found.is_file(), found.uid(), found.mode()) {
        (false, ..) => Some("is no regular file"),
        (_, owner, _) if owner != own && owner != 0 => Some("belongs to another user"),
        (.., mode) if mode & OTHERS != 0 => Some("can be read or written by other users"),
        // What is root's reaches us by our group alone.
        (_, owner, mode) if owner == own && mode & GROUP != 0 => Some("can be read or written by a group"),
        _ => None,
    };
    if let Some(because) = because {
        return Err(ServerError::UnsafeToken { path: path.to_owned(), because });
    }
    let mut text = String::new();
    file.take(CHARS_MAX as u64 + 2).read_to_string(&mut text).map_err(failed("read", path))?;
    Ok(Some(text))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ServerError + use<> {
    let path = path.to_owned();
    move |source| ServerError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_the_place_of_a_killed_server_does_not_say_where_that_listened() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files { folder: Folder::of(dir.path()), token_file: None };
        let killed = files.claim().unwrap();
        files.announce(&Note { url: "http://127.0.0.1:1".to_owned(), pid: 1 }).unwrap();
        assert!(files.claim().is_err() && files.note().is_some(), "one that lives says so");
        drop(killed);
        let claim = files.claim().unwrap();
        assert!(files.is_taken());
        assert_eq!(files.note(), None);
        drop(claim);
        fs::remove_file(files.path("server.lock")).unwrap();
        fs::remove_dir(files.folder.path()).unwrap();
    }
}
