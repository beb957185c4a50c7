//! A session begins: place, branch, worktree, record; undone in reverse when one of them fails.

use std::{path::PathBuf, sync::Arc};

use super::{ManagerError, SessionManager, annotate::ensure_metadata_fits, at_work::AtWork};
use crate::{
    clock::Timestamp,
    json::Members,
    registry::{AdmitError, Claim, Registry},
    session::{
        BranchName, Issue, Label, PendingAction, RepositoryPath, Session, SessionId, SessionName,
        SessionParts,
    },
    store::{self, StoreError},
    worktree::{AddEnd, Addition, Outset, Start, Wanted, WorktreeError},
};

/// What to create.
#[derive(Clone, Debug, Default)]
pub struct CreateSession {
    /// Its name; `feature-YYYY-MM-DD-NNN` if none is given.
    pub name: Option<SessionName>,
    /// Its branch; `feature/<name>`, made anew, if none is given.
    pub branch: Option<BranchName>,
    /// The revision a new branch begins at; HEAD of the repository if none is given.
    pub from: Option<String>,
    /// The repository, if the workspace has several.
    pub repository: Option<RepositoryPath>,
    /// The folder in the workspace in which somebody stands who names none of several.
    pub standing: Option<PathBuf>,
    /// The issue it is bound to.
    pub issue: Option<Issue>,
    /// What it is about to do.
    pub phase: Option<Label>,
    /// What is kept with it.
    pub metadata: Members,
    /// Whether it goes without what `set_up` would bring.
    pub skip_setup: bool,
}

/// A create that knows where it begins.
struct Plan {
    name: SessionName,
    branch: BranchName,
    repository: RepositoryPath,
    start: Start,
    warm: Vec<SessionId>,
}

impl SessionManager {
    /// Creates a session: reserves its place, makes branch and worktree, and acknowledges it.
    pub fn create(&mut self, request: &CreateSession) -> Result<Session, ManagerError> {
        let created = self.try_create(request);
        if let Err(err) = &created {
            let name = request.name.as_ref().map(SessionName::as_str).unwrap_or_default();
            tracing::error!(error = %err, name, code = err.code().word(), "session creation failed");
        }
        created
    }

    /// Whoever gave no name gets the next one where somebody else was faster; that cannot happen more often than there may
    /// be sessions.
    fn try_create(&mut self, request: &CreateSession) -> Result<Session, ManagerError> {
        ensure_metadata_fits(&request.metadata)?;
        for _ in 0..self.settings.sessions_max.get() {
            match self.create_planned(request) {
                Err(err) if lost_its_name(request, &err) => {
                    tracing::debug!(error = %err, "somebody else was faster with an automatic name");
                }
                outcome => return outcome,
            }
        }
        self.create_planned(request)
    }

    fn create_planned(&mut self, request: &CreateSession) -> Result<Session, ManagerError> {
        let mut registry = self.settled_registry()?;
        let plan = self.plan_create(request, &mut registry)?;
        self.last = registry;
        match self.make(request, &plan, &plan.warm) {
            // A worktree that was ready a moment ago is not any more, or cannot be taken in a way that git knows to avoid.
            Err(ManagerError::Worktree(
                err @ (WorktreeError::Unusable { .. }
                | WorktreeError::UnsafePath { .. }
                | WorktreeError::Git { .. }
                | WorktreeError::Io { .. }),
            )) if !plan.warm.is_empty() => {
                tracing::info!(error = %err, "the session gets a worktree of its own instead of a warm one");
                self.make(request, &plan, &[])
            }
            outcome => outcome,
        }
    }

    /// Reserves a place and makes the worktree, or takes one of those that are ready.
    fn make(
        &mut self,
        request: &CreateSession,
        plan: &Plan,
        warm: &[SessionId],
    ) -> Result<Session, ManagerError> {
        let (session, place, work) = self.reserve(request, plan, warm)?;
        let record = store::encode_record(&settled(&session), &self.workspace);
        let addition = addition(plan, &session, record, place);
        let made = match self.worktrees.add(&addition) {
            Ok(made) => made,
            Err(err) => {
                if matches!(err, WorktreeError::Kept { .. }) {
                    self.finish_kept(work);
                } else if !matches!(err, WorktreeError::LeftBehind { .. }) {
                    self.release(&session);
                }
                return Err(err.into());
            }
        };
        let session = match self.settle_after(&session, &made) {
            Ok(session) => session,
            Err(err) => {
                // An acknowledgement may be on the disk, so the next start decides by what it finds; and who took the
                // work over ends it.
                if !is_left_to_others(&err) {
                    self.take_back(&addition, &session);
                }
                return Err(err);
            }
        };
        let path = self.workspace.worktree(session.id());
        tracing::info!(
            sessionId = %session.id(), name = %session.name(), branch = %session.branch(),
            worktreePath = %path.display(), "session created"
        );
        self.refill(session.repository());
        Ok(session)
    }

    /// Decides name, branch and beginning, while nothing is locked and nothing written.
    fn plan_create(
        &mut self,
        request: &CreateSession,
        registry: &mut Registry,
    ) -> Result<Plan, ManagerError> {
        let repository = match &request.repository {
            Some(repository) => repository.clone(),
            None => self.one_repository(request.standing.as_deref())?,
        };
        let date = self.clock.now().date();
        let is_automatic = request.name.is_none() && request.branch.is_none();
        let mut number = 0;
        loop {
            let name = match &request.name {
                Some(name) => name.clone(),
                None => automatic_name(registry, &date, &mut number),
            };
            let branch = request.branch.clone().unwrap_or_else(|| BranchName::for_session(&name));
            let issue = request.issue.as_ref().map(|issue| &issue.reference);
            let claim = Claim { name: &name, repository: &repository, branch: &branch, issue };
            match registry.vacancy(&claim, self.settings.sessions_max.get()) {
                Ok(vacancy) => drop(vacancy),
                Err(AdmitError::BranchTaken { .. }) if is_automatic => continue,
                Err(err) => return Err(err.into()),
            }
            let wanted = Wanted {
                branch: branch.clone(),
                explicit: request.branch.is_some(),
                from: request.from.clone(),
            };
            match self.worktrees.start(&repository, &wanted) {
                Ok(Outset { start, warm }) => {
                    return Ok(Plan { name, branch, repository, start, warm });
                }
                Err(err) if !is_automatic || !is_next_free(&err) => return Err(self.explain(err, &name)),
                Err(err) => tracing::debug!(error = %err, "an automatic name moves on to the next number"),
            }
        }
    }

    /// Who made the branch in the meantime may have taken the name with it; then that is what to say.
    fn explain(&mut self, err: WorktreeError, name: &SessionName) -> ManagerError {
        if is_taken(&err) && self.registry().is_ok_and(|registry| registry.named(name).is_some()) {
            return AdmitError::NameTaken(name.clone()).into();
        }
        err.into()
    }

    /// Writes the session into the table as being made, so that the limit holds while git works. Everybody sees that from
    /// now on; a power cut can take it back until what this answers is made durable.
    fn reserve(
        &mut self,
        request: &CreateSession,
        plan: &Plan,
        warm: &[SessionId],
    ) -> Result<(Session, Vec<PathBuf>, AtWork), ManagerError> {
        let pending = self.pending(PendingAction::Creating { branch_is_new: plan.start.branch_is_new })?;
        let limit = self.settings.sessions_max.get();
        let now = self.clock.now();
        let is_needy = !request.skip_setup && self.needs_setup(&plan.repository);
        let mut transaction = self.begin()?;
        // Who reserved a warm worktree before us has it.
        let free = warm.iter().find(|id| transaction.registry.session(**id).is_none());
        let id = free.copied().unwrap_or_else(SessionId::random);
        let work = AtWork::with(id);
        let mut session = new_session(request, plan, id, now);
        if is_needy {
            session.await_setup();
        }
        session.begin(pending);
        transaction.registry.vacancy(&Claim::of(&session), limit)?.fill(session.clone());
        let place = transaction.place()?;
        Ok((session, place, work))
    }

    /// Makes a session of what a create made that failed all the same, as for one that was killed there.
    fn finish_kept(&mut self, work: AtWork) {
        drop(work);
        if let Err(err) = self.settle_abandoned() {
            tracing::warn!(error = %err, "what a failed create made becomes a session with the next start");
        }
    }

    /// Takes a session that never came to be out of the table.
    pub(super) fn release(&mut self, session: &Session) {
        if let Err(err) = self.forget(session) {
            let id = session.id();
            tracing::warn!(sessionId = %id, error = %err, "the place of a failed create stays taken until the next start");
        }
    }

    fn take_back(&mut self, addition: &Addition, session: &Session) {
        let id = addition.id;
        match self.worktrees.withdraw(addition) {
            Ok(AddEnd::TakenBack) => self.release(session),
            Ok(AddEnd::Complete) => {
                tracing::warn!(sessionId = %id, "somebody works in what a failed create made, so it becomes a session");
            }
            Err(err) => {
                tracing::warn!(sessionId = %id, error = %err, "a half-made worktree stays until the next start");
            }
        }
    }
}

/// Whether an acknowledgement may be on the disk all the same, or somebody else has the work by now.
fn is_left_to_others(err: &ManagerError) -> bool {
    matches!(err, ManagerError::Store(StoreError::CommitUncertain { .. }) | ManagerError::Busy { .. })
}

fn is_taken(err: &WorktreeError) -> bool {
    matches!(err, WorktreeError::BranchExists { .. } | WorktreeError::BranchInUse { .. })
}

/// Whether a create for which nobody chose a name lost the one that was chosen for it.
fn lost_its_name(request: &CreateSession, err: &ManagerError) -> bool {
    let is_name = matches!(err, ManagerError::Admit(AdmitError::NameTaken(_)));
    let is_branch = matches!(err, ManagerError::Admit(AdmitError::BranchTaken { .. }))
        || matches!(err, ManagerError::Worktree(err) if is_taken(err));
    request.name.is_none() && (is_name || (request.branch.is_none() && is_branch))
}

/// Whether the branch of the next automatic name can be free where this one is not.
fn is_next_free(err: &WorktreeError) -> bool {
    let is_below =
        matches!(err, WorktreeError::BranchInTheWay { wanted, other } if other.len() > wanted.as_str().len());
    is_below || is_taken(err)
}

/// The lowest free number of the day above the one that was tried last.
fn automatic_name(registry: &Registry, date: &str, number: &mut u32) -> SessionName {
    loop {
        *number += 1;
        let name: SessionName =
            format!("feature-{date}-{number:03}").parse().expect("a date and a number are a session name");
        if registry.named(&name).is_none() {
            return name;
        }
    }
}

fn new_session(request: &CreateSession, plan: &Plan, id: SessionId, now: Timestamp) -> Session {
    let mut session = Session::from_parts(SessionParts {
        repository: plan.repository.clone(),
        branch: plan.branch.clone(),
        base: Some(Arc::new(plan.start.base.clone())),
        phase: request.phase.clone(),
        metadata: request.metadata.clone(),
        ..SessionParts::of(id, plan.name.clone(), now)
    });
    if let Some(issue) = &request.issue {
        session.bind(now, |binding| binding.issue = Some(issue.clone()));
    }
    session
}

/// The session as it will be once it is made.
pub(super) fn settled(session: &Session) -> Session {
    let mut session = session.clone();
    session.settle();
    session
}

fn addition(plan: &Plan, session: &Session, record: String, durable_first: Vec<PathBuf>) -> Addition {
    Addition {
        id: session.id(),
        name: session.name().clone(),
        repository: plan.repository.clone(),
        branch: plan.branch.clone(),
        start: plan.start.clone(),
        record,
        durable_first,
    }
}
