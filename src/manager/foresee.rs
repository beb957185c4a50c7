//! What a rebuild from git would change, told before anything is written.

use std::collections::HashSet;

use super::{
    Adopted, Change, Discarded, ManagerError, Scope, SessionManager, journal::is_abandoned, restore::damage,
};
use crate::{
    session::{PendingAction, Session, SessionId, SessionName},
    store::{Origin, Quarantined},
};

/// What a rebuild would make of the table and the worktrees.
#[derive(Clone, Debug, Default)]
pub struct Foreseen {
    /// All sessions there would be.
    pub sessions: Vec<Session>,
    /// Where the table would come from, if not from a sound state file.
    pub damage: Option<Origin>,
    /// What was begun by processes that are gone, and what would become of it.
    pub begun: Vec<(SessionName, &'static str)>,
    /// Worktrees that would get their session back.
    pub adopted: Vec<Adopted>,
    /// What would be changed in sessions of the table.
    pub changes: Vec<Change>,
    /// Worktrees that would be put in order, and why.
    pub mend: Vec<(SessionName, &'static str)>,
    /// Entries that could not be taken.
    pub quarantined: Vec<Quarantined>,
    /// What would be taken out of the trash for good.
    pub expired: Vec<Discarded>,
}

impl SessionManager {
    /// What a rebuild from git would change. Writes nothing.
    pub fn weigh_recovery(&mut self) -> Result<Foreseen, ManagerError> {
        let reading = self.store.read()?;
        let scan = self.scan(&reading.sessions);
        let recorded: HashSet<SessionId> =
            scan.found.iter().filter(|it| it.record.is_some()).map(|it| it.worktree.id).collect();
        let (origin, quarantined) = (reading.origin.clone(), reading.quarantined.clone());
        let plan = self.judge(reading, scan);
        let damage = damage(&origin, &plan);
        let mut foreseen = Foreseen {
            damage,
            adopted: plan.adopted,
            changes: plan.changes,
            quarantined,
            ..Foreseen::default()
        };
        for session in plan.sessions {
            let name = session.name().clone();
            if session.pending().is_none() {
                foreseen.mend.extend(self.why_mend(&session, Scope::Now).map(|why| (name, why)));
                foreseen.sessions.push(session);
                continue;
            }
            let (fate, stays) = self.foresee(&session, recorded.contains(&session.id()));
            if is_abandoned(&session) {
                foreseen.begun.push((name, fate));
            }
            if stays || !is_abandoned(&session) {
                foreseen.sessions.push(session);
            }
        }
        foreseen.expired = self.discarded().unwrap_or_default();
        let is_there = |it: &Discarded| foreseen.sessions.iter().any(|session| session.id() == it.trashed.id);
        foreseen.expired.retain(|it| !is_there(it) && self.is_expired(it));
        Ok(foreseen)
    }

    /// What becomes of work that was begun and given up, and whether its session is there then.
    fn foresee(&self, session: &Session, has_record: bool) -> (&'static str, bool) {
        match session.pending().map(|pending| &pending.action) {
            Some(PendingAction::Creating { .. }) if has_record => ("its create would be finished", true),
            Some(PendingAction::Creating { .. }) => {
                ("its create would be undone, unless there is work in it", true)
            }
            Some(PendingAction::Destroying { .. }) => {
                if self.worktrees.is_discarded(session.id()) || self.is_gone(session) {
                    ("its destroy would be finished", false)
                } else {
                    ("its destroy would be taken back", true)
                }
            }
            Some(PendingAction::BringingBack) => ("its undo would be finished or given up", true),
            Some(PendingAction::Renaming { .. }) => ("its rename would be finished or taken back", true),
            None => ("nothing", true),
        }
    }
}
