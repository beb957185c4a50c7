use super::*;

const CUTS: usize = 20;

#[test]
fn a_snapshot_brings_a_fresh_screen_to_the_same_state_wherever_a_recording_is_cut() {
    let mut exact = 0;
    let mut failed = Vec::new();
    for (name, bytes) in RECORDINGS {
        for part in 1..=CUTS {
            let cut = bytes.len() * part / CUTS;
            let mut screen = fed(recorded(), &bytes[..cut]);
            match difference(&mut copy(&mut screen), &mut screen) {
                None => exact += 1,
                Some(difference) => failed.push(format!("{name} at {cut}: {difference}")),
            }
        }
    }
    assert_eq!((exact, failed), (RECORDINGS.len() * CUTS, vec![]));
}

#[test]
fn a_snapshot_leaves_the_screen_as_it_was() {
    for (name, bytes) in RECORDINGS {
        let (begin, end) = bytes.split_at(bytes.len() / 2);
        let mut looked_at = fed(recorded(), begin);
        looked_at.snapshot(SCROLLBACK_ROWS);
        looked_at.feed(end);
        assert_same(&mut looked_at, &mut fed(recorded(), bytes), name);
    }
}

#[test]
fn the_size_of_the_pieces_does_not_matter() {
    for (name, bytes) in RECORDINGS {
        let mut whole = fed(recorded(), bytes);
        for length in [1, 7, 777] {
            let mut pieces = Screen::new(recorded(), SCROLLBACK_ROWS);
            bytes.chunks(length).for_each(|piece| drop(pieces.feed(piece)));
            assert_same(&mut pieces, &mut whole, &format!("{name} in pieces of {length}"));
        }
    }
}

#[test]
fn a_cursor_that_waits_behind_the_last_column_waits_in_the_copy() {
    for end in ["x", "界", "e\u{301}"] {
        let mut screen = small(format!("{}{end}", "a".repeat(if end == "界" { 18 } else { 19 })).as_bytes());
        let mut copy = copy(&mut screen);
        screen.feed(b"b");
        copy.feed(b"b");
        assert_eq!(copy.text(), screen.text());
        assert_eq!(copy.cursor().row, 1);
    }
}

#[test]
fn rows_that_wrapped_flow_anew_in_the_copy() {
    let mut screen = small(b"0123456789012345678901234");
    let mut copy = copy(&mut screen);
    copy.resize(size(5, 30));
    assert_eq!(copy.text(), "0123456789012345678901234");
}

#[test]
fn an_erased_row_behind_one_that_wrapped_is_not_lost() {
    let mut screen = small(b"0123456789012345678901234\r\nend\x1b[2;1H\x1b[2K");
    let copy = copy(&mut screen);
    assert_eq!(copy.text(), "01234567890123456789\n\nend");
    assert_eq!(copy.cursor(), screen.cursor());
}

#[test]
fn half_a_wide_character_does_not_join_rows() {
    let mut screen = small("0123456789012345678901234567890123456界\x1b[2;1H\x1b[2@\r\nend".as_bytes());
    screen.resize(size(5, 40));
    assert_eq!(copy(&mut screen).text(), screen.text());
    assert_eq!(screen.text(), "01234567890123456789  01234567890123456\n\nend");
}

#[test]
fn the_room_for_a_wide_character_may_move_away_from_the_end_of_its_row() {
    let mut screen = small("0123456789012345678界\x1b[1;1H\x1b[2P\x1b[1;19Hxyz\x1b[3;1Hend".as_bytes());
    let mut copy = copy(&mut screen);
    assert_eq!(copy.text(), screen.text());
    assert_eq!(screen.text(), "23456789012345678 xy\nz\nend");
    assert_same(&mut copy, &mut screen, "copy");
}

#[test]
fn a_mark_where_room_was_left_for_a_wide_character_comes_back() {
    let rows = "0123456789012345678界";
    // A soft hyphen takes no column either.
    for mark in ['\u{301}', '\u{ad}'] {
        for marked in [
            // There is no room for it, and nothing wraps: it is gone, and the cursor waits.
            format!("{rows}\x1b[?7l\x1b[1;20H世{mark}\x1b[3;1Hend"),
            // A cursor that waited there before the room was left.
            format!("01234567890123456789\x1b7\r{rows}\x1b8{mark}\x1b[3;1Hend"),
        ] {
            let screen = &mut small(marked.as_bytes());
            assert_eq!(screen.text(), format!("0123456789012345678 {mark}\n界\nend"), "{marked}");
            assert_eq!(copy(screen).text(), screen.text(), "{marked}");
        }
    }
}

#[test]
fn a_cursor_that_waits_behind_half_a_wide_character_moves_nothing() {
    let mut screen = small("012345678901234567界\x1b7\r\x1b[1@\x1b[2;1Hend".as_bytes());
    let mut copy = copy(&mut screen);
    assert_eq!(copy.text(), screen.text());
    for screen in [&mut screen, &mut copy] {
        screen.feed(b"\x1b8x");
    }
    assert_eq!(copy.text(), screen.text());
    assert_eq!(screen.text(), " 012345678901234567\nxnd");
}

#[test]
fn a_line_that_is_partly_spilled_flows_anew_only_below() {
    let mut screen = fed(size(1, 2), &b"0123456789".repeat(400));
    assert!(screen.compressed_bytes() > 0);
    screen.resize(size(5, 121));
    assert_eq!(copy(&mut screen).text(), screen.text());
}

#[test]
fn a_cursor_that_waits_outside_the_margins_draws_nothing_inside_them() {
    let mut screen = small(b"one\x1b[5;1H01234567890123456789\x1b7\x1b[1;2r\x1b[?6h\x1b8");
    assert_eq!(copy(&mut screen).text(), screen.text());
    assert_eq!(screen.text(), "one\n\n\n\n01234567890123456789");
}

#[test]
fn a_mark_on_a_tab_is_told_as_it_is_restored() {
    let mut screen = small("\t\r\u{301}".as_bytes());
    assert_eq!(copy(&mut screen).text(), screen.text());
    assert_eq!(screen.text(), " \u{301}");
}

#[test]
fn the_primary_screen_comes_back_behind_the_alternate_one() {
    let mut screen = small(b"one\r\ntwo\x1b[31m\x1b[?1049h\x1b[2J\x1b[Hmenu\x1b[3;3r");
    let mut copy = copy(&mut screen);
    assert_eq!(copy.text(), "menu");
    for screen in [&mut screen, &mut copy] {
        screen.feed(b"\x1b[r\x1b[?1049lred");
    }
    assert_eq!(copy.text(), "one\ntwored");
    assert_same(&mut copy, &mut screen, "copy");
}

#[test]
fn modes_and_everything_beside_the_picture_is_restored() {
    let modes = "\x1b[?1h\x1b=\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[?2004h\x1b[?2031h\x1b[?7l\x1b[?25l\x1b[4h\
                 \x1b[>7u\x1b[>1u\x1b[=3u\x1b[>4;2m\x1b[3 q\x1b]2;a title\x07\x1b]11;#102030\x07\x1b]4;3;#aabbcc\x07\
                 \x1b[3g\x1b[1;6H\x1bH\x1b(0\x1b[2;4r\x1b[?6h\x1b[2;5H\x1b[1;35m\x1b]8;id=x;https://example.org\x07";
    let mut screen = small(modes.as_bytes());
    let mut copy = copy(&mut screen);
    assert_same(&mut copy, &mut screen, "copy");
    assert_eq!(copy.title(), Some("a title"));
    for screen in [&mut screen, &mut copy] {
        screen.feed(b"\x1b[4lqx\ttab\x1b[?6l\x1b[5;1Hlast\n\n");
    }
    assert_eq!(copy.text(), screen.text());
    assert_same(&mut copy, &mut screen, "copy");
}

#[test]
fn the_saved_cursor_is_restored() {
    let mut screen = small(b"\x1b[2;3H\x1b[32m\x1b7\x1b[0m\x1b[4;4Habc");
    let mut copy = copy(&mut screen);
    copy.feed(b"\x1b8green");
    assert_eq!(copy.ansi(), "\n  \x1b[0;32mgreen\x1b[0m\n\n   abc");
}

#[test]
fn a_sequence_that_is_cut_in_two_goes_on_in_the_copy() {
    let whole = "a\x1b[38;5;196mred\x1b]0;title\x07\x1b(0q\x1b(B世界\x1bP+q544e\x1b\\end".as_bytes();
    for cut in 0..whole.len() {
        let (begin, end) = whole.split_at(cut);
        let mut copy = copy(&mut small(begin));
        copy.feed(end);
        assert_same(&mut copy, &mut small(whole), &format!("cut at {cut}"));
    }
}

#[test]
fn reset_leaves_an_ordinary_terminal() {
    for (name, bytes) in RECORDINGS {
        for part in 1..=CUTS {
            let mut screen = fed(recorded(), &bytes[..bytes.len() * part / CUTS]);
            screen.feed(RESET);
            let ordinary = Screen::new(recorded(), 0);
            assert_eq!(screen.emulator.term.mode(), ordinary.emulator.term.mode(), "{name}");
            assert!(screen.emulator.recall.margins.is_none() && screen.emulator.recall.keyboard.flags() == 0);
            assert_eq!(screen.emulator.recall.foreign_modes().count(), 0);
            assert!(!screen.is_alternate() && !screen.is_updating());
        }
    }
}

#[test]
fn reset_leaves_text_and_cursor_where_they_are() {
    let mut screen = small(b"one\r\ntwo\x1b[2;4r\x1b[3;3Hx");
    let before = screen.cursor();
    screen.feed(RESET);
    assert_eq!((screen.text().as_str(), screen.cursor()), ("one\ntwo\n  x", before));
}

#[test]
fn a_row_that_is_wrapped_into_has_its_own_background_to_the_end() {
    let mut screen = small(b"\x1b[5;1H0123456789012345678901\r\x1b[42m\x1b[1K");
    assert_same(&mut copy(&mut screen), &mut screen, "a green cell behind a wrap");
    let mut screen = small("\x1b[5;1H0123456789012345678\x1b[9;44m世".as_bytes());
    screen.feed(b"\x1b[0m\x1b[K");
    assert_same(&mut copy(&mut screen), &mut screen, "a wide character that left room");
}
