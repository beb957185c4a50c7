use super::*;

#[test]
fn sizes_have_limits() {
    assert_eq!(Size::new(24, 80), Some(Size::default()));
    for (rows, cols) in [(0, 80), (24, 1), (1001, 80), (24, 1001)] {
        assert_eq!(Size::new(rows, cols), None);
    }
    assert!(Size::new(1, 2).is_some() && Size::new(1000, 1000).is_some());
}

#[test]
fn text_ends_where_nothing_more_is() {
    assert_eq!(small(b"one  \r\n\r\n  two\r\n\r\n").text(), "one\n\n  two");
    assert_eq!(small(b"").text(), "");
}

#[test]
fn ansi_rows_begin_and_end_plain() {
    let screen = small(b"\x1b[1;31mred\r\nstill\x1b[0m plain\r\n\x1b[48;5;20m\x1b[4:3;58:5:3mx");
    let rows =
        ["\x1b[0;1;31mred\x1b[0m", "\x1b[0;1;31mstill\x1b[0m plain", "\x1b[0;4:3;48;5;20;58:5:3mx\x1b[0m"];
    assert_eq!(screen.ansi(), rows.join("\n"));
}

#[test]
fn cells_tell_text_colours_attributes_and_links() {
    let screen = small(
        "\x1b[1;3;4:2;9;32;48;2;1;2;3m\x1b]8;;https://example.org\x07e\u{301}\x1b]8;;\x07\x1b[0m界\x1b[94;2;7;8mx".as_bytes(),
    );
    let row = &screen.rows()[0];
    let first = &row[0];
    assert_eq!((first.text.as_str(), first.width), ("e\u{301}", 1));
    assert_eq!((first.foreground, first.background), (Colour::Indexed(2), Colour::Rgb(1, 2, 3)));
    assert!(first.attributes.is_bold() && first.attributes.is_italic() && first.attributes.is_struck());
    assert_eq!(first.attributes.underline(), Some(Underline::Double));
    assert_eq!(first.link.as_deref(), Some("https://example.org"));
    assert_eq!((row[1].text.as_str(), row[1].width, &row[1].link), ("界", 2, &None));
    assert_eq!((row[2].text.as_str(), row[2].foreground), ("x", Colour::Indexed(12)));
    let attributes = row[2].attributes;
    assert!(attributes.is_dim() && attributes.is_inverse() && attributes.is_hidden());
    assert_eq!(row.len(), 19);
}

#[test]
fn the_cursor_has_a_place_and_a_look() {
    let cursor = small(b"ab\r\nc\x1b[5 q\x1b[?25l").cursor();
    let expected = Cursor { row: 1, column: 1, visible: false, shape: CursorShape::Beam, blinking: true };
    assert_eq!(cursor, expected);
}

#[test]
fn titles_are_stacked_and_cannot_steer() {
    let mut screen = small("\x1b]2;one\x07\x1b[22t\x1b]2;tw\u{9b}o\x07".as_bytes());
    assert_eq!(screen.title(), Some("two"));
    screen.feed(b"\x1b[23;0t");
    assert_eq!(screen.title(), Some("one"));
}

#[test]
fn modes_that_matter_to_a_client_are_told() {
    let screen = small(b"\x1b[?1049h\x1b[?2004h\x1b[?2026hhalf");
    assert!(screen.is_alternate() && screen.takes_bracketed_paste() && screen.is_updating());
    assert_eq!(screen.text(), "half");
}

#[test]
fn the_older_alternate_screens_are_known() {
    for number in [47, 1047] {
        let mut screen = small(format!("one\x1b[?{number}htwo").as_bytes());
        assert!(screen.is_alternate());
        screen.feed(format!("\x1b[?{number}l").as_bytes());
        assert_eq!(screen.text(), "one");
    }
}

#[test]
fn tab_stops_are_set_anew() {
    assert_eq!(small(b"\x1b[3g\x1b[?5W\tx").text(), "        x");
}

#[test]
fn a_taller_screen_shows_rows_that_had_scrolled_out() {
    let mut screen = small(b"1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7");
    screen.resize(size(7, 20));
    assert_eq!(screen.text(), "1\n2\n3\n4\n5\n6\n7");
    assert_eq!(screen.scrollback_rows(), 0);
}
