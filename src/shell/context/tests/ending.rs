//! How commands end that do not end by themselves.

use super::{
    support::{Live, Told},
    *,
};

const SOON: Option<Duration> = Some(Duration::from_millis(100));

#[track_caller]
fn is_stopped(text: &str) {
    let mut bash = Live::start("bash");
    bash.says("x=5");
    let told = bash.run_task(text.as_bytes(), Stdin::Nothing, SOON);
    assert_eq!((told.ran.code, told.ran.finish), (124, Finish::TimedOut), "{told:?}");
    assert!(!told.ran.session_ended, "{told:?}");
    assert!(!bash.context.has_jobs(), "{:?}", bash.context.tree.jobs());
    assert_eq!(bash.says("echo $x"), "5\n");
}

#[test]
fn a_loop_of_the_shell_itself() {
    is_stopped("while :; do :; done");
    is_stopped("for i in 1 2 3; do sleep 1000; done");
}

#[test]
fn programs_that_do_not_want_to_end() {
    is_stopped("bash -c 'trap \"\" INT TERM; while :; do sleep 1000; done'");
    is_stopped("for i in 1 2 3; do bash -c 'trap \"\" INT TERM; while :; do sleep 1000; done'; done");
}

#[test]
fn programs_that_got_away() {
    is_stopped(
        "setsid sleep 1000 & (setsid sleep 1000 &); (sleep 1000 &); nohup sleep 1000 >/dev/null 2>&1 & sleep 1000",
    );
    is_stopped("setsid bash -c 'trap \"\" INT TERM; (sleep 1000 &) ; sleep 1000' & sleep 1000");
}

#[test]
fn a_shell_that_stopped_itself() {
    is_stopped("kill -STOP $$; while :; do :; done");
}

#[test]
fn a_pipe_and_a_substitution() {
    is_stopped("yes | cat | sleep 1000");
    is_stopped("y=$(sleep 1000; echo 6)");
    is_stopped("y=$(sleep 1000); x=6");
    is_stopped("cat <(sleep 1000)");
}

#[test]
fn a_shell_that_ignores_being_interrupted_is_ended() {
    let mut bash = Live::start("bash");
    bash.says("x=5");
    let told = bash.run_task(b"trap '' INT TERM; while :; do :; done", Stdin::Nothing, SOON);
    assert_eq!((told.ran.code, told.ran.finish, told.ran.session_ended), (124, Finish::TimedOut, true));
    let mut bash = bash.again();
    assert_eq!(bash.says("echo $x"), "5\n");
}

#[test]
fn jobs_of_earlier_commands_survive_and_so_do_their_children() {
    let mut bash = Live::start("bash");
    bash.says("mkfifo go came");
    bash.run("{ read x <go; sleep 1000 & echo $! >came; wait; } & sleep 1000 & (setsid sleep 1000 &)");
    let told = bash.run_task(
        b"sleep 1000 & echo >go; read y <came; echo $y; setsid sleep 1000",
        Stdin::Nothing,
        SOON,
    );
    assert_eq!(told.ran.finish, Finish::TimedOut);
    let child: u32 = told.stdout.trim().parse().unwrap();
    let jobs = bash.context.tree.jobs().unwrap();
    assert!(jobs.iter().any(|it| it.pid == child), "{jobs:?}");
    // The group, its child, and the two that only sleep.
    assert_eq!(jobs.len(), 4, "{jobs:?}");
    bash.context.end(Jobs::End);
}

/// Runs a command and cancels it when it says so.
fn cancelled(bash: &mut Live, text: &str) -> Told {
    struct Cancel<'a>(&'a Controls, support::Heard);
    impl Sink for Cancel<'_> {
        fn output(&mut self, stream: Stream, bytes: &[u8]) {
            self.1.output(stream, bytes);
            self.0.give(Control::Cancel).unwrap();
        }
        fn late(&mut self, _: u64, _: Stream, _: &[u8]) {}
    }
    bash.number += 1;
    let task = Task { number: bash.number, text: text.as_bytes(), stdin: Stdin::Nothing, time_limit: None };
    let mut sink = Cancel(&bash.controls, support::Heard::default());
    let ran = bash.context.run(&task, &bash.controls, &mut sink).unwrap();
    let stdout = String::from_utf8(sink.1.stdout).unwrap();
    bash.controls.clear();
    Told { ran, stdout, stderr: String::new(), late: Vec::new() }
}

#[test]
fn a_cancelled_command_is_interrupted_and_the_context_goes_on() {
    let mut bash = Live::start("bash");
    let told = cancelled(&mut bash, "x=7; sh -c 'echo begun; exec sleep 1000'; echo no");
    assert_eq!((told.ran.code, told.ran.finish, told.stdout.as_str()), (130, Finish::Cancelled, "begun\n"));
    assert!(!told.ran.session_ended, "{told:?}");
    assert_eq!(bash.says("echo $x"), "7\n");
    let told =
        cancelled(&mut bash, "trap 'echo trapped' INT; sh -c 'echo begun; exec sleep 1000'; echo rest");
    assert_eq!((told.stdout.as_str(), told.ran.code), ("begun\ntrapped\nrest\n", 0));
    assert_eq!(bash.says("trap - INT; echo $x"), "7\n");
}

#[test]
fn an_interpreter_that_is_killed_or_replaced_from_inside_is_gone() {
    for (text, code) in [
        ("kill -9 $$", 137),
        ("exec sh -c 'echo new; exit 6'", 6),
        ("exit", 0),
        ("trap 'echo bye' EXIT; exit 2", 2),
    ] {
        let mut bash = Live::start("bash");
        let told = bash.run(text);
        assert_eq!(
            (told.ran.code, told.ran.session_ended, told.ran.finish),
            (code, true, Finish::Done),
            "{text}"
        );
    }
}

#[test]
fn what_is_left_running_is_left_or_ended_with_the_context() {
    for (jobs, is_left) in [(Jobs::Leave, true), (Jobs::End, false)] {
        let mut bash = Live::start("bash");
        let interpreter = bash.says("echo $$");
        assert_eq!(interpreter.trim(), bash.context.pid().to_string());
        let told = bash.run("sleep 1000 >/dev/null 2>&1 & echo $!");
        let job = process::identify(told.stdout.trim().parse().unwrap()).unwrap().unwrap();
        bash.context.end(jobs);
        assert_eq!(process::is_alive(&job), is_left);
        process::send(&job, Signal::KILL).unwrap();
    }
}

#[test]
fn jobs_outlive_their_interpreter_and_the_next_one_hears_of_them() {
    let mut bash = Live::start("bash");
    bash.says("mkfifo go; x=5");
    let told = bash.run("{ read y <go; echo \"late $y\"; } & exit 3");
    assert!(told.ran.session_ended);
    let changes = bash.context.changes();
    let Live { folder, setting, context, .. } = bash;
    let mut bash = Live::load("bash", folder, setting, &changes);
    bash.context.succeed(context);
    bash.number = 2;
    assert!(bash.context.has_jobs());
    assert_eq!(bash.says("echo $? $x"), "0 5\n");
    let mut heard = support::Heard { late: bash.run("echo 1 >go").late, ..Default::default() };
    while heard.late.is_empty() {
        let soon = Instant::now() + Duration::from_millis(50);
        bash.context.rest(&bash.controls, Some(soon), &mut heard).unwrap();
    }
    assert_eq!(heard.late, [(2, Stream::Stdout, b"late 1\n".to_vec())]);
}

#[test]
fn what_is_left_of_a_long_line_is_never_run() {
    let mut bash = Live::start("bash");
    // The time is over before the interpreter has read the half of it.
    let text = format!("sleep 1000; : '{}'\ntouch ran", "touch ran; ".repeat(60_000));
    let told = bash.run_task(text.as_bytes(), Stdin::Nothing, Some(Duration::ZERO));
    assert_eq!(told.ran.finish, Finish::TimedOut);
    assert_eq!(bash.says("ls; echo next"), "next\n");
}

#[test]
fn a_command_that_takes_away_how_its_end_is_told_is_not_waited_for() {
    for text in ["enable -n printf", "builtin() { echo x; }", "echo begun; set -r"] {
        let mut bash = Live::start("bash");
        let told = bash.run(text);
        assert_eq!((told.ran.code, told.ran.session_ended), (137, true), "{text}: {told:?}");
    }
}

#[test]
fn a_command_that_only_waits_is_waited_for() {
    let mut bash = Live::start("bash");
    let told = bash.run("sleep 1 & exec 9<> <(:); read -r -t 4 -u 9 x; echo done");
    assert_eq!((told.stdout.as_str(), told.ran.session_ended), ("done\n", false), "{told:?}");
}

#[test]
fn the_shell_says_nothing_of_its_own() {
    let mut bash = Live::start("bash");
    assert_eq!(bash.run("sleep 0 & wait; kill -INT $BASHPID & wait").stderr, "");
    let told = bash.run("echo mine >&2; exit 4");
    assert_eq!((told.stderr.as_str(), told.ran.code, told.ran.session_ended), ("mine\n", 4, true));
}
