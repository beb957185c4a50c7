//! Whether nothing gets away from a context whose process adopts orphans. Adopting is for a whole process, so each of
//! these facts is shown in a process of its own: the test binary, started again for one test.

#![expect(clippy::disallowed_methods, reason = "real processes are the subject")]

use std::{env, process::Command};

use super::{support::Live, *};

const INSIDE: &str = "WHARF_TEST_INSIDE";

/// Runs a test again, alone in a process of its own.
#[track_caller]
fn in_its_own_process(name: &str, fact: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        process::become_subreaper().unwrap();
        return fact();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([&format!("shell::context::tests::adopting::{name}"), "--exact", "--nocapture"]);
    let output = command.env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{talk}");
}

fn adopting() -> Live {
    let folder = tempfile::tempdir().unwrap();
    let mut setting = support::setting(folder.path());
    setting.subreaper = Some(std::process::id());
    Live::load("bash", folder, setting, &Changes::default())
}

#[test]
fn orphans_without_our_variable_are_ended_with_their_command() {
    in_its_own_process("orphans_without_our_variable_are_ended_with_their_command", || {
        let mut bash = adopting();
        bash.says("(env -i setsid sleep 1000 >/dev/null 2>&1 &)");
        let earlier = bash.context.tree.jobs().unwrap();
        assert_eq!(earlier.len(), 1, "{earlier:?}");
        let text = b"(env -i setsid sh -c 'trap \"\" INT TERM; (sleep 1000 &); sleep 1000' >/dev/null 2>&1 &) ; sleep 1000";
        let told = bash.run_task(text, Stdin::Nothing, Some(Duration::from_millis(200)));
        assert_eq!((told.ran.finish, told.ran.session_ended), (Finish::TimedOut, false));
        let left = bash.context.tree.jobs().unwrap();
        assert_eq!(left.iter().map(|it| it.pid).collect::<Vec<_>>(), [earlier[0].pid]);
        bash.context.end(Jobs::End);
        assert!(!process::is_alive(&earlier[0].id().unwrap()));
    });
}

#[test]
fn orphans_are_reaped_and_the_code_of_the_interpreter_is_not_taken() {
    in_its_own_process("orphans_are_reaped_and_the_code_of_the_interpreter_is_not_taken", || {
        let mut bash = adopting();
        bash.says("mkfifo go; (sh -c 'read x <go' >/dev/null 2>&1 &)");
        let job = bash.context.tree.jobs().unwrap().remove(0);
        bash.says("echo >go");
        process::wait_for_end(&job.id().unwrap(), Duration::from_secs(10)).unwrap();
        assert!(!bash.context.has_jobs());
        let all = process::all().unwrap();
        assert!(!all.iter().any(|it| it.pid == job.pid), "no zombie is left");
        let told = bash.run("exit 5");
        assert_eq!((told.ran.code, told.ran.session_ended), (5, true));
    });
}
