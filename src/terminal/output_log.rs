//! How what a program prints is kept on the disk: raw, in two files of bounded size, with the time beside it.
//!
//! `output.log` is appended to; when it has half of the bytes that are allowed, it becomes `output.log.1`. Beside each
//! lies a file of times (`output.times`), one line `<unix milliseconds> <offset in its log>` for each second in which
//! something was printed. Nothing is synced: a power cut may cost the last seconds.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{atomic, clock::Timestamp};

/// How much may be printed between two times.
const TIME_EVERY_MS: i64 = 1_000;

/// By how much a file may grow beyond its half.
const PART_BYTES: usize = 4 << 10;

/// The two files, and where in the newer one the next byte goes.
#[derive(Debug)]
pub(super) struct OutputLog {
    folder: PathBuf,
    bytes_max: u64,
    log: File,
    times: File,
    length: u64,
    timed: Option<i64>,
}

impl OutputLog {
    /// Goes on where the last program of the session left off.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let log = append(&folder.join("output.log"))?;
        let length = log.metadata()?.len();
        let times = append(&folder.join("output.times"))?;
        Ok(Self { folder: folder.to_owned(), bytes_max, log, times, length, timed: None })
    }

    /// Keeps what was printed.
    pub(super) fn take(&mut self, bytes: &[u8], now: Timestamp) -> io::Result<()> {
        let now = now.unix_millis();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.length >= self.bytes_max / 2 {
                self.turn()?;
            }
            if self.timed.is_none_or(|timed| now - timed >= TIME_EVERY_MS) {
                writeln!(self.times, "{now} {}", self.length)?;
                self.timed = Some(now);
            }
            let room = usize::try_from(self.bytes_max / 2 - self.length).unwrap_or(usize::MAX);
            let (part, behind) = rest.split_at(rest.len().min(room.max(PART_BYTES)));
            self.log.write_all(part)?;
            self.length += part.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    /// The newer files become the older ones.
    fn turn(&mut self) -> io::Result<()> {
        for name in ["output.times", "output.log"] {
            atomic::rename(&self.folder.join(name), &self.folder.join(format!("{name}.1")))?;
        }
        *self = Self::open(&self.folder, self.bytes_max)?;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap_or_default()
    }

    #[test]
    fn what_was_printed_is_kept_with_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sessions/one");
        let mut log = OutputLog::open(&folder, 1 << 20).unwrap();
        log.take(b"one ", at(5_000)).unwrap();
        log.take(b"two ", at(5_999)).unwrap();
        log.take(b"three", at(6_000)).unwrap();
        assert_eq!(read(&folder, "output.log"), "one two three");
        assert_eq!(read(&folder, "output.times"), "5000 0\n6000 8\n");
    }

    #[test]
    fn the_next_program_writes_behind_the_last() {
        let dir = tempfile::tempdir().unwrap();
        for (text, time) in [("first ", 1_000), ("second", 9_000)] {
            let mut log = OutputLog::open(dir.path(), 1 << 20).unwrap();
            log.take(text.as_bytes(), at(time)).unwrap();
        }
        assert_eq!(read(dir.path(), "output.log"), "first second");
        assert_eq!(read(dir.path(), "output.times"), "1000 0\n9000 6\n");
    }

    #[test]
    fn it_never_has_more_than_it_may_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::open(dir.path(), 100).unwrap();
        for number in 0..100 {
            log.take(format!("{number:010}").as_bytes(), at(number * 2_000)).unwrap();
        }
        let (old, new) = (read(dir.path(), "output.log.1"), read(dir.path(), "output.log"));
        assert!(old.len() + new.len() <= 110, "{} and {}", old.len(), new.len());
        assert!((old.clone() + &new).ends_with("00000000980000000099"), "{old} {new}");
        assert_eq!(read(dir.path(), "output.times.1").lines().count(), 5);
    }

    #[test]
    fn much_at_once_is_divided_between_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::open(dir.path(), 20_000).unwrap();
        let text = (0..7_000).map(|number| format!("{number:05}")).collect::<Vec<_>>().concat();
        log.take(text.as_bytes(), at(0)).unwrap();
        let (old, new) = (read(dir.path(), "output.log.1"), read(dir.path(), "output.log"));
        assert!(text.ends_with(&(old.clone() + &new)));
        assert!((10_000..=20_000).contains(&(old.len() + new.len())), "{} and {}", old.len(), new.len());
    }
}
