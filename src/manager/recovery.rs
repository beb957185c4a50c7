//! Which sessions there are, judged from the table and from what git shows. Pure: decides and changes nothing.

use std::collections::{HashMap, HashSet};

use crate::{
    clock::Timestamp,
    registry::{AdmitError, Claim, Registry},
    session::{
        BranchName, NAME_CHARS_MAX, RepositoryPath, Session, SessionId, SessionName, SessionParts,
        SessionStatus,
    },
    worktree::{Worktree, WorktreeState},
};

/// A worktree, with its session's record read.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) worktree: Worktree,
    pub(super) repository: RepositoryPath,
    pub(super) name: Option<SessionName>,
    pub(super) record: Option<Session>,
    /// Whether the process in that record is proven alive, with its holder.
    pub(super) is_running: bool,
    pub(super) created: Timestamp,
}

/// Everything a judgement needs.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The table, as it was read.
    pub(super) sessions: Vec<Session>,
    /// Whether the table may hold what is no longer true, or lack what is.
    pub(super) doubtful: bool,
    /// Whether the table is older than the records that git keeps.
    pub(super) stale: bool,
    /// The sessions of the newest valid backup, when the table was edited or damaged.
    pub(super) witness: Vec<Session>,
    /// What git shows.
    pub(super) found: Vec<Known>,
    /// What lies in the trash.
    pub(super) trashed: HashSet<SessionId>,
}

/// The table as it should be, and how it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The table.
    pub sessions: Vec<Session>,
    /// Sessions that were not in the table and are taken in.
    pub adopted: Vec<Adopted>,
    /// What is changed in sessions that were.
    pub changes: Vec<Change>,
}

/// A worktree that had no session in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its session now.
    pub id: SessionId,
    /// Its name.
    pub name: SessionName,
    /// Whether its record was found, so that nothing had to be guessed.
    pub from_record: bool,
}

/// What is changed in a session of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its worktree is on another branch by now.
    Branch {
        /// Which session.
        id: SessionId,
        /// The branch in the table.
        from: BranchName,
        /// The branch of the worktree.
        to: BranchName,
    },
    /// Its repository is in another place by now.
    Repository {
        /// Which session.
        id: SessionId,
        /// The place in the table.
        from: RepositoryPath,
        /// Where it was found.
        to: RepositoryPath,
    },
    /// Git and the backup agree with each other and not with the damaged table; theirs is taken.
    Corrected {
        /// Which session.
        id: SessionId,
    },
    /// The damaged table names a session that neither git nor a backup knows, in the place of one they do know.
    Dropped {
        /// Which session.
        id: SessionId,
    },
    /// It was destroyed after the backup was made.
    Destroyed {
        /// Which session.
        id: SessionId,
    },
}

/// Judges.
pub(super) fn reconcile(evidence: Evidence) -> Plan {
    let Evidence { sessions, doubtful, stale, witness, found, trashed } = evidence;
    let mut plan = Plan::default();
    let by_id: HashMap<SessionId, &Known> = found.iter().map(|known| (known.worktree.id, known)).collect();
    let mut kept = Vec::new();
    for session in sessions {
        let known = by_id.get(&session.id()).copied();
        let is_in_place = known.is_some_and(|known| known.worktree.state == WorktreeState::Present);
        if doubtful && !is_in_place && trashed.contains(&session.id()) {
            plan.changes.push(Change::Destroyed { id: session.id() });
            continue;
        }
        if !witness.is_empty() && is_impostor(&session, &witness, &by_id) {
            plan.changes.push(Change::Dropped { id: session.id() });
            continue;
        }
        let session = if stale { renewed(session, known) } else { session };
        kept.push((corrected(session, &witness, known, &mut plan.changes), known));
    }
    let (mut registry, _) = Registry::of(follow_all(kept, &mut plan.changes));
    let missing = witness.into_iter().filter(|session| !trashed.contains(&session.id()));
    for session in missing {
        if registry.session(session.id()).is_none() && !by_id.contains_key(&session.id()) {
            admit(&mut registry, session, true, &mut plan.adopted);
        }
    }
    for known in &found {
        let is_destroyed = trashed.contains(&known.worktree.id);
        if !is_destroyed && registry.session(known.worktree.id).is_none() && is_adoptable(known) {
            let (session, from_record) = adopted(known);
            admit(&mut registry, session, from_record, &mut plan.adopted);
        }
    }
    plan.sessions = registry.all();
    plan
}

/// Whether a session of a damaged table stands where git or the backup knows another one of that name.
fn is_impostor(session: &Session, witness: &[Session], by_id: &HashMap<SessionId, &Known>) -> bool {
    if by_id.contains_key(&session.id()) || witness.iter().any(|it| it.id() == session.id()) {
        return false;
    }
    witness.iter().any(|it| it.name() == session.name())
        || by_id.values().any(|it| it.record.as_ref().is_some_and(|it| it.name() == session.name()))
}

/// The session as git has it, where the table is a backup: a record is written after every change, a backup before the
/// next one.
fn renewed(session: Session, known: Option<&Known>) -> Session {
    let record = known.and_then(|known| known.record.as_ref());
    match record.filter(|record| record.id() == session.id()) {
        Some(record) => record.clone().at_work_as(&session),
        None => session,
    }
}

/// The session itself, unless git's record and the backup both say otherwise.
fn corrected(
    session: Session,
    witness: &[Session],
    known: Option<&Known>,
    changes: &mut Vec<Change>,
) -> Session {
    let identity = |it: &Session| (it.name().as_str().to_owned(), it.branch().clone(), it.created_at());
    let backup = witness.iter().find(|it| it.id() == session.id());
    let record = known.and_then(|known| known.record.as_ref());
    match (backup, record) {
        (Some(backup), Some(record))
            if identity(backup) == identity(record) && identity(&session) != identity(record) =>
        {
            changes.push(Change::Corrected { id: session.id() });
            record.clone()
        }
        _ => session,
    }
}

/// The session on the branch that its worktree is on, during a rebase, when detached or unreadable on its own; and of
/// the repository that has its worktree. Nothing when that is what it says already.
fn followed(session: &Session, known: Option<&Known>) -> Option<Session> {
    let known = known.filter(|_| session.pending().is_none())?;
    let Worktree { state, branch, head, operation, .. } = &known.worktree;
    let mut moved = session.clone();
    match state {
        WorktreeState::Present
        | WorktreeState::Unlinked
        | WorktreeState::Unregistered
        | WorktreeState::Emptied => moved.relocate(known.repository.clone()),
        WorktreeState::Missing | WorktreeState::Foreign | WorktreeState::Gone => (),
    }
    let settled = *state == WorktreeState::Present && operation.is_none();
    match branch.clone().filter(|branch| settled && branch != session.branch()) {
        Some(branch) if head.is_none() => moved.switch_to_unborn(branch),
        Some(branch) => moved.switch(branch),
        None => (),
    }
    (moved != *session).then_some(moved)
}

/// All sessions where their worktrees are by now. One that would take the branch of another stays as it is: no session
/// is ever pushed out of the table by what a person did in a second one.
fn follow_all(kept: Vec<(Session, Option<&Known>)>, changes: &mut Vec<Change>) -> Vec<Session> {
    let mut moved: Vec<Option<Session>> =
        kept.iter().map(|(session, known)| followed(session, *known)).collect();
    loop {
        let mut owners: HashMap<_, usize> = HashMap::new();
        for ((session, _), moved) in kept.iter().zip(&moved) {
            let session = moved.as_ref().unwrap_or(session);
            *owners.entry((session.repository(), session.branch())).or_default() += 1;
        }
        let is_crowded = |session: &Session| {
            !session.branch().is_detached() && owners[&(session.repository(), session.branch())] > 1
        };
        let Some(crowded) = moved.iter().position(|moved| moved.as_ref().is_some_and(is_crowded)) else {
            break;
        };
        tracing::warn!(sessionId = %kept[crowded].0.id(), "its worktree is on the branch of another session");
        moved[crowded] = None;
    }
    let follow = |((session, _), moved): ((Session, _), Option<Session>)| {
        let Some(moved) = moved else {
            return session;
        };
        let id = session.id();
        if moved.branch() != session.branch() {
            changes.push(Change::Branch { id, from: session.branch().clone(), to: moved.branch().clone() });
        }
        if moved.repository() != session.repository() {
            changes.push(Change::Repository {
                id,
                from: session.repository().clone(),
                to: moved.repository().clone(),
            });
        }
        moved
    };
    kept.into_iter().zip(moved).map(follow).collect()
}

fn is_adoptable(known: &Known) -> bool {
    match known.worktree.state {
        WorktreeState::Present
        | WorktreeState::Unregistered
        | WorktreeState::Unlinked
        | WorktreeState::Emptied
        | WorktreeState::Missing => true,
        WorktreeState::Foreign | WorktreeState::Gone => false,
    }
}

/// The session of a worktree: from its record, else from what git shows. The flag says which.
fn adopted(known: &Known) -> (Session, bool) {
    let record = known.record.as_ref().filter(|record| record.id() == known.worktree.id);
    if let Some(record) = record {
        let mut session = record.clone();
        if !known.is_running {
            session.rest();
        }
        session.settle();
        return (followed(&session, Some(known)).unwrap_or(session), true);
    }
    let id = known.worktree.id;
    let branch = known.worktree.branch.clone();
    let name = known
        .name
        .clone()
        .or_else(|| branch.as_ref().and_then(name_of_branch))
        .unwrap_or_else(|| recovered_name(id));
    // A folder without administrative files tells no branch; it gets one of its own, which `mend` makes.
    let detached = known.worktree.head.is_some();
    let branch =
        branch.unwrap_or_else(|| if detached { BranchName::detached() } else { recovered_branch(id) });
    let session = Session::from_parts(SessionParts {
        repository: known.repository.clone(),
        branch,
        status: SessionStatus::Idle,
        ..SessionParts::of(id, name, known.created)
    });
    (session, false)
}

/// Moves a session in, under another name if its own is taken. One whose branch has an owner stays out: git keeps it.
fn admit(registry: &mut Registry, mut session: Session, from_record: bool, adopted: &mut Vec<Adopted>) {
    let wanted = session.name().clone();
    let mut number = 1;
    loop {
        match registry.vacancy(&Claim::of(&session), usize::MAX) {
            Ok(vacancy) => {
                adopted.push(Adopted { id: session.id(), name: session.name().clone(), from_record });
                vacancy.fill(session);
                return;
            }
            Err(AdmitError::NameTaken(_)) => {
                number += 1;
                session.rename(numbered(&wanted, number));
            }
            Err(AdmitError::IssueTaken { .. }) => {
                let now = session.last_activity();
                session.bind(now, |binding| binding.issue = None);
            }
            Err(err @ (AdmitError::BranchTaken { .. } | AdmitError::MaxSessions { .. })) => {
                tracing::warn!(sessionId = %session.id(), error = %err, "a worktree was not taken in");
                return;
            }
        }
    }
}

fn numbered(name: &SessionName, number: u32) -> SessionName {
    let tail = format!("-{number}");
    let head: String = name.as_str().chars().take(NAME_CHARS_MAX - tail.len()).collect();
    format!("{}{tail}", head.trim_end_matches(['.', '_', '-']))
        .parse()
        .expect("a name with a number at its end is a name")
}

/// The part of a branch behind its first slash (`feature/x` → `x`), with what a name cannot hold replaced.
fn name_of_branch(branch: &BranchName) -> Option<SessionName> {
    let text = branch.as_str();
    let tail = text.strip_prefix("feature/").unwrap_or(text);
    let plain: String = tail
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .take(NAME_CHARS_MAX)
        .collect();
    plain.trim_matches(['.', '_', '-']).parse().ok()
}

fn recovered_name(id: SessionId) -> SessionName {
    format!("recovered-{}", id.short()).parse().expect("a word and hexadecimal digits are a name")
}

fn recovered_branch(id: SessionId) -> BranchName {
    format!("recovered/{}", id.short()).parse().expect("a word and hexadecimal digits are a branch name")
}
