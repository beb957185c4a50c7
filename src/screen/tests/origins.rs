use super::*;

#[test]
fn a_cursor_that_is_put_back_counts_from_where_it_did() {
    for (output, row, is_counted) in [
        // Saved without the margins, put back without them.
        ("\x1b[2;3H\x1b7\x1b[3;5r\x1b[?6h\x1b8", 1, false),
        // Saved with them.
        ("\x1b[3;5r\x1b[?6h\x1b[2H\x1b7\x1b[?6l\x1b8", 3, true),
        ("\x1b[3;5r\x1b[?6h\x1b[2H\x1b[s\x1b[?6l\x1b[u", 3, true),
        // Other margins since.
        ("\x1b[?6h\x1b[5H\x1b7\x1b[1;2r\x1b8", 1, true),
        // Nothing was saved.
        ("\x1b[?6h\x1b[3r\x1b8", 0, false),
        ("\x1b[?6h\x1b[?1049h\x1b[3r\x1b[?6l\x1b[?1049l", 2, true),
        ("\x1b[?1049h\x1b[?6h\x1b[?1049l\x1b[;2r\x1b8", 0, false),
        ("\x1b[?6h\x1b7\x1b[!p\x1b[3r\x1b8", 0, false),
    ] {
        let mut screen = small(output.as_bytes());
        assert_eq!(screen.cursor().row, row, "{output:?}");
        assert_eq!(screen.emulator.has_origin(), is_counted, "{output:?}");
        let mut copy = copy(&mut screen);
        assert_same(&mut copy, &mut screen, output);
        // What is saved came along.
        for next in ["\x1b8", "\x1b[?1049l", "\x1b8x"] {
            screen.feed(next.as_bytes());
            copy.feed(next.as_bytes());
            assert_same(&mut copy, &mut screen, output);
        }
    }
}

#[test]
fn a_cursor_that_counts_from_margins_moves_as_far_as_it_is_told_and_no_further() {
    for (moves, row, column) in [
        ("\x1b[5A", 1, 0),
        ("\x1b[1B", 2, 0),
        ("\x1b[1B\x1b[7G", 2, 6),
        ("\x1b[2B\x1b[1A\x1b[4C", 2, 4),
        ("\x1b[9B", 3, 0),
        ("\x1b[5G\x1b[1E", 2, 0),
        ("\x1b[2E\x1b[5G\x1b[1F", 2, 0),
        ("\x1b[65535F", 1, 0),
    ] {
        let mut screen = small(format!("\x1b[2;4r\x1b[?6h{moves}").as_bytes());
        assert_eq!((screen.cursor().row, screen.cursor().column), (row, column), "{moves:?}");
        let mut copy = copy(&mut screen);
        assert_same(&mut copy, &mut screen, moves);
    }
}

#[test]
fn a_saved_origin_of_both_screens_comes_along() {
    let mut screen = small(b"\x1b[2;4r\x1b[?6h\x1b[2H\x1b[?1049h\x1b7\x1b[?6l\x1b[H");
    let mut copy = copy(&mut screen);
    for next in ["", "\x1b8", "\x1b[?6l\x1b[?1049l", "x"] {
        screen.feed(next.as_bytes());
        copy.feed(next.as_bytes());
        assert_same(&mut copy, &mut screen, next);
    }
    assert!(screen.emulator.has_origin());
}

#[test]
fn the_alternate_screen_is_empty_and_as_large_as_the_other_whenever_it_is_turned_to() {
    let mut screen = small(b"\x1b[3;4Hprimary\x1b7");
    for (size, output) in [
        (size(5, 20), "\x1b[41m\x1b[?1049h"),
        (size(9, 33), "\x1b[Hleft behind\x1b7\x1b[?1049l\x1b[?1049h"),
        (size(2, 7), "\x1b[?1049l\x1bc\x1b[?1049h"),
        (size(7, 40), "\x1b[Hmore\x1bc\x1b[44m\x1b[?1049h"),
    ] {
        screen.resize(size);
        screen.feed(output.as_bytes());
        let rows = screen.rows();
        assert!(screen.is_alternate() && screen.text().is_empty(), "{output:?}");
        assert_eq!((rows.len(), rows[0].len()), (size.rows().into(), size.cols().into()), "{output:?}");
        let background = rows[0][0].background;
        assert!(rows.iter().flatten().all(|cell| cell.background == background), "{output:?}");
        let mut copy = copy(&mut screen);
        assert_same(&mut copy, &mut screen, output);
        screen.feed(b"\x1b[1;1Hx\x1b[999;999Hy");
        copy.feed(b"\x1b[1;1Hx\x1b[999;999Hy");
        assert_same(&mut copy, &mut screen, output);
    }
}

#[test]
fn a_tab_back_waits_behind_nothing() {
    let mut screen = small(b"12345678901234567890\x1b[Z");
    assert_eq!((screen.cursor().row, screen.cursor().column), (0, 16));
    let mut copy = copy(&mut screen);
    assert_same(&mut copy, &mut screen, "copied");
    screen.feed(b"x");
    assert_eq!(screen.text(), "1234567890123456x890");
}
