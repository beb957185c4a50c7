use std::sync::Mutex;

use super::*;
use crate::{
    registry::Registry,
    session::{Cause, Command, Ending, How},
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
    mock.expect_commit().returning(move |sessions| {
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
