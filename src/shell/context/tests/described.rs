//! An interpreter that somebody described, which can redirect nothing and save nothing.

use super::{
    support::{self, Live},
    *,
};
use crate::interpreter::Interpreters;

/// A shell stands for any REPL that reads lines: it is told nothing but its input.
const LINES: &str = r#"
title = "Lines"
start = ["sh"]
run = "{text}"
mark = 'printf "\n%s %s\n" {mark} $?'
answer = "output"
definitions = ['^\s*[a-z]+=', '^\s*[a-z]+\(\)']
"#;

fn lines() -> Live {
    let mut interpreters = Interpreters::builtin();
    interpreters.define("lines", toml::from_str(LINES).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let setting = support::setting(folder.path());
    let (context, lost) =
        Context::start(interpreters.find("lines").unwrap(), &setting, &Changes::default()).unwrap();
    Live { folder, setting, context, lost, controls: Controls::new().unwrap(), number: 0 }
}

#[test]
fn its_own_output_is_that_of_its_commands() {
    let mut live = lines();
    let told = live.run("printf abc; echo err >&2; (exit 3)");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str(), told.ran.code), ("abc", "err\n", 3));
    assert_eq!(live.says("x=5; echo $x"), "5\n");
    assert_eq!(live.says("printf '\\n\\n'"), "\n\n");
    let unique = live.context.nonce.clone();
    assert_eq!(
        live.says(&format!("printf '\\n{unique}9 7\\n\\n{unique}'")),
        format!("\n{unique}9 7\n\n{unique}")
    );
    assert_eq!(live.says("head -c 3000000 /dev/zero | tr '\\0' '\\n' | wc -l").trim(), "3000000");
    let told = live.run("echo last; exit 4");
    assert_eq!((told.stdout.as_str(), told.ran.code, told.ran.session_ended), ("last\n", 4, true));
}

#[test]
fn what_defines_something_is_fed_again() {
    let mut live = lines();
    live.says("a=1");
    live.says("echo a=2 >/dev/null");
    let changes = live.run("f() { echo f $a; }").ran.changes;
    assert_eq!(changes.set.len(), 1);
    live.run("zz=1; exit");
    live.run_definitions_are(&["a=1", "f() { echo f $a; }"]);
    let changes = live.context.changes();
    let Live { folder, setting, context, .. } = live;
    let interpreter = context.interpreter.clone();
    context.end(Jobs::End);
    let (context, lost) = Context::start(&interpreter, &setting, &changes).unwrap();
    assert_eq!(lost, [""; 0]);
    let mut live = Live { folder, setting, context, lost, controls: Controls::new().unwrap(), number: 0 };
    assert_eq!(live.says("f"), "f 1\n");
    live.says("a=3");
    live.run_definitions_are(&["a=1", "f() { echo f $a; }", "a=3"]);
}

#[test]
fn a_command_whose_time_is_over_is_ended() {
    let mut live = lines();
    let told = live.run_task(b"trap : INT; sleep 1000", Stdin::Nothing, Some(Duration::from_millis(100)));
    assert_eq!((told.ran.code, told.ran.session_ended), (124, false), "{told:?}");
    assert_eq!(live.says("echo next"), "next\n");
}

impl Live {
    #[track_caller]
    fn run_definitions_are(&self, expected: &[&str]) {
        let changes = self.context.changes();
        let texts: Vec<String> =
            changes.set.values().map(|it| String::from_utf8(it.clone()).unwrap()).collect();
        assert_eq!(texts, expected);
    }
}
