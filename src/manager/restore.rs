//! Everything comes back: at a start every session as idle, and at any time what git knows and the table does not.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    Adopted, Change, ManagerError, Plan, SessionManager, Transaction,
    create::settled,
    observe::{adopt, is_whole, observe},
    recovery::{Evidence, Known, reconcile},
    remember,
    settle::Settled,
    trash::Discarded,
};
use crate::{
    registry::Registry,
    session::{Pending, PendingAction, Session, SessionId, SessionName},
    store::{Note, Origin, Quarantined, Reading, decode_record, encode_record},
    workspace::Workspace,
    worktree::{Found, LeftAlone, Mended, Scan, WorktreeError, WorktreeState, Worktrees},
};

/// How often worktrees are looked at again because the table changed meanwhile.
const SCANS_MAX: u32 = 5;

/// How much is put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A start: besides, nothing runs any more, so every session without a proven process is idle.
    Start,
    /// Any other time: who is at work is left at work.
    Now,
    /// As `Now`, and worktrees whose folder was deleted are checked out again.
    Thorough,
}

/// What came back, and how.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// All sessions there are now.
    pub sessions: Vec<Session>,
    /// Where the table came from, if not from a sound state file.
    pub damage: Option<Origin>,
    /// What was begun and is done now.
    pub finished: Vec<Session>,
    /// What was begun and is as if it had never been.
    pub undone: Vec<Session>,
    /// Worktrees that got their session back.
    pub adopted: Vec<Adopted>,
    /// What was changed in sessions of the table.
    pub changes: Vec<Change>,
    /// What was put in order in worktrees.
    pub mended: Vec<(SessionName, Vec<Mended>)>,
    /// Worktrees that could not be put in order, and why.
    pub failed: Vec<(SessionName, String)>,
    /// Entries that could not be taken.
    pub quarantined: Vec<Quarantined>,
    /// What a person should know about the state file.
    pub notes: Vec<Note>,
    /// What lies under `.worktrees` and is no session.
    pub left_alone: Vec<LeftAlone>,
    /// Sessions whose setup did not get through.
    pub not_set_up: Vec<SessionName>,
    /// What was in the trash for too long.
    pub expired: Vec<Discarded>,
}

impl SessionManager {
    /// Brings every session back. Can be run at any time, and twice.
    pub fn restore(&mut self, scope: Scope) -> Result<Restored, ManagerError> {
        if let Err(err) = self.worktrees.hide_own_files() {
            tracing::warn!(error = %err, "git will show wharf's own files as untracked");
        }
        let (reading, scan) = self.read_and_scan()?;
        let left_alone = scan.left_alone.clone();
        let mut restored = Restored {
            quarantined: reading.quarantined.clone(),
            notes: reading.notes.clone(),
            left_alone,
            ..Restored::default()
        };
        let origin = reading.origin.clone();
        let plan = self.judge(reading, scan.clone());
        restored.damage = damage(&origin, &plan);
        let now = self.clock.now();
        let mut transaction = Transaction {
            store: &mut *self.store,
            registry: Registry::of(plan.sessions).0,
            last: &mut self.last,
        };
        adopt(&mut transaction.registry, &*self.terminals);
        observe(&mut transaction.registry, now);
        if scope == Scope::Start {
            transaction.rest_all();
        }
        transaction.commit()?;
        remember_all(&transaction, &*self.worktrees, &self.workspace, &scan);
        drop(transaction);
        restored.adopted = plan.adopted;
        restored.changes = plan.changes;
        tell_damage(&restored);

        for settled in self.settle_abandoned()? {
            match settled {
                Settled::Finished(session) => restored.finished.push(session),
                Settled::Undone(session) => restored.undone.push(session),
            }
        }
        restored.left_alone.retain(|left| std::fs::symlink_metadata(&left.path).is_ok());
        restored.sessions = self.registry()?.all();
        let unfinished = restored.sessions.iter().filter(|session| session.setup().is_some());
        restored.not_set_up = unfinished.map(|session| session.name().clone()).collect();
        (restored.mended, restored.failed) = self.mend_all(&restored.sessions, scope);
        for session in &restored.sessions {
            for agent in self.settings.agents.names() {
                self.put_back_transcripts(session, agent);
            }
        }
        restored.expired = self.doom_expired();
        self.leave_clearing();
        tracing::info!(
            count = restored.sessions.len(),
            finished = restored.finished.len(),
            undone = restored.undone.len(),
            adopted = restored.adopted.len(),
            quarantined = restored.quarantined.len(),
            "sessions restored"
        );
        Ok(restored)
    }

    /// Takes the lock with a scan that is as new as the table: what changed while git was asked is asked again.
    fn read_and_scan(&mut self) -> Result<(Reading, Scan), ManagerError> {
        let mut tries = 1;
        loop {
            let before = self.store.read()?;
            self.tidy(&before.sessions);
            let scan = self.scan(&before.sessions);
            let reading = self.store.begin()?;
            if reading.generation == before.generation || tries == SCANS_MAX {
                return Ok((reading, scan));
            }
            self.store.end();
            tries += 1;
        }
    }

    /// The table that a reading and git give together.
    pub(super) fn plan(&self, reading: Reading) -> Plan {
        let scan = self.scan(&reading.sessions);
        self.judge(reading, scan)
    }

    /// Writes the table that a damaged reading and git give together, and goes on under the same lock.
    pub(super) fn rebuild(&mut self, reading: Reading, scan: Scan) -> Result<Transaction<'_>, ManagerError> {
        let (origin, notes) = (reading.origin.clone(), reading.notes.clone());
        let plan = self.judge(reading, scan);
        let mut told = Restored { damage: damage(&origin, &plan), notes, ..Restored::default() };
        let mut transaction = Transaction {
            store: &mut *self.store,
            registry: Registry::of(plan.sessions).0,
            last: &mut self.last,
        };
        adopt(&mut transaction.registry, &*self.terminals);
        transaction.commit()?;
        told.adopted = plan.adopted;
        tell_damage(&told);
        Ok(transaction)
    }

    /// Clears away what killed gits left, in every repository that is known.
    fn tidy(&self, sessions: &[Session]) {
        let mut repositories: BTreeSet<_> =
            sessions.iter().map(|session| session.repository().clone()).collect();
        repositories.extend(self.worktrees.repositories().unwrap_or_default());
        let repositories: Vec<_> = repositories.into_iter().collect();
        self.worktrees.tidy(&repositories);
    }

    /// What git shows. When it cannot be asked, the table stands alone; that is told, and nothing is lost by it.
    pub(super) fn scan(&self, sessions: &[Session]) -> Scan {
        self.ask_git(sessions).unwrap_or_else(|err| {
            tracing::warn!(error = %err, "git's worktrees cannot be read");
            Scan::default()
        })
    }

    /// What git shows, or why it cannot be asked.
    pub(super) fn ask_git(&self, sessions: &[Session]) -> Result<Scan, WorktreeError> {
        let known: BTreeSet<_> = sessions.iter().map(|session| session.repository().clone()).collect();
        let known: Vec<_> = known.into_iter().collect();
        self.worktrees.scan(&known)
    }

    pub(super) fn judge(&self, reading: Reading, scan: Scan) -> Plan {
        let trash = self.worktrees.trash().unwrap_or_default();
        let destroyed: HashSet<_> = trash.into_iter().map(|trashed| trashed.id).collect();
        reconcile(Evidence {
            doubtful: self.is_damaged(&reading),
            stale: matches!(reading.origin, Origin::Backup { .. } | Origin::Lost { .. }),
            sessions: reading.sessions,
            witness: reading.witness,
            found: scan.found.into_iter().map(known).collect(),
            trashed: destroyed,
        })
    }

    /// Keeps the record with git as the table has it now; the one that a mend wrote may be older.
    pub(super) fn remember_now(&mut self, id: SessionId) {
        let (worktrees, workspace) = (Arc::clone(&self.worktrees), self.workspace.clone());
        match self.begin() {
            Ok(transaction) => {
                if let Some(session) = transaction.registry.session(id) {
                    remember(&*worktrees, &workspace, session);
                }
            }
            Err(err) => {
                tracing::warn!(sessionId = %id, error = %err, "the record with git may be an older one");
            }
        }
    }
}

impl Transaction<'_> {
    /// Every session is idle, but for those whose process is proven to be theirs still and has its holder.
    fn rest_all(&mut self) {
        for session in self.registry.all() {
            if !is_whole(&session) {
                self.registry.update(session.id(), Session::rest);
            }
        }
    }
}

/// Keeps copies of the records with git where they are not those of the table; the lock is held, so the last one wins.
fn remember_all(
    transaction: &Transaction<'_>,
    worktrees: &dyn Worktrees,
    workspace: &Workspace,
    scan: &Scan,
) {
    let kept: HashMap<_, _> = scan.found.iter().map(|found| (found.worktree.id, found)).collect();
    for session in transaction.registry.all() {
        // The record is what says that a create has come to its end.
        let is_made = |it: &Pending| !matches!(it.action, PendingAction::Creating { .. });
        if !session.pending().is_none_or(is_made) {
            continue;
        }
        let found = kept.get(&session.id()).filter(|found| found.worktree.state == WorktreeState::Present);
        let record = encode_record(&settled(&session), workspace);
        if found.is_some_and(|found| found.record.as_deref() != Some(record.as_str())) {
            remember(worktrees, workspace, &settled(&session));
        }
    }
}

fn known(found: Found) -> Known {
    let record = found.record.as_deref().and_then(|text| match decode_record(text) {
        Ok(session) => Some(session),
        Err(err) => {
            tracing::warn!(sessionId = %found.worktree.id, error = %err, "the record beside git's files cannot be read");
            None
        }
    });
    let is_running = record.as_ref().is_some_and(|record| record.holder().is_some() && is_whole(record));
    Known {
        worktree: found.worktree,
        repository: found.repository,
        name: found.name,
        record,
        is_running,
        created: found.created,
    }
}

/// Where a table came from, if that was no sound state file. None at all is damage when git knows of sessions.
pub(super) fn damage(origin: &Origin, plan: &Plan) -> Option<Origin> {
    match origin {
        Origin::Absent if plan.adopted.is_empty() => None,
        Origin::File | Origin::Unsigned => None,
        Origin::Absent | Origin::Suspect | Origin::Backup { .. } | Origin::Lost { .. } => {
            Some(origin.clone())
        }
    }
}

fn tell_damage(restored: &Restored) {
    let because = match &restored.damage {
        None | Some(Origin::File | Origin::Unsigned) => return,
        Some(Origin::Absent) => "it is missing",
        Some(Origin::Suspect) => "its checksum does not fit",
        Some(Origin::Backup { because, .. } | Origin::Lost { because }) => because,
    };
    tracing::warn!(because, adopted = restored.adopted.len(), "state file corrupt");
    for note in &restored.notes {
        if let Note::Kept { path } = note {
            tracing::warn!(path = %path.display(), "broken state file kept");
        }
    }
}
