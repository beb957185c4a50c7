//! What a holder leaves in the folder of sockets: its own socket, its place, the token of its session, and a note of
//! what it holds.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{Held, TerminalError};
use crate::{
    atomic::{self, Durability},
    process,
    session::{ProcessId, SessionId},
    socket::{self, Folder, Post, RUNTIME_DIR, SocketError},
};

/// How the name of a holder's note ends.
const NOTE: &str = "holder";
/// The longest note of a holder.
const NOTE_BYTES_MAX: u64 = 1 << 20;
/// The longest token of a session.
const TOKEN_BYTES_MAX: u64 = 256;

/// The files of the terminals of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    folder: Folder,
}

impl Runtime {
    /// Those of a workspace.
    pub fn of(workspace: &Path) -> Self {
        Self::in_folder(Folder::of(workspace))
    }

    /// Those in the folder of a workspace.
    pub fn in_folder(folder: Folder) -> Self {
        Self { folder }
    }

    /// Those of the same workspace as a holder sees them, which may have been started with another `$XDG_RUNTIME_DIR`.
    pub(super) fn as_seen_by(&self, holder: &ProcessId) -> Self {
        let given = process::variable_of(holder, RUNTIME_DIR).map(PathBuf::from);
        Self { folder: self.folder.for_another(given) }
    }

    /// The socket of a session.
    pub fn socket(&self, id: SessionId) -> PathBuf {
        self.folder.socket(id, Post::Terminal)
    }

    /// Takes the place of a session's holder, as long as the file that is answered stays open. Two holders of one
    /// session exclude each other so, also where the socket of a killed one is left.
    pub(super) fn claim(&self, id: SessionId) -> Result<File, TerminalError> {
        Ok(self.folder.claim(id, Post::Terminal)?)
    }

    /// Removes what a holder that is gone left here; the caller has its place.
    pub(super) fn clear(&self, id: SessionId) -> Result<(), TerminalError> {
        [self.socket(id), self.token(id), self.note(id)].iter().try_for_each(|path| Ok(socket::remove(path)?))
    }

    /// Holds the token that is good for one session, for whoever runs in it.
    pub(super) fn token(&self, id: SessionId) -> PathBuf {
        self.folder.file(id, Post::Terminal, "token")
    }

    /// The token that is good for one session; nothing where nothing runs, or somebody else could have written it.
    pub fn token_of(&self, id: SessionId) -> Option<String> {
        let token = File::open(self.token(id)).ok()?;
        self.folder.ensure_private().ok()?;
        let mut text = String::new();
        token.take(TOKEN_BYTES_MAX).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Writes down what the holder of a session holds; only whoever has its place does.
    pub(super) fn keep(&self, id: SessionId, held: &Held) -> Result<(), TerminalError> {
        let path = self.note(id);
        let kept = atomic::replace(&path, &held.to_json(), Durability::Crash);
        Ok(kept.map_err(SocketError::io("write", &path))?)
    }

    /// Takes that back: the holder is about to write the end down, and nobody is to find its program after that.
    pub(super) fn forget(&self, id: SessionId) -> Result<(), TerminalError> {
        Ok(socket::remove(&self.note(id))?)
    }

    /// What a holder, living or not, wrote down; nothing where somebody else could have written it.
    pub(super) fn held(&self, id: SessionId) -> Option<Held> {
        let note = File::open(self.note(id)).ok()?;
        self.folder.ensure_private().ok()?;
        let mut bytes = Vec::new();
        note.take(NOTE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Held::of_json(&bytes)
    }

    /// The sessions of which there is such a note.
    pub(super) fn noted(&self) -> BTreeSet<SessionId> {
        self.folder.with_file(Post::Terminal, NOTE).unwrap_or_default().into_iter().collect()
    }

    fn note(&self, id: SessionId) -> PathBuf {
        self.folder.file(id, Post::Terminal, NOTE)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::{session::Agent, terminal::Started};

    fn id() -> SessionId {
        "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap()
    }

    fn runtime(dir: &tempfile::TempDir) -> Runtime {
        Runtime { folder: Folder::below(&dir.path().join("wharf"), Path::new("/one")) }
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
        let runtime = runtime(&dir);
        assert_eq!(runtime.held(id()), None);
        assert!(runtime.noted().is_empty(), "there is no folder yet");
        let claim = runtime.claim(id()).unwrap();
        assert!(runtime.noted().is_empty(), "a place alone is no note");
        runtime.keep(id(), &held()).unwrap();
        assert_eq!(runtime.noted(), BTreeSet::from([id()]));
        assert_eq!(runtime.held(id()), Some(held()));
        fs::set_permissions(runtime.folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
        assert_eq!(runtime.held(id()), None, "somebody else could have written it");
        fs::set_permissions(runtime.folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
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
        let runtime = runtime(&dir);
        let claim = runtime.claim(id()).unwrap();
        assert!(matches!(runtime.claim(id()), Err(TerminalError::Running)));
        for path in [runtime.socket(id()), runtime.token(id()), runtime.note(id())] {
            File::create(path).unwrap();
        }
        runtime.clear(id()).unwrap();
        runtime.clear(id()).unwrap();
        drop(claim);
        drop(runtime.claim(id()).unwrap());
        let left: Vec<_> =
            fs::read_dir(runtime.folder.path()).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(left, [runtime.folder.file(id(), Post::Terminal, "lock")]);
    }
}
