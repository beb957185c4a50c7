//! Whether anything that a command sets keeps the next ones from being run.

use super::{support::Live, *};

#[track_caller]
fn goes_on_after(set: &str) {
    let mut bash = Live::start("bash");
    let told = bash.run(set);
    assert!(!told.ran.session_ended, "{told:?}");
    for turn in ["first", "second"] {
        let told = bash.run("v=5; printf '%s|' 'a!b' \"c\nd\"");
        assert!(told.stdout.contains("a!b|c\nd|"), "{turn} after {set}: {told:?}");
    }
    assert!(bash.context.changes().set.contains_key("variable:v"), "{set}");
    let mut bash = bash.again();
    assert_eq!(bash.lost, [""; 0], "{set}");
    let told = bash.run("echo \"<$v>\"");
    assert!(told.stdout.contains("<5>"), "a new one after {set}: {told:?}");
}

#[test]
fn commands_with_our_names_made_anew() {
    goes_on_after(
        "printf() { echo mine; }; declare() { :; }; eval() { :; }; export() { :; }; unset() { :; }; trap() { :; }; set() { :; }; shopt() { :; }; cd() { :; }\nunset -f printf 2>/dev/null; builtin unset -f printf",
    );
    goes_on_after(
        "alias command=false builtin=false eval=false declare=false export=false return=false set=false",
    );
}

#[test]
fn a_command_of_the_name_command() {
    let mut bash = Live::start("bash");
    bash.says("command() { return 1; }");
    assert_eq!(bash.says("x=1; declare y=2; echo $x$y"), "12\n");
    let mut bash = bash.again();
    assert_eq!(bash.says("echo $x$y; unset -f command; command echo back"), "12\nback\n");
}

#[test]
fn options_that_say_what_is_read() {
    goes_on_after("set -v");
    goes_on_after("set -x");
    goes_on_after("set -x; BASH_XTRACEFD=1");
    goes_on_after("set -H");
    goes_on_after("set -H; set -o history");
}

#[test]
fn options_that_are_strict() {
    goes_on_after("set -u; set -f; set -C; set -o pipefail");
    goes_on_after("set -e; set -E");
    goes_on_after("set -o posix");
    goes_on_after("export SHELLOPTS BASHOPTS; set -f");
    goes_on_after("set -a; set -k; set -h; set -m; set -b; set +B; set -P; set -T");
    goes_on_after(
        "shopt -s failglob nullglob extdebug xpg_echo compat44 expand_aliases; shopt -u expand_aliases",
    );
}

#[test]
fn what_words_are() {
    goes_on_after("IFS=0123456789abcdef");
    goes_on_after("IFS=");
    goes_on_after("unset IFS PATH PWD HOME OLDPWD");
    goes_on_after("LC_ALL=C; LANG=C");
    goes_on_after("PATH=/nowhere; hash -r");
}

#[test]
fn what_runs_beside_commands() {
    goes_on_after("trap 'echo debug; n=$((n+1))' DEBUG");
    goes_on_after("trap 'echo err' ERR; false");
    goes_on_after("PROMPT_COMMAND='echo prompt; false'; PS1='$(echo x) '; PS0=x PS4='$(echo y)'");
    goes_on_after("trap 'echo ret' RETURN; set -T; trap 'echo debug' DEBUG");
}

#[test]
fn descriptors_that_were_closed() {
    goes_on_after("exec 1>&- 2>&- 0<&-");
    goes_on_after("exec 9>/dev/null 3>&1; exec 9>&-");
    goes_on_after("exec </dev/zero >/dev/null");
}

#[test]
fn text_that_means_nothing() {
    for text in
        ["if", ")", "'", "echo 'a", "$(", "echo ${x", "cat <<X\nabc", "\\", "f() {", "\u{fffd}\n!\n^a^b"]
    {
        let mut bash = Live::start("bash");
        bash.run(text);
        let next = bash.run("echo next");
        // An unfinished `$(` breaks the memory of bash 5.2 itself, which then may abort; that is told as its end.
        let is_aborted = text == "$(" && next.ran.session_ended && next.ran.code == 134;
        assert!(is_aborted || next.stdout == "next\n", "{text}: {next:?}");
    }
}

#[test]
fn errors_that_drop_the_rest() {
    let mut bash = Live::start("bash");
    let told = bash.run("echo a; : ${nothing?is unset}; echo b");
    assert_eq!((told.stdout.as_str(), told.ran.session_ended), ("a\n", false));
    assert!(told.ran.code != 0 && told.stderr.contains("is unset"));
    assert!(bash.run("set -u; echo $nothing; echo b").ran.code != 0);
    assert!(!bash.run("return 3; break; continue").ran.session_ended);
    assert!(bash.run("readonly r=1; r=2; echo after").ran.code != 0);
    assert_eq!(bash.says("echo next"), "next\n");
}

#[test]
fn nul_is_refused() {
    let mut bash = Live::start("bash");
    let task = Task { number: 1, text: b"echo a\0b", stdin: Stdin::Nothing, time_limit: None };
    let ran = bash.context.run(&task, &bash.controls, &mut support::Heard::default());
    assert!(matches!(ran, Err(ShellError::Nul)));
}

#[test]
fn text_of_any_bytes_and_of_any_length() {
    let mut bash = Live::start("bash");
    let told = bash.run_task(b"printf %s '\xff\x80\x01\x7f' | od -An -tx1", Stdin::Nothing, None);
    assert_eq!(told.stdout, " ff 80 01 7f\n");
    let long = "x".repeat(700_000);
    assert_eq!(bash.says(&format!("printf %s {long}")), long);
}
