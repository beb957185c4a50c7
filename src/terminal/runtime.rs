//! Where the sockets of running sessions lie: a folder that is ours alone, one file per session (RELIABILITY H1).

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use super::{Held, TerminalError};
use crate::{
    atomic::{self, Durability},
    session::SessionId,
};

/// The longest path of a socket, in bytes; the system keeps 108 with the NUL behind it.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The longest note of a holder.
const NOTE_BYTES_MAX: u64 = 1 << 20;

/// The folder of one workspace's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    folder: PathBuf,
}

impl Runtime {
    /// That of a workspace, below `$XDG_RUNTIME_DIR/wharf`, else `/run/wharf` for root, else `/tmp/wharf-<uid>`.
    pub fn of(workspace: &Path) -> Self {
        let uid = rustix::process::geteuid();
        let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = match given {
            Some(folder) => folder.join("wharf"),
            None if uid.is_root() => PathBuf::from("/run/wharf"),
            None => PathBuf::from(format!("/tmp/wharf-{}", uid.as_raw())),
        };
        Self::below(&base, workspace)
    }

    fn below(base: &Path, workspace: &Path) -> Self {
        let settled = fs::canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
        let hash = crc32fast::hash(settled.as_os_str().as_bytes());
        Self { folder: base.join(format!("{hash:08x}")) }
    }

    /// The socket of a session.
    pub fn socket(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.sock"))
    }

    /// Takes the place of a session's holder, as long as the file that is answered stays open. Two holders of one
    /// session exclude each other so, also where the socket of a killed one is left.
    pub(super) fn claim(&self, id: SessionId) -> Result<File, TerminalError> {
        self.prepare(id)?;
        let path = self.lock(id);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(TerminalError::Running),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path)(source)),
        }
    }

    /// Removes what a holder that is gone left here; the caller has its place.
    pub(super) fn clear(&self, id: SessionId) -> Result<(), TerminalError> {
        for path in [self.socket(id), self.token(id), self.note(id)] {
            match fs::remove_file(&path) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove", &path)(err));
                }
                Ok(()) | Err(_) => (),
            }
        }
        Ok(())
    }

    fn lock(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.lock"))
    }

    /// Holds the token that is good for one session, for whoever runs in it.
    pub(super) fn token(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.token"))
    }

    /// Writes down what the holder of a session holds; only whoever has its place does.
    pub(super) fn keep(&self, id: SessionId, held: &Held) -> Result<(), TerminalError> {
        let path = self.note(id);
        atomic::replace(&path, &held.to_json(), Durability::Crash).map_err(failed("write", &path))
    }

    /// Takes that back: the holder is about to write the end down, and nobody is to find its program after that.
    pub(super) fn forget(&self, id: SessionId) -> Result<(), TerminalError> {
        let path = self.note(id);
        match fs::remove_file(&path) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(err)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What a holder, living or not, wrote down; nothing where somebody else could have written it.
    pub(super) fn held(&self, id: SessionId) -> Option<Held> {
        let note = File::open(self.note(id)).ok()?;
        ensure_private(self.folder.parent()?).ok()?;
        ensure_private(&self.folder).ok()?;
        let mut bytes = Vec::new();
        note.take(NOTE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Held::of_json(&bytes)
    }

    fn note(&self, id: SessionId) -> PathBuf {
        self.folder.join(format!("{id}.holder"))
    }

    /// Makes the folder, or makes sure that nobody else can put anything into it, and that a socket's path fits.
    fn prepare(&self, id: SessionId) -> Result<(), TerminalError> {
        let socket = self.socket(id);
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(TerminalError::LongPath { path: socket });
        }
        let base = self.folder.parent().expect("the folder of a workspace lies in another one");
        for folder in [base, &self.folder] {
            match fs::DirBuilder::new().mode(0o700).create(folder) {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(failed("make", folder)(err));
                }
                Ok(()) | Err(_) => (),
            }
            ensure_private(folder)?;
        }
        Ok(())
    }
}

/// Refuses a folder that is a link, belongs to somebody else, or lets others in.
fn ensure_private(folder: &Path) -> Result<(), TerminalError> {
    let unsafe_folder = |because| Err(TerminalError::UnsafeFolder { path: folder.to_owned(), because });
    let found = fs::symlink_metadata(folder).map_err(|source| TerminalError::Io {
        action: "look at",
        path: folder.to_owned(),
        source,
    })?;
    if !found.is_dir() {
        return unsafe_folder("is not a real folder");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return unsafe_folder("belongs to somebody else");
    }
    if found.mode() & 0o077 != 0 {
        return unsafe_folder("lets other users in; its mode has to be 0700");
    }
    Ok(())
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TerminalError {
    let path = path.to_owned();
    move |source| TerminalError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::{
        session::{Agent, ProcessId},
        terminal::Started,
    };

    fn id() -> SessionId {
        "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap()
    }

    #[test]
    fn each_workspace_has_a_folder_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let one = Runtime::below(base.path(), Path::new("/one"));
        assert_eq!(one, Runtime::below(base.path(), Path::new("/one")));
        assert_ne!(one.socket(id()), Runtime::below(base.path(), Path::new("/two")).socket(id()));
    }

    #[test]
    fn the_folder_is_private_and_may_be_there_already() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::below(&dir.path().join("wharf"), Path::new("/one"));
        for _ in 0..2 {
            runtime.prepare(id()).unwrap();
        }
        assert_eq!(fs::metadata(&runtime.folder).unwrap().mode() & 0o777, 0o700);
    }

    fn held() -> Held {
        let process = ProcessId { pid: 7, started: 8, boot: "b/1".to_owned() };
        let holder = ProcessId { pid: 9, ..process.clone() };
        let since = crate::clock::Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
        let agent = Agent {
            name: "claude".parse().unwrap(),
            arguments: Vec::new(),
            conversation: None,
            reports: false,
        };
        Held {
            command: vec!["sh".to_owned()],
            agent: Some(agent),
            started: Started { process, holder },
            since,
        }
    }

    #[test]
    fn what_is_held_is_found_until_it_is_forgotten_and_only_in_a_private_folder() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::below(&dir.path().join("wharf"), Path::new("/one"));
        assert_eq!(runtime.held(id()), None);
        let claim = runtime.claim(id()).unwrap();
        runtime.keep(id(), &held()).unwrap();
        assert_eq!(runtime.held(id()), Some(held()));
        fs::set_permissions(&runtime.folder, fs::Permissions::from_mode(0o770)).unwrap();
        assert_eq!(runtime.held(id()), None, "somebody else could have written it");
        fs::set_permissions(&runtime.folder, fs::Permissions::from_mode(0o700)).unwrap();
        runtime.forget(id()).unwrap();
        runtime.forget(id()).unwrap();
        assert_eq!(runtime.held(id()), None);
        File::create(runtime.note(id())).unwrap();
        assert_eq!(runtime.held(id()), None, "half a note");
        drop(claim);
    }

    #[test]
    fn one_holder_has_the_place_of_a_session_and_leaves_it_clean() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = Runtime::below(&dir.path().join("wharf"), Path::new("/one"));
        let claim = runtime.claim(id()).unwrap();
        assert!(matches!(runtime.claim(id()), Err(TerminalError::Running)));
        for path in [runtime.socket(id()), runtime.token(id()), runtime.note(id())] {
            File::create(path).unwrap();
        }
        runtime.clear(id()).unwrap();
        runtime.clear(id()).unwrap();
        drop(claim);
        drop(runtime.claim(id()).unwrap());
        let left: Vec<_> = fs::read_dir(&runtime.folder).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(left, [runtime.lock(id())]);
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("wharf");
        fs::create_dir(&base).unwrap();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = Runtime::below(&base, Path::new("/one")).prepare(id()).unwrap_err();
        assert!(matches!(refused, TerminalError::UnsafeFolder { .. }), "{refused}");
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        symlink(dir.path(), dir.path().join("wharf")).unwrap();
        let refused = Runtime::below(&dir.path().join("wharf"), Path::new("/one")).prepare(id()).unwrap_err();
        assert!(matches!(refused, TerminalError::UnsafeFolder { .. }), "{refused}");
    }

    #[test]
    fn a_path_that_the_system_cannot_take_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("x".repeat(100));
        let refused = Runtime::below(&base, Path::new("/one")).prepare(id()).unwrap_err();
        assert!(matches!(refused, TerminalError::LongPath { .. }), "{refused}");
        assert!(!base.exists());
    }
}
