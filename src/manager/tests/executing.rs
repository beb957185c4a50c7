//! What becomes of the context of a session when verbs meet it.

use super::{
    house::{Holder, House, running},
    *,
};
use crate::{
    manager::{Code, CommandText, ExecCommand, ManagerError, Obstacle, Permit, Permits, at_work::AtWork},
    session::{BranchFate, Pending, PendingAction},
    shell::Ground,
    worktree::WorktreeState,
};

const GENTLY: Stop = Stop { signal: None, grace_ms: 10_000, shutdown: false };

fn house(is_busy: bool) -> House {
    let context = Some(Processes { pids: Vec::new(), is_busy });
    House { holder: Holder::Dead(0), context, ..House::with(vec![session(1, "auth")]) }
}

fn exec(house: &House, command: CommandText) -> Result<(Session, Done), ManagerError> {
    let command = ExecCommand { command, ground: Ground::Kept, interpreter: None, time_limit: None };
    let caller = Caller { stdin: None, cancel: None, output: &mut |_, _| Ok(()) };
    house.manager().exec("auth", command, caller)
}

#[test]
fn a_command_runs_in_the_worktree_and_nothing_is_committed() {
    let house = house(false);
    exec(&house, CommandText::Text(b"ls | wc -l".to_vec())).unwrap();
    let words = ["echo", "a b"].map(Into::into).to_vec();
    exec(&house, CommandText::Words(words)).unwrap();
    let worktree = format!("/w/.worktrees/{}", id(1));
    assert_eq!(
        house.told(),
        [format!("exec ls | wc -l in {worktree}"), format!("exec 'echo' 'a b' in {worktree}")]
    );
}

#[test]
fn no_command_runs_where_the_files_are_missing_or_somebody_is_at_work() {
    let gone = House { worktree: WorktreeState::Missing, ..house(false) };
    let err = exec(&gone, CommandText::Text(b"true".to_vec())).unwrap_err();
    assert!(matches!(err, ManagerError::NoWorktree { .. }), "{err}");
    let mut busy = session(1, "auth");
    let worker = process::own().unwrap();
    let _work = AtWork::with(busy.id());
    busy.begin(Pending { action: PendingAction::BringingBack, worker, since: at(1) });
    let house = House::with(vec![busy]);
    let err = exec(&house, CommandText::Text(b"true".to_vec())).unwrap_err();
    assert_eq!((err.code(), house.told()), (Code::InUse, Vec::new()));
}

#[test]
fn a_stop_ends_the_context_first_and_is_content_with_it() {
    let alone = house(true);
    alone.manager().stop("auth", GENTLY).unwrap();
    assert_eq!(alone.told(), ["unload Now", "stop", "sweep"]);
    let both = House { holder: Holder::Works, ..house(true) };
    *both.table.lock().unwrap() = vec![running(1, "auth")];
    assert_eq!(both.manager().stop("auth", GENTLY).unwrap().status(), SessionStatus::Stopped);
    assert_eq!(both.told(), ["unload Now", "stop"]);
    let none = House { context: None, ..house(false) };
    let err = none.manager().stop("auth", GENTLY).unwrap_err();
    assert_eq!(err.code(), Code::NotRunning);
}

#[test]
fn a_destroy_refuses_a_context_at_work_and_ends_it_when_told_so() {
    let house = house(true);
    let err = house.manager().destroy("auth", &Permits::default(), BranchFate::Keep).unwrap_err();
    let ManagerError::UnsavedWork { obstacles, .. } = &err else { panic!("{err}") };
    assert_eq!((&**obstacles, err.code()), (&[Obstacle::Executing][..], Code::InUse));
    assert!(err.hint().unwrap().contains("wharf stop") && err.hint().unwrap().contains("--running"));
    assert_eq!(house.told(), [""; 0]);

    let permits = Permits::from_iter([Permit::Running]);
    house.manager().destroy("auth", &permits, BranchFate::Keep).unwrap();
    // Before the work is weighed again, and once more when no other command can begin.
    assert_eq!(house.told(), ["unload Now", "commit", "unload Now", "discard", "commit"]);
}

#[test]
fn a_command_that_comes_at_the_last_moment_keeps_its_session() {
    let house = House { is_late: true, ..house(false) };
    let err = house.manager().destroy("auth", &Permits::default(), BranchFate::Keep).unwrap_err();
    assert!(matches!(err, ManagerError::UnsavedWork { .. }), "{err}");
    assert_eq!(house.told(), ["commit", "unload WhenIdle", "commit"]);
    assert_eq!(house.session().pending(), None);
}

#[test]
fn an_idle_context_is_saved_and_does_not_hinder_a_destroy() {
    let house = house(false);
    house.manager().destroy("auth", &Permits::default(), BranchFate::Keep).unwrap();
    assert_eq!(house.told(), ["commit", "unload WhenIdle", "discard", "commit"]);
}

#[test]
fn a_shutdown_saves_every_context() {
    let house = house(true);
    assert_eq!(house.manager().stop_all(GENTLY).unwrap(), 0);
    assert_eq!(house.told(), ["unload Now"]);
}

#[test]
fn what_runs_includes_a_context_alone() {
    let own = std::process::id();
    let context = Some(Processes { pids: vec![own], is_busy: false });
    let house = House { context, ..house(false) };
    let running = house.manager().ps(Some("auth")).unwrap();
    let pids: Vec<u32> = running[0].processes.iter().map(|it| it.pid).collect();
    assert_eq!((running[0].context.as_ref().unwrap().interpreter.as_str(), pids), ("bash", vec![own]));
    let none = House { context: None, ..house };
    assert_eq!(none.manager().ps(Some("auth")).unwrap_err().code(), Code::NotRunning);
}

#[test]
fn every_failure_of_a_context_has_a_word_and_says_what_to_do() {
    let text = String::new;
    for (source, code) in [
        (ShellError::Nul, Code::InvalidValue),
        (ShellError::NoInterpreter { name: text() }, Code::InvalidValue),
        (ShellError::OtherInterpreter { has: text(), wants: text() }, Code::InUse),
        (ShellError::Busy, Code::InUse),
        (ShellError::Full { limit: 1 }, Code::MaxContexts),
        (ShellError::Interpreter { program: text(), because: text() }, Code::StartFailed),
        (ShellError::Silent { because: text() }, Code::Unreachable),
        (ShellError::Locked { path: "/x".into() }, Code::StateLocked),
    ] {
        let err = ManagerError::Shell { name: "auth".parse().unwrap(), source };
        assert_eq!(err.code(), code, "{err}");
        assert!(err.hint().is_some(), "{err}");
    }
}
