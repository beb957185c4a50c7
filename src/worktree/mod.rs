//! Where the code of a session is checked out: git, asked and told.

use std::path::{Path, PathBuf};

use crate::{
    clock::Timestamp,
    session::{Base, BranchFate, BranchName, CommitId, RepositoryPath, SessionId, SessionName},
};

mod add;
mod admin;
mod branch;
mod bring_back;
mod brought;
mod changes;
mod command;
mod commons;
mod condition;
mod copy;
mod dead_locks;
mod delete;
mod discard;
mod distances;
mod durable;
mod error;
mod exclude;
mod files;
mod fill;
mod git_worktrees;
mod handle;
mod head_damage;
mod hide;
mod ignoring;
mod include;
mod inspect;
mod library;
mod listed;
mod lock;
mod look;
mod loss;
mod losses;
mod mend;
mod mounts;
mod near;
mod open;
mod orphan;
mod pool;
mod pristine;
mod purge;
mod rebranch;
mod ref_update;
mod refill;
mod refs;
mod register;
mod regular;
mod relocate;
mod remember;
mod restore_branch;
mod sample;
mod scan;
mod set_aside;
mod site;
mod snapshot;
mod start;
mod status;
mod submodules;
mod surroundings;
#[cfg(test)]
mod tests;
mod ties;
mod trash;
mod verify;
mod withdraw;
pub use self::{
    branch::Renaming,
    brought::{Brought, LeftOut},
    changes::Changes,
    condition::{Operation, Worktree, WorktreeLock, WorktreeState},
    error::WorktreeError,
    git_worktrees::{GitSettings, GitWorktrees},
    head_damage::HeadDamage,
    look::Seen,
    loss::{Loss, Sample},
    pool::{Condition, Drained, Filled, PoolSize, Slot, Stopped, WhileFilled},
};

/// The worktrees of a workspace and the repositories they belong to.
#[cfg_attr(test, mockall::automock)]
pub trait Worktrees: Send + Sync {
    /// The repositories of the workspace: its root if that is one, else those one or two folders below it.
    fn repositories(&self) -> Result<Vec<RepositoryPath>, WorktreeError>;

    /// The repository a folder in the workspace belongs to; a folder of a linked worktree gives its main repository.
    fn repository_at(&self, folder: &Path) -> Result<RepositoryPath, WorktreeError>;

    /// Decides which branch a create uses, where a new one begins, and which warm worktrees it could take: an add with
    /// the id of one takes it. Writes nothing.
    fn start(&self, repository: &RepositoryPath, wanted: &Wanted) -> Result<Outset, WorktreeError>;

    /// Makes the worktree (and the branch if it is new), locked with id and name, with the session's record in its
    /// administrative folder. What names it is durable when it returns; answers what the caller still has to make
    /// durable before the create is acknowledged. After an error nothing of it is left, unless the error says so.
    fn add(&self, addition: &Addition) -> Result<Vec<PathBuf>, WorktreeError>;

    /// Notes that warm worktrees of a repository are wanted.
    fn want_warm(&self, repository: &RepositoryPath) -> Result<(), WorktreeError>;

    /// Whether they are wanted, and there are fewer than so many that a create from HEAD could take.
    fn lacks_warm(&self, repository: &RepositoryPath, size: usize) -> bool;

    /// The warm worktrees of a repository, in whichever condition.
    fn pool(&self, repository: &RepositoryPath) -> Result<Vec<Slot>, WorktreeError>;

    /// Makes warm worktrees until there are so many, one process at a time and as far as the disk has room.
    fn fill(
        &self,
        repository: &RepositoryPath,
        size: &PoolSize,
        while_filled: WhileFilled,
    ) -> Result<Filled, WorktreeError>;

    /// Removes the warm worktrees of a repository, but not those in which something changed.
    fn drain(&self, repository: &RepositoryPath) -> Result<Drained, WorktreeError>;

    /// Ends an add whose process is gone: one that made everything stays as it is, durable, because it can hold work of
    /// a person; any other is taken back. Looks and acts under one lock.
    fn settle_add(&self, addition: &Addition) -> Result<AddEnd, WorktreeError>;

    /// Takes back an add, however far it got: folder, administrative folder, and the branch if it was made for it
    /// and still is at its base. Succeeds when there is nothing to take back, and leaves one that is complete and has
    /// something in it that is not of its base.
    fn withdraw(&self, addition: &Addition) -> Result<AddEnd, WorktreeError>;

    /// Whether the repository names ignored files that its worktrees need, in `.worktreeinclude`.
    fn has_needs(&self, repository: &RepositoryPath) -> bool;

    /// Copies those into a worktree, but for what is there. Can be called again.
    fn bring_needs(&self, of: &Checkout) -> Result<Brought, WorktreeError>;

    /// Everything that is a worktree under `.worktrees/<uuid>`, from all sources at once (RELIABILITY G5), of all
    /// repositories of the workspace and those in `known`. Writes nothing.
    fn scan(&self, known: &[RepositoryPath]) -> Result<Scan, WorktreeError>;

    /// Whether there is anything under `.worktrees`; says no when that cannot be seen.
    fn has_any(&self) -> bool;

    /// One worktree, as it is now. Reads a few small files, starts no process.
    fn inspect(&self, id: SessionId, repository: &RepositoryPath) -> Result<Worktree, WorktreeError>;

    /// The commit of a worktree, if it cannot be read, and the last one that can.
    fn head_damage(&self, of: &Checkout) -> Result<Option<HeadDamage>, WorktreeError>;

    /// Looks at these worktrees, several at once, in the same order: in which condition each is, what changed in it, and
    /// how far its branch is from its upstream, or else from its base.
    fn look(&self, of: &[Checkout]) -> Vec<Seen>;

    /// How a worktree without changes differs, byte for byte, from what git would check out; nothing when it does not.
    fn verify(&self, of: &Checkout) -> Result<Vec<String>, WorktreeError>;

    /// What a destroy of this worktree would lose, and what stands in its way.
    fn losses(&self, of: &Checkout, branch: BranchFate) -> Result<Vec<Loss>, WorktreeError>;

    /// Writes name and record into the administrative folder (lock reason and `session.json`). The caller holds
    /// the state lock, so that the last change wins.
    fn remember(&self, of: &Checkout, name: &SessionName, record: &str) -> Result<(), WorktreeError>;

    /// Commits the work to a hidden ref, moves folder and administrative folder into the trash, and deletes the
    /// branch if asked. `record` is kept with it. Can be called again after a crash half-way. Answers what became of
    /// the branch of the checkout: it stays when it moved on or got into use elsewhere meanwhile.
    fn discard(&self, of: &Checkout, branch: BranchFate, record: &str) -> Result<BranchFate, WorktreeError>;

    /// Whether a discard that did not end got as far as moving the folder.
    fn is_discarded(&self, id: SessionId) -> bool;

    /// What lies in the trash, newest first.
    fn trash(&self) -> Result<Vec<Trashed>, WorktreeError>;

    /// Takes back a discard that did not move the folder: the snapshot and what lies ready in the trash go.
    fn retract(&self, of: &Checkout) -> Result<(), WorktreeError>;

    /// Has a session in the trash come back on another branch, a new one at the commit of its own. Can be called again after
    /// a crash.
    fn rebranch(&self, wanted: &Rebranching) -> Result<(), WorktreeError>;

    /// Brings a session back out of the trash with work, index and branch. Can be called again after a crash.
    fn bring_back(&self, id: SessionId, repository: &RepositoryPath) -> Result<(), WorktreeError>;

    /// Takes one entry out of the trash for ever: from now on nobody can bring it back, and `clear_doomed` deletes it.
    fn doom(&self, trashed: &Trashed) -> Result<(), WorktreeError>;

    /// Deletes what was doomed, with its hidden ref and with what wharf kept of the session elsewhere (its conversations,
    /// logs and commands); crosses no mount. Can be called again after a crash; what cannot be deleted stops nothing else.
    fn clear_doomed(&self) -> Result<(), WorktreeError>;

    /// Whether something is doomed, or has been in the trash for so many days.
    fn is_trash_due(&self, now: Timestamp, days: u32) -> bool;

    /// Clears away what killed gits left in these repositories; waits for work there.
    fn tidy(&self, repositories: &[RepositoryPath]);

    /// Keeps the workspace's own files out of the `git status` of the repository that it lies in, if it lies in one.
    fn hide_own_files(&self) -> Result<(), WorktreeError>;

    /// Whether git tracks a file of a worktree, given by its path below it.
    fn is_tracked(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError>;

    /// Keeps a file that is not tracked out of `git status`, in all worktrees of the repository; says whether that took
    /// a line in `info/exclude` that was not there.
    fn hide(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError>;

    /// Takes that line out again.
    fn unhide(&self, of: &Checkout, file: &str) -> Result<(), WorktreeError>;

    /// The version of the git command; an error when it cannot be started or is too old.
    fn git_version(&self) -> Result<String, WorktreeError>;

    /// Decides how a branch gets another name. Writes nothing.
    fn weigh_rename(&self, of: &Checkout, to: &BranchName) -> Result<Renaming, WorktreeError>;

    /// Copies the branch of a worktree and puts the worktree on the copy. `settle_rename` ends it.
    fn rename_branch(&self, renaming: &Renaming) -> Result<(), WorktreeError>;

    /// Ends a renaming: the branch that HEAD is on stays, the other one goes. Says whether the new one stayed.
    fn settle_rename(&self, renaming: &Renaming) -> Result<bool, WorktreeError>;

    /// Whether a mend of an emptied worktree was begun and did not end.
    fn is_half_mended(&self, id: SessionId) -> bool;

    /// Puts a worktree in order without touching a file of it: re-registers one without administrative files,
    /// repairs pointers after a move, locks what is not locked, checks out again what is missing or was emptied
    /// (beside the damaged one). Says what it did; nothing when all was in order or it has an entry in the trash.
    fn mend(&self, of: &Checkout, name: &SessionName, record: &str) -> Result<Vec<Mended>, WorktreeError>;
}

/// A session's worktree, as its record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// Whose.
    pub id: SessionId,
    /// Of which repository.
    pub repository: RepositoryPath,
    /// On which branch.
    pub branch: BranchName,
    /// Where that branch began.
    pub base: Option<Base>,
}

/// What a create asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The branch.
    pub branch: BranchName,
    /// Whether the person named it; only then an existing branch is used.
    pub explicit: bool,
    /// The revision a new branch begins at; HEAD of the repository when not given.
    pub from: Option<String>,
}

/// How a create begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The branch, and where it begins or is.
    pub base: Base,
    /// Whether the branch has to be made.
    pub branch_is_new: bool,
}

/// How a create begins, and what is ready for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outset {
    /// The branch, and where it begins.
    pub start: Start,
    /// The warm worktrees it could take, the nearest first.
    pub warm: Vec<SessionId>,
}

/// A worktree to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Names the folder.
    pub id: SessionId,
    /// Goes into the lock reason.
    pub name: SessionName,
    /// Of which repository.
    pub repository: RepositoryPath,
    /// On which branch.
    pub branch: BranchName,
    /// Where it begins, and whether it has to be made.
    pub start: Start,
    /// The session's record, for the administrative folder.
    pub record: String,
    /// What has to be durable before git begins.
    pub durable_first: Vec<PathBuf>,
}

/// Which branch a destroyed session is to come back on.
#[derive(Clone, Debug)]
pub struct Rebranching {
    /// Whose.
    pub id: SessionId,
    /// Its repository.
    pub repository: RepositoryPath,
    /// The branch it was on.
    pub from: BranchName,
    /// The new one.
    pub to: BranchName,
    /// Its record with the new one.
    pub record: String,
}

/// How an add ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddEnd {
    /// Everything is there.
    Complete,
    /// Nothing is left of it.
    TakenBack,
}

/// All worktrees of a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Those that can be a session's.
    pub found: Vec<Found>,
    /// What lies under `.worktrees` (or is registered there) and is not ours to take; it is left alone.
    pub left_alone: Vec<LeftAlone>,
    /// Repositories that could not be asked, or only in part.
    pub unreadable: Vec<Unreadable>,
}

/// A worktree with everything that git remembers of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The worktree.
    pub worktree: Worktree,
    /// Its repository.
    pub repository: RepositoryPath,
    /// The name in the lock reason.
    pub name: Option<SessionName>,
    /// The session's record, as it was written.
    pub record: Option<String>,
    /// When it was made, as far as the files tell.
    pub created: Timestamp,
}

/// A repository that could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub repository: RepositoryPath,
    /// Why not.
    pub because: String,
}

/// Something that is not taken for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is left alone.
    pub because: String,
}

/// A destroyed session in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// Whose.
    pub id: SessionId,
    /// Its record at that time.
    pub record: String,
    /// Its repository.
    pub repository: RepositoryPath,
    /// When it was destroyed.
    pub destroyed: Timestamp,
}

/// What `mend` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// Locked it with our reason.
    Locked,
    /// Wrote the record into the administrative folder.
    Remembered,
    /// Repaired the pointers between folder and administrative folder.
    Repaired,
    /// Made administrative files for a folder that had none; its files were not touched.
    Adopted,
    /// Checked the branch out again where the folder was missing.
    CheckedOut,
    /// Set a damaged folder aside, here, and checked the branch out again.
    SetAside(PathBuf),
    /// Made the branch again, at this commit, because its ref was gone or damaged.
    BranchRestored(CommitId),
}
