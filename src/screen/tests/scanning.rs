use super::*;
use crate::screen::scan::OSC_BYTES_MAX;

#[test]
fn a_command_that_never_ends_is_not_kept() {
    let mut screen = small(b"\x1b]9;");
    for _ in 0..1000 {
        screen.feed(&[b'x'; 4096]);
    }
    assert!(screen.scanner.unfinished().len() <= OSC_BYTES_MAX);
    screen.feed(b"\x07text");
    assert_eq!(screen.text(), "text");
}

#[test]
fn a_command_that_is_too_long_ends_where_it_should() {
    let long = "x".repeat(2 * OSC_BYTES_MAX);
    for end in ["\x07", "\x1b\\", "\x18"] {
        let mut screen = small(format!("a\x1b]52;c;{long}{end}b").as_bytes());
        assert_eq!(screen.text(), "ab");
        assert_eq!(screen.feed(b"").notices, []);
        assert!(screen.scanner.is_at_rest());
    }
}

#[test]
fn what_is_unfinished_is_known() {
    for (fed, unfinished) in [
        ("text", ""),
        ("a\x1b", "\x1b"),
        ("a\x1b[3\n8;5", "\x1b[38;5"),
        ("\x1b]0;ti", "\x1b]0;ti"),
        ("\x1b]0;ti\x1b", "\x1b"),
        ("\x1bPdata", "\x1bPdata"),
        ("\x1b[1m", ""),
        ("\x1b(", "\x1b("),
        ("\x1b[1\x18", ""),
    ] {
        assert_eq!(
            String::from_utf8(small(fed.as_bytes()).scanner.unfinished()).unwrap(),
            unfinished,
            "{fed:?}"
        );
    }
}

#[test]
fn characters_may_be_cut_in_two() {
    let crab = "🦀 ✓".as_bytes();
    let mut screen = small(b"");
    for byte in crab {
        screen.feed(&[*byte]);
    }
    assert_eq!(screen.text(), "🦀 ✓");
}

#[test]
fn halves_of_characters_that_never_end_do_not_stay() {
    let mut screen = small(b"a\xf0\x9f");
    assert_eq!((screen.text().as_str(), screen.begun.as_slice()), ("a", &b"\xf0\x9f"[..]));
    assert!(screen.snapshot(0).ends_with(b"\xf0\x9f"));
    screen.feed(b"b");
    assert_eq!(screen.text(), "a\u{fffd}b");
    screen.feed(b"\xff\x80\x80\x80");
    assert!(screen.begun.is_empty());
}

#[test]
fn what_stands_behind_a_designation_begins_nothing() {
    for designation in ["\x1b&^", "\x1b(]", "\x1b([", "\x1b#_", "\x1b  P"] {
        let mut screen = small(designation.as_bytes());
        screen.feed(b"S");
        assert_eq!(copy(&mut screen).text(), screen.text(), "{designation:?}");
        assert!(screen.text().ends_with('S'), "{designation:?}");
    }
}

#[test]
fn a_string_does_not_end_within_a_character() {
    for string in [&b"\x1bPq\x9c="[..], b"\x1bPL\xe2\x9c\x93 text", b"\x1b_\x9cA", b"\x1bP\x9c\x9c"] {
        let mut screen = small(string);
        assert_eq!(screen.text(), "", "{string:?}");
        let mut copy = copy(&mut screen);
        screen.feed(b"more\x1b\\shown");
        copy.feed(b"more\x1b\\shown");
        assert_eq!((screen.text().as_str(), copy.text().as_str()), ("shown", "shown"), "{string:?}");
    }
}
