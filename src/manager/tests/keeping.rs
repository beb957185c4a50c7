//! What a holder writes into the table, how often, and when it does not.

use super::{
    house::{House, command, ended, running},
    *,
};
use crate::{
    limits::Limits,
    manager::SessionKeeper,
    session::{Cause, Command, Ending, How, Pending, PendingAction},
    terminal::{Keeper as _, Mood},
};

const EXITED: Exited = Exited { code: Some(0), signal: None, asked: false };

fn launch() -> Launch {
    Launch {
        id: id(1),
        name: "auth".parse().unwrap(),
        workspace: "/w".into(),
        worktree: "/w/x".into(),
        command: vec!["make".to_owned(), "test".to_owned()],
        agent: None,
        size: crate::screen::Size::default(),
        limits: Limits::default(),
        keep: Vec::new(),
    }
}

fn started() -> Started {
    let own = process::own().unwrap();
    Started { process: own.clone(), holder: own }
}

/// A house whose session runs, and its keeper; what happened before is forgotten.
fn kept(house: &House) -> SessionKeeper {
    let mut keeper = SessionKeeper::of(house.manager());
    keeper.started(&launch(), &started()).unwrap();
    house.story.lock().unwrap().clear();
    keeper
}

fn later(house: &House, seconds: i64) {
    let mut clock = house.clock.lock().unwrap();
    *clock = Timestamp::from_unix_millis(clock.unix_millis() + seconds * 1_000).unwrap();
}

fn refused(house: &House) -> String {
    let err = SessionKeeper::of(house.manager()).started(&launch(), &started()).unwrap_err();
    err.to_string()
}

#[test]
fn a_start_is_written_in_one_commit_and_remembered() {
    let house = House::with(vec![ended(1, "auth", Cause::Lost)]);
    let mut keeper = SessionKeeper::of(house.manager());
    keeper.started(&launch(), &started()).unwrap();
    let session = house.session();
    assert_eq!(session.command(), Some(&command(&["make", "test"])));
    assert_eq!((session.process(), session.holder()), (Some(&started().process), Some(&started().holder)));
    assert_eq!((session.status(), session.ending()), (SessionStatus::Active, None));
    assert_eq!(house.told(), ["commit", "remember"]);
}

#[test]
fn a_start_is_refused_when_the_session_is_gone_busy_running_or_one_too_many() {
    assert_eq!(
        refused(&House::with(Vec::new())),
        format!("session {} was removed or renamed meanwhile", id(1))
    );
    let mut busy = session(1, "auth");
    let worker = process::own().unwrap();
    busy.begin(Pending { action: PendingAction::BringingBack, worker, since: at(0) });
    assert!(refused(&House::with(vec![busy])).contains("was being brought back"));
    let other = Alive::new();
    let mut taken = session(1, "auth");
    taken.run(command(&["make"]), other.id(), other.id(), at(1));
    let house = House::with(vec![taken]);
    assert_eq!(refused(&house), "session `auth`: a program runs in it already");
    let mut full = House::with(vec![session(1, "auth"), running(2, "two")]);
    full.settings.terminal.running_max = std::num::NonZeroUsize::new(1);
    assert!(refused(&full).starts_with("Maximum 1 sessions run at once."));
    for house in [house, full] {
        assert_eq!(house.told(), [""; 0]);
    }
    // A record that no process answers for any more is no reason.
    let mut dead = session(1, "auth");
    dead.run(Command::of(vec!["make".to_owned()]).unwrap(), other.kill(), started().holder, at(1));
    dead.rest();
    SessionKeeper::of(House::with(vec![dead]).manager()).started(&launch(), &started()).unwrap();
}

#[test]
fn a_mood_is_written_when_it_is_new_and_activity_every_five_seconds() {
    let house = House::with(vec![session(1, "auth")]);
    let mut keeper = kept(&house);
    let mut status = |mood| {
        keeper.moved(mood).unwrap();
        (house.session().status(), house.story.lock().unwrap().drain(..).count())
    };
    let active = |commits| (SessionStatus::Active, commits);
    let waiting = |commits| (SessionStatus::Waiting, commits);
    assert_eq!(status(Mood::Active), active(0), "the start has said so");
    assert_eq!(status(Mood::Waiting), waiting(1));
    later(&house, 60);
    assert_eq!(status(Mood::Waiting), waiting(0), "nothing is new");
    assert_eq!(house.session().last_activity(), at(5), "to wait is nobody's work");
    assert_eq!(status(Mood::Active), active(1));
    let worked = house.session().last_activity();
    assert!(worked > at(5));
    later(&house, 4);
    assert_eq!(status(Mood::Active), active(0));
    later(&house, 1);
    assert_eq!(status(Mood::Active), active(1));
    assert!(house.session().last_activity() > worked);
    later(&house, -3_600);
    keeper.moved(Mood::Active).unwrap();
    assert_eq!(house.session().status(), SessionStatus::Active, "a clock that was set back");
}

#[test]
fn what_nobody_wants_to_understand_is_activity_and_no_status() {
    let house = House::with(vec![session(1, "auth")]);
    let mut keeper = kept(&house);
    house.table.lock().unwrap()[0].set_status(SessionStatus::Waiting, at(1));
    later(&house, 5);
    keeper.moved(Mood::Unknown).unwrap();
    let session = house.session();
    assert_eq!(
        (session.status(), session.last_activity()),
        (SessionStatus::Waiting, *house.clock.lock().unwrap())
    );
}

#[test]
fn a_status_that_somebody_set_is_left_to_them() {
    for status in [SessionStatus::Idle, SessionStatus::Error, SessionStatus::Stopped] {
        let house = House::with(vec![session(1, "auth")]);
        let mut keeper = kept(&house);
        house.table.lock().unwrap()[0].set_status(status, at(1));
        keeper.moved(Mood::Waiting).unwrap();
        later(&house, 9);
        keeper.moved(Mood::Active).unwrap();
        assert_eq!(house.session().status(), status);
        assert_eq!(
            house.session().last_activity(),
            *house.clock.lock().unwrap(),
            "it is worked in all the same"
        );
    }
}

#[test]
fn with_activity_switched_off_only_the_last_activity_moves() {
    let mut house = House::with(vec![session(1, "auth")]);
    house.settings.terminal.limits.activity = false;
    let mut keeper = kept(&house);
    for mood in [Mood::Waiting, Mood::Active, Mood::Unknown] {
        later(&house, 60);
        keeper.moved(mood).unwrap();
        let session = house.session();
        let now = *house.clock.lock().unwrap();
        assert_eq!((session.status(), session.last_activity()), (SessionStatus::Active, now), "{mood:?}");
    }
}

#[test]
fn an_end_is_written_with_how_and_why() {
    for (exited, shutdown, how, cause, status) in [
        (EXITED, false, How::Exited(0), Cause::Itself, SessionStatus::Stopped),
        (Exited { code: Some(2), ..EXITED }, false, How::Exited(2), Cause::Itself, SessionStatus::Error),
        (
            Exited { code: None, signal: Some(15), asked: true },
            false,
            How::Signalled(15),
            Cause::Asked,
            SessionStatus::Stopped,
        ),
        (
            Exited { code: None, signal: Some(1), asked: true },
            true,
            How::Signalled(1),
            Cause::Shutdown,
            SessionStatus::Idle,
        ),
        (Exited { code: None, ..EXITED }, false, How::Unseen, Cause::Itself, SessionStatus::Error),
    ] {
        let house = House::with(vec![session(1, "auth")]);
        let mut keeper = kept(&house);
        keeper.ended(exited, shutdown).unwrap();
        let session = house.session();
        assert_eq!(session.ending(), Some(&Ending { at: at(5), how, cause }));
        assert_eq!((session.status(), session.process(), session.holder()), (status, None, None));
        keeper.ended(EXITED, false).unwrap();
        assert_eq!(house.session(), session, "a second end changes nothing");
        assert_eq!(house.told(), ["commit", "remember"]);
    }
}

#[test]
fn an_end_finds_its_session_destroyed_or_taken_and_leaves_it_at_that() {
    let house = House::with(vec![session(1, "auth")]);
    let mut keeper = kept(&house);
    let other = Alive::new();
    house.table.lock().unwrap()[0].run(command(&["sh"]), other.id(), other.id(), at(2));
    let taken = house.session();
    keeper.ended(EXITED, false).unwrap();
    keeper.moved(Mood::Waiting).unwrap();
    assert_eq!(house.session(), taken);
    house.table.lock().unwrap().clear();
    keeper.ended(EXITED, false).unwrap();
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn an_end_that_could_not_be_written_can_be_tried_again() {
    let house = House::with(vec![session(1, "auth")]);
    let mut keeper = kept(&house);
    *house.locked_commits.lock().unwrap() = 1;
    assert!(keeper.ended(EXITED, false).unwrap_err().to_string().contains("is locked"));
    keeper.ended(EXITED, false).unwrap();
    assert_eq!(house.session().status(), SessionStatus::Stopped);
}

#[test]
fn nothing_is_written_for_a_program_that_never_started() {
    let house = House::with(vec![session(1, "auth")]);
    let mut keeper = SessionKeeper::of(house.manager());
    keeper.moved(Mood::Active).unwrap();
    keeper.ended(EXITED, false).unwrap();
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn a_program_that_was_written_down_and_never_ran_is_taken_back() {
    let mut before = ended(1, "auth", Cause::Asked);
    let house = House::with(vec![before.clone()]);
    drop(kept(&house));
    before.touch(at(5));
    assert_eq!(house.session(), before);
    // One whose end could not be written is lost, not taken back.
    let house = House::with(vec![before]);
    let mut keeper = kept(&house);
    *house.locked_commits.lock().unwrap() = 1;
    assert!(keeper.ended(EXITED, false).is_err());
    drop(keeper);
    assert_eq!(house.session().process(), Some(&started().process));
}

#[test]
fn a_table_that_forgot_a_program_learns_of_it_with_its_end() {
    for before in [session(1, "auth"), ended(1, "auth", Cause::Asked)] {
        let house = House::with(vec![before.clone()]);
        let mut keeper = kept(&house);
        *house.table.lock().unwrap() = vec![before];
        later(&house, 1);
        keeper.ended(EXITED, false).unwrap();
        let session = house.session();
        assert_eq!(session.command(), Some(&command(&["make", "test"])));
        assert_eq!(session.ending().map(|it| (&it.how, &it.cause)), Some((&How::Exited(0), &Cause::Itself)));
        assert_eq!((session.status(), session.process()), (SessionStatus::Stopped, None));
    }
}
