//! How what a session printed is read back from the disk, also while more comes.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::TerminalError;
use crate::clock::Timestamp;

/// The newer file, and the one it becomes when it is full.
const LOGS: [&str; 2] = ["output.log", "output.log.1"];
/// When what was printed: lines of `<unix milliseconds> <offset>`, beside each of the two.
const TIMES: [&str; 2] = ["output.times", "output.times.1"];
/// What was printed within this time stands behind one line.
const TIMES_STEP_MS: i64 = 1_000;

/// What a session printed, as far as it is kept.
#[derive(Clone, Debug)]
pub struct History {
    folder: PathBuf,
}

/// Somebody who reads it from one place on.
#[derive(Debug)]
pub struct Follower {
    folder: PathBuf,
    file: Option<File>,
}

impl History {
    /// That in the folder of a session.
    pub fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Reads from the moment on, give or take a second; without one, from the beginning.
    pub fn since(&self, moment: Option<Timestamp>) -> Result<Follower, TerminalError> {
        let folder = self.folder.clone();
        let Some(moment) = moment else {
            let file = match self.open(LOGS[1])? {
                Some(file) => Some(file),
                None => self.open(LOGS[0])?,
            };
            return Ok(Follower { folder, file });
        };
        // The older one first: when it is full meanwhile, the newer one is what is found next.
        for at in [1, 0] {
            let Some(mut file) = self.open(LOGS[at])? else {
                continue;
            };
            let offset = self.offset(TIMES[at], moment.unix_millis())?;
            if let Some(offset) = offset {
                self.at(LOGS[at], file.seek(SeekFrom::Start(offset)))?;
                return Ok(Follower { folder, file: Some(file) });
            }
            if at == 0 {
                self.at(LOGS[0], file.seek(SeekFrom::End(0)))?;
                return Ok(Follower { folder, file: Some(file) });
            }
        }
        Ok(Follower { folder, file: None })
    }

    /// Where the first byte stands that was printed after a moment, if there is one.
    fn offset(&self, name: &str, millis: i64) -> Result<Option<u64>, TerminalError> {
        let Some(file) = self.open(name)? else {
            return Ok(Some(0));
        };
        for line in BufReader::new(file).split(b'\n') {
            let line = self.at(name, line)?;
            // The last line may be half, and a damaged one says nothing.
            let parsed = std::str::from_utf8(&line).ok().and_then(|line| {
                let (time, offset) = line.split_once(' ')?;
                Some((time.parse::<i64>().ok()?, offset.parse::<u64>().ok()?))
            });
            if let Some((time, offset)) = parsed
                && time.saturating_add(TIMES_STEP_MS) > millis
            {
                return Ok(Some(offset));
            }
        }
        Ok(None)
    }

    fn open(&self, name: &str) -> Result<Option<File>, TerminalError> {
        open(&self.folder.join(name))
    }

    fn at<T>(&self, name: &str, result: io::Result<T>) -> Result<T, TerminalError> {
        result.map_err(|source| failed(&self.folder.join(name), source))
    }
}

impl Follower {
    /// Reads what comes next; 0 when nothing is there yet.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TerminalError> {
        loop {
            let place = self.folder.join(LOGS[0]);
            let Some(file) = &mut self.file else {
                self.file = open(&place)?;
                if self.file.is_none() {
                    return Ok(0);
                }
                continue;
            };
            let next = successor(&self.folder, file)?;
            // Nobody writes into a file any more that has a successor, so this read sees its end.
            let count = file.read(buffer).map_err(|source| failed(&place, source))?;
            match (count, next) {
                (0, Some(next)) => self.file = Some(next),
                (0, None) => return Ok(0),
                (count, _) => return Ok(count),
            }
        }
    }
}

/// The file that goes on where this one ends, if there is one.
fn successor(folder: &Path, file: &File) -> Result<Option<File>, TerminalError> {
    let identity = |file: &File| file.metadata().map(|meta| (meta.dev(), meta.ino())).ok();
    let same = |other: &Option<File>| other.as_ref().is_some_and(|other| identity(other) == identity(file));
    let older = open(&folder.join(LOGS[1]))?;
    let newer = open(&folder.join(LOGS[0]))?;
    Ok(if same(&newer) {
        None
    } else if same(&older) || older.is_none() {
        newer
    } else {
        older
    })
}

/// Opens a file for reading, if there is one; whoever is in the session could have put a link there.
fn open(path: &Path) -> Result<Option<File>, TerminalError> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

fn failed(path: &Path, source: io::Error) -> TerminalError {
    TerminalError::Io { action: "read", path: path.to_owned(), source }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test is the one who writes")]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, text) in files {
                folder.write(name, text);
            }
            folder
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.0.path().join(name), text).unwrap();
        }

        fn since(&self, millis: Option<i64>) -> Follower {
            let moment = millis.map(|millis| Timestamp::from_unix_millis(millis).unwrap());
            History::in_folder(self.0.path()).since(moment).unwrap()
        }
    }

    fn rest(follower: &mut Follower) -> String {
        let (mut text, mut buffer) = (Vec::new(), [0; 3]);
        loop {
            match follower.read(&mut buffer).unwrap() {
                0 => return String::from_utf8(text).unwrap(),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    const TWO: &[(&str, &str)] = &[
        ("output.log.1", "one two "),
        ("output.times.1", "1000 0\n5000 4\n"),
        ("output.log", "three four"),
        ("output.times", "9000 0\nnonsense\n20000 6\n21"),
    ];

    #[test]
    fn both_files_are_one_text() {
        assert_eq!(rest(&mut Folder::with(TWO).since(None)), "one two three four");
        assert_eq!(rest(&mut Folder::with(&[("output.log", "only")]).since(None)), "only");
        assert_eq!(rest(&mut Folder::with(&[]).since(None)), "");
    }

    #[test]
    fn it_is_read_from_a_moment_on() {
        let folder = Folder::with(TWO);
        let from = |millis| rest(&mut folder.since(Some(millis)));
        assert_eq!([from(0), from(1_500)], ["one two three four"; 2]);
        assert_eq!([from(2_000), from(5_000)], ["two three four"; 2]);
        assert_eq!([from(6_000), from(9_999)], ["three four"; 2]);
        assert_eq!([from(10_001), from(20_999)], ["four"; 2]);
        assert_eq!(from(30_000), "");
    }

    #[test]
    fn whoever_follows_misses_nothing_when_the_files_turn() {
        let folder = Folder::with(&[("output.log", "one ")]);
        let mut follower = folder.since(None);
        assert_eq!(rest(&mut follower), "one ");
        for text in ["two ", "three "] {
            let old = folder.0.path().join("output.log.1");
            fs::rename(folder.0.path().join("output.log"), old).unwrap();
            folder.write("output.log", text);
        }
        assert_eq!(rest(&mut follower), "two three ");
        folder.write("output.log", "three four");
        assert_eq!(rest(&mut follower), "four");
    }

    #[test]
    fn whoever_waits_sees_the_first_byte() {
        let folder = Folder::with(&[]);
        let mut follower = folder.since(Some(0));
        assert_eq!(rest(&mut follower), "");
        folder.write("output.log", "first");
        assert_eq!(rest(&mut follower), "first");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = Folder::with(&[("secret", "text")]);
        std::os::unix::fs::symlink("secret", folder.0.path().join("output.log")).unwrap();
        assert!(History::in_folder(folder.0.path()).since(None).is_err());
    }
}
