//! What a command finds, what it leaves, and what is told of it.

use super::{support::Live, *};

#[test]
fn outputs_are_kept_apart_and_the_code_is_told() {
    let mut bash = Live::start("bash");
    let told = bash.run("echo out; echo err >&2; (exit 3)");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str(), told.ran.code), ("out\n", "err\n", 3));
    assert_eq!(bash.says("echo $?"), "3\n", "as in any shell");
}

#[test]
fn what_a_command_sets_up_is_there_for_the_next() {
    let mut bash = Live::start("bash");
    bash.says("x=5; export y=6; f() { echo \"$1\"; }; alias ll='echo alias'; cd /");
    assert_eq!(bash.says("f $x$y; ll; pwd"), "56\nalias\n/\n");
}

#[test]
fn an_interpreter_that_ends_says_so() {
    let mut bash = Live::start("bash");
    let told = bash.run("echo last; exit 4");
    assert!(told.ran.session_ended);
    assert_eq!((told.stdout.as_str(), told.ran.code), ("last\n", 4));
    assert!(!bash.context.is_alive());
}

#[test]
fn a_new_context_is_as_the_last_one_was() {
    let mut bash = Live::start("bash");
    bash.says("x='a\nb\"c'; declare -a l=(1 '2 3'); f() { echo \"f $1\"; }; cd /; set -u; umask 027; alias a='echo b'");
    let before = bash.context.changes();
    let mut bash = bash.again();
    assert_eq!(bash.lost, [""; 0]);
    assert_eq!(bash.context.changes(), before);
    assert_eq!(
        bash.says("f \"$x${l[1]}\"; pwd; umask; a; echo $-").lines().collect::<Vec<_>>()[..5],
        ["f a", "b\"c2 3", "/", "0027", "b"]
    );
}

#[test]
fn a_command_whose_time_is_over_is_ended_and_the_context_goes_on() {
    let mut bash = Live::start("bash");
    bash.says("x=5");
    let told = bash.run_task(b"sleep 1000", Stdin::Nothing, Some(Duration::from_millis(50)));
    assert_eq!((told.ran.code, told.ran.finish, told.ran.session_ended), (124, Finish::TimedOut, false));
    assert_eq!(bash.says("echo $x"), "5\n");
}

#[test]
fn a_context_does_not_end_because_a_login_shell_would() {
    let folder = tempfile::tempdir().unwrap();
    let mut setting = support::setting(folder.path());
    setting.variables.push(("TMOUT".into(), "1".into()));
    let mut bash = Live::load("bash", folder, setting, &Changes::default());
    assert_eq!(bash.says("echo ${TMOUT-none}"), "none\n");
}
