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

/// What a session printed, on the disk.
#[derive(Debug)]
pub(super) struct OutputLog {
    folder: PathBuf,
    bytes_max: u64,
    /// Nothing before the first byte, and after a failure.
    files: Option<Files>,
    is_failing: bool,
}

/// The newer two files, and where the next byte goes.
#[derive(Debug)]
struct Files {
    log: File,
    times: File,
    length: u64,
    timed: Option<i64>,
}

impl OutputLog {
    /// Goes on, with the first byte, where the last program of the session left off.
    pub(super) fn in_folder(folder: PathBuf, bytes_max: u64) -> Self {
        Self { folder, bytes_max, files: None, is_failing: false }
    }

    /// Keeps what was printed. What the disk does not take is lost, and the next piece is tried again; the error is answered
    /// once, until something could be kept.
    pub(super) fn take(&mut self, bytes: &[u8], now: Timestamp) -> io::Result<()> {
        let Err(err) = self.write(bytes, now.unix_millis()) else {
            self.is_failing = false;
            return Ok(());
        };
        // How much of it went is seen when they are opened anew.
        self.files = None;
        if std::mem::replace(&mut self.is_failing, true) { Ok(()) } else { Err(err) }
    }

    fn write(&mut self, bytes: &[u8], now: i64) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut files = match self.files.take() {
                Some(files) => files,
                None => Files::open(&self.folder)?,
            };
            if files.length >= self.bytes_max / 2 {
                turn(&self.folder)?;
                files = Files::open(&self.folder)?;
            }
            if files.timed.is_none_or(|timed| now - timed >= TIME_EVERY_MS) {
                writeln!(files.times, "{now} {}", files.length)?;
                files.timed = Some(now);
            }
            let room =
                usize::try_from((self.bytes_max / 2).saturating_sub(files.length)).unwrap_or(usize::MAX);
            let (part, behind) = rest.split_at(rest.len().min(room.max(PART_BYTES)));
            files.log.write_all(part)?;
            files.length += part.len() as u64;
            rest = behind;
            self.files = Some(files);
        }
        Ok(())
    }
}

impl Files {
    fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let log = append(&folder.join("output.log"))?;
        let length = log.metadata()?.len();
        let times = append(&folder.join("output.times"))?;
        Ok(Self { log, times, length, timed: None })
    }
}

/// The newer files become the older ones.
fn turn(folder: &Path) -> io::Result<()> {
    for name in ["output.times", "output.log"] {
        atomic::rename(&folder.join(name), &folder.join(format!("{name}.1")))?;
    }
    Ok(())
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
        let mut log = OutputLog::in_folder(folder.clone(), 1 << 20);
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
            let mut log = OutputLog::in_folder(dir.path().to_owned(), 1 << 20);
            log.take(text.as_bytes(), at(time)).unwrap();
        }
        assert_eq!(read(dir.path(), "output.log"), "first second");
        assert_eq!(read(dir.path(), "output.times"), "1000 0\n9000 6\n");
    }

    #[test]
    fn it_never_has_more_than_it_may_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::in_folder(dir.path().to_owned(), 100);
        for number in 0..100 {
            log.take(format!("{number:010}").as_bytes(), at(number * 2_000)).unwrap();
        }
        let (old, new) = (read(dir.path(), "output.log.1"), read(dir.path(), "output.log"));
        assert!(old.len() + new.len() <= 110, "{} and {}", old.len(), new.len());
        assert!((old.clone() + &new).ends_with("00000000980000000099"), "{old} {new}");
        assert_eq!(read(dir.path(), "output.times.1").lines().count(), 5);
    }

    #[test]
    fn what_cannot_be_kept_for_a_while_does_not_end_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("sessions/one");
        let mut log = OutputLog::in_folder(folder.clone(), 100);
        log.take(&[b'1'; 50], at(1_000)).unwrap();
        // The next byte begins a new file.
        let aside = dir.path().join("aside");
        atomic::rename(&folder, &aside).unwrap();
        File::create(&folder).unwrap();
        assert!(log.take(b"lost", at(2_000)).is_err());
        assert!(log.take(b"lost too", at(3_000)).is_ok(), "it is said once");
        fs::remove_file(&folder).unwrap();
        atomic::rename(&aside, &folder).unwrap();
        log.take(b"kept", at(4_000)).unwrap();
        assert_eq!(read(&folder, "output.log"), "kept");
        assert_eq!(read(&folder, "output.times"), "4000 0\n");
    }

    #[test]
    fn much_at_once_is_divided_between_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::in_folder(dir.path().to_owned(), 20_000);
        let text = (0..7_000).map(|number| format!("{number:05}")).collect::<Vec<_>>().concat();
        log.take(text.as_bytes(), at(0)).unwrap();
        let (old, new) = (read(dir.path(), "output.log.1"), read(dir.path(), "output.log"));
        assert!(text.ends_with(&(old.clone() + &new)));
        assert!((10_000..=20_000).contains(&(old.len() + new.len())), "{} and {}", old.len(), new.len());
    }
}
