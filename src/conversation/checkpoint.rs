//! How a transcript outlives the folder that its agent keeps it in: a copy on the workspace's volume that grows with it.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::atomic::{self, Durability};

/// How much at the beginning and at the end of a copy is held against the transcript.
const COMPARED_BYTES: u64 = 4 << 10;
/// How deep below its agent's folder a transcript may lie.
const DEPTH_MAX: usize = 8;
/// How many copies of one session are looked at.
const COPIES_MAX: usize = 10_000;
/// What a copy is called that was replaced by another beginning.
const OLDER: &str = "older";
/// What a copy is called while it is written.
const HALF: &str = "wharf-half";

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It had everything.
    Same,
    /// So many bytes were added.
    Grown(u64),
    /// The transcript is not the one it was: the copy is new, and the one before lies beside it.
    Replaced,
    /// Somebody else is at it.
    Busy,
}

/// Brings the copy of a transcript up to date. Transcripts only grow, so what was added is appended; after a crash in
/// the middle the next call goes on from there.
pub fn keep(transcript: &Path, copy: &Path, durability: Durability) -> io::Result<Kept> {
    let folder = copy.parent().unwrap_or(copy);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(beside(copy, "lock"))?;
    match lock.try_lock() {
        Ok(()) => (),
        Err(TryLockError::WouldBlock) => return Ok(Kept::Busy),
        Err(TryLockError::Error(err)) => return Err(err),
    }
    // A pipe is not waited for.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let mut source = OpenOptions::new().read(true).custom_flags(nonblock).open(transcript)?;
    let metadata = source.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a transcript is a regular file"));
    }
    let length = metadata.len();
    let mut target = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(copy)?;
    let kept = target.metadata()?.len();
    if kept > length || !agrees(&source, &target, kept)? {
        drop(target);
        replace(&mut source, copy, durability)?;
        return Ok(Kept::Replaced);
    }
    source.seek(SeekFrom::Start(kept))?;
    let grown = io::copy(&mut source, &mut target)?;
    // Also where nothing was added: those who added it before did not wait for the disk.
    if durability == Durability::PowerCut {
        target.sync_all()?;
        atomic::sync_folder(folder)?;
    }
    Ok(if grown == 0 { Kept::Same } else { Kept::Grown(grown) })
}

/// Puts a copy back where the transcript is gone, or where a power cut left nothing of it; says whether it did. What is
/// there is never touched.
pub fn put_back(copy: &Path, transcript: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(transcript) {
        Ok(there) if !(there.is_file() && there.len() == 0) => return Ok(false),
        Ok(_) => (),
        Err(err) if err.kind() == io::ErrorKind::NotFound => (),
        Err(err) => return Err(err),
    }
    let folder = transcript.parent().unwrap_or(transcript);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let half = beside(transcript, HALF);
    let written = write_half(&mut File::open(copy)?, &half, Durability::PowerCut);
    // A link takes no name that somebody has taken meanwhile.
    let placed = written.and_then(|()| match fs::hard_link(&half, transcript) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            let is_empty = fs::metadata(transcript)?.len() == 0;
            if is_empty { atomic::rename(&half, transcript).map(|()| true) } else { Ok(false) }
        }
        linked => linked.map(|()| true),
    });
    drop(fs::remove_file(&half));
    let placed = placed?;
    atomic::sync_folder(folder)?;
    Ok(placed)
}

/// The copies below a folder, each by its path below it.
pub fn copies(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = open.pop() {
        let entries = match fs::read_dir(folder.join(&below)) {
            Err(err) if depth == 0 && err.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let (name, kind) = (below.join(entry.file_name()), entry.file_type()?);
            let is_own = name.extension().is_some_and(|it| it == "lock" || it == OLDER || it == HALF);
            if kind.is_dir() && depth < DEPTH_MAX {
                open.push((name, depth + 1));
            } else if kind.is_file() && !is_own && found.len() < COPIES_MAX {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a copy of this length is the beginning of the transcript, as far as its own beginning and end say.
fn agrees(source: &File, target: &File, kept: u64) -> io::Result<bool> {
    let size = kept.min(COMPARED_BYTES);
    let mut ours = vec![0; usize::try_from(size).unwrap_or(0)];
    let mut theirs = ours.clone();
    for at in [0, kept - size] {
        source.read_exact_at(&mut theirs, at)?;
        target.read_exact_at(&mut ours, at)?;
        if ours != theirs {
            return Ok(false);
        }
    }
    Ok(true)
}

fn replace(source: &mut File, copy: &Path, durability: Durability) -> io::Result<()> {
    let (half, older) = (beside(copy, HALF), beside(copy, OLDER));
    write_half(source, &half, durability)?;
    match fs::remove_file(&older) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        Ok(()) | Err(_) => (),
    }
    fs::hard_link(copy, &older)?;
    atomic::rename(&half, copy)?;
    match durability {
        Durability::PowerCut => atomic::sync_folder(copy.parent().unwrap_or(copy)),
        Durability::Crash => Ok(()),
    }
}

fn write_half(source: &mut impl Read, half: &Path, durability: Durability) -> io::Result<()> {
    let mut file = atomic::write_new(half, b"", Durability::Crash)?;
    io::copy(source, &mut file)?;
    file.flush()?;
    if durability == Durability::PowerCut {
        file.sync_all()?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str) {
        drop(fs::remove_file(path));
        drop(atomic::write_new(path, text.as_bytes(), Durability::Crash).unwrap());
    }

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn transcript(&self) -> PathBuf {
            self.dir.path().join("home/projects/-w/ses.jsonl")
        }

        fn copy(&self) -> PathBuf {
            self.dir.path().join("kept/claude/projects/-w/ses.jsonl")
        }

        fn say(&self, text: &str) {
            fs::create_dir_all(self.transcript().parent().unwrap()).unwrap();
            put(&self.transcript(), text);
        }

        fn keep(&self) -> Kept {
            keep(&self.transcript(), &self.copy(), Durability::Crash).unwrap()
        }

        fn kept(&self) -> String {
            fs::read_to_string(self.copy()).unwrap()
        }
    }

    #[test]
    fn a_copy_grows_with_its_transcript() {
        let place = Place::new();
        let long = "line\n".repeat(10_000);
        place.say("one\n");
        assert_eq!((place.keep(), place.keep()), (Kept::Grown(4), Kept::Same));
        place.say(&format!("one\n{long}tor"));
        assert_eq!(place.keep(), Kept::Grown(50_003));
        place.say(&format!("one\n{long}torn\n"));
        assert_eq!(place.keep(), Kept::Grown(2));
        assert_eq!(place.kept(), fs::read_to_string(place.transcript()).unwrap());
    }

    #[test]
    fn a_transcript_that_began_anew_does_not_cost_the_old_one() {
        let place = Place::new();
        for (first, second) in [("one\ntwo\n", "other\nlines\n"), ("one\ntwo\n", "one\n")] {
            place.say(first);
            place.keep();
            place.say(second);
            assert_eq!(place.keep(), Kept::Replaced);
            assert_eq!(place.kept(), second);
            assert_eq!(fs::read_to_string(beside(&place.copy(), OLDER)).unwrap(), first);
        }
    }

    #[test]
    fn what_a_crash_left_half_is_completed() {
        let place = Place::new();
        place.say("one\ntwo\n");
        place.keep();
        put(&place.copy(), "one\nt");
        assert_eq!((place.keep(), place.kept().as_str()), (Kept::Grown(3), "one\ntwo\n"));
    }

    #[test]
    fn a_pipe_is_no_transcript_and_is_not_waited_for() {
        let place = Place::new();
        fs::create_dir_all(place.transcript().parent().unwrap()).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, place.transcript(), rustix::fs::FileType::Fifo, mode, 0)
            .unwrap();
        let refused = keep(&place.transcript(), &place.copy(), Durability::Crash).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(!place.copy().exists());
    }

    #[test]
    fn only_one_is_at_a_copy_at_once() {
        let place = Place::new();
        place.say("one\n");
        place.keep();
        let lock = File::open(beside(&place.copy(), "lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(place.keep(), Kept::Busy);
    }

    #[test]
    fn a_transcript_that_is_gone_comes_back_and_one_that_is_there_stays() {
        let place = Place::new();
        place.say("one\n");
        place.keep();
        fs::remove_file(place.transcript()).unwrap();
        fs::remove_dir(place.transcript().parent().unwrap()).unwrap();
        assert!(put_back(&place.copy(), &place.transcript()).unwrap());
        assert_eq!(fs::read_to_string(place.transcript()).unwrap(), "one\n");
        place.say("mine\n");
        assert!(!put_back(&place.copy(), &place.transcript()).unwrap());
        assert_eq!(fs::read_to_string(place.transcript()).unwrap(), "mine\n");
        place.say("");
        assert!(put_back(&place.copy(), &place.transcript()).unwrap());
        let folder = place.transcript().parent().unwrap().to_owned();
        assert_eq!(copies(&folder).unwrap(), [PathBuf::from("ses.jsonl")]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn the_copies_of_a_session_are_told_without_what_lies_beside_them() {
        let place = Place::new();
        let root = place.dir.path().join("kept");
        assert!(copies(&root).unwrap().is_empty());
        place.say("one\n");
        place.keep();
        place.say("two\n");
        place.keep();
        assert_eq!(copies(&root).unwrap(), [PathBuf::from("claude/projects/-w/ses.jsonl")]);
    }
}
