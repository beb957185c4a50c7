//! What the disk holds: how the table is read from its file, or from what is kept beside it, and known again.

use std::{fs, mem, os::unix::fs::PermissionsExt as _, sync::Arc};

use super::{
    Origin, Reading, STATE_FILE_MODE, StoreError,
    backup::{self, Backups},
    files::{self, Content, Files, Stamp, failed},
    schema::{self, Document, Parsed, SchemaError, Seal},
    written::Written,
};
use crate::session::Session;

/// What the disk held when it was last looked at, or what was last written there.
pub(super) struct Base {
    /// The bytes of the state file, whatever they are.
    pub(super) present: Option<Content>,
    /// What was said of the state file when it was last compared with them, or written.
    pub(super) stamp: Option<Stamp>,
    pub(super) document: Document,
    /// The list of sessions to the letter.
    pub(super) written: Written,
    /// Whether the file as it is need not be written again, unless that list becomes another one.
    pub(super) is_settled: bool,
    /// Whether the state file is worth a backup.
    pub(super) sound: bool,
    /// The sessions in it, where there is nothing else to tell of it.
    pub(super) sessions: Option<Vec<Session>>,
    /// Memory for the next text: that of the one before, which a process would have to be given anew page by page.
    pub(super) room: String,
}

/// By what it is seen that nobody changed the state file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// By what the file system says of it: quick, and blind for what somebody wrote into it at the same moment.
    Stamp,
    /// By each of its bytes.
    Bytes,
}

impl Base {
    /// That of a workspace without a state file.
    pub(super) fn of_nothing() -> Self {
        Self {
            present: None,
            stamp: None,
            document: Document::new(),
            written: Written::unknown(""),
            is_settled: false,
            sound: false,
            sessions: None,
            room: String::new(),
        }
    }

    /// Goes on with what was written just now.
    pub(super) fn follow(&mut self, now: Self) {
        let Self { present, written, .. } = mem::replace(self, now);
        drop(written);
        if let Some(Content::Text(text)) = present {
            self.room = Arc::into_inner(text).unwrap_or_default();
        }
    }

    /// Reads the table: the file, else the newest backup that is valid, else none.
    pub(super) fn load(files: &Files, worktrees: &str) -> Result<(Reading, Self), StoreError> {
        let stamp = Stamp::at(&files.state);
        let present = files::read(&files.state)?.map(Content::of);
        let because = match present.as_ref().map(|content| schema::decode(content, worktrees)) {
            Some(Ok(parsed)) => return Self::from_file(files, (stamp, present), parsed),
            Some(Err(SchemaError::Newer { version })) => {
                let path = files.state.clone();
                return Err(StoreError::Newer { path, version });
            }
            Some(Err(err)) => err.to_string(),
            None => "it is missing".to_owned(),
        };
        let missing = present.is_none();
        let (origin, parsed) = match backup::newest(files)? {
            Backups::Newest { number, parsed } => (Origin::Backup { number, because }, Some(*parsed)),
            Backups::None if missing => {
                // A volume that is not there (any more) is no empty table.
                fs::metadata(files.folder()).map_err(failed("look at", files.folder()))?;
                (Origin::Absent, None)
            }
            Backups::None | Backups::Broken => (Origin::Lost { because }, None),
        };
        let (document, sessions, notes) = parsed.map_or_else(
            || (Document::new(), Vec::new(), Vec::new()),
            |parsed| (parsed.document, parsed.sessions, parsed.notes),
        );
        let reading = Reading {
            sessions,
            origin,
            generation: document.generation,
            quarantined: document.quarantine.clone(),
            notes,
            witness: Vec::new(),
        };
        let base = Self { present, stamp, document, ..Self::of_nothing() };
        Ok((reading, base))
    }

    fn from_file(
        files: &Files,
        (stamp, present): (Option<Stamp>, Option<Content>),
        parsed: Parsed,
    ) -> Result<(Reading, Self), StoreError> {
        let (origin, witness) = match parsed.seal {
            Seal::Whole => (Origin::File, Vec::new()),
            Seal::None => (Origin::Unsigned, Vec::new()),
            Seal::Broken => (Origin::Suspect, witness(files)?),
        };
        // One that others may read is written again, which gives it its mode.
        let is_private = fs::metadata(&files.state)
            .is_ok_and(|about| about.permissions().mode() & 0o7777 & !STATE_FILE_MODE == 0);
        let is_settled = origin == Origin::File && is_private;
        let base = Self {
            present,
            stamp,
            document: parsed.document.clone(),
            written: parsed.written,
            is_settled,
            sound: origin != Origin::Suspect,
            sessions: (is_settled && parsed.notes.is_empty()).then(|| parsed.sessions.clone()),
            room: String::new(),
        };
        let reading = Reading {
            sessions: parsed.sessions,
            origin,
            generation: parsed.document.generation,
            quarantined: parsed.document.quarantine,
            notes: parsed.notes,
            witness,
        };
        Ok((reading, base))
    }

    /// The same table once more, where that is still what the file holds; nothing where it has to be read.
    pub(super) fn read_again(&mut self, files: &Files, proof: Proof) -> Result<Option<Reading>, StoreError> {
        let Some(sessions) = &self.sessions else {
            return Ok(None);
        };
        let stamp = Stamp::at(&files.state);
        let is_known = proof == Proof::Stamp && stamp.is_some() && stamp == self.stamp;
        if !is_known && !files::holds(&files.state, self.bytes())? {
            return Ok(None);
        }
        let reading = Reading {
            sessions: sessions.clone(),
            origin: Origin::File,
            generation: self.document.generation,
            quarantined: self.document.quarantine.clone(),
            notes: Vec::new(),
            witness: Vec::new(),
        };
        self.stamp = stamp;
        Ok(Some(reading))
    }

    /// The bytes of the state file.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.present.as_ref().map(Content::bytes)
    }

    /// Whether the file system says the same of the state file as when it was last compared, or written.
    pub(super) fn has_stamp(&self, files: &Files) -> bool {
        self.stamp.is_some() && self.stamp == Stamp::at(&files.state)
    }

    /// Fails unless the state file is still the one that was read. The bytes are compared, not only the generations: a person
    /// may have edited the file meanwhile, and some shared folders give two processes the same lock.
    pub(super) fn ensure_unchanged(&self, files: &Files) -> Result<(), StoreError> {
        if files::holds(&files.state, self.bytes())? {
            return Ok(());
        }
        let present = files::read(&files.state)?;
        let generation =
            |bytes: Vec<u8>| schema::decode_bytes(&bytes).map_or(0, |parsed| parsed.document.generation);
        Err(StoreError::LockBroken {
            path: files.state.clone(),
            expected: self.document.generation,
            found: present.map_or(0, generation),
        })
    }
}

/// What the newest valid backup says beside a suspect file.
fn witness(files: &Files) -> Result<Vec<Session>, StoreError> {
    Ok(match backup::newest(files)? {
        Backups::Newest { parsed, .. } => parsed.sessions,
        Backups::None | Backups::Broken => Vec::new(),
    })
}
