use std::collections::HashSet;

use super::*;
use crate::{
    manager::{
        Change,
        recovery::{Evidence, Known, reconcile},
    },
    session::{Cause, Command, Issue, Pending, PendingAction, ProcessId},
    worktree::{Operation, Worktree, WorktreeLock, WorktreeState},
};

/// The worktree of a session as git shows it, with its record.
fn known(session: &Session) -> Known {
    Known {
        worktree: Worktree {
            id: session.id(),
            path: "/w".into(),
            state: WorktreeState::Present,
            branch: Some(session.branch().clone()),
            head: Some("b".repeat(40).parse().unwrap()),
            lock: WorktreeLock::Ours,
            operation: None,
            carried: Vec::new(),
        },
        repository: session.repository().clone(),
        name: Some(session.name().clone()),
        record: Some(session.clone()),
        is_running: false,
        created: at(3),
    }
}

fn evidence(sessions: &[&Session], found: Vec<Known>) -> Evidence {
    Evidence {
        sessions: sessions.iter().map(|it| (*it).clone()).collect(),
        doubtful: false,
        stale: false,
        witness: Vec::new(),
        found,
        trashed: HashSet::new(),
    }
}

fn names(sessions: &[Session]) -> Vec<&str> {
    sessions.iter().map(|it| it.name().as_str()).collect()
}

#[test]
fn a_table_that_agrees_with_git_stays_as_it_is() {
    let (one, two) = (session(1, "one"), session(2, "two"));
    let plan = reconcile(evidence(&[&one, &two], vec![known(&one), known(&two)]));
    assert_eq!(plan.sessions, [one, two]);
    assert_eq!((plan.adopted.len(), plan.changes.len()), (0, 0));
}

#[test]
fn a_session_whose_worktree_is_gone_stays() {
    let one = session(1, "one");
    assert_eq!(reconcile(evidence(&[&one], Vec::new())).sessions, [one]);
}

#[test]
fn a_worktree_with_a_record_gets_its_session_back_at_rest() {
    let mut one = session(1, "one");
    let worker = ProcessId { pid: 7, started: 1, boot: "b".to_owned() };
    one.begin(Pending { action: PendingAction::BringingBack, worker, since: at(0) });
    let plan = reconcile(evidence(&[], vec![known(&one)]));
    let back = &plan.sessions[0];
    assert_eq!((back.id(), back.created_at(), back.base()), (one.id(), one.created_at(), one.base()));
    assert_eq!((back.status(), back.pending()), (SessionStatus::Idle, None));
    assert!(plan.adopted[0].from_record);
}

#[test]
fn a_session_that_comes_back_keeps_its_command_and_rests_unless_it_is_proven_to_run() {
    let mut one = session(1, "one");
    let process = |pid| ProcessId { pid, started: 1, boot: "b".to_owned() };
    let command = Command::of(vec!["make".to_owned()]).unwrap();
    one.run(command.clone(), process(7), process(8), at(1));
    let back = |is_running| {
        let known = Known { is_running, ..known(&one) };
        reconcile(evidence(&[], vec![known])).sessions.remove(0)
    };
    assert_eq!(back(true), one);
    let rested = back(false);
    assert_eq!((rested.status(), rested.process()), (SessionStatus::Idle, None));
    assert_eq!(rested.command(), Some(&command));
    assert_eq!(rested.ending().map(|it| &it.cause), Some(&Cause::Restart));
}

#[test]
fn a_worktree_without_a_record_is_named_by_its_lock_then_its_branch_then_its_id() {
    let one = session(1, "one");
    let bare = |name: Option<&str>, branch: Option<&str>| {
        let mut known = known(&one);
        known.record = None;
        known.name = name.map(|it| it.parse().unwrap());
        known.worktree.branch = branch.map(|it| it.parse().unwrap());
        let plan = reconcile(evidence(&[], vec![known]));
        assert!(!plan.adopted[0].from_record);
        let session = &plan.sessions[0];
        (session.name().to_string(), session.branch().to_string(), session.created_at())
    };
    assert_eq!(bare(Some("lock"), Some("feature/x")), ("lock".into(), "feature/x".into(), at(3)));
    assert_eq!(bare(None, Some("feature/a_b")), ("a_b".into(), "feature/a_b".into(), at(3)));
    assert_eq!(bare(None, Some("user/ümläut")), ("user--ml-ut".into(), "user/ümläut".into(), at(3)));
    assert_eq!(bare(None, Some("feature/con")), ("recovered-00000000".into(), "feature/con".into(), at(3)));
    assert_eq!(bare(None, None), ("recovered-00000000".into(), "HEAD".into(), at(3)));
}

#[test]
fn a_folder_that_tells_no_branch_gets_one_of_its_own() {
    let mut lost = known(&session(1, "one"));
    lost.record = None;
    lost.name = None;
    lost.worktree =
        Worktree { state: WorktreeState::Unregistered, branch: None, head: None, ..lost.worktree };
    let plan = reconcile(evidence(&[], vec![lost]));
    assert_eq!(plan.sessions[0].branch().as_str(), "recovered/00000000");
}

#[test]
fn what_is_foreign_or_gone_is_not_adopted() {
    for state in [WorktreeState::Foreign, WorktreeState::Gone] {
        let mut other = known(&session(1, "one"));
        other.worktree.state = state;
        assert_eq!(reconcile(evidence(&[], vec![other])).sessions, []);
    }
}

#[test]
fn an_adopted_name_that_is_taken_gets_a_number() {
    let one = session(1, "same");
    let mut two = session(2, "same");
    two.switch("other".parse().unwrap());
    let mut three = session(3, &"n".repeat(64));
    three.rename("same".parse().unwrap());
    three.switch("third".parse().unwrap());
    let plan = reconcile(evidence(&[&one], vec![known(&one), known(&two), known(&three)]));
    assert_eq!(names(&plan.sessions), ["same", "same-2", "same-3"]);
}

#[test]
fn an_adopted_session_leaves_a_taken_issue_to_its_owner() {
    let bound = |number, name: &str| {
        let mut session = session(number, name);
        let reference = "a/b#1".parse().unwrap();
        session.bind(at(0), |it| {
            it.issue = Some(Issue { reference, label: None, intervention: false });
        });
        session
    };
    let (one, two) = (bound(1, "one"), bound(2, "two"));
    let plan = reconcile(evidence(&[&one], vec![known(&one), known(&two)]));
    assert_eq!(plan.sessions[0].issue().map(|it| it.reference.number()), Some(1));
    assert_eq!(plan.sessions[1].issue(), None);
}

#[test]
fn a_session_follows_its_worktree_to_another_branch_but_not_during_a_rebase() {
    let one = session(1, "one");
    let moved = |operation: Option<Operation>, state: WorktreeState| {
        let mut known = known(&one);
        known.worktree.branch = Some("elsewhere".parse().unwrap());
        known.worktree.operation = operation;
        known.worktree.state = state;
        reconcile(evidence(&[&one], vec![known]))
    };
    let plan = moved(None, WorktreeState::Present);
    assert_eq!(plan.sessions[0].branch().as_str(), "elsewhere");
    assert!(matches!(plan.changes[..], [Change::Branch { .. }]));
    for (operation, state) in
        [(Some(Operation::Rebase), WorktreeState::Present), (None, WorktreeState::Missing)]
    {
        let plan = moved(operation, state);
        assert_eq!(plan.sessions, std::slice::from_ref(&one));
        assert_eq!(plan.changes, []);
    }
}

#[test]
fn a_backup_does_not_bring_back_what_was_destroyed_after_it() {
    let (one, two) = (session(1, "one"), session(2, "two"));
    let mut old = evidence(&[&one, &two], vec![known(&two)]);
    old.trashed = HashSet::from([one.id()]);
    assert_eq!(names(&reconcile(Evidence { doubtful: false, ..old.clone() }).sessions), ["one", "two"]);
    let plan = reconcile(Evidence { doubtful: true, ..old });
    assert_eq!(names(&plan.sessions), ["two"]);
    assert_eq!(plan.changes, [Change::Destroyed { id: one.id() }]);
}

#[test]
fn git_and_the_backup_together_outvote_a_damaged_table() {
    let one = session(1, "one");
    let mut flipped = one.clone();
    flipped.rename("onf".parse().unwrap());
    let damaged = |record: &Session| {
        let mut known = known(&one);
        known.record = Some(record.clone());
        let evidence = evidence(&[&flipped], vec![known]);
        reconcile(Evidence { doubtful: true, witness: vec![one.clone()], ..evidence })
    };
    let plan = damaged(&one);
    assert_eq!(
        (names(&plan.sessions), &plan.changes[..]),
        (vec!["one"], &[Change::Corrected { id: one.id() }][..])
    );
    assert_eq!(names(&damaged(&flipped).sessions), ["onf"], "git agrees with the table");
}

#[test]
fn an_edit_of_anything_but_the_identity_is_honoured() {
    let one = session(1, "one");
    let mut edited = one.clone();
    edited.set_phase(Some("by hand".parse().unwrap()), at(0));
    let evidence = evidence(&[&edited], vec![known(&one)]);
    let plan = reconcile(Evidence { doubtful: true, witness: vec![one], ..evidence });
    assert_eq!(plan.sessions, [edited]);
}

#[test]
fn a_flipped_id_does_not_keep_the_place_of_the_real_session() {
    let one = session(1, "one");
    let flipped = session(9, "one");
    let evidence = evidence(&[&flipped], vec![known(&one)]);
    let plan = reconcile(Evidence { doubtful: true, witness: vec![one.clone()], ..evidence });
    assert_eq!(plan.changes, [Change::Dropped { id: flipped.id() }]);
    assert_eq!((plan.sessions[0].id(), plan.sessions[0].name()), (one.id(), one.name()));
    assert_eq!(plan.sessions.len(), 1);
}

#[test]
fn a_session_only_the_backup_knows_comes_back_unless_it_is_in_the_trash() {
    let (one, two) = (session(1, "one"), session(2, "two"));
    let mut evidence = evidence(&[&one], vec![known(&one)]);
    evidence.doubtful = true;
    evidence.witness = vec![one, two.clone()];
    assert_eq!(names(&reconcile(evidence.clone()).sessions), ["one", "two"]);
    evidence.trashed = HashSet::from([two.id()]);
    assert_eq!(names(&reconcile(evidence).sessions), ["one"]);
}
