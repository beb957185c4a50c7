//! Where the sockets of running sessions lie: a folder that is ours alone, a few files per session (RELIABILITY H1).

use std::{
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use super::SocketError;
use crate::session::SessionId;

/// The longest path of a socket, in bytes; the system keeps 108 with the NUL behind it.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The variable that says where a user's sockets lie (XDG Base Directory).
pub const RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// How the name of the file ends whose lock is the place of a process.
const LOCK: &str = "lock";

/// Which process of a session is meant; each has its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Post {
    /// The one that keeps its terminal.
    Terminal,
    /// The one that keeps its context.
    Shell,
}

impl Post {
    fn file(self, id: SessionId, ending: &str) -> String {
        match self {
            Self::Terminal => format!("{id}.{ending}"),
            Self::Shell => format!("{id}.shell.{ending}"),
        }
    }

    /// The session whose file this is, when it is one of this post.
    fn id(self, name: &str, ending: &str) -> Option<SessionId> {
        let (id, _) = name.split_once('.')?;
        let id = id.parse().ok()?;
        (self.file(id, ending) == name).then_some(id)
    }
}

/// The folder of one workspace's sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// That of a workspace, below `$XDG_RUNTIME_DIR/wharf`, else `/run/wharf` for root, else `/tmp/wharf-<uid>`.
    pub fn of(workspace: &Path) -> Self {
        Self::below(&base(env::var_os(RUNTIME_DIR).map(PathBuf::from)), workspace)
    }

    /// That of the same workspace for a process of ours that has this in `$XDG_RUNTIME_DIR`.
    pub fn for_another(&self, runtime_dir: Option<PathBuf>) -> Self {
        let name = self.path.file_name().expect("the folder of a workspace has a name");
        Self { path: base(runtime_dir).join(name) }
    }

    /// The same below another folder.
    pub fn below(base: &Path, workspace: &Path) -> Self {
        let settled = fs::canonicalize(workspace).unwrap_or_else(|_| workspace.to_owned());
        let hash = crc32fast::hash(settled.as_os_str().as_bytes());
        Self { path: base.join(format!("{hash:08x}")) }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a session's process whose name ends so.
    pub fn file(&self, id: SessionId, post: Post, ending: &str) -> PathBuf {
        self.path.join(post.file(id, ending))
    }

    /// The socket of a session's process.
    pub fn socket(&self, id: SessionId, post: Post) -> PathBuf {
        self.file(id, post, "sock")
    }

    /// Takes the place of a session's process, as long as the file that is answered stays open. Two of one post exclude
    /// each other so, also where the socket of a killed one is left.
    pub fn claim(&self, id: SessionId, post: Post) -> Result<File, SocketError> {
        self.prepare(&self.socket(id, post))?;
        let path = self.lock(id, post);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(SocketError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(SocketError::Taken),
            Err(TryLockError::Error(source)) => Err(SocketError::io("lock", &path)(source)),
        }
    }

    /// The sessions whose place of this post is taken just now. A place that is being taken meanwhile may be refused to
    /// whoever takes it, so those who take and those who count exclude each other.
    pub fn taken(&self, post: Post) -> Result<Vec<SessionId>, SocketError> {
        let mut taken = Vec::new();
        for id in self.with_file(post, LOCK)? {
            if self.is_taken(id, post)? {
                taken.push(id);
            }
        }
        Ok(taken)
    }

    /// The sessions whose process of this post has a file here whose name ends so.
    pub fn with_file(&self, post: Post, ending: &str) -> Result<Vec<SessionId>, SocketError> {
        let failed = || SocketError::io("list", &self.path);
        let entries = match fs::read_dir(&self.path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed())?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed())?.file_name();
            found.extend(name.to_str().and_then(|name| post.id(name, ending)));
        }
        Ok(found)
    }

    fn is_taken(&self, id: SessionId, post: Post) -> Result<bool, SocketError> {
        let path = self.lock(id, post);
        let file = match File::open(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(SocketError::io("open", &path))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(SocketError::io("lock", &path)(source)),
        }
    }

    fn lock(&self, id: SessionId, post: Post) -> PathBuf {
        self.file(id, post, LOCK)
    }

    /// Makes the folder, or makes sure that nobody else can put anything into it, and that a socket's path fits.
    pub fn prepare(&self, socket: &Path) -> Result<(), SocketError> {
        if socket.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
            return Err(SocketError::LongPath { path: socket.to_owned() });
        }
        for folder in [self.base(), &self.path] {
            match fs::DirBuilder::new().mode(0o700).create(folder) {
                Err(err) if err.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(SocketError::io("make", folder)(err));
                }
                Ok(()) | Err(_) => (),
            }
            ensure_private(folder)?;
        }
        Ok(())
    }

    /// Refuses a folder into which somebody else could have put something.
    pub fn ensure_private(&self) -> Result<(), SocketError> {
        ensure_private(self.base())?;
        ensure_private(&self.path)
    }

    fn base(&self) -> &Path {
        self.path.parent().expect("the folder of a workspace lies in another one")
    }
}

/// What the folders of all workspaces lie in.
fn base(runtime_dir: Option<PathBuf>) -> PathBuf {
    let uid = rustix::process::geteuid();
    match runtime_dir.filter(|path| path.is_absolute()) {
        Some(folder) => folder.join("wharf"),
        None if uid.is_root() => PathBuf::from("/run/wharf"),
        None => PathBuf::from(format!("/tmp/wharf-{}", uid.as_raw())),
    }
}

/// Removes a file that may be gone already.
pub fn remove(path: &Path) -> Result<(), SocketError> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(SocketError::io("remove", path)(err)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Refuses a folder that is a link, belongs to somebody else, or lets others in.
fn ensure_private(folder: &Path) -> Result<(), SocketError> {
    let unsafe_folder = |because| Err(SocketError::UnsafeFolder { path: folder.to_owned(), because });
    let found = fs::symlink_metadata(folder).map_err(SocketError::io("look at", folder))?;
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn id() -> SessionId {
        "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap()
    }

    fn prepare(folder: &Folder) -> Result<(), SocketError> {
        folder.prepare(&folder.socket(id(), Post::Terminal))
    }

    #[test]
    fn each_workspace_has_a_folder_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let one = Folder::below(base.path(), Path::new("/one"));
        assert_eq!(one, Folder::below(base.path(), Path::new("/one")));
        assert_ne!(
            one.socket(id(), Post::Terminal),
            Folder::below(base.path(), Path::new("/two")).socket(id(), Post::Terminal)
        );
    }

    #[test]
    fn the_folder_is_private_and_may_be_there_already() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::below(&dir.path().join("wharf"), Path::new("/one"));
        for _ in 0..2 {
            folder.prepare(&folder.socket(id(), Post::Terminal)).unwrap();
        }
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn one_process_has_the_place_of_a_session_and_another_one_that_of_another_post() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::below(&dir.path().join("wharf"), Path::new("/one"));
        assert_eq!(folder.taken(Post::Shell).unwrap(), []);
        let claim = folder.claim(id(), Post::Terminal).unwrap();
        assert!(matches!(folder.claim(id(), Post::Terminal), Err(SocketError::Taken)));
        assert_eq!(folder.taken(Post::Shell).unwrap(), []);
        let other = folder.claim(id(), Post::Shell).unwrap();
        drop(claim);
        assert_eq!(
            (folder.taken(Post::Terminal).unwrap(), folder.taken(Post::Shell).unwrap()),
            (vec![], vec![id()])
        );
        drop(other);
        assert_eq!(folder.taken(Post::Shell).unwrap(), []);
        drop(folder.claim(id(), Post::Terminal).unwrap());
    }

    #[test]
    fn the_posts_of_a_session_have_no_file_in_common() {
        let folder = Folder::below(Path::new("/run/wharf"), Path::new("/one"));
        for ending in ["sock", "lock"] {
            let name =
                |post| folder.file(id(), post, ending).file_name().unwrap().to_str().unwrap().to_owned();
            let (terminal, shell) = (name(Post::Terminal), name(Post::Shell));
            assert_eq!(
                (Post::Terminal.id(&terminal, ending), Post::Shell.id(&terminal, ending)),
                (Some(id()), None)
            );
            assert_eq!(
                (Post::Terminal.id(&shell, ending), Post::Shell.id(&shell, ending)),
                (None, Some(id()))
            );
        }
        assert_eq!(Post::Shell.id("shell.pool.lock", "lock"), None);
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("wharf");
        fs::create_dir(&base).unwrap();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = prepare(&Folder::below(&base, Path::new("/one"))).unwrap_err();
        assert!(matches!(refused, SocketError::UnsafeFolder { .. }), "{refused}");
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        symlink(dir.path(), dir.path().join("wharf")).unwrap();
        let refused = prepare(&Folder::below(&dir.path().join("wharf"), Path::new("/one"))).unwrap_err();
        assert!(matches!(refused, SocketError::UnsafeFolder { .. }), "{refused}");
    }

    #[test]
    fn a_path_that_the_system_cannot_take_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("x".repeat(100));
        let refused = prepare(&Folder::below(&base, Path::new("/one"))).unwrap_err();
        assert!(matches!(refused, SocketError::LongPath { .. }), "{refused}");
        assert!(!base.exists());
        // The terminal of a session is reached also where its context has too long a name.
        let folder = Folder::below(
            &dir.path().join("y".repeat(107 - 52 - dir.path().as_os_str().len())),
            Path::new("/one"),
        );
        let socket = folder.socket(id(), Post::Terminal);
        assert_eq!(socket.as_os_str().len(), SOCKET_PATH_BYTES_MAX);
        drop(folder.claim(id(), Post::Terminal).unwrap());
        assert!(matches!(folder.claim(id(), Post::Shell), Err(SocketError::LongPath { .. })));
    }
}
