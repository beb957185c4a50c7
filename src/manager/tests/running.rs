//! What a start needs and refuses, what comes back by itself, and what runs.

use super::{
    house::{Holder, House, command, ended, running},
    *,
};
use crate::{
    limits::Limits,
    manager::{ManagerError, StartSession, at_work::AtWork},
    session::{Cause, Pending, PendingAction, SESSION_VARIABLE},
    worktree::WorktreeState,
};

fn start(house: &House, request: &StartSession) -> Result<Session, ManagerError> {
    house.manager().start("auth", request)
}

#[test]
fn a_start_runs_what_was_given_else_the_last_else_the_setting_else_the_shell() {
    let mut house = House::with(vec![session(1, "auth")]);
    let (given, shell) = (Some(command(&["make", "test"])), Some(command(&["/bin/zsh"])));
    let run = |house: &House, request: &StartSession| {
        let session = start(house, request).unwrap();
        assert_eq!(
            (session.status(), session.process()),
            (SessionStatus::Active, Some(&process::own().unwrap()))
        );
        let command = house.launches.lock().unwrap().pop().unwrap().command.join(" ");
        house.table.lock().unwrap()[0].lose(at(7));
        command
    };
    let fresh = session(1, "auth");
    assert_eq!(run(&house, &StartSession { command: given, ..StartSession::default() }), "make test");
    assert_eq!(run(&house, &StartSession { shell: shell.clone(), ..StartSession::default() }), "make test");
    *house.table.lock().unwrap() = vec![fresh.clone()];
    assert_eq!(run(&house, &StartSession { shell: shell.clone(), ..StartSession::default() }), "/bin/zsh");
    *house.table.lock().unwrap() = vec![fresh.clone()];
    assert_eq!(run(&house, &StartSession::default()), "/bin/sh");
    *house.table.lock().unwrap() = vec![fresh];
    house.settings.terminal.shell = Some(command(&["bash", "-l"]));
    assert_eq!(run(&house, &StartSession { shell, ..StartSession::default() }), "bash -l");
}

#[test]
fn a_launch_has_the_worktree_of_the_id_and_the_limits_of_the_settings() {
    let mut house = House::with(vec![session(1, "auth")]);
    house.settings.terminal.limits.activity = false;
    let size = crate::screen::Size::new(50, 120).unwrap();
    start(&house, &StartSession { size, ..StartSession::default() }).unwrap();
    let launch = house.launches.lock().unwrap()[0].clone();
    assert_eq!(launch.worktree.to_str().unwrap(), format!("/w/.worktrees/{}", id(1)));
    assert_eq!((launch.workspace.to_str(), launch.size, launch.name.as_str()), (Some("/w"), size, "auth"));
    assert_eq!(launch.limits, Limits { activity: false, ..Limits::default() });
}

#[test]
fn what_a_killed_holder_left_is_ended_before_another_program_begins() {
    let house = House::with(vec![ended(1, "auth", Cause::Lost)]);
    start(&house, &StartSession::default()).unwrap();
    assert_eq!(house.told(), ["sweep", "start auth"]);
    let house = House::with(vec![ended(1, "auth", Cause::Itself)]);
    start(&house, &StartSession::default()).unwrap();
    assert_eq!(house.told(), ["start auth"]);
}

#[test]
fn a_session_that_runs_is_not_started_again() {
    let house = House::with(vec![running(1, "auth")]);
    let err = start(&house, &StartSession::default()).unwrap_err();
    assert_eq!(err.to_string(), "session `auth`: a program runs in it already");
    assert_eq!(err.code().word(), "IN_USE");
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn a_session_somebody_is_at_work_with_is_not_started() {
    let mut busy = session(1, "auth");
    let worker = process::own().unwrap();
    busy.begin(Pending { action: PendingAction::BringingBack, worker, since: at(0) });
    let _work = AtWork::with(busy.id());
    let house = House::with(vec![busy]);
    let err = start(&house, &StartSession::default()).unwrap_err();
    assert!(matches!(err, ManagerError::Busy { .. }), "{err}");
    assert_eq!(house.told(), [""; 0]);
}

#[test]
fn a_session_without_its_files_is_not_started_and_told_how_to_get_them_back() {
    for state in [WorktreeState::Missing, WorktreeState::Gone, WorktreeState::Emptied, WorktreeState::Foreign]
    {
        let mut house = House::with(vec![session(1, "auth")]);
        house.worktree = state;
        let err = start(&house, &StartSession::default()).unwrap_err();
        assert_eq!(err.code().word(), "NOT_FOUND");
        assert!(err.hint().unwrap().contains("`wharf restore`"), "{err}");
        assert_eq!(house.told(), [""; 0]);
    }
    let mut house = House::with(vec![session(1, "auth")]);
    house.worktree = WorktreeState::Unregistered;
    start(&house, &StartSession::default()).unwrap();
}

#[test]
fn no_more_sessions_run_than_may() {
    let mut house = House::with(vec![session(1, "auth"), running(2, "two")]);
    house.settings.terminal.running_max = std::num::NonZeroUsize::new(1);
    let err = start(&house, &StartSession::default()).unwrap_err();
    assert_eq!(err.to_string(), "Maximum 1 sessions run at once. Stop one to start another.");
    assert_eq!((err.code().word(), err.kind()), ("MAX_RUNNING", crate::manager::Kind::Full));
    house.settings.terminal.running_max = std::num::NonZeroUsize::new(2);
    start(&house, &StartSession::default()).unwrap();
}

#[test]
fn a_program_that_cannot_be_started_leaves_the_session_as_it_was() {
    let mut house = House::with(vec![session(1, "auth")]);
    house.holder = Holder::Refuses;
    let request = StartSession { command: Some(command(&["nonsense"])), ..StartSession::default() };
    let err = start(&house, &request).unwrap_err();
    assert_eq!(err.to_string(), "session `auth`: cannot start `nonsense`: no such file");
    assert_eq!(err.code().word(), "START_FAILED");
    assert_eq!(house.session(), session(1, "auth"));
}

#[test]
fn what_nobody_wanted_to_end_is_resumed_and_nothing_else() {
    let causes = [Cause::Restart, Cause::Asked, Cause::Lost, Cause::Itself, Cause::Shutdown];
    let names = ["restart", "asked", "lost", "itself", "shutdown"];
    let mut sessions: Vec<Session> =
        (1..).zip(names).zip(causes).map(|((n, name), cause)| ended(n, name, cause)).collect();
    sessions.push(running(6, "running"));
    let mut without_command = session(7, "bare");
    without_command.lose(at(2));
    sessions.push(without_command);
    let house = House::with(sessions);
    let resumed = house.manager().resume_all(crate::screen::Size::default(), &|| true).unwrap();
    let told: Vec<_> = resumed.iter().map(|it| (it.before.name().as_str(), it.outcome.is_ok())).collect();
    assert_eq!(told, [("restart", true), ("lost", true), ("shutdown", true)]);
    assert!(house.launches.lock().unwrap().iter().all(|launch| launch.command == ["make"]));
}

#[test]
fn a_session_that_cannot_be_resumed_does_not_keep_the_others_from_it() {
    let mut house = House::with(vec![ended(1, "one", Cause::Restart), ended(2, "two", Cause::Restart)]);
    house.settings.terminal.running_max = std::num::NonZeroUsize::new(1);
    let resumed = house.manager().resume_all(crate::screen::Size::default(), &|| true).unwrap();
    let told: Vec<_> =
        resumed.iter().map(|it| it.outcome.as_ref().map_err(|err| err.code().word()).is_ok()).collect();
    assert_eq!(told, [true, false]);
    house.holder = Holder::Refuses;
    house.settings.terminal.running_max = None;
    *house.table.lock().unwrap() = vec![ended(1, "one", Cause::Lost), ended(2, "two", Cause::Lost)];
    let resumed = house.manager().resume_all(crate::screen::Size::default(), &|| true).unwrap();
    assert_eq!(resumed.iter().filter(|it| it.outcome.is_err()).count(), 2);
}

#[test]
fn ps_shows_everything_below_the_holder() {
    let child = Alive::new();
    let house = House::with(vec![running(1, "auth"), session(2, "two")]);
    let all = house.manager().ps(None).unwrap();
    assert_eq!(all.iter().map(|it| it.session.name().as_str()).collect::<Vec<_>>(), ["auth"]);
    assert!(all[0].processes.iter().any(|it| it.pid == child.id().pid && it.name == "cat"));
    assert_eq!(house.manager().ps(Some("auth")).unwrap().len(), 1);
    let err = house.manager().ps(Some("two")).unwrap_err();
    assert_eq!((err.code().word(), err.kind()), ("NOT_RUNNING", crate::manager::Kind::NotFound));
}

#[test]
fn what_a_killed_holder_left_is_found_and_swept() {
    let lost = ended(1, "auth", Cause::Lost);
    let orphan = Alive::with(&[(SESSION_VARIABLE, &lost.id().to_string())]);
    let found = |holder: Holder| {
        let house = House { holder, ..House::with(vec![lost.clone()]) };
        let mut manager = house.manager();
        let left = manager.leftovers(std::slice::from_ref(&lost));
        manager.sweep_leftovers().unwrap();
        let pids: Vec<Vec<u32>> = left.iter().map(|it| it.pids.clone()).collect();
        let codes: Vec<&str> = left.into_iter().map(|it| it.finding().code).collect();
        (codes, pids, house.told())
    };
    let sweep = vec!["sweep".to_owned()];
    assert_eq!(found(Holder::Dead(1)), (vec!["left-running"], vec![vec![orphan.id().pid]], sweep.clone()));
    assert_eq!(
        found(Holder::Works),
        (Vec::new(), Vec::new(), Vec::new()),
        "a holder that answers is at work"
    );
    drop(orphan);
    assert_eq!(found(Holder::Dead(0)), (Vec::new(), Vec::new(), Vec::new()));
    assert_eq!(found(Holder::Silent), (vec!["holder-gone"], vec![Vec::new()], sweep));
}
