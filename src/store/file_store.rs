//! How the table is read from its file and replaced under the lock, so that a crash leaves the old or the new one.

use std::{
    fs::{self, File},
    io, mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::io::Errno;

use super::{
    Ailment, Note, Reading, Store, StoreError,
    backup::{self, Shift},
    base::{Base, Proof},
    check::TryLock,
    files::{Content, Files, Stamp, failed},
    schema::{self, FILE_BYTES_MAX},
    written::Writing,
};
use crate::{
    atomic::{self, Durability},
    clock::Clock,
    lock::{self, Lock},
    session::Session,
    workspace::Workspace,
};

/// How long a transaction waits for another one, unless told otherwise.
pub const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// The table in `.claude-container-sessions.json`, with lock, backups and kept broken files beside it.
pub struct FileStore {
    pub(super) workspace: Workspace,
    clock: Arc<dyn Clock>,
    lock_wait_max: Duration,
    /// How the examination tries the lock; a test can be on a folder where that excludes nobody.
    pub(super) try_lock: TryLock,
    transaction: Option<Transaction>,
    /// What was read or written last, for who finds it there again.
    last: Option<(Files, Base)>,
}

/// What is known between `begin` and `end`.
struct Transaction {
    files: Files,
    base: Base,
    // Declared last: the lock goes after everything it protects.
    lock: Lock,
}

impl FileStore {
    /// The store of a workspace; a transaction waits at most [`LOCK_WAIT_MAX`] for another one.
    pub fn at(workspace: Workspace, clock: Arc<dyn Clock>) -> Self {
        Self {
            workspace,
            clock,
            lock_wait_max: LOCK_WAIT_MAX,
            try_lock: File::try_lock,
            transaction: None,
            last: None,
        }
    }

    /// Waits this long for another transaction.
    #[must_use]
    pub fn waiting(mut self, lock_wait_max: Duration) -> Self {
        self.lock_wait_max = lock_wait_max;
        self
    }

    pub(super) fn files(&self) -> Result<Files, StoreError> {
        Files::resolve(&self.workspace.state_file())
    }

    fn transaction(&mut self) -> Result<&mut Transaction, StoreError> {
        let path = self.workspace.state_file();
        self.transaction.as_mut().ok_or(StoreError::NotBegun { path })
    }

    /// The list of these sessions; nothing where that is what the file has and need not be written again.
    fn change_to(&mut self, sessions: &[Session]) -> Result<Option<Writing>, StoreError> {
        let workspace = self.workspace.clone();
        let Transaction { files, base, .. } = self.transaction()?;
        let beginning = schema::beginning(&base.document);
        let room = mem::take(&mut base.room);
        let writing = Writing::of(&beginning, sessions, &workspace, &base.written, room)
            .map_err(|source| StoreError::OutOfBounds { path: files.state.clone(), source })?;
        let is_there = base.is_settled && base.written.list() == writing.list();
        Ok((!is_there).then_some(writing))
    }

    /// The folder of all worktrees, as the records have it.
    fn worktrees(&self) -> String {
        self.workspace.worktrees().to_string_lossy().into_owned()
    }

    /// Reads the table; what this process read or wrote there, and nobody changed since, it knows already.
    fn load_again(&mut self, files: &Files, proof: Proof) -> Result<(Reading, Base), StoreError> {
        if let Some((of, mut base)) = self.last.take()
            && of == *files
            && let Some(reading) = base.read_again(files, proof)?
        {
            return Ok((reading, base));
        }
        Base::load(files, &self.worktrees())
    }
}

impl Store for FileStore {
    fn read(&mut self) -> Result<Reading, StoreError> {
        let files = self.files()?;
        let loaded = self.load_again(&files, Proof::Bytes);
        let (reading, base) = loaded.map_err(|err| self.adrift(&files).unwrap_or(err))?;
        self.last = Some((files, base));
        Ok(reading)
    }

    fn begin(&mut self) -> Result<Reading, StoreError> {
        let files = self.files()?;
        let held = self.transaction.take().filter(|held| held.files == files);
        let lock = match held {
            Some(transaction) => transaction.lock,
            None => Lock::take(&files.lock(), self.lock_wait_max)
                .map_err(|err| self.adrift(&files).unwrap_or_else(|| err.into()))?,
        };
        remove_leftover(&files.temp());
        // Before anything is written the bytes are compared.
        let (mut reading, base) = self.load_again(&files, Proof::Stamp)?;
        if let Some(bytes) = base.bytes().filter(|_| !base.sound) {
            let path = backup::keep_broken(&files, bytes, self.clock.now())?;
            reading.notes.push(Note::Kept { path });
        }
        self.transaction = Some(Transaction { files, base, lock });
        Ok(reading)
    }

    fn drop_quarantine(&mut self) -> Result<Option<(usize, PathBuf)>, StoreError> {
        let now = self.clock.now();
        let Transaction { files, base, .. } = self.transaction()?;
        let count = base.document.quarantine.len();
        let Some(present) = base.bytes().filter(|_| count > 0) else {
            return Ok(None);
        };
        let path = backup::keep_broken(files, present, now)?;
        base.document.quarantine.clear();
        // The file still has them, until a commit succeeds.
        (base.is_settled, base.sessions) = (false, None);
        Ok(Some((count, path)))
    }

    fn commit(&mut self, sessions: &[Session]) -> Result<(), StoreError> {
        self.commit_after(sessions, &[])
    }

    fn commit_after(&mut self, sessions: &[Session], first: &[PathBuf]) -> Result<(), StoreError> {
        let Some(writing) = self.change_to(sessions)? else {
            return Ok(atomic::sync_all(first)?);
        };
        let Transaction { files, base, .. } = self.transaction()?;
        replace(files, base, writing, first)?;
        base.sessions = Some(sessions.to_vec());
        atomic::sync_folder(files.folder())
            .map_err(|source| StoreError::CommitUncertain { path: files.state.clone(), source })?;
        base.is_settled = true;
        Ok(())
    }

    fn place(&mut self, sessions: &[Session]) -> Result<Vec<PathBuf>, StoreError> {
        let Some(writing) = self.change_to(sessions)? else {
            return Ok(Vec::new());
        };
        let Transaction { files, base, .. } = self.transaction()?;
        replace(files, base, writing, &[])?;
        base.sessions = Some(sessions.to_vec());
        Ok(vec![files.folder().to_owned()])
    }

    fn end(&mut self) {
        self.last = self.transaction.take().map(|ended| (ended.files, ended.base));
    }

    fn examine(&self) -> Vec<Ailment> {
        self.ailments()
    }
}

/// Writes the new file beside the old one, keeps a backup, and puts it in its place when what goes first is durable too.
/// A power cut can take that back until the folder is.
fn replace(files: &Files, base: &mut Base, writing: Writing, first: &[PathBuf]) -> Result<(), StoreError> {
    let mut document = base.document.clone();
    document.generation = document.generation.wrapping_add(1);
    let written = schema::encode(&document, writing);
    let text = Arc::clone(written.text());
    if text.len() as u64 > FILE_BYTES_MAX {
        let (path, bytes_max) = (files.state.clone(), FILE_BYTES_MAX);
        return Err(StoreError::TooLarge { path, bytes_max });
    }
    let placed = put_in_place(files, base, text.as_bytes(), first);
    let stamp = placed.inspect_err(|_| {
        // If somebody changed the file at the moment of its stamp, the next transaction has to see that by its bytes.
        base.stamp = None;
        // The first error is the one to tell; a temp file that stays is removed by the next commit.
        drop(fs::remove_file(files.temp()));
    })?;
    tracing::debug!(generation = document.generation, "table written");
    let present = Some(Content::Text(text));
    base.follow(Base { present, stamp, document, written, sound: true, ..Base::of_nothing() });
    Ok(())
}

/// Removes what a writer that was killed left behind; under the lock nobody else writes there.
fn remove_leftover(temp: &Path) {
    match fs::remove_file(temp) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(error = %err, "a temporary file stays until the next commit");
        }
        Ok(()) | Err(_) => (),
    }
}

/// Everything of a commit up to the rename; after an error the state file is the old one.
fn put_in_place(
    files: &Files,
    base: &Base,
    bytes: &[u8],
    first: &[PathBuf],
) -> Result<Option<Stamp>, StoreError> {
    let temp = &files.temp();
    // Looked at twice: first by its stamp, so that a commit bound to fail moves no backup, then by its bytes, because writing
    // takes its time.
    if !base.has_stamp(files) {
        base.ensure_unchanged(files)?;
    }
    let shift = base.bytes().filter(|_| base.sound).map(|present| Shift::of(files, present));
    let written = match shift.as_ref().and_then(Shift::take_oldest) {
        Some(oldest) => atomic::write_over(oldest, bytes),
        None => atomic::write_new(temp, bytes, Durability::Crash),
    };
    let written = written.map_err(failed("write", temp))?;
    let (own, others) = atomic::sync_beside(first, || written.sync_all());
    own.map_err(failed("write", temp))?;
    others?;
    atomic::read_back(&written, bytes).map_err(failed("read back", temp))?;
    give_to_owner(&written, files).map_err(failed("give away", temp))?;
    shift.map_or(Ok(()), Shift::carry_out)?;
    base.ensure_unchanged(files)?;
    if !lock::is_at(&written, temp) {
        // Another writer, under a lock that excludes nobody, took the name for its own file.
        return Err(StoreError::LockBroken {
            path: files.state.clone(),
            expected: base.document.generation,
            found: base.document.generation,
        });
    }
    atomic::rename(temp, &files.state).map_err(|err| match Errno::from_io_error(&err) {
        Some(Errno::BUSY) => StoreError::Mounted { path: files.state.clone() },
        Some(_) | None => failed("replace", &files.state)(err),
    })?;
    Ok(written.metadata().ok().as_ref().map(Stamp::of))
}

/// A new table belongs to who had the old one; without one, to the owner of the folder.
fn give_to_owner(written: &File, files: &Files) -> io::Result<()> {
    match atomic::give_to_owner_of(written, &files.state) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            atomic::give_to_owner_of(written, files.folder())
        }
        given => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::SystemClock,
        store::{Origin, decode_record},
    };

    /// As on a file system whose moments are seconds.
    #[test]
    fn a_change_that_no_stamp_shows_stops_one_transaction_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let entry = r#"{"id":"00000000-0000-4000-8000-000000000001","name":"s1","branch":"s1","createdAt":"2025-11-24T10:30:00.000Z"}"#;
        let sessions = [decode_record(entry).unwrap()];
        let mut store = FileStore::at(Workspace::at(folder.path()), Arc::new(SystemClock));
        store.begin().unwrap();
        store.commit(&sessions).unwrap();
        let (state, edited) = (store.workspace.state_file(), "{ }");
        // It is backup 1 already, so that nothing else shows in its stamp.
        let newest = store.files().unwrap().backup(1);
        drop(atomic::write_new(&newest, &fs::read(&state).unwrap(), Durability::Crash).unwrap());
        drop(
            atomic::write_over(File::options().write(true).open(&state).unwrap(), edited.as_bytes()).unwrap(),
        );
        store.transaction.as_mut().unwrap().base.stamp = Stamp::at(&state);
        store.end();

        assert_eq!(store.begin().unwrap().origin, Origin::File);
        assert!(matches!(store.commit(&[]), Err(StoreError::LockBroken { .. })));
        assert_eq!(fs::read_to_string(&state).unwrap(), edited);
        store.end();
        assert_ne!(store.begin().unwrap().origin, Origin::File);
    }

    #[test]
    fn who_reads_without_the_lock_believes_no_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::at(Workspace::at(folder.path()), Arc::new(SystemClock));
        store.begin().unwrap();
        store.commit(&[]).unwrap();
        let state = store.workspace.state_file();
        drop(atomic::write_over(File::options().write(true).open(&state).unwrap(), b"{ }").unwrap());
        store.transaction.as_mut().unwrap().base.stamp = Stamp::at(&state);
        store.end();
        assert_ne!(store.read().unwrap().origin, Origin::File);
    }
}
