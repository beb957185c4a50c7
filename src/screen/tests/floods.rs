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

/// Panics unless two screens show the same, also above: rows may be kept as they were printed, or as they are drawn anew.
fn assert_alike(fast: &mut Screen, slow: &mut Screen, what: &str) {
    let redrawn = |screen: &mut Screen| {
        let mut redrawn = Screen::new(screen.size(), SCROLLBACK_ROWS);
        for piece in screen.snapshot(SCROLLBACK_ROWS).chunks(16) {
            redrawn.feed(piece);
        }
        redrawn
    };
    assert_same(&mut redrawn(fast), &mut redrawn(slow), what);
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
fn lines_that_end_by_carriage_returns_of_their_own_are_absorbed_too() {
    for end in ["\r\r\n", "\x1b[m\r\r\r\n"] {
        let flood = (0..3_000).map(|number| format!("line {number}{end}")).collect::<Vec<_>>().concat();
        let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", flood.as_bytes());
        assert_eq!(fast.emulator.hot_rows(), 32, "{end:?}");
        assert_alike(&mut fast, &mut slow, end);
    }
}

#[test]
fn what_follows_a_flood_of_lines_is_read_as_usual() {
    let flood = [&lines(5_000)[..], b"\x1b[32mgreen\x1b[0m\r\n", &lines(300), b"part"].concat();
    let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", &flood);
    assert_alike(&mut fast, &mut slow, "a flood and more");
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
    assert!(fast.emulator.hot_rows() < 200 && slow.emulator.hot_rows() > 200);
    assert_same(&mut fast, &mut slow, "long lines");
}

#[test]
fn lines_of_several_rows_are_absorbed_and_look_the_same() {
    let row = "x".repeat(20);
    let blank = " ".repeat(20);
    for line in [
        row.clone(),
        format!("{row}{row}"),
        format!("{row}{row}y"),
        format!("{row} "),
        format!("{row}{blank}"),
        format!("{row}{blank}{blank}z"),
        format!("{blank}{row}"),
        format!("{blank}{blank}"),
        format!("{row}漢字{row}"),
        format!("\x1b[31m{row}\x1b[m{row}"),
        format!("{row}\x1b[m "),
        format!("{row}é\x1b[42m \x1b[m"),
        format!("one \x1b[1mtwo\x1b[m {row} three \x1b[2;33mfour\x1b[0m{row}"),
    ] {
        let flood = format!("{line}\r\n").repeat(1_000);
        let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", flood.as_bytes());
        assert!(fast.emulator.hot_rows() < 200, "{line:?}: {}", fast.emulator.hot_rows());
        assert_alike(&mut fast, &mut slow, &line);
    }
}

#[test]
fn a_terminal_that_grows_behind_a_flood_of_long_lines_is_as_full_as_ever() {
    let flood = (0..2_000).map(|number| format!("{number:080}\r\n")).collect::<Vec<_>>().concat();
    let begin = "\n".repeat(24) + "\r";
    let (mut fast, mut slow) = both(size(24, 20), begin.as_bytes(), flood.as_bytes());
    assert!(fast.emulator.hot_rows() < 300 && slow.emulator.hot_rows() > 300);
    for screen in [&mut fast, &mut slow] {
        screen.resize(size(24, 80));
    }
    assert_eq!(fast.text(), slow.text());
}

#[test]
fn rows_that_begin_coloured_or_leave_room_are_for_the_emulator() {
    let row = "x".repeat(20);
    for (begin, line) in [
        ("", format!("\x1b[31m{row}red\x1b[m")),
        ("", format!("{row}\x1b[41m \x1b[m")),
        ("", format!("{row} \x1b[m")),
        ("", format!("{row}{row}  \x1b[0m  ")),
        ("", format!("x{}", "漢".repeat(10))),
        ("\x1b[?7l", format!("{row}y")),
    ] {
        let begin = format!("{begin}\n\n\n\n\n\n\r");
        let flood = format!("{line}\r\n").repeat(1_000);
        let (mut fast, mut slow) = both(size(6, 20), begin.as_bytes(), flood.as_bytes());
        assert!(fast.emulator.hot_rows() > 200, "{line:?}");
        assert_same(&mut fast, &mut slow, &line);
    }
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

#[test]
fn a_flood_may_begin_within_a_sequence() {
    let flood =
        "\x1b[31;1mline\x1b]2;title\x07\x1b[0m\r\n".to_owned() + &"\x1b[32mgreen\x1b[0m\r\n".repeat(3_000);
    for cut in 1..flood.find('\n').unwrap() {
        let (first, rest) = flood.as_bytes().split_at(cut);
        let begin = [b"\n\n\n\n\n\n\r", first].concat();
        let (mut fast, mut slow) = both(size(6, 20), &begin, rest);
        assert_eq!(fast.emulator.hot_rows(), 32, "cut at {cut}");
        assert_alike(&mut fast, &mut slow, "a flood from within a sequence");
    }
}

#[test]
fn coloured_lines_are_absorbed_and_look_the_same() {
    let looks = [
        ("31", "0"),
        ("1;32", ""),
        ("38;5;208", "39"),
        ("48;2;1;20;255", "49"),
        ("1", "22"),
        ("2;3;4;7;8;9", "29;28;27;24;23;22"),
        ("97;107", "39;49"),
        ("0;31", "00"),
        ("38;5;1;4", ";"),
    ];
    for (on, off) in looks {
        let lines: Vec<String> = (0..2_000)
            .map(|number| format!("\x1b[{on}mé{number}\x1b[{off}m 漢 \x1b[{on}m  \x1b[{off}m  \r\n"))
            .collect();
        let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", lines.concat().as_bytes());
        assert_eq!(fast.emulator.hot_rows(), 32, "{on}");
        assert_alike(&mut fast, &mut slow, on);
    }
}

#[test]
fn lines_that_leave_something_behind_are_not_absorbed() {
    for part in [
        "\x1b[31mred",
        "\x1b[31;1mred\x1b[39m",
        "\x1b[38;5mred\x1b[39m",
        "\x1b[38:5:1mred",
        "\x1b[21mdouble",
        "\x1b[38;5;256mred",
        "\x1b[58;5;1munder\x1b[59m",
        "\x1b[1000m",
        "\x1b[?1m",
        "\x1b[>4;1m",
        "\x1b[2K",
        "\x1b[!p",
        "\x1bM",
        "a\tb",
        "a\x08b",
        "a\rb",
        "e\u{301}",
        "\u{9b}31m",
        "\x1b]133;A\x07",
        "\x0e",
        "\x7f",
    ] {
        let flood = format!("{part}\r\n").repeat(600);
        let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", flood.as_bytes());
        assert_ne!(fast.emulator.hot_rows(), 32, "{part:?}");
        assert_same(&mut fast, &mut slow, part);
    }
}

#[test]
fn one_odd_line_does_not_end_a_flood() {
    let odd =
        b"\x1b[7ma line that is far too long for the screen\x1b[m\r\n\x1b]2;title\x07\x1b[31m\r\n\x1b[m\n\r";
    let flood = [&lines(2_000)[..], odd, &lines(2_000)].concat();
    let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", &flood);
    assert_eq!((fast.emulator.hot_rows(), fast.title()), (32, Some("title")));
    assert_alike(&mut fast, &mut slow, "a flood with odd lines");
}

#[test]
fn floods_of_anything_look_the_same_however_they_come() {
    const PARTS: [&str; 16] = [
        "word",
        "more words than fit in a row",
        "                    ",
        " ",
        "\x1b[1m",
        "\x1b[m",
        "\x1b[0m",
        "\x1b[32m",
        "\x1b[39m",
        "\x1b[48;5;9m",
        "\x1b[49m",
        "ö",
        "語",
        "\t",
        "12345678901",
        "\x1b[K",
    ];
    for seed in 0..40 {
        let mut random = streams::Random::new(seed);
        let usual = 2 + random.below(13);
        let mut flood = String::new();
        for _ in 0..1_500 {
            for _ in 0..random.below(5) {
                let parts = if random.below(200) == 0 { PARTS.len() } else { usual.min(PARTS.len()) };
                flood.push_str(PARTS[random.below(parts)]);
            }
            flood.push_str(["\r\n", "\x1b[m\r\n", "\x1b[m\r\n", "\x1b[m\r\r\n"][random.below(4)]);
        }
        let (mut fast, mut slow) = both(size(6, 20), b"\n\n\n\n\n\n\r", flood.as_bytes());
        assert_alike(&mut fast, &mut slow, &format!("seed {seed}"));
    }
}
