//! Whether texts are quoted, and what shells print is taken apart.

use super::{lexer::statements, *};

#[test]
fn quotes_hide_whatever_there_is() {
    let written = |quote: Quote, text: &[u8]| {
        let mut line = Vec::new();
        quote.write(text, &mut line);
        String::from_utf8(line).unwrap()
    };
    assert_eq!(written(Quote::AnsiC, b"a '\\!\n\x01\xff"), r"$'a \047\134\041\n\001\377'");
    assert_eq!(written(Quote::Single, b"it's\n"), "'it'\\''s\n'");
    assert_eq!(written(Quote::Hex, b"\x00\xffA"), "00ff41");
    assert_eq!(written(Quote::Lines, b"a'b"), "a'b");
}

#[test]
fn a_statement_ends_outside_of_quotes_and_brackets() {
    let text = "a=\"1\n\\\"2\"\nb='x\n\"'\nc=$'\\'\n'\nd=([0]=\"\n)\"\n)\ne=1";
    let found: Vec<&str> =
        statements(text.as_bytes()).into_iter().map(|it| std::str::from_utf8(it).unwrap()).collect();
    assert_eq!(found, ["a=\"1\n\\\"2\"", "b='x\n\"'", "c=$'\\'\n'", "d=([0]=\"\n)\"\n)", "e=1"]);
}

#[test]
fn half_of_what_was_saved_is_nothing() {
    let interpreters = Interpreters::builtin();
    for name in ["bash", "sh", "python"] {
        let interpreter = interpreters.find(name).unwrap();
        for saved in ["declare -- a=\"1\"\n\0f () \n", "a\n5\nxy", "a\nb\n"] {
            assert_eq!(interpreter.take_apart(saved.as_bytes()), None, "{name} {saved:?}");
        }
    }
}

#[test]
fn what_traps_and_traces_print_between_is_passed_over() {
    let bash = Interpreters::builtin();
    let bash = bash.find("bash").unwrap();
    let saved = "debug\n+ x\ndeclare -- a=\"1\"\nit's\0\0\0/\n\x000";
    assert_eq!(
        bash.take_apart(saved.as_bytes()).unwrap().state.get("variable:a"),
        Some(&b"declare -- a=\"1\""[..])
    );
}

#[test]
fn functions_that_cannot_be_told_apart_are_one_piece() {
    let bash = Interpreters::builtin();
    let bash = bash.find("bash").unwrap();
    let texts = "f () \n{ \n    cat <<X\n}\ng () \n{ \nX\n\n}\ng () \n{ \n    :\n}\n";
    let saved = format!("\0{texts}\0declare -f f\ndeclare -fx g\n\0/\n\x000");
    let state = bash.take_apart(saved.as_bytes()).unwrap().state;
    let whole = format!("{texts}declare -fx g\n");
    assert_eq!(state.get("functions"), Some(whole.as_bytes()));
    assert_eq!(state.get("function:f"), None);
}

#[test]
fn definitions_are_looked_for_from_the_last_and_the_shortest() {
    let sh = Interpreters::builtin();
    let sh = sh.find("sh").unwrap();
    let text = b"f() { a; }; g () ( b )\nf()\n{ c; } >x; $(h) ; 1x() { :; }; i ( ) { :; }";
    assert_eq!(sh.defined_names(text).into_iter().collect::<Vec<_>>(), ["f", "g", "i"]);
    let may_be: Vec<&str> =
        sh.definitions(text, "f").into_iter().map(|it| std::str::from_utf8(it).unwrap()).take(2).collect();
    assert_eq!(may_be, ["f()\n{ c", "f()\n{ c; } >x"]);
    assert!(sh.defined_names(b"echo a (b) $() \"x\"").is_empty());
}

#[test]
fn pieces_come_back_as_they_were() {
    let python = Interpreters::builtin();
    let python = python.find("python").unwrap();
    let saved = b"a\n3\n\n1\n\nb\n!\nc\n0\n\n";
    let taken = python.take_apart(saved).unwrap();
    assert_eq!(
        (taken.state.get("a"), taken.state.get("c"), taken.lost),
        (Some(&b"\n1\n"[..]), Some(&b""[..]), vec!["b".to_owned()])
    );
    let mut changes = taken.state.since(&State::default());
    changes.unset.insert("d".to_owned());
    assert_eq!(python.restore(&changes), Restoring::File(b"d\n-\na\n3\n\n1\n\nc\n0\n\n".to_vec()));
}
