//! What a warm worktree is known by, and whether it is still as it was sealed.

use std::{
    fs::{self, File, Metadata},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    atomic,
    session::{CommitId, SessionId},
    worktree::{
        WorktreeError,
        admin::{Admin, Glance, Head},
        copy::IndexFile,
        durable::open_folder,
        files::names_in,
        fill::files_of,
        register::remove_if_there,
        site::{Site, io_error, is_there, make_folder, read_small},
    },
};

/// The folder of the seals of worktrees that are ready.
const READY: &str = "wharf.pool";
pub(super) const FILLING: &str = "wharf.filling";
pub(super) const TAKING: &str = "wharf.taking";
/// The seal of a worktree that a session took; it stays with the session.
pub(super) const TAKEN: &str = "wharf.taken";
const TARGET: &str = "wharf.target";
const MAKING: &str = ".making";
const DRAINED: &str = "drained";
pub(super) const CHANGED: &str = "wharf.changed";
/// How many entries of the folder of seals are looked at.
const READY_MAX: usize = 1_000;
/// Up to how many files each of them is looked at before a worktree is taken: one to two microseconds each, while the disk writes
/// what was reserved. In a larger one a change is seen by who fills the pool next, and said by `show` and `doctor`.
const FILES_MAX: u32 = 100_000;

/// A warm worktree, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The id that its session will have.
    pub id: SessionId,
    /// Its folder.
    pub path: PathBuf,
    /// The commit it is at, as far as that is known.
    pub commit: Option<CommitId>,
    /// In which condition it is.
    pub condition: Condition,
}

/// In which condition a warm worktree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its files are being written.
    Filling,
    /// It can be taken.
    Ready,
    /// Something in it changed, so nobody takes it and nothing of it is removed.
    Changed,
    /// It was cut short, and is cleared away the next time the pool is filled.
    Broken,
}

/// What the lock of a warm worktree says: `{"wharf-pool":"1.0","id":"…"}`.
#[derive(Deserialize, Serialize)]
struct ReasonText {
    #[serde(rename = "wharf-pool")]
    version: String,
    id: String,
}

/// The reason of the lock on a warm worktree.
pub(super) fn reason(id: SessionId) -> String {
    let text = ReasonText { version: "1.0".to_owned(), id: id.to_string() };
    serde_json::to_string(&text).expect("two texts can be written as JSON")
}

fn is_reason(text: &str) -> bool {
    serde_json::from_str::<ReasonText>(text.trim()).is_ok()
}

/// Whether an administrative folder belongs to a warm worktree: by its lock, or by a file that only those have.
pub(in crate::worktree) fn is_slot(admin: &Admin, id: SessionId, common: &Path) -> bool {
    let is_locked_as_slot = admin.lock.as_deref().is_some_and(is_reason);
    let is_session = admin.lock_reason().is_some_and(|reason| reason.id == id);
    is_locked_as_slot
        || is_there(&making_file(common, id))
        || (!is_session
            && (is_there(&admin.folder.join(FILLING)) || is_there(&common.join(READY).join(id.to_string()))))
}

/// Whether it is one in which somebody changed something.
pub(in crate::worktree) fn is_changed(admin: &Admin) -> bool {
    is_there(&admin.folder.join(CHANGED))
}

/// What a worktree was like when it was made ready. What differs later was touched by somebody.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct Seal {
    wharf: String,
    /// The worktree; another workspace with the same repository has its own.
    folder: PathBuf,
    pub(super) commit: String,
    /// In which manner its files were written.
    manner: String,
    marks: Marks,
    /// Whether its index vouched for every file.
    vouched: bool,
}

/// What tells from outside whether a worktree was touched.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Marks {
    index: [i64; 4],
    root: [i64; 4],
    /// Settings that are this worktree's alone.
    own: [[i64; 4]; 2],
}

impl Marks {
    fn of(site: &Site) -> io::Result<Self> {
        let root = fs::symlink_metadata(&site.folder)?;
        let own = |name| match fs::symlink_metadata(site.admin.join(name)) {
            Ok(about) => Ok(file_marks(&about)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok([0; 4]),
            Err(err) => Err(err),
        };
        Ok(Self {
            index: file_marks(&fs::symlink_metadata(site.admin.join("index"))?),
            root: [root.ino().cast_signed(), root.mode().into(), root.mtime(), root.mtime_nsec()],
            own: [own("config.worktree")?, own("info/sparse-checkout")?],
        })
    }
}

impl Seal {
    /// Looks at a worktree that is as it should be.
    pub(super) fn of(site: &Site, commit: &CommitId, manner: &str) -> io::Result<Self> {
        Ok(Self {
            wharf: "1.0".to_owned(),
            folder: site.folder.clone(),
            commit: commit.to_string(),
            manner: manner.to_owned(),
            marks: Marks::of(site)?,
            vouched: IndexFile::read(&site.admin.join("index"))
                .is_some_and(|index| index.vouches_for_all(&site.folder)),
        })
    }

    /// Whether an edit can be told without git.
    pub(super) fn was_vouched_for(&self) -> bool {
        self.vouched
    }

    /// Reads the seal of a worktree that is ready.
    pub(super) fn read(site: &Site) -> Option<Self> {
        let seal: Self = serde_json::from_str(&read_small(&ready_file(site))?).ok()?;
        (seal.folder == site.folder).then_some(seal)
    }

    /// Reads the seal that the worktree had in another place, from which it was moved with all that is around it.
    pub(super) fn of_moved(site: &Site) -> Option<Self> {
        let seal: Self = serde_json::from_str(&read_small(&ready_file(site))?).ok()?;
        (seal.folder.file_name() == site.folder.file_name()).then_some(seal)
    }

    /// The same worktree in the place where it is now; the caller has looked at it.
    pub(super) fn moved_to(&self, site: &Site, commit: &CommitId) -> io::Result<Self> {
        Self::of(site, commit, &self.manner)
    }

    /// The seal of a worktree that was claimed and is not a session's yet.
    pub(super) fn of_taken(site: &Site) -> Option<Self> {
        serde_json::from_str(&read_small(&site.admin.join(TAKING))?).ok()
    }

    /// The commit the worktree is at.
    pub(super) fn commit(&self) -> Option<CommitId> {
        self.commit.parse().ok()
    }

    /// Whether its files were written in this manner; not when nobody can say which that is.
    pub(super) fn is_in(&self, manner: Option<&str>) -> bool {
        manner.is_some_and(|manner| manner == self.manner)
    }

    /// Puts the seal on a worktree: from now on it can be taken.
    pub(super) fn put_on(&self, site: &Site) -> io::Result<()> {
        let text = serde_json::to_string(self).map_err(io::Error::other)?;
        let temp = site.admin.join("wharf.seal");
        drop(fs::remove_file(&temp));
        let mut file = File::options().write(true).create_new(true).open(&temp)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        atomic::rename(&temp, &ready_file(site))?;
        atomic::sync_folder(&site.common.join(READY))
    }

    /// Whether a worktree is still as it was: seen from a few small files, and up to a number of files from each of them.
    pub(super) fn holds(&self, site: &Site) -> bool {
        self.seems_to_hold(site) && files_are_still(site, FILES_MAX)
    }

    /// Whether it is, seen from a few small files alone.
    pub(super) fn seems_to_hold(&self, site: &Site) -> bool {
        let Ok(Some(admin)) = Glance::at(&site.admin) else {
            return false;
        };
        let is_at_rest = admin.unfinished.operation.is_none()
            && match &admin.head {
                Head::Detached(commit) => commit.as_str() == self.commit,
                Head::ElsewhereInGit => true,
                Head::Reference(_) | Head::Garbage | Head::Emptied => false,
            }
            && admin.lock.as_deref().is_some_and(is_reason)
            && ["index.lock", "HEAD.lock", FILLING, TAKING, CHANGED]
                .iter()
                .all(|it| !is_there(&site.admin.join(it)));
        is_at_rest && site.is_linked() && self.marks_hold(site)
    }

    /// Whether index, folder and own settings are those that it had in view.
    fn marks_hold(&self, site: &Site) -> bool {
        Marks::of(site).is_ok_and(|now| now == self.marks)
    }

    /// Whether beyond doubt no file that git knows was touched since, however many there are.
    pub(super) fn vouches_for_all(&self, site: &Site) -> bool {
        self.marks_hold(site) && self.vouches_for_files(site)
    }

    /// The same without a look at the folder itself, which a move changes.
    pub(super) fn vouches_for_files(&self, site: &Site) -> bool {
        let index = site.admin.join("index");
        fs::symlink_metadata(&index).is_ok_and(|about| file_marks(&about) == self.marks.index)
            && IndexFile::read(&index).is_some_and(|index| index.vouches_for_all(&site.folder))
    }
}

fn file_marks(about: &Metadata) -> [i64; 4] {
    [about.ino().cast_signed(), about.size().cast_signed(), about.mtime(), about.mtime_nsec()]
}

/// Whether every file is what the index had in view; with more files than so many nobody looks.
fn files_are_still(site: &Site, files_max: u32) -> bool {
    if files_of(&site.admin).is_ok_and(|count| count > files_max) {
        return true;
    }
    // An index that git alone understands is known by what it is from outside.
    let index = IndexFile::read(&site.admin.join("index"));
    index.is_none_or(|index| index.vouches_for_all(&site.folder))
}

/// The file whose rename claims a worktree that is ready.
pub(super) fn ready_file(site: &Site) -> PathBuf {
    site.common.join(READY).join(site.id.to_string())
}

/// Makes the folder for seals: from then on warm worktrees of the repository are wanted.
pub(in crate::worktree) fn want(common: &Path) -> Result<(), WorktreeError> {
    let folder = common.join(READY);
    if make_folder(&folder)? {
        let made = open_folder(&folder)?;
        atomic::give_to_owner_of(&made, common).map_err(io_error("give away", &folder))?;
    }
    remove_if_there(&folder.join(DRAINED))
}

/// Notes that none are wanted until the next create or fill. Who fills looks before each worktree.
pub(super) fn unwant(common: &Path) -> Result<(), WorktreeError> {
    let note = common.join(READY).join(DRAINED);
    drop(atomic::write_new(&note, b"", atomic::Durability::Crash).map_err(io_error("write", &note))?);
    Ok(())
}

/// Whether a pool was emptied and nobody has wanted any since.
pub(super) fn is_unwanted(common: &Path) -> bool {
    is_there(&common.join(READY).join(DRAINED))
}

/// Whether a repository ever had a pool.
pub(super) fn has_pool(common: &Path) -> bool {
    is_there(&common.join(READY))
}

/// Sets a worktree aside as changed; it stays as it is, and nobody takes it.
pub(super) fn set_changed(site: &Site) -> Result<(), WorktreeError> {
    let note = site.admin.join(CHANGED);
    drop(atomic::write_new(&note, b"", atomic::Durability::Crash).map_err(io_error("write", &note))?);
    for file in [ready_file(site), site.admin.join(FILLING), site.admin.join(TAKING)] {
        remove_if_there(&file)?;
    }
    tracing::warn!(folder = %site.folder.display(), "something changed in a warm worktree, so it is not used any more");
    Ok(())
}

/// Notes the commit that a worktree is moved to while it is taken, where that is another one than its seal has.
pub(super) fn note_target(site: &Site, commit: &CommitId) -> Result<(), WorktreeError> {
    let note = site.admin.join(TARGET);
    atomic::replace(&note, commit.as_str().as_bytes(), atomic::Durability::Crash)
        .map_err(io_error("write", &note))
}

/// Takes that note away again.
pub(super) fn forget_target(site: &Site) -> Result<(), WorktreeError> {
    remove_if_there(&site.admin.join(TARGET))
}

/// The commit in that note.
pub(super) fn target(site: &Site) -> Option<CommitId> {
    read_small(&site.admin.join(TARGET))?.parse().ok()
}

/// The ids of all seals of a repository, in their order.
pub(super) fn sealed(common: &Path) -> Vec<SessionId> {
    let names = names_in(&common.join(READY), READY_MAX).unwrap_or_default();
    names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect()
}

/// The note that lies there while a worktree is registered, and while it is removed: whoever finds it under the
/// repository lock removes what there is of it.
fn making_file(common: &Path, id: SessionId) -> PathBuf {
    common.join(READY).join(format!("{id}{MAKING}"))
}

/// Notes that a worktree of the pool begins or ends.
pub(super) fn note_making(site: &Site) -> Result<(), WorktreeError> {
    let note = making_file(&site.common, site.id);
    drop(atomic::write_new(&note, b"", atomic::Durability::Crash).map_err(io_error("write", &note))?);
    Ok(())
}

/// Takes that note away again.
pub(super) fn forget_making(site: &Site) -> Result<(), WorktreeError> {
    remove_if_there(&making_file(&site.common, site.id))
}

/// Whether there is such a note of a worktree.
pub(super) fn is_making(site: &Site) -> bool {
    is_there(&making_file(&site.common, site.id))
}

/// The ids of all such notes.
pub(super) fn all_making(common: &Path) -> Vec<SessionId> {
    let names = names_in(&common.join(READY), READY_MAX).unwrap_or_default();
    names.iter().filter_map(|name| name.to_str()?.strip_suffix(MAKING)?.parse().ok()).collect()
}

/// The note of a commit whose checkout git sees changes in as soon as it is made, and of the manner it was made in.
pub(super) fn unfit_file(common: &Path) -> PathBuf {
    common.join(READY).join("unfit")
}

/// Where the seal lies of a worktree whose administrative folder is gone.
pub(super) fn lost_file(common: &Path, id: SessionId) -> PathBuf {
    common.join(READY).join(format!("{id}.lost"))
}

/// Whether a folder without git's files was a warm worktree.
pub(in crate::worktree) fn is_lost(common: &Path, id: SessionId) -> bool {
    is_there(&lost_file(common, id))
        || is_there(&making_file(common, id))
        || is_there(&common.join(READY).join(id.to_string()))
}

/// Whether an id is that of a warm worktree that can be taken.
pub(in crate::worktree) fn is_ready(site: &Site) -> bool {
    is_there(&ready_file(site))
}

/// Whether a worktree is being taken from the pool, or was about to be.
pub(in crate::worktree) fn is_take(site: &Site) -> bool {
    is_ready(site) || is_there(&site.admin.join(TAKING))
}

/// Whether a worktree was one of the pool before it became a session's.
pub(in crate::worktree) fn was_taken(site: &Site) -> bool {
    is_there(&site.admin.join(TAKEN))
}

/// Clears the note of a take that made everything.
pub(in crate::worktree) fn end_taken(site: &Site) -> Result<(), WorktreeError> {
    remove_if_there(&site.admin.join(TAKING))
}
