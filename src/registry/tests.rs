use proptest::{collection, option, prelude::*, sample};

use super::*;
use crate::{
    clock::Timestamp,
    session::{Issue, SessionParts, SessionStatus},
};

fn parts(name: &str) -> SessionParts {
    let now = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
    SessionParts::of(SessionId::random(), name.parse().unwrap(), now)
}

fn session(name: &str) -> Session {
    Session::from_parts(parts(name))
}

fn with_id(name: &str, id: &str) -> Session {
    Session::from_parts(SessionParts { id: id.parse().unwrap(), ..parts(name) })
}

fn bound(name: &str, issue: &str) -> Session {
    let mut session = session(name);
    let now = session.created_at();
    let reference = issue.parse().unwrap();
    session.bind(now, |binding| {
        binding.issue = Some(Issue { reference, label: None, intervention: false });
    });
    session
}

fn registry(sessions: &[&Session]) -> Registry {
    let (registry, turned_away) = Registry::of(sessions.iter().map(|it| (*it).clone()).collect());
    assert_eq!(turned_away, []);
    registry
}

#[test]
fn fifth_session_is_refused_and_fits_after_one_left() {
    let four: Vec<Session> = ["a", "b", "c", "d"].map(session).to_vec();
    let mut table = registry(&four.iter().collect::<Vec<_>>());
    let fifth = session("e");
    let err = table.vacancy(&Claim::of(&fifth), 4).unwrap_err();
    assert_eq!(err.to_string(), "Maximum 4 sessions supported. Destroy a session to create a new one.");
    assert_eq!(table.remove(four[0].id()), Some(four[0].clone()));
    table.vacancy(&Claim::of(&fifth), 4).unwrap().fill(fifth.clone());
    assert_eq!(table.session(fifth.id()), Some(&fifth));
    assert_eq!(table.len(), 4);
}

#[test]
fn name_branch_and_issue_have_one_owner() {
    let owner = bound("Auth", "acme/shop#7");
    let mut table = registry(&[&owner]);
    let same_name = session("auth");
    assert!(matches!(table.vacancy(&Claim::of(&same_name), 9), Err(AdmitError::NameTaken(_))));
    let mut same_branch = session("other");
    same_branch.switch(owner.branch().clone());
    assert!(matches!(table.vacancy(&Claim::of(&same_branch), 9), Err(AdmitError::BranchTaken { .. })));
    let same_issue = bound("third", "ACME/Shop#7");
    assert!(matches!(table.vacancy(&Claim::of(&same_issue), 9), Err(AdmitError::IssueTaken { .. })));
}

#[test]
fn what_a_session_held_is_free_when_it_left() {
    let owner = bound("auth", "acme/shop#7");
    let mut table = registry(&[&owner]);
    assert_eq!(table.remove(owner.id()), Some(owner.clone()));
    assert_eq!(table.remove(owner.id()), None);
    let again = bound("auth", "acme/shop#7");
    table.vacancy(&Claim::of(&again), 1).unwrap().fill(again.clone());
    assert_eq!(table.all(), [again]);
}

#[test]
fn one_branch_name_in_two_repositories_is_two_branches() {
    let one = session("one");
    let two = Session::from_parts(SessionParts {
        branch: one.branch().clone(),
        repository: "api".parse().unwrap(),
        ..parts("two")
    });
    assert_eq!(registry(&[&one, &two]).len(), 2);
}

#[test]
fn detached_worktrees_do_not_stand_in_each_others_way() {
    let detached = |name| Session::from_parts(SessionParts { branch: BranchName::detached(), ..parts(name) });
    let (one, two) = (detached("one"), detached("two"));
    let mut table = registry(&[&one, &two]);
    table.remove(one.id());
    assert_eq!(table.named(two.name()), Some(&two));
}

#[test]
fn a_session_is_found_by_name_id_and_unique_prefix() {
    let one = with_id("one", "aaaa1111-0000-4000-8000-000000000001");
    let two = with_id("two", "aaaa2222-0000-4000-8000-000000000002");
    let table = registry(&[&one, &two]);
    for text in ["one", "ONE", "aaaa1111-0000-4000-8000-000000000001", "aaaa1", "aaaa1111-0"] {
        assert_eq!(table.find(text), Ok(&one), "{text}");
    }
    assert_eq!(
        table.find("aaaa"),
        Err(LookupError::Ambiguous { text: "aaaa".to_owned(), candidates: vec![one.id(), two.id()] })
    );
    for text in ["aaa", "aaaa3", "AAAA1", "", "three", "zzzz", "aaaa1111-0000-4000-8000-0000000000011"] {
        assert_eq!(table.find(text), Err(LookupError::NotFound { text: text.to_owned() }), "{text}");
    }
}

#[test]
fn a_name_wins_over_the_beginning_of_an_id() {
    let by_name = with_id("aaaa", "bbbb1111-0000-4000-8000-000000000001");
    let by_id = with_id("other", "aaaa1111-0000-4000-8000-000000000001");
    assert_eq!(registry(&[&by_name, &by_id]).find("aaaa"), Ok(&by_name));
}

#[test]
fn indexes_follow_a_change_of_name_and_issue() {
    let before = bound("before", "acme/shop#7");
    let mut table = registry(&[&before]);
    assert_eq!(table.on_issue(&"Acme/Shop#7".parse().unwrap()), Some(&before));
    let mut after = before.clone();
    after.rename("after".parse().unwrap());
    after.bind(before.created_at(), |binding| binding.issue = None);
    table.replace(after.clone()).unwrap();
    assert_eq!(table.find("after"), Ok(&after));
    assert!(table.find("before").is_err());
    assert_eq!(table.on_issue(&"acme/shop#7".parse().unwrap()), None);
    assert_eq!(after.binding(), None);
}

#[test]
fn a_branch_is_free_when_its_session_went_to_another() {
    let before = session("before");
    let mut table = registry(&[&before]);
    let mut moved = before.clone();
    moved.switch("elsewhere".parse().unwrap());
    table.replace(moved).unwrap();
    let mut next = session("next");
    next.switch(before.branch().clone());
    assert!(table.vacancy(&Claim::of(&next), 9).is_ok());
}

#[test]
fn a_session_may_keep_its_own_name_and_not_take_anothers() {
    let (one, two) = (session("one"), session("two"));
    let mut table = registry(&[&one, &two]);
    let mut same = one.clone();
    same.rename("ONE".parse().unwrap());
    assert_eq!(table.replace(same), Ok(()));
    let mut thief = one.clone();
    thief.rename("two".parse().unwrap());
    assert_eq!(table.replace(thief), Err(AdmitError::NameTaken("two".parse().unwrap())));
    assert_eq!(table.len(), 2);
}

#[test]
fn an_update_changes_one_session_in_place() {
    let one = session("one");
    let mut table = registry(&[&one]);
    let now = one.created_at().plus_days(1);
    let changed = table.update(one.id(), |it| it.set_status(SessionStatus::Waiting, now)).unwrap();
    assert_eq!((changed.status(), changed.last_activity()), (SessionStatus::Waiting, now));
    assert_eq!(table.update(SessionId::random(), |_| ()), None);
}

#[test]
fn of_two_that_collide_the_first_stays() {
    let first = session("same");
    let second = session("same");
    let double = first.clone();
    let (table, turned_away) = Registry::of(vec![first.clone(), second.clone(), double.clone()]);
    assert_eq!(table.all(), [first]);
    assert_eq!(turned_away, [second, double]);
}

#[test]
fn one_id_stands_once_whatever_else_differs() {
    let first = session("first");
    let mut double = first.clone();
    double.rename("second".parse().unwrap());
    double.switch("elsewhere".parse().unwrap());
    let (table, turned_away) = Registry::of(vec![first.clone(), double.clone()]);
    assert_eq!(table.all(), [first]);
    assert_eq!(turned_away, [double]);
}

#[test]
fn all_sessions_come_oldest_first() {
    let young = Session::from_parts(SessionParts {
        created_at: Timestamp::from_unix_millis(2_000_000_000_000).unwrap(),
        ..parts("young")
    });
    let old = session("old");
    let table = registry(&[&young, &old]);
    assert_eq!(table.all(), [old, young]);
    assert!(!table.is_empty() && Registry::default().is_empty());
}

#[test]
fn a_table_is_of_the_very_sessions_that_are_in_it() {
    let [one, two] = ["one", "two"].map(session);
    let mut table = registry(&[&one, &two]);
    assert!(table.is_of(&[two.clone(), one.clone()]));
    assert!(
        !table.is_of(std::slice::from_ref(&one))
            && !table.is_of(&[one.clone(), two.clone(), session("three")])
    );
    assert!(!table.is_of(&[one.clone(), session("two")]));
    let now = two.created_at();
    table.update(two.id(), |session| session.set_status(SessionStatus::Idle, now)).unwrap();
    assert!(!table.is_of(&[one, two]), "it was changed");
}

/// What is done with a table: something new comes in, or something there takes another name and issue, or goes.
#[derive(Clone, Debug)]
enum Step {
    Fill(u8, u8, u64),
    Replace(sample::Index, u8, u64),
    Remove(sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<sample::Index>;
    prop_oneof![
        3 => (0_u8..40, 0_u8..60, 0_u64..30).prop_map(|(name, branch, issue)| Step::Fill(name, branch, issue)),
        1 => (at(), 0_u8..40, 0_u64..30).prop_map(|(at, name, issue)| Step::Replace(at, name, issue)),
        1 => at().prop_map(Step::Remove),
    ]
}

fn numbered(session: &Session, name: u8, issue: u64) -> Session {
    let mut session = session.clone();
    session
        .rename(format!("{}{name}", if name.is_multiple_of(2) { "Name" } else { "name" }).parse().unwrap());
    let reference = IssueRef::new("acme/shop", issue + 1).unwrap();
    let issue = (issue > 9).then_some(Issue { reference, label: None, intervention: false });
    session.bind(session.created_at(), |binding| binding.issue = issue);
    session
}

/// One in seven is none.
fn branch_of(number: u8) -> BranchName {
    let branch = if number < 9 { "HEAD".to_owned() } else { format!("b{}", number / 2) };
    BranchName::from_record(&branch).unwrap()
}

fn repository_of(number: usize) -> RepositoryPath {
    [".", "other", "third"][number % 3].parse().unwrap()
}

/// Whether nobody but the one of its own id has anything of a session.
fn is_free(sessions: &[Session], session: &Session) -> bool {
    sessions.iter().filter(|it| it.id() != session.id()).all(|it| {
        it.name() != session.name()
            && (it.branch() != session.branch()
                || it.repository() != session.repository()
                || it.branch().is_detached())
            && (it.issue().is_none() || it.issue() != session.issue())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_what_is_read_everybody_comes_in_who_is_in_nobodys_way(
        read in collection::vec((0_u8..30, 0_u8..40, 0_u64..30, option::weighted(0.1, any::<sample::Index>())), 0..40),
    ) {
        let (mut sessions, mut admitted, mut refused) = (Vec::<Session>::new(), Vec::new(), Vec::new());
        for (name, branch, issue, same) in read {
            let mut session = numbered(&session("new"), name, issue);
            session.switch(branch_of(branch));
            session.relocate(repository_of(sessions.len()));
            if let Some(same) = same.filter(|_| !sessions.is_empty()) {
                session = numbered(&sessions[same.index(sessions.len())], name, issue);
            }
            let is_known = admitted.iter().any(|it: &Session| it.id() == session.id());
            let list = if is_free(&admitted, &session) && !is_known { &mut admitted } else { &mut refused };
            list.push(session.clone());
            sessions.push(session);
        }
        let (table, turned_away) = Registry::of(sessions);
        prop_assert_eq!(turned_away, refused);
        prop_assert_eq!(table.iter().cloned().collect::<Vec<_>>(), admitted);
    }

    #[test]
    fn a_table_knows_what_a_plain_list_knows(steps in collection::vec(step(), 0..60), of in 0_usize..60) {
        let (mut table, mut list) = (Registry::default(), Vec::<Session>::new());
        for (number, step) in steps.into_iter().enumerate() {
            if number == of {
                // What is read anew is the same table.
                table = registry(&list.iter().collect::<Vec<_>>());
            }
            match step {
                Step::Fill(name, branch, issue) => {
                    let mut session = numbered(&session("new"), name, issue);
                    session.switch(branch_of(branch));
                    session.relocate(repository_of(number));
                    let vacancy = table.vacancy(&Claim::of(&session), usize::MAX);
                    prop_assert_eq!(vacancy.is_ok(), is_free(&list, &session));
                    if let Ok(vacancy) = vacancy {
                        vacancy.fill(session.clone());
                        list.push(session);
                    }
                }
                Step::Replace(at, name, issue) if !list.is_empty() => {
                    let at = at.index(list.len());
                    let session = numbered(&list[at], name, issue);
                    let is_free = is_free(&list, &session);
                    prop_assert_eq!(table.replace(session.clone()).is_ok(), is_free);
                    if is_free {
                        list[at] = session;
                    }
                }
                Step::Remove(at) if !list.is_empty() => {
                    let gone = list.remove(at.index(list.len()));
                    prop_assert_eq!(table.remove(gone.id()), Some(gone));
                }
                Step::Replace(..) | Step::Remove(_) => (),
            }
            prop_assert!(table.is_of(&list) && table.len() == list.len());
            for session in &list {
                prop_assert_eq!(table.session(session.id()), Some(session));
                prop_assert_eq!(table.named(session.name()), Some(session));
                prop_assert_eq!(table.find(&session.id().short()), Ok(session));
                let on_issue = session.issue().map(|issue| table.on_issue(&issue.reference));
                prop_assert!(on_issue.is_none_or(|found| found == Some(session)));
            }
        }
    }
}
