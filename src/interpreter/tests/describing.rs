//! Whether our own descriptions are right, and wrong ones are refused.

use super::*;

const OWN: &str = "start = ['bc']\nrun = '{text}'\nmark = '{mark}'\nanswer = 'output'\n";

fn entry(text: &str) -> Entry {
    toml::from_str(text).unwrap()
}

#[test]
fn our_own_table_is_right() {
    let interpreters = Interpreters::builtin();
    let names: Vec<&str> = interpreters.iter().map(Interpreter::name).collect();
    assert_eq!(names, ["bash", "python", "sh"]);
    for interpreter in interpreters.iter() {
        let words = interpreter.start().join(" ");
        assert!(!words.contains("{file:"), "{words}");
        let saves = interpreter.save_line("/state", "").unwrap();
        assert!(!String::from_utf8(saves).unwrap().contains("{state}"));
    }
}

#[test]
fn a_description_of_the_user_replaces_ours() {
    let mut interpreters = Interpreters::builtin();
    interpreters.define("bash", entry(OWN)).unwrap();
    assert_eq!(interpreters.find("bash").unwrap().program(), "bc");
    assert_eq!(interpreters.find("bash").unwrap().title(), "bash");
    assert_eq!(interpreters.iter().count(), 3);
    assert_eq!(interpreters.find("none"), None);
}

#[test]
fn an_entry_comes_back_as_it_was() {
    for interpreter in Interpreters::builtin().iter() {
        let text = toml::to_string(interpreter.entry()).unwrap();
        assert_eq!(&entry(&text), interpreter.entry());
        let json = serde_json::to_string(interpreter.entry()).unwrap();
        assert_eq!(&serde_json::from_str::<Entry>(&json).unwrap(), interpreter.entry());
    }
    assert!(toml::from_str::<Entry>(&format!("{OWN}other = 1")).is_err());
}

#[test]
fn wrong_descriptions_are_refused_by_their_key() {
    let wrong = |change: &str| {
        let mut table: toml::Table = OWN.parse().unwrap();
        table.extend(change.parse::<toml::Table>().unwrap());
        match Interpreter::of("own", table.try_into().unwrap()) {
            Err(InterpreterError::Entry { key, .. }) => key,
            other => panic!("{change}: {other:?}"),
        }
    };
    for (change, key) in [
        ("title = ''", "title"),
        ("start = []", "start"),
        ("start = ['']", "start"),
        ("run = 'x'", "run"),
        ("run = \"{text}\\u0000\"", "run"),
        ("mark = 'x'", "mark"),
        ("answer = 'path'", "mark"),
        ("answer = 'path'\nmark = '{mark}{answer}'", "run"),
        ("variables = { '' = '1' }", "variables"),
        ("save = 'x'", "save"),
        ("save = '{state}'", "restore"),
        ("save = '{state}'\nrestore = '{state}'\ndefinitions = ['x']", "definitions"),
        ("definitions = ['(']", "definitions"),
    ] {
        assert_eq!(wrong(change), key, "{change}");
    }
    for name in ["", "Bash", "a b", "é", &"x".repeat(51)] {
        let refused = Interpreter::of(name, entry(OWN));
        assert!(matches!(refused, Err(InterpreterError::Name { .. })), "{name}");
    }
}

#[test]
fn only_so_many_can_be_described() {
    let mut interpreters = Interpreters::builtin();
    for number in 0..OWN_MAX {
        interpreters.define(&format!("own-{number}"), entry(OWN)).unwrap();
    }
    let refused = interpreters.define("one-more", entry(OWN));
    assert_eq!(refused, Err(InterpreterError::TooMany { limit: 100 }));
    interpreters.define("own-1", entry(OWN)).unwrap();
}

#[test]
fn places_are_filled_in_once_and_other_braces_stay() {
    let own = entry(
        "start = ['x']\nrun = 'f() { {text}; } {stdin} {stdout} {stderr} {code} ${x}'\nmark = '{mark} {answer}'",
    );
    let own = Interpreter::of("own", own).unwrap();
    let paths = Paths { script: "3", stdin: "0", stdout: "1", stderr: "2" };
    let line = own.run_line(b"{stdin}'\xff", paths, "7", 3);
    assert_eq!(line, b"f() { {stdin}'\xff; } 0 1 2 3 ${x}\n");
}
