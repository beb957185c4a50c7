//! How an event gets to the end of the log: whole, or not at all.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use crate::lock;

/// A log that is appended to.
#[derive(Debug)]
pub(super) struct Tape {
    file: File,
    length: u64,
    /// Half a line stands behind `length`, and could not be cut off yet.
    is_torn: bool,
}

impl Tape {
    /// Goes on at the end of a file that is open for appending; what stands there behind this length is cut off first.
    pub(super) fn of(file: File, length: u64) -> io::Result<Self> {
        if file.metadata()?.len() > length {
            file.set_len(length)?;
        }
        Ok(Self { file, length, is_torn: false })
    }

    /// How many bytes the log has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the log is what lies at a path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        lock::is_at(&self.file, path)
    }

    /// Adds lines, with one `write`. Where the disk takes only a part, that part goes again, so that no half of a line stays.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        // A second write comes only where the first was cut short; it says why.
        if let Err(err) = self.file.write_all(lines) {
            self.is_torn = self.file.set_len(self.length).is_err();
            return Err(err);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Waits until the disk has it.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
