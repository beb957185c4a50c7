//! A session ends: what it would lose is named, its work goes into the trash, its record goes.

use super::{
    ManagerError, SessionManager, at_work::AtWork, checkout, create::settled, exec::shell_error,
    journal::ensure_quiet,
};
use crate::{
    process::{self, Occupant},
    session::{BranchFate, PendingAction, Session, SessionId},
    shell::{Processes, ShellError, Unload},
    store,
    worktree::Loss,
};

/// Something between a session and its destruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Work or a state of git.
    Loss(Loss),
    /// Processes that live in the folder and are not the session's own.
    Occupied(Vec<Occupant>),
    /// Its program runs.
    Running {
        /// The pid of that.
        pid: u32,
    },
    /// A command runs in its context, or something that one left running.
    Executing,
}

/// What a person may agree to, each with a flag of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permit {
    /// `--modified`: tracked files with changes.
    Modified,
    /// `--untracked`: untracked files.
    Untracked,
    /// `--ignored`: ignored files.
    Ignored,
    /// `--unmerged`: commits that are nowhere else.
    Unmerged,
    /// `--in-progress`: a rebase, merge or the like.
    InProgress,
    /// `--occupied`: processes that live in the folder.
    Occupied,
    /// `--running`: the program that runs in it is ended.
    Running,
}

/// The permits that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits(Vec<Permit>);

/// What a destroy did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// The session as it was.
    pub session: Session,
    /// What went into the trash with it.
    pub obstacles: Vec<Obstacle>,
    /// What becomes of its branch; it is kept when somebody else uses it.
    pub branch: BranchFate,
}

impl Permit {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Modified,
        Self::Untracked,
        Self::Ignored,
        Self::Unmerged,
        Self::InProgress,
        Self::Occupied,
        Self::Running,
    ];

    /// The flag that gives it, without hyphens.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Modified => "modified",
            Self::Untracked => "untracked",
            Self::Ignored => "ignored",
            Self::Unmerged => "unmerged",
            Self::InProgress => "in-progress",
            Self::Occupied => "occupied",
            Self::Running => "running",
        }
    }
}

impl Permits {
    /// Everything that a flag can permit.
    pub fn all() -> Self {
        Self(Permit::ALL.to_vec())
    }

    /// What they do not permit of this.
    pub fn refuse(&self, obstacles: &[Obstacle]) -> Vec<Obstacle> {
        obstacles.iter().filter(|it| !self.allow(it)).cloned().collect()
    }

    fn allow(&self, obstacle: &Obstacle) -> bool {
        obstacle.permit().is_some_and(|permit| self.0.contains(&permit))
    }
}

impl FromIterator<Permit> for Permits {
    fn from_iter<T: IntoIterator<Item = Permit>>(permits: T) -> Self {
        Self(permits.into_iter().collect())
    }
}

impl Obstacle {
    /// The permit that lifts it; none for a mount and a foreign lock.
    pub fn permit(&self) -> Option<Permit> {
        match self {
            Self::Loss(Loss::Modified(_)) => Some(Permit::Modified),
            Self::Loss(Loss::Untracked(_)) => Some(Permit::Untracked),
            Self::Loss(Loss::Ignored(_)) => Some(Permit::Ignored),
            Self::Loss(Loss::Commits { .. } | Loss::Submodule { .. }) => Some(Permit::Unmerged),
            Self::Loss(Loss::InProgress(_)) => Some(Permit::InProgress),
            Self::Occupied(_) => Some(Permit::Occupied),
            Self::Running { .. } | Self::Executing => Some(Permit::Running),
            Self::Loss(Loss::Locked(_) | Loss::Mounted(_)) => None,
        }
    }

    /// Whether it is the session's own program or command.
    fn is_running(&self) -> bool {
        match self {
            Self::Running { .. } | Self::Executing => true,
            Self::Occupied(_) | Self::Loss(_) => false,
        }
    }

    /// Whether it is processes.
    pub fn is_occupant(&self) -> bool {
        match self {
            Self::Occupied(_) | Self::Running { .. } | Self::Executing => true,
            Self::Loss(_) => false,
        }
    }
}

impl SessionManager {
    /// What a destroy would run into, and what it would do. Changes nothing.
    pub fn weigh_destroy(&mut self, who: &str, branch: BranchFate) -> Result<Destroyed, ManagerError> {
        let session = self.session(who)?;
        ensure_quiet(&session)?;
        // What runs then would go on in a folder that is not there any more.
        self.ensure_not_set_up(&session)?;
        let mut losses = match self.worktrees.losses(&checkout(&session), branch) {
            Ok(losses) => losses,
            Err(err) => {
                // Who destroyed it or began to while we looked is what to say, not what git missed then.
                ensure_quiet(&self.session(who)?)?;
                return Err(err.into());
            }
        };
        self.spare_own_hooks(&session, &mut losses);
        let mut obstacles: Vec<Obstacle> = losses.into_iter().map(Obstacle::Loss).collect();
        let mut own = own_processes(&session);
        if let Some(process) = session.process().filter(|_| !own.is_empty()) {
            obstacles.push(Obstacle::Running { pid: process.pid });
        }
        let Processes { pids, is_busy } = self.shells.processes(session.id()).unwrap_or_default();
        if is_busy {
            obstacles.push(Obstacle::Executing);
        }
        own.extend(pids);
        let mut occupants = self.occupants(&session);
        occupants.retain(|occupant| !own.contains(&occupant.pid));
        if !occupants.is_empty() {
            obstacles.push(Obstacle::Occupied(occupants));
        }
        Ok(Destroyed { session, obstacles, branch })
    }

    /// What a destroy would run into, if all of it is permitted.
    pub(super) fn weigh_permitted(
        &mut self,
        who: &str,
        permits: &Permits,
        branch: BranchFate,
    ) -> Result<Destroyed, ManagerError> {
        let weighed = self.weigh_destroy(who, branch)?;
        let refused = permits.refuse(&weighed.obstacles);
        if refused.is_empty() {
            return Ok(weighed);
        }
        Err(ManagerError::UnsavedWork { name: weighed.session.name().clone(), obstacles: refused })
    }

    /// Ends a session's program, moves its work into the trash and takes its record out of the table. Refuses everything
    /// that nobody permitted; what is permitted still goes into the trash, from where `undo` brings it back.
    pub fn destroy(
        &mut self,
        who: &str,
        permits: &Permits,
        branch: BranchFate,
    ) -> Result<Destroyed, ManagerError> {
        self.settle_abandoned()?;
        let weighed = self.weigh_permitted(who, permits, branch);
        let mut weighed = weighed.map_err(|err| self.explained(err))?;
        let id = weighed.session.id();
        let _work = AtWork::with(id);
        let running: Vec<Obstacle> = weighed.obstacles.iter().filter(|it| it.is_running()).cloned().collect();
        if !running.is_empty() {
            self.end_own(&weighed.session, &running)?;
            // A program that ends may save what it had; that was not weighed yet.
            weighed = self.weigh_permitted(&id.to_string(), permits, branch)?;
            weighed.obstacles.extend(running);
        }
        let session = self.begin_destroy(who, id, branch)?;
        if let Err(err) = self.ensure_not_set_up(&session) {
            self.stay(&session);
            return Err(err);
        }
        self.end_context(&session, permits)?;
        let record = store::encode_record(&settled(&session), &self.workspace);
        let branch = match self.worktrees.discard(&checkout(&session), branch, &record) {
            Ok(branch) => branch,
            Err(err) => {
                self.stay(&session);
                return Err(err.into());
            }
        };
        self.forget(&session)?;
        tracing::info!(sessionId = %id, name = %session.name(), branch = %session.branch(), "session destroyed");
        self.leave_clearing();
        Ok(Destroyed { session: settled(&session), branch, ..weighed })
    }

    /// Ends what a person permitted to end.
    fn end_own(&mut self, session: &Session, running: &[Obstacle]) -> Result<(), ManagerError> {
        if running.contains(&Obstacle::Executing) {
            let unloaded = self.shells.unload(session.id(), Unload::Now);
            unloaded.map_err(|source| shell_error(session, source))?;
        }
        if running.iter().any(|it| matches!(it, Obstacle::Running { .. })) {
            self.end_program(session, self.default_stop())?;
        }
        Ok(())
    }

    /// Saves and ends the context of a session that is being destroyed: from now on no command begins in it. One that
    /// came at the last moment keeps the session, unless it is permitted to end it.
    fn end_context(&mut self, session: &Session, permits: &Permits) -> Result<(), ManagerError> {
        let how = if permits.allow(&Obstacle::Executing) { Unload::Now } else { Unload::WhenIdle };
        let Err(source) = self.shells.unload(session.id(), how) else {
            return Ok(());
        };
        self.stay(session);
        if matches!(source, ShellError::Busy) {
            let obstacles = vec![Obstacle::Executing];
            return Err(ManagerError::UnsavedWork { name: session.name().clone(), obstacles });
        }
        Err(shell_error(session, source))
    }

    /// Writes into the journal that a session is being destroyed, so that a crash half-way is finished.
    fn begin_destroy(
        &mut self,
        who: &str,
        id: SessionId,
        branch: BranchFate,
    ) -> Result<Session, ManagerError> {
        let pending = self.pending(PendingAction::Destroying { branch })?;
        let mut transaction = self.begin()?;
        // Somebody may have renamed it, or given its name to another one, since it was weighed.
        let found = transaction.registry.find(who)?;
        if found.id() != id {
            return Err(ManagerError::Vanished { id });
        }
        ensure_quiet(found)?;
        if let Some(process) = found.process().filter(|_| found.holder().is_some_and(process::is_alive)) {
            let obstacles = vec![Obstacle::Running { pid: process.pid }];
            return Err(ManagerError::UnsavedWork { name: found.name().clone(), obstacles });
        }
        let session = transaction.registry.update(id, |session| session.begin(pending)).cloned();
        transaction.commit()?;
        session.ok_or(ManagerError::Vanished { id })
    }

    /// After a failed discard: a session whose folder is still in place stays, the rest is for the next start.
    fn stay(&mut self, session: &Session) {
        if self.worktrees.is_discarded(session.id()) {
            return;
        }
        let retracted = self.worktrees.retract(&checkout(session)).map_err(ManagerError::from);
        if let Err(err) = retracted.and_then(|()| self.settle(session)) {
            tracing::warn!(sessionId = %session.id(), error = %err, "the next start takes back what the destroy began");
        }
    }

    fn occupants(&self, session: &Session) -> Vec<Occupant> {
        // A folder that is gone has nobody living in it.
        process::living_in(&self.workspace.worktree(session.id())).unwrap_or_default()
    }
}

/// The holder of a session and everything below it; nothing when no holder lives.
fn own_processes(session: &Session) -> Vec<u32> {
    let Some(holder) = session.holder().filter(|holder| process::is_alive(holder)) else {
        return Vec::new();
    };
    // Where the processes cannot be listed, those that live in the folder are in the way as if they were foreign.
    let below = process::descendants_in_session(holder.pid).unwrap_or_default();
    below.into_iter().map(|process| process.pid).chain([holder.pid]).collect()
}

/// What a person can do about these obstacles.
pub(super) fn hint(obstacles: &[Obstacle]) -> String {
    if obstacles.iter().any(|obstacle| obstacle.permit().is_none()) {
        return "unmount what is mounted and let the owner unlock (`git worktree unlock`); no flag goes over these".to_owned();
    }
    let flags: Vec<String> =
        obstacles.iter().filter_map(Obstacle::permit).map(|permit| format!("--{}", permit.flag())).collect();
    let first = if obstacles.iter().all(Obstacle::is_running) {
        "`wharf stop` it first"
    } else if obstacles.iter().all(Obstacle::is_occupant) {
        "leave the folder first (a shell in it counts)"
    } else {
        "save it first"
    };
    let flags = flags.join(" ");
    format!(
        "{first}, or destroy with {flags} (or --force for everything); `wharf undo` brings it back until the trash is emptied"
    )
}
