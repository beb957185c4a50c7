use std::sync::Mutex;

use super::{house::House, *};
use crate::{
    manager::StartSession,
    registry::Registry,
    session::{Cause, Command, Ending, How, Pending, PendingAction},
};

fn running(process: ProcessId, holder: ProcessId) -> Session {
    let mut session = session(1, "auth");
    session.run(Command::of(vec!["make".to_owned()]).unwrap(), process, holder, at(1));
    session
}

/// A store that answers these readings one after the other, the last one for ever, and keeps what is committed.
fn store(readings: Vec<Session>, committed: &Arc<Mutex<Vec<Session>>>) -> MockStore {
    let left = Arc::new(Mutex::new(readings));
    let next = move |left: &Mutex<Vec<Session>>| {
        let mut left = left.lock().unwrap();
        let session = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
        Ok(reading(vec![session]))
    };
    let mut mock = MockStore::new();
    let (reads, begins) = (Arc::clone(&left), left);
    mock.expect_read().returning(move || next(&reads));
    mock.expect_begin().returning(move || next(&begins));
    mock.expect_end().returning(|| ());
    let committed = Arc::clone(committed);
    mock.expect_commit_after().returning(move |sessions, _| {
        *committed.lock().unwrap() = sessions.to_vec();
        Ok(())
    });
    mock
}

fn manager_of(readings: Vec<Session>) -> (SessionManager, Arc<Mutex<Vec<Session>>>) {
    let committed = Arc::default();
    let mut worktrees = MockWorktrees::new();
    worktrees.expect_remember().returning(|_, _, _| Ok(()));
    (manager(store(readings, &committed), worktrees), committed)
}

#[test]
fn a_session_whose_holder_was_killed_is_seen_as_lost_by_every_reader() {
    let program = Alive::new();
    let (mut manager, committed) = manager_of(vec![running(program.id(), Alive::new().kill())]);
    let session = manager.session("auth").unwrap();
    assert_eq!(session.status(), SessionStatus::Error);
    assert_eq!(session.ending(), Some(&Ending { at: at(0), how: How::Unseen, cause: Cause::Lost }));
    assert_eq!(session.pty_pid(), None);
    assert_eq!(*committed.lock().unwrap(), [], "a look writes nothing");
    // Whatever is written next, the loss is written with it.
    manager.touch("auth").unwrap();
    assert_eq!(committed.lock().unwrap()[0].ending(), session.ending());
}

#[test]
fn a_session_whose_holder_lives_keeps_its_status() {
    let (program, holder) = (Alive::new(), Alive::new());
    let before = running(program.id(), holder.id());
    let (mut manager, _) = manager_of(vec![before.clone()]);
    assert_eq!(manager.session("auth").unwrap(), before);
    // Its program has ended, and the holder is about to say so.
    let gone = running(program.kill(), holder.id());
    let (mut manager, _) = manager_of(vec![gone.clone()]);
    assert_eq!(manager.session("auth").unwrap(), gone);
}

#[test]
fn a_process_of_another_boot_or_container_is_left_for_a_restore() {
    let dead = Alive::new().kill();
    let elsewhere = ProcessId { boot: "another/1".to_owned(), ..dead };
    let before = running(elsewhere.clone(), elsewhere);
    let (mut manager, _) = manager_of(vec![before.clone()]);
    assert_eq!(manager.session("auth").unwrap(), before);
    assert_eq!(manager.touch("auth").unwrap().holder(), before.holder());
}

#[test]
fn a_pid_that_was_given_anew_is_no_holder() {
    let (program, other) = (Alive::new(), Alive::new());
    let reused = ProcessId { started: other.id().started + 1, ..other.id() };
    let (mut manager, _) = manager_of(vec![running(program.id(), reused)]);
    assert_eq!(manager.session("auth").unwrap().status(), SessionStatus::Error);
}

#[test]
fn a_holder_that_ended_in_order_while_we_looked_has_the_last_word() {
    let dead = Alive::new().kill();
    let before = running(dead.clone(), dead);
    let mut after = before.clone();
    after.end(Ending { at: at(2), how: How::Exited(0), cause: Cause::Itself });
    let (mut manager, _) = manager_of(vec![before, after.clone()]);
    assert_eq!(manager.session("auth").unwrap(), after);
}

#[test]
fn a_start_keeps_who_is_proven_alive_and_rests_the_others() {
    use super::super::observe::{is_whole, observe};
    let (program, holder) = (Alive::new(), Alive::new());
    let dead = Alive::new().kill();
    assert!(is_whole(&running(program.id(), holder.id())));
    assert!(!is_whole(&running(dead.clone(), holder.id())));
    assert!(!is_whole(&running(program.id(), dead.clone())));
    assert!(!is_whole(&session(2, "two")));
    let (mut registry, _) = Registry::of(vec![running(program.id(), dead), session(2, "two")]);
    let lost = observe(&mut registry, at(3));
    assert_eq!(lost.iter().map(|it| it.name().as_str()).collect::<Vec<_>>(), ["auth"]);
    assert_eq!(registry.session(id(2)), Some(&session(2, "two")));
}

/// A program and a holder that live, as the holder wrote them down.
fn held(program: &Alive, holder: &Alive) -> Held {
    let started = Started { process: program.id(), holder: holder.id() };
    Held { command: vec!["make".to_owned()], agent: None, started, since: at(1) }
}

#[test]
fn a_program_that_the_table_forgot_is_found_by_every_reader_and_written_with_the_next_change() {
    let (program, holder) = (Alive::new(), Alive::new());
    let whole = running(program.id(), holder.id());
    let mut older = whole.clone();
    older.run(Command::of(vec!["old".to_owned()]).unwrap(), Alive::new().kill(), Alive::new().kill(), at(0));
    for forgotten in [session(1, "auth"), older] {
        let house = House { held: Some(held(&program, &holder)), ..House::with(vec![forgotten.clone()]) };
        assert_eq!(house.manager().session("auth").unwrap(), whole);
        assert_eq!(house.manager().ps(None).unwrap().len(), 1);
        assert_eq!(house.session(), forgotten, "a look writes nothing");
        let refused = house.manager().start("auth", &StartSession::default()).unwrap_err();
        assert_eq!(refused.to_string(), "session `auth`: a program runs in it already");
        house.manager().touch("auth").unwrap();
        assert_eq!((house.session().process(), house.session().holder()), (whole.process(), whole.holder()));
        assert_eq!(house.session().command(), whole.command());
    }
}

#[test]
fn who_is_at_work_with_a_session_is_not_disturbed_by_what_is_held() {
    let (program, holder) = (Alive::new(), Alive::new());
    let mut busy = session(1, "auth");
    let worker = process::own().unwrap();
    busy.begin(Pending { action: PendingAction::BringingBack, worker, since: at(0) });
    let own = house::running(1, "auth");
    for before in [busy, own] {
        let house = House { held: Some(held(&program, &holder)), ..House::with(vec![before.clone()]) };
        assert_eq!(house.manager().session("auth").unwrap(), before);
    }
}
