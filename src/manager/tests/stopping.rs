//! How a program is ended, with its holder and without, and that no session is destroyed around its program.

use super::{
    house::{Holder, House, command, ended, running},
    *,
};
use crate::{
    manager::{ManagerError, Obstacle, Permit, Permits, StartSession},
    session::{BranchFate, Cause, Ending, How},
    worktree::{Loss, Sample},
};

const GENTLY: Stop = Stop { signal: None, grace_ms: 10_000, shutdown: false };

fn house(holder: Holder, session: Session) -> House {
    House { holder, ..House::with(vec![session]) }
}

#[test]
fn a_holder_ends_its_program_and_has_written_it_down() {
    let house = house(Holder::Works, running(1, "auth"));
    let session = house.manager().stop("auth", GENTLY).unwrap();
    assert_eq!(session.status(), SessionStatus::Stopped);
    assert_eq!(session.ending(), Some(&Ending { at: at(7), how: How::Signalled(1), cause: Cause::Asked }));
    assert_eq!(house.told(), ["stop"]);
}

#[test]
fn an_end_that_the_holder_could_not_write_is_written_for_it() {
    let house = house(Holder::Mute, running(1, "auth"));
    let session = house.manager().stop("auth", GENTLY).unwrap();
    assert_eq!(session.ending(), Some(&Ending { at: at(5), how: How::Exited(0), cause: Cause::Asked }));
    assert_eq!(house.told(), ["stop", "commit", "remember"]);
    assert_eq!(house.session(), session);
}

#[test]
fn a_shutdown_leaves_the_session_to_be_resumed() {
    for holder in [Holder::Works, Holder::Mute] {
        let house = house(holder, running(1, "auth"));
        let session = house.manager().stop("auth", Stop { shutdown: true, ..GENTLY }).unwrap();
        assert_eq!(session.status(), SessionStatus::Idle);
        assert!(session.ending().unwrap().is_interruption());
    }
}

#[test]
fn what_a_killed_holder_left_is_ended_by_its_mark() {
    for left in [0, 3] {
        let house = house(Holder::Dead(left), ended(1, "auth", Cause::Lost));
        let session = house.manager().stop("auth", GENTLY).unwrap();
        assert_eq!(session.status(), SessionStatus::Stopped);
        assert!(!session.ending().unwrap().is_interruption(), "somebody wanted it to end");
        assert_eq!(house.told(), ["stop", "sweep", "commit", "remember"]);
    }
}

#[test]
fn where_nothing_runs_there_is_nothing_to_stop() {
    for before in [session(1, "auth"), ended(1, "auth", Cause::Itself), ended(1, "auth", Cause::Restart)] {
        let house = house(Holder::Dead(0), before.clone());
        let err = house.manager().stop("auth", GENTLY).unwrap_err();
        assert_eq!(
            (err.code().word(), err.to_string().as_str()),
            ("NOT_RUNNING", "session `auth`: nothing runs in it")
        );
        assert_eq!(house.session(), before);
    }
}

#[test]
fn a_holder_that_does_not_answer_is_ended_after_its_program_was_asked() {
    for (stop, signal) in
        [(Stop { grace_ms: 1, ..GENTLY }, 15), (Stop { grace_ms: 1, signal: Some(10), ..GENTLY }, 10)]
    {
        let (mut program, mut holder) = (Alive::new(), Alive::new());
        let mut before = session(1, "auth");
        before.run(command(&["make"]), program.id(), holder.id(), at(1));
        let house = house(Holder::Silent, before);
        let session = house.manager().stop("auth", stop).unwrap();
        assert_eq!(session.ending(), Some(&Ending { at: at(5), how: How::Unseen, cause: Cause::Asked }));
        assert_eq!(house.told(), ["stop", "sweep", "commit", "remember"]);
        let ended_by =
            |alive: &mut Alive| std::os::unix::process::ExitStatusExt::signal(&alive.0.wait().unwrap());
        assert_eq!((ended_by(&mut program), ended_by(&mut holder)), (Some(signal), Some(9)));
    }
}

#[test]
fn a_kill_leaves_no_time() {
    let house = house(Holder::Works, running(1, "auth"));
    let session = house.manager().kill("auth").unwrap();
    assert_eq!(session.status(), SessionStatus::Stopped);
    assert_eq!(house.manager().default_stop(), GENTLY);
}

#[test]
fn a_restart_ends_what_runs_and_begins_anew() {
    let request = StartSession { command: Some(command(&["make", "all"])), ..StartSession::default() };
    let house = house(Holder::Works, running(1, "auth"));
    let session = house.manager().restart("auth", &request, GENTLY).unwrap();
    assert_eq!(session.command(), Some(&command(&["make", "all"])));
    assert_eq!((session.status(), session.ending()), (SessionStatus::Active, None));
    assert_eq!(house.told(), ["stop", "start auth"]);
}

#[test]
fn a_restart_of_what_does_not_run_starts_it() {
    let mut house = house(Holder::Dead(0), session(1, "auth"));
    house.manager().restart("auth", &StartSession::default(), GENTLY).unwrap();
    assert_eq!(house.told(), ["stop", "sweep", "start auth"]);
    // What could not be started again is left running.
    house = House::with(vec![running(1, "auth")]);
    house.worktree = crate::worktree::WorktreeState::Missing;
    let err = house.manager().restart("auth", &StartSession::default(), GENTLY).unwrap_err();
    assert!(matches!(err, ManagerError::NoWorktree { .. }), "{err}");
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn a_session_is_not_destroyed_while_its_program_runs() {
    let house = house(Holder::Works, running(1, "auth"));
    let err = house.manager().destroy("auth", &Permits::default(), BranchFate::Keep).unwrap_err();
    assert_eq!(err.code().word(), "IN_USE");
    let hint = err.hint().unwrap();
    assert!(hint.starts_with("`wharf stop` it first, or destroy with --running"), "{hint}");
    assert_eq!(house.told(), [""; 0]);
    assert_eq!(house.session(), running(1, "auth"));
}

#[test]
fn a_destroy_that_may_ends_the_program_first() {
    for permits in [Permits::all(), Permits::from_iter([Permit::Running])] {
        let house = house(Holder::Works, running(1, "auth"));
        let destroyed = house.manager().destroy("auth", &permits, BranchFate::Keep).unwrap();
        assert_eq!(destroyed.obstacles, [Obstacle::Running { pid: std::process::id() }]);
        assert_eq!(
            destroyed.session.ending().map(|it| &it.cause),
            Some(&Cause::Asked),
            "an undo finds it at rest"
        );
        assert_eq!(house.told(), ["stop", "commit", "discard", "commit"]);
        assert!(house.table.lock().unwrap().is_empty());
    }
}

#[test]
fn other_obstacles_are_weighed_before_anything_is_stopped() {
    let loss = Loss::Modified(Sample { count: 1, first: vec!["a".to_owned()] });
    let house = House { losses: vec![loss], ..House::with(vec![running(1, "auth")]) };
    let permits = Permits::from_iter([Permit::Running]);
    let err = house.manager().destroy("auth", &permits, BranchFate::Keep).unwrap_err();
    assert_eq!(err.code().word(), "UNSAVED_WORK");
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn a_session_whose_program_cannot_be_ended_stays() {
    let house = house(Holder::Broken, running(1, "auth"));
    let err = house.manager().destroy("auth", &Permits::all(), BranchFate::Keep).unwrap_err();
    assert_eq!(err.code().word(), "IO_FAILED");
    assert_eq!((house.told(), house.session()), (vec!["stop".to_owned()], running(1, "auth")));
}

#[test]
fn a_holder_that_was_killed_keeps_nobody_from_a_destroy() {
    let dead = Alive::new().kill();
    let mut lost = session(1, "auth");
    lost.run(command(&["make"]), dead.clone(), dead, at(1));
    let house = house(Holder::Dead(0), lost);
    let destroyed = house.manager().destroy("auth", &Permits::default(), BranchFate::Keep).unwrap();
    assert_eq!(destroyed.obstacles, []);
}

#[test]
fn what_runs_in_another_container_is_not_taken_for_stopped() {
    let elsewhere = ProcessId { pid: 7, started: 1, boot: "another/1".to_owned() };
    let mut before = session(1, "auth");
    before.run(command(&["make"]), elsewhere.clone(), elsewhere, at(1));
    let house = house(Holder::Dead(0), before.clone());
    let err = house.manager().stop("auth", GENTLY).unwrap_err();
    assert_eq!((err.code().word(), err.kind()), ("UNREACHABLE", crate::manager::Kind::Unreachable));
    assert_eq!(house.session(), before);
}

#[test]
fn every_failure_of_a_terminal_has_its_code() {
    let of = |source| {
        let err = ManagerError::Terminal { name: "auth".parse().unwrap(), source };
        (err.code().word(), err.hint().is_some())
    };
    let refused = |code: &str| of(TerminalError::Refused { code: code.to_owned(), message: "no".to_owned() });
    let path = || std::path::PathBuf::from("/run/x");
    assert_eq!(of(TerminalError::NotRunning), ("NOT_RUNNING", true));
    assert_eq!(of(TerminalError::Running), ("IN_USE", true));
    assert_eq!(of(TerminalError::Protocol { protocol: 3, min: 2 }), ("UNREACHABLE", true));
    assert_eq!(of(TerminalError::Silent { because: "x" }), ("UNREACHABLE", true));
    assert_eq!(of(TerminalError::Hidden { pid: 7, socket: path() }), ("UNREACHABLE", true));
    assert_eq!(of(TerminalError::Unread), ("IN_USE", true));
    assert_eq!(
        [refused("controlled"), refused("full"), refused("not-control")],
        [("IN_USE", true), ("IN_USE", true), ("IN_USE", false)]
    );
    assert_eq!(refused("bad-message"), ("UNREACHABLE", false));
    assert_eq!(of(TerminalError::UnsafeFolder { path: path(), because: "is a link" }), ("UNSAFE_PATH", true));
    assert_eq!(of(TerminalError::LongPath { path: path() }), ("IO_FAILED", true));
    let source = std::io::ErrorKind::StorageFull.into();
    assert_eq!(of(TerminalError::Io { action: "make", path: path(), source }), ("IO_FAILED", false));
}
