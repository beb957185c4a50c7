//! Where the chains are kept: one small file for each session, changed under a lock, replaced and never rewritten.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::Duration,
};

use super::{Chain, ConversationError, FormatError, file};
use crate::{
    atomic::{self, Durability, Place},
    clock::Clock,
    json::{self, DEPTH_MAX},
    lock::Lock,
    session::SessionId,
    workspace::Workspace,
};

/// What a chain is called in the folder of its session.
pub const CHAIN_FILE: &str = "conversation.json";
/// The largest chain that is read or written; one of [`super::ENTRIES_MAX`] entries of ours always fits.
pub const FILE_BYTES_MAX: u64 = 128 << 20;
/// How long a change waits for another one.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

const LOCK_FILE: &str = "conversation.lock";

/// The chains of all sessions of a workspace.
pub struct Conversations {
    workspace: Workspace,
    clock: Arc<dyn Clock>,
    lock_wait_max: Duration,
}

/// What the disk has of a chain.
struct Found {
    chain: Chain,
    /// What is wrong with the file; then the chain is that of the backup, or empty.
    broken: Option<FormatError>,
    /// The bytes of the file.
    present: Option<Vec<u8>>,
}

impl Conversations {
    /// The chains of a workspace.
    pub fn of(workspace: Workspace, clock: Arc<dyn Clock>) -> Self {
        Self { workspace, clock, lock_wait_max: LOCK_WAIT_MAX }
    }

    /// Waits this long for another change.
    #[must_use]
    pub fn waiting(mut self, lock_wait_max: Duration) -> Self {
        self.lock_wait_max = lock_wait_max;
        self
    }

    /// The chain of a session; an empty one when there is none. Writes nothing: in the place of a damaged file stands its
    /// backup.
    pub fn load(&self, id: SessionId) -> Result<Chain, ConversationError> {
        let path = self.path(id);
        let found = find(&path)?;
        if let Some(err) = found.broken {
            tracing::warn!(sessionId = %id, path = %path.display(), error = %err, "the chain of a session is damaged");
        }
        Ok(found.chain)
    }

    /// Whether the file of a chain can be read as it is; without a file it can.
    pub fn examine(&self, id: SessionId) -> Result<Option<FormatError>, ConversationError> {
        Ok(find(&self.path(id))?.broken)
    }

    /// Changes the chain of a session under its lock, and replaces the file if anything changed. A damaged file is kept
    /// as `.corrupt.<time>` first.
    pub fn change<T>(
        &self,
        id: SessionId,
        change: impl FnOnce(&mut Chain) -> T,
    ) -> Result<T, ConversationError> {
        let path = self.path(id);
        let folder = self.workspace.session_folder(id);
        make_folder(&folder, self.workspace.root())?;
        let _lock = Lock::take(&folder.join(LOCK_FILE), self.lock_wait_max)?;
        let found = find(&path)?;
        if let Some(err) = &found.broken {
            let kept = found.present.as_ref().map(|_| self.keep_broken(&path)).transpose()?;
            let kept = kept.unwrap_or_default();
            tracing::warn!(sessionId = %id, error = %err, kept = %kept.display(), "the chain of a session was damaged");
        }
        let mut chain = found.chain.clone();
        let answer = change(&mut chain);
        if chain != found.chain || found.broken.is_some() {
            replace(&path, &chain, found.broken.is_none().then_some(found.present).flatten().as_deref())?;
        }
        Ok(answer)
    }

    /// Whether chains can be kept: writes a file where they lie, and removes it.
    pub fn probe(&self) -> Result<(), ConversationError> {
        let folder = self.workspace.own_folder().join("sessions");
        make_folder(&folder, self.workspace.root())?;
        let path = folder.join(format!("probe.{}", process::id()));
        let bytes = self.clock.now().to_string();
        let file = atomic::write_new(&path, bytes.as_bytes(), Durability::PowerCut)
            .map_err(failed("write", &path))?;
        let read = atomic::read_back(&file, bytes.as_bytes()).map_err(failed("read back", &path));
        fs::remove_file(&path).map_err(failed("remove", &path))?;
        read
    }

    fn path(&self, id: SessionId) -> PathBuf {
        self.workspace.session_folder(id).join(CHAIN_FILE)
    }

    /// Keeps a damaged file beside the others and says where.
    fn keep_broken(&self, path: &Path) -> Result<PathBuf, ConversationError> {
        let moment = self.clock.now().compact();
        let names = (1_u32..).map(|number| match number {
            1 => format!("{CHAIN_FILE}.corrupt.{moment}"),
            _ => format!("{CHAIN_FILE}.corrupt.{moment}.{number}"),
        });
        for kept in names.map(|name| path.with_file_name(name)) {
            match fs::hard_link(path, &kept) {
                Ok(()) => return Ok(kept),
                Err(err) if err.kind() == io::ErrorKind::AlreadyExists => (),
                // Some shared folders know no hard links.
                Err(_) => {
                    fs::copy(path, &kept).map_err(failed("keep a copy at", &kept))?;
                    return Ok(kept);
                }
            }
        }
        unreachable!("there are more numbers than files")
    }
}

/// Makes the folder of a session, so that its name outlives a power cut.
fn make_folder(folder: &Path, root: &Path) -> Result<(), ConversationError> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("create", folder))?;
    for above in folder.ancestors().skip(1).take_while(|above| above.starts_with(root)) {
        atomic::sync_folder(above).map_err(failed("sync", above))?;
    }
    Ok(())
}

/// Reads the file of a chain, else its backup.
fn find(path: &Path) -> Result<Found, ConversationError> {
    let present = read(path)?;
    let broken = match present.as_deref().map(file::decode) {
        Some(Ok(chain)) => return Ok(Found { chain, broken: None, present }),
        Some(Err(FormatError::Newer { version })) => {
            return Err(ConversationError::Newer { path: path.to_owned(), version });
        }
        Some(Err(err)) => Some(err),
        None => None,
    };
    let backup = backup(path);
    let chain = match read(&backup)?.as_deref().map(file::decode) {
        Some(Ok(chain)) => Some(chain),
        Some(Err(FormatError::Newer { version })) => {
            return Err(ConversationError::Newer { path: backup, version });
        }
        Some(Err(_)) | None => None,
    };
    // A backup without its file: somebody removed it.
    let missing = || FormatError::Missing { field: CHAIN_FILE };
    let broken = broken.or_else(|| chain.is_some().then(missing));
    Ok(Found { chain: chain.unwrap_or_default(), broken, present })
}

/// The bytes of a regular file, at most one more than the bound; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, ConversationError> {
    match atomic::open(path).map_err(failed("open", path))? {
        Place::Empty => Ok(None),
        Place::Other => Err(ConversationError::NotAFile { path: path.to_owned() }),
        Place::File(file) => {
            let mut bytes = Vec::new();
            file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed("read", path))?;
            Ok(Some(bytes))
        }
    }
}

/// Writes the new file beside the old one, compares it, keeps the old one as a backup, and puts the new one in its place.
fn replace(path: &Path, chain: &Chain, sound: Option<&[u8]>) -> Result<(), ConversationError> {
    let text = file::encode(chain);
    json::check(&text, DEPTH_MAX)
        .map_err(|source| ConversationError::OutOfBounds { path: path.to_owned(), source })?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(ConversationError::TooLarge { path: path.to_owned() });
    }
    let temp = path.with_extension("tmp");
    let placed = put_in_place(path, &temp, text.as_bytes(), sound.is_some());
    if let Err(err) = placed {
        // The first error is the one to tell; a temporary file that stays is removed by the next change.
        drop(fs::remove_file(&temp));
        return Err(err);
    }
    let folder = path.parent().unwrap_or(path);
    atomic::sync_folder(folder)
        .map_err(|source| ConversationError::Uncertain { path: path.to_owned(), source })
}

fn put_in_place(path: &Path, temp: &Path, bytes: &[u8], is_sound: bool) -> Result<(), ConversationError> {
    let written = atomic::write_new(temp, bytes, Durability::PowerCut).map_err(failed("write", temp))?;
    atomic::read_back(&written, bytes).map_err(failed("read back", temp))?;
    let folder = path.parent().unwrap_or(path);
    atomic::give_to_owner_of(&written, folder).map_err(failed("give away", temp))?;
    if is_sound {
        keep_backup(path)?;
    }
    atomic::rename(temp, path).map_err(failed("replace", path))
}

/// The present file becomes the backup. At every moment there is the one of before or this one, and the file as well.
fn keep_backup(path: &Path) -> Result<(), ConversationError> {
    let backup = backup(path);
    let link = path.with_extension("link");
    match fs::remove_file(&link) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &link)(err)),
        Ok(()) | Err(_) => (),
    }
    if fs::hard_link(path, &link).is_err() {
        // Some shared folders know no hard links.
        fs::copy(path, &link).map_err(failed("keep a copy at", &link))?;
    }
    atomic::rename(&link, &backup).map_err(failed("rename", &link))?;
    // Two names of one file are not renamed over each other: the call does nothing.
    match fs::remove_file(&link) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(failed("remove", &link)(err)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn backup(path: &Path) -> PathBuf {
    path.with_file_name(format!("{CHAIN_FILE}.1"))
}

/// Turns an error of the disk into one of this room.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ConversationError {
    let path = path.to_owned();
    move |source| ConversationError::Io { action, path, source }
}
