//! What a session is: the values it consists of and the verbs that keep them true. No disk, no git.

mod agent;
mod branch;
mod id;
mod issue;
mod name;
mod program;
mod setup;
mod status;
mod value;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::{
    agent::{
        AGENT_NAME_CHARS_MAX, Agent, AgentName, AgentNameError, CONVERSATION_ID_CHARS_MAX, ConversationId,
        ConversationIdError, Program,
    },
    branch::{BRANCH_BYTES_MAX, BranchName, BranchNameError, COMPONENT_BYTES_MAX},
    id::{SessionId, SessionIdError},
    issue::{Binding, Editor, Issue, IssueRef, IssueRefError},
    name::{NAME_CHARS_MAX, SessionName, SessionNameError},
    program::{
        COMMAND_BYTES_MAX, COMMAND_WORDS_MAX, CONTEXT_VARIABLE, Cause, Command, CommandError, Ending,
        HOLDER_VARIABLE, How, SESSION_VARIABLE,
    },
    setup::{Setup, SetupError},
    status::{SessionStatus, SessionStatusError},
    value::{
        Base, CommitId, CommitIdError, LABEL_BYTES_MAX, Label, LabelError, ProcessId, RepositoryPath,
        RepositoryPathError,
    },
};
use crate::{clock::Timestamp, json::Members};

/// One unit of work: a branch, a worktree and what is known about them. A copy shares everything until one of both is
/// changed, because a whole table of them is copied for each change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session(Arc<SessionParts>);

/// The parts of a session, for whoever reads one from a record. What few sessions have lies elsewhere, and many begin at one
/// commit, so that a table of thousands stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionParts {
    /// Names it for ever.
    pub id: SessionId,
    /// The repository its branch belongs to.
    pub repository: RepositoryPath,
    /// When it was made.
    pub created_at: Timestamp,
    /// What people call it.
    pub name: SessionName,
    /// The branch its worktree is on.
    pub branch: BranchName,
    /// How it is doing.
    pub status: SessionStatus,
    /// When somebody last worked in it.
    pub last_activity: Timestamp,
    /// Where its branch began, if that is known.
    pub base: Option<Arc<Base>>,
    /// What its user says it is about to do.
    pub phase: Option<Label>,
    /// What its user keeps with it.
    pub metadata: Members,
    /// The command that was started in it last.
    pub command: Option<Command>,
    /// The agent that the command is, or was.
    pub agent: Option<Box<Agent>>,
    /// The process that runs in it.
    pub process: Option<Box<ProcessId>>,
    /// The process that holds the terminal of that one.
    pub holder: Option<Box<ProcessId>>,
    /// How its last process ended.
    pub ending: Option<Box<Ending>>,
    /// A pid somebody wrote without saying when it started; it is shown and never used.
    pub unproven_pid: Option<i64>,
    /// The issue and the editor it is bound to.
    pub binding: Option<Box<Binding>>,
    /// What is known of its setup, if that is not done.
    pub setup: Option<Setup>,
    /// What was begun with it and has not ended.
    pub pending: Option<Box<Pending>>,
    /// Fields that other tools wrote.
    pub unknown: Members,
}

/// The journal: what was begun, written before git acts and cleared after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What is being done.
    pub action: PendingAction,
    /// Who does it; when it is gone, the next start finishes or undoes the action.
    pub worker: ProcessId,
    /// Since when.
    pub since: Timestamp,
}

/// What can be half done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingAction {
    /// The worktree is being made.
    Creating {
        /// Whether the branch is made with it, at the session's base.
        branch_is_new: bool,
    },
    /// The work is being moved to the trash.
    Destroying {
        /// What becomes of the branch.
        branch: BranchFate,
    },
    /// The work is being brought back from the trash.
    BringingBack,
    /// It gets another name together with another branch; which of both it has says HEAD of its worktree.
    Renaming {
        /// The name it is to have.
        name: SessionName,
        /// The branch it is to be on.
        branch: BranchName,
        /// The commit of its branch when that began; none before the first one.
        at: Option<CommitId>,
    },
}

/// What a destroy does with the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchFate {
    /// The branch stays.
    Keep,
    /// The branch is deleted; the snapshot still holds its commits.
    Delete,
}

impl SessionParts {
    /// Those of a session on which nothing is known but this: it is in the only repository, on the branch that its
    /// name gives.
    pub fn of(id: SessionId, name: SessionName, created_at: Timestamp) -> Self {
        let branch = BranchName::for_session(&name);
        Self::on_branch(id, name, branch, created_at)
    }

    /// The same, on another branch.
    pub fn on_branch(id: SessionId, name: SessionName, branch: BranchName, created_at: Timestamp) -> Self {
        Self {
            id,
            repository: RepositoryPath::root(),
            created_at,
            branch,
            name,
            status: SessionStatus::Active,
            last_activity: created_at,
            base: None,
            phase: None,
            metadata: Members::new(),
            command: None,
            agent: None,
            process: None,
            holder: None,
            ending: None,
            unproven_pid: None,
            binding: None,
            setup: None,
            pending: None,
            unknown: Members::new(),
        }
    }
}

impl Session {
    /// Puts a session together from what a record holds.
    pub fn from_parts(parts: SessionParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether both are copies of each other that nobody has changed since; two that merely say the same are not.
    pub fn is_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Its parts, to be changed.
    fn parts_mut(&mut self) -> &mut SessionParts {
        Arc::make_mut(&mut self.0)
    }

    /// Names it for ever; also the name of its worktree folder.
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// The repository its branch belongs to.
    pub fn repository(&self) -> &RepositoryPath {
        &self.0.repository
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// What people call it.
    pub fn name(&self) -> &SessionName {
        &self.0.name
    }

    /// The branch its worktree is on.
    pub fn branch(&self) -> &BranchName {
        &self.0.branch
    }

    /// How it is doing.
    pub fn status(&self) -> SessionStatus {
        self.0.status
    }

    /// When somebody last worked in it.
    pub fn last_activity(&self) -> Timestamp {
        self.0.last_activity
    }

    /// Where its branch began.
    pub fn base(&self) -> Option<&Base> {
        self.0.base.as_deref()
    }

    /// What its user says it is about to do.
    pub fn phase(&self) -> Option<&Label> {
        self.0.phase.as_ref()
    }

    /// What its user keeps with it.
    pub fn metadata(&self) -> &Members {
        &self.0.metadata
    }

    /// The issue and the editor it is bound to.
    pub fn binding(&self) -> Option<&Binding> {
        self.0.binding.as_deref()
    }

    /// The issue it is bound to.
    pub fn issue(&self) -> Option<&Issue> {
        self.0.binding.as_ref().and_then(|binding| binding.issue.as_ref())
    }

    /// The editor it is bound to.
    pub fn editor(&self) -> Option<&Editor> {
        self.0.binding.as_ref().and_then(|binding| binding.editor.as_ref())
    }

    /// What was begun with it and has not ended.
    pub fn pending(&self) -> Option<&Pending> {
        self.0.pending.as_deref()
    }

    /// Fields that other tools wrote.
    pub fn unknown(&self) -> &Members {
        &self.0.unknown
    }

    /// Notes that somebody works in it.
    pub fn touch(&mut self, now: Timestamp) {
        let parts = self.parts_mut();
        parts.last_activity = parts.last_activity.max(now);
    }

    /// Says how it is doing.
    pub fn set_status(&mut self, status: SessionStatus, now: Timestamp) {
        self.parts_mut().status = status;
        self.touch(now);
    }

    /// Says what it is about to do, or nothing.
    pub fn set_phase(&mut self, phase: Option<Label>, now: Timestamp) {
        self.parts_mut().phase = phase;
        self.touch(now);
    }

    /// What its user keeps with it, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Members {
        &mut self.parts_mut().metadata
    }

    /// Takes another name; id and folder stay.
    pub fn rename(&mut self, name: SessionName) {
        self.parts_mut().name = name;
    }

    /// Follows its worktree to another branch.
    pub fn switch(&mut self, branch: BranchName) {
        self.parts_mut().branch = branch;
    }

    /// Follows its worktree to a branch that has no commit yet, so that it begins nowhere.
    pub fn switch_to_unborn(&mut self, branch: BranchName) {
        let parts = self.parts_mut();
        parts.branch = branch;
        parts.base = None;
    }

    /// Follows its repository to another place.
    pub fn relocate(&mut self, repository: RepositoryPath) {
        self.parts_mut().repository = repository;
    }

    /// Changes what it is bound to; a binding without issue and editor is none.
    pub fn bind(&mut self, now: Timestamp, change: impl FnOnce(&mut Binding)) {
        let parts = self.parts_mut();
        let mut binding = parts.binding.take().unwrap_or_else(|| Box::new(Binding::begin(now)));
        change(&mut binding);
        binding.last_updated = now;
        parts.binding = (!binding.is_empty()).then_some(binding);
    }

    /// What is known of its setup, if that is not done.
    pub fn setup(&self) -> Option<Setup> {
        self.0.setup
    }

    /// Notes that it needs a setup; until that is done it says so.
    pub fn await_setup(&mut self) {
        self.parts_mut().setup = Some(Setup::Unfinished);
    }

    /// Notes that a command of its setup failed.
    pub fn fail_setup(&mut self) {
        self.parts_mut().setup = Some(Setup::Failed);
    }

    /// Notes that it has all it needs.
    pub fn end_setup(&mut self) {
        self.parts_mut().setup = None;
    }

    /// Writes into the journal that something was begun.
    pub fn begin(&mut self, pending: Pending) {
        self.parts_mut().pending = Some(Box::new(pending));
    }

    /// Clears the journal.
    pub fn settle(&mut self) {
        self.parts_mut().pending = None;
    }
}
