//! The same with a POSIX shell, which can print less of itself.

use super::{support::Live, *};

#[test]
fn it_runs_commands_and_keeps_what_they_set_up() {
    let mut sh = Live::start("sh");
    let told = sh.run("echo out; echo err >&2; (exit 3)");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str(), told.ran.code), ("out\n", "err\n", 3));
    assert_eq!(sh.says("echo $?"), "3\n");
    sh.says("x='a\nb\"c'\"'\"; export y=6; readonly r=1; export unset_one; cd /; set -u; umask 027; alias a='echo b'; trap 'echo \"u\n\"' USR1; set -- 1 '' '2\n3'");
    let look = "printf '[%s]' \"$x\" $y $r \"$@\"; pwd; umask; a; trap; echo $-; env | grep ^y=; (r=2) 2>/dev/null || echo fixed";
    let before = sh.says(look);
    assert!(before.starts_with("[a\nb\"c'][6][1][1][][2\n3]/\n0027\nb\n"), "{before}");
    let mut sh = sh.again();
    assert_eq!(sh.lost, [""; 0]);
    assert_eq!(sh.says(look), before);
}

#[test]
fn functions_are_found_in_what_defined_them() {
    let mut sh = Live::start("sh");
    sh.says("f() { echo \"f $1; }\"; }; g () {\n  if :; then\n    echo 'g() }'\n  fi\n} >&2\nh()\n(\n  cat <<X\n}\nX\n)");
    sh.says("f() { echo \"again $1\"; }; echo 'no() { :; }'; unset -f nothing");
    let told = sh.run("f 1; g; h");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("again 1\n}\n", "g() }\n"));
    let keys: Vec<String> = sh.context.changes().set.into_keys().collect();
    assert_eq!(keys, ["function:f", "function:g", "function:h"]);
    let mut sh = sh.again();
    assert_eq!(sh.lost, [""; 0]);
    let told = sh.run("f 1; g; h");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("again 1\n}\n", "g() }\n"));
    sh.says("unset -f g");
    let mut sh = sh.again();
    assert_eq!(sh.run("g").ran.code, 127);
}

#[test]
fn it_goes_on_after_errors_and_odd_settings() {
    for set in [
        "if",
        "'",
        "set -x; set -v",
        "set -u; echo $nothing",
        "set -C; set -f",
        "IFS=0123456789abcdef",
        "readonly r=1; r=2",
        ": ${x?}",
        "printf() { :; }; alias() { :; }; umask() { :; }; pwd() { :; }; type() { :; }",
        "exec 1>&-",
        "set -e",
        "unset PATH HOME PWD",
        "trap 'echo e' EXIT",
    ] {
        let mut sh = Live::start("sh");
        let told = sh.run(set);
        assert!(!told.ran.session_ended, "{set}: {told:?}");
        sh.run("v=5");
        assert_eq!(sh.run("echo \"<$v>\"").stdout, "<5>\n", "{set}");
        let mut sh = sh.again();
        assert_eq!(sh.lost, [""; 0], "{set}");
        assert_eq!(sh.run("echo \"<$v>\"").stdout, "<5>\n", "{set}");
    }
}

#[test]
fn a_command_whose_time_is_over_is_ended_and_the_context_goes_on() {
    for text in [
        "sleep 1000",
        "while :; do :; done",
        "sh -c 'trap \"\" INT TERM; while :; do sleep 1000; done'; sleep 1000",
        "(setsid sleep 1000 &); sleep 1000",
    ] {
        let mut sh = Live::start("sh");
        sh.says("x=5");
        let told = sh.run_task(text.as_bytes(), Stdin::Nothing, Some(Duration::from_millis(100)));
        assert_eq!((told.ran.code, told.ran.session_ended), (124, false), "{text}");
        assert!(!sh.context.has_jobs());
        assert_eq!(sh.says("echo $x"), "5\n", "{text}");
    }
}

#[test]
fn it_says_when_it_ends() {
    for (text, code) in [("exit 3", 3), ("return 4", 4), ("set -e; false", 1), ("exec sh -c 'exit 6'", 6)] {
        let mut sh = Live::start("sh");
        let told = sh.run(text);
        assert_eq!((told.ran.code, told.ran.session_ended), (code, true), "{text}");
    }
}
