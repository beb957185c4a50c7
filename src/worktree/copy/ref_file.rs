//! How a branch is made as a file, by the protocol that git itself keeps to: a lock beside it that only one can make,
//! a look under the lock, and a rename.
//!
//! Only a new branch in a plain repository is made so; everything else is git's. What is unexpected gives way to git,
//! which then says what is wrong.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use git2::Repository;

use crate::{
    atomic,
    session::{BranchName, CommitId},
    worktree::regular::open_regular,
};

const HEADS: &str = "refs/heads";
/// Who is named in a log where nobody is configured.
const NOBODY: &str = "wharf <wharf@localhost>";

/// How long somebody else may hold the lock of HEAD, and how often it is tried.
const LOCK_WAIT: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Makes a branch at a commit; says whether it did. It did not when something of that name, or in its way, is there.
pub(in crate::worktree) fn make_branch(
    common: &Path,
    branch: &BranchName,
    at: &CommitId,
) -> io::Result<bool> {
    let reference = branch.reference();
    let file = common.join(&reference);
    let Some(folder) = file.parent() else {
        return Ok(false);
    };
    if !make_folders(&common.join(HEADS), folder)? {
        return Ok(false);
    }
    let lock = lock_of(&file);
    let mut locked = match File::options().write(true).create_new(true).open(&lock) {
        Ok(locked) => locked,
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(err) => return Err(err),
    };
    let made = write_under_lock(common, &reference, &file, (&mut locked, &lock), at);
    if !matches!(made, Ok(true)) {
        fs::remove_file(&lock)?;
    }
    made
}

fn write_under_lock(
    common: &Path,
    reference: &str,
    file: &Path,
    (locked, lock): (&mut File, &Path),
    at: &CommitId,
) -> io::Result<bool> {
    match fs::symlink_metadata(file) {
        // A folder without refs in it would not be in the way, but to clear it away is git's.
        Ok(_) => return Ok(false),
        Err(err) if err.kind() == io::ErrorKind::NotFound => (),
        Err(err) => return Err(err),
    }
    if is_in_the_way_packed(common, reference)? {
        return Ok(false);
    }
    locked.write_all(format!("{at}\n").as_bytes())?;
    atomic::rename(lock, file)?;
    Ok(true)
}

/// Makes the folders for the parts of a name; a file or a link in the place of one is a branch in the way.
fn make_folders(heads: &Path, folder: &Path) -> io::Result<bool> {
    let mut missing: Vec<&Path> = Vec::new();
    for at in folder.ancestors().take_while(|at| at.starts_with(heads)) {
        match fs::symlink_metadata(at) {
            Ok(found) if found.is_dir() => break,
            Ok(_) => return Ok(false),
            Err(err) if err.kind() == io::ErrorKind::NotFound => missing.push(at),
            Err(err) if err.kind() == io::ErrorKind::NotADirectory => return Ok(false),
            Err(err) => return Err(err),
        }
    }
    for at in missing.into_iter().rev() {
        match fs::create_dir(at) {
            Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
            Ok(()) | Err(_) => (),
        }
    }
    Ok(true)
}

/// Whether the packed refs have this one, one below it, or one that would have to be its folder.
fn is_in_the_way_packed(common: &Path, reference: &str) -> io::Result<bool> {
    let Some(file) = open_regular(&common.join("packed-refs"))? else {
        return Ok(false);
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if let Some(name) = line.trim_ascii_end().splitn(2, |&byte| byte == b' ').nth(1) {
            let wanted = reference.as_bytes();
            let is_below = |outer: &[u8], inner: &[u8]| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
            };
            if is_below(name, wanted) || is_below(wanted, name) {
                return Ok(true);
            }
        }
        line.clear();
    }
    Ok(false)
}

/// Replaces HEAD of a worktree by a branch, under the lock that git takes for it.
pub(in crate::worktree) fn put_on_branch(admin: &Path, branch: &BranchName) -> io::Result<()> {
    let head = admin.join("HEAD");
    let lock = lock_of(&head);
    let mut locked = lock_soon(&lock)?;
    let written = locked
        .write_all(format!("ref: {}\n", branch.reference()).as_bytes())
        .and_then(|()| atomic::rename(&lock, &head));
    if written.is_err() {
        drop(fs::remove_file(&lock));
    }
    written
}

/// Takes a lock that a git which tidies up may hold for a moment.
fn lock_soon(lock: &Path) -> io::Result<File> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match File::options().write(true).create_new(true).open(lock) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists && Instant::now() < deadline => {
                thread::sleep(LOCK_PAUSE);
            }
            taken => return taken,
        }
    }
}

fn lock_of(file: &Path) -> PathBuf {
    file.with_added_extension("lock")
}

/// One line of a log of git.
pub(in crate::worktree) struct Logged<'a> {
    /// Where it was; nothing for a beginning.
    pub(in crate::worktree) from: Option<&'a CommitId>,
    /// Where it is.
    pub(in crate::worktree) to: &'a CommitId,
    /// Why.
    pub(in crate::worktree) because: &'a str,
}

/// Who git names in its logs, and when, as a part of a line.
pub(in crate::worktree) fn who(repository: &Repository) -> String {
    let signature = repository.signature().ok();
    let configured = signature.as_ref().and_then(|it| Some((it.name().ok()?, it.email().ok()?)));
    let who = configured.map_or_else(|| NOBODY.to_owned(), |(name, email)| format!("{name} <{email}>"));
    let when = signature
        .map_or_else(|| git2::Signature::now("wharf", "wharf").map(|it| it.when()), |it| Ok(it.when()));
    let (seconds, minutes) = when.map_or((0, 0), |when| (when.seconds(), when.offset_minutes()));
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{who} {seconds} {sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// Adds a line to a log, which is made when it is not there.
pub(in crate::worktree) fn log(path: &Path, who: &str, line: &Logged<'_>) -> io::Result<()> {
    let nothing = "0".repeat(line.to.as_str().len());
    let from = line.from.map_or(nothing.as_str(), CommitId::as_str);
    let because = if line.because.is_empty() { String::new() } else { format!("\t{}", line.because) };
    let open = || File::options().append(true).create(true).open(path);
    let mut file = match (open(), path.parent()) {
        (Err(err), Some(folder)) if err.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            open()?
        }
        (opened, _) => opened?,
    };
    file.write_all(format!("{from} {} {who}{because}\n", line.to).as_bytes())
}
