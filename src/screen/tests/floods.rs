use super::*;

/// Feeds the same whole and in pieces that are too small to be a flood.
fn both(size: Size, begin: &[u8], flood: &[u8]) -> (Screen, Screen) {
    let (mut fast, mut slow) = (fed(size, begin), fed(size, begin));
    fast.feed(flood);
    for piece in flood.chunks(16) {
        slow.feed(piece);
    }
    (fast, slow)
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).map(|number| format!("line {number}  \r\n")).collect::<Vec<_>>().concat().into_bytes()
}

#[test]
fn lines_that_are_absorbed_look_the_same() {
    let begin = b"\x1b[31mfirst\x1b[0m\r\nsecond that wraps because it is long\r\n\n\n\n\n\n\n\n";
    let (mut fast, mut slow) = both(size(6, 20), begin, &lines(20_000));
    assert!(fast.emulator.hot_rows() < 100 && slow.emulator.hot_rows() > 100);
    assert_same(&mut fast, &mut slow, "a flood");
    let (mut fast, mut slow) = both(size(6, 20), begin, &lines(2_000));
    assert_same(&mut fast, &mut slow, "a small flood");
    assert!(String::from_utf8(fast.snapshot(SCROLLBACK_ROWS)).unwrap().contains("first"));
}

#[test]
fn what_follows_a_flood_of_lines_is_read_as_usual() {
    let flood = [&lines(5_000)[..], b"\x1b[32mgreen\x1b[0m\r\n", &lines(300), b"part"].concat();
    let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", &flood);
    assert_same(&mut fast, &mut slow, "a flood and more");
    assert_eq!(fast.text(), "line 295\nline 296\nline 297\nline 298\nline 299\npart");
}

#[test]
fn lines_are_not_absorbed_where_something_changes_them() {
    let begin = b"\n\n\n\n\n\n\r";
    for change in [
        "\x1b[31m",
        "\x1b[?1049h",
        "\x1b[1;4r\x1b[6;1H",
        "\x1b[4h",
        "\x1b(0",
        "\x0e",
        "x",
        "\x1b[1;1H",
        "\x1b[6;3H!\r",
        "\x1b]8;id=x;https://example.org\x07",
        "\x1b[44m\x1b[K",
        "\x1b]2;",
        "\x1b[",
    ] {
        let begin = [&begin[..], change.as_bytes()].concat();
        let (mut fast, mut slow) = both(size(6, 20), &begin, &lines(500));
        assert_same(&mut fast, &mut slow, change);
    }
}

#[test]
fn long_lines_wrap_in_a_flood() {
    let flood =
        (0..3_000).map(|number| format!("{}\r\n", "x".repeat(number % 45))).collect::<Vec<_>>().concat();
    let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", flood.as_bytes());
    assert_same(&mut fast, &mut slow, "long lines");
}

#[test]
fn a_flood_may_begin_within_a_line() {
    let flood = lines(3_000);
    for cut in [2, 8, 9, 10] {
        let begin = [b"\n\n\n\n\n\n\r", &flood[..cut]].concat();
        let (mut fast, mut slow) = both(size(6, 20), &begin, &flood[cut..]);
        assert_eq!(fast.emulator.hot_rows(), 32);
        assert_same(&mut fast, &mut slow, "a flood from the middle");
    }
}
