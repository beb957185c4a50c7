//! What git's administrative folder of a worktree says, when any file in it may be damaged.

use std::{
    ffi::OsStr,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Operation, WorktreeError, WorktreeLock,
    files::{Content, Folder, POINTER_BYTES_MAX, Place, Pointer, same_place, settled},
    regular::open_regular,
};
use crate::{
    clock::Timestamp,
    session::{CommitId, SessionId, SessionName},
};

/// The session's record in the administrative folder.
pub(super) const RECORD_FILE: &str = "session.json";
/// The longest record that is read back, in bytes.
pub(super) const RECORD_BYTES_MAX: u64 = 4 << 20;
/// The longest list of refs that a rebase moves along, in bytes.
const UPDATE_REFS_BYTES_MAX: u64 = 1 << 20;

const HEADS: &str = "refs/heads/";

/// What wharf writes as the reason of its lock: `{"wharf":"1.0","id":"…","name":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LockReason {
    /// Whose worktree it is.
    pub(super) id: SessionId,
    /// The session's name; none when what is written there is no name.
    pub(super) name: Option<SessionName>,
}

#[derive(Deserialize, Serialize)]
struct LockText {
    wharf: String,
    id: String,
    #[serde(default)]
    name: String,
}

impl LockReason {
    /// The text git keeps in `locked`, one line of JSON.
    pub(super) fn encode(id: SessionId, name: &SessionName) -> String {
        let text = LockText { wharf: "1.0".to_owned(), id: id.to_string(), name: name.to_string() };
        serde_json::to_string(&text).expect("three texts can be written as JSON")
    }

    /// The reason, if wharf wrote it.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let text: LockText = serde_json::from_str(text.trim()).ok()?;
        Some(Self { id: text.id.parse().ok()?, name: text.name.parse().ok() })
    }
}

/// What a HEAD file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// It is not there, or holds no HEAD.
    Garbage,
    /// A power cut emptied it.
    Emptied,
    /// The full name of a ref.
    Reference(String),
    /// A commit.
    Detached(CommitId),
    /// The ref store is not made of files; git has to be asked.
    ElsewhereInGit,
}

impl Head {
    /// Reads HEAD in a git folder.
    pub(super) fn in_folder(folder: &Folder) -> Self {
        let content = folder.read("HEAD", POINTER_BYTES_MAX);
        if content == Content::Emptied {
            return Self::Emptied;
        }
        let Some(text) = content.text() else {
            return Self::Garbage;
        };
        match text.strip_prefix("ref:").map(str::trim) {
            Some("refs/heads/.invalid") => Self::ElsewhereInGit,
            Some(name) if name.starts_with("refs/") && !name.contains("..") => {
                Self::Reference(name.to_owned())
            }
            Some(_) => Self::Garbage,
            None => text.parse().map_or(Self::Garbage, Self::Detached),
        }
    }

    /// The full name of the branch it is on.
    pub(super) fn branch(&self) -> Option<&str> {
        match self {
            Self::Reference(name) if name.starts_with(HEADS) => Some(name),
            Self::Reference(_) | Self::Garbage | Self::Emptied | Self::Detached(_) | Self::ElsewhereInGit => {
                None
            }
        }
    }
}

/// What was begun in a git folder and has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfinished {
    /// What it is.
    pub(super) operation: Option<Operation>,
    /// The full name of the branch that will be on HEAD again when it ends.
    pub(super) returns_to: Option<String>,
    /// The full names of other branches it will move.
    pub(super) moves: Vec<String>,
}

impl Unfinished {
    /// Looks into the git folder of a worktree, main or linked.
    pub(super) fn in_folder(folder: &Folder) -> Self {
        let read = |name| folder.read(name, POINTER_BYTES_MAX);
        let branch_in = |name| {
            let text = read(name).text()?.to_owned();
            text.starts_with(HEADS).then_some(text)
        };
        let of = |operation, returns_to| Self { operation: Some(operation), returns_to, moves: Vec::new() };
        if folder.has("rebase-merge") {
            let moves = folder.read("rebase-merge/update-refs", UPDATE_REFS_BYTES_MAX);
            return Self {
                moves: moves.text().map(branches_in).unwrap_or_default(),
                ..of(Operation::Rebase, branch_in("rebase-merge/head-name"))
            };
        }
        if folder.has("rebase-apply") {
            return if folder.has("rebase-apply/applying") {
                of(Operation::ApplyMailbox, None)
            } else {
                of(Operation::Rebase, branch_in("rebase-apply/head-name"))
            };
        }
        if folder.has("BISECT_LOG") || folder.has("BISECT_START") {
            let start = read("BISECT_START");
            let branch = start.text().filter(|text| text.parse::<CommitId>().is_err());
            return of(Operation::Bisect, branch.map(|name| full_branch(name.trim())));
        }
        let sequenced = read("sequencer/todo").text().map(|text| text.starts_with("revert"));
        let operation = if folder.has("MERGE_HEAD") {
            Some(Operation::Merge)
        } else if folder.has("CHERRY_PICK_HEAD") || sequenced == Some(false) {
            Some(Operation::CherryPick)
        } else if folder.has("REVERT_HEAD") || sequenced == Some(true) {
            Some(Operation::Revert)
        } else {
            None
        };
        Self { operation, ..Self::default() }
    }
}

fn full_branch(name: &str) -> String {
    if name.starts_with(HEADS) { name.to_owned() } else { format!("{HEADS}{name}") }
}

fn branches_in(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(HEADS)).map(str::to_owned).collect()
}

/// One administrative folder, `<common>/worktrees/<name>`.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    /// Where it is.
    pub(super) folder: PathBuf,
    /// Where it says the worktree's `.git` file is.
    pub(super) gitdir: Pointer,
    /// Where it says the repository is.
    pub(super) commondir: Pointer,
    /// What the worktree is on.
    pub(super) head: Head,
    /// What was begun in the worktree.
    pub(super) unfinished: Unfinished,
    /// The reason of the lock; empty for a lock without one.
    pub(super) lock: Option<String>,
    index: IndexFile,
}

/// The part of an administrative folder that says what goes on in its worktree.
#[derive(Clone, Debug)]
pub(super) struct Glance {
    /// What the worktree is on.
    pub(super) head: Head,
    /// What was begun in it.
    pub(super) unfinished: Unfinished,
    /// The reason of the lock; empty for a lock without one.
    pub(super) lock: Option<String>,
}

impl Glance {
    /// Looks into an administrative folder; `None` as for the whole of it.
    pub(super) fn at(path: &Path) -> Result<Option<Self>, WorktreeError> {
        Ok(opened(path)?.map(|folder| Self::in_folder(&folder)))
    }

    fn in_folder(folder: &Folder) -> Self {
        Self {
            head: Head::in_folder(folder),
            unfinished: Unfinished::in_folder(folder),
            lock: lock_in(folder),
        }
    }
}

/// An administrative folder, open; `None` when there is none, or something else has its name or the name of the folder
/// around it.
fn opened(path: &Path) -> Result<Option<Folder>, WorktreeError> {
    let (Some(all), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    let Place::Folder(all) = Folder::open(all)? else {
        return Ok(None);
    };
    match all.child(name)? {
        Place::Folder(folder) => Ok(Some(folder)),
        Place::Missing | Place::Other => Ok(None),
    }
}

/// What an index looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IndexFile {
    /// It is not there.
    Missing,
    /// It begins as an index does.
    Sound,
    /// It begins otherwise: a power cut leaves it empty, or with NUL bytes.
    Damaged,
}

impl Admin {
    /// Reads an administrative folder; `None` when there is none, or something else has its name or the name of the
    /// folder around it.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, WorktreeError> {
        Ok(opened(path)?.map(|folder| Self::in_folder(&folder, || settled(path))))
    }

    /// The same of one in the folder of them all, which is open and reached without links.
    pub(super) fn read_in(all: &Folder, name: &OsStr) -> Result<Option<Self>, WorktreeError> {
        match all.child(name)? {
            Place::Folder(folder) => Ok(Some(Self::in_folder(&folder, || folder.path().to_owned()))),
            Place::Missing | Place::Other => Ok(None),
        }
    }

    /// What an open one says; a relative pointer in it begins where the folder really is.
    fn in_folder(folder: &Folder, really: impl Fn() -> PathBuf) -> Self {
        let Glance { head, unfinished, lock } = Glance::in_folder(folder);
        let pointer = |name| Pointer::read_from(folder.read(name, POINTER_BYTES_MAX), b"", &really);
        Self {
            gitdir: pointer("gitdir"),
            commondir: pointer("commondir"),
            head,
            unfinished,
            lock,
            index: index_in(folder.path()),
            folder: folder.path().to_owned(),
        }
    }

    /// The session's record.
    pub(super) fn record(&self) -> Option<String> {
        let folder = opened(&self.folder).ok()??;
        folder.read(RECORD_FILE, RECORD_BYTES_MAX).text().map(str::to_owned)
    }

    /// When it was made.
    pub(super) fn created(&self) -> Option<Timestamp> {
        let folder = opened(&self.folder).ok()??;
        folder.written("commondir").or_else(|| folder.written("."))
    }

    /// Its own name below `worktrees`.
    pub(super) fn name(&self) -> &OsStr {
        self.folder.file_name().unwrap_or_default()
    }

    /// Whether it says that the worktree is this folder.
    pub(super) fn names(&self, worktree: &Path) -> bool {
        let git_file = worktree.join(".git");
        self.gitdir.path().is_some_and(|path| same_place(path, &git_file))
    }

    /// The worktree's folder, as far as it says.
    pub(super) fn worktree(&self) -> Option<&Path> {
        self.gitdir.path()?.parent()
    }

    /// Whether a power cut emptied a file that git cannot do without.
    pub(super) fn is_emptied(&self) -> bool {
        self.gitdir == Pointer::Emptied
            || self.commondir == Pointer::Emptied
            || self.head == Head::Emptied
            || self.index == IndexFile::Damaged
    }

    /// Whether the index is gone; before the first commit there need not be one.
    pub(super) fn lacks_index(&self) -> bool {
        self.index == IndexFile::Missing
    }

    /// Whether git can use it: HEAD makes sense and the repository is this one.
    pub(super) fn is_usable_in(&self, common: &Path) -> bool {
        self.leads_to(common) && self.head != Head::Garbage
    }

    /// Whether it says that the repository is this one.
    pub(super) fn leads_to(&self, common: &Path) -> bool {
        self.commondir.path().is_some_and(|path| same_place(path, common))
    }

    /// The full name of the branch it is on, or comes back to.
    pub(super) fn branch(&self) -> Option<&str> {
        self.unfinished.returns_to.as_deref().or_else(|| self.head.branch())
    }

    /// What wharf wrote as the reason of the lock.
    pub(super) fn lock_reason(&self) -> Option<LockReason> {
        self.lock.as_deref().and_then(LockReason::decode)
    }

    /// Who locked it, seen from a session.
    pub(super) fn lock_of(&self, id: SessionId) -> WorktreeLock {
        match &self.lock {
            None => WorktreeLock::None,
            Some(_) if self.lock_reason().is_some_and(|reason| reason.id == id) => WorktreeLock::Ours,
            Some(reason) => WorktreeLock::Foreign(reason.clone()),
        }
    }
}

fn lock_in(folder: &Folder) -> Option<String> {
    match folder.read("locked", POINTER_BYTES_MAX) {
        Content::Missing => None,
        Content::Text(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Content::Emptied | Content::Folder | Content::Odd => Some(String::new()),
    }
}

fn index_in(admin: &Path) -> IndexFile {
    let mut index = match open_regular(&admin.join("index")) {
        Ok(Some(index)) => index,
        Ok(None) => return IndexFile::Missing,
        Err(_) => return IndexFile::Damaged,
    };
    let mut magic = [0; 4];
    match index.read_exact(&mut magic) {
        Ok(()) if magic == *b"DIRC" => IndexFile::Sound,
        Ok(()) | Err(_) => IndexFile::Damaged,
    }
}

/// Whether the index of an administrative folder begins as an index does.
pub(super) fn has_sound_index(admin: &Path) -> bool {
    index_in(admin) == IndexFile::Sound
}
