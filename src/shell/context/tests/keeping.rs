//! What of a context outlives its interpreter.

use proptest::prelude::*;

use super::{support::Live, *};

/// Runs a command, starts another interpreter from what it left, and looks whether that holds the same.
#[track_caller]
fn survives(set: &str, look: &str) -> String {
    let mut bash = Live::start("bash");
    let told = bash.run(set);
    assert!(!told.ran.session_ended, "{told:?}");
    assert_eq!(told.ran.lost, [""; 0]);
    let before = bash.says(look);
    let changes = bash.context.changes();
    let mut again = bash.again();
    assert_eq!(again.lost, [""; 0]);
    assert_eq!(again.context.changes(), changes);
    let after = again.says(look);
    assert_eq!(after, before);
    after
}

#[test]
fn variables_with_line_breaks_quotes_and_odd_bytes() {
    let set = r#"a=$'1\n2\n'; b="x\"y'z"; c=$'\001\377\200\033'; d='$HOME `id` \ !'; e=; f=' '"#;
    let said = survives(set, r#"printf '[%s]' "$a" "$b" "$d" "$e" "$f"; printf %s "$c" | od -An -tx1"#);
    assert_eq!(said, "[1\n2\n][x\"y'z][$HOME `id` \\ !][][ ] 01 ff 80 1b\n");
}

#[test]
fn arrays_and_their_odd_keys() {
    let set = r#"a=(1 '2 3' $'4\n5' ')' '"'); a[9]=x; declare -A m=(['a b']=1 [$'c\nd']=2 [']']=3 ['"']=4 ['$x']=5 [é]=6); declare -a n=(); declare -A o"#;
    let look = r#"declare -p a m n o; printf '[%s]' "${a[@]}" "${m[\$x]}" "${m["a b"]}""#;
    let said = survives(set, look);
    assert!(said.ends_with("[1][2 3][4\n5][)][\"][x][5][1]"), "{said}");
}

#[test]
fn attributes_of_variables() {
    let set = "declare -i i=3; declare -r r=1; declare -u u=abc; declare -x x=1; t=5; declare -n n=t; declare d; export E; declare -ar ra=(1 2); export ARR=(1)";
    let look = "declare -p i r u x n d E ra ARR; echo $n; (i=2+3; echo $i); env | grep ^x=";
    let said = survives(set, look);
    assert!(said.contains("declare -r r=\"1\"") && said.ends_with("5\n5\nx=1\n"), "{said}");
}

#[test]
fn what_is_unset_stays_unset() {
    let mut bash = Live::start("bash");
    bash.says("unset HOME; unset -f nothing; set --");
    let mut bash = bash.again();
    assert_eq!(bash.says("echo ${HOME-gone}"), "gone\n");
}

#[test]
fn functions_whatever_is_in_them() {
    let set = "f() { echo \"f $1 }\"; }\ng() { cat <<'X'\n}\nh () \n{ \n    echo no\nX\n}\nh () { f h; }; export -f h; k() ( case a in a) echo k;; esac )";
    let said = survives(set, "f 1; g; h; k; bash -c h 2>&1 | head -1");
    assert!(said.starts_with("f 1 }\n}\nh () \n{ \n    echo no\nf h }\nk\n"), "{said}");
}

#[test]
fn functions_need_the_options_they_were_written_with() {
    survives("shopt -s extglob\nf() { [[ $1 == +(a|b) ]] && echo yes; }", "f aab");
}

#[test]
fn aliases_options_umask_traps_and_parameters() {
    let set = "alias a='echo \"it'\\''s\"' -- -x=ls; shopt -s globstar nullglob; set -f; set -o pipefail; umask 0077; \
               trap 'echo \"a\nb\"' USR1; trap '' HUP; set -- one '' $'two\nthree' 'fo ur'";
    let look =
        "alias; shopt globstar; echo $-; set -o | grep pipefail; umask; trap -p; printf '[%s]' \"$@\"; a";
    let said = survives(set, look);
    assert!(said.ends_with("[one][][two\nthree][fo ur]it's\n"), "{said}");
    assert!(said.contains("trap -- 'echo \"a\nb\"' SIGUSR1"), "{said}");
}

#[test]
fn a_directory_that_is_gone_is_told_and_the_first_one_stands_in() {
    let mut bash = Live::start("bash");
    bash.says("mkdir -p 'a dir/x' && cd 'a dir/x' && y=7");
    let told = bash.run("rmdir ../x; echo $y");
    assert_eq!(told.stdout, "7\n");
    let mut bash = bash.again();
    assert_eq!(bash.lost, ["directory"]);
    let first = bash.setting.directory.display().to_string();
    assert_eq!(bash.says("pwd; echo $y"), format!("{first}\n7\n"));
}

#[test]
fn an_odd_directory_is_come_back_to() {
    let said = survives("mkdir -p -- $'-o d\\n\"\\'d' && cd ./-*", "pwd");
    assert!(said.ends_with("/-o d\n\"'d\n"), "{said}");
}

#[test]
fn a_failing_command_under_e_ends_the_interpreter_and_e_comes_back() {
    let mut bash = Live::start("bash");
    bash.says("set -eu; x=1");
    let told = bash.run("x=2; false; echo no");
    assert!(told.ran.session_ended && told.stdout.is_empty(), "{told:?}");
    assert_eq!(told.ran.code, 1);
    let mut bash = bash.again();
    assert_eq!(bash.lost, [""; 0]);
    assert_eq!(bash.says("echo $x"), "1\n");
    assert!(bash.run("false").ran.session_ended);
}

#[test]
fn one_piece_that_cannot_be_set_costs_no_other() {
    let mut bash = Live::start("bash");
    bash.says("a=1; b=2; f() { :; }");
    let mut changes = bash.context.changes();
    changes.set.insert("variable:a".to_owned(), b"declare -- a=\"unfinished".to_vec());
    changes.set.insert("function:g".to_owned(), b"g () { ((( }".to_vec());
    changes.set.insert("trap:X".to_owned(), b"trap -- 'x' NO_SUCH".to_vec());
    let Live { folder, setting, context, .. } = bash;
    context.end(Jobs::End);
    let mut bash = Live::load("bash", folder, setting, &changes);
    bash.lost.sort();
    assert_eq!(bash.lost, ["function:g", "trap:X", "variable:a"]);
    assert_eq!(bash.says("f; echo $b"), "2\n");
}

#[test]
fn one_piece_that_ends_the_interpreter_costs_no_other() {
    let mut bash = Live::start("bash");
    bash.says("a=1; b=2");
    let mut changes = bash.context.changes();
    changes.set.insert("variable:a".to_owned(), b"declare -- a=1; exit 3".to_vec());
    let Live { folder, setting, context, .. } = bash;
    context.end(Jobs::End);
    let mut bash = Live::load("bash", folder, setting.clone(), &changes);
    assert_eq!(bash.lost, ["variable:a"]);
    assert_eq!(bash.says("echo $a$b"), "2\n");
    for at in 0..9 {
        changes.set.insert(format!("variable:x{at}"), b"declare -- x=1; exit 3".to_vec());
    }
    let Live { folder, context, .. } = bash;
    context.end(Jobs::End);
    let mut bash = Live::load("bash", folder, setting, &changes);
    assert_eq!(bash.lost.last().map(String::as_str), Some("state"), "and in the end it is a fresh one");
    assert_eq!(bash.says("echo next$b"), "next\n");
}

#[test]
fn a_large_variable_of_quotes_is_come_back_to() {
    for name in ["bash", "sh"] {
        let folder = tempfile::tempdir().unwrap();
        let setting = Setting { state_bytes_max: 16 << 20, ..support::setting(folder.path()) };
        let mut shell = Live::load(name, folder, setting, &Changes::default());
        shell.says("big=$(head -c 2000000 /dev/zero | tr '\\0' \\')");
        let mut shell = shell.again();
        assert_eq!(shell.lost, [""; 0], "{name}");
        assert_eq!(shell.says("echo ${#big}"), "2000000\n", "{name}");
    }
}

#[test]
fn what_is_too_large_is_told_and_the_rest_is_kept() {
    let mut bash = Live::start("bash");
    let told = bash.run("a=1; big=$(head -c 3000000 /dev/zero | tr '\\0' x); c=3");
    assert_eq!(told.ran.lost, ["variable:big"]);
    let mut bash = bash.again();
    assert_eq!(bash.says("echo $a$c${#big}"), "130\n");
}

#[test]
fn the_changes_of_one_command_are_what_it_changed() {
    let mut bash = Live::start("bash");
    bash.says("a=1; b=1");
    let changes = bash.run("a=2; unset b; c=3").ran.changes;
    assert_eq!(changes.set.keys().collect::<Vec<_>>(), ["variable:a", "variable:c"]);
    assert_eq!(changes.unset.iter().collect::<Vec<_>>(), ["variable:b"]);
    assert!(bash.run("true").ran.changes.is_empty());
    assert!(bash.run("echo hi; ls / >/dev/null").ran.changes.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_values_survive(values in prop::collection::vec(prop::collection::vec(1_u8.., 0..60), 1..12)) {
        let quoted = |value: &[u8]| value.iter().flat_map(|byte| {
            let digits = [byte >> 6, (byte >> 3) & 7, byte & 7];
            ['\\'].into_iter().chain(digits.map(|digit| char::from(b'0' + digit)))
        }).collect::<String>();
        let mut bash = Live::start("bash");
        let mut set = String::from("declare -a l; declare -A m\n");
        let mut look = String::new();
        for (at, value) in values.iter().enumerate() {
            let value = quoted(value);
            set.push_str(format!("v{at}=$'{value}'; l[{at}]=$'{value}'; k=$'k{value}'; m[$k]=$'{value}'; unset k\n").as_str());
            look.push_str(format!("k=$'k{value}'; printf '%s\\0' \"$v{at}\" \"${{l[{at}]}}\" \"${{m[$k]}}\"; unset k\n").as_str());
        }
        bash.says(&set);
        let mut heard = support::Heard::default();
        let task = Task { number: 90, text: look.as_bytes(), stdin: Stdin::Nothing, time_limit: None };
        bash.context.run(&task, &bash.controls, &mut heard).unwrap();
        let before = heard.stdout;
        let mut bash = bash.again();
        prop_assert_eq!(&bash.lost, &[""; 0]);
        let mut heard = support::Heard::default();
        bash.context.run(&task, &bash.controls, &mut heard).unwrap();
        let expected: Vec<u8> =
            values.iter().flat_map(|value| [value.as_slice(), b"\0"].concat().repeat(3)).collect();
        prop_assert!(before == expected);
        prop_assert!(heard.stdout == expected);
    }
}
