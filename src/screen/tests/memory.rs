use std::fmt::Write as _;

use super::*;
use crate::screen::{emulator::HOT_ROWS_MAX, spill};

/// So many lines of a coloured log, each 100 columns wide.
fn log(lines: std::ops::Range<usize>) -> Vec<u8> {
    let line = |number: usize| {
        let hash = number.wrapping_mul(2_654_435_761) % (1 << 32);
        format!(
            "\x1b[2m11:22:33\x1b[0m \x1b[32m INFO\x1b[0m id={hash:08x} {number:06} {}\r\n",
            "words ".repeat(11)
        )
    };
    lines.map(line).collect::<String>().into_bytes()
}

#[test]
fn ten_thousand_rows_are_kept_in_little_memory() {
    let output = log(0..20_000);
    for (reads, hot_rows) in [(4096, HOT_ROWS_MAX / 2..=HOT_ROWS_MAX), (output.len(), 32..=32)] {
        let mut screen = Screen::new(size(40, 120), SCROLLBACK_ROWS);
        for read in output.chunks(reads) {
            screen.feed(read);
        }
        assert_eq!(screen.scrollback_rows(), SCROLLBACK_ROWS);
        assert!(hot_rows.contains(&screen.emulator.hot_rows()), "{} hot rows", screen.emulator.hot_rows());
        while screen.compress() {}
        let bytes = screen.compressed_bytes();
        assert!(bytes < 600 * 1024, "{bytes} bytes for the spilled rows");
    }
}

#[test]
fn rows_are_the_same_before_and_after_they_are_compressed() {
    let mut screen = Screen::new(size(40, 120), SCROLLBACK_ROWS);
    screen.feed(&log(0..20_000));
    let loose = (screen.compressed_bytes(), screen.snapshot(5_000), screen.snapshot(SCROLLBACK_ROWS));
    assert!(screen.compress());
    assert!(screen.snapshot(SCROLLBACK_ROWS) == loose.2, "one block");
    while screen.compress() {}
    assert!(screen.compressed_bytes() < loose.0 / 2);
    assert!(screen.snapshot(5_000) == loose.1 && screen.snapshot(SCROLLBACK_ROWS) == loose.2, "all blocks");
}

#[test]
fn a_session_that_printed_little_has_memory_for_little() {
    let mut screen = Screen::new(size(40, 120), SCROLLBACK_ROWS);
    assert_eq!(screen.emulator.capacity(), 4);
    screen.feed(&log(0..100));
    assert_eq!((screen.scrollback_rows(), screen.emulator.capacity()), (61, 64));
}

#[test]
fn no_row_is_lost_between_hot_and_spilled_ones() {
    let mut screen = Screen::new(size(10, 40), SCROLLBACK_ROWS);
    for number in 0..9_000 {
        screen.feed(format!("row {number}\r\n").as_bytes());
    }
    let mut whole = fed(size(1000, 40), &screen.snapshot(SCROLLBACK_ROWS));
    let snapshot = String::from_utf8(whole.snapshot(SCROLLBACK_ROWS)).unwrap();
    let numbers = snapshot.lines().filter_map(|line| line.rsplit_once("row ")?.1.parse::<usize>().ok());
    assert!(numbers.eq(0..9_000));
}

#[test]
fn one_sequence_cannot_push_rows_out_unseen() {
    let mut screen = Screen::new(size(10, 10), SCROLLBACK_ROWS);
    // Ten columns take a character that is repeated so often in 5,000 rows.
    screen.feed(b"x\x1b[49999b");
    assert_eq!(screen.scrollback_rows(), 4_990);
    screen.feed(&b"\x1b[10S".repeat(1000));
    assert_eq!(screen.scrollback_rows(), SCROLLBACK_ROWS);
}

#[test]
fn rows_that_a_smaller_width_makes_are_kept() {
    let mut screen = Screen::new(size(10, 100), SCROLLBACK_ROWS);
    screen.feed("0123456789".repeat(10 * 500).as_bytes());
    screen.resize(size(10, 10));
    assert_eq!(screen.scrollback_rows(), 4_990);
    assert_eq!(screen.emulator.hot_rows(), HOT_ROWS_MAX);
}

#[test]
fn rows_that_a_smaller_width_makes_under_an_alternate_screen_are_kept() {
    let mut screen = Screen::new(size(10, 100), SCROLLBACK_ROWS);
    screen.feed("0123456789".repeat(10 * 500).as_bytes());
    screen.feed(b"\x1b[?1049h");
    screen.resize(size(10, 10));
    screen.feed(b"\x1b[?1049l");
    assert_eq!(screen.scrollback_rows(), 4_990);
    assert_eq!(screen.emulator.hot_rows(), HOT_ROWS_MAX);
}

#[test]
fn rows_of_noise_are_bounded_in_bytes() {
    let mut random = streams::Random::new(1);
    let mut screen = Screen::new(size(10, 200), 100_000);
    for _ in 0..3_000 {
        let mut row = String::new();
        for letter in ('a'..='z').cycle().take(200) {
            let (red, green, blue) = (random.below(256), random.below(256), random.below(256));
            write!(row, "\x1b[38;2;{red};{green};{blue}m{letter}").unwrap();
        }
        screen.feed(row.as_bytes());
    }
    let bytes = screen.compressed_bytes();
    let open = 2 * spill::OPEN_BYTES;
    assert!(bytes <= spill::SEALED_BYTES_MAX + spill::LOOSE_BYTES_MAX + open, "{bytes} bytes");
    while screen.compress() {}
    let bytes = screen.compressed_bytes();
    assert!(bytes <= spill::SEALED_BYTES_MAX + open, "{bytes} bytes");
    assert!(screen.scrollback_rows() > HOT_ROWS_MAX);
}

#[test]
fn no_scrollback_is_kept_where_none_is_wanted() {
    let mut screen = Screen::new(size(10, 20), 0);
    screen.feed(&log(0..2000));
    assert_eq!((screen.scrollback_rows(), screen.compressed_bytes()), (0, 0));
    let mut screen = Screen::new(size(10, 20), 50);
    screen.feed(&log(0..2000));
    assert_eq!((screen.scrollback_rows(), screen.compressed_bytes()), (50, 0));
}

#[test]
fn clearing_the_scrollback_clears_all_of_it() {
    for clear in ["\x1b[3J", "\x1bc"] {
        let mut screen = Screen::new(size(10, 20), SCROLLBACK_ROWS);
        screen.feed(&log(0..2000));
        screen.feed(clear.as_bytes());
        assert_eq!(screen.scrollback_rows(), 0);
    }
}

#[test]
fn letters_with_many_marks_and_long_titles_are_cut() {
    let mut screen = small(format!("a{}b", "\u{301}".repeat(10_000)).as_bytes());
    assert_eq!(screen.rows()[0][0].text.chars().count(), 17);
    assert_eq!(screen.rows()[0][1].text, "b");
    screen.feed(format!("\x1b]2;{}\x07!", "long ".repeat(100_000)).as_bytes());
    assert!(screen.title().unwrap().len() <= 1024);
    assert_eq!(screen.rows()[0][2].text, "!");
}
